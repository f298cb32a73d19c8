//! Questionnaires: one row per option, what belongs to the whole repeated or left empty below.

use super::columns::SheetKind;
use super::fields::{MAX_NAME, MAX_TEXT};
use super::finding::{Cause, Findings};
use super::row::{RowReader, Sheet};
use crate::catalog::{AnswerOption, Question, Questionnaire, Text, Validity};
use crate::id::{OptionCode, QuestionCode, QuestionnaireId};
use crate::rating::Channel;

/// Most questions in a questionnaire and options in a question: more than anyone answers at a counter.
const MAX_ENTRIES: usize = 20;

const CHANNELS: &[(&str, &[&str], Channel)] = &[
    ("web", &["trực tuyến"], Channel::Web),
    ("kiosk", &["ki-ốt", "thiết bị"], Channel::Kiosk),
    ("paper", &["giấy"], Channel::Paper),
];

/// A questionnaire being read, with the rows its parts first stood in.
struct Draft {
    row: u32,
    form: Questionnaire,
    question_rows: Vec<u32>,
}

pub(super) fn read(sheet: Option<&Sheet>, findings: &mut Findings) -> Vec<Questionnaire> {
    let mut drafts: Vec<Draft> = Vec::new();
    super::fields::each_row(SheetKind::Questionnaires, sheet, findings, |row| {
        let id = row.required_id("questionnaire", QuestionnaireId::parse);
        let version = required_number(row, "version", 1, 9_999);
        let question = row.required_id("question", QuestionCode::parse);
        let option = row.required_id("option", OptionCode::parse);
        let option_text = super::fields::text(row, "option_text", "option_text_en", MAX_TEXT);
        let points = row
            .number_in("points", 0, 2)
            .and_then(|p| u8::try_from(p).ok());
        let (Some(id), Some(version)) = (id, version) else {
            return;
        };
        let Some(draft) = draft(&mut drafts, row, id, version) else {
            return;
        };
        let Some(question) = question else { return };
        let Some(index) = question_of(draft, row, question) else {
            return;
        };
        let (Some(code), Some(text)) = (option, option_text) else {
            return;
        };
        let options = &mut draft.form.questions[index].options;
        if options.iter().any(|known| known.code == code) {
            row.fault("option", Cause::Repeated(code.to_string()));
        } else if options.len() == MAX_ENTRIES {
            row.fault("option", Cause::TooMany { max: MAX_ENTRIES });
        } else {
            options.push(AnswerOption { code, text, points });
        }
    });
    check_wholes(&drafts, sheet, findings);
    drafts.into_iter().map(|draft| draft.form).collect()
}

/// The questionnaire of this row: begun by its first row, agreed with by the others.
fn draft<'d>(
    drafts: &'d mut Vec<Draft>,
    row: &mut RowReader,
    id: QuestionnaireId,
    version: u32,
) -> Option<&'d mut Draft> {
    let known = drafts
        .iter()
        .position(|draft| draft.form.id == id && draft.form.version == version);
    let title = row.text("title", MAX_NAME);
    let title_en = row.text("title_en", MAX_NAME);
    let channel = row.word("channel", CHANNELS);
    let validity = row.validity();
    let Some(index) = known else {
        for name in ["title", "channel"] {
            if row.is_blank(name) {
                row.fault(name, Cause::Missing);
            }
        }
        let form = Questionnaire {
            id,
            version,
            channel: channel?,
            title: Text {
                vi: title?,
                en: title_en,
            },
            validity,
            questions: Vec::new(),
        };
        drafts.push(Draft {
            row: row.number(),
            form,
            question_rows: Vec::new(),
        });
        return drafts.last_mut();
    };
    let draft = &mut drafts[index];
    let form = &draft.form;
    let Validity { from, to } = form.validity;
    let differing = [
        ("title", title.is_some_and(|title| title != form.title.vi)),
        ("title_en", title_en.is_some() && title_en != form.title.en),
        (
            "channel",
            channel.is_some_and(|channel| channel != form.channel),
        ),
        (
            "valid_from",
            validity.from.is_some() && validity.from != from,
        ),
        ("valid_to", validity.to.is_some() && validity.to != to),
    ];
    for (name, differs) in differing {
        if differs {
            row.fault(name, Cause::DiffersFromRow { row: draft.row });
        }
    }
    Some(draft)
}

/// The index of this row's question: begun by its first row, agreed with by the others.
fn question_of(draft: &mut Draft, row: &mut RowReader, code: QuestionCode) -> Option<usize> {
    let questions = &mut draft.form.questions;
    let known = questions.iter().position(|question| question.code == code);
    let vi = row.text("question_text", MAX_TEXT);
    let en = row.text("question_text_en", MAX_TEXT);
    if let Some(index) = known {
        let text = &questions[index].text;
        let first = draft.question_rows[index];
        if vi.is_some_and(|vi| vi != text.vi) {
            row.fault("question_text", Cause::DiffersFromRow { row: first });
        }
        if en.is_some() && en != text.en {
            row.fault("question_text_en", Cause::DiffersFromRow { row: first });
        }
        return Some(index);
    }
    if row.is_blank("question_text") {
        row.fault("question_text", Cause::Missing);
    }
    if questions.len() == MAX_ENTRIES {
        row.fault("question", Cause::TooMany { max: MAX_ENTRIES });
        return None;
    }
    let text = Text { vi: vi?, en };
    let options = Vec::new();
    questions.push(Question {
        code,
        text,
        options,
    });
    draft.question_rows.push(row.number());
    Some(draft.question_rows.len() - 1)
}

fn required_number(row: &mut RowReader, name: &str, min: u32, max: u32) -> Option<u32> {
    if row.is_blank(name) {
        row.fault(name, Cause::Missing);
    }
    row.number_in(name, min, max)
}

/// What only shows when all rows are read: options too few, two forms asked at once.
fn check_wholes(drafts: &[Draft], sheet: Option<&Sheet>, findings: &mut Findings) {
    let mut fault = |row: u32, column: &str, cause: Cause| {
        let mut place = sheet.map(|sheet| sheet.place.clone()).unwrap_or_default();
        place.row = Some(row);
        place.column = Some(column.to_owned());
        findings.push(place, cause);
    };
    for (index, draft) in drafts.iter().enumerate() {
        for (question, row) in draft.form.questions.iter().zip(&draft.question_rows) {
            if question.options.len() < 2 {
                let question = question.code.to_string();
                fault(*row, "option", Cause::TooFewOptions { question });
            }
        }
        let clash = drafts[..index].iter().find(|other| {
            other.form.channel == draft.form.channel
                && other.form.version == draft.form.version
                && overlap(other.form.validity, draft.form.validity)
        });
        if let Some(other) = clash {
            let other = other.form.id.to_string();
            fault(draft.row, "questionnaire", Cause::SameChannel { other });
        }
    }
}

fn overlap(one: Validity, other: Validity) -> bool {
    let ends_first =
        |a: Validity, b: Validity| matches!((a.to, b.from), (Some(to), Some(from)) if to < from);
    !ends_first(one, other) && !ends_first(other, one)
}
