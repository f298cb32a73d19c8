//! The answer to a dropped file, in Vietnamese with English beside it.

use std::fmt::Write;

use jiff::civil::Date;

use crate::domain::import::{Cause, Finding, Findings};
use crate::domain::lang::Lang;
use crate::intake::files::{DossierTotals, ImportOutcome, LooseningTotals, VoidTotals};

/// What stands behind the key of a file in the key of its report.
pub(super) const SUFFIX: &str = ".report.txt";

/// Rows or units named one by one; of more only the number is given.
const MAX_NAMED: usize = 30;

/// What became of one dropped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// Key of the file.
    pub key: String,
    /// What came of it.
    pub outcome: ImportOutcome,
    /// What is to be put right; empty unless refused.
    pub findings: Findings,
}

impl ImportReport {
    /// Whether the file was taken over.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.outcome != ImportOutcome::Refused
    }

    /// Key of the report itself.
    #[must_use]
    pub fn object_key(&self) -> String {
        format!("{}{SUFFIX}", self.key)
    }

    /// The report as a person reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.key);
        for sentence in self.summary() {
            for lang in Lang::ALL {
                text.push_str(&said(lang, "", &sentence));
                text.push('\n');
            }
        }
        for (index, finding) in self.findings.list().iter().enumerate() {
            let Finding { place, cause } = finding;
            let (at, advice) = (where_found(finding), advice(cause));
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "\n{}. {}{at}\n   {}\n   {}\n",
                index + 1,
                place.file,
                said(Lang::Vi, "cause.", &advice),
                said(Lang::En, "cause.", &advice)
            );
        }
        let beyond = self.findings.count() - self.findings.list().len() as u64;
        if beyond > 0 {
            let sentence = ("beyond", vec![("count", beyond.to_string())]);
            let [vi, en] = Lang::ALL.map(|lang| said(lang, "", &sentence));
            let _ = write!(text, "\n{vi}\n{en}\n");
        }
        text
    }

    /// What came of the file: sentences of the locale, each with the values it shows.
    fn summary(&self) -> Vec<Sentence> {
        let count = |count: &dyn ToString| ("count", count.to_string());
        match &self.outcome {
            ImportOutcome::Refused => vec![("refused", vec![count(&self.findings.count())])],
            ImportOutcome::CatalogUnchanged { version } => {
                vec![("catalog_unchanged", vec![("version", version.clone())])]
            }
            ImportOutcome::CatalogReplaced {
                version,
                units,
                officials,
                units_gone,
                officials_gone,
            } => {
                let values = vec![
                    ("version", version.clone()),
                    ("units", units.to_string()),
                    ("officials", officials.to_string()),
                ];
                let mut sentences = vec![("catalog_replaced", values)];
                if !units_gone.is_empty() {
                    let values = vec![count(&units_gone.len()), ("names", named(units_gone))];
                    sentences.push(("units_gone", values));
                }
                if *officials_gone > 0 {
                    sentences.push(("officials_gone", vec![count(officials_gone)]));
                }
                sentences
            }
            ImportOutcome::Loosenings(LooseningTotals {
                recorded,
                before,
                conflicting,
            }) => {
                let values = vec![
                    ("recorded", recorded.to_string()),
                    ("before", before.to_string()),
                ];
                let mut sentences = vec![("loosenings", values)];
                if !conflicting.is_empty() {
                    let rows = vec![("rows", named(conflicting))];
                    sentences.push(("loosenings_conflicting", rows));
                }
                sentences
            }
            ImportOutcome::Voids(VoidTotals {
                approved,
                before,
                otherwise,
            }) => {
                let values = vec![
                    ("approved", approved.to_string()),
                    ("before", before.to_string()),
                ];
                let mut sentences = vec![("voids", values)];
                if !otherwise.is_empty() {
                    sentences.push(("voids_otherwise", vec![("rows", named(otherwise))]));
                }
                sentences
            }
            ImportOutcome::Dossiers(DossierTotals {
                created,
                updated,
                unchanged,
                expired,
                contradicted,
            }) => {
                let values = vec![
                    ("created", created.to_string()),
                    ("updated", updated.to_string()),
                    ("unchanged", unchanged.to_string()),
                ];
                let mut sentences = vec![("dossiers", values)];
                if *expired > 0 {
                    sentences.push(("dossiers_expired", vec![count(expired)]));
                }
                if !contradicted.is_empty() {
                    let values = vec![count(&contradicted.len()), ("rows", named(contradicted))];
                    sentences.push(("dossiers_contradicted", values));
                }
                sentences
            }
        }
    }
}

/// A key below `import` in the locales, and the values its sentence shows.
type Sentence = (&'static str, Vec<(&'static str, String)>);

/// The sentence in `lang`.
fn said(lang: Lang, prefix: &str, (key, values): &Sentence) -> String {
    let text = rust_i18n::t!(format!("import.{prefix}{key}"), locale = lang.code());
    let (names, values): (Vec<&str>, Vec<String>) = values.iter().cloned().unzip();
    rust_i18n::replace_patterns(&text, &names, &values)
}

/// The sentence that tells a file's author what to put right.
fn advice(cause: &Cause) -> Sentence {
    let day = |day: &Date| day.strftime("%d/%m/%Y").to_string();
    match cause {
        Cause::Unreadable => ("unreadable", vec![]),
        Cause::NotUtf8 => ("not_utf8", vec![]),
        Cause::OpenQuotation => ("open_quotation", vec![]),
        Cause::UnknownFile => ("unknown_file", vec![]),
        Cause::TooLarge { megabytes } => ("too_large", vec![("megabytes", megabytes.to_string())]),
        Cause::Bomb => ("bomb", vec![]),
        Cause::TooManyRows { max } => ("too_many_rows", vec![("max", max.to_string())]),
        Cause::TooManyColumns { max } => ("too_many_columns", vec![("max", max.to_string())]),
        Cause::TooManyCells { max } => ("too_many_cells", vec![("max", max.to_string())]),
        Cause::SheetMissing => ("sheet_missing", vec![]),
        Cause::SheetUnknown => ("sheet_unknown", vec![]),
        Cause::SheetTwice => ("sheet_twice", vec![]),
        Cause::HeaderMissing => ("header_missing", vec![]),
        Cause::NoRows => ("no_rows", vec![]),
        Cause::ColumnMissing => ("column_missing", vec![]),
        Cause::ColumnUnknown => ("column_unknown", vec![]),
        Cause::ColumnTwice => ("column_twice", vec![]),
        Cause::CellOutside => ("cell_outside", vec![]),
        Cause::Missing => ("missing", vec![]),
        Cause::Broken(error) => ("broken", vec![("error", error.to_string())]),
        Cause::NotText => ("not_text", vec![]),
        Cause::TooLong { max } => ("too_long", vec![("max", max.to_string())]),
        Cause::BadId(value) => ("bad_id", vec![("value", value.to_string())]),
        Cause::BelowFloor { min } => ("below_floor", vec![("min", min.to_string())]),
        Cause::BadNumber { min, max } => (
            "bad_number",
            vec![("min", min.to_string()), ("max", max.to_string())],
        ),
        Cause::BadDate(value) => ("bad_date", vec![("value", value.to_string())]),
        Cause::BadFlag(value) => ("bad_flag", vec![("value", value.to_string())]),
        Cause::BadWord { value, allowed } => (
            "bad_word",
            vec![
                ("value", value.to_string()),
                ("allowed", allowed.to_string()),
            ],
        ),
        Cause::BadEmail => ("bad_email", vec![]),
        Cause::BadRatingId => ("bad_rating_id", vec![]),
        Cause::OneNameOnly => ("one_name_only", vec![]),
        Cause::BadPhone => ("bad_phone", vec![]),
        Cause::PhoneWithoutZero => ("phone_without_zero", vec![]),
        Cause::BadPhoto => ("bad_photo", vec![]),
        Cause::BadIndicator(value) => ("bad_indicator", vec![("value", value.to_string())]),
        Cause::BadReceiptCode => ("bad_receipt_code", vec![]),
        Cause::BadReceiptSecret => ("bad_receipt_secret", vec![]),
        Cause::Duplicate { value, row } => (
            "duplicate",
            vec![("value", value.to_string()), ("row", row.to_string())],
        ),
        Cause::Repeated(value) => ("repeated", vec![("value", value.to_string())]),
        Cause::Unknown { value, sheet } => (
            "unknown",
            vec![("value", value.to_string()), ("sheet", sheet.to_string())],
        ),
        Cause::UnknownSetting(key) => ("unknown_setting", vec![("key", key.to_string())]),
        Cause::SettingMissing(key) => ("setting_missing", vec![("key", key.to_string())]),
        Cause::NotTranslated => ("not_translated", vec![]),
        Cause::SuccessorLoop => ("successor_loop", vec![]),
        Cause::EndsBeforeStart => ("ends_before_start", vec![]),
        Cause::DiffersFromRow { row } => ("differs_from_row", vec![("row", row.to_string())]),
        Cause::TooFewOptions { question } => {
            ("too_few_options", vec![("question", question.to_string())])
        }
        Cause::TooMany { max } => ("too_many", vec![("max", max.to_string())]),
        Cause::SameChannel { other } => ("same_channel", vec![("other", other.to_string())]),
        Cause::ItemTooLarge { kilobytes, max } => (
            "item_too_large",
            vec![
                ("kilobytes", kilobytes.to_string()),
                ("max", max.to_string()),
            ],
        ),
        Cause::NoCatalog => ("no_catalog", vec![]),
        Cause::NotOfUnit { official, unit } => (
            "not_of_unit",
            vec![
                ("official", official.to_string()),
                ("unit", unit.to_string()),
            ],
        ),
        Cause::UnitNotInForce { unit } => ("unit_not_in_force", vec![("unit", unit.to_string())]),
        Cause::NotAComingQuarter(value) => {
            ("not_a_coming_quarter", vec![("value", value.to_string())])
        }
        Cause::InFuture => ("in_future", vec![]),
        Cause::CodeOfAnotherDay { code, received } => (
            "code_of_another_day",
            vec![("code", day(code)), ("received", day(received))],
        ),
        Cause::BeforeReceived => ("before_received", vec![]),
        Cause::ReturnedWithoutDay => ("returned_without_day", vec![]),
        Cause::DayWithoutReturn => ("day_without_return", vec![]),
    }
}

/// « · trang units · dòng 14 · cột group»: what of the place is known.
fn where_found(finding: &Finding) -> String {
    let place = &finding.place;
    let mut at = String::new();
    if !place.sheet.is_empty() {
        let _ = write!(at, " · trang/sheet {}", place.sheet);
    }
    if let Some(row) = place.row {
        let _ = write!(at, " · dòng/row {row}");
    }
    if let Some(column) = &place.column {
        let _ = write!(at, " · cột/column {column}");
    }
    at
}

fn named<T: ToString>(list: &[T]) -> String {
    let mut names: Vec<String> = list.iter().take(MAX_NAMED).map(T::to_string).collect();
    if list.len() > MAX_NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::import::Place;

    /// Every key of a locale file, with its text.
    fn texts(locale: &str) -> Vec<(&str, &str)> {
        let lines = locale
            .lines()
            .filter_map(|line| line.trim().split_once(": \""));
        lines
            .map(|(key, text)| (key, text.trim_end_matches('"')))
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_sentences_with_the_same_values() {
        let vi = texts(include_str!("../../../locales/import.vi.yml"));
        let en = texts(include_str!("../../../locales/import.en.yml"));
        let values = |text: &str| -> std::collections::BTreeSet<String> {
            let parts = text.split("%{").skip(1);
            parts
                .map(|part| part.split('}').next().unwrap().to_owned())
                .collect()
        };

        assert!(vi.len() > 60);
        assert_eq!(vi.len(), en.len());
        for ((key, vi), (other, en)) in vi.iter().zip(&en) {
            assert_eq!(key, other);
            assert_eq!(values(vi), values(en), "{key}");
            assert_ne!(vi, en, "{key}");
        }
    }

    #[test]
    fn a_sentence_shows_its_values_in_both_languages() {
        let code = jiff::civil::date(2026, 11, 7);
        let received = jiff::civil::date(2026, 7, 11);
        for cause in [
            Cause::BadNumber { min: 12, max: 34 },
            Cause::CodeOfAnotherDay { code, received },
            Cause::Unknown {
                value: "%{sheet}".to_owned(),
                sheet: "units",
            },
            Cause::OpenQuotation,
        ] {
            let mut findings = Findings::default();
            findings.push(Place::default(), cause.clone());
            let report = ImportReport {
                key: "dossiers/a.csv".to_owned(),
                outcome: ImportOutcome::Refused,
                findings,
            };

            let text = report.text();

            let (key, values) = advice(&cause);
            assert!(!text.contains(&format!("import.cause.{key}")), "{text}");
            for (_, value) in values {
                assert_eq!(text.matches(&value).count(), 2, "{value}: {text}");
            }
            assert!(text.contains("KHÔNG NHẬP: 1") && text.contains("NOT IMPORTED: 1"));
        }
    }
}
