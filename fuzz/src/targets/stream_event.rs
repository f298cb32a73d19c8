//! Any JSON as a batch of the stream, and batches of good ratings with spoilt ones among them: what is good and not after
//! the record reported as failed is counted, and what is reported is a record of the batch.

use std::collections::BTreeSet;

use arbitrary::{Result, Unstructured};
use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use serde_json::{Value, json};
use thuocdo::domain::id::{FieldId, OfficialId, UnitId};
use thuocdo::domain::period::local_date;
use thuocdo::domain::rating::{Attestation, Channel, Rating, RatingId, Satisfaction, Subject};
use thuocdo::handlers::aggregate_ratings;
use thuocdo::store::submit::{Claim, Submission, Submitted};

use super::hostile;
use crate::tables::RATINGS_TABLE;
use crate::world::{World, now};

const UNIT: &str = "phuong-hai-chau";
const PARTITION: &str = "U#phuong-hai-chau#202611";

pub(crate) fn run(input: &[u8]) {
    World::with(|world| match serde_json::from_slice::<Value>(input) {
        Ok(event) => drop(count(world, &event)),
        Err(_) => {
            let mut u = Unstructured::new(input);
            // Out of bytes: the batch ends.
            let _ = batch(world, &mut u);
        }
    });
}

/// The answer to an event, whose failures all name records of it; `None` where the runtime would not take it.
fn count(world: &World, event: &Value) -> Option<DynamoDbEventResponse> {
    let event: Event = serde_json::from_value(event.clone()).ok()?;
    let records = event.records.iter();
    let numbers: BTreeSet<_> = records
        .filter_map(|record| record.change.sequence_number.clone())
        .collect();
    let response = world.block_on(aggregate_ratings::handle(&world.store, event));
    for failure in &response.batch_item_failures {
        let number = failure
            .item_identifier
            .as_ref()
            .expect("a failure names its record");
        assert!(numbers.contains(number), "{number} was not in the batch");
    }
    Some(response)
}

fn batch(world: &World, u: &mut Unstructured<'_>) -> Result<()> {
    let mut records = Vec::new();
    let mut good = Vec::new();
    for position in 0..u.int_in_range(1..=12_u32)? {
        let sort_key = saved(world, u)?;
        let mut image = world.tables.item(RATINGS_TABLE, PARTITION, &sort_key);
        if u.ratio(1, 2)? {
            spoil(&mut image, u)?;
        } else {
            good.push((position, sort_key));
        }
        let name = if u.ratio(7, 8)? {
            "INSERT"
        } else {
            *u.choose(&["MODIFY", "zq", ""])?
        };
        records.push(record(position, name, &image));
        if u.ratio(1, 8)? {
            records.push(record(position, name, &image));
        }
    }
    let event = json!({ "Records": records });
    let Some(response) = count(world, &event) else {
        return Ok(());
    };
    let failed = response
        .batch_item_failures
        .first()
        .and_then(|failure| failure.item_identifier.clone());
    let before = failed.map_or(u32::MAX, |number| {
        number.parse().expect("numbers are positions")
    });
    for (position, sort_key) in good {
        let waits = world
            .tables
            .item(RATINGS_TABLE, PARTITION, &sort_key)
            .get("pend")
            .is_some();
        assert!(
            !waits || position >= before,
            "{sort_key} waits, and the batch is delivered again from {before}: {event}"
        );
    }
    Ok(())
}

/// Saves a new rating; returns its sort key.
fn saved(world: &World, u: &mut Unstructured<'_>) -> Result<String> {
    let mut bits = [0; 16];
    u.fill_buffer(&mut bits)?;
    let id = world.keyring.content_digest(&[&bits]).to_ascii_lowercase();
    let id: String = id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(26)
        .collect();
    let parsed = |text| OfficialId::parse(text).expect("an official of the seed");
    let rating = Rating {
        id: RatingId(id.clone()),
        subject: Subject {
            unit_id: UnitId::parse(UNIT).expect("a unit of the seed"),
            official_id: u.arbitrary::<bool>()?.then(|| parsed("phuong-hai-chau-01")),
        },
        role: None,
        attestation: *u.choose(Attestation::ALL)?,
        channel: *u.choose(Channel::ALL)?,
        field_id: u
            .arbitrary::<bool>()?
            .then(|| FieldId::parse("ho-tich").expect("a field of the seed")),
        satisfaction: Satisfaction::Satisfied,
        reasons: Default::default(),
        questionnaire: None,
        answers: Default::default(),
        date: local_date(now()),
        late: None,
    };
    let submission = Submission {
        rating: &rating,
        digest: &id,
        claim: Claim::Guard {
            hash: &id,
            expires: now(),
        },
        suggestion: None,
    };
    let submitted = world
        .block_on(world.store.submit(&submission, now()))
        .expect("the tables do not fail");
    assert!(matches!(
        submitted,
        Submitted::Saved { .. } | Submitted::SavedBefore
    ));
    Ok(format!("R#{id}"))
}

/// Changes one attribute of an image to something the product never writes.
fn spoil(image: &mut Value, u: &mut Unstructured<'_>) -> Result<()> {
    const NAMES: [&str; 16] = [
        "PK",
        "SK",
        "day",
        "official",
        "field",
        "role",
        "attestation",
        "channel",
        "satisfaction",
        "reasons",
        "questionnaire",
        "answers",
        "late",
        "digest",
        "pend",
        "zq",
    ];
    let name = *u.choose(&NAMES)?;
    let text = match u.ratio(1, 2)? {
        true => hostile::text(u)?,
        false => (*u.choose(&[
            "U#phuong-hai-chau#202612",
            "U#a#000000",
            "2026-11-31",
            "-009999-01-01",
            "9999-12-31",
            "0",
            "1@4294967296",
        ])?)
        .to_owned(),
    };
    image[name] = match u.int_in_range(0..=6)? {
        0 => json!({ "S": text }),
        1 => json!({ "N": *u.choose(&["0", "1e125", "nan", ""])? }),
        2 => json!({ "SS": [text, "cham-han"] }),
        3 => json!({ "M": { text: { "S": "bang" } } }),
        4 => json!({ "NULL": true }),
        5 => json!({ "L": [{ "B": "AA==" }, { "BOOL": false }] }),
        _ => {
            json!({ "M": (0..u.int_in_range(0..=300_u16)?).map(|n| (format!("q{n}"), json!({ "S": "" }))).collect::<serde_json::Map<_, _>>() })
        }
    };
    Ok(())
}

fn record(position: u32, name: &str, image: &Value) -> Value {
    json!({
        "eventID": position.to_string(), "eventName": name, "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "fuzz",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_252_532, "Keys": { "PK": image["PK"], "SK": image["SK"] },
            "SequenceNumber": position.to_string(), "SizeBytes": 312, "StreamViewType": "NEW_IMAGE", "NewImage": image,
        },
        "eventSourceARN": "arn:aws:dynamodb:fuzz:123456789012:table/ratings/stream/1",
    })
}
