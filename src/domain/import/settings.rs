//! Settings: one row per key, defaults for what is left out.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::columns::SheetKind;
use super::fields::{MAX_NAME, MAX_TEXT, Seen, each_row};
use super::finding::{Cause, Findings, Place};
use super::row::{RowReader, Sheet, excerpt};
use crate::catalog::{Menu, Settings, Text};
use crate::rating::Attestation;

/// Days names and phones are kept, unless the catalog says otherwise.
const DEFAULT_RETENTION_DAYS: u32 = 90;

/// Longest text a person consents to, in characters.
const MAX_CONSENT: usize = 2_000;

/// Longest name of a menu item, in characters.
const MAX_MENU: usize = 40;

/// What the rows have said so far.
#[derive(Default)]
struct Draft {
    texts: BTreeMap<&'static str, Text>,
    numbers: BTreeMap<&'static str, (u32, Place)>,
    strata: Option<Vec<Attestation>>,
    opens: Option<Date>,
    sample: bool,
}

/// Texts: key, longest, whether there may be English, whether it must be there.
const TEXTS: &[(&str, usize, bool, bool)] = &[
    ("province_name", MAX_NAME, true, true),
    ("agency_name", MAX_NAME, true, true),
    ("hotline", 30, false, true),
    ("email", 100, false, true),
    ("legal_basis", MAX_TEXT * 2, true, true),
    ("consent_text", MAX_CONSENT, true, true),
    ("menu_units", MAX_MENU, true, false),
    ("menu_officials", MAX_MENU, true, false),
    ("menu_results", MAX_MENU, true, false),
];

/// Numbers: key, smallest, largest.
const NUMBERS: &[(&str, u32, u32)] = &[
    ("min_new_ratings", 1, 10_000),
    ("min_official_ratings", 1, 10_000),
    ("retention_days", 1, 3_650),
    ("unverified_per_day", 1, 100_000),
];

/// Keys of sheets written before these settings were renamed, with today's.
const OLD_KEYS: &[(&str, &str)] = &[
    ("threshold_k", "min_new_ratings"),
    ("threshold_n", "min_official_ratings"),
];

pub(super) fn read(sheet: Option<&Sheet>, findings: &mut Findings) -> Option<Settings> {
    let before = findings.count();
    let (mut draft, mut seen) = (Draft::default(), Seen::default());
    each_row(SheetKind::Settings, sheet, findings, |row| {
        let Some(key) = row.required_text("key", MAX_NAME) else {
            return;
        };
        let key = key.to_lowercase();
        let key = OLD_KEYS
            .iter()
            .find(|(old, _)| *old == key)
            .map_or(key.as_str(), |(_, new)| new);
        seen.check(row, "key", key);
        setting(row, key, &mut draft);
    });
    let sheet = sheet?;
    for (key, min) in Settings::FLOORS {
        if let Some((number, place)) = draft.numbers.get(key)
            && *number < min
            && !draft.sample
        {
            findings.push(place.clone(), Cause::BelowFloor { min });
        }
    }
    if findings.count() == before {
        for (key, _, _, is_required) in TEXTS {
            if *is_required && !draft.texts.contains_key(key) {
                findings.push(sheet.place.clone(), Cause::SettingMissing(key));
            }
        }
    }
    finish(draft)
}

fn setting(row: &mut RowReader, key: &str, draft: &mut Draft) {
    if let Some((key, max, translated, _)) = TEXTS.iter().find(|(name, ..)| *name == key) {
        let vi = row
            .required_text("value", MAX_CONSENT)
            .and_then(|_| row.lines("value", *max));
        let en = row.lines("value_en", *max);
        if en.is_some() && !translated {
            row.fault("value_en", Cause::NotTranslated);
        }
        let Some(vi) = vi else { return };
        match *key {
            "hotline" if !is_phone(&vi) => row.fault("value", Cause::BadPhone),
            "hotline" if lacks_zero(&vi) => row.fault("value", Cause::PhoneWithoutZero),
            "email" if !is_email(&vi) => row.fault("value", Cause::BadEmail),
            key => {
                draft.texts.insert(key, Text { vi, en });
            }
        }
        return;
    }
    if row.text("value_en", MAX_CONSENT).is_some() {
        row.fault("value_en", Cause::NotTranslated);
    }
    if let Some((key, min, max)) = NUMBERS.iter().find(|(name, ..)| *name == key) {
        if let Some(number) = row.number_in("value", *min, *max) {
            draft.numbers.insert(key, (number, row.place("value")));
        }
        return;
    }
    match key {
        "ranking_strata" => draft.strata = strata(row, "value"),
        "opens" => draft.opens = row.date("value"),
        "sample" => {
            let flag = row.flag("value");
            // What cannot be read is refused for that alone, and not for thresholds of a sample besides.
            draft.sample = flag.unwrap_or(!row.sound());
        }
        _ => row.fault("key", Cause::UnknownSetting(excerpt(key))),
    }
}

/// Attestations named in `column`.
pub(super) fn strata(row: &mut RowReader, column: &str) -> Option<Vec<Attestation>> {
    let list = row.required_text(column, MAX_NAME)?;
    let separators = |c: char| matches!(c, ',' | ';' | '|' | ' ' | '+');
    let mut strata = Vec::new();
    for code in list.split(separators).filter(|code| !code.is_empty()) {
        match Attestation::parse(code) {
            None => {
                let allowed: Vec<&str> = Attestation::ALL.iter().map(|a| a.code()).collect();
                let cause = Cause::BadWord {
                    value: excerpt(code),
                    allowed: allowed.join(", "),
                };
                row.fault(column, cause);
            }
            Some(stratum) if strata.contains(&stratum) => {
                row.fault(column, Cause::Repeated(code.to_owned()));
            }
            Some(stratum) => strata.push(stratum),
        }
    }
    (!strata.is_empty()).then_some(strata)
}

fn finish(mut draft: Draft) -> Option<Settings> {
    let number = |key: &str, default: u32| {
        draft
            .numbers
            .get(key)
            .map_or(default, |(number, _)| *number)
    };
    let min_new_ratings = number("min_new_ratings", Settings::LEAST_NEW_RATINGS);
    let min_official_ratings = number("min_official_ratings", Settings::LEAST_OFFICIAL_RATINGS);
    let retention_days = number("retention_days", DEFAULT_RETENTION_DAYS);
    let unverified_per_day = number("unverified_per_day", Settings::default_unverified_per_day());
    let default = || vec![Attestation::DossierVerified, Attestation::DeviceSession];
    let mut text = |key: &str| draft.texts.remove(key);
    let menu = Menu {
        units: text("menu_units"),
        officials: text("menu_officials"),
        results: text("menu_results"),
    };
    Some(Settings {
        province_name: text("province_name")?,
        agency_name: text("agency_name")?,
        hotline: text("hotline")?.vi,
        email: text("email")?.vi,
        legal_basis: text("legal_basis")?,
        consent_text: text("consent_text")?,
        min_new_ratings,
        min_official_ratings,
        ranking_strata: draft.strata.unwrap_or_else(default),
        retention_days,
        unverified_per_day,
        menu,
        opens: draft.opens,
        sample: draft.sample,
    })
}

/// Digits with the marks people set between them; short service numbers such as 1022 are numbers too.
fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let allowed = |byte: u8| byte.is_ascii_digit() || b" ()+-.".contains(&byte);
    (3..=15).contains(&digits) && text.bytes().all(allowed)
}

/// Whether a number lost the zero it begins with, as a spreadsheet drops it from a cell that is not text.
///
/// Without it begin numbers with a country code behind a plus sign, and service numbers such as 1022 or 1900 1234.
fn lacks_zero(text: &str) -> bool {
    let first = text.chars().find(|c| c.is_ascii_digit() || *c == '+');
    !matches!(first, Some('+' | '0' | '1'))
}

/// One `@`, something before it, a dotted name behind it; whether mail arrives is not ours to know.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let local_byte = |b: u8| b.is_ascii_alphanumeric() || b"._%+-".contains(&b);
    !local.is_empty()
        && local.bytes().all(local_byte)
        && domain.contains('.')
        && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_and_addresses_are_checked_by_shape() {
        for good in ["(0236) 1022", "1022", "+84 236 3881 888", "0236.3881888"] {
            assert!(is_phone(good), "{good}");
        }
        for bad in ["", "12", "gọi 1022", "1022;drop", "0123456789012345"] {
            assert!(!is_phone(bad), "{bad}");
        }
        for complete in [
            "(0236) 1022",
            "1022",
            "+84 236 3881 888",
            "(+84) 236 3881 888",
        ] {
            assert!(!lacks_zero(complete), "{complete}");
        }
        for cut in ["2363881888", "84 236 3881 888", "905123456"] {
            assert!(lacks_zero(cut), "{cut}");
        }
        assert!(is_email("gopy@danang.gov.vn"));
        for bad in [
            "",
            "gopy",
            "@danang.gov.vn",
            "a@b",
            "a@b..vn",
            "a b@c.vn",
            "a@c.vn<br>",
            "a@b@c.vn",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
