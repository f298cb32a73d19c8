//! Everything else that is read from texts at the edge: what is read is written back the same.

use thuocdo::challenge::{Commitment, Salt};
use thuocdo::domain::id::{OptionCode, UnitId};
use thuocdo::domain::period::{Month, Period, Quarter};
use thuocdo::domain::phone::Phone;
use thuocdo::domain::rating::Subject;
use thuocdo::domain::tally::{CellKey, Counter};
use thuocdo::domain::text::{fold, normalise};
use thuocdo::keyring::Keyring;
use thuocdo::site::collation;
use thuocdo::store::rating::parse_questionnaire;

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let text = text.as_ref();
    if let Ok(subject) = Subject::parse(text) {
        assert_eq!(subject.to_string(), text);
    }
    if let Ok(code) = OptionCode::parse(text) {
        assert_eq!(code.to_string(), text);
    }
    if let Some(period) = Period::parse(text) {
        assert_eq!(period.to_string(), text);
    }
    if let Some(month) = Month::parse(text) {
        assert_eq!(month.to_string(), text);
        // The quarter before a month's is of three months, all earlier.
        let before = month.quarter().previous();
        assert!(
            before.months().iter().all(|earlier| *earlier < month),
            "{month}"
        );
        let _ = month.previous();
    }
    if let Some(quarter) = Quarter::parse(text) {
        assert_eq!(quarter.to_string(), text);
        assert!(
            quarter
                .months()
                .iter()
                .all(|month| month.quarter() == quarter)
        );
    }
    if let Ok(phone) = Phone::parse(text) {
        assert!(
            phone.as_str().bytes().all(|byte| byte.is_ascii_digit())
                && phone.as_str().starts_with('0')
        );
        assert!(
            Phone::parse(phone.as_str()).is_ok_and(|again| again == phone),
            "{text:?}"
        );
        assert!(
            Phone::parse(&format!("+84{}", &phone.as_str()[1..])).is_ok_and(|again| again == phone),
            "{text:?}"
        );
    }
    if let Some(counter) = Counter::parse(text) {
        assert_eq!(counter.to_string(), text);
    }
    let unit = UnitId::parse("a").expect("an identifier");
    let month = Month {
        year: 2026,
        month: 11,
    };
    if let Ok(cell) = CellKey::parse(unit, month, text) {
        assert_eq!(cell.sort_key(), text);
    }
    if let Some((id, version)) = parse_questionnaire(text) {
        let written = format!("{id}@{version}");
        assert_eq!(
            parse_questionnaire(&written),
            Some((id, version)),
            "{text:?}"
        );
    }
    if let Ok(once) = normalise(text, 1_000) {
        assert_eq!(normalise(&once, 1_000).as_ref(), Ok(&once), "{text:?}");
    }
    assert_eq!(fold(&fold(text)), fold(text), "{text:?}");
    if let Ok(commitment) = Commitment::parse(text) {
        assert_eq!(commitment.to_string(), text);
    }
    if let Ok(salt) = Salt::parse(text) {
        assert_eq!(salt.as_str(), text);
    }
    let _ = Keyring::from_hex(text);
    let _ = (collation::person_key(text), collation::text_key(text));
}
