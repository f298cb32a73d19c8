//! Sheets to the catalog in force.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::files::ImportOutcome;
use crate::domain::catalog::Catalog;
use crate::domain::id::OfficialId;
use crate::domain::import::{self, Findings, Sheet, SheetKind};
use crate::store::catalog::{Imported, MAX_ITEM_BYTES};
use crate::store::{Store, StoreError};

/// Puts the catalog the sheets describe in force, if nothing is wrong with them.
///
/// `file` is what a missing sheet is noted under.
///
/// # Errors
/// [`StoreError`] when the tables cannot be read or written; the same call may be made again.
pub async fn import(
    store: &Store,
    sheets: &BTreeMap<SheetKind, Sheet>,
    file: &str,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<ImportOutcome, StoreError> {
    // A file that could not be read says nothing about which sheets it lacks.
    if sheets.is_empty() && !findings.is_empty() {
        return Ok(ImportOutcome::Refused);
    }
    let catalog = import::catalog::read(sheets, file, MAX_ITEM_BYTES, findings);
    let Some(catalog) = catalog.filter(|_| findings.is_empty()) else {
        return Ok(ImportOutcome::Refused);
    };
    let units = catalog.units.len();
    let officials = catalog
        .units
        .values()
        .map(|entry| entry.officials.len())
        .sum();
    let before = in_force(store).await?;
    Ok(match store.put_catalog(&catalog, now).await? {
        Imported::Unchanged { version } => ImportOutcome::CatalogUnchanged { version },
        Imported::Replaced { version } => {
            let (units_gone, officials_gone) = match before {
                Some((_, before)) => gone(&before, &catalog),
                None => (Vec::new(), 0),
            };
            ImportOutcome::CatalogReplaced {
                version,
                units,
                officials,
                units_gone,
                officials_gone,
            }
        }
    })
}

/// The catalog in force, whole, with its version.
///
/// # Errors
/// [`StoreError`] when the table cannot be read.
pub async fn in_force(store: &Store) -> Result<Option<(String, Catalog)>, StoreError> {
    let Some(version) = store.catalog_version().await? else {
        return Ok(None);
    };
    let Some(head) = store.catalog_head(&version).await? else {
        return Ok(None);
    };
    let units = store.catalog_units(&version).await?;
    Ok(Some((version, Catalog { head, units })))
}

/// Units, by identifier, and the number of officials that `after` no longer has.
fn gone(before: &Catalog, after: &Catalog) -> (Vec<String>, usize) {
    fn officials(catalog: &Catalog) -> impl Iterator<Item = &OfficialId> {
        let entries = catalog.units.values();
        entries.flat_map(|entry| entry.officials.iter().map(|official| &official.id))
    }
    let units = before
        .units
        .keys()
        .filter(|id| !after.units.contains_key(id));
    let kept: BTreeSet<&OfficialId> = officials(after).collect();
    let officials = officials(before).filter(|id| !kept.contains(id));
    (units.map(ToString::to_string).collect(), officials.count())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::dossier::OfficialRole;
    use crate::domain::id::UnitId;
    use crate::domain::import::Cause;
    use crate::domain::rating::{Attestation, Channel};
    use crate::intake::sheets;

    const GROUPS: &str = "Mã nhóm,Tên nhóm,name_en\nxa-phuong,Xã/ phường,Communes\n";
    const UNITS: &str = "id;group;name;valid_from;valid_to;successor\n\
        a;xa-phuong;UBND Phường A;01/07/2025;;\n\
        b;xa-phuong;UBND Xã B;;2025-06-30;a\n";
    const OFFICIALS: &str = "id,unit,name,title,category,role\n\
        o-1,a,Nguyễn Thị Lan,Chuyên viên,công chức,Một cửa\n\
        o-2,a,Lê Văn Nam,Công chức Tư pháp – Hộ tịch,civil_servant,settle\n";
    const FIELDS: &str = "id,name\nho-tich,Hộ tịch\n";
    const REASONS: &str = "code,text,indicator\nthai-do,Thái độ phục vụ chưa đúng mực,cs7\n";
    const QUESTIONNAIRES: &str = "questionnaire,version,channel,title,question,question_text,option,option_text,points\n\
        web,1,web,Phiếu,cs1,Thời gian,nhanh,Ngắn hơn,2\n\
        web,1,,,cs1,,cham,Dài hơn,0\n";
    const SETTINGS: &str = "key,value,value_en\n\
        province_name,Thành phố Đà Nẵng,Da Nang City\n\
        agency_name,UBND thành phố Đà Nẵng,\n\
        hotline,(0236) 1022,\n\
        email,gopy@danang.gov.vn,\n\
        legal_basis,Nghị định số 118/2025/NĐ-CP,\n\
        consent_text,Tôi đồng ý.,I agree.\n";

    fn good(kind: SheetKind) -> &'static str {
        match kind {
            SheetKind::Groups => GROUPS,
            SheetKind::Units => UNITS,
            SheetKind::Officials => OFFICIALS,
            SheetKind::Fields => FIELDS,
            SheetKind::Reasons => REASONS,
            SheetKind::Questionnaires => QUESTIONNAIRES,
            SheetKind::Settings => SETTINGS,
        }
    }

    /// The good catalog with some sheets replaced, or left out where `None`.
    fn read(replaced: &[(SheetKind, Option<&str>)]) -> (Option<Catalog>, Findings) {
        let (mut sheets, mut findings) = (BTreeMap::new(), Findings::default());
        for kind in SheetKind::ALL {
            let replacement = replaced.iter().find(|(replaced, _)| *replaced == kind);
            let Some(text) = replacement.map_or(Some(good(kind)), |(_, text)| *text) else {
                continue;
            };
            if let Some(sheet) = sheets::of_csv(text.as_bytes(), kind, &mut findings) {
                sheets.insert(kind, sheet);
            }
        }
        let catalog = import::catalog::read(&sheets, "danang", MAX_ITEM_BYTES, &mut findings);
        (catalog.filter(|_| findings.is_empty()), findings)
    }

    /// What is found when one sheet is replaced: row, column, cause.
    fn found(kind: SheetKind, text: &str) -> Vec<(Option<u32>, Option<String>, Cause)> {
        let (catalog, findings) = read(&[(kind, Some(text))]);
        assert_eq!(catalog.is_none(), !findings.is_empty());
        let list = findings.list().iter();
        let own = list.filter(|finding| finding.place.sheet == kind.name());
        own.map(|f| (f.place.row, f.place.column.clone(), f.cause.clone()))
            .collect()
    }

    #[track_caller]
    fn one(kind: SheetKind, text: &str, row: u32, column: &str, cause: Cause) {
        let expected = (Some(row), Some(column.to_owned()), cause);
        assert_eq!(found(kind, text), [expected], "{text}");
    }

    #[test]
    fn a_good_catalog_is_read_with_its_defaults() {
        let (catalog, findings) = read(&[]);

        assert_eq!(findings, Findings::default());
        let Catalog { head, units } = catalog.unwrap();
        let settings = &head.settings;
        assert_eq!(
            (settings.min_new_ratings, settings.min_official_ratings),
            (5, 10)
        );
        assert_eq!((settings.retention_days, settings.sample), (90, false));
        assert_eq!(
            settings.ranking_strata,
            [Attestation::DossierVerified, Attestation::DeviceSession]
        );
        let today = date(2026, 11, 20);
        let form = head.questionnaire(Channel::Web, today).unwrap();
        assert_eq!(form.questions[0].options.len(), 2);
        let entry = &units[&UnitId::parse("a").unwrap()];
        assert_eq!(entry.officials[0].role, OfficialRole::Desk);
        assert_eq!(entry.unit.validity.from, Some(date(2025, 7, 1)));
    }

    #[test]
    fn the_sheet_of_questionnaires_may_be_left_out_and_no_other() {
        assert!(read(&[(SheetKind::Questionnaires, None)]).0.is_some());
        for kind in SheetKind::ALL.into_iter().filter(|kind| kind.required()) {
            let (catalog, findings) = read(&[(kind, None)]);
            assert!(catalog.is_none());
            let finding = &findings.list()[0];
            assert_eq!(finding.cause, Cause::SheetMissing);
            assert_eq!(finding.place.sheet, kind.name());
        }
    }

    #[test]
    fn headings_are_checked() {
        use Cause::{ColumnMissing, ColumnTwice, ColumnUnknown};
        let kind = SheetKind::Fields;
        one(kind, "id,name,màu\na,b,c\n", 1, "màu", ColumnUnknown);
        one(kind, "id,name,Tên\na,b,c\n", 1, "Tên", ColumnTwice);
        one(kind, "id,name_en\na,b\n", 1, "name", ColumnMissing);
        assert_eq!(found(kind, ""), [(None, None, Cause::HeaderMissing)]);
        assert_eq!(found(kind, "id,name\n"), [(None, None, Cause::NoRows)]);
        let outside = found(kind, "id,name\na,Đất đai, nhà ở\n");
        assert_eq!(outside, [(Some(2), None, Cause::CellOutside)]);
    }

    #[test]
    fn cells_are_named_by_row_and_column_as_their_author_sees_them() {
        use Cause::{BadDate, BadId, Broken, EndsBeforeStart, Missing, TooLong};
        let kind = SheetKind::Groups;
        one(kind, "id,name\n,Tên\nxa-phuong,Xã\n", 2, "id", Missing);
        one(
            kind,
            "id,Tên nhóm\n\n\nxa-phuong,\n",
            4,
            "Tên nhóm",
            Missing,
        );
        let bad = BadId("Xã".to_owned());
        one(kind, "id,name\nxa-phuong,Xã\nXã,Xã\n", 3, "id", bad);
        one(
            kind,
            "id,name\nxa-phuong,#N/A\n",
            2,
            "name",
            Broken("#N/A".to_owned()),
        );
        let long = format!("id,name\nxa-phuong,{}\n", "ă".repeat(201));
        one(kind, &long, 2, "name", TooLong { max: 200 });
        let dates = |from: &str, to: &str| {
            format!("id,name,valid_from,valid_to\nxa-phuong,Xã,{from},{to}\n")
        };
        let bad = BadDate("31/06/2025".to_owned());
        one(kind, &dates("31/06/2025", ""), 2, "valid_from", bad);
        one(
            kind,
            &dates("02/07/2025", "01/07/2025"),
            2,
            "valid_to",
            EndsBeforeStart,
        );
    }

    #[test]
    fn no_sheet_loses_rows_to_a_quotation_that_is_never_closed() {
        for kind in SheetKind::ALL {
            let mut lines: Vec<String> = good(kind).lines().map(str::to_owned).collect();
            let last = lines.len() - 1;
            let separator = if kind == SheetKind::Units { ';' } else { ',' };
            let at = lines[last].rfind(separator).unwrap() + 1;
            lines[last].insert(at, '"');
            let expected = [(Some(last as u32 + 1), None, Cause::OpenQuotation)];

            assert_eq!(found(kind, &lines.join("\n")), expected, "{kind:?}");
        }
    }

    #[test]
    fn references_and_duplicates_are_followed() {
        let duplicate = |value: &str, row| {
            let value = value.to_owned();
            Cause::Duplicate { value, row }
        };
        let unknown = |value: &str, sheet| {
            let value = value.to_owned();
            Cause::Unknown { value, sheet }
        };
        let units = |rows: &str| format!("id,group,name,successor\na,xa-phuong,A,\n{rows}");
        let kind = SheetKind::Units;
        one(
            kind,
            &units("a,xa-phuong,A2,\n"),
            3,
            "id",
            duplicate("a", 2),
        );
        one(
            kind,
            &units("b,phuong,B,\n"),
            3,
            "group",
            unknown("phuong", "groups"),
        );
        one(
            kind,
            &units("b,xa-phuong,B,c\n"),
            3,
            "successor",
            unknown("c", "units"),
        );
        one(
            kind,
            &units("b,xa-phuong,B,b\n"),
            3,
            "successor",
            Cause::SuccessorLoop,
        );
        let round = units("d,xa-phuong,D,b\nb,xa-phuong,B,c\nc,xa-phuong,C,b\n");
        let rows: Vec<_> = found(kind, &round)
            .into_iter()
            .map(|f| (f.0, f.2))
            .collect();
        let round = [
            (Some(4), Cause::SuccessorLoop),
            (Some(5), Cause::SuccessorLoop),
        ];
        assert_eq!(rows, round);
        let officials = |row: &str| format!("{OFFICIALS}{row}\n");
        let kind = SheetKind::Officials;
        let text = officials("o-3,c,Tên,Chuyên viên,cán bộ,desk");
        one(kind, &text, 4, "unit", unknown("c", "units"));
        let text = officials("o-1,b,Tên,Chuyên viên,cán bộ,desk");
        one(kind, &text, 4, "id", duplicate("o-1", 2));
    }

    #[test]
    fn words_are_told_with_what_may_stand_there() {
        let kind = SheetKind::Officials;
        let text = format!("{OFFICIALS}o-3,a,Tên,Chuyên viên,sếp,desk\n");
        let cause = Cause::BadWord {
            value: "sếp".to_owned(),
            allowed: "cadre, civil_servant, public_employee, contract_worker".to_owned(),
        };
        one(kind, &text, 4, "category", cause);
        let photo = |path: &str| {
            format!("id,unit,name,title,category,role,photo\no,a,Tên,CV,cán bộ,desk,{path}\n")
        };
        for path in [
            "//evil.vn/a.jpg",
            "/a/../b.jpg",
            "/a.svg",
            "a.jpg",
            "/a b.jpg",
        ] {
            one(kind, &photo(path), 2, "photo", Cause::BadPhoto);
        }
        assert_eq!(found(kind, &photo("/anh/nam.jpg")), []);
        let text = "code,text,indicator\nr,Lí do,cs12\n";
        let cause = Cause::BadIndicator("cs12".to_owned());
        one(SheetKind::Reasons, text, 2, "indicator", cause);
    }

    #[test]
    fn questionnaires_are_checked_as_wholes() {
        let kind = SheetKind::Questionnaires;
        let header = QUESTIONNAIRES.lines().next().unwrap();
        let form = |rows: &str| format!("{header}\n{rows}");
        let few = Cause::TooFewOptions {
            question: "cs1".to_owned(),
        };
        one(kind, &form("web,1,web,P,cs1,Q,a,A,2\n"), 2, "option", few);
        let points = Cause::BadNumber { min: 0, max: 2 };
        let rows = "web,1,web,P,cs1,Q,a,A,3\nweb,1,,,cs1,,b,B,1\nweb,1,,,cs1,,c,C,\n";
        one(kind, &form(rows), 2, "points", points);
        let rows = "web,1,web,P,cs1,Q,a,A,2\nweb,1,kiosk,,cs1,,b,B,1\n";
        one(
            kind,
            &form(rows),
            3,
            "channel",
            Cause::DiffersFromRow { row: 2 },
        );
        let rows = "web,1,web,P,cs1,Q,a,A,2\nweb,1,,,cs1,R,b,B,1\n";
        one(
            kind,
            &form(rows),
            3,
            "question_text",
            Cause::DiffersFromRow { row: 2 },
        );
        let rows = "web,1,web,P,cs1,Q,a,A,2\nweb,1,,,cs1,,b,B,1\nweb,1,,,cs1,,a,C,0\n";
        one(
            kind,
            &form(rows),
            4,
            "option",
            Cause::Repeated("a".to_owned()),
        );
        let rows = "web,1,web,,cs1,Q,a,A,2\n";
        one(kind, &form(rows), 2, "title", Cause::Missing);
        let version = Cause::BadNumber { min: 1, max: 9_999 };
        let rows = "web,0,web,P,cs1,Q,a,A,2\n";
        one(kind, &form(rows), 2, "version", version);
        let other = "web".to_owned();
        let rows = "x,1,web,P,cs1,Q,a,A,2\nx,1,,,cs1,,b,B,1\n";
        let text = format!("{QUESTIONNAIRES}{rows}");
        one(
            kind,
            &text,
            4,
            "questionnaire",
            Cause::SameChannel { other },
        );
    }

    #[test]
    fn settings_are_checked() {
        let kind = SheetKind::Settings;
        let with = |row: &str| format!("{SETTINGS}{row}\n");
        let zero = Cause::BadNumber {
            min: 1,
            max: 10_000,
        };
        one(kind, &with("min_new_ratings,0,"), 8, "value", zero.clone());
        one(kind, &with("min_official_ratings,2.5,"), 8, "value", zero);
        let unknown = Cause::UnknownSetting("treshold_k".to_owned());
        one(kind, &with("treshold_k,5,"), 8, "key", unknown);
        let stratum = Cause::BadWord {
            value: "everyone".to_owned(),
            allowed:
                "dossier_verified, device_session, dossier_claimed, phone_declared, paper_entry"
                    .to_owned(),
        };
        one(kind, &with("ranking_strata,everyone,"), 8, "value", stratum);
        let twice = Cause::Repeated("paper_entry".to_owned());
        let row = "ranking_strata,paper_entry paper_entry,";
        one(kind, &with(row), 8, "value", twice);
        one(
            kind,
            &with("sample,chắc,"),
            8,
            "value",
            Cause::BadFlag("chắc".to_owned()),
        );
        one(
            kind,
            &with("sample,có,yes"),
            8,
            "value_en",
            Cause::NotTranslated,
        );
        let without = |key: &str| -> String {
            let lines = SETTINGS.lines().filter(|line| !line.starts_with(key));
            lines.map(|line| format!("{line}\n")).collect()
        };
        let missing = Cause::SettingMissing("email");
        assert_eq!(found(kind, &without("email")), [(None, None, missing)]);
        let phone = SETTINGS.replace("(0236) 1022", "gọi tôi");
        one(kind, &phone, 4, "value", Cause::BadPhone);
        let email = SETTINGS.replace("gopy@", "gopy(at)");
        one(kind, &email, 5, "value", Cause::BadEmail);
    }

    #[test]
    fn a_unit_too_large_for_one_item_is_told_before_it_is_stored() {
        let mut officials = OFFICIALS.to_owned();
        for n in 0..1_500 {
            let name = "Nguyễn Phước Bảo Quý Ngọc ".repeat(4);
            officials += &format!("x-{n},a,{name},Chuyên viên,cán bộ,desk\n");
        }

        let (catalog, findings) = read(&[(SheetKind::Officials, Some(&officials))]);

        assert!(catalog.is_none());
        let finding = &findings.list()[0];
        assert!(matches!(
            finding.cause,
            Cause::ItemTooLarge { max: 350, .. }
        ));
        assert_eq!(
            (finding.place.row, &finding.place.sheet[..]),
            (Some(2), "units")
        );
    }

    #[test]
    fn every_fault_is_told_at_once_up_to_a_bound() {
        let mut officials = OFFICIALS.to_owned();
        for n in 0..500 {
            officials += &format!("X {n},nowhere,,Chuyên viên,sếp,desk\n");
        }

        let (_, findings) = read(&[(SheetKind::Officials, Some(&officials))]);

        assert_eq!(findings.list().len(), 200);
        assert_eq!(findings.count(), 2_000);
    }

    proptest::proptest! {
        #[test]
        fn no_sheet_whatever_it_holds_makes_the_reading_panic(
            kind in proptest::sample::select(SheetKind::ALL.to_vec()),
            rows in "([\\PC,;\"\n]|,|;|\n|\"|a|1|2026-01-01|web|cs1){0,200}",
            headed in proptest::bool::ANY,
        ) {
            let header = good(kind).lines().next().unwrap();
            let text = if headed { format!("{header}\n{rows}") } else { rows };
            read(&[(kind, Some(&text))]);
        }
    }

    #[test]
    fn the_version_follows_the_content_and_nothing_else() {
        use crate::store::catalog::version;
        let catalog = |replaced: &[_]| read(replaced).0.unwrap();
        let first = version(&catalog(&[]));
        let spelled = UNITS.replace(';', ",").replace("01/07/2025", "2025-07-01");
        let renamed = UNITS.replace("Xã B", "Xã C");

        assert_eq!(first.len(), 16);
        assert_eq!(
            version(&catalog(&[(SheetKind::Units, Some(&spelled))])),
            first
        );
        assert_ne!(
            version(&catalog(&[(SheetKind::Units, Some(&renamed))])),
            first
        );
    }
}
