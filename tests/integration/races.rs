//! Many workers on one thing, and replies that never come: one success each, and whoever asks again is told the truth.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use data_encoding::BASE64URL_NOPAD;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use thuocdo::challenge::Purpose;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::tally::fold;
use tokio::task::JoinSet;

use crate::faults::Line;
use crate::faults::plan::{is_stress, number, seed_or};
use crate::fixture::{self, UNIT};
use crate::support::{Answer, Office, passer_by, satisfied};

const WORKERS: u32 = 64;

/// Every worker posts at once; how often each answer came, as status and problem.
async fn race(
    office: &Arc<Office>,
    path: &'static str,
    bodies: Vec<Value>,
) -> BTreeMap<String, usize> {
    let mut workers = JoinSet::new();
    for body in bodies {
        let office = Arc::clone(office);
        workers.spawn(async move { named(&office.post_json(path, &body).await) });
    }
    let mut answers = BTreeMap::new();
    for answer in workers.join_all().await {
        *answers.entry(answer).or_default() += 1;
    }
    answers
}

fn named(answer: &Answer) -> String {
    match answer.status {
        200..300 => answer.status.to_string(),
        status => format!("{status} {}", answer.problem()),
    }
}

/// One success, and every other answer is `otherwise` or asks to try again.
fn one_success(answers: &BTreeMap<String, usize>, success: &str, otherwise: &str) {
    assert_eq!(answers.get(success), Some(&1), "{answers:?}");
    let known = [success, otherwise, "503 unavailable"];
    assert!(
        answers
            .keys()
            .all(|answer| known.contains(&answer.as_str())),
        "{answers:?}"
    );
    assert_eq!(answers.values().sum::<usize>(), WORKERS as usize);
}

/// The body of each worker, with an attempt and a proof of its own.
async fn own_proofs(office: &Office, rating: &Value) -> Vec<Value> {
    let mut bodies = Vec::new();
    for worker in 0..WORKERS {
        let mut body = rating.clone();
        body["attempt"] = attempt(worker).into();
        bodies.push(office.solved(Purpose::Rate, &body).await);
    }
    bodies
}

fn attempt(number: u32) -> String {
    BASE64URL_NOPAD.encode(&u128::from(number).to_be_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_receipt_from_sixty_four_workers_rates_once() {
    let office = Arc::new(Office::open().await);
    let rating = satisfied(UNIT, &office.slip().await);

    let bodies = own_proofs(&office, &rating).await;
    let answers = race(&office, "/api/ratings", bodies).await;

    one_success(&answers, "201", "409 already-rated");
    assert_eq!(office.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bare_code_from_sixty_four_workers_rates_once_and_tells_nobody() {
    let office = Arc::new(Office::open().await);
    let rating = satisfied(UNIT, &office.bare_slip().await);

    let bodies = own_proofs(&office, &rating).await;
    let answers = race(&office, "/api/ratings", bodies).await;

    one_success(&answers, "201", "422 receipt-refused");
    assert_eq!(office.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_phone_from_sixty_four_workers_rates_once() {
    let office = Arc::new(Office::open().await);

    let bodies = own_proofs(&office, &passer_by(UNIT, "0905123456")).await;
    let answers = race(&office, "/api/ratings", bodies).await;

    one_success(&answers, "201", "409 phone-used");
    assert_eq!(office.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_proof_from_sixty_four_workers_saves_one_rating() {
    let office = Arc::new(Office::open().await);
    let proof = office
        .solved(Purpose::Rate, &satisfied(UNIT, &office.slip().await))
        .await;
    let opinion = |worker| {
        let mut body = proof.clone();
        body["attempt"] = attempt(worker).into();
        body["suggestion"] = format!("Ý kiến {worker}").into();
        body
    };

    let mut answers = race(&office, "/api/ratings", (0..WORKERS).map(opinion).collect()).await;

    // The first refusal tells why; the proof pays for no second one.
    let refused = answers.remove("409 already-rated").unwrap_or(0);
    assert!(refused <= 1, "{refused} and {answers:?}");
    *answers
        .entry("422 challenge-refused".to_owned())
        .or_default() += refused;
    one_success(&answers, "201", "422 challenge-refused");
    assert_eq!(office.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_proof_from_sixty_four_workers_has_one_wrong_secret_part_tried() {
    let office = Arc::new(Office::open().await);
    let look_up = json!({ "receipt_code": office.slip().await.code });
    let proof = office.solved(Purpose::Validate, &look_up).await;

    let answers = race(
        &office,
        "/api/receipts/validate",
        vec![proof; WORKERS as usize],
    )
    .await;

    one_success(&answers, "422 receipt-refused", "422 challenge-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_attempt_sent_sixty_four_times_is_one_rating_and_every_sender_hears_so() {
    let office = Arc::new(Office::open().await);
    let mut rating = satisfied(UNIT, &office.slip().await);
    rating["attempt"] = attempt(1).into();
    let rating = office.solved(Purpose::Rate, &rating).await;

    let answers = race(&office, "/api/ratings", vec![rating; WORKERS as usize]).await;

    one_success(&answers, "201", "200");
    assert_eq!(office.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_half_of_all_replies_cut_successes_are_ratings_are_counts() {
    let all = number("SUBMITS").unwrap_or(if is_stress() { 100_000 } else { 1_000 }) as u32;
    let office = Arc::new(Office::open().await);
    let line =
        Arc::new(Line::cutting_half(&office.stack.address, "POST /api/ratings", seed_or(5)).await);
    let next = Arc::new(AtomicU32::new(0));
    let (mut clients, begun) = (JoinSet::new(), std::time::Instant::now());
    for _ in 0..16 {
        let (office, line, next) = (Arc::clone(&office), Arc::clone(&line), Arc::clone(&next));
        clients.spawn(async move {
            let (mut successes, mut tries) = (0, 0);
            loop {
                let serial = next.fetch_add(1, Ordering::Relaxed);
                if serial >= all {
                    return (successes, tries);
                }
                tries += rate_until_told(&office, &line.address, serial).await;
                successes += 1;
            }
        });
    }
    let told = clients.join_all().await;
    let (successes, tries) = told
        .iter()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));

    office.stack.settle().await;

    let (unit, month) = (
        UnitId::parse(UNIT).unwrap(),
        Month::of(local_date(Timestamp::now())),
    );
    let stored = office.stack.store.ratings(&unit, month).await.unwrap();
    let cells = office.stack.store.cells(&unit, month).await.unwrap();
    assert_eq!(successes, all);
    assert_eq!(stored.len(), all as usize);
    assert!(stored.iter().all(|stored| !stored.pending));
    assert_eq!(cells, fold(stored.iter().map(|stored| &stored.rating)));
    assert!(tries > all + all / 2, "{tries} tries");
    println!(
        "{:.1?}: {all} ratings in {tries} submits, {} replies cut",
        begun.elapsed(),
        line.cut()
    );
}

/// Sends the rating of one dossier until the client hears that it is saved; how often it was sent.
async fn rate_until_told(office: &Office, address: &str, serial: u32) -> u32 {
    let received = local_date(Timestamp::now())
        .checked_sub((10 + i64::from(serial / 9_000)).days())
        .unwrap();
    let (slip, receipt) =
        fixture::dossier_of(&office.stack.keyring, 1 + serial % 9_000, true, received);
    office.stack.store.put_dossiers(&[receipt]).await.unwrap();
    let mut rating = satisfied(UNIT, &slip);
    rating["attempt"] = attempt(serial).into();
    let rating = office.solved(Purpose::Rate, &rating).await;
    let mut tries = 0;
    loop {
        tries += 1;
        let request = office
            .http
            .post(format!("{address}/api/ratings"))
            .json(&rating);
        let Ok(response) = request.send().await else {
            continue;
        };
        match response.status().as_u16() {
            200 | 201 => return tries,
            // Not saved, or not known to be: sending again is what the page does.
            503 => {}
            status => panic!("{status} {}", response.text().await.unwrap_or_default()),
        }
    }
}
