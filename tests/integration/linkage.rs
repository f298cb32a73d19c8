//! What the tables tell without a key: which dossier gave a rating must not be read off them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::StreamExt;
use jiff::ToSpan;
use jiff::civil::Date;
use local::Stack;
use local::dispatch::Functions;
use local::dynamo::RATINGS_TABLE;
use local::sample::{SampleRating, read_ratings};
use thuocdo::challenge::Difficulty;
use thuocdo::domain::dossier::{Receipt, Timeliness};
use thuocdo::domain::rating::Subject;
use thuocdo::domain::receipt::{RECEIPT_DAYS, ReceiptCode};

type Item = HashMap<String, AttributeValue>;

/// Receipts and ratings as whoever may read the table sees them, each by the part of its key that names it.
struct Tables {
    receipts: BTreeMap<String, Item>,
    ratings: BTreeMap<String, Item>,
}

/// Which receipt gave each rating.
type Truth = BTreeMap<String, String>;

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn day(item: &Item, name: &str) -> Option<Date> {
    text(item, name)?.parse().ok()
}

fn subject(rating: &Item) -> String {
    let unit = text(rating, "PK").unwrap().split('#').nth(1).unwrap();
    match text(rating, "official") {
        Some(official) => format!("{unit}/{official}"),
        None => unit.to_owned(),
    }
}

/// Whether the two agree in what nobody hides: the unit, that the receipt was used, and that its slip has a secret part.
fn agree_plainly(receipt: &Item, rating: &Item) -> bool {
    let unit = subject(rating).split('/').next().map(str::to_owned);
    let is_verified = text(rating, "attestation") == Some("dossier_verified");
    text(receipt, "unit") == unit.as_deref()
        && receipt.contains_key("secret") == is_verified
        && receipt.contains_key("used")
}

/// Whether they agree in all that both items show: subjects rated, field, officials and their parts, days, lateness.
fn agree(receipt: &Item, rating: &Item) -> bool {
    if !agree_plainly(receipt, rating) {
        return false;
    }
    let subject = subject(rating);
    let used = receipt["used"].as_ss().unwrap();
    let unit = text(receipt, "unit").unwrap();
    let are_subjects = used.iter().any(|used| used.split('/').next() == Some(unit));
    let rated_on = day(rating, "day").unwrap();
    let field = text(receipt, "field");
    let officials = receipt.get("officials").and_then(|list| list.as_l().ok());
    let official = text(rating, "official");
    let is_handled_by = |list: &Vec<AttributeValue>| {
        let role = text(rating, "role");
        list.iter().any(|entry| {
            let (id, part) = entry.as_s().unwrap().split_once(':').unwrap();
            Some(id) == official && role.is_none_or(|role| role == part)
        })
    };
    let late = rating.get("late").map(|late| *late.as_bool().unwrap());
    let dates = day(receipt, "due").zip(day(receipt, "returned"));
    let is_late = dates.map(|(due, returned)| returned > due);
    (!are_subjects || used.contains(&subject))
        && (field.is_none() || field == text(rating, "field"))
        && (official.is_none() || officials.is_none_or(is_handled_by))
        && earliest(receipt) <= rated_on
        && (late.is_none() || is_late.is_none() || late == is_late)
}

/// The first day on which the dossier can have been received, by what its item shows.
fn earliest(receipt: &Item) -> Date {
    day(receipt, "received").unwrap_or_else(|| {
        let seconds = receipt["exp"].as_n().unwrap().parse().unwrap();
        let expires = jiff::Timestamp::from_second(seconds).unwrap();
        let last = thuocdo::domain::period::local_date(expires)
            .yesterday()
            .unwrap();
        // It is kept to the end of a year, so its own last day lies in that year.
        last.first_of_year()
            .checked_sub((RECEIPT_DAYS - 1).days())
            .unwrap()
    })
}

/// The share of ratings whose receipt is guessed, by one guess among those that agree.
fn guessed(tables: &Tables, truth: &Truth, agree: impl Fn(&Item, &Item) -> bool) -> f64 {
    let share = |(rating, receipt): (&String, &String)| {
        let rating = &tables.ratings[rating];
        let agreeing = |receipt: &&Item| agree(receipt, rating);
        let among = tables.receipts.values().filter(agreeing).count();
        let is_among = agree(&tables.receipts[receipt], rating);
        if is_among { 1.0 / among as f64 } else { 0.0 }
    };
    truth.iter().map(share).sum::<f64>() / truth.len() as f64
}

async fn read(stack: &Stack) -> Tables {
    let mut pages = stack
        .dynamodb
        .scan()
        .table_name(RATINGS_TABLE)
        .into_paginator()
        .items()
        .send();
    let mut tables = Tables {
        receipts: BTreeMap::new(),
        ratings: BTreeMap::new(),
    };
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let (pk, sk) = (item["PK"].as_s().unwrap(), item["SK"].as_s().unwrap());
        if let (Some(hash), "RECEIPT") = (pk.strip_prefix("K#"), sk.as_str()) {
            tables.receipts.insert(hash.to_owned(), item);
        } else if let (true, Some(id)) = (pk.starts_with("U#"), sk.strip_prefix("R#")) {
            tables.ratings.insert(id.to_owned(), item);
        }
    }
    tables
}

/// The item as the version before sealed details wrote it, of what this receipt rated.
fn earlier_item(item: &Item, receipt: &Receipt, used: Vec<String>) -> Item {
    let s = |text: &str| AttributeValue::S(text.to_owned());
    let officials = receipt.officials.iter();
    let officials = officials.map(|(id, role)| s(&format!("{id}:{}", role.code())));
    let mut earlier = item.clone();
    earlier.remove("sealed");
    earlier.insert("officials".into(), AttributeValue::L(officials.collect()));
    earlier.insert("field".into(), s(receipt.field_id.as_str()));
    earlier.insert("received".into(), s(&receipt.received.to_string()));
    for (name, day) in [("due", receipt.due), ("returned", receipt.returned)] {
        earlier.extend(day.map(|day| (name.to_owned(), s(&day.to_string()))));
    }
    if !used.is_empty() {
        earlier.insert("used".into(), AttributeValue::Ss(used));
    }
    earlier
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_alone_do_not_tell_which_dossier_gave_a_rating() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    let stack = Stack::start(local::Options::for_tests()).await.unwrap();
    let reports = stack.import_dir(&sample).await;
    assert!(reports.iter().all(|report| report.accepted()));
    let (drop, site) = (stack.drop.clone(), stack.site.clone());
    let (store, keyring) = (stack.store.clone(), stack.keyring.clone());
    let difficulty = Difficulty::for_tests();
    let functions = Functions::new(store.clone(), site, drop, keyring.clone(), difficulty);
    let by_receipt = |rating: &SampleRating| rating.values.contains_key("receipt_code");
    let ratings = read_ratings(&sample.join("ratings.csv")).unwrap();
    let ratings: Vec<_> = ratings.into_iter().filter(by_receipt).collect();
    let given = ratings.iter().map(|rating| {
        let text = |name: &str| rating.values[name].as_str().unwrap();
        let code = ReceiptCode::parse(text("receipt_code")).unwrap();
        (code, Subject::parse(text("subject")).unwrap(), rating.date)
    });
    let given: Vec<_> = given.collect();
    let mut submits = futures::stream::iter(ratings)
        .map(|rating| functions.submit_sample(rating))
        .buffer_unordered(16);
    while let Some(submitted) = submits.next().await {
        submitted.unwrap();
    }

    let tables = read(&stack).await;
    let truth: Truth = given
        .iter()
        .map(|(code, subject, _)| {
            let id = keyring.receipt_rating_id(code, subject);
            (id.0, keyring.receipt_hash(code))
        })
        .collect();
    // The same as an earlier version kept it, to see that the join finds what can be found.
    let mut earlier = Tables {
        receipts: BTreeMap::new(),
        ratings: tables.ratings.clone(),
    };
    for (code, subject, date) in &given {
        let keys = keyring.receipt_keys(code);
        let found = store.look_up(&keys, *date).await.unwrap();
        let receipt = found.receipt.unwrap().receipt;
        let of_it = given.iter().filter(|(other, ..)| other == code);
        let used = of_it.map(|(_, subject, _)| subject.to_string()).collect();
        let rating = keyring.receipt_rating_id(code, subject).0;
        let rating = earlier.ratings.get_mut(&rating).unwrap();
        if let Some(timeliness) = receipt.timeliness(*date) {
            let late = AttributeValue::Bool(timeliness == Timeliness::Overdue);
            rating.insert("late".into(), late);
        }
        let item = earlier_item(&tables.receipts[&keys.hash], &receipt, used);
        earlier.receipts.insert(keys.hash, item);
    }

    let chance = guessed(&tables, &truth, agree_plainly);
    let joined = guessed(&tables, &truth, agree);
    let joined_earlier = guessed(&earlier, &truth, agree);
    println!(
        "{} ratings: guessed by unit {chance:.3}, by the tables {joined:.3}, by those of earlier versions {joined_earlier:.3}",
        truth.len()
    );
    assert!(truth.len() > 2_000 && tables.receipts.len() > 1_500);
    assert!(joined - chance < 0.01, "{joined} of {chance}");
    assert!(joined_earlier > 0.5, "{joined_earlier}");
    stack.stop().await;
}
