//! Sheets to a catalog: every row read, every reference followed.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::SheetKind;
use super::fields::{MAX_NAME, MAX_TEXT, ROLES, Seen, each_row, required_word, text, unknown};
use super::finding::{Cause, Findings, Place};
use super::row::{RowReader, Sheet};
use super::{questionnaire, settings};
use crate::catalog::{
    Catalog, CatalogHead, Field, Official, OfficialCategory, Reason, Unit, UnitEntry, UnitGroup,
};
use crate::id::{FieldId, GroupId, OfficialId, QuestionCode, ReasonCode, UnitId};

const CATEGORIES: &[(&str, &[&str], OfficialCategory)] = &[
    ("cadre", &["cán bộ"], OfficialCategory::Cadre),
    (
        "civil_servant",
        &["công chức"],
        OfficialCategory::CivilServant,
    ),
    (
        "public_employee",
        &["viên chức"],
        OfficialCategory::PublicEmployee,
    ),
    (
        "contract_worker",
        &["người lao động"],
        OfficialCategory::ContractWorker,
    ),
];

/// The catalog the sheets describe; `None` when anything was found.
///
/// `file` is what a missing sheet is reported under. A unit with its officials, and the rest of the catalog, may take
/// `max_bytes` of JSON: what is kept and read as one.
pub fn read(
    sheets: &BTreeMap<SheetKind, Sheet>,
    file: &str,
    max_bytes: usize,
    findings: &mut Findings,
) -> Option<Catalog> {
    let before = findings.count();
    for kind in SheetKind::ALL {
        // A sheet that is there but unreadable has been told already.
        let mut told = findings.list().iter();
        let told = told.any(|finding| SheetKind::parse(&finding.place.sheet) == Some(kind));
        if kind.required() && !told && !sheets.contains_key(&kind) {
            findings.push(sheet_place(file, kind), Cause::SheetMissing);
        }
    }
    let groups = groups(sheets.get(&SheetKind::Groups), findings);
    let (mut units, unit_rows) = units(sheets.get(&SheetKind::Units), &groups, findings);
    officials(sheets.get(&SheetKind::Officials), &mut units, findings);
    let fields = fields(sheets.get(&SheetKind::Fields), findings);
    let reasons = reasons(sheets.get(&SheetKind::Reasons), findings);
    let questionnaires = questionnaire::read(sheets.get(&SheetKind::Questionnaires), findings);
    let settings = settings::read(sheets.get(&SheetKind::Settings), findings);

    for kind in [
        SheetKind::Groups,
        SheetKind::Units,
        SheetKind::Fields,
        SheetKind::Reasons,
    ] {
        if let Some(sheet) = sheets.get(&kind)
            && sheet.rows.is_empty()
        {
            findings.push(sheet.place.clone(), Cause::NoRows);
        }
    }
    let catalog = Catalog {
        head: CatalogHead {
            settings: settings?,
            groups,
            fields,
            reasons,
            questionnaires,
        },
        units,
    };
    check_sizes(&catalog, sheets, &unit_rows, file, max_bytes, findings);
    (findings.count() == before).then_some(catalog)
}

fn sheet_place(file: &str, kind: SheetKind) -> Place {
    Place {
        file: file.to_owned(),
        sheet: kind.name().to_owned(),
        ..Place::default()
    }
}

fn groups(sheet: Option<&Sheet>, findings: &mut Findings) -> Vec<UnitGroup> {
    let (mut groups, mut seen) = (Vec::new(), Seen::default());
    each_row(SheetKind::Groups, sheet, findings, |row| {
        let id = row.required_id("id", GroupId::parse);
        let name = text(row, "name", "name_en", MAX_NAME);
        let validity = row.validity();
        let Some(id) = id else { return };
        seen.check(row, "id", id.as_str());
        if let Some(name) = name {
            groups.push(UnitGroup { id, name, validity });
        }
    });
    groups
}

type Units = (BTreeMap<UnitId, UnitEntry>, BTreeMap<UnitId, u32>);

fn units(sheet: Option<&Sheet>, groups: &[UnitGroup], findings: &mut Findings) -> Units {
    let known: BTreeSet<&GroupId> = groups.iter().map(|group| &group.id).collect();
    let (mut units, mut rows, mut seen) = (BTreeMap::new(), BTreeMap::new(), Seen::default());
    let columns = each_row(SheetKind::Units, sheet, findings, |row| {
        let id = row.required_id("id", UnitId::parse);
        let group_id = row.required_id("group", GroupId::parse);
        let name = text(row, "name", "name_en", MAX_NAME);
        let validity = row.validity();
        let successor = row.id("successor", UnitId::parse);
        if let Some(group) = &group_id
            && !known.contains(group)
        {
            row.fault("group", unknown(group.as_str(), SheetKind::Groups));
        }
        let Some(id) = id else { return };
        seen.check(row, "id", id.as_str());
        if let (Some(group_id), Some(name)) = (group_id, name) {
            let unit = Unit {
                id: id.clone(),
                group_id,
                name,
                validity,
                successor,
            };
            let officials = Vec::new();
            rows.entry(id.clone()).or_insert(row.number());
            units.entry(id).or_insert(UnitEntry { unit, officials });
        }
    });
    if let (Some(sheet), Some(columns)) = (sheet, columns) {
        let place = Place {
            column: Some(columns.heading("successor")),
            ..sheet.place.clone()
        };
        follow_successors(&units, &rows, &place, findings);
    }
    (units, rows)
}

/// Every successor must be a unit, and following them must come to an end.
fn follow_successors(
    units: &BTreeMap<UnitId, UnitEntry>,
    rows: &BTreeMap<UnitId, u32>,
    place: &Place,
    findings: &mut Findings,
) {
    let mut faults: Vec<(&UnitId, Cause)> = Vec::new();
    let mut settled: BTreeSet<&UnitId> = BTreeSet::new();
    for id in units.keys() {
        let mut way: Vec<&UnitId> = Vec::new();
        let mut at = id;
        while let Some(entry) = units.get(at) {
            if !settled.insert(at) {
                // Passed before: a round only if on this very way.
                if let Some(start) = way.iter().position(|passed| *passed == at) {
                    let round = way[start..].iter();
                    faults.extend(round.map(|unit| (*unit, Cause::SuccessorLoop)));
                }
                break;
            }
            way.push(at);
            let Some(successor) = &entry.unit.successor else {
                break;
            };
            if !units.contains_key(successor) {
                faults.push((at, unknown(successor.as_str(), SheetKind::Units)));
            }
            at = successor;
        }
    }
    for (unit, cause) in faults {
        let row = rows.get(unit).copied();
        findings.push(
            Place {
                row,
                ..place.clone()
            },
            cause,
        );
    }
}

fn officials(
    sheet: Option<&Sheet>,
    units: &mut BTreeMap<UnitId, UnitEntry>,
    findings: &mut Findings,
) {
    let mut seen = Seen::default();
    each_row(SheetKind::Officials, sheet, findings, |row| {
        let id = row.required_id("id", OfficialId::parse);
        let unit_id = row.required_id("unit", UnitId::parse);
        let name = row.required_text("name", MAX_NAME);
        let title = text(row, "title", "title_en", MAX_NAME);
        let category = required_word(row, "category", CATEGORIES);
        let role = required_word(row, "role", ROLES);
        let photo = photo(row);
        let validity = row.validity();
        if let Some(id) = &id {
            seen.check(row, "id", id.as_str());
        }
        let Some(unit_id) = unit_id else { return };
        let Some(entry) = units.get_mut(&unit_id) else {
            row.fault("unit", unknown(unit_id.as_str(), SheetKind::Units));
            return;
        };
        let (Some(id), Some(name), Some(title)) = (id, name, title) else {
            return;
        };
        if let (Some(category), Some(role)) = (category, role) {
            entry.officials.push(Official {
                id,
                unit_id,
                name,
                title,
                category,
                role,
                photo,
                validity,
            });
        }
    });
}

/// An absolute path within the site that no browser reads as another host.
fn photo(row: &mut RowReader) -> Option<String> {
    let path = row.text("photo", MAX_NAME)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let lower = path.to_ascii_lowercase();
    let picture = [".jpg", ".jpeg", ".png", ".webp"]
        .iter()
        .any(|end| lower.ends_with(end));
    let inside = path.starts_with('/') && !path.contains("//") && !path.contains("..");
    if inside && picture && path.bytes().all(allowed) {
        return Some(path);
    }
    row.fault("photo", Cause::BadPhoto);
    None
}

fn fields(sheet: Option<&Sheet>, findings: &mut Findings) -> Vec<Field> {
    let (mut fields, mut seen) = (Vec::new(), Seen::default());
    each_row(SheetKind::Fields, sheet, findings, |row| {
        let id = row.required_id("id", FieldId::parse);
        let name = text(row, "name", "name_en", MAX_NAME);
        let Some(id) = id else { return };
        seen.check(row, "id", id.as_str());
        if let Some(name) = name {
            fields.push(Field { id, name });
        }
    });
    fields
}

fn reasons(sheet: Option<&Sheet>, findings: &mut Findings) -> Vec<Reason> {
    let (mut reasons, mut seen) = (Vec::new(), Seen::default());
    each_row(SheetKind::Reasons, sheet, findings, |row| {
        let code = row.required_id("code", ReasonCode::parse);
        let text = text(row, "text", "text_en", MAX_TEXT);
        let indicator = row.id("indicator", QuestionCode::parse);
        if let Some(indicator) = &indicator
            && !is_indicator(indicator)
        {
            row.fault("indicator", Cause::BadIndicator(indicator.to_string()));
        }
        let Some(code) = code else { return };
        seen.check(row, "code", code.as_str());
        if let Some(text) = text {
            reasons.push(Reason {
                code,
                text,
                indicator,
            });
        }
    });
    reasons
}

/// Whether `code` is `cs1` … `cs11`.
fn is_indicator(code: &QuestionCode) -> bool {
    (1..=11).any(|number| code.as_str() == format!("cs{number}"))
}

fn check_sizes(
    catalog: &Catalog,
    sheets: &BTreeMap<SheetKind, Sheet>,
    unit_rows: &BTreeMap<UnitId, u32>,
    file: &str,
    max_bytes: usize,
    findings: &mut Findings,
) {
    let mut check = |bytes: usize, place: Place| {
        if bytes > max_bytes {
            let cause = Cause::ItemTooLarge {
                kilobytes: bytes.div_ceil(1024),
                max: max_bytes / 1024,
            };
            findings.push(place, cause);
        }
    };
    check(
        json_length(&catalog.head),
        sheet_place(file, SheetKind::Questionnaires),
    );
    let units = sheets.get(&SheetKind::Units).map(|sheet| &sheet.place);
    for (id, entry) in &catalog.units {
        let place = Place {
            row: unit_rows.get(id).copied(),
            column: Some("id".to_owned()),
            ..units.cloned().unwrap_or_default()
        };
        check(json_length(entry), place);
    }
}

fn json_length<T: serde::Serialize>(value: &T) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |json| json.len())
}
