//! Reconciling through the tables: what somebody changed is found, what is only on its way is not.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use local::dynamo::{RATINGS_TABLE, TALLY_TABLE};
use thuocdo::domain::id::{OptionCode, QuestionCode, UnitId};
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::rating::{Answer, Rating};
use thuocdo::domain::tally::fold;
use thuocdo::handlers::reconcile_tallies;
use thuocdo::store::reconcile::Reconciled;
use thuocdo::store::{Store, StoreError};

use crate::count::{rating, save};
use crate::fixture::UNIT;
use crate::support::Office;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Changes tried.
const TAMPERS: usize = 120;

pub(crate) async fn items(office: &Office, table: &str, partition: String) -> Vec<Item> {
    let query = office
        .stack
        .dynamodb
        .query()
        .table_name(table)
        .key_condition_expression("PK = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(partition));
    query.send().await.unwrap().items.unwrap()
}

pub(crate) async fn put(office: &Office, table: &str, item: &Item) {
    let put = office.stack.dynamodb.put_item().table_name(table);
    put.set_item(Some(item.clone())).send().await.unwrap();
}

async fn delete(office: &Office, table: &str, item: &Item) {
    let mut delete = office.stack.dynamodb.delete_item().table_name(table);
    for name in ["PK", "SK"] {
        delete = delete.key(name, item[name].clone());
    }
    delete.send().await.unwrap();
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(item: &Item, name: &str) -> u64 {
    item.get(name)
        .map_or(0, |n| n.as_n().unwrap().parse().unwrap())
}

/// The `kind`-th change to a cell.
fn change_cell(cell: &Item, kind: usize) -> Item {
    let mut changed = cell.clone();
    let mut set = |name: &str, amount: u64| {
        changed.insert(name.to_owned(), AttributeValue::N(amount.to_string()));
    };
    match kind {
        0 => set("n", number(cell, "n") + 1),
        1 => set("n", number(cell, "n") - 1),
        2 => set("sat", number(cell, "sat") + 1),
        3 => set("dis", number(cell, "dis") + 1),
        4 => set("r:late", 1),
        _ => set("q:cs1:", 2),
    }
    changed
}

/// The `kind`-th change to a rating.
fn change_rating(rating: &Item, kind: usize) -> Item {
    let mut changed = rating.clone();
    let mut set = |name: &str, value: &str| changed.insert(name.to_owned(), text(value));
    match kind {
        0 => set("pend", "1"),
        1 if rating["satisfaction"] == text("satisfied") => set("satisfaction", "not_satisfied"),
        1 => set("satisfaction", "satisfied"),
        2 => set("attestation", "paper_entry"),
        3 => set("channel", "kiosk"),
        4 => set("field", "dat-dai"),
        _ => set("official", "hc-03"),
    };
    changed
}

#[tokio::test]
async fn reconciling_finds_every_item_that_somebody_changes() {
    let office = Office::open().await;
    let (now, store) = (Timestamp::now(), &office.stack.store);
    let (unit, month) = (UnitId::parse(UNIT).unwrap(), Month::of(local_date(now)));
    let ratings: Vec<_> = (0..40).map(|number| rating(number, now)).collect();
    save(store, &ratings, now).await;
    office.stack.settle().await;
    store.count(&ratings).await;
    let cells = items(&office, TALLY_TABLE, format!("C#{unit}#{month}")).await;
    let stored = items(&office, RATINGS_TABLE, format!("U#{unit}#{month}")).await;

    for tamper in 0..TAMPERS {
        let (kind, which) = (tamper % 14, tamper / 14);
        let (table, item) = match kind {
            0..=6 => (TALLY_TABLE, &cells[which % cells.len()]),
            _ => (RATINGS_TABLE, &stored[which % stored.len()]),
        };
        match kind {
            6 | 13 => delete(&office, table, item).await,
            0..=5 => put(&office, table, &change_cell(item, kind)).await,
            _ => put(&office, table, &change_rating(item, kind - 7)).await,
        }
        // A mark set again rings the stream, which counts once more.
        office.stack.settle().await;
        let reconciled = store
            .reconcile(&unit, month, || async { Ok(()) })
            .await
            .unwrap();
        assert!(
            matches!(reconciled, Reconciled::Mismatch(_)),
            "kind {kind} of {item:?} was not found"
        );
        put(&office, table, item).await;
        for cell in &cells {
            put(&office, TALLY_TABLE, cell).await;
        }
    }

    let reconciled = store
        .reconcile(&unit, month, || async { Ok(()) })
        .await
        .unwrap();
    assert!(matches!(reconciled, Reconciled::Equal { swept, .. } if swept.counted == 0));
}

#[tokio::test]
async fn reconciling_raises_no_alarm_while_ratings_come_in_and_are_counted() {
    let office = std::sync::Arc::new(Office::open().await);
    let now = Timestamp::now();
    let (unit, month) = (UnitId::parse(UNIT).unwrap(), Month::of(local_date(now)));
    let store = || office.stack.store.clone();
    let rate = |numbers: std::ops::Range<u32>, store: Store| async move {
        for number in numbers {
            let new = [rating(number, now)];
            save(&store, &new, now).await;
            if number % 3 == 0 {
                store.count(&new).await;
            }
        }
    };
    let raters: Vec<_> = (0..4_u32)
        .map(|rater| tokio::spawn(rate(rater * 100..rater * 100 + 60, store())))
        .collect();

    let (mut equal, mut busy) = (0, 0);
    while raters.iter().any(|rater| !rater.is_finished()) {
        match store()
            .reconcile(&unit, month, || async { Ok(()) })
            .await
            .unwrap()
        {
            Reconciled::Equal { .. } => equal += 1,
            Reconciled::Busy => busy += 1,
            Reconciled::Mismatch(mismatches) => panic!("a false alarm: {mismatches:?}"),
        }
    }
    for rater in raters {
        rater.await.unwrap();
    }
    let last = store()
        .reconcile(&unit, month, || async { Ok(()) })
        .await
        .unwrap();

    assert!(matches!(last, Reconciled::Equal { .. }));
    assert!(equal + busy > 0);
    assert!(store().pending(&unit, month).await.unwrap().is_empty());
    assert_eq!(
        (store().cells(&unit, month).await.unwrap().values())
            .map(thuocdo::domain::tally::Tally::rated)
            .sum::<u64>(),
        240
    );
}

#[tokio::test]
async fn a_large_month_is_added_up_page_by_page_and_its_place_remembered_before_the_second() {
    let office = Office::open().await;
    let (now, store) = (Timestamp::now(), &office.stack.store);
    let (unit, month) = (UnitId::parse(UNIT).unwrap(), Month::of(local_date(now)));
    let answers: BTreeMap<_, _> = (0..40)
        .map(|question| {
            let code = QuestionCode::parse(&format!("q-{question:030}")).unwrap();
            let option = OptionCode::parse(&format!("a-{question:030}")).unwrap();
            (code, Answer::Option(option))
        })
        .collect();
    // Three KB each, and a page holds 1 MB.
    let ratings: Vec<_> = (0..800)
        .map(|number| Rating {
            answers: answers.clone(),
            ..rating(number, now)
        })
        .collect();
    save(store, &ratings[..799], now).await;
    office.stack.settle().await;
    store.count(&ratings[..799]).await;
    save(store, &ratings[799..], now).await;
    let place = (month, unit.clone());
    let large = AtomicUsize::new(0);
    let remember = || {
        large.fetch_add(1, Ordering::SeqCst);
        store.remember_reconciled_until(Some(&place))
    };

    let reconciled = store.reconcile(&unit, month, remember).await.unwrap();
    let remembered = store.reconciled_until().await.unwrap();
    let broken_off = store.reconcile(&unit, month, || async {
        Err(StoreError::during("remember")("no table".into()))
    });
    let broken_off = broken_off.await;
    let report = reconcile_tallies::handle(store, now, || true)
        .await
        .unwrap();

    assert!(
        matches!(reconciled, Reconciled::Equal { .. }),
        "{reconciled:?}"
    );
    // More than once where the stream counted the last rating meanwhile, and the month was read again.
    assert!(large.load(Ordering::SeqCst) >= 1);
    assert_eq!(remembered, Some(place));
    assert!(broken_off.is_err());
    assert_eq!((report.mismatched, report.failed), (0, 0));
    assert_eq!(store.reconciled_until().await.unwrap(), None);
    let cells = store.cells(&unit, month).await.unwrap();
    assert_eq!(cells, fold(&ratings));
}
