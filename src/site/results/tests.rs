use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use jiff::civil::date;
use serde_json::{Value, json};
use unicode_normalization::is_nfc;

use super::*;
use crate::domain::catalog::CatalogHead;
use crate::domain::id::{OfficialId, OptionCode, QuestionCode, ReasonCode};
use crate::domain::period::Month;
use crate::domain::proof::list::{CountedList, Growth};
use crate::domain::publication::{
    DossierCounts, Ledger, PeriodResults, StratumResults, UnverifiedRatings,
};
use crate::domain::rating::{Answer, Attestation};
use crate::domain::tally::{Counter, Tally};
use crate::domain::void::VoidReason;

/// Figures no other number on a page can be mistaken for.
const SHOWN: (u64, u64) = (1031, 1129);

struct Province {
    head: CatalogHead,
    units: BTreeMap<UnitId, UnitEntry>,
    results: BTreeMap<UnitId, UnitResults>,
}

/// Three ratings of the unit, counted.
fn counted_list(unit: &UnitId) -> CountedList {
    let month = Month {
        year: 2026,
        month: 10,
    };
    let growth = Growth {
        min_new_ratings: 3,
        today: date(2026, 10, 21),
        at_once: false,
    };
    let entries = (0..3_u8).map(|n| ([n; 32], [n; 32])).collect();
    let list = CountedList::new(unit.clone(), month).advance(&entries, growth);
    list.unwrap().unwrap()
}

impl Province {
    fn context(&self, lang: Lang) -> SiteContext<'_> {
        SiteContext {
            head: &self.head,
            lang,
            today: date(2026, 11, 21),
        }
    }

    /// Every file in both languages, by path.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = Vec::new();
        for lang in Lang::ALL {
            let context = self.context(lang);
            files.extend(overview_files(&context, &self.units, &self.results));
            for (id, entry) in &self.units {
                files.extend(unit_files(&context, entry, &self.results[id]));
                let list = counted_list(id);
                let summary = list.summary().unwrap();
                files.push(counted_page(
                    &context,
                    entry,
                    &[(list.month, summary)].into(),
                ));
                if lang == Lang::Vi {
                    files.push(list_file(&list));
                }
            }
        }
        let count = files.len();
        let files: BTreeMap<_, _> = files
            .into_iter()
            .map(|file| (file.path, file.bytes))
            .collect();
        assert_eq!(files.len(), count, "every file has an address of its own");
        files
    }

    fn page(&self, path: &str) -> String {
        String::from_utf8(self.files()[path].clone()).unwrap()
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.files()[path]).unwrap()
    }

    fn period(&mut self, unit: &str, period: &str) -> &mut PeriodResults {
        let results = self.results.get_mut(&UnitId::parse(unit).unwrap()).unwrap();
        results
            .periods
            .entry(Period::parse(period).unwrap())
            .or_default()
    }
}

fn tally(satisfied: u64, rated: u64) -> Tally {
    let counters = [
        (Counter::Rated, rated),
        (Counter::Satisfied, satisfied),
        (Counter::NotSatisfied, rated - satisfied),
    ];
    counters.into_iter().collect()
}

fn official(id: &str) -> OfficialId {
    OfficialId::parse(id).unwrap()
}

/// Three units: one with everything, one with too little, one without any rating; names that a spreadsheet would run.
fn province() -> Province {
    let text = |vi: &str| json!({ "vi": vi });
    let scale = json!([
        { "code": "shorter", "text": text("Ngắn hơn"), "points": 2 },
        { "code": "longer", "text": text("Dài hơn"), "points": 0 },
    ]);
    let head = json!({
        "settings": {
            "province_name": text("Thành phố Mẫu"), "agency_name": text("Văn phòng"), "hotline": "1022",
            "email": "a@example.vn", "min_new_ratings": 5, "min_official_ratings": 10,
            "ranking_strata": ["dossier_verified", "device_session", "phone_declared"],
            "legal_basis": text("x"), "consent_text": text("x"), "retention_days": 90,
        },
        "groups": [{ "id": "so", "name": text("Sở ban ngành") }, { "id": "xa", "name": text("Xã/ phường") }],
        "fields": [],
        "reasons": [{ "code": "late", "text": text("=HYPERLINK(\"http://x\")") }],
        "questionnaires": [{
            "id": "web", "version": 1, "channel": "web", "title": text("Câu hỏi"),
            "questions": [{ "code": "cs1", "text": text("Thời gian"), "options": scale }],
        }],
    });
    let person = |id: &str, unit: &str, name: &str| {
        json!({ "id": id, "unit_id": unit, "name": name, "title": text("Chuyên viên"),
            "category": "civil_servant", "role": "desk" })
    };
    let unit = |id: &str, group: &str, name: &str, officials: Vec<Value>| -> UnitEntry {
        let unit = json!({ "id": id, "group_id": group, "name": text(name) });
        serde_json::from_value(json!({ "unit": unit, "officials": officials })).unwrap()
    };
    let officials = vec![
        person("o-1", "u-1", "Vũ Thị Hương Quỳnh"),
        person("o-2", "u-1", "+Đặng Văn Hùng"),
        person("o-3", "u-1", "Hoàng Ẩn Danh"),
        person("o-4", "u-1", "An"),
    ];
    let units = [
        unit("u-1", "so", "Sở Nội vụ", officials),
        unit(
            "u-2",
            "so",
            "Sở <b>Y tế</b>",
            vec![person("o-5", "u-2", "Lê Chưa Đủ")],
        ),
        unit("u-3", "xa", "Phường Hải Châu", Vec::new()),
    ];
    let units: BTreeMap<UnitId, UnitEntry> = units
        .into_iter()
        .map(|entry| (entry.unit.id.clone(), entry))
        .collect();
    let empty = |id: &UnitId| UnitResults {
        unit_id: id.clone(),
        as_of: None,
        is_frozen: false,
        thresholds: BTreeMap::new(),
        periods: BTreeMap::new(),
    };
    let results = units.keys().map(|id| (id.clone(), empty(id))).collect();
    let mut province = Province {
        head: serde_json::from_value(head).unwrap(),
        units,
        results,
    };

    for period in ["2026q4", "2026", "all"] {
        *province.period("u-1", period) = full();
        province.period("u-2", period).ledger.received = 4;
    }
    let month = province.period("u-1", "202611");
    month.total = full().total;
    month.ledger = full().ledger;
    province.period("u-1", "202610").ledger.received = 3;
    for results in province
        .results
        .values_mut()
        .filter(|r| !r.periods.is_empty())
    {
        results.as_of = Some(date(2026, 11, 20));
    }
    province
}

fn full() -> PeriodResults {
    let mut of_officials = tally(SHOWN.0, SHOWN.1);
    let cs1 = QuestionCode::parse("cs1").unwrap();
    let shorter = Answer::Option(OptionCode::parse("shorter").unwrap());
    of_officials.add(Counter::Reason(ReasonCode::parse("late").unwrap()), 7);
    of_officials.add(Counter::Answer(cs1.clone(), shorter), 300);
    of_officials.add(Counter::Answer(cs1, Answer::Unanswered), 829);
    let verified = StratumResults {
        unit_itself: tally(80, 100),
        officials: of_officials,
    };
    let at_the_counter = StratumResults {
        unit_itself: tally(1, 40),
        officials: Tally::default(),
    };
    let declared = UnverifiedRatings {
        received: 4_730,
        set_aside: 3,
        percent: Some(61),
    };
    let mut total = verified.unit_itself.clone();
    total += &verified.officials;
    total += &at_the_counter.unit_itself;
    PeriodResults {
        ledger: Ledger {
            received: total.rated() + 5,
            published: total.rated(),
            taken_off: 3,
            set_aside: 4,
        },
        taken_off_for: [(VoidReason::NotTheRater, 2), (VoidReason::Fraud, 1)].into(),
        answers: total.only(Counter::is_answer),
        total,
        strata: [
            (Attestation::DossierVerified, verified),
            (Attestation::DeviceSession, at_the_counter),
        ]
        .into(),
        unverified: [(Attestation::PhoneDeclared, declared)].into(),
        officials: [
            (official("o-1"), tally(95, 100)),
            (official("o-2"), tally(95, 100)),
            (official("o-4"), tally(10, 10)),
        ]
        .into(),
        dossiers: Some(DossierCounts {
            received: 2000,
            on_time: 1900,
            overdue: 60,
        }),
    }
}

fn is_page(path: &str) -> bool {
    path.ends_with('/')
}

fn cells(bytes: &[u8]) -> Vec<Vec<Data>> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
    assert_eq!(workbook.sheet_names(), ["Số liệu", "Giải thích"]);
    assert!(workbook.worksheet_formula("Số liệu").unwrap().is_empty());
    let range = workbook.worksheet_range("Số liệu").unwrap();
    range.rows().map(<[Data]>::to_vec).collect()
}

#[test]
fn sums_that_are_left_out_of_the_package_are_on_no_page() {
    let full = province();
    let mut shown = province();
    for results in shown.results.values_mut() {
        *results = results.clone().shown();
    }

    assert!(full.results != shown.results);
    assert!(full.files() == shown.files());
}

#[test]
fn the_addresses_are_those_the_site_links_to() {
    let files = province().files();

    for path in [
        "/ket-qua/",
        "/ket-qua/so-lieu/",
        "/ket-qua/all/",
        "/ket-qua/2026/so-lieu/",
        "/ket-qua/2026q4/",
        "/ket-qua/202611/",
        "/ket-qua/ket-qua-2026q4.json",
        "/ket-qua/ket-qua-202611.csv",
        "/ket-qua/ket-qua-all.xlsx",
        "/ket-qua/don-vi/u-1/",
        "/ket-qua/don-vi/u-1/so-lieu/",
        "/ket-qua/don-vi/u-1/cong-chuc/",
        "/ket-qua/don-vi/u-1/2026/cong-chuc/",
        "/ket-qua/don-vi/u-1/2026q4/so-lieu/",
        "/ket-qua/don-vi/u-1/ket-qua.json",
        "/ket-qua/don-vi/u-1/ket-qua.csv",
        "/ket-qua/don-vi/u-1/ket-qua.xlsx",
        "/ket-qua/don-vi/u-3/",
        "/ket-qua/don-vi/u-3/so-lieu/",
        "/ket-qua/don-vi/u-3/cong-chuc/",
        "/ket-qua/don-vi/u-3/ket-qua.json",
    ] {
        assert!(files.contains_key(path), "{path}");
        assert_eq!(
            files.contains_key(&format!("/en{path}")),
            is_page(path),
            "{path}"
        );
    }
}

#[test]
fn every_link_within_the_results_leads_somewhere() {
    let files = province().files();
    let addresses: BTreeSet<&str> = files.keys().map(String::as_str).collect();

    for (path, bytes) in files.iter().filter(|(path, _)| is_page(path)) {
        let page = std::str::from_utf8(bytes).unwrap();
        for href in page
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            let is_result = href.starts_with("/ket-qua/") || href.starts_with("/en/ket-qua/");
            assert!(!is_result || addresses.contains(href), "{href} on {path}");
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(province().files(), province().files());
}

#[test]
fn pages_and_files_are_composed_and_complete() {
    for (path, bytes) in province().files() {
        if path.ends_with(".xlsx") {
            continue;
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(is_nfc(&text), "{path}");
        assert!(!text.contains("%{"), "{path} has an unfilled place");
        if path.ends_with(".json") {
            continue;
        }
        for (at, _) in text.match_indices("results.") {
            assert!(
                text[..at].ends_with("/static/"),
                "{path} shows a locale key"
            );
        }
    }
}

#[test]
fn an_official_without_enough_ratings_has_no_figures_anywhere() {
    let province = province();
    let files = province.files();

    let page = std::str::from_utf8(&files["/ket-qua/don-vi/u-1/cong-chuc/"]).unwrap();
    let (ranked, waiting) = page
        .split_once("Chưa đủ số liệu để công bố (dưới 10 lượt đánh giá).")
        .unwrap();
    assert!(!ranked.contains("Hoàng Ẩn Danh"));
    let entry = waiting
        .split("Hoàng Ẩn Danh")
        .nth(1)
        .unwrap()
        .split("</li>")
        .next()
        .unwrap();
    assert_eq!(entry, " <small>Chuyên viên, Sở Nội vụ</small>");
    for (path, bytes) in files.iter().filter(|(path, _)| is_page(path)) {
        let page = std::str::from_utf8(bytes).unwrap();
        assert_eq!(
            page.contains("Hoàng Ẩn Danh"),
            path.ends_with("/cong-chuc/") && path.contains("u-1"),
            "{path}"
        );
    }
    let json = province.json("/ket-qua/don-vi/u-1/ket-qua.json");
    let ranking = json["periods"]["2026q4"]["ranking"].as_array().unwrap();
    assert!(ranking.iter().all(|o| o["official_id"] != "o-3"));
    let csv = std::str::from_utf8(&files["/ket-qua/don-vi/u-1/ket-qua.csv"]).unwrap();
    for row in csv.lines().filter(|row| row.contains("o-3")) {
        assert!(
            row.ends_with("o-3,Hoàng Ẩn Danh,Chuyên viên,,,,,,,,,,Chưa đủ số liệu"),
            "{row}"
        );
    }
    for row in cells(&files["/ket-qua/don-vi/u-1/ket-qua.xlsx"]) {
        if row[3] == Data::String("o-3".to_owned()) {
            assert!(row[6..15].iter().all(|cell| *cell == Data::Empty));
        }
    }
}

#[test]
fn a_unit_without_enough_ratings_has_no_figures_anywhere() {
    let province = province();
    let files = province.files();

    let page = province.page("/ket-qua/don-vi/u-2/");
    assert!(page.contains("Chưa đủ số liệu để công bố (dưới 5 lượt đánh giá)."));
    assert!(
        page.contains(
            "Lượt đã xác thực: đã ghi nhận 4 lượt, đã công bố 0 lượt, chờ công bố 4 lượt."
        )
    );
    assert!(!page.contains("<table"));
    assert!(
        province
            .page("/ket-qua/don-vi/u-2/cong-chuc/")
            .contains("Lê Chưa Đủ")
    );
    let json = province.json("/ket-qua/don-vi/u-2/ket-qua.json");
    assert_eq!(json["periods"]["2026q4"]["total"], Value::Null);
    let all = province.json("/ket-qua/ket-qua-2026q4.json");
    let unit = &all["units"][1];
    assert_eq!(
        (&unit["unit_id"], &unit["total"], &unit["rank"]),
        (&json!("u-2"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        unit["ledger"],
        json!({
            "received": 4, "published": 0, "waiting": 4, "set_aside": 0, "taken_off": 0, "taken_off_for": {},
        })
    );
    let csv = std::str::from_utf8(&files["/ket-qua/ket-qua-2026q4.csv"]).unwrap();
    assert!(csv.contains(
        "u-2,Sở <b>Y tế</b>,20/11/2026,,,,,,,,,,,,4,0,4,0,0,0,,0,0,,0,0,,Chưa đủ số liệu\r\n"
    ));
}

#[test]
fn what_was_set_aside_is_told_with_its_reasons() {
    let page = province().page("/ket-qua/don-vi/u-1/");

    assert!(page.contains("Đã loại 4 lượt theo quyết định của hai người, trong đó 1 lượt"));
    assert!(
        page.contains(
            "người khác dùng mã hoặc số điện thoại: 2; đánh giá được mua hoặc bịa đặt: 1."
        )
    );
}

#[test]
fn a_unit_whose_figures_rest_says_so() {
    let mut province = province();
    let note = "Số liệu của đơn vị này đang được kiểm tra";
    assert!(!province.page("/ket-qua/don-vi/u-1/").contains(note));

    province
        .results
        .values_mut()
        .for_each(|results| results.is_frozen = true);

    for page in ["", "so-lieu/", "cong-chuc/"] {
        let page = format!("/ket-qua/don-vi/u-1/{page}");
        assert!(province.page(&page).contains(note), "{page}");
    }
    assert_eq!(
        province.json("/ket-qua/don-vi/u-1/ket-qua.json")["is_frozen"],
        true
    );
}

#[test]
fn the_province_adds_up_what_is_published() {
    let province = province();
    let published = full();

    let all = province.json("/ket-qua/ket-qua-2026q4.json");

    let sum = &all["province"];
    assert_eq!(sum["total"]["rated"], published.total.rated());
    assert_eq!(sum["units_published"], 1);
    assert_eq!(sum["units_received"], 2);
    assert_eq!(sum["ledger"]["received"], published.ledger.received + 4);
    assert_eq!(sum["ledger"]["waiting"], 6);
    assert_eq!(sum["ledger"]["set_aside"], 4);
    assert_eq!(
        sum["ledger"]["taken_off_for"],
        json!({ "fraud": 1, "not_the_rater": 2 })
    );
    assert_eq!(all["as_of"], "2026-11-20");
}

#[test]
fn officials_who_tie_share_a_rank_and_few_ratings_do_not_win() {
    let province = province();

    let json = province.json("/ket-qua/don-vi/u-1/ket-qua.json");

    let ranking = json["periods"]["2026q4"]["ranking"].as_array().unwrap();
    let places: Vec<_> = ranking
        .iter()
        .map(|o| {
            (
                o["official_id"].as_str().unwrap(),
                o["rank"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [("o-2", 1), ("o-1", 1), ("o-4", 3),],
        "95 of 100 twice, then 10 of 10"
    );
    assert_eq!(ranking[0]["figures"]["interval_low"], 88.8);
    assert_eq!(ranking[0]["figures"]["percent"], 95.0);
}

/// `page` without the parts that tell of unverified ratings.
fn without_unverified(page: &str) -> String {
    let mut parts = page.split(" data-unverified>");
    let mut kept = parts.next().unwrap().to_owned();
    for part in parts {
        let is_box = kept.ends_with("<section class=\"inset\"");
        let end = if is_box { "</section>" } else { "</p>" };
        kept.push_str(&part[part.find(end).unwrap()..]);
    }
    kept
}

#[test]
fn unverified_ratings_change_nothing_but_their_own_box_lines_rows_and_columns() {
    let with = province();
    let mut without = province();
    for results in without.results.values_mut() {
        for period in results.periods.values_mut() {
            for ratings in period.unverified.values_mut() {
                *ratings = UnverifiedRatings {
                    received: 1,
                    ..UnverifiedRatings::default()
                };
            }
        }
    }

    let (with, without) = (with.files(), without.files());

    assert_eq!(
        with.keys().collect::<Vec<_>>(),
        without.keys().collect::<Vec<_>>()
    );
    let mut differing = 0;
    for (path, bytes) in with.iter().filter(|(path, _)| !path.ends_with(".xlsx")) {
        let (one, other) = (
            std::str::from_utf8(bytes).unwrap(),
            std::str::from_utf8(&without[path]).unwrap(),
        );
        differing += usize::from(one != other);
        if is_page(path) {
            assert_eq!(without_unverified(one), without_unverified(other), "{path}");
        } else if path.ends_with(".json") {
            let parse = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
            let cut = |value: Value| {
                let mut value = value;
                remove(&mut value, "unverified");
                value
            };
            assert_eq!(cut(parse(one)), cut(parse(other)), "{path}");
        } else {
            assert_eq!(verified_cells(one), verified_cells(other), "{path}");
        }
    }
    assert!(differing > 20, "{differing}");
}

/// Takes every member called `name` out of `value`.
fn remove(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            members.remove(name);
            members.values_mut().for_each(|member| remove(member, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, name)),
        _ => {}
    }
}

/// The cells of a CSV file but for the rows and columns of unverified ratings.
fn verified_cells(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let headers = reader.headers().unwrap().clone();
    let of_others = |text: &str| text.contains("hưa xác thực");
    let rows = reader.records().map(Result::unwrap);
    rows.filter(|row| !row.iter().any(of_others))
        .map(|row| {
            let cells = headers.iter().zip(row.iter());
            cells
                .filter(|(header, _)| !of_others(header))
                .map(|(_, cell)| cell.to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn the_box_tells_how_many_unverified_ratings_there_are_and_in_whole_per_cent_how_satisfied() {
    let mut province = province();

    let page = province.page("/ket-qua/don-vi/u-1/");
    let (_, told) = page.split_once("Ý kiến chưa xác thực").unwrap();
    let (told, _) = told.split_once("</section>").unwrap();
    assert!(
        told.contains(
            "Họ tên và số điện thoại</dt><dd>4.727 lượt <small>61\u{a0}% hài lòng</small>"
        ),
        "{told}"
    );
    assert!(page.contains(
        "Lượt chưa xác thực: đã ghi nhận 4.730 lượt, đã loại 3 lượt; không cộng vào kết quả."
    ));
    let json = province.json("/ket-qua/don-vi/u-1/ket-qua.json");
    assert_eq!(
        json["periods"]["2026q4"]["unverified"],
        json!({ "phone_declared": {
            "rater_kind": "non_participant", "received": 4730, "set_aside": 3, "percent": 61,
        } })
    );

    for period in ["2026q4", "2026", "all"] {
        let unverified = &mut province.period("u-1", period).unverified;
        unverified
            .get_mut(&Attestation::PhoneDeclared)
            .unwrap()
            .percent = None;
    }
    let page = province.page("/ket-qua/don-vi/u-1/");
    assert!(page.contains("Họ tên và số điện thoại</dt><dd>4.727 lượt</dd>"));
}

#[test]
fn both_parts_and_every_stratum_stand_apart() {
    let page = province().page("/ket-qua/don-vi/u-1/so-lieu/");

    for text in [
        "Đánh giá đơn vị",
        "Đánh giá công chức của đơn vị",
        "Mã biên nhận có phần bí mật",
        "Hồ sơ đang mở tại quầy",
        "Họ tên và số điện thoại",
        "1.031",
        "Có đánh giá đã xác thực: từ 140 đến 1.269 trên 2.000 hồ sơ tiếp nhận trong kỳ.",
        "Đã trả kết quả đúng hạn 1.900, quá hạn 60 hồ sơ (đúng hạn 96,9\u{a0}%).",
        "Tỉ lệ theo Quyết định 766/QĐ-TTg",
        "Chưa cộng được tổng điểm hồ sơ: thiếu CS2, CS3, CS4, CS7.",
        "Số liệu đến hết ngày 20/11/2026. Đây là ý kiến của những người tự nguyện đánh giá, không phải điều tra chọn mẫu.",
        "href=\"/don-vi/u-1/\"",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn months_have_totals_and_no_ranking() {
    let province = province();

    let month = province.json("/ket-qua/don-vi/u-1/ket-qua.json")["periods"]["202611"].clone();

    assert_eq!(month["ranking"], json!([]));
    assert_eq!(month["total"]["rated"], full().total.rated());
    let page = province.page("/ket-qua/202611/");
    assert!(page.contains("Theo tháng chỉ có số liệu chung, không xếp hạng."));
    assert!(page.contains("href=\"/ket-qua/don-vi/u-1/\""));
    let trend = province.page("/ket-qua/don-vi/u-1/");
    assert!(trend.contains("Tháng 10/2026") && trend.contains("Tháng 11/2026"));
}

#[test]
fn what_a_spreadsheet_would_run_is_written_as_text() {
    let files = province().files();

    let csv = std::str::from_utf8(&files["/ket-qua/don-vi/u-1/ket-qua.csv"]).unwrap();
    assert!(csv.starts_with('\u{feff}') && csv.ends_with("\r\n"));
    assert!(csv.contains(",'+Đặng Văn Hùng,"));
    assert!(csv.contains("\"'=HYPERLINK(\"\"http://x\"\")\""));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    for record in reader.records() {
        for cell in &record.unwrap() {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{cell}"
            );
        }
    }
}

#[test]
fn workbook_and_csv_hold_the_same_rows_and_numbers_are_numbers() {
    let files = province().files();

    for stem in ["/ket-qua/don-vi/u-1/ket-qua", "/ket-qua/ket-qua-2026q4"] {
        let sheet = cells(&files[&format!("{stem}.xlsx")]);
        let csv = std::str::from_utf8(&files[&format!("{stem}.csv")]).unwrap();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(sheet.len(), rows.len());
        for (cells, row) in sheet.iter().zip(&rows) {
            for (cell, written) in cells.iter().zip(row) {
                match cell {
                    Data::Empty => assert_eq!(written, ""),
                    Data::String(text) => assert_eq!(written.trim_start_matches('\''), text),
                    Data::Float(number) => assert_eq!(written.parse::<f64>().unwrap(), *number),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn names_are_escaped() {
    let page = province().page("/ket-qua/");

    assert!(!page.contains("<b>Y tế"));
    assert!(page.contains("Y tế"));
}

#[test]
fn nothing_received_is_said_and_nothing_fails() {
    let mut province = province();
    for results in province.results.values_mut() {
        results.periods.clear();
        results.as_of = None;
    }

    let files = province.files();

    let page = std::str::from_utf8(&files["/ket-qua/"]).unwrap();
    assert!(page.contains("Chưa có lượt đánh giá nào được ghi nhận."));
    assert!(!page.contains("Số liệu đến hết ngày"));
    assert!(!files.contains_key("/ket-qua/ket-qua-all.json"));
}

#[test]
fn ratings_of_someone_who_left_the_catalog_still_count() {
    let mut province = province();
    let quarter = province.period("u-1", "2026q4");
    quarter.officials.insert(official("o-gone"), tally(50, 50));

    let page = province.page("/ket-qua/don-vi/u-1/cong-chuc/");

    assert!(page.contains("o-gone<small>Sở Nội vụ</small>"));
}

#[test]
fn the_largest_counts_are_rendered() {
    const MANY: u64 = 1_000_000_000_000_000;
    let mut province = province();
    let quarter = province.period("u-1", "2026q4");
    quarter.total = tally(MANY, MANY);
    quarter.strata.clear();
    quarter.ledger = Ledger {
        received: MANY,
        published: MANY,
        ..Ledger::default()
    };

    assert!(
        province
            .page("/ket-qua/don-vi/u-1/")
            .contains("100,0\u{a0}%")
    );
}

/// What follows from the counts beside it, or from the catalog.
const DERIVED: [&str; 13] = [
    "percent",
    "interval_low",
    "interval_high",
    "rank",
    "tier",
    "average",
    "score",
    "rated_dossiers",
    "decision_766_percent",
    "rater_kind",
    "name",
    "title",
    "points",
];

/// The counts of a document: without what is derived, and lists as objects by code.
fn only_counts(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .iter()
            .filter(|(name, _)| !DERIVED.contains(&name.as_str()) && *name != "text")
            .map(|(name, value)| (name.clone(), only_counts(value)))
            .collect(),
        Value::Array(entries) => {
            let code = |entry: &Value| {
                let code = entry.get("code").or(entry.get("official_id")).unwrap();
                code.as_str().unwrap().to_owned()
            };
            entries
                .iter()
                .map(|entry| (code(entry), only_counts(entry)))
                .collect()
        }
        other => other.clone(),
    }
}

/// The counts that `results` hold and no others, in the shape of [`only_counts`].
fn published_counts(results: &PeriodResults) -> Value {
    let figures = |tally: &Tally| {
        (tally.rated() > 0).then(|| {
            json!({ "rated": tally.rated(), "satisfied": tally.satisfied(), "not_satisfied": tally.not_satisfied() })
        })
    };
    let add = |parts: Vec<&Tally>| {
        let mut sum = Tally::default();
        parts.into_iter().for_each(|part| sum += part);
        sum
    };
    let strata = || results.strata.iter();
    let attestations: BTreeMap<_, _> = strata()
        .map(|(attestation, stratum)| {
            let both = add(vec![&stratum.unit_itself, &stratum.officials]);
            let body = json!({
                "total": figures(&both), "unit_itself": figures(&stratum.unit_itself),
                "officials": figures(&stratum.officials),
            });
            (attestation.code(), body)
        })
        .collect();
    let mut reasons = BTreeMap::new();
    for (counter, count) in results.total.counters() {
        if let Counter::Reason(code) = counter {
            reasons.insert(
                code.to_string(),
                json!({ "code": code.to_string(), "count": count }),
            );
        }
    }
    let answer = |option: &str| {
        let answer = match option {
            "" => Answer::Unanswered,
            option => Answer::Option(OptionCode::parse(option).unwrap()),
        };
        results.answers.get(&Counter::Answer(
            QuestionCode::parse("cs1").unwrap(),
            answer,
        ))
    };
    let option = |code: &str| {
        (
            code.to_owned(),
            json!({ "code": code, "count": answer(code) }),
        )
    };
    let options: BTreeMap<_, _> = ["shorter", "longer"].map(option).into();
    let asked = answer("") + answer("shorter") + answer("longer") > 0;
    let question = json!({
        "code": "cs1", "answered": answer("shorter") + answer("longer"), "unanswered": answer(""),
        "options": options,
    });
    let questions: BTreeMap<_, _> = asked.then_some(("cs1", question)).into_iter().collect();
    let ranking: BTreeMap<_, _> = (results.officials.iter())
        .map(|(id, tally)| {
            (
                id.to_string(),
                json!({ "official_id": id.to_string(), "figures": figures(tally) }),
            )
        })
        .collect();
    let ledger = results.ledger;
    let unverified: BTreeMap<_, _> = (results.unverified.iter())
        .map(|(attestation, ratings)| {
            let body = json!({ "received": ratings.received, "set_aside": ratings.set_aside });
            (attestation.code(), body)
        })
        .collect();
    json!({
        "total": figures(&results.total),
        "unit_itself": figures(&add(strata().map(|(_, s)| &s.unit_itself).collect())),
        "officials": figures(&add(strata().map(|(_, s)| &s.officials).collect())),
        "attestations": attestations,
        "reasons": reasons,
        "questions": questions,
        "ranking": ranking,
        "unverified": unverified,
        "dossiers": results.dossiers.map(|dossiers| json!({
            "received": dossiers.received, "on_time": dossiers.on_time, "overdue": dossiers.overdue,
        })),
        "ledger": {
            "received": ledger.received, "published": ledger.published, "waiting": ledger.waiting(),
            "set_aside": ledger.set_aside, "taken_off": ledger.taken_off,
            "taken_off_for": results.taken_off_for.iter()
                .map(|(reason, count)| (reason.code(), *count)).collect::<BTreeMap<_, _>>(),
        },
    })
}

#[test]
fn the_files_hold_no_count_that_was_not_published() {
    let province = province();

    for (unit, results) in &province.results {
        let document = province.json(&format!("/ket-qua/don-vi/{unit}/ket-qua.json"));
        let periods = document["periods"].as_object().unwrap();
        let names: Vec<String> = results.periods.keys().map(ToString::to_string).collect();
        assert_eq!(
            periods.keys().collect::<BTreeSet<_>>(),
            names.iter().collect::<BTreeSet<_>>()
        );
        for (period, of) in &results.periods {
            assert_eq!(
                only_counts(&periods[&period.to_string()]),
                published_counts(of),
                "{unit} {period}"
            );
        }
    }
}
