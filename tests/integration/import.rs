//! Files dropped for import, from the event to the tables and the report.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;
use rust_xlsxwriter::Workbook;
use thuocdo::domain::catalog::CatalogHead;
use thuocdo::domain::dossier::DossierStatus;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::import::Cause;
use thuocdo::domain::period::Month;
use thuocdo::domain::publication::DossierCounts;
use thuocdo::domain::rating::{Channel, Subject};
use thuocdo::domain::receipt::{ReceiptCode, ReceiptSecret};
use thuocdo::handlers::import_files::{ImportReport, read_event};
use thuocdo::intake::files::{DossierTotals, ImportOutcome};

mod bench;

use bench::{Bench, created};

const SHEETS: [&str; 7] = [
    "groups",
    "units",
    "officials",
    "fields",
    "reasons",
    "questionnaires",
    "settings",
];

type Record = BTreeMap<String, String>;

fn sample(name: &str) -> String {
    fs::read_to_string(format!("sample/{name}")).unwrap()
}

fn records(csv: &str) -> Vec<Record> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.deserialize().map(|record| record.unwrap()).collect()
}

/// Puts the sample's sheets in a folder, one of them replaced, and says they are ready.
async fn drop_catalog(bench: &Bench, replaced: &str, text: &str) -> ImportReport {
    for sheet in SHEETS {
        let name = format!("catalog/da-nang/{sheet}.csv");
        let content = if sheet == replaced {
            text.to_owned()
        } else {
            sample(&name)
        };
        bench.put(&format!("catalog/danang/{sheet}.csv"), content);
    }
    bench.drop_file("catalog/danang/ready", "").await
}

async fn drop_sample_catalog(bench: &Bench) -> String {
    match drop_catalog(bench, "", "").await.outcome {
        ImportOutcome::CatalogReplaced { version, .. } => version,
        other => panic!("{other:?}"),
    }
}

fn month(date: &str) -> Month {
    Month::of(date.parse().unwrap())
}

fn totals(report: &ImportReport) -> DossierTotals {
    match &report.outcome {
        ImportOutcome::Dossiers(totals) => totals.clone(),
        _ => panic!("{}", report.text()),
    }
}

/// What the counts of every unit and month should be, from the file alone.
fn expected_counts(dossiers: &[Record]) -> BTreeMap<(String, Month), DossierCounts> {
    let mut counts: BTreeMap<_, DossierCounts> = BTreeMap::new();
    for dossier in dossiers {
        let key = (dossier["unit"].clone(), month(&dossier["received"]));
        let counts = counts.entry(key).or_default();
        counts.received += 1;
        if !dossier["returned"].is_empty() && !dossier["due"].is_empty() {
            let late = dossier["returned"] > dossier["due"];
            counts.overdue += u64::from(late);
            counts.on_time += u64::from(!late);
        }
    }
    counts
}

async fn assert_counts(bench: &Bench, dossiers: &[Record]) {
    for ((unit, month), expected) in expected_counts(dossiers) {
        let id = UnitId::parse(&unit).unwrap();
        let counted = bench.store.dossier_counts(&id, month).await.unwrap();
        assert_eq!(counted, Some(expected), "{unit} {month}");
    }
}

#[tokio::test]
async fn the_sample_catalog_is_taken_over_once() {
    let bench = Bench::start().await;
    assert_eq!(bench.store.catalog_version().await.unwrap(), None);

    let version = drop_sample_catalog(&bench).await;
    let again = drop_catalog(&bench, "", "").await;

    let in_force = bench.store.catalog_version().await.unwrap();
    assert_eq!(in_force.as_ref(), Some(&version));
    assert_eq!(
        again.outcome,
        ImportOutcome::CatalogUnchanged {
            version: version.clone()
        }
    );
    let head: CatalogHead = bench.store.catalog_head(&version).await.unwrap().unwrap();
    assert!(head.settings.sample);
    assert_eq!(head.groups.len(), 3);
    let units = bench.store.catalog_units(&version).await.unwrap();
    assert_eq!(units.len(), 120);
    for (id, entry) in &units {
        let alone = bench.store.catalog_unit(&version, id).await.unwrap();
        assert_eq!(alone.as_ref(), Some(entry));
    }
    let report = bench.text("catalog/danang/ready.report.txt").unwrap();
    assert!(
        report.contains("KHÔNG THAY ĐỔI") && report.contains("UNCHANGED"),
        "{report}"
    );
}

#[tokio::test]
async fn the_head_in_force_is_read_with_its_pointer() {
    let bench = Bench::start().await;
    let version = drop_sample_catalog(&bench).await;
    let expected = bench.store.catalog_head(&version).await.unwrap();

    let in_force = bench.store.catalog_in_force().await.unwrap().unwrap();

    assert_eq!(in_force.version, version);
    assert_eq!(Some(in_force.head().unwrap()), expected);
}

#[tokio::test]
async fn a_bad_catalog_leaves_the_good_one_in_force_and_says_where() {
    let bench = Bench::start().await;
    let version = drop_sample_catalog(&bench).await;
    let officials = sample("catalog/da-nang/officials.csv").replacen(
        ",phuong-hai-chau,",
        ",phuong-hai-chu,",
        1,
    );
    let row = 1 + officials
        .lines()
        .position(|line| line.contains("hai-chu,"))
        .unwrap();

    let report = drop_catalog(&bench, "officials", &officials).await;

    assert!(!report.accepted());
    assert_eq!(bench.store.catalog_version().await.unwrap(), Some(version));
    let text = bench.text("catalog/danang/ready.report.txt").unwrap();
    assert!(
        text.contains(&format!(
            "officials.csv · trang/sheet officials · dòng/row {row} · cột/column unit"
        )),
        "{text}"
    );
    assert!(text.contains("Không có «phuong-hai-chu» trong trang «units»."));
    assert!(text.contains("There is no \"phuong-hai-chu\" in sheet \"units\"."));
}

#[tokio::test]
async fn a_unit_left_out_is_told_and_an_old_catalog_can_come_back() {
    let bench = Bench::start().await;
    let first = drop_sample_catalog(&bench).await;
    let settings = sample("catalog/da-nang/settings.csv").replace("(0236) 1022", "1022");

    let changed = drop_catalog(&bench, "settings", &settings).await;
    let back = drop_catalog(&bench, "", "").await;

    let ImportOutcome::CatalogReplaced {
        version,
        units_gone,
        ..
    } = changed.outcome
    else {
        panic!("{}", changed.text());
    };
    assert_ne!(version, first);
    assert!(units_gone.is_empty());
    assert!(
        matches!(back.outcome, ImportOutcome::CatalogReplaced { version, .. } if version == first)
    );
    let mut units = sample("catalog/da-nang/units.csv");
    let start = units.find("huyen-hoa-vang").unwrap();
    let end = start + units[start..].find('\n').unwrap() + 1;
    units.replace_range(start..end, "");
    let fewer = drop_catalog(&bench, "units", &units).await;
    assert!(
        fewer
            .text()
            .contains("không còn 1 đơn vị của danh mục trước: huyen-hoa-vang")
    );
}

#[tokio::test]
async fn two_imports_at_once_leave_one_whole_catalog() {
    let bench = Bench::start().await;
    let folders = ["one", "two"];
    for folder in folders {
        for sheet in SHEETS {
            let text = sample(&format!("catalog/da-nang/{sheet}.csv"));
            let text = text.replace("(0236) 1022", if folder == "one" { "1022" } else { "1023" });
            bench.put(&format!("catalog/{folder}/{sheet}.csv"), text);
        }
        bench.put(&format!("catalog/{folder}/ready"), "");
    }
    let import = async |folder: &str| {
        let event = created(&[&format!("catalog/{folder}/ready")]);
        let (store, keyring) = (&bench.store, &bench.keyring);
        let drop_bucket = &bench.drop_bucket;
        thuocdo::handlers::import_files::handle(store, drop_bucket, keyring, event, bench.now).await
    };

    let (one, two) = tokio::join!(import("one"), import("two"));

    // Whoever turned the pointer second was told to come again.
    assert!(one.is_ok() || two.is_ok());
    let version = bench.store.catalog_version().await.unwrap().unwrap();
    assert!(bench.store.catalog_head(&version).await.unwrap().is_some());
    assert_eq!(
        bench.store.catalog_units(&version).await.unwrap().len(),
        120
    );
}

#[tokio::test]
async fn dossiers_count_once_however_often_they_are_sent() {
    let bench = Bench::start().await;
    drop_sample_catalog(&bench).await;
    let file = sample("dossiers/da-nang.csv");
    let dossiers = records(&file);
    let all = dossiers.len() as u64;

    let first = bench.drop_file("dossiers/một.csv", file.clone()).await;
    let second = bench.drop_file("dossiers/hai.csv", file.clone()).await;

    assert_eq!(
        totals(&first),
        DossierTotals {
            created: all,
            ..DossierTotals::default()
        }
    );
    assert_eq!(
        totals(&second),
        DossierTotals {
            unchanged: all,
            ..DossierTotals::default()
        }
    );
    assert_counts(&bench, &dossiers).await;
    assert!(
        bench
            .text("dossiers/một.csv.report.txt")
            .unwrap()
            .contains("ĐÃ NHẬP")
    );
}

#[tokio::test]
async fn the_same_file_twice_at_once_counts_once() {
    let bench = Bench::start().await;
    drop_sample_catalog(&bench).await;
    let file = sample("dossiers/da-nang.csv");
    bench.put("dossiers/a.csv", file.clone());
    bench.put("dossiers/b.csv", file.clone());

    let (a, b) = tokio::join!(
        bench.handle(created(&["dossiers/a.csv"])),
        bench.handle(created(&["dossiers/b.csv"]))
    );

    let (a, b) = (totals(&a[0]), totals(&b[0]));
    let dossiers = records(&file);
    assert_eq!(a.created + b.created, dossiers.len() as u64);
    assert_counts(&bench, &dossiers).await;
}

#[tokio::test]
async fn two_updates_at_once_count_as_the_receipts_say() {
    let bench = Bench::start().await;
    drop_sample_catalog(&bench).await;
    let file = |rest: &str| {
        let rows = (0..300)
            .map(|n| format!("A-261012-{n:04},xa-hoa-vang,ho-tich,2026-10-12,2026-10-15,{rest}\n"));
        let header = "code,unit,field,received,due,returned,status\n";
        format!("{header}{}", rows.collect::<String>())
    };
    bench.drop_file("dossiers/open.csv", file(",open")).await;
    bench.put("dossiers/a.csv", file("2026-10-15,returned"));
    bench.put("dossiers/b.csv", file("2026-10-16,returned"));

    tokio::join!(
        bench.handle(created(&["dossiers/a.csv"])),
        bench.handle(created(&["dossiers/b.csv"]))
    );

    let mut late = 0;
    for n in 0..300 {
        let code = ReceiptCode::parse(&format!("A-261012-{n:04}")).unwrap();
        let keys = bench.keyring.receipt_keys(&code);
        let found = bench.store.look_up(&keys, jiff::civil::date(2026, 11, 20));
        let receipt = found.await.unwrap().receipt.unwrap().receipt;
        late += u64::from(receipt.returned == Some(jiff::civil::date(2026, 10, 16)));
    }
    let unit = UnitId::parse("xa-hoa-vang").unwrap();
    let counts = bench.store.dossier_counts(&unit, month("2026-10-12")).await;
    let expected = DossierCounts {
        received: 300,
        on_time: 300 - late,
        overdue: late,
    };
    assert_eq!(counts.unwrap(), Some(expected));
}

#[tokio::test]
async fn a_table_that_loses_answers_is_counted_right_all_the_same() {
    let bench = Bench::start_with_faults().await;
    drop_sample_catalog(&bench).await;
    let file = sample("dossiers/da-nang.csv");
    let file: String = file.split_inclusive('\n').take(301).collect();
    let dossiers = records(&file);

    let first = bench.drop_file("dossiers/a.csv", file.clone()).await;
    let second = bench.drop_file("dossiers/b.csv", file).await;

    let (first, second) = (totals(&first), totals(&second));
    let all = dossiers.len() as u64;
    // What was written under a lost answer is found unchanged when looked at again.
    assert!(first.unchanged > 0);
    assert_eq!(
        (first.created + first.unchanged, second.unchanged),
        (all, all)
    );
    assert_counts(&bench, &dossiers).await;
}

#[tokio::test]
async fn a_dossier_that_moved_on_is_updated_and_what_raters_wrote_is_kept() {
    let bench = Bench::start().await;
    drop_sample_catalog(&bench).await;
    let header = "code,secret,unit,officials,field,procedure,received,due,returned,status";
    let row = |rest: &str| {
        let front = "000.01.40.H17-261012-0901,00000000077,phuong-hai-chau";
        format!("{header}\n{front},{rest}\n")
    };
    let (open, late, refused) = (
        row("phuong-hai-chau-01:desk,ho-tich,,2026-10-12,2026-10-15,,open"),
        row(
            "phuong-hai-chau-01:desk phuong-hai-chau-02,ho-tich,Đăng ký khai sinh,2026-10-12,2026-10-15,2026-10-16,returned",
        ),
        row("phuong-hai-chau-01:desk,ho-tich,,2026-10-12,2026-10-16,2026-10-16,refused"),
    );
    let code = ReceiptCode::parse("000.01.40.H17-261012-0901").unwrap();
    let secret = ReceiptSecret::parse("00000000077").unwrap();
    let key = format!("K#{}", bench.keyring.receipt_hash(&code));
    let update = |expression: &str| {
        bench
            .client
            .update_item()
            .table_name("ratings")
            .key("PK", AttributeValue::S(key.clone()))
            .key("SK", AttributeValue::S("RECEIPT".to_owned()))
            .update_expression(expression)
    };
    let counted = async || {
        let unit = UnitId::parse("phuong-hai-chau").unwrap();
        let counts = bench.store.dossier_counts(&unit, month("2026-10-12")).await;
        let DossierCounts {
            received,
            on_time,
            overdue,
        } = counts.unwrap().unwrap();
        (received, on_time, overdue)
    };

    assert_eq!(
        totals(&bench.drop_file("dossiers/a.csv", open).await).created,
        1
    );
    assert_eq!(counted().await, (1, 0, 0));
    let used = AttributeValue::Ss(vec!["phuong-hai-chau".to_owned()]);
    let rated = update("SET used = :used").expression_attribute_values(":used", used.clone());
    rated.send().await.unwrap();
    assert_eq!(
        totals(&bench.drop_file("dossiers/b.csv", late.clone()).await).updated,
        1
    );
    assert_eq!(counted().await, (1, 0, 1));
    assert_eq!(
        totals(&bench.drop_file("dossiers/b.csv", late).await).unchanged,
        1
    );
    assert_eq!(
        totals(&bench.drop_file("dossiers/c.csv", refused.clone()).await).updated,
        1
    );
    assert_eq!(counted().await, (1, 1, 0));
    let other_unit = refused
        .replace("phuong-hai-chau", "phuong-thanh-khe")
        .replace("-01:desk", "-02");
    let report = bench.drop_file("dossiers/d.csv", other_unit).await;
    assert_eq!(totals(&report).contradicted, [2]);
    assert!(report.text().contains("rows: 2"));
    assert_eq!(counted().await, (1, 1, 0));

    let item = bench
        .client
        .get_item()
        .table_name("ratings")
        .key("PK", AttributeValue::S(key.clone()))
        .key("SK", AttributeValue::S("RECEIPT".to_owned()))
        .send()
        .await
        .unwrap()
        .item
        .unwrap();
    assert_eq!(item["used"], used);
    assert_eq!(
        item["secret"].as_s().unwrap(),
        &bench.keyring.secret_hash(&code, &secret)
    );
    // Kept to the end of the year of its 400th day.
    let expires: jiff::Timestamp = "2028-01-01T00:00:00+07:00".parse().unwrap();
    assert_eq!(
        item["exp"].as_n().unwrap(),
        &expires.as_second().to_string()
    );
    let keys = bench.keyring.receipt_keys(&code);
    let found = bench.store.look_up(&keys, jiff::civil::date(2026, 11, 20));
    let receipt = found.await.unwrap().receipt.unwrap().receipt;
    assert_eq!(receipt.status, DossierStatus::Refused);
    assert_eq!((receipt.officials.len(), receipt.procedure), (1, None));
}

#[tokio::test]
async fn a_receipt_of_an_earlier_version_is_written_anew_when_a_file_names_it() {
    let bench = Bench::start().await;
    drop_sample_catalog(&bench).await;
    let file = "code,secret,unit,officials,field,procedure,received,due,returned,status\n\
        000.01.40.H17-261012-0901,,phuong-hai-chau,phuong-hai-chau-01:desk,ho-tich,,2026-10-12,2026-10-15,2026-10-15,returned\n";
    let moved_on = file.replace("2026-10-15,returned", "2026-10-16,returned");
    let code = ReceiptCode::parse("000.01.40.H17-261012-0901").unwrap();
    let keys = bench.keyring.receipt_keys(&code);
    let unit = Subject::parse("phuong-hai-chau").unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key = || {
        [
            ("PK".to_owned(), text(&format!("K#{}", keys.hash))),
            ("SK".to_owned(), text("RECEIPT")),
        ]
    };
    let item = async || {
        let get = bench.client.get_item().table_name("ratings");
        let get = get.set_key(Some(key().into()));
        get.send().await.unwrap().item.unwrap()
    };
    let earlier = async || {
        let officials = AttributeValue::L(vec![text("phuong-hai-chau-01:desk")]);
        let put = bench.client.put_item().table_name("ratings");
        put.set_item(Some(key().into()))
            .item("unit", text("phuong-hai-chau"))
            .item("officials", officials)
            .item("field", text("ho-tich"))
            .item("status", text("returned"))
            .item("received", text("2026-10-12"))
            .item("due", text("2026-10-15"))
            .item("returned", text("2026-10-15"))
            .item("digest", text("of-an-earlier-version"))
            .item("used", AttributeValue::Ss(vec![unit.to_string()]))
            .item("exp", AttributeValue::N("1826668800".into()))
            .send()
            .await
            .unwrap();
    };

    earlier().await;
    let same = totals(&bench.drop_file("dossiers/a.csv", file.to_owned()).await);
    let anew = item().await;
    earlier().await;
    let other = totals(&bench.drop_file("dossiers/b.csv", moved_on).await);
    let found = bench.store.look_up(&keys, jiff::civil::date(2026, 11, 20));
    let found = found.await.unwrap().receipt.unwrap();

    assert_eq!((same.unchanged, other.updated), (1, 1));
    let mark = keys.mark(&unit, false);
    assert_eq!(
        anew["used"].as_ss().unwrap(),
        std::slice::from_ref(&mark.text)
    );
    let mut names: Vec<&str> = anew.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["PK", "SK", "exp", "sealed", "unit", "used"]);
    assert!(found.has_rated(&unit, &mark));
    assert_eq!(
        found.receipt.returned,
        Some(jiff::civil::date(2026, 10, 16))
    );
}

#[tokio::test]
async fn a_dossier_file_is_deleted_once_it_is_taken_and_its_report_stays() {
    let bench = Bench::start().await;
    let file = sample("dossiers/da-nang.csv");
    let early = bench.drop_file("dossiers/a.csv", file.clone()).await;
    assert!(!early.accepted());
    assert_eq!(bench.text("dossiers/a.csv"), Some(file.clone()));
    drop_sample_catalog(&bench).await;

    let taken = bench.drop_file("dossiers/a.csv", file).await;
    // S3 may deliver the event once more.
    let again = bench.handle(created(&["dossiers/a.csv"])).await;

    assert!(taken.accepted() && again.is_empty());
    assert_eq!(bench.text("dossiers/a.csv"), None);
    let report = bench.text("dossiers/a.csv.report.txt").unwrap();
    assert!(report.contains("ĐÃ NHẬP hồ sơ"), "{report}");
    assert!(bench.text("catalog/danang/units.csv").is_some());
}

#[tokio::test]
async fn a_wrong_day_is_put_right_until_the_dossier_is_rated() {
    let bench = Bench::start().await;
    drop_sample_catalog(&bench).await;
    let unit = UnitId::parse("xa-hoa-vang").unwrap();
    let header = "code,unit,field,received,due,returned,status\n";
    let row = |n: u32| {
        format!("H17-261007-{n:04},xa-hoa-vang,ho-tich,7/10/2026,9/10/2026,8/10/2026,returned\n")
    };
    let file = format!("{header}{}", (0..70).map(row).collect::<String>());
    let swapped = file.replace("7/10/2026", "10/7/2026");
    let refused = bench.drop_file("dossiers/swapped.csv", swapped).await;
    let cause = &refused.findings.list()[0].cause;
    assert!(matches!(cause, Cause::CodeOfAnotherDay { .. }), "{cause:?}");
    bench.drop_file("dossiers/right.csv", file.clone()).await;
    let expiries = receipts(&bench).await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    // As an import before codes were compared with days left them: each month and day changed places.
    for (key, item) in &expiries {
        let wrong = bench.client.update_item().table_name("ratings");
        let wrong = wrong
            .key("PK", AttributeValue::S(key.clone()))
            .key("SK", item["SK"].clone())
            .update_expression(
                "SET received = :wrong, exp = :early, officials = :none, field = :field, \
                 #status = :status, due = :due, returned = :returned REMOVE sealed",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":field", text("ho-tich"))
            .expression_attribute_values(":status", text("returned"))
            .expression_attribute_values(":due", text("2026-10-09"))
            .expression_attribute_values(":returned", text("2026-10-08"))
            .expression_attribute_values(":wrong", text("2026-07-10"))
            .expression_attribute_values(":early", AttributeValue::N("1".into()));
        wrong.send().await.unwrap();
    }
    let moved = |month: &str, received: i64| {
        let table = bench.client.update_item().table_name("ratings");
        table
            .key("PK", AttributeValue::S(format!("D#xa-hoa-vang#{month}")))
            .key("SK", AttributeValue::S("COUNT".into()))
            .update_expression("ADD received :n, on_time :n")
            .expression_attribute_values(":n", AttributeValue::N(received.to_string()))
            .send()
    };
    moved("202610", -70).await.unwrap();
    moved("202607", 70).await.unwrap();
    let rated = expiries.keys().next().unwrap();
    let used = bench.client.update_item().table_name("ratings");
    let used = used
        .key("PK", AttributeValue::S(rated.clone()))
        .key("SK", AttributeValue::S("RECEIPT".into()))
        .update_expression("SET used = :used")
        .expression_attribute_values(":used", AttributeValue::Ss(vec!["xa-hoa-vang".into()]));
    used.send().await.unwrap();

    let corrected = totals(&bench.drop_file("dossiers/again.csv", file.clone()).await);
    let again = totals(&bench.drop_file("dossiers/again.csv", file).await);

    assert_eq!((corrected.updated, corrected.contradicted.len()), (69, 1));
    assert_eq!((again.unchanged, again.contradicted.len()), (69, 1));
    for (month_of, expected) in [("2026-07-10", 1), ("2026-10-07", 69)] {
        let counts = bench.store.dossier_counts(&unit, month(month_of)).await;
        let counts = counts.unwrap().unwrap();
        assert_eq!((counts.received, counts.on_time), (expected, expected));
    }
    let items = receipts(&bench).await;
    for n in 0..70 {
        let code = ReceiptCode::parse(&format!("H17-261007-{n:04}")).unwrap();
        let keys = bench.keyring.receipt_keys(&code);
        let key = format!("K#{}", keys.hash);
        let found = bench.store.look_up(&keys, jiff::civil::date(2026, 11, 20));
        let received = found.await.unwrap().receipt.unwrap().receipt.received;
        let expected = match key == *rated {
            true => jiff::civil::date(2026, 7, 10),
            false => {
                assert_eq!(items[&key]["exp"], expiries[&key]["exp"]);
                jiff::civil::date(2026, 10, 7)
            }
        };
        assert_eq!(received, expected, "{code}");
    }
}

type Item = std::collections::HashMap<String, AttributeValue>;

/// Every receipt in the table, by its partition.
async fn receipts(bench: &Bench) -> BTreeMap<String, Item> {
    let scan = bench.client.scan().table_name("ratings");
    let receipts = scan
        .filter_expression("SK = :sk")
        .expression_attribute_values(":sk", AttributeValue::S("RECEIPT".to_owned()))
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    let keyed = receipts
        .into_iter()
        .map(|item| (item["PK"].as_s().unwrap().clone(), item));
    keyed.collect()
}

#[tokio::test]
async fn dossiers_are_refused_whole() {
    let bench = Bench::start().await;
    let file = sample("dossiers/da-nang.csv");
    let early = bench.drop_file("dossiers/a.csv", file.clone()).await;
    assert_eq!(early.findings.list()[0].cause, Cause::NoCatalog);
    drop_sample_catalog(&bench).await;
    let rows = file.lines().count();

    let report = bench
        .drop_file("dossiers/a.csv", format!("{file}X-261301-1,,,,,,,,,\n"))
        .await;

    assert!(!report.accepted());
    assert!(
        report
            .findings
            .list()
            .iter()
            .all(|f| f.place.row == Some(rows as u32 + 1))
    );
    let unit = UnitId::parse("phuong-hai-chau").unwrap();
    let counts = bench.store.dossier_counts(&unit, month("2026-10-12")).await;
    assert_eq!(counts.unwrap(), None);
}

#[tokio::test]
async fn dossiers_too_old_to_be_rated_are_left_out() {
    let bench = Bench::start().await;
    drop_sample_catalog(&bench).await;
    let file = "code,unit,field,received,status\n\
        A-251016-0001,xa-hoa-vang,ho-tich,16/10/2025,open\n\
        A-251017-0001,xa-hoa-vang,ho-tich,17/10/2025,open\n";

    let totals = totals(&bench.drop_file("dossiers/a.csv", file).await);

    assert_eq!((totals.expired, totals.created), (1, 1));
}

#[tokio::test]
async fn what_is_not_a_catalog_gets_an_answer_and_nothing_else_does() {
    let bench = Bench::start().await;
    for (key, bytes, cause) in [
        (
            "catalog/a.xlsx",
            b"PK\x03\x04 no workbook".to_vec(),
            Cause::Unreadable,
        ),
        (
            "catalog/Đà Nẵng.xlsx",
            vec![0; 21 << 20],
            Cause::TooLarge { megabytes: 20 },
        ),
        ("catalog/a.docx", Vec::new(), Cause::UnknownFile),
        ("catalog/a/unit.csv", Vec::new(), Cause::SheetUnknown),
        ("dossiers/a.xlsx", Vec::new(), Cause::UnknownFile),
    ] {
        let report = bench.drop_file(key, bytes).await;
        assert_eq!(report.findings.list()[0].cause, cause, "{key}");
        assert!(
            bench
                .text(&format!("{key}.report.txt"))
                .unwrap()
                .contains("KHÔNG NHẬP")
        );
    }
    let silent = [
        "catalog/a.xlsx.report.txt",
        "catalog/a/units.csv",
        "other.csv",
        "catalog/gone.xlsx",
    ];
    assert_eq!(bench.handle(created(&silent)).await, []);
    assert_eq!(bench.text("catalog/a.xlsx.report.txt.report.txt"), None);
}

#[tokio::test]
async fn the_sample_events_are_handled_and_malformed_records_left_out() {
    let bench = Bench::start().await;
    for sheet in SHEETS {
        let text = sample(&format!("catalog/da-nang/{sheet}.csv"));
        bench.put(&format!("catalog/danh mục/{sheet}.csv"), text);
    }
    bench.put(
        "dossiers/hồ sơ 2026-11-20.csv",
        sample("dossiers/da-nang.csv"),
    );
    let event = |name: &str| -> serde_json::Value {
        let text = fs::read_to_string(format!("events/{name}.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let mut catalog = event("import-files-catalog");
    let records = catalog["Records"].as_array_mut().unwrap();
    records.insert(0, serde_json::json!({"eventName": 7}));

    let catalog = bench.handle(read_event(catalog)).await;
    let dossiers = bench
        .handle(read_event(event("import-files-dossiers")))
        .await;

    assert_eq!(catalog.len(), 1);
    assert!(catalog[0].accepted() && dossiers[0].accepted());
    assert!(
        bench
            .text("dossiers/hồ sơ 2026-11-20.csv.report.txt")
            .is_some()
    );
}

#[tokio::test]
async fn every_rating_and_slip_of_the_sample_can_be_used() {
    let bench = Bench::start().await;
    let version = drop_sample_catalog(&bench).await;
    let head = bench.store.catalog_head(&version).await.unwrap().unwrap();
    let units = bench.store.catalog_units(&version).await.unwrap();
    let dossiers = records(&sample("dossiers/da-nang.csv"));
    let dossiers: BTreeMap<&str, &Record> = dossiers.iter().map(|d| (&d["code"][..], d)).collect();
    let mut rated = BTreeSet::new();
    let mut codes = BTreeSet::new();

    let mut phones = BTreeSet::new();
    for rating in records(&sample("ratings.csv")) {
        if rating["rater_kind"] == "non_participant" {
            let subject = Subject::parse(&rating["subject"]).unwrap();
            assert!(units.contains_key(&subject.unit_id));
            assert!(phones.insert(rating["phone"].clone()));
            assert!(rating["phone"].starts_with("0900000") && rating["receipt_code"].is_empty());
            continue;
        }
        let dossier = dossiers[&rating["receipt_code"][..]];
        let date: Date = rating["date"].parse().unwrap();
        let subject = Subject::parse(&rating["subject"]).unwrap();
        assert!(rated.insert((rating["receipt_code"].clone(), subject.clone())));
        codes.insert(rating["receipt_code"].clone());
        assert_eq!(rating["receipt_secret"], dossier["secret"]);
        assert_eq!(subject.unit_id.as_str(), dossier["unit"]);
        assert!(
            date >= dossier["received"].parse().unwrap() && date <= jiff::civil::date(2026, 11, 20)
        );
        if let Some(official) = &subject.official_id {
            assert!(dossier["officials"].contains(&format!("{official}:")));
            assert!(units[&subject.unit_id].official(official, date).is_some());
        }
        let reasons: Vec<&str> = rating["reasons"]
            .split(';')
            .filter(|code| !code.is_empty())
            .collect();
        assert_eq!(
            rating["satisfaction"] == "not_satisfied",
            !reasons.is_empty()
        );
        for reason in reasons {
            assert!(
                head.reasons
                    .iter()
                    .any(|known| known.code.as_str() == reason)
            );
        }
        let form = head.questionnaire(Channel::Web, date).unwrap();
        let answers = rating.iter().filter(|(_, option)| !option.is_empty());
        let answers =
            answers.filter_map(|(name, option)| Some((name.strip_prefix("answers.")?, option)));
        for (question, option) in answers {
            let mut questions = form.questions.iter();
            let question = questions.find(|q| q.code.as_str() == question).unwrap();
            let mut options = question.options.iter();
            assert!(options.any(|known| known.code.as_str() == option));
        }
    }

    let slips = records(&sample("slips.csv"));
    let mut covered: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    assert!(slips.len() >= 60 && rated.len() >= 2_000);
    assert!(slips.iter().any(|slip| slip["secret"].is_empty()));
    for slip in &slips {
        assert!(dossiers.contains_key(&slip["code"][..]) && !codes.contains(&slip["code"]));
        assert!(slip["secret"].is_empty() || ReceiptSecret::parse(&slip["secret"]).is_ok());
        let officials = slip["officials"]
            .split(' ')
            .map(|o| o.split(':').next().unwrap());
        covered.entry(&slip["unit"]).or_default().extend(officials);
    }
    let whole = covered.iter().filter(|(unit, officials)| {
        units[&UnitId::parse(unit).unwrap()].officials.len() == officials.len()
    });
    assert!(whole.count() >= 12);
}

#[tokio::test]
async fn a_whole_country_is_imported_and_a_bad_successor_changes_nothing() {
    let bench = Bench::start().await;
    let communes = records(&sample("don-vi-hanh-chinh-2025.csv"));
    assert_eq!(communes.len(), 3_321);
    let country = |spoilt: Option<u32>| {
        let mut workbook = Workbook::new();
        for sheet in ["fields", "reasons", "questionnaires", "settings"] {
            let sheet_rows = workbook.add_worksheet().set_name(sheet).unwrap();
            let text = sample(&format!("catalog/da-nang/{sheet}.csv"));
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(text.as_bytes());
            for (row, record) in reader.records().enumerate() {
                sheet_rows
                    .write_row(row as u32, 0, record.unwrap().iter())
                    .unwrap();
            }
        }
        let provinces: BTreeMap<&str, &str> = communes
            .iter()
            .map(|c| (&c["province_code"][..], &c["province"][..]))
            .collect();
        assert_eq!(provinces.len(), 34);
        let sheet = workbook.add_worksheet().set_name("Nhóm đơn vị").unwrap();
        sheet.write_row(0, 0, ["Mã nhóm", "Tên nhóm"]).unwrap();
        for (row, (code, name)) in provinces.iter().enumerate() {
            sheet.write_row(row as u32 + 1, 0, [*code, *name]).unwrap();
        }
        let sheet = workbook.add_worksheet().set_name("Đơn vị").unwrap();
        sheet
            .write_row(0, 0, ["Mã đơn vị", "Nhóm", "Tên đơn vị"])
            .unwrap();
        for (row, commune) in communes.iter().enumerate() {
            let name = format!("UBND {}", commune["name"]);
            let cells = [&commune["code"], &commune["province_code"], &name];
            sheet.write_row(row as u32 + 1, 0, cells).unwrap();
        }
        let sheet = workbook.add_worksheet().set_name("Cán bộ").unwrap();
        let headings = ["Mã", "Đơn vị", "Họ và tên", "Chức danh", "Loại", "Vai trò"];
        sheet.write_row(0, 0, headings).unwrap();
        for number in 0..40_000_u32 {
            let unit = &communes[number as usize % communes.len()]["code"];
            let unit = if spoilt == Some(number) {
                "99999"
            } else {
                unit
            };
            let name = format!("Cán bộ Thử Nghiệm {number}");
            let id = format!("o-{number}");
            let cells = [&id, unit, &name, "Chuyên viên", "công chức", "một cửa"];
            sheet.write_row(number + 1, 0, cells).unwrap();
        }
        workbook.save_to_buffer().unwrap()
    };

    let good = bench
        .drop_file("catalog/việt nam.xlsx", country(None))
        .await;
    let bad = bench
        .drop_file("catalog/việt nam 2.xlsx", country(Some(39_999)))
        .await;

    let ImportOutcome::CatalogReplaced {
        version,
        units,
        officials,
        ..
    } = good.outcome
    else {
        panic!("{}", good.text());
    };
    assert_eq!((units, officials), (3_321, 40_000));
    let [finding] = bad.findings.list() else {
        panic!("{}", bad.text());
    };
    assert_eq!(finding.place.file, "việt nam 2.xlsx");
    assert_eq!(finding.place.sheet, "Cán bộ");
    assert_eq!(
        (finding.place.row, finding.place.column.as_deref()),
        (Some(40_001), Some("Đơn vị"))
    );
    assert_eq!(
        bench.store.catalog_version().await.unwrap().as_ref(),
        Some(&version)
    );
    let stored = bench.store.catalog_units(&version).await.unwrap();
    let officials = stored.values().map(|entry| entry.officials.len());
    assert_eq!((stored.len(), officials.sum::<usize>()), (3_321, 40_000));
}
