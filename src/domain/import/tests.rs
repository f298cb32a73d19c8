//! A small right catalog and dossier file, and everything that is found when one place of them is wrong.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};

use super::columns::{DOSSIERS, VOIDS};
use super::dossier::{self, Dossier};
use super::finding::MAX_FINDINGS;
use super::void::{Named, Voidable};
use super::*;
use crate::catalog::Catalog;
use crate::dossier::{DossierStatus, OfficialRole};
use crate::id::{OfficialId, UnitId};
use crate::phone::Phone;
use crate::rating::{Attestation, Channel, RatingId, Subject};
use crate::receipt::ReceiptCode;
use crate::void::VoidReason;

/// Sheets as text: a row a line, `|` between cells.
const CATALOG: [(SheetKind, &str); 7] = [
    (
        SheetKind::Groups,
        "id|name|name_en|valid_from|valid_to\n\
         so|Sở ban ngành|Departments||\n\
         phuong|Phường|Wards|2025-07-01|",
    ),
    (
        SheetKind::Units,
        "id|group|name|name_en|valid_from|valid_to|successor\n\
         stc|so|Sở Tài chính|Finance|2025-03-01||\n\
         hc|phuong|Phường Hải Châu||2025-07-01||\n\
         qhc|phuong|Quận Hải Châu|||2025-06-30|hc",
    ),
    (
        SheetKind::Officials,
        "id|unit|name|title|title_en|category|role|photo|valid_from|valid_to\n\
         hc-1|hc|Trần Thị A|Chuyên viên|Specialist|civil_servant|desk|/anh/hc-1.jpg||\n\
         hc-2|hc|Lê Văn B|Công chức||Công chức|Thụ lý|||2026-06-30\n\
         stc-1|stc|Võ Thị C|Cán bộ||cadre|guide|||",
    ),
    (
        SheetKind::Fields,
        "id|name|name_en\nho-tich|Hộ tịch|Civil status\ndat-dai|Đất đai|",
    ),
    (
        SheetKind::Reasons,
        "code|text|text_en|indicator\ncham|Chậm|Late|cs1\nkhac|Khác||",
    ),
    (
        SheetKind::Questionnaires,
        "questionnaire|version|channel|title|title_en|valid_from|valid_to|question|question_text|question_text_en|option|option_text|option_text_en|points\n\
         web|1|web|Khảo sát|Survey|2026-01-01|2026-12-31|cs1|Thời gian|Time|nhanh|Nhanh|Fast|2\n\
         web|1||||||cs1|||cham|Chậm|Slow|0\n\
         web|1||||||cs7|Thái độ||tot|Tốt||\n\
         web|1||||||cs7|||xau|Xấu||\n\
         web|2|web|Khảo sát|||2025-12-31|cs1|Thời gian||nhanh|Nhanh||1\n\
         web|2||||||cs1|||cham|Chậm||0",
    ),
    (
        SheetKind::Settings,
        "key|value|value_en\n\
         province_name|Đà Nẵng|Da Nang\n\
         agency_name|UBND|Committee\n\
         hotline|(0236) 1022|\n\
         email|gopy@danang.gov.vn|\n\
         legal_basis|Nghị định 61|Decree 61\n\
         consent_text|Tôi đồng ý.|I agree.\n\
         min_new_ratings|3|\n\
         min_official_ratings|7|\n\
         retention_days|30|\n\
         ranking_strata|dossier_verified dossier_claimed|\n\
         opens|2026-05-04|\n\
         sample|có|\n\
         unverified_per_day|40|\n\
         menu_units|Đánh giá cung ứng DVC|Rate service delivery\n\
         menu_results|Kết quả|",
    ),
];

const DOSSIER: &str = "code|secret|unit|officials|field|procedure|received|due|returned|status\n\
    000.01.40.H17-261111-0001|5V68VVMZ0CT|hc|hc-1:desk|ho-tich|Khai sinh|2026-11-11|2026-11-16|2026-11-15|returned";

fn today() -> Date {
    date(2026, 11, 21)
}

fn place(sheet: &str) -> Place {
    Place {
        file: "f.xlsx".into(),
        sheet: sheet.into(),
        ..Place::default()
    }
}

fn sheet(name: &str, text: &str) -> Sheet {
    let cell = |text: &str| match text {
        "" => Cell::Empty,
        text => Cell::Text(text.into()),
    };
    let mut rows = text.lines().zip(1..).map(|(line, number)| Row {
        number,
        cells: line.split('|').map(cell).collect(),
    });
    Sheet {
        place: place(name),
        header: rows.next().unwrap_or_default(),
        rows: rows.collect(),
    }
}

fn sheets() -> BTreeMap<SheetKind, Sheet> {
    CATALOG
        .into_iter()
        .map(|(kind, text)| (kind, sheet(kind.name(), text)))
        .collect()
}

/// `sheet row column: Cause`, one for each finding.
fn told(findings: &Findings) -> Vec<String> {
    let told = findings.list().iter().map(|Finding { place, cause }| {
        let row = place.row.map(|row| format!(" {row}")).unwrap_or_default();
        let column = place.column.as_deref().map(|column| format!(" {column}"));
        format!(
            "{}{row}{}: {cause:?}",
            place.sheet,
            column.unwrap_or_default()
        )
    });
    told.collect()
}

fn import(sheets: &BTreeMap<SheetKind, Sheet>) -> Result<Catalog, Vec<String>> {
    let mut findings = Findings::default();
    let read = catalog::read(sheets, "f.xlsx", 350 * 1024, &mut findings);
    assert_eq!(read.is_some(), findings.is_empty());
    read.ok_or_else(|| told(&findings))
}

/// What is found when `from` reads `to` in the sheet of `kind`.
fn changed(kind: SheetKind, from: &str, to: &str) -> Result<Catalog, Vec<String>> {
    let (_, text) = CATALOG
        .into_iter()
        .find(|(other, _)| *other == kind)
        .unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    let mut sheets = sheets();
    sheets.insert(kind, sheet(kind.name(), &text.replace(from, to)));
    import(&sheets)
}

/// Checks what each change of a sheet is answered with.
fn check(kind: SheetKind, cases: &[(&str, &str, &[&str])]) {
    for (from, to, expected) in cases {
        let found = changed(kind, from, to).err().unwrap_or_default();
        assert_eq!(found, *expected, "{from} → {to}");
    }
}

#[test]
fn a_right_catalog_is_read_whole() {
    let catalog = import(&sheets()).unwrap();

    let head = serde_json::to_value(&catalog.head).unwrap();
    let expected = serde_json::json!({
        "settings": {
            "province_name": { "vi": "Đà Nẵng", "en": "Da Nang" }, "agency_name": { "vi": "UBND", "en": "Committee" },
            "hotline": "(0236) 1022", "email": "gopy@danang.gov.vn", "min_new_ratings": 3, "min_official_ratings": 7,
            "ranking_strata": ["dossier_verified", "dossier_claimed"],
            "legal_basis": { "vi": "Nghị định 61", "en": "Decree 61" },
            "consent_text": { "vi": "Tôi đồng ý.", "en": "I agree." },
            "retention_days": 30, "unverified_per_day": 40, "opens": "2026-05-04", "sample": true,
            "menu": {
                "units": { "vi": "Đánh giá cung ứng DVC", "en": "Rate service delivery" },
                "results": { "vi": "Kết quả" },
            },
        },
        "groups": [
            { "id": "so", "name": { "vi": "Sở ban ngành", "en": "Departments" }, "validity": {} },
            { "id": "phuong", "name": { "vi": "Phường", "en": "Wards" }, "validity": { "from": "2025-07-01" } },
        ],
        "fields": [
            { "id": "ho-tich", "name": { "vi": "Hộ tịch", "en": "Civil status" } },
            { "id": "dat-dai", "name": { "vi": "Đất đai" } },
        ],
        "reasons": [
            { "code": "cham", "text": { "vi": "Chậm", "en": "Late" }, "indicator": "cs1" },
            { "code": "khac", "text": { "vi": "Khác" } },
        ],
        "questionnaires": [
            {
                "id": "web", "version": 1, "channel": "web", "title": { "vi": "Khảo sát", "en": "Survey" },
                "validity": { "from": "2026-01-01", "to": "2026-12-31" },
                "questions": [
                    { "code": "cs1", "text": { "vi": "Thời gian", "en": "Time" }, "options": [
                        { "code": "nhanh", "text": { "vi": "Nhanh", "en": "Fast" }, "points": 2 },
                        { "code": "cham", "text": { "vi": "Chậm", "en": "Slow" }, "points": 0 },
                    ] },
                    { "code": "cs7", "text": { "vi": "Thái độ" }, "options": [
                        { "code": "tot", "text": { "vi": "Tốt" } }, { "code": "xau", "text": { "vi": "Xấu" } },
                    ] },
                ],
            },
            {
                "id": "web", "version": 2, "channel": "web", "title": { "vi": "Khảo sát" }, "validity": { "to": "2025-12-31" },
                "questions": [{ "code": "cs1", "text": { "vi": "Thời gian" }, "options": [
                    { "code": "nhanh", "text": { "vi": "Nhanh" }, "points": 1 },
                    { "code": "cham", "text": { "vi": "Chậm" }, "points": 0 },
                ] }],
            },
        ],
    });
    assert_eq!(head, expected);
    let units: Vec<_> = catalog
        .units
        .values()
        .map(|entry| {
            let officials: Vec<_> = entry
                .officials
                .iter()
                .map(|official| {
                    (
                        official.id.as_str(),
                        official.role,
                        official.category.code(),
                        official.photo.as_deref(),
                    )
                })
                .collect();
            (
                entry.unit.id.as_str(),
                entry.unit.group_id.as_str(),
                entry.unit.successor.as_ref().map(|unit| unit.as_str()),
                officials,
            )
        })
        .collect();
    assert_eq!(
        units,
        [
            (
                "hc",
                "phuong",
                None,
                vec![
                    (
                        "hc-1",
                        OfficialRole::Desk,
                        "civil_servant",
                        Some("/anh/hc-1.jpg")
                    ),
                    ("hc-2", OfficialRole::Settle, "civil_servant", None),
                ]
            ),
            ("qhc", "phuong", Some("hc"), vec![]),
            (
                "stc",
                "so",
                None,
                vec![("stc-1", OfficialRole::Guide, "cadre", None)]
            ),
        ]
    );
    assert!(
        head["questionnaires"]
            .as_array()
            .is_some_and(|forms| forms.len() == 2)
    );
    assert!(
        catalog
            .head
            .questionnaires
            .iter()
            .all(|form| form.channel == Channel::Web)
    );
}

#[test]
fn settings_that_are_left_out_have_defaults() {
    let (_, text) = CATALOG[6];
    let kept: Vec<&str> = text.lines().take(7).collect();
    let mut sheets = sheets();
    sheets.insert(SheetKind::Settings, sheet("settings", &kept.join("\n")));

    let settings = import(&sheets).unwrap().head.settings;

    assert_eq!(
        (
            settings.min_new_ratings,
            settings.min_official_ratings,
            settings.retention_days,
            settings.unverified_per_day
        ),
        (5, 10, 90, 50)
    );
    assert_eq!(
        settings.ranking_strata,
        [Attestation::DossierVerified, Attestation::DeviceSession]
    );
    assert_eq!((settings.opens, settings.sample), (None, false));
}

#[test]
fn only_questionnaires_may_be_left_out() {
    for kind in SheetKind::ALL {
        let mut sheets = sheets();
        sheets.remove(&kind);

        let missing = format!("{}: SheetMissing", kind.name());
        let found = import(&sheets).err().unwrap_or_default();

        assert_eq!(
            found.contains(&missing),
            kind != SheetKind::Questionnaires,
            "{found:?}"
        );
    }
}

#[test]
fn a_sheet_that_was_told_to_be_unreadable_is_not_missing_too() {
    let mut sheets = sheets();
    sheets.remove(&SheetKind::Fields);
    let mut findings = Findings::default();
    findings.push(place("Lĩnh vực"), Cause::HeaderMissing);

    catalog::read(&sheets, "f.xlsx", 350 * 1024, &mut findings);

    assert_eq!(told(&findings), ["Lĩnh vực: HeaderMissing"]);
}

#[test]
fn a_sheet_without_rows_is_told_unless_it_may_be_empty() {
    for (kind, text) in CATALOG {
        let mut sheets = sheets();
        sheets.insert(kind, sheet(kind.name(), text.lines().next().unwrap()));

        let told = format!("{}: NoRows", kind.name());
        let found = import(&sheets).err().unwrap_or_default();

        let needs_rows = [
            SheetKind::Groups,
            SheetKind::Units,
            SheetKind::Fields,
            SheetKind::Reasons,
        ];
        assert_eq!(
            found.contains(&told),
            needs_rows.contains(&kind),
            "{found:?}"
        );
    }
}

#[test]
fn headings_are_each_known_there_once_and_complete() {
    check(
        SheetKind::Groups,
        &[
            ("name_en", "Tên tiếng Anh", &[]),
            (
                "name_en",
                "",
                &["groups 2: CellOutside", "groups 3: CellOutside"][..0],
            ),
            (
                "name_en",
                "colour",
                &[
                    "groups 1 colour: ColumnUnknown",
                    "units 2 group: Unknown { value: \"so\", sheet: \"groups\" }",
                    "units 3 group: Unknown { value: \"phuong\", sheet: \"groups\" }",
                    "units 4 group: Unknown { value: \"phuong\", sheet: \"groups\" }",
                ],
            ),
            (
                "name_en",
                "Tên",
                &[
                    "groups 1 Tên: ColumnTwice",
                    "units 2 group: Unknown { value: \"so\", sheet: \"groups\" }",
                    "units 3 group: Unknown { value: \"phuong\", sheet: \"groups\" }",
                    "units 4 group: Unknown { value: \"phuong\", sheet: \"groups\" }",
                ],
            ),
            (
                "id|name|",
                "id||",
                &[
                    "groups 1 name: ColumnMissing",
                    "units 2 group: Unknown { value: \"so\", sheet: \"groups\" }",
                    "units 3 group: Unknown { value: \"phuong\", sheet: \"groups\" }",
                    "units 4 group: Unknown { value: \"phuong\", sheet: \"groups\" }",
                ],
            ),
            (
                "so|Sở ban ngành|Departments||",
                "so|Sở ban ngành|Departments|| | ",
                &[],
            ),
            (
                "so|Sở ban ngành|Departments||",
                "so|Sở ban ngành|Departments|||x",
                &["groups 2: CellOutside"],
            ),
        ],
    );
}

#[test]
fn groups_fields_and_reasons_are_checked_row_by_row() {
    check(
        SheetKind::Groups,
        &[
            (
                "phuong|Phường|Wards|2025-07-01|",
                "phuong|Phường|Wards|2025-07-01|2025-06-30",
                &["groups 3 valid_to: EndsBeforeStart"],
            ),
            (
                "phuong|Phường|Wards|2025-07-01|",
                "phuong|Phường|Wards|2025-07-01|2025-07-01",
                &[],
            ),
            (
                "phuong|Phường|Wards|2025-07-01|",
                "phuong|Phường|Wards|hôm nay|",
                &["groups 3 valid_from: BadDate(\"hôm nay\")"],
            ),
            (
                "Sở ban ngành",
                "\u{202e}\u{200b}",
                &[
                    "groups 2 name: Missing",
                    "units 2 group: Unknown { value: \"so\", sheet: \"groups\" }",
                ],
            ),
            (
                "so|Sở ban ngành|",
                "so||",
                &[
                    "groups 2 name: Missing",
                    "units 2 group: Unknown { value: \"so\", sheet: \"groups\" }",
                ],
            ),
        ],
    );
    check(
        SheetKind::Fields,
        &[
            (
                "dat-dai|",
                "ho-tich|",
                &["fields 3 id: Duplicate { value: \"ho-tich\", row: 2 }"],
            ),
            ("dat-dai|", "Đất đai|", &["fields 3 id: BadId(\"Đất đai\")"]),
            ("dat-dai|", "|", &["fields 3 id: Missing"]),
            ("dat-dai|Đất đai", "dat-dai|", &["fields 3 name: Missing"]),
        ],
    );
    check(
        SheetKind::Reasons,
        &[
            (
                "khac|",
                "cham|",
                &["reasons 3 code: Duplicate { value: \"cham\", row: 2 }"],
            ),
            ("khac|Khác", "khac|", &["reasons 3 text: Missing"]),
            ("cs1", "cs11", &[]),
            (
                "cs1",
                "cs12",
                &["reasons 2 indicator: BadIndicator(\"cs12\")"],
            ),
            (
                "cs1",
                "cs0",
                &["reasons 2 indicator: BadIndicator(\"cs0\")"],
            ),
            ("cs1", "CS1", &["reasons 2 indicator: BadId(\"CS1\")"]),
        ],
    );
}

#[test]
fn units_are_checked_with_their_groups_and_successors() {
    check(
        SheetKind::Units,
        &[
            (
                "stc|so|",
                "stc|xa|",
                &["units 2 group: Unknown { value: \"xa\", sheet: \"groups\" }"],
            ),
            (
                "stc|so|",
                "stc||",
                &[
                    "units 2 group: Missing",
                    "officials 4 unit: Unknown { value: \"stc\", sheet: \"units\" }",
                ],
            ),
            (
                "qhc|phuong",
                "hc|phuong",
                &["units 4 id: Duplicate { value: \"hc\", row: 3 }"],
            ),
            (
                "|2025-06-30|hc",
                "|2025-06-30|xyz",
                &["units 4 successor: Unknown { value: \"xyz\", sheet: \"units\" }"],
            ),
            (
                "|2025-06-30|hc",
                "|2025-06-30|qhc",
                &["units 4 successor: SuccessorLoop"],
            ),
            (
                "Phường Hải Châu||2025-07-01||",
                "Phường Hải Châu||2025-07-01||qhc",
                &[
                    "units 3 successor: SuccessorLoop",
                    "units 4 successor: SuccessorLoop",
                ],
            ),
            (
                "Phường Hải Châu||2025-07-01||",
                "Phường Hải Châu||2025-07-01||stc",
                &[],
            ),
            ("|successor", "|Đơn vị kế thừa", &[]),
        ],
    );
}

#[test]
fn a_way_that_leads_into_a_round_is_no_part_of_it() {
    let (_, text) = CATALOG[1];
    let round = format!(
        "{text}\nzz|so|Z|||2025-01-01|yy\nyy|so|Y|||2025-01-01|yy\nxx|so|X|||2025-01-01|hc"
    );
    let mut sheets = sheets();
    sheets.insert(SheetKind::Units, sheet("units", &round));

    assert_eq!(
        import(&sheets).unwrap_err(),
        ["units 6 successor: SuccessorLoop"]
    );
}

#[test]
fn officials_are_checked_with_their_units_words_and_photos() {
    check(
        SheetKind::Officials,
        &[
            (
                "hc-2|hc|",
                "hc-1|hc|",
                &["officials 3 id: Duplicate { value: \"hc-1\", row: 2 }"],
            ),
            (
                "hc-2|hc|",
                "hc-2|xyz|",
                &["officials 3 unit: Unknown { value: \"xyz\", sheet: \"units\" }"],
            ),
            ("hc-2|hc|", "hc-2||", &["officials 3 unit: Missing"]),
            ("Lê Văn B|", "|", &["officials 3 name: Missing"]),
            (
                "Lê Văn B|Công chức||",
                "Lê Văn B|||",
                &["officials 3 title: Missing"],
            ),
            (
                "cadre|guide",
                "boss|guide",
                &[
                    "officials 4 category: BadWord { value: \"boss\", allowed: \"cadre, civil_servant, public_employee, contract_worker\" }",
                ],
            ),
            ("cadre|guide", "|guide", &["officials 4 category: Missing"]),
            ("cadre|guide", "cadre|", &["officials 4 role: Missing"]),
            (
                "cadre|guide",
                "cadre|boss",
                &[
                    "officials 4 role: BadWord { value: \"boss\", allowed: \"guide, receive, settle, return, desk\" }",
                ],
            ),
            ("cadre|guide", "Viên chức|Trả kết quả", &[]),
            ("cadre|guide", "người lao động|TIẾP NHẬN", &[]),
            ("/anh/hc-1.jpg", "/anh/hc_1.WebP", &[]),
            ("/anh/hc-1.jpg", "/a.png", &[]),
            ("/anh/hc-1.jpg", "/a.jpeg", &[]),
            (
                "/anh/hc-1.jpg",
                "anh/hc-1.jpg",
                &["officials 2 photo: BadPhoto"],
            ),
            (
                "/anh/hc-1.jpg",
                "//evil/hc-1.jpg",
                &["officials 2 photo: BadPhoto"],
            ),
            (
                "/anh/hc-1.jpg",
                "/../hc-1.jpg",
                &["officials 2 photo: BadPhoto"],
            ),
            (
                "/anh/hc-1.jpg",
                "/anh/hc-1.svg",
                &["officials 2 photo: BadPhoto"],
            ),
            (
                "/anh/hc-1.jpg",
                "/anh/hc 1.jpg",
                &["officials 2 photo: BadPhoto"],
            ),
        ],
    );
}

#[test]
fn questionnaires_are_checked_across_their_rows() {
    let first =
        "web|1|web|Khảo sát|Survey|2026-01-01|2026-12-31|cs1|Thời gian|Time|nhanh|Nhanh|Fast|2";
    let second = "web|1||||||cs1|||cham|Chậm|Slow|0";
    let differs = |column: &str, row: u32| {
        format!("questionnaires 3 {column}: DiffersFromRow {{ row: {row} }}")
    };
    for (to, expected) in [
        (
            "web|1|web|Khảo sát|Survey|2026-01-01|2026-12-31|cs1|Thời gian|Time|cham|Chậm|Slow|0",
            vec![],
        ),
        (
            "web|1|kiosk|Khác|Other|2026-01-02|2026-12-30|cs1|Lúc|When|cham|Chậm|Slow|0",
            vec![
                differs("title", 2),
                differs("title_en", 2),
                differs("channel", 2),
                differs("valid_from", 2),
                differs("valid_to", 2),
                differs("question_text", 2),
                differs("question_text_en", 2),
            ],
        ),
        (
            "web|1||||||cs1|||nhanh|Chậm|Slow|0",
            vec![
                "questionnaires 3 option: Repeated(\"nhanh\")".to_owned(),
                "questionnaires 2 option: TooFewOptions { question: \"cs1\" }".to_owned(),
            ],
        ),
        (
            "web|1||||||cs1|||cham|Chậm|Slow|3",
            vec!["questionnaires 3 points: BadNumber { min: 0, max: 2 }".to_owned()],
        ),
        (
            "web|0||||||cs1|||cham|Chậm|Slow|0",
            vec![
                "questionnaires 3 version: BadNumber { min: 1, max: 9999 }".to_owned(),
                "questionnaires 2 option: TooFewOptions { question: \"cs1\" }".to_owned(),
            ],
        ),
        (
            "|1||||||cs1|||cham|Chậm|Slow|0",
            vec![
                "questionnaires 3 questionnaire: Missing".to_owned(),
                "questionnaires 2 option: TooFewOptions { question: \"cs1\" }".to_owned(),
            ],
        ),
        (
            "web|1||||||cs2|||cham|Chậm|Slow|0",
            vec![
                "questionnaires 3 question_text: Missing".to_owned(),
                "questionnaires 2 option: TooFewOptions { question: \"cs1\" }".to_owned(),
            ],
        ),
    ] {
        let found = changed(SheetKind::Questionnaires, second, to)
            .err()
            .unwrap_or_default();
        assert_eq!(found, expected, "{to}");
    }
    for (to, expected) in [
        (
            first.replace("|web|Khảo sát|", "||Khảo sát|"),
            "questionnaires 2 channel: Missing",
        ),
        (
            first.replace("|Khảo sát|", "||"),
            "questionnaires 2 title: Missing",
        ),
        (
            first.replace("|web|Khảo", "|mạng|Khảo"),
            "questionnaires 2 channel: BadWord { value: \"mạng\", allowed: \"web, kiosk, paper\" }",
        ),
    ] {
        let found = changed(SheetKind::Questionnaires, first, &to).unwrap_err();
        assert_eq!(found[0], expected, "{to}");
    }
}

#[test]
fn two_questionnaires_of_a_channel_and_version_may_follow_but_not_overlap() {
    let second = "web|2|web|Khảo sát|||2025-12-31|cs1|";
    let rest = "web|2||||||cs1|||cham";
    for (validity, clash) in [
        ("2026-01-01|2026-12-31", true),
        ("2026-12-31|", true),
        ("|2026-01-01", true),
        ("|", true),
        ("2027-01-01|", false),
        ("|2025-12-31", false),
    ] {
        for (channel, version) in [("web", 1), ("kiosk", 1), ("web", 2)] {
            let (_, text) = CATALOG[5];
            let text = text
                .replace(
                    second,
                    &format!("khac|{version}|{channel}|Khảo sát||{validity}|cs1|"),
                )
                .replace(rest, &format!("khac|{version}||||||cs1|||cham"));
            let mut sheets = sheets();
            sheets.insert(SheetKind::Questionnaires, sheet("questionnaires", &text));

            let found = import(&sheets).err().unwrap_or_default();

            let expected = "questionnaires 6 questionnaire: SameChannel { other: \"web\" }";
            let clash = clash && channel == "web" && version == 1;
            assert_eq!(
                found,
                Vec::from_iter(clash.then_some(expected)),
                "{channel} {version} {validity}"
            );
        }
    }
}

#[test]
fn twenty_questions_and_twenty_options_fit_a_form() {
    let header = CATALOG[5].1.lines().next().unwrap();
    let import_rows = |rows: Vec<String>| {
        let mut sheets = sheets();
        sheets.insert(
            SheetKind::Questionnaires,
            sheet("questionnaires", &format!("{header}\n{}", rows.join("\n"))),
        );
        import(&sheets).err().unwrap_or_default()
    };
    let options = |count: usize| {
        (0..count)
            .map(|n| format!("q|1|web|T||||a|A||o{n}|O||"))
            .collect()
    };
    let questions = |count: usize| {
        (0..count)
            .flat_map(|n| ["x", "y"].map(|o| format!("q|1|web|T||||a{n}|A||{o}|O||")))
            .collect()
    };

    assert_eq!(import_rows(options(20)), Vec::<String>::new());
    assert_eq!(
        import_rows(options(21)),
        ["questionnaires 22 option: TooMany { max: 20 }"]
    );
    assert_eq!(import_rows(questions(20)), Vec::<String>::new());
    assert_eq!(
        import_rows(questions(21)),
        [
            "questionnaires 42 question: TooMany { max: 20 }",
            "questionnaires 43 question: TooMany { max: 20 }"
        ]
    );
}

#[test]
fn the_legal_basis_may_be_a_thousand_letters_long() {
    let (longest, longer) = ("Đ".repeat(1_000), "Đ".repeat(1_001));
    check(
        SheetKind::Settings,
        &[
            ("Nghị định 61", &longest, &[]),
            (
                "Nghị định 61",
                &longer,
                &["settings 6 value: TooLong { max: 1000 }"],
            ),
        ],
    );
}

#[test]
fn settings_are_checked_key_by_key() {
    let strata = Attestation::ALL
        .iter()
        .map(|a| a.code())
        .collect::<Vec<_>>()
        .join(", ");
    let bad_stratum =
        format!("settings 11 value: BadWord {{ value: \"all\", allowed: \"{strata}\" }}");
    check(
        SheetKind::Settings,
        &[
            (
                "hotline|(0236) 1022|",
                "hotline|gọi|",
                &["settings 4 value: BadPhone"],
            ),
            (
                "hotline|(0236) 1022|",
                "hotline|1022|1022",
                &["settings 4 value_en: NotTranslated"],
            ),
            (
                "hotline|(0236) 1022|",
                "hotline||",
                &["settings 4 value: Missing"],
            ),
            ("hotline|(0236) 1022|", "HOTLINE|1022|", &[]),
            (
                "hotline|(0236) 1022|",
                "hotline|1022---------------------------|",
                &["settings 4 value: TooLong { max: 30 }"],
            ),
            (
                "gopy@danang.gov.vn",
                "gopy",
                &["settings 5 value: BadEmail"],
            ),
            (
                "min_new_ratings|3|",
                "min_new_ratings|0|",
                &["settings 8 value: BadNumber { min: 1, max: 10000 }"],
            ),
            ("min_new_ratings|3|", "min_new_ratings|10000|", &[]),
            (
                "min_new_ratings|3|",
                "min_new_ratings|10001|",
                &["settings 8 value: BadNumber { min: 1, max: 10000 }"],
            ),
            (
                "min_new_ratings|3|",
                "min_new_ratings|3|3",
                &["settings 8 value_en: NotTranslated"],
            ),
            (
                "min_new_ratings|3|",
                "threshold_q|3|",
                &["settings 8 key: UnknownSetting(\"threshold_q\")"],
            ),
            ("min_new_ratings|3|", "|3|", &["settings 8 key: Missing"]),
            // The key of older sheets.
            ("min_new_ratings|3|", "threshold_k|3|", &[]),
            (
                "min_new_ratings|3|",
                "threshold_n|3|",
                &["settings 9 key: Duplicate { value: \"min_official_ratings\", row: 8 }"],
            ),
            (
                "min_new_ratings|3|",
                "min_official_ratings|3|",
                &["settings 9 key: Duplicate { value: \"min_official_ratings\", row: 8 }"],
            ),
            (
                "sample|có",
                "sample|không",
                &[
                    "settings 8 value: BelowFloor { min: 5 }",
                    "settings 9 value: BelowFloor { min: 10 }",
                ],
            ),
            (
                "dossier_verified dossier_claimed",
                "dossier_verified;dossier_claimed|",
                &[],
            ),
            (
                "dossier_verified dossier_claimed",
                "dossier_verified, dossier_verified",
                &["settings 11 value: Repeated(\"dossier_verified\")"],
            ),
            ("dossier_verified dossier_claimed", "all", &[&bad_stratum]),
            (
                "dossier_verified dossier_claimed",
                "",
                &["settings 11 value: Missing"],
            ),
            ("opens|2026-05-04|", "opens|04/05/2026|", &[]),
            (
                "opens|2026-05-04|",
                "opens|x|",
                &["settings 12 value: BadDate(\"x\")"],
            ),
            (
                "sample|có|",
                "sample|maybe|",
                &["settings 13 value: BadFlag(\"maybe\")"],
            ),
        ],
    );
    let (_, text) = CATALOG[6];
    let mut sheets = sheets();
    sheets.insert(
        SheetKind::Settings,
        sheet("settings", &text.replace("email|gopy@danang.gov.vn|\n", "")),
    );
    assert_eq!(
        import(&sheets).unwrap_err(),
        ["settings: SettingMissing(\"email\")"]
    );
    let plus = changed(
        SheetKind::Settings,
        "dossier_verified dossier_claimed",
        "dossier_verified+device_session",
    )
    .unwrap();
    assert_eq!(
        plus.head.settings.ranking_strata,
        [Attestation::DossierVerified, Attestation::DeviceSession]
    );
    let real = text
        .replace("min_new_ratings|3|", "min_new_ratings|5|")
        .replace("min_official_ratings|7|", "min_official_ratings|10|")
        .replace("sample|có|", "sample|không|");
    sheets.insert(SheetKind::Settings, sheet("settings", &real));
    assert!(!import(&sheets).unwrap().head.settings.sample);
}

#[test]
fn what_does_not_fit_one_stored_item_is_told() {
    let (_, text) = CATALOG[2];
    let many: String = (0..1_500)
        .map(|n| {
            format!(
                "\nhc-{n:04}|hc|{}|Chuyên viên||cadre|desk|||",
                "Tên ".repeat(40)
            )
        })
        .collect();
    let mut large = sheets();
    large.insert(
        SheetKind::Officials,
        sheet("officials", &format!("{text}{many}")),
    );
    let found = import(&large).unwrap_err();
    assert!(
        found.len() == 1
            && found[0].starts_with("units 3 id: ItemTooLarge { kilobytes: ")
            && found[0].ends_with("max: 350 }"),
        "{found:?}"
    );

    let (_, text) = CATALOG[3];
    let many: String = (0..3_000)
        .map(|n| format!("\nf-{n}|{}|", "Tên ".repeat(40)))
        .collect();
    let mut large = sheets();
    large.insert(SheetKind::Fields, sheet("fields", &format!("{text}{many}")));
    let found = import(&large).unwrap_err();
    assert!(
        found.len() == 1 && found[0].starts_with("questionnaires: ItemTooLarge { kilobytes: "),
        "{found:?}"
    );
}

/// A reader of one row of typed cells below the settings' headings.
fn reading<T>(cell: Cell, read: impl Fn(&mut RowReader) -> T) -> (T, Vec<String>) {
    let headings = Row {
        number: 1,
        cells: vec![Cell::Text("key".into()), Cell::Text("value".into())],
    };
    let row = Row {
        number: 2,
        cells: vec![Cell::Text("k".into()), cell],
    };
    let (place, mut findings) = (place("s"), Findings::default());
    let columns = Columns::resolve(
        SheetKind::Settings.columns(),
        &headings,
        &place,
        &mut findings,
    )
    .unwrap();
    let mut reader = RowReader::new(&place, &columns, &row, &mut findings);
    let value = read(&mut reader);
    assert_eq!(reader.sound(), findings.is_empty());
    (value, told(&findings))
}

fn typed(text: &str) -> Cell {
    Cell::Text(text.into())
}

#[test]
fn typed_cells_are_read_as_what_they_show() {
    let day = Cell::Date(date(2026, 5, 4));
    let broken = || Cell::Broken("#N/A".into());
    let text = |cell| reading(cell, |row| row.text("value", 10));
    assert_eq!(text(typed(" a \n b ")), (Some("a b".into()), vec![]));
    assert_eq!(
        reading(typed("a\nb"), |row| row.lines("value", 10)),
        (Some("a\nb".into()), vec![])
    );
    assert_eq!(
        text(typed("0123456789")),
        (Some("0123456789".into()), vec![])
    );
    assert_eq!(
        text(typed("0123456789a")),
        (None, vec!["s 2 value: TooLong { max: 10 }".into()])
    );
    assert_eq!(text(typed("a\u{7}\u{feff}")), (Some("a".into()), vec![]));
    assert_eq!(text(typed("\u{7}\u{200b}")), (None, vec![]));
    assert_eq!(text(Cell::Number(7.0)), (Some("7".into()), vec![]));
    assert_eq!(text(Cell::Number(7.5)), (Some("7.5".into()), vec![]));
    assert_eq!(
        text(Cell::Flag(true)),
        (None, vec!["s 2 value: NotText".into()])
    );
    assert_eq!(text(day.clone()), (None, vec!["s 2 value: NotText".into()]));
    assert_eq!(
        text(broken()),
        (None, vec!["s 2 value: Broken(\"#N/A\")".into()])
    );
    for blank in [Cell::Empty, typed(" \t")] {
        assert_eq!(text(blank.clone()), (None, vec![]));
        assert_eq!(
            reading(blank, |row| row.required_text("value", 10)),
            (None, vec!["s 2 value: Missing".into()])
        );
    }

    let number = |cell| reading(cell, |row| row.number_in("value", 1, 9));
    let refused = || {
        (
            None,
            vec!["s 2 value: BadNumber { min: 1, max: 9 }".to_owned()],
        )
    };
    for (cell, expected) in [(Cell::Number(9.0), 9), (typed(" 1 "), 1)] {
        assert_eq!(number(cell), (Some(expected), vec![]));
    }
    for cell in [
        Cell::Number(0.0),
        Cell::Number(10.0),
        Cell::Number(1.5),
        Cell::Number(-3.0),
        typed("x"),
        Cell::Flag(true),
        day.clone(),
    ] {
        assert_eq!(number(cell), refused());
    }
    assert_eq!(number(Cell::Empty), (None, vec![]));
    assert_eq!(
        reading(Cell::Number(0.0), |row| row.number_in("value", 0, 9)),
        (Some(0), vec![])
    );

    let date_of = |cell| reading(cell, |row| row.date("value"));
    assert_eq!(date_of(day.clone()), (Some(date(2026, 5, 4)), vec![]));
    assert_eq!(
        date_of(typed("04/05/2026")),
        (Some(date(2026, 5, 4)), vec![])
    );
    assert_eq!(
        date_of(typed("1945-01-01")),
        (Some(date(1945, 1, 1)), vec![])
    );
    assert_eq!(
        date_of(typed("2199-12-31")),
        (Some(date(2199, 12, 31)), vec![])
    );
    assert_eq!(date_of(Cell::Empty), (None, vec![]));
    for (cell, shown) in [
        (typed("1944-12-31"), "1944-12-31"),
        (typed("2200-01-01"), "2200-01-01"),
        (Cell::Number(45000.0), "45000"),
        (Cell::Flag(false), "false"),
        (Cell::Date(date(1900, 1, 1)), "1900-01-01"),
        (broken(), "#N/A"),
    ] {
        assert_eq!(
            date_of(cell),
            (None, vec![format!("s 2 value: BadDate({shown:?})")])
        );
    }

    let flag = |cell| reading(cell, |row| row.flag("value"));
    for cell in [
        Cell::Flag(true),
        Cell::Number(1.0),
        typed("Có"),
        typed("YES"),
        typed("true"),
        typed("x"),
        typed("1"),
    ] {
        assert_eq!(flag(cell), (Some(true), vec![]));
    }
    for cell in [
        Cell::Flag(false),
        Cell::Number(0.0),
        typed("không"),
        typed("no"),
        typed("FALSE"),
        typed("0"),
    ] {
        assert_eq!(flag(cell), (Some(false), vec![]));
    }
    assert_eq!(
        flag(Cell::Number(2.0)),
        (None, vec!["s 2 value: BadFlag(\"2\")".into()])
    );
    assert_eq!(flag(Cell::Empty), (None, vec![]));
}

#[test]
fn a_long_value_is_quoted_by_its_start() {
    let quoted = |text: &str| reading(typed(text), |row| row.flag("value")).1.concat();
    let forty = "a".repeat(40);

    assert_eq!(quoted(&forty), format!("s 2 value: BadFlag({forty:?})"));
    assert_eq!(
        quoted(&format!("{forty}b")),
        format!("s 2 value: BadFlag(\"{forty}…\")")
    );
    assert_eq!(quoted("a\u{7}b"), "s 2 value: BadFlag(\"ab\")");
}

#[test]
fn a_row_of_blank_cells_is_blank() {
    let row = |cells: Vec<Cell>| Row { number: 1, cells };

    assert!(row(vec![]).is_blank() && row(vec![Cell::Empty, typed(" ")]).is_blank());
    for cell in [
        typed("a"),
        Cell::Number(0.0),
        Cell::Flag(false),
        Cell::Broken(String::new()),
    ] {
        assert!(!row(vec![Cell::Empty, cell]).is_blank());
    }
}

#[test]
fn a_heading_is_told_as_its_author_wrote_it() {
    let headings = Row {
        number: 3,
        cells: vec![typed("Khóa *"), typed(" Giá trị ")],
    };
    let mut findings = Findings::default();

    let columns = Columns::resolve(
        SheetKind::Settings.columns(),
        &headings,
        &place("s"),
        &mut findings,
    )
    .unwrap();

    assert_eq!(
        (
            columns.heading("key").as_str(),
            columns.heading("value").as_str()
        ),
        ("Khóa *", "Giá trị")
    );
    assert_eq!(columns.heading("value_en"), "value_en");
}

#[test]
fn sheets_go_by_their_vietnamese_names_too() {
    for kind in SheetKind::ALL {
        assert_eq!(SheetKind::parse(kind.name()), Some(kind));
        assert!(!kind.synonyms().is_empty());
        for name in kind.synonyms() {
            assert_eq!(SheetKind::parse(&name.to_uppercase()), Some(kind));
        }
    }
    assert_eq!(SheetKind::parse("Sheet1"), None);
}

#[test]
fn two_hundred_findings_are_kept_and_all_are_counted() {
    let mut findings = Findings::default();
    for _ in 0..MAX_FINDINGS + 3 {
        assert_eq!(findings.is_empty(), findings.count() == 0);
        findings.push(place("s"), Cause::Missing);
    }

    assert_eq!(
        (findings.list().len(), findings.count()),
        (MAX_FINDINGS, MAX_FINDINGS as u64 + 3)
    );
}

/// What is read of the dossier file when `from` reads `to`.
fn dossier(from: &str, to: &str) -> (Option<Dossier>, Vec<String>) {
    assert_eq!(DOSSIER.matches(from).count(), 1, "{from}");
    let sheet = sheet("d", &DOSSIER.replace(from, to));
    let catalog = import(&sheets()).unwrap();
    let mut findings = Findings::default();
    let columns = Columns::resolve(DOSSIERS, &sheet.header, &sheet.place, &mut findings).unwrap();
    let mut row = RowReader::new(&sheet.place, &columns, &sheet.rows[0], &mut findings);
    let dossier = dossier::read(&mut row, &catalog, today());
    (dossier, told(&findings))
}

#[test]
fn a_right_dossier_is_read_whole() {
    let (dossier, found) = dossier("hc-1:desk", "hc-1:desk");

    let Dossier {
        code,
        secret,
        receipt,
    } = dossier.unwrap();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(code.as_str(), "000.01.40.H17-261111-0001");
    assert_eq!(secret.unwrap().printed(), "5V68VVMZ0CT");
    assert_eq!(
        (receipt.unit_id.as_str(), receipt.field_id.as_str()),
        ("hc", "ho-tich")
    );
    assert_eq!(
        (receipt.procedure.as_deref(), receipt.status),
        (Some("Khai sinh"), DossierStatus::Returned)
    );
    assert_eq!(
        (receipt.received, receipt.due, receipt.returned),
        (
            date(2026, 11, 11),
            Some(date(2026, 11, 16)),
            Some(date(2026, 11, 15))
        )
    );
    let officials: Vec<_> = receipt
        .officials
        .iter()
        .map(|(id, role)| (id.as_str(), *role))
        .collect();
    assert_eq!(officials, [("hc-1", OfficialRole::Desk)]);
}

#[test]
fn dossiers_are_checked_against_the_catalog_and_the_day() {
    let roles = "guide, receive, settle, return, desk";
    let days = "2026-11-11|2026-11-16|2026-11-15|returned";
    for (from, to, expected) in [
        ("5V68VVMZ0CT", "", vec![]),
        ("5V68VVMZ0CT", "5V68VVMZ0CX", vec!["d 2 secret: BadReceiptSecret".to_owned()]),
        ("000.01.40.H17-261111-0001", "17", vec!["d 2 code: BadReceiptCode".to_owned()]),
        ("000.01.40.H17-261111-0001", "", vec!["d 2 code: Missing".to_owned()]),
        ("|hc|", "|xyz|", vec!["d 2 unit: Unknown { value: \"xyz\", sheet: \"units\" }".to_owned()]),
        ("|hc|hc-1:desk", "|qhc|", vec!["d 2 unit: UnitNotInForce { unit: \"qhc\" }".to_owned()]),
        ("|hc|", "||", vec!["d 2 unit: Missing".to_owned()]),
        ("ho-tich", "y-te", vec!["d 2 field: Unknown { value: \"y-te\", sheet: \"fields\" }".to_owned()]),
        ("ho-tich", "", vec!["d 2 field: Missing".to_owned()]),
        ("hc-1:desk", "", vec![]),
        ("hc-1:desk", "stc-1:desk", vec!["d 2 officials: NotOfUnit { official: \"stc-1\", unit: \"hc\" }".to_owned()]),
        ("hc-1:desk", "hc-2", vec!["d 2 officials: NotOfUnit { official: \"hc-2\", unit: \"hc\" }".to_owned()]),
        ("hc-1:desk", "HC!", vec!["d 2 officials: BadId(\"HC!\")".to_owned()]),
        ("hc-1:desk", "hc-1;hc-1", vec!["d 2 officials: Repeated(\"hc-1\")".to_owned()]),
        ("hc-1:desk", "hc-1:boss", vec![format!("d 2 officials: BadWord {{ value: \"boss\", allowed: \"{roles}\" }}")]),
        (days, "11/11/2026 08:30|16/11/2026 17:00||open", vec![]),
        (days, "2026-11-12|||open", vec!["d 2 received: CodeOfAnotherDay { code: 2026-11-11, received: 2026-11-12 }".to_owned()]),
        (days, "2026-11-11||2026-11-22|returned", vec!["d 2 returned: InFuture".to_owned()]),
        (days, "2026-11-11|2026-11-10||open", vec!["d 2 due: BeforeReceived".to_owned()]),
        (days, "2026-11-11||2026-11-10|refused", vec!["d 2 returned: BeforeReceived".to_owned()]),
        (days, "|||open", vec!["d 2 received: Missing".to_owned()]),
        (days, "2026-11-11|||đang giải quyết", vec![]),
        (days, "2026-11-11|||Đã trả kết quả", vec!["d 2 returned: ReturnedWithoutDay".to_owned()]),
        (days, "2026-11-11||x|returned", vec!["d 2 returned: BadDate(\"x\")".to_owned()]),
        (days, "2026-11-11||2026-11-15|open", vec!["d 2 returned: DayWithoutReturn".to_owned()]),
        (days, "2026-11-11||2026-11-15|supplement", vec!["d 2 returned: DayWithoutReturn".to_owned()]),
        (days, "2026-11-11||2026-11-15|refused", vec![]),
        (days, "2026-11-11|||refused", vec![]),
        (days, "2026-11-11|||supplement", vec![]),
        (days, "2026-11-11|||gone", vec!["d 2 status: BadWord { value: \"gone\", allowed: \"open, returned, supplement, refused\" }".to_owned()]),
        (days, "2026-11-11|||", vec!["d 2 status: Missing".to_owned()]),
    ] {
        let (dossier, found) = dossier(from, to);
        assert_eq!(found, expected, "{from} → {to}");
        assert_eq!(dossier.is_some(), found.is_empty(), "{from} → {to}");
    }
}

/// What is found in a dossier file of one open dossier.
fn received(code: &str, day: &str) -> Vec<String> {
    let sheet = sheet(
        "d",
        &format!("code|unit|field|received|status\n{code}|hc|ho-tich|{day}|open"),
    );
    let catalog = import(&sheets()).unwrap();
    let mut findings = Findings::default();
    let columns = Columns::resolve(DOSSIERS, &sheet.header, &sheet.place, &mut findings).unwrap();
    let mut row = RowReader::new(&sheet.place, &columns, &sheet.rows[0], &mut findings);
    dossier::read(&mut row, &catalog, today());
    told(&findings)
}

#[test]
fn a_dossier_whose_code_names_another_day_is_told() {
    let other = |code, received| {
        let days = format!("{{ code: {code}, received: {received} }}");
        vec![format!("d 2 received: CodeOfAnotherDay {days}")]
    };
    for (code, day, expected) in [
        // A spreadsheet in English took the seventh of November for the eleventh of July.
        (
            "H17-261107-0001",
            "11/7/2026",
            other("2026-11-07", "2026-07-11"),
        ),
        ("H17-261107-0001", "7/11/2026", vec![]),
        ("H17-20261107-0000001", "2026-11-07T23:59:00+07:00", vec![]),
        ("H17-261121-0001", "2026-11-21", vec![]),
        (
            "H17-261122-0001",
            "2026-11-22",
            vec!["d 2 received: InFuture".to_owned()],
        ),
    ] {
        assert_eq!(received(code, day), expected, "{code} {day}");
    }
}

#[test]
fn an_official_without_a_role_has_the_usual_one() {
    for (list, role) in [
        ("hc-1", OfficialRole::Desk),
        ("hc-1:Settle", OfficialRole::Settle),
        (" , hc-1:guide |", OfficialRole::Guide),
    ] {
        let list = list.replace('|', ";");
        let (dossier, _) = dossier("hc-1:desk", &list);
        assert_eq!(dossier.unwrap().receipt.officials[0].1, role, "{list}");
    }
}

/// What is read of one row of a void file: unit, official, receipt code, phone, rating, reason.
fn voidable(row: &str) -> (Option<Voidable>, Vec<String>) {
    let text = format!("unit|official|receipt_code|phone|rating|reason\n{row}");
    let sheet = sheet("v", &text);
    let mut findings = Findings::default();
    let columns = Columns::resolve(VOIDS, &sheet.header, &sheet.place, &mut findings).unwrap();
    let mut row = RowReader::new(&sheet.place, &columns, &sheet.rows[0], &mut findings);
    let voidable = void::read(&mut row);
    (voidable, told(&findings))
}

#[test]
fn a_rating_to_set_aside_is_named_by_receipt_phone_or_itself() {
    let code = ReceiptCode::parse("000.01.40.H17-261111-0001").unwrap();
    let phone = Phone::parse("0905123456").unwrap();
    let id = "abcdefghijklmnopqrstuvw234";
    for (row, official, named, reason) in [
        (
            "hc|hc-1|000.01.40.H17-261111-0001|||gian lận",
            Some("hc-1"),
            Named::Receipt(code),
            VoidReason::Fraud,
        ),
        (
            "hc|||0905 123 456||under_pressure",
            None,
            Named::Phone(phone),
            VoidReason::UnderPressure,
        ),
        (
            "hc||||abcdefghijklmnopqrstuvw234|trial",
            None,
            Named::Rating(RatingId(id.into())),
            VoidReason::Trial,
        ),
    ] {
        let subject = Subject {
            unit_id: UnitId::parse("hc").unwrap(),
            official_id: official.map(|id| OfficialId::parse(id).unwrap()),
        };
        let expected = Voidable {
            subject,
            named,
            reason,
        };
        assert_eq!(voidable(row), (Some(expected), vec![]), "{row}");
    }
}

#[test]
fn a_row_that_names_no_rating_or_two_sets_nothing_aside() {
    for (row, expected) in [
        ("hc|||||fraud", "v 2 receipt_code: OneNameOnly"),
        (
            "hc||000.01.40.H17-261111-0001|0905123456||fraud",
            "v 2 receipt_code: OneNameOnly",
        ),
        ("hc||1||| fraud", "v 2 receipt_code: BadReceiptCode"),
        ("hc|||12||fraud", "v 2 phone: BadPhone"),
        (
            "hc||||abcdefghijklmnopqrstuvw23|fraud",
            "v 2 rating: BadRatingId",
        ),
        (
            "hc||||abcdefghijklmnopqrstuvw23-|fraud",
            "v 2 rating: BadRatingId",
        ),
        (
            "hc||||abcdefghijklmnopqrstuvw231|fraud",
            "v 2 rating: BadRatingId",
        ),
        ("|||0905123456||fraud", "v 2 unit: Missing"),
    ] {
        assert_eq!(voidable(row), (None, vec![expected.to_owned()]), "{row}");
    }
}
