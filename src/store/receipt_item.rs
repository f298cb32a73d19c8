//! The item of a receipt: what a table shows of a dossier, and what only its code opens.
//!
//! | attribute | holds |
//! |---|---|
//! | `unit` | the unit that received the dossier |
//! | `secret` | `Keyring::secret_hash` of the secret part, where the slip carries one |
//! | `exp` | the end of the year in which the receipt expires: a day or a month would tell when the dossier was received |
//! | `used` | a mark for each subject that was rated, see `ReceiptKeys::mark` |
//! | `sealed` | all else of the dossier, under a key drawn from the master key and the code |
//!
//! Earlier versions wrote the details and the used subjects as they are. Such items are read, rate as before, and are
//! written anew when a dossier file names them again.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Put, Update};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::error::{BoxError, MalformedItem};
use super::item::{self, Item, n, s, ss};
use super::key::Key;
use crate::domain::dossier::{DossierStatus, OfficialRole, Receipt};
use crate::domain::id::{FieldId, OfficialId, UnitId};
use crate::domain::period::start_of_day;
use crate::domain::rating::Subject;
use crate::domain::receipt::RECEIPT_DAYS;
use crate::keyring::{ReceiptKeys, UsedMark};
use crate::seal::{self, SealError};

const UNIT: &str = "unit";
const SECRET: &str = "secret";
const EXP: &str = "exp";
const USED: &str = "used";
const SEALED: &str = "sealed";

/// Attributes that only earlier versions wrote.
const EARLIER: [&str; 8] = [
    OFFICIALS, FIELD, PROCEDURE, STATUS, RECEIVED, DUE, RETURNED, "digest",
];
const OFFICIALS: &str = "officials";
const FIELD: &str = "field";
const PROCEDURE: &str = "procedure";
const STATUS: &str = "status";
const RECEIVED: &str = "received";
const DUE: &str = "due";
const RETURNED: &str = "returned";

/// Bytes that sealed details are filled up to a multiple of: their length would tell how many officials there are.
const FILL: usize = 512;

/// A receipt as its item holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredItem {
    pub(crate) receipt: Receipt,
    /// `Keyring::secret_hash` of the secret part, where the slip carries one.
    pub(crate) secret_hash: Option<String>,
    /// Marks of what was rated, and subjects as earlier versions wrote them.
    pub(crate) used: Vec<String>,
    /// Whether an earlier version wrote it.
    pub(crate) is_earlier: bool,
}

/// What is sealed of a receipt.
#[derive(Serialize, Deserialize)]
struct Details {
    field: FieldId,
    status: DossierStatus,
    received: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    procedure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<Date>,
    officials: Vec<(OfficialId, OfficialRole)>,
}

/// The moment the receipt of a dossier received on `received` expires: when the last of its days ends.
pub(crate) fn expires(received: Date) -> Timestamp {
    start_of_day(received.saturating_add(RECEIPT_DAYS.days()))
}

/// Until when its item is kept: the end of the year of its last day.
fn kept_until(received: Date) -> Timestamp {
    let last_day = received.saturating_add((RECEIPT_DAYS - 1).days());
    start_of_day(last_day.last_of_year().saturating_add(1.day()))
}

/// A receipt's first item.
pub(crate) fn create(
    table: &str,
    keys: &ReceiptKeys,
    secret_hash: Option<&str>,
    receipt: &Receipt,
) -> Result<Put, BoxError> {
    let mut item = Key::receipt(&keys.hash).attributes();
    item.insert(UNIT.to_owned(), s(receipt.unit_id.as_str()));
    item.insert(SEALED.to_owned(), sealed(keys, receipt)?);
    let kept_until = kept_until(receipt.received);
    item.insert(EXP.to_owned(), n(kept_until.as_second()));
    if let Some(secret_hash) = secret_hash {
        item.insert(SECRET.to_owned(), s(secret_hash));
    }
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(PK)");
    Ok(put.build()?)
}

/// Brings an item that was read as `old` up to date with `receipt`, in the present form, if it still reads so.
///
/// Another day received is written only where the receipt has rated nothing.
pub(crate) fn rewrite(
    table: &str,
    keys: &ReceiptKeys,
    item: &Item,
    old: &StoredItem,
    receipt: &Receipt,
) -> Result<Update, BoxError> {
    let mut rewrite = Rewrite {
        builder: Update::builder()
            .table_name(table)
            .set_key(Some(Key::receipt(&keys.hash).attributes())),
        set: Vec::new(),
        remove: Vec::new(),
        conditions: Vec::new(),
    };
    let kept_until = kept_until(receipt.received);
    rewrite.expect(SEALED, item.get(SEALED));
    rewrite.set(SEALED, sealed(keys, receipt)?);
    rewrite.set(EXP, n(kept_until.as_second()));
    if old.is_earlier || old.receipt.received != receipt.received {
        rewrite.expect(USED, item.get(USED));
    }
    if old.is_earlier {
        for name in EARLIER {
            rewrite.expect(name, item.get(name));
            if item.contains_key(name) {
                rewrite.remove.push(format!("#{name}"));
            }
        }
        if !old.used.is_empty() {
            let marks = old.used.iter().map(|used| match Subject::parse(used) {
                Ok(subject) if subject.unit_id == receipt.unit_id => {
                    keys.mark(&subject, false).text
                }
                // A mark already: this version rated with an item of an earlier one.
                _ => used.clone(),
            });
            rewrite.set(USED, ss(marks));
        }
    }
    Ok(rewrite.build()?)
}

/// An update under way: names and values of one attribute stand under its own name.
struct Rewrite {
    builder: aws_sdk_dynamodb::types::builders::UpdateBuilder,
    set: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
}

impl Rewrite {
    fn expect(&mut self, name: &str, value: Option<&AttributeValue>) {
        let builder = std::mem::take(&mut self.builder);
        let builder = builder.expression_attribute_names(format!("#{name}"), name);
        self.builder = match value {
            None => {
                self.conditions
                    .push(format!("attribute_not_exists(#{name})"));
                builder
            }
            Some(value) => {
                self.conditions.push(format!("#{name} = :old_{name}"));
                builder.expression_attribute_values(format!(":old_{name}"), value.clone())
            }
        };
    }

    fn set(&mut self, name: &str, value: AttributeValue) {
        self.set.push(format!("#{name} = :new_{name}"));
        let builder = std::mem::take(&mut self.builder);
        self.builder = builder
            .expression_attribute_names(format!("#{name}"), name)
            .expression_attribute_values(format!(":new_{name}"), value);
    }

    fn build(self) -> Result<Update, BuildError> {
        let mut expression = format!("SET {}", self.set.join(", "));
        if !self.remove.is_empty() {
            expression.push_str(&format!(" REMOVE {}", self.remove.join(", ")));
        }
        self.builder
            .update_expression(expression)
            .condition_expression(self.conditions.join(" AND "))
            .build()
    }
}

fn sealed(keys: &ReceiptKeys, receipt: &Receipt) -> Result<AttributeValue, SealError> {
    let details = Details {
        field: receipt.field_id.clone(),
        status: receipt.status,
        received: receipt.received,
        procedure: receipt.procedure.clone(),
        due: receipt.due,
        returned: receipt.returned,
        officials: receipt.officials.clone(),
    };
    let mut plain = serde_json::to_vec(&details).expect("texts and days always serialise");
    plain.resize(plain.len().next_multiple_of(FILL), b' ');
    let sealed = seal::seal(&keys.details, &context(keys, &receipt.unit_id), &plain)?;
    Ok(AttributeValue::B(Blob::new(sealed)))
}

/// Binds sealed details to their item and its unit.
fn context(keys: &ReceiptKeys, unit_id: &UnitId) -> Vec<u8> {
    format!("receipt {} {unit_id}", keys.hash).into_bytes()
}

/// Reads an item of this version or an earlier one.
///
/// # Errors
/// [`MalformedItem`] when an attribute is missing, not as this version or an earlier one writes it, or does not open.
pub(crate) fn read(keys: &ReceiptKeys, item: &Item) -> Result<StoredItem, MalformedItem> {
    let is_earlier = !item.contains_key(SEALED);
    let receipt = match is_earlier {
        true => earlier(item)?,
        false => {
            let malformed = |_| MalformedItem { attribute: SEALED };
            let unit_id = unit(item)?;
            let plain = seal::open(
                &keys.details,
                &context(keys, &unit_id),
                item::bytes(item, SEALED)?,
            );
            let details: Details = serde_json::from_slice(&plain.map_err(malformed)?)
                .map_err(|_| MalformedItem { attribute: SEALED })?;
            Receipt {
                unit_id,
                officials: details.officials,
                field_id: details.field,
                procedure: details.procedure,
                status: details.status,
                received: details.received,
                due: details.due,
                returned: details.returned,
            }
        }
    };
    Ok(StoredItem {
        receipt,
        secret_hash: item::optional_text(item, SECRET)?.map(str::to_owned),
        used: item::texts(item, USED)?.to_vec(),
        is_earlier,
    })
}

/// Whether the receipt of `item` has rated `subject`.
pub(crate) fn is_used(
    item: &Item,
    mark: &UsedMark,
    subject: &Subject,
) -> Result<bool, MalformedItem> {
    Ok(is_among(item::texts(item, USED)?, mark, subject))
}

/// Whether `used` holds the mark, or the subject as an earlier version wrote it.
pub(crate) fn is_among(used: &[String], mark: &UsedMark, subject: &Subject) -> bool {
    let subject = (!mark.again).then(|| subject.to_string());
    let is_it = |used: &String| *used == mark.text || Some(used) == subject.as_ref();
    used.iter().any(is_it)
}

fn unit(item: &Item) -> Result<UnitId, MalformedItem> {
    UnitId::parse(item::text(item, UNIT)?).map_err(|_| MalformedItem { attribute: UNIT })
}

/// A receipt as earlier versions wrote it.
fn earlier(item: &Item) -> Result<Receipt, MalformedItem> {
    let malformed = |attribute| MalformedItem { attribute };
    let day = |name| match item.contains_key(name) {
        true => item::day(item, name).map(Some),
        false => Ok(None),
    };
    Ok(Receipt {
        unit_id: unit(item)?,
        officials: officials_from(item.get(OFFICIALS)).ok_or(malformed(OFFICIALS))?,
        field_id: FieldId::parse(item::text(item, FIELD)?).map_err(|_| malformed(FIELD))?,
        procedure: item::optional_text(item, PROCEDURE)?.map(str::to_owned),
        status: DossierStatus::parse(item::text(item, STATUS)?).ok_or(malformed(STATUS))?,
        received: item::day(item, RECEIVED)?,
        due: day(DUE)?,
        returned: day(RETURNED)?,
    })
}

fn officials_from(value: Option<&AttributeValue>) -> Option<Vec<(OfficialId, OfficialRole)>> {
    let list = value?.as_l().ok()?.iter();
    let entry = |value: &AttributeValue| {
        let (id, role) = value.as_s().ok()?.split_once(':')?;
        Some((OfficialId::parse(id).ok()?, OfficialRole::parse(role)?))
    };
    list.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use jiff::civil::date;

    use super::*;
    use crate::domain::receipt::ReceiptCode;
    use crate::keyring::Keyring;

    fn keys(key: &str) -> ReceiptKeys {
        let code = ReceiptCode::parse("H17-261012-0001").unwrap();
        Keyring::from_hex(&key.repeat(32))
            .unwrap()
            .receipt_keys(&code)
    }

    fn receipt(officials: usize) -> Receipt {
        let officials = (0..officials).map(|n| {
            let id = OfficialId::parse(&format!("o-{n}")).unwrap();
            (id, OfficialRole::ALL[n % 5])
        });
        Receipt {
            unit_id: UnitId::parse("u-1").unwrap(),
            officials: officials.collect(),
            field_id: FieldId::parse("ho-tich").unwrap(),
            procedure: Some("Đăng ký khai sinh".to_owned()),
            status: DossierStatus::Returned,
            received: date(2026, 10, 12),
            due: Some(date(2026, 10, 15)),
            returned: Some(date(2026, 10, 15)),
        }
    }

    fn item(receipt: &Receipt) -> Item {
        let put = create("t", &keys("0f"), Some("hash"), receipt).unwrap();
        put.item
    }

    /// The item as the version before this one wrote it.
    pub(crate) fn earlier_item(receipt: &Receipt) -> Item {
        let officials = receipt.officials.iter();
        let officials = officials.map(|(id, role)| s(format!("{id}:{}", role.code())));
        let mut item = HashMap::from([
            (UNIT.to_owned(), s(receipt.unit_id.as_str())),
            (OFFICIALS.to_owned(), AttributeValue::L(officials.collect())),
            (FIELD.to_owned(), s(receipt.field_id.as_str())),
            (STATUS.to_owned(), s(receipt.status.code())),
            (RECEIVED.to_owned(), s(receipt.received.to_string())),
        ]);
        let optional = [
            (PROCEDURE, receipt.procedure.clone()),
            (DUE, receipt.due.map(|day| day.to_string())),
            (RETURNED, receipt.returned.map(|day| day.to_string())),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                item.insert(name.to_owned(), s(value));
            }
        }
        item
    }

    #[test]
    fn a_receipt_reads_back_as_written_by_this_version_and_the_one_before() {
        for officials in [0, 1, 5] {
            let full = receipt(officials);
            let mut bare = full.clone();
            (bare.procedure, bare.due, bare.returned) = (None, None, None);
            for receipt in [full, bare] {
                for item in [item(&receipt), earlier_item(&receipt)] {
                    let read = read(&keys("0f"), &item).unwrap();
                    assert_eq!(read.receipt, receipt);
                }
            }
        }
    }

    #[test]
    fn an_item_shows_nothing_of_its_dossier_but_the_unit() {
        let (one, many) = (item(&receipt(1)), item(&receipt(5)));

        let names: BTreeSet<&str> = one.keys().map(String::as_str).collect();
        assert_eq!(names, ["PK", "SK", EXP, SEALED, SECRET, UNIT].into());
        let bytes = |item: &Item| item::bytes(item, SEALED).unwrap().len();
        assert_eq!(bytes(&one), bytes(&many));
        let mut other = receipt(1);
        other.received = date(2026, 10, 30);
        assert_ne!(item(&other)[SEALED], one[SEALED]);
        let mut later = receipt(1);
        later.received = date(2026, 1, 2);
        assert_eq!(item(&later)[EXP], one[EXP]);
    }

    #[test]
    fn details_open_with_their_own_code_and_key_and_in_their_own_unit_only() {
        let item = item(&receipt(2));
        let keyring = Keyring::from_hex(&"0f".repeat(32)).unwrap();
        let other = ReceiptCode::parse("H17-261012-0002").unwrap();

        let mut of_another = keyring.receipt_keys(&other);
        of_another.hash = keys("0f").hash;
        for keys in [keys("1f"), of_another] {
            assert_eq!(read(&keys, &item).unwrap_err().attribute, SEALED);
        }
        let mut moved = item.clone();
        moved.insert(UNIT.to_owned(), s("u-2"));
        assert_eq!(read(&keys("0f"), &moved).unwrap_err().attribute, SEALED);
    }

    #[test]
    fn a_damaged_receipt_is_reported_not_guessed() {
        for attribute in [UNIT, OFFICIALS, FIELD, STATUS, RECEIVED] {
            let mut item = earlier_item(&receipt(2));
            item.remove(attribute);
            assert_eq!(read(&keys("0f"), &item).unwrap_err().attribute, attribute);
            item.insert(attribute.to_owned(), AttributeValue::Bool(true));
            assert_eq!(read(&keys("0f"), &item).unwrap_err().attribute, attribute);
        }
        let mut item = item(&receipt(2));
        item.insert(SEALED.to_owned(), AttributeValue::B(Blob::new([7; 600])));
        assert_eq!(read(&keys("0f"), &item).unwrap_err().attribute, SEALED);
    }

    #[test]
    fn a_receipt_expires_when_its_400th_day_ends_in_vietnam_and_is_kept_to_the_end_of_that_year() {
        for (received, last_second, year) in [
            (date(2025, 10, 22), "2026-11-25T16:59:59Z", 2026),
            (date(2026, 11, 26), "2027-12-30T16:59:59Z", 2027),
            (date(2026, 11, 28), "2028-01-01T16:59:59Z", 2028),
            // A year with 29 February.
            (date(2027, 1, 26), "2028-02-29T16:59:59Z", 2028),
        ] {
            let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second() + 1;
            assert_eq!(expires(received).as_second(), second(last_second));
            let kept = format!("{year}-12-31T16:59:59Z");
            assert_eq!(kept_until(received).as_second(), second(&kept));
        }
    }

    #[test]
    fn what_an_earlier_version_marked_as_rated_stays_rated() {
        let keys = keys("0f");
        let [unit, official] = ["u-1", "u-1/o-1"].map(|text| Subject::parse(text).unwrap());
        let mut item = earlier_item(&receipt(2));
        let [unit_mark, mark] = [&unit, &official].map(|subject| keys.mark(subject, false));
        let used = ss([unit.to_string(), mark.text.clone()]);
        item.insert(USED.to_owned(), used);

        assert!(is_used(&item, &unit_mark, &unit).unwrap());
        assert!(is_used(&item, &mark, &official).unwrap());
        for subject in [&unit, &official] {
            assert!(!is_used(&item, &keys.mark(subject, true), subject).unwrap());
        }
        let old = read(&keys, &item).unwrap();
        let update = rewrite("t", &keys, &item, &old, &receipt(2)).unwrap();
        let values = update.expression_attribute_values.unwrap();
        assert_eq!(values[":new_used"], ss([unit_mark.text, mark.text]));
        let removed = update.update_expression.split(" REMOVE ").nth(1).unwrap();
        let removed: Vec<&str> = removed.split(", ").collect();
        let expected = EARLIER[..7].iter().map(|name| format!("#{name}"));
        assert_eq!(removed, expected.collect::<Vec<_>>());
    }
}
