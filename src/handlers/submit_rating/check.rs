//! Checking a filled form against the catalog; everything wrong with it is found at once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::catalog::{CatalogHead, Questionnaire, UnitEntry};
use crate::domain::id::{FieldId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode};
use crate::domain::phone::Phone;
use crate::domain::rating::{Answer, Channel, MAX_SUGGESTION, RaterKind, Satisfaction, Subject};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};
use crate::domain::text::{TextError, normalise};
use crate::http::FieldError;
use crate::store::rating::parse_questionnaire;

/// Longest full name, in characters.
pub const MAX_FULL_NAME: usize = 100;

/// A filled rating form, as sent. Names are the same in JSON and in a native form, where lists repeat their name and
/// answers are sent as `answers.<question>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmitRating {
    /// Whom: `unit` or `unit/official`.
    #[schema(example = "48-20242/48-20242-01")]
    pub subject: Option<String>,
    /// `participant` (with a receipt code) or `non_participant` (with name and phone).
    #[schema(example = "participant")]
    pub rater_kind: Option<String>,
    /// Field of transaction; participants only. The dossier's own field is what counts.
    pub field_id: Option<String>,
    /// Receipt code (mã biên nhận); participants only.
    #[schema(example = "000.00.20.H17-261012-0007")]
    pub receipt_code: Option<String>,
    /// Secret part of the slip, where it carries one; participants only.
    pub receipt_secret: Option<String>,
    /// Full name; non-participants only. Kept sealed, apart from the rating.
    pub full_name: Option<String>,
    /// Vietnamese telephone number; non-participants only. Kept sealed, apart from the rating.
    pub phone: Option<String>,
    /// `yes`: consents to name and phone being kept; non-participants only.
    pub consent: Option<String>,
    /// `satisfied` or `not_satisfied`.
    #[schema(example = "satisfied")]
    pub satisfaction: Option<String>,
    /// Codes of the catalog's reasons: at least one when not satisfied.
    pub reasons: Vec<String>,
    /// Option by question of the questionnaire; questions may stay open.
    pub answers: BTreeMap<String, String>,
    /// The questionnaire answered, `id@version`; the current one when absent.
    pub questionnaire: Option<String>,
    /// Free suggestion, at most 1,000 characters; never published.
    pub suggestion: Option<String>,
    /// 22 base64url characters (128 random bits) drawn once by the rater's page and sent again with every retry: a repeat
    /// of the same rating from the same attempt gets the same success.
    pub attempt: Option<String>,
    /// What the form of a receipt offers to rate, each `subject:role`, so that the form can be shown again when none was
    /// chosen.
    pub offered: Option<String>,
    /// Language of the answer: `vi` or `en`.
    pub lang: Option<String>,
    /// Security code: ALTCHA payload, base64.
    pub altcha: Option<String>,
    /// Security code: the salt of the commitment the challenge was asked for with.
    pub salt: Option<String>,
    /// Security code, typed way: the image's token.
    pub typed_token: Option<String>,
    /// Security code, typed way: the digits.
    pub typed_answer: Option<String>,
}

/// Who rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rater {
    /// With a dossier.
    Participant {
        /// The receipt's code.
        code: ReceiptCode,
        /// Its secret part, where one was given.
        secret: Option<ReceiptSecret>,
    },
    /// Without.
    NonParticipant {
        /// Full name.
        full_name: String,
        /// Telephone.
        phone: Phone,
    },
}

/// A form whose every value is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Who rates.
    pub rater: Rater,
    /// The verdict.
    pub satisfaction: Satisfaction,
    /// Reasons; empty when satisfied.
    pub reasons: BTreeSet<ReasonCode>,
    /// The questionnaire answered.
    pub questionnaire: Option<(QuestionnaireId, u32)>,
    /// One per question of it.
    pub answers: BTreeMap<QuestionCode, Answer>,
    /// Suggestion, normalised.
    pub suggestion: Option<String>,
    /// The attempt it came in; a fresh one where none was sent, so that nothing matches it.
    pub attempt: String,
}

/// Checks the subject: shaped, known, in force.
///
/// # Errors
/// One [`FieldError`] on `subject`.
pub fn check_subject(
    subject: &Subject,
    entry: Option<&UnitEntry>,
    head: &CatalogHead,
    today: Date,
) -> Result<(), FieldError> {
    let error = |code| FieldError {
        field: "subject",
        code,
    };
    let entry = entry.ok_or(error("unknown"))?;
    let group = head
        .groups
        .iter()
        .find(|group| group.id == entry.unit.group_id);
    let group_open = group.is_none_or(|group| group.validity.holds(today));
    if !entry.unit.validity.holds(today)
        || !group_open
        || head.settings.opens.is_some_and(|opens| today < opens)
    {
        return Err(error("closed"));
    }
    match &subject.official_id {
        Some(official) if entry.official(official, today).is_none() => Err(error("unknown")),
        _ => Ok(()),
    }
}

/// Checks everything else.
///
/// # Errors
/// Every value at fault.
pub fn check(
    form: &SubmitRating,
    head: &CatalogHead,
    channel: Channel,
    today: Date,
) -> Result<Checked, Vec<FieldError>> {
    let mut errors = Vec::new();
    let rater = check_rater(form, head, &mut errors);
    let satisfaction = match form.satisfaction.as_deref().map(Satisfaction::parse) {
        Some(Some(satisfaction)) => Some(satisfaction),
        given => {
            errors.push(FieldError {
                field: "satisfaction",
                code: if given.is_none() {
                    "missing"
                } else {
                    "malformed"
                },
            });
            None
        }
    };
    let reasons = check_reasons(form, head, satisfaction, &mut errors);
    // The questions are about a dossier; who had none is not asked, and nothing is recorded as left open.
    let asked = !matches!(rater, Some(Rater::NonParticipant { .. }));
    let questionnaire = asked
        .then(|| check_questionnaire(form, head, channel, today, &mut errors))
        .flatten();
    let answers = questionnaire
        .map(|questionnaire| check_answers(form, questionnaire, &mut errors))
        .unwrap_or_default();
    let suggestion = match form
        .suggestion
        .as_deref()
        .map(|text| normalise(text, MAX_SUGGESTION))
    {
        None | Some(Err(TextError::Empty)) => None,
        Some(Ok(text)) => Some(text),
        Some(Err(error)) => {
            errors.push(text_error("suggestion", error));
            None
        }
    };
    let attempt = match form.attempt.as_deref() {
        None => crate::app::new_attempt(),
        Some(attempt) if is_attempt(attempt) => attempt.to_owned(),
        Some(_) => {
            errors.push(FieldError {
                field: "security_code",
                code: "malformed",
            });
            String::new()
        }
    };
    match (rater, satisfaction) {
        (Some(rater), Some(satisfaction)) if errors.is_empty() => {
            let questionnaire = questionnaire
                .map(|questionnaire| (questionnaire.id.clone(), questionnaire.version));
            Ok(Checked {
                rater,
                satisfaction,
                reasons,
                questionnaire,
                answers,
                suggestion,
                attempt,
            })
        }
        _ => Err(errors),
    }
}

/// The receipt code and secret of a form.
///
/// # Errors
/// A [`FieldError`] for each at fault.
pub fn check_receipt(
    code: Option<&str>,
    secret: Option<&str>,
) -> Result<(ReceiptCode, Option<ReceiptSecret>), Vec<FieldError>> {
    let mut errors = Vec::new();
    let code = match code.map(ReceiptCode::parse) {
        Some(Ok(code)) => Some(code),
        given => {
            errors.push(FieldError {
                field: "receipt_code",
                code: if given.is_none() {
                    "missing"
                } else {
                    "malformed"
                },
            });
            None
        }
    };
    let secret = match secret
        .filter(|secret| !secret.trim().is_empty())
        .map(ReceiptSecret::parse)
    {
        None => Some(None),
        Some(Ok(secret)) => Some(Some(secret)),
        Some(Err(_)) => {
            errors.push(FieldError {
                field: "receipt_secret",
                code: "malformed",
            });
            None
        }
    };
    match (code, secret) {
        (Some(code), Some(secret)) => Ok((code, secret)),
        _ => Err(errors),
    }
}

fn check_rater(
    form: &SubmitRating,
    head: &CatalogHead,
    errors: &mut Vec<FieldError>,
) -> Option<Rater> {
    let Some(kind) = form.rater_kind.as_deref().and_then(RaterKind::parse) else {
        errors.push(FieldError {
            field: "rater_kind",
            code: if form.rater_kind.is_none() {
                "missing"
            } else {
                "malformed"
            },
        });
        return None;
    };
    match kind {
        RaterKind::Participant => {
            match form
                .field_id
                .as_deref()
                .map(|id| FieldId::parse(id).ok().and_then(|id| head.field(&id)))
            {
                Some(Some(_)) => {}
                None => errors.push(FieldError {
                    field: "field_id",
                    code: "missing",
                }),
                Some(None) => errors.push(FieldError {
                    field: "field_id",
                    code: "unknown",
                }),
            }
            match check_receipt(form.receipt_code.as_deref(), form.receipt_secret.as_deref()) {
                Ok((code, secret)) => Some(Rater::Participant { code, secret }),
                Err(found) => {
                    errors.extend(found);
                    None
                }
            }
        }
        RaterKind::NonParticipant => {
            let full_name = match form
                .full_name
                .as_deref()
                .map(|name| normalise(name, MAX_FULL_NAME))
            {
                Some(Ok(name)) => Some(name),
                None => {
                    errors.push(FieldError {
                        field: "full_name",
                        code: "missing",
                    });
                    None
                }
                Some(Err(error)) => {
                    errors.push(text_error("full_name", error));
                    None
                }
            };
            let phone = match form.phone.as_deref().map(Phone::parse) {
                Some(Ok(phone)) => Some(phone),
                given => {
                    errors.push(FieldError {
                        field: "phone",
                        code: if given.is_none() {
                            "missing"
                        } else {
                            "malformed"
                        },
                    });
                    None
                }
            };
            if form.consent.as_deref() != Some("yes") {
                errors.push(FieldError {
                    field: "consent",
                    code: "missing",
                });
            }
            Some(Rater::NonParticipant {
                full_name: full_name?,
                phone: phone?,
            })
        }
    }
}

fn check_reasons(
    form: &SubmitRating,
    head: &CatalogHead,
    satisfaction: Option<Satisfaction>,
    errors: &mut Vec<FieldError>,
) -> BTreeSet<ReasonCode> {
    let known = |reason: &String| {
        ReasonCode::parse(reason)
            .ok()
            .filter(|code| head.reasons.iter().any(|known| known.code == *code))
    };
    let reasons: Option<BTreeSet<ReasonCode>> = form.reasons.iter().map(known).collect();
    let Some(reasons) = reasons else {
        errors.push(FieldError {
            field: "reasons",
            code: "unknown",
        });
        return BTreeSet::new();
    };
    match satisfaction {
        Some(Satisfaction::NotSatisfied) if reasons.is_empty() => {
            errors.push(FieldError {
                field: "reasons",
                code: "missing",
            });
            reasons
        }
        // A page without JavaScript shows the reasons to everyone; ticked by a satisfied rater they say nothing.
        Some(Satisfaction::Satisfied) => BTreeSet::new(),
        _ => reasons,
    }
}

fn check_questionnaire<'a>(
    form: &SubmitRating,
    head: &'a CatalogHead,
    channel: Channel,
    today: Date,
    errors: &mut Vec<FieldError>,
) -> Option<&'a Questionnaire> {
    let Some(given) = form.questionnaire.as_deref() else {
        return head.questionnaire(channel, today);
    };
    let asked = parse_questionnaire(given);
    let found = asked.and_then(|(id, version)| {
        head.questionnaires
            .iter()
            .find(|q| q.id == id && q.version == version && q.channel == channel)
    });
    if found.is_none() {
        errors.push(FieldError {
            field: "answers",
            code: "unknown",
        });
    }
    found
}

fn check_answers(
    form: &SubmitRating,
    questionnaire: &Questionnaire,
    errors: &mut Vec<FieldError>,
) -> BTreeMap<QuestionCode, Answer> {
    let mut answers = BTreeMap::new();
    for question in &questionnaire.questions {
        let answer = match form
            .answers
            .get(question.code.as_str())
            .filter(|option| !option.is_empty())
        {
            None => Answer::Unanswered,
            Some(given) => match OptionCode::parse(given)
                .ok()
                .filter(|code| question.options.iter().any(|option| option.code == *code))
            {
                Some(option) => Answer::Option(option),
                None => {
                    errors.push(FieldError {
                        field: "answers",
                        code: "unknown",
                    });
                    return answers;
                }
            },
        };
        answers.insert(question.code.clone(), answer);
    }
    let asked = |code: &String| {
        questionnaire
            .questions
            .iter()
            .any(|question| question.code.as_str() == code)
    };
    if !form.answers.keys().all(asked) {
        errors.push(FieldError {
            field: "answers",
            code: "unknown",
        });
    }
    answers
}

fn is_attempt(text: &str) -> bool {
    text.len() == 22
        && data_encoding::BASE64URL_NOPAD
            .decode(text.as_bytes())
            .is_ok()
}

fn text_error(field: &'static str, error: TextError) -> FieldError {
    let code = match error {
        TextError::Empty => "missing",
        TextError::TooLong { .. } => "too_long",
        TextError::Control => "malformed",
    };
    FieldError { field, code }
}
