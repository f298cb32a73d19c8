//! Looking receipts up: what a holder is shown, and that nobody else learns anything.

use serde_json::json;
use thuocdo::challenge::Purpose;

use crate::fixture::{OFFICIAL, OTHER_OFFICIAL, UNIT};
use crate::support::{Office, official, satisfied};

#[tokio::test]
async fn a_holder_sees_unit_field_and_officials_and_nothing_else() {
    let office = Office::open().await;
    let slip = office.slip().await;

    let answer = office
        .validate(&json!({ "receipt_code": slip.code, "receipt_secret": slip.secret }))
        .await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    let expected = json!({
        "unit_id": UNIT,
        "field_id": "dat-dai",
        "subjects": [format!("{UNIT}/{OFFICIAL}"), format!("{UNIT}/{OTHER_OFFICIAL}"), UNIT],
        "officials": [{"official_id": OFFICIAL, "role": "desk"}, {"official_id": OTHER_OFFICIAL, "role": "desk"}],
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn whoever_has_a_bare_code_learns_no_day_of_its_dossier() {
    let office = Office::open().await;
    let slip = office.bare_slip().await;

    let answer = office
        .validate(&json!({ "receipt_code": slip.code, "receipt_secret": "" }))
        .await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    let told = answer.json();
    let mut told: Vec<_> = told.as_object().unwrap().keys().collect();
    told.sort();
    assert_eq!(told, ["field_id", "officials", "subjects", "unit_id"]);
}

#[tokio::test]
async fn what_is_rated_already_is_no_longer_offered() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let look_up = json!({ "receipt_code": slip.code, "receipt_secret": slip.secret });

    for (subject, left) in [(official(), 2), (UNIT.to_owned(), 1)] {
        assert_eq!(office.rate(&satisfied(&subject, &slip)).await.status, 201);
        assert_eq!(
            office.validate(&look_up).await.json()["subjects"]
                .as_array()
                .unwrap()
                .len(),
            left
        );
    }
    office
        .rate(&satisfied(&format!("{UNIT}/{OTHER_OFFICIAL}"), &slip))
        .await;

    assert_eq!(office.validate(&look_up).await.problem(), "already-rated");
}

#[tokio::test]
async fn unknown_used_expired_and_wrong_look_the_same() {
    let office = Office::open().await;
    let (used, secret) = (office.bare_slip().await, office.slip().await);
    for subject in [
        UNIT.to_owned(),
        official(),
        format!("{UNIT}/{OTHER_OFFICIAL}"),
    ] {
        assert_eq!(office.rate(&satisfied(&subject, &used)).await.status, 201);
    }
    let (old, receipt) = crate::fixture::dossier_of(
        &office.stack.keyring,
        900,
        false,
        jiff::civil::date(2020, 1, 2),
    );
    office.stack.store.put_dossiers(&[receipt]).await.unwrap();

    let mut answers = Vec::new();
    for code in [
        "000.00.20.H17-260101-9999",
        &used.code,
        &old.code,
        &secret.code,
    ] {
        answers.push(office.validate(&json!({ "receipt_code": code })).await);
    }

    for answer in &answers {
        assert_eq!(
            (answer.status, answer.problem()),
            (422, "receipt-refused".into())
        );
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn a_look_up_costs_a_security_code_each_time() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let look_up = json!({ "receipt_code": slip.code, "receipt_secret": slip.secret });
    let solved = office.solved(Purpose::Validate, &look_up).await;

    let first = office.post_json("/api/receipts/validate", &solved).await;
    let replayed = office.post_json("/api/receipts/validate", &solved).await;
    let none = office.post_json("/api/receipts/validate", &look_up).await;

    assert_eq!(first.status, 200);
    assert_eq!(
        (replayed.status, replayed.problem()),
        (422, "challenge-refused".into())
    );
    assert_eq!(none.errors(), ["security_code:missing"]);
}
