//! The rating form, the receipt form and the pages that answer a native form post.

use std::collections::BTreeMap;

use askama::Template;
#[cfg(feature = "server")]
use serde_json::Value;

use super::SiteFile;
use super::context::SiteContext;
use super::layout::{Layout, Section};
use super::results::counted_path;
use crate::domain::catalog::{Official, Questionnaire, UnitEntry};
use crate::domain::dossier::OfficialRole;
use crate::domain::form::{FieldError, FormField};
use crate::domain::id::UnitId;
use crate::domain::proof::Tracker;
use crate::domain::rating::{Channel, MAX_SUGGESTION, RaterKind, Satisfaction, Subject};
#[cfg(feature = "server")]
use crate::http::Form;
use crate::http::problem::message;
use crate::http::{Problem, ProblemKind};

/// Names that belong to one attempt at the security code and are never carried on.
const SECURITY_CODE_NAMES: [&str; 4] = ["altcha", "salt", "typed_token", "typed_answer"];

/// What was typed, by name; empty for a fresh form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypedValues(pub BTreeMap<String, Vec<String>>);

impl TypedValues {
    /// The first value of `name`, or nothing.
    #[must_use]
    pub fn first(&self, name: &str) -> &str {
        let values = self.0.get(name);
        values
            .and_then(|values| values.first())
            .map_or("", String::as_str)
    }

    /// What a native form sent, without its security code.
    #[cfg(feature = "server")]
    #[must_use]
    pub fn from_form(form: &Form) -> Self {
        let mut typed = Self::default();
        for (name, value) in &form.values {
            match value {
                _ if SECURITY_CODE_NAMES.contains(&name.as_str()) => {}
                Value::String(text) => typed.push(name.clone(), text.clone()),
                Value::Array(values) => {
                    let texts = values.iter().filter_map(Value::as_str);
                    texts.for_each(|text| typed.push(name.clone(), text.to_owned()));
                }
                Value::Object(values) => {
                    let texts = values
                        .iter()
                        .filter_map(|(key, text)| Some((key, text.as_str()?)));
                    texts.for_each(|(key, text)| {
                        typed.push(format!("{name}.{key}"), text.to_owned())
                    });
                }
                _ => {}
            }
        }
        typed
    }

    /// The same with `value` as the only one of `name`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), vec![value.to_owned()]);
        self
    }

    #[cfg(feature = "server")]
    fn push(&mut self, name: String, value: String) {
        self.0.entry(name).or_default().push(value);
    }

    /// Whether `value` was chosen for `name`.
    #[must_use]
    pub fn has(&self, name: &str, value: &str) -> bool {
        let mut values = self.0.get(name).into_iter().flatten();
        values.any(|chosen| chosen == value)
    }
}

/// A line of the error summary.
struct ErrorLine {
    /// Identifier of the control at fault, where the page shows one.
    target: Option<String>,
    message: String,
}

/// What a form says about the problem it was answered with.
struct Errors {
    title: String,
    detail: String,
    lines: Vec<ErrorLine>,
    fields: Vec<(&'static str, String)>,
}

impl Errors {
    fn new(context: &SiteContext, problem: &Problem, shown: impl Fn(&FieldError) -> bool) -> Self {
        let lines = problem.errors.iter().map(|error| ErrorLine {
            target: shown(error).then(|| error.field.code().to_owned()),
            message: message(error, context.lang),
        });
        let fields = problem.errors.iter();
        Self {
            title: problem.title(context.lang),
            detail: problem.detail(context.lang),
            lines: lines.collect(),
            fields: fields
                .map(|error| (error.field.code(), message(error, context.lang)))
                .collect(),
        }
    }

    fn of(&self, field: &str) -> Option<&str> {
        let error = self.fields.iter().find(|(name, _)| *name == field);
        error.map(|(_, message)| message.as_str())
    }
}

/// The form that rates one subject, or lets one of a receipt's subjects be chosen.
#[derive(Debug)]
pub struct RatingForm<'a> {
    /// The deployment, the tree and the day.
    pub context: &'a SiteContext<'a>,
    /// The unit rated, or whose official is rated.
    pub entry: &'a UnitEntry,
    /// One subject, or all that a receipt may rate; the role is what the official did for the dossier.
    pub subjects: Vec<(Subject, Option<OfficialRole>)>,
    /// Who rates.
    pub rater_kind: RaterKind,
    /// What was typed before.
    pub values: &'a TypedValues,
    /// Why it was refused.
    pub problem: Option<&'a Problem>,
}

/// One radio button of the subjects.
struct SubjectChoice {
    value: String,
    name: String,
    hint: String,
}

/// What a look-up found, shown as one line with its controls folded away.
struct Found<'a> {
    field: Option<&'a str>,
    /// Unfolded, because a control in it is at fault.
    is_open: bool,
}

#[derive(Template)]
#[template(path = "rating/form.html")]
struct RatingFormPage<'a> {
    layout: Layout<'a>,
    heading: String,
    caption: String,
    photo: Option<&'a str>,
    step: String,
    back: String,
    subjects: Vec<SubjectChoice>,
    /// The subjects as the form sends them back, `subject:role` each.
    offered: String,
    found: Option<Found<'a>>,
    participant: bool,
    rater_kind: &'static str,
    questionnaire: Option<&'a Questionnaire>,
    values: &'a TypedValues,
    errors: Option<Errors>,
    max_suggestion: usize,
}

impl RatingFormPage<'_> {
    fn error(&self, field: &str) -> Option<&str> {
        self.errors.as_ref().and_then(|errors| errors.of(field))
    }

    /// Identifier of the `index`th radio button or checkbox: the first bears the field's own name, where errors link to.
    fn id(&self, name: &str, index: &usize) -> String {
        match index {
            0 => name.to_owned(),
            index => format!("{name}-{index}"),
        }
    }

    fn answer_id(&self, question: &usize, option: &usize) -> String {
        match (question, option) {
            (0, 0) => "answers".to_owned(),
            (question, option) => format!("answers-{question}-{option}"),
        }
    }

    fn answer_name(&self, code: &impl std::fmt::Display) -> String {
        format!("answers.{code}")
    }

    fn satisfied(&self) -> &'static str {
        Satisfaction::Satisfied.code()
    }

    fn not_satisfied(&self) -> &'static str {
        Satisfaction::NotSatisfied.code()
    }
}

impl<'a> RatingForm<'a> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        render(&self.page(self.official()))
    }

    /// The page's file; `official` is who the form rates, so that a unit's many forms need not each search for theirs.
    pub(super) fn file(&self, official: Option<&'a Official>) -> SiteFile {
        let page = self.page(official);
        page.layout.file(render(&page))
    }

    /// Path of the form without the tree's prefix; the receipt form's where several subjects are offered.
    #[must_use]
    pub fn path(&self) -> String {
        match self.subjects.as_slice() {
            [(subject, None)] => {
                let kind = match self.rater_kind {
                    RaterKind::Participant => "tham-gia/",
                    RaterKind::NonParticipant => "khong-tham-gia/",
                };
                format!("{}{kind}", rater_kind_path(subject))
            }
            _ => "/ma-bien-nhan/".to_owned(),
        }
    }

    pub(super) fn layout(&self, official: Option<&'a Official>) -> Layout<'a> {
        let unit = &self.entry.unit;
        let unit_name = unit.name.get(self.context.lang);
        let unit_path = format!("/don-vi/{}/", unit.id);
        let mut title = self
            .context
            .text_with("kind.title_unit", "subject", &self.name(official));
        if let Some(official) = official {
            title = format!(
                "{title}, {}, {unit_name}",
                official.title.get(self.context.lang)
            );
        }
        let mut layout = Layout::new(self.context, self.path(), title)
            .below(unit_name, unit_path)
            .scripts(&["js/rating-form.js", "js/draft.js"]);
        layout.section = match official {
            Some(_) => Section::Officials,
            None => Section::Units,
        };
        layout.indexed = false;
        layout.errors = self.problem.is_some();
        layout
    }

    fn page(&self, official: Option<&'a Official>) -> RatingFormPage<'a> {
        let context = self.context;
        let unit_name = self.entry.unit.name.get(context.lang);
        let from_receipt = self.is_found();
        let participant = self.rater_kind == RaterKind::Participant;
        let kind = context.text(match participant {
            true => "kind.participant",
            false => "kind.non_participant",
        });
        let caption = match official {
            Some(official) => format!("{} · {unit_name}", official.title.get(context.lang)),
            None => String::new(),
        };
        let back = match self.subjects.as_slice() {
            [(subject, None)] if !from_receipt => rater_kind_path(subject),
            _ => "/ma-bien-nhan/".to_owned(),
        };
        let errors = self
            .problem
            .map(|problem| Errors::new(context, problem, |error| self.shows(error.field)));
        RatingFormPage {
            layout: self.layout(official),
            heading: context.text_with("kind.title_unit", "subject", &self.name(official)),
            caption,
            photo: official.and_then(|official| official.photo.as_deref()),
            step: match from_receipt {
                true => context.text("receipt.title").into_owned(),
                false => format!("{} · {kind}", context.text_with("layout.step", "step", "4")),
            },
            back: context.href(&back),
            subjects: self.choices(official),
            offered: self.offered(),
            found: from_receipt.then(|| self.found()),
            participant,
            rater_kind: self.rater_kind.code(),
            questionnaire: self.questionnaire(),
            values: self.values,
            errors,
            max_suggestion: MAX_SUGGESTION,
        }
    }

    /// Whether the form comes from looking a receipt up: it then names whom it offers, or nothing of a rating was posted yet.
    fn is_found(&self) -> bool {
        let sent = |name| !self.values.first(name).is_empty();
        self.path() == "/ma-bien-nhan/"
            || sent("offered")
            || sent("receipt_code") && !sent("rater_kind")
    }

    fn found(&self) -> Found<'a> {
        let id = self.values.first("field_id");
        let fields = &self.context.head.fields;
        let field = fields.iter().find(|field| field.id.as_str() == id);
        let folded = [
            FormField::FieldId,
            FormField::ReceiptCode,
            FormField::ReceiptSecret,
        ];
        let errors = self.problem.map_or(&[][..], |problem| &problem.errors);
        Found {
            field: field.map(|field| field.name.get(self.context.lang)),
            is_open: errors.iter().any(|error| folded.contains(&error.field)),
        }
    }

    /// The official, where the form rates one and no one else.
    fn official(&self) -> Option<&'a Official> {
        match self.subjects.as_slice() {
            [(subject, _)] => self.official_of(subject),
            _ => None,
        }
    }

    fn official_of(&self, subject: &Subject) -> Option<&'a Official> {
        let id = subject.official_id.as_ref()?;
        let entry: &'a UnitEntry = self.entry;
        entry.officials.iter().find(|official| official.id == *id)
    }

    fn name(&self, official: Option<&Official>) -> String {
        match official {
            Some(official) => official.name.clone(),
            None => self.entry.unit.name.get(self.context.lang).to_owned(),
        }
    }

    fn choices(&self, only: Option<&Official>) -> Vec<SubjectChoice> {
        let lang = self.context.lang;
        let choices = self.subjects.iter().map(|(subject, role)| {
            let value = subject.to_string();
            let Some(official) = only.or_else(|| self.official_of(subject)) else {
                return SubjectChoice {
                    value,
                    name: self.entry.unit.name.get(lang).to_owned(),
                    hint: self.context.text("form.subject_unit").into_owned(),
                };
            };
            let title = official.title.get(lang);
            let hint = match role {
                Some(role) => format!("{title} · {}", self.context.text(role_key(*role))),
                None => title.to_owned(),
            };
            SubjectChoice {
                value,
                name: official.name.clone(),
                hint,
            }
        });
        choices.collect()
    }

    fn offered(&self) -> String {
        let pairs = self
            .subjects
            .iter()
            .map(|(subject, role)| format!("{subject}:{}", role.map_or("", OfficialRole::code)));
        pairs.collect::<Vec<_>>().join(" ")
    }

    /// The questions, which are about a dossier: who had none is not asked.
    fn questionnaire(&self) -> Option<&'a Questionnaire> {
        let participant = self.rater_kind == RaterKind::Participant;
        let head = self.context.head;
        participant
            .then(|| head.questionnaire(Channel::Web, self.context.today))
            .flatten()
    }

    /// Whether the form has a control for the field, that an error can link to.
    fn shows(&self, field: FormField) -> bool {
        let participant = self.rater_kind == RaterKind::Participant;
        match field {
            FormField::Subject => self.subjects.len() > 1,
            FormField::FieldId | FormField::ReceiptCode | FormField::ReceiptSecret => participant,
            FormField::FullName | FormField::Phone | FormField::Consent => !participant,
            FormField::Reasons => !self.context.head.reasons.is_empty(),
            FormField::Answers => self
                .questionnaire()
                .is_some_and(|questionnaire| !questionnaire.questions.is_empty()),
            FormField::Satisfaction | FormField::Suggestion | FormField::SecurityCode => true,
            _ => false,
        }
    }
}

/// Path of the page that asks a subject's rater whether they took part.
pub(super) fn rater_kind_path(subject: &Subject) -> String {
    match &subject.official_id {
        Some(official) => format!("/don-vi/{}/can-bo/{official}/", subject.unit_id),
        None => format!("/don-vi/{}/danh-gia/", subject.unit_id),
    }
}

fn role_key(role: OfficialRole) -> &'static str {
    match role {
        OfficialRole::Guide => "form.role_guide",
        OfficialRole::Receive => "form.role_receive",
        OfficialRole::Settle => "form.role_settle",
        OfficialRole::Return => "form.role_return",
        OfficialRole::Desk => "form.role_desk",
    }
}

/// The form that opens a dossier's rating form.
#[derive(Debug)]
pub struct ReceiptForm<'a> {
    /// The deployment, the tree and the day.
    pub context: &'a SiteContext<'a>,
    /// What was typed before.
    pub values: &'a TypedValues,
    /// Why it was refused.
    pub problem: Option<&'a Problem>,
}

#[derive(Template)]
#[template(path = "rating/receipt.html")]
struct ReceiptFormPage<'a> {
    layout: Layout<'a>,
    values: &'a TypedValues,
    errors: Option<Errors>,
}

impl ReceiptFormPage<'_> {
    fn error(&self, field: &str) -> Option<&str> {
        self.errors.as_ref().and_then(|errors| errors.of(field))
    }
}

impl<'a> ReceiptForm<'a> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let shows = |error: &FieldError| {
            [
                FormField::ReceiptCode,
                FormField::ReceiptSecret,
                FormField::SecurityCode,
            ]
            .contains(&error.field)
        };
        let problem = self.problem;
        render(&ReceiptFormPage {
            layout: self.layout(),
            values: self.values,
            errors: problem.map(|problem| Errors::new(self.context, problem, shows)),
        })
    }

    pub(super) fn layout(&self) -> Layout<'a> {
        let title = self.context.text("receipt.title");
        let mut layout = Layout::new(self.context, "/ma-bien-nhan/", title).scripts(&[
            "js/rating-form.js",
            "js/draft.js",
            "js/receipt-link.js",
        ]);
        layout.errors = self.problem.is_some();
        layout
    }
}

/// Asks for the digits of an image or a recording, and carries everything else on.
#[derive(Debug)]
pub struct TypedCodePage<'a> {
    /// The deployment, the tree and the day.
    pub context: &'a SiteContext<'a>,
    /// Where the values go: `/api/ratings` or `/api/receipts/validate`.
    pub action: &'a str,
    /// Everything typed before.
    pub values: &'a TypedValues,
    /// The sealed challenge.
    pub token: &'a str,
    /// Whether the last answer was wrong.
    pub wrong: bool,
}

#[derive(Template)]
#[template(path = "rating/typed-code.html")]
struct TypedCodeTemplate<'a> {
    layout: Layout<'a>,
    action: &'a str,
    carried: Vec<(&'a str, &'a str)>,
    token: &'a str,
    wrong: bool,
    submit: &'static str,
}

impl TypedCodePage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let mut layout = Layout::new(self.context, "/", self.context.text("typed.title"));
        layout.errors = self.wrong;
        layout.indexed = false;
        let values = self.values.0.iter();
        let carried = values
            .filter(|(name, _)| !SECURITY_CODE_NAMES.contains(&name.as_str()))
            .flat_map(|(name, values)| {
                values
                    .iter()
                    .map(move |value| (name.as_str(), value.as_str()))
            });
        render(&TypedCodeTemplate {
            layout,
            action: self.action,
            carried: carried.collect(),
            token: self.token,
            wrong: self.wrong,
            submit: match self.action {
                "/api/ratings" => "typed.submit_rating",
                _ => "typed.submit_receipt",
            },
        })
    }
}

/// A problem with no form to show again.
#[derive(Debug)]
pub struct ProblemPage<'a> {
    /// The deployment, the tree and the day.
    pub context: &'a SiteContext<'a>,
    /// What happened.
    pub problem: &'a Problem,
}

#[derive(Template)]
#[template(path = "rating/problem.html")]
struct ProblemTemplate<'a> {
    layout: Layout<'a>,
    detail: String,
    messages: Vec<String>,
    offers_results: bool,
}

impl ProblemPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let lang = self.context.lang;
        let mut layout = Layout::new(self.context, "/", self.problem.title(lang));
        layout.errors = true;
        layout.indexed = false;
        let errors = self.problem.errors.iter();
        render(&ProblemTemplate {
            layout,
            detail: self.problem.detail(lang),
            messages: errors.map(|error| message(error, lang)).collect(),
            offers_results: self.problem.kind == ProblemKind::AlreadyRated,
        })
    }
}

/// «Đã lưu kết quả đánh giá», with the tracker of the rating.
#[derive(Debug)]
pub struct ThanksPage<'a> {
    /// The deployment, the tree and the day.
    pub context: &'a SiteContext<'a>,
    /// The unit that was rated, or whose official was.
    pub unit_id: &'a UnitId,
    /// What the rater finds the rating by.
    pub tracker: &'a Tracker,
}

#[derive(Template)]
#[template(path = "rating/thanks.html")]
struct ThanksTemplate<'a> {
    layout: Layout<'a>,
    tracker: String,
    count_path: String,
}

impl ThanksPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let mut layout = Layout::new(self.context, "/", self.context.text("thanks.title"))
            .scripts(&["js/draft.js"]);
        layout.indexed = false;
        render(&ThanksTemplate {
            layout,
            tracker: self.tracker.to_string(),
            count_path: counted_path(self.unit_id),
        })
    }
}

/// The template's text.
pub(super) fn render(template: &impl Template) -> String {
    template
        .render()
        .expect("our templates only write to a string")
}
