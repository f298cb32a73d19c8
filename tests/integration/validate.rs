//! Looking receipts up: what a holder is shown, and what is told to nobody.

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
async fn a_look_up_does_not_tell_who_was_rated() {
    let office = Office::open().await;
    for slip in [office.slip().await, office.bare_slip().await] {
        let secret = slip.secret.clone().unwrap_or_default();
        let look_up = json!({ "receipt_code": slip.code, "receipt_secret": secret });
        let before = office.validate(&look_up).await;
        assert_eq!(before.status, 200, "{}", before.body);

        for subject in [
            official(),
            UNIT.to_owned(),
            format!("{UNIT}/{OTHER_OFFICIAL}"),
        ] {
            assert_eq!(office.rate(&satisfied(&subject, &slip)).await.status, 201);
            assert_eq!(office.validate(&look_up).await, before);
        }
    }
}

#[tokio::test]
async fn a_native_look_up_offers_everybody_again_after_they_were_rated() {
    let office = Office::open().await;
    let slip = office.bare_slip().await;
    assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
    let look_up = json!({ "receipt_code": slip.code });
    let solved = office.solved(Purpose::Validate, &look_up).await;
    let pairs = solved.as_object().unwrap().iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();

    let form = office.post_form("/api/receipts/validate", &pairs).await;

    assert_eq!(form.status, 200);
    for subject in [UNIT.to_owned(), official()] {
        let choice = format!("value=\"{subject}\"");
        assert!(form.body.contains(&choice), "{}", form.body);
    }
}

#[tokio::test]
async fn unknown_expired_and_wrong_look_the_same() {
    let office = Office::open().await;
    let secret = office.slip().await;
    let (old, receipt) = crate::fixture::dossier_of(
        &office.stack.keyring,
        900,
        false,
        jiff::civil::date(2020, 1, 2),
    );
    office.stack.store.put_dossiers(&[receipt]).await.unwrap();

    let mut answers = Vec::new();
    for code in ["000.00.20.H17-260101-9999", &old.code, &secret.code] {
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
async fn a_look_up_takes_a_security_code_for_its_own_receipt() {
    let office = Office::open().await;
    let (slip, other) = (office.slip().await, office.slip().await);
    let look_up = json!({ "receipt_code": slip.code, "receipt_secret": slip.secret });
    let solved = office.solved(Purpose::Validate, &look_up).await;
    let mut borrowed = solved.clone();
    borrowed["receipt_code"] = json!(other.code);
    borrowed["receipt_secret"] = json!(other.secret);

    let first = office.post_json("/api/receipts/validate", &solved).await;
    let again = office.post_json("/api/receipts/validate", &solved).await;
    let borrowed = office.post_json("/api/receipts/validate", &borrowed).await;
    let none = office.post_json("/api/receipts/validate", &look_up).await;

    assert_eq!(first.status, 200);
    assert_eq!(again, first);
    assert_eq!(
        (borrowed.status, borrowed.problem()),
        (422, "challenge-refused".into())
    );
    assert_eq!(none.errors(), ["security_code:missing"]);
}

#[tokio::test]
async fn a_refused_look_up_spends_its_security_code() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let wrong = json!({ "receipt_code": slip.code });
    let solved = office.solved(Purpose::Validate, &wrong).await;

    let mut problems = Vec::new();
    for _ in 0..3 {
        let answer = office.post_json("/api/receipts/validate", &solved).await;
        problems.push(answer.problem());
    }

    assert_eq!(
        problems,
        ["receipt-refused", "challenge-refused", "challenge-refused"]
    );
}
