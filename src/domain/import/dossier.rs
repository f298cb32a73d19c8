//! Rows of a dossier file to dossiers.

use jiff::civil::Date;

use super::columns::SheetKind;
use super::fields::{MAX_NAME, MAX_TEXT, ROLES, required_word, unknown};
use super::finding::Cause;
use super::row::{RowReader, excerpt, heading_key};
use crate::catalog::{Catalog, UnitEntry};
use crate::dossier::{DossierStatus, OfficialRole, Receipt};
use crate::id::{FieldId, OfficialId, UnitId};
use crate::receipt::{ReceiptCode, ReceiptSecret};

/// A dossier as the one-stop software hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// Its code.
    pub code: ReceiptCode,
    /// The secret part printed on its slip, where slips carry one.
    pub secret: Option<ReceiptSecret>,
    /// What the code lets a citizen rate.
    pub receipt: Receipt,
}

const STATUSES: &[(&str, &[&str], DossierStatus)] = &[
    (
        "open",
        &["đang giải quyết", "mới tiếp nhận"],
        DossierStatus::Open,
    ),
    (
        "returned",
        &["đã trả kết quả", "đã trả"],
        DossierStatus::Returned,
    ),
    (
        "supplement",
        &["yêu cầu bổ sung"],
        DossierStatus::Supplement,
    ),
    ("refused", &["từ chối"], DossierStatus::Refused),
];

/// The dossier in `row`, checked against `catalog`; `today` is the last day anything can have happened.
pub fn read(row: &mut RowReader, catalog: &Catalog, today: Date) -> Option<Dossier> {
    let code = code(row);
    let secret = secret(row);
    let unit_id = row.required_id("unit", UnitId::parse);
    let field_id = row.required_id("field", FieldId::parse);
    let procedure = row.text("procedure", MAX_TEXT);
    let received = row.date("received");
    if row.is_blank("received") {
        row.fault("received", Cause::Missing);
    }
    let due = row.date("due");
    let returned = row.date("returned");
    let status = required_word(row, "status", STATUSES);
    check_code(row, code.as_ref(), received);
    check_days(row, received, due, returned, today);
    check_status(row, status, returned);
    if let Some(field) = &field_id
        && catalog.head.field(field).is_none()
    {
        row.fault("field", unknown(field.as_str(), SheetKind::Fields));
    }
    let (Some(unit_id), Some(received)) = (unit_id, received) else {
        return None;
    };
    let Some(entry) = catalog.units.get(&unit_id) else {
        row.fault("unit", unknown(unit_id.as_str(), SheetKind::Units));
        return None;
    };
    if !entry.unit.validity.holds(received) {
        let unit = unit_id.to_string();
        row.fault("unit", Cause::UnitNotInForce { unit });
    }
    let officials = officials(row, entry, received);
    if !row.sound() {
        return None;
    }
    Some(Dossier {
        code: code?,
        secret,
        receipt: Receipt {
            unit_id,
            officials,
            field_id: field_id?,
            procedure,
            status: status?,
            received,
            due,
            returned,
        },
    })
}

fn code(row: &mut RowReader) -> Option<ReceiptCode> {
    let text = row.required_text("code", MAX_NAME)?;
    let code = ReceiptCode::parse(&text);
    if code.is_err() {
        row.fault("code", Cause::BadReceiptCode);
    }
    code.ok()
}

fn secret(row: &mut RowReader) -> Option<ReceiptSecret> {
    let text = row.text("secret", MAX_NAME)?;
    let secret = ReceiptSecret::parse(&text);
    if secret.is_err() {
        row.fault("secret", Cause::BadReceiptSecret);
    }
    secret.ok()
}

/// Thông tư 01/2018/TT-VPCP, art. 19: the code names the day the dossier was received.
fn check_code(row: &mut RowReader, code: Option<&ReceiptCode>, received: Option<Date>) {
    if let (Some(code), Some(received)) = (code, received)
        && code.day() != received
    {
        let code = code.day();
        row.fault("received", Cause::CodeOfAnotherDay { code, received });
    }
}

fn check_days(
    row: &mut RowReader,
    received: Option<Date>,
    due: Option<Date>,
    returned: Option<Date>,
    today: Date,
) {
    for (name, day) in [("received", received), ("returned", returned)] {
        if day.is_some_and(|day| day > today) {
            row.fault(name, Cause::InFuture);
        }
    }
    for (name, day) in [("due", due), ("returned", returned)] {
        if let (Some(day), Some(received)) = (day, received)
            && day < received
        {
            row.fault(name, Cause::BeforeReceived);
        }
    }
}

fn check_status(row: &mut RowReader, status: Option<DossierStatus>, returned: Option<Date>) {
    match (status, returned) {
        (Some(DossierStatus::Returned), None) if row.is_blank("returned") => {
            row.fault("returned", Cause::ReturnedWithoutDay);
        }
        (Some(DossierStatus::Open | DossierStatus::Supplement), Some(_)) => {
            row.fault("returned", Cause::DayWithoutReturn);
        }
        _ => {}
    }
}

/// `id:role` separated by spaces or `|`; without a role, the official's usual one.
fn officials(
    row: &mut RowReader,
    entry: &UnitEntry,
    received: Date,
) -> Vec<(OfficialId, OfficialRole)> {
    let Some(list) = row.text("officials", MAX_TEXT * 2) else {
        return Vec::new();
    };
    let mut officials: Vec<(OfficialId, OfficialRole)> = Vec::new();
    for part in list
        .split([' ', '|', ',', ';'])
        .filter(|part| !part.is_empty())
    {
        let (id, role) = match part.split_once(':') {
            Some((id, role)) => (id, Some(role)),
            None => (part, None),
        };
        let Ok(id) = OfficialId::parse(id) else {
            row.fault("officials", Cause::BadId(excerpt(id)));
            continue;
        };
        let Some(official) = entry.official(&id, received) else {
            let cause = Cause::NotOfUnit {
                official: id.to_string(),
                unit: entry.unit.id.to_string(),
            };
            row.fault("officials", cause);
            continue;
        };
        let role = match role {
            None => official.role,
            Some(word) => match role_of(word) {
                Some(role) => role,
                None => {
                    let codes: Vec<&str> = ROLES.iter().map(|(code, _, _)| *code).collect();
                    let cause = Cause::BadWord {
                        value: excerpt(word),
                        allowed: codes.join(", "),
                    };
                    row.fault("officials", cause);
                    continue;
                }
            },
        };
        if officials.iter().any(|(known, _)| *known == id) {
            row.fault("officials", Cause::Repeated(id.to_string()));
            continue;
        }
        officials.push((id, role));
    }
    officials
}

fn role_of(word: &str) -> Option<OfficialRole> {
    let key = heading_key(word);
    let found = ROLES.iter().find(|(code, _, _)| heading_key(code) == key);
    found.map(|(_, _, role)| *role)
}
