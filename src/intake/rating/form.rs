//! Checking a filled form against the catalog; everything wrong with it is found at once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::challenge::{Purpose, Scope};
use crate::domain::catalog::{CatalogHead, Questionnaire};
use crate::domain::form::{Fault, FieldError, FormField};
use crate::domain::id::{FieldId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode};
use crate::domain::phone::Phone;
use crate::domain::rating::{Answer, Channel, MAX_SUGGESTION, RaterKind, Satisfaction, Subject};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};
use crate::domain::text::{TextError, normalise};
use crate::intake::receipt::check_receipt;
use crate::store::rating::parse_questionnaire;

/// Longest full name, in characters.
pub const MAX_FULL_NAME: usize = 100;

/// A rating form as filled in; every value as typed, `None` where it was left out.
#[derive(Debug, Clone, Copy)]
pub struct RatingForm<'a> {
    /// Who is rated: `unit` or `unit/official`.
    pub subject: Option<&'a str>,
    /// Whether the rater took part in a procedure.
    pub rater_kind: Option<&'a str>,
    /// Field of transaction; participants only.
    pub field_id: Option<&'a str>,
    /// Receipt code; participants only.
    pub receipt_code: Option<&'a str>,
    /// Secret part of the slip; participants only.
    pub receipt_secret: Option<&'a str>,
    /// Full name; non-participants only.
    pub full_name: Option<&'a str>,
    /// Telephone number; non-participants only.
    pub phone: Option<&'a str>,
    /// Whether name and phone may be kept; non-participants only.
    pub consents: bool,
    /// The verdict.
    pub satisfaction: Option<&'a str>,
    /// Codes of the catalog's reasons.
    pub reasons: &'a [String],
    /// Option by question.
    pub answers: &'a BTreeMap<String, String>,
    /// The questionnaire answered, `id@version`; the current one when absent.
    pub questionnaire: Option<&'a str>,
    /// Free suggestion.
    pub suggestion: Option<&'a str>,
    /// What tells a retry from a second opinion: 22 base64url characters, drawn once by the rater's page.
    pub attempt: Option<&'a str>,
}

impl<'a> RatingForm<'a> {
    /// Who is rated.
    ///
    /// # Errors
    /// A [`FieldError`] on `subject` where it is missing or malformed.
    pub fn subject(&self) -> Result<Subject, FieldError> {
        let error = |fault| FieldError {
            field: FormField::Subject,
            fault,
        };
        let subject = self.subject.ok_or(error(Fault::Missing))?;
        Subject::parse(subject).map_err(|_| error(Fault::Malformed))
    }

    /// What the security code of this rating is bound to.
    #[must_use]
    pub fn scope(&self) -> Scope<'a> {
        Scope {
            purpose: Purpose::Rate,
            subject: self.subject.unwrap_or_default(),
            receipt_code: self.receipt_code.unwrap_or_default(),
            receipt_secret: self.receipt_secret.unwrap_or_default(),
            phone: self.phone.unwrap_or_default(),
        }
    }
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
        /// Telephone; the name is asked for, and not kept.
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

/// Checks everything but the subject.
///
/// # Errors
/// Every value at fault.
pub fn check(
    form: &RatingForm<'_>,
    head: &CatalogHead,
    channel: Channel,
    today: Date,
) -> Result<Checked, Vec<FieldError>> {
    let mut errors = Vec::new();
    let rater = check_rater(form, head, &mut errors);
    let satisfaction = match form.satisfaction.map(Satisfaction::parse) {
        Some(Some(satisfaction)) => Some(satisfaction),
        given => {
            errors.push(FieldError {
                field: FormField::Satisfaction,
                fault: if given.is_none() {
                    Fault::Missing
                } else {
                    Fault::Malformed
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
    let suggestion = match form.suggestion.map(|text| normalise(text, MAX_SUGGESTION)) {
        None | Some(Err(TextError::Empty)) => None,
        Some(Ok(text)) => Some(text),
        Some(Err(error)) => {
            errors.push(text_error(FormField::Suggestion, error));
            None
        }
    };
    let attempt = match form.attempt {
        None => new_attempt(),
        Some(attempt) if is_attempt(attempt) => attempt.to_owned(),
        Some(_) => {
            errors.push(FieldError {
                field: FormField::SecurityCode,
                fault: Fault::Malformed,
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

fn check_rater(
    form: &RatingForm<'_>,
    head: &CatalogHead,
    errors: &mut Vec<FieldError>,
) -> Option<Rater> {
    let Some(kind) = form.rater_kind.and_then(RaterKind::parse) else {
        errors.push(FieldError {
            field: FormField::RaterKind,
            fault: if form.rater_kind.is_none() {
                Fault::Missing
            } else {
                Fault::Malformed
            },
        });
        return None;
    };
    match kind {
        RaterKind::Participant => {
            match form
                .field_id
                .map(|id| FieldId::parse(id).ok().and_then(|id| head.field(&id)))
            {
                Some(Some(_)) => {}
                None => errors.push(FieldError {
                    field: FormField::FieldId,
                    fault: Fault::Missing,
                }),
                Some(None) => errors.push(FieldError {
                    field: FormField::FieldId,
                    fault: Fault::Unknown,
                }),
            }
            match check_receipt(form.receipt_code, form.receipt_secret) {
                Ok((code, secret)) => Some(Rater::Participant { code, secret }),
                Err(found) => {
                    errors.extend(found);
                    None
                }
            }
        }
        RaterKind::NonParticipant => {
            let full_name = match form.full_name.map(|name| normalise(name, MAX_FULL_NAME)) {
                Some(Ok(name)) => Some(name),
                None => {
                    errors.push(FieldError {
                        field: FormField::FullName,
                        fault: Fault::Missing,
                    });
                    None
                }
                Some(Err(error)) => {
                    errors.push(text_error(FormField::FullName, error));
                    None
                }
            };
            let phone = match form.phone.map(Phone::parse) {
                Some(Ok(phone)) => Some(phone),
                given => {
                    errors.push(FieldError {
                        field: FormField::Phone,
                        fault: if given.is_none() {
                            Fault::Missing
                        } else {
                            Fault::Malformed
                        },
                    });
                    None
                }
            };
            if !form.consents {
                errors.push(FieldError {
                    field: FormField::Consent,
                    fault: Fault::Missing,
                });
            }
            let phone = full_name.and(phone)?;
            Some(Rater::NonParticipant { phone })
        }
    }
}

fn check_reasons(
    form: &RatingForm<'_>,
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
            field: FormField::Reasons,
            fault: Fault::Unknown,
        });
        return BTreeSet::new();
    };
    match satisfaction {
        Some(Satisfaction::NotSatisfied) if reasons.is_empty() => {
            errors.push(FieldError {
                field: FormField::Reasons,
                fault: Fault::Missing,
            });
            reasons
        }
        // A page without JavaScript shows the reasons to everyone; ticked by a satisfied rater they say nothing.
        Some(Satisfaction::Satisfied) => BTreeSet::new(),
        _ => reasons,
    }
}

fn check_questionnaire<'a>(
    form: &RatingForm<'_>,
    head: &'a CatalogHead,
    channel: Channel,
    today: Date,
    errors: &mut Vec<FieldError>,
) -> Option<&'a Questionnaire> {
    let Some(given) = form.questionnaire else {
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
            field: FormField::Answers,
            fault: Fault::Unknown,
        });
    }
    found
}

fn check_answers(
    form: &RatingForm<'_>,
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
                        field: FormField::Answers,
                        fault: Fault::Unknown,
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
            field: FormField::Answers,
            fault: Fault::Unknown,
        });
    }
    answers
}

/// 128 random bits; empty where there is no randomness, and then a retry is answered as a second opinion.
#[must_use]
pub fn new_attempt() -> String {
    let mut bits = [0; 16];
    match getrandom::fill(&mut bits) {
        Ok(()) => data_encoding::BASE64URL_NOPAD.encode(&bits),
        Err(_) => String::new(),
    }
}

fn is_attempt(text: &str) -> bool {
    text.len() == 22
        && data_encoding::BASE64URL_NOPAD
            .decode(text.as_bytes())
            .is_ok()
}

fn text_error(field: FormField, error: TextError) -> FieldError {
    let fault = match error {
        TextError::Empty => Fault::Missing,
        TextError::TooLong { .. } => Fault::TooLong,
    };
    FieldError { field, fault }
}
