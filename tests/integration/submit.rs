//! Rating: what is saved, what is refused, and that nobody learns more than they should.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, ToSpan};
use local::dynamo::RATINGS_TABLE;
use serde_json::{Value, json};
use thuocdo::challenge::client::Attempt;
use thuocdo::challenge::{Challenges, Difficulty, Purpose, Scope};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date, start_of_day};
use thuocdo::domain::rating::Attestation;
use thuocdo::domain::receipt::ReceiptCode;
use thuocdo::handlers::submit_rating;
use thuocdo::intake::Intake;
use thuocdo::store::dossier::DossierOutcome;

use crate::fixture::{self, CLOSED_UNIT, OFFICIAL, OTHER_OFFICIAL, Slip, UNIT};
use crate::metrics::heard;
use crate::support::{Office, official, passer_by, satisfied};

#[tokio::test]
async fn a_receipt_rates_its_unit_and_its_officials_once_each() {
    let office = Office::open().await;
    let slip = office.slip().await;

    for subject in [UNIT.to_owned(), official()] {
        let first = office.rate(&satisfied(&subject, &slip)).await;
        let mut other = satisfied(&subject, &slip);
        other["satisfaction"] = json!("not_satisfied");
        other["reasons"] = json!(["tre-hen"]);
        let second = office.rate(&other).await;

        assert_eq!(first.status, 201, "{}", first.body);
        assert_eq!(first.json()["message"], "Đã lưu kết quả đánh giá");
        assert_eq!(
            (second.status, second.problem()),
            (409, "already-rated".into())
        );
        assert_eq!(
            second.json()["detail"],
            "Hồ sơ này đã được đánh giá. Mỗi hồ sơ chỉ được đánh giá một lần."
        );
    }
    assert_eq!(office.stored().await, 2);
    let code = ReceiptCode::parse(&slip.code).unwrap();
    let keys = office.stack.keyring.receipt_keys(&code);
    let today = local_date(jiff::Timestamp::now());
    let found = office.stack.store.look_up(&keys, today).await.unwrap();
    assert_eq!(
        found.tries, 0,
        "its holder is not taken for one who guesses"
    );
}

#[tokio::test]
async fn a_retry_of_the_same_attempt_gets_the_same_success() {
    let office = Office::open().await;
    let slips = [office.slip().await, office.bare_slip().await];

    for slip in &slips {
        let mut rating = satisfied(UNIT, slip);
        rating["attempt"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
        let first = office.rate(&rating).await;
        let retry = office.rate(&rating).await;

        assert_eq!((first.status, retry.status), (201, 200), "{}", retry.body);
        assert_eq!(first.body, retry.body);
        let tracker = first.json()["tracker"].as_str().unwrap().to_owned();
        let stored = office.stored_ratings().await;
        let key = office.stack.keyring.proof_key();
        let trackers = stored.iter().map(|rating| key.tracker(&rating.id));
        assert!(
            trackers
                .into_iter()
                .any(|known| known.to_string() == tracker)
        );
    }
    assert_eq!(office.stored().await, 2);
}

#[tokio::test]
async fn a_native_form_gets_its_tracker_on_the_thank_you_page_and_again_on_a_retry() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let mut rating = satisfied(UNIT, &slip);
    rating["attempt"] = json!("AAAAAAAAAAAAAAAAAAAAAA");

    let mut answers = Vec::new();
    for _ in 0..2 {
        let solved = office.solved(Purpose::Rate, &rating).await;
        let pairs: Vec<(&str, &str)> = solved
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        answers.push(office.post_form("/api/ratings", &pairs).await);
    }

    let stored = office.stored_ratings().await;
    let tracker = office.stack.keyring.proof_key().tracker(&stored[0].id);
    assert_eq!((answers[0].status, answers[1].status), (201, 200));
    for answer in &answers {
        let page = &answer.body;
        assert!(page.contains("<h1>Đã lưu kết quả đánh giá</h1>"), "{page}");
        assert!(page.contains(&tracker.to_string()), "{page}");
        let list = format!("href=\"/ket-qua/don-vi/{UNIT}/kiem-dem/\"");
        assert!(page.contains(&list), "{page}");
    }
    assert_eq!(stored.len(), 1);
}

#[tokio::test]
async fn sending_every_opinion_does_not_tell_how_a_bare_code_or_a_phone_rated() {
    let office = Office::open().await;
    let slip = office.bare_slip().await;
    let ratings = [satisfied(UNIT, &slip), passer_by(UNIT, "0905123456")];

    for rating in &ratings {
        let mut hers = rating.clone();
        hers["attempt"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(office.rate(&hers).await.status, 201);
        let mut other = rating.clone();
        other["satisfaction"] = json!("not_satisfied");
        other["reasons"] = json!(["thai-do"]);

        let same = office.rate(rating).await;
        let different = office.rate(&other).await;

        assert!(same.status >= 400);
        assert_eq!(same, different);
    }
}

#[tokio::test]
async fn unknown_used_expired_and_wrong_receipts_look_the_same() {
    let office = Office::open().await;
    let (used, secret, fresh) = (
        office.bare_slip().await,
        office.slip().await,
        office.bare_slip().await,
    );
    assert_eq!(office.rate(&satisfied(UNIT, &used)).await.status, 201);
    let (old, receipt) = crate::fixture::dossier_of(
        &office.stack.keyring,
        900,
        false,
        jiff::civil::date(2020, 1, 2),
    );
    office.stack.store.put_dossiers(&[receipt]).await.unwrap();
    let with = |code: &str, secret: &str| {
        let mut rating = satisfied(UNIT, &used);
        rating["receipt_code"] = json!(code);
        rating["receipt_secret"] = json!(secret);
        rating
    };
    let someone_elses = office.slip().await.secret.unwrap();

    let answers = [
        office.rate(&with("000.00.20.H17-260101-9999", "")).await,
        office.rate(&with(&used.code, "")).await,
        office.rate(&with(&old.code, "")).await,
        office.rate(&with(&secret.code, "")).await,
        office.rate(&with(&secret.code, &someone_elses)).await,
        office.rate(&satisfied("son-tra", &fresh)).await,
        office
            .rate(&satisfied(&format!("{UNIT}/hc-03"), &fresh))
            .await,
    ];

    for answer in &answers {
        assert_eq!(
            (answer.status, answer.problem()),
            (422, "receipt-refused".into())
        );
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(office.stored().await, 1);
}

#[tokio::test]
async fn no_number_of_wrong_tries_keeps_the_slips_holder_from_rating() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let mut guess = satisfied(UNIT, &slip);
    guess["receipt_secret"] = json!("");

    for _ in 0..=thuocdo::store::receipt::SUSPICIOUS_TRIES {
        assert_eq!(office.rate(&guess).await.status, 422);
    }

    assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
}

#[tokio::test]
async fn whoever_tries_many_secret_parts_is_noticed() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let mut guess = satisfied(UNIT, &slip);
    guess["receipt_secret"] = json!("");
    let intake = Intake::new(
        office.stack.store.clone(),
        office.stack.keyring.clone(),
        Challenges::new(&office.stack.keyring, Difficulty::for_tests()),
    );

    let mut noticed = Vec::new();
    for _ in 0..thuocdo::store::receipt::SUSPICIOUS_TRIES + 2 {
        let body = office.solved(Purpose::Rate, &guess).await.to_string();
        let request =
            http::Request::post("/api/ratings").header("content-type", "application/json");
        let request = request.body(lambda_http::Body::Text(body)).unwrap();
        let (_, metrics) = heard(submit_rating::handle(
            &intake,
            request,
            jiff::Timestamp::now(),
        ))
        .await;
        noticed.push(metrics);
    }

    let guessed = vec![("GuessedReceipts".to_owned(), 1)];
    let mut expected = vec![Vec::new(); thuocdo::store::receipt::SUSPICIOUS_TRIES as usize];
    expected.extend([guessed.clone(), guessed]);
    assert_eq!(noticed, expected);
}

#[tokio::test]
async fn a_passer_by_rates_a_subject_once_a_quarter() {
    let office = Office::open().await;

    let first = office.rate(&passer_by(UNIT, "0905 123 456")).await;
    let second = office.rate(&passer_by(UNIT, "+84905123456")).await;
    let other_subject = office.rate(&passer_by(&official(), "0905123456")).await;

    assert_eq!(
        (first.status, second.status, other_subject.status),
        (201, 409, 201)
    );
    assert_eq!(second.problem(), "phone-used");
}

/// Posts `rating` with a security code of its own, as if it were `now`.
async fn rate_at(office: &Office, rating: &Value, now: jiff::Timestamp) -> u16 {
    let challenges = || Challenges::new(&office.stack.keyring, Difficulty::for_tests());
    let text = |name: &str| rating[name].as_str().unwrap_or_default();
    let attempt = Attempt::new(&Scope {
        purpose: Purpose::Rate,
        subject: text("subject"),
        receipt_code: text("receipt_code"),
        receipt_secret: text("receipt_secret"),
        phone: text("phone"),
    });
    let issued = challenges().issue(attempt.commitment(), now);
    let solved = attempt.solve(&issued).unwrap();
    let mut body = rating.clone();
    body["altcha"] = solved.altcha.into();
    body["salt"] = solved.salt.into();
    let (store, keyring) = (office.stack.store.clone(), office.stack.keyring.clone());
    let intake = Intake::new(store, keyring, challenges());
    let request = http::Request::post("/api/ratings").header("content-type", "application/json");
    let request = request.body(lambda_http::Body::Text(body.to_string()));
    let answer = submit_rating::handle(&intake, request.unwrap(), now).await;
    answer.status().as_u16()
}

#[tokio::test]
async fn a_phone_rates_once_from_the_first_day_of_a_quarter_to_its_last() {
    let office = Office::open().await;
    // The next quarter: what expires in it has not expired yet.
    let this = Month::of(local_date(jiff::Timestamp::now())).quarter();
    let first = this.last_day().tomorrow().unwrap();
    let last = Month::of(first).quarter().last_day();
    let noon = |day: jiff::civil::Date| start_of_day(day) + jiff::SignedDuration::from_hours(12);
    let rating = passer_by(UNIT, "0905123456");

    let on_the_first = rate_at(&office, &rating, noon(first)).await;
    let on_the_last = rate_at(&office, &rating, noon(last)).await;
    let next_quarter = rate_at(&office, &rating, noon(last.tomorrow().unwrap())).await;

    assert_eq!((on_the_first, on_the_last, next_quarter), (201, 409, 201));
    for (item, quarter) in items(&office, "P#").await.iter().zip([first, last]) {
        assert!(!item.contains_key("sealed"), "{quarter}: {item:?}");
        let expires: i64 = item["exp"].as_n().unwrap().parse().unwrap();
        assert!(expires > start_of_day(last).as_second(), "{item:?}");
    }
}

#[tokio::test]
async fn a_rating_does_not_tell_its_dossier_by_what_the_official_did_or_by_lateness() {
    let office = Office::open().await;
    let received = local_date(jiff::Timestamp::now())
        .checked_sub(20.days())
        .unwrap();
    let (slip, mut dossier) =
        crate::fixture::dossier_of(&office.stack.keyring, 800, true, received);
    let receipt = &mut dossier.receipt;
    receipt.returned = Some(receipt.due.unwrap().tomorrow().unwrap());
    office.stack.store.put_dossiers(&[dossier]).await.unwrap();

    assert_eq!(
        office.rate(&satisfied(&official(), &slip)).await.status,
        201
    );

    let rating = office.stored_ratings().await.remove(0);
    assert_eq!((rating.role, rating.late), (None, None));
    assert_eq!(rating.field_id.unwrap().as_str(), "dat-dai");
}

/// Items of a kind.
async fn items(
    office: &Office,
    prefix: &str,
) -> Vec<std::collections::HashMap<String, AttributeValue>> {
    let items = office.stack.dynamodb.scan().table_name(RATINGS_TABLE);
    let items = items.send().await.unwrap().items.unwrap_or_default();
    let of_kind = items.into_iter();
    of_kind
        .filter(|item| item["PK"].as_s().unwrap().starts_with(prefix))
        .collect()
}

#[tokio::test]
async fn a_receipts_item_and_a_suggestion_lead_to_no_rating() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let mut rating = satisfied(&official(), &slip);
    rating["suggestion"] = json!("Cảm ơn chị ở quầy 3");
    assert_eq!(office.rate(&rating).await.status, 201);
    assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);

    let stored = office.stored_ratings().await;
    let receipts = items(&office, "K#").await;
    let receipt = receipts
        .iter()
        .find(|item| item.contains_key("used"))
        .unwrap();
    let suggestions = items(&office, "T#").await;

    let names: std::collections::BTreeSet<&str> = receipt.keys().map(String::as_str).collect();
    let known = ["PK", "SK", "exp", "sealed", "secret", "unit", "used"];
    assert_eq!(names, known.into());
    let used = receipt["used"].as_ss().unwrap();
    assert_eq!((used.len(), suggestions.len()), (2, 1));
    for rating in &stored {
        let subject = rating.subject.to_string();
        assert!(!used.contains(&rating.id.0) && !used.contains(&subject));
        let suggestion = format!("{:?}", suggestions[0]);
        assert!(!suggestion.contains(&rating.id.0), "{suggestion}");
    }
}

#[tokio::test]
async fn a_stored_rating_holds_nothing_of_its_rater() {
    let office = Office::open().await;
    let slip = office.slip().await;
    assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
    assert_eq!(
        office.rate(&passer_by(UNIT, "0905123456")).await.status,
        201
    );

    let output = office
        .stack
        .dynamodb
        .scan()
        .table_name(RATINGS_TABLE)
        .send()
        .await
        .unwrap();

    let items = output.items();
    let ratings: Vec<_> = items
        .iter()
        .filter(|item| item["PK"].as_s().unwrap().starts_with("U#"))
        .collect();
    assert_eq!(ratings.len(), 2);
    for item in items {
        let text = format!("{item:?}");
        let catalog = item["PK"].as_s().unwrap().starts_with("CATALOG");
        assert!(
            catalog
                || [
                    "0905123456",
                    "Người Qua Đường",
                    slip.code.as_str(),
                    slip.secret.as_deref().unwrap()
                ]
                .iter()
                .all(|secret| !text.contains(secret)),
            "{text}"
        );
    }
    // Whether they are counted already is another matter.
    let names: std::collections::BTreeSet<&str> = ratings
        .iter()
        .flat_map(|item| item.keys().map(String::as_str))
        .filter(|name| *name != "pend")
        .collect();
    let known = [
        "PK",
        "SK",
        "answers",
        "attestation",
        "channel",
        "day",
        "digest",
        "field",
        "questionnaire",
        "satisfaction",
    ];
    assert_eq!(names, known.into());
}

#[tokio::test]
async fn a_receipt_of_an_earlier_version_rates_what_it_has_not_rated() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let code = ReceiptCode::parse(&slip.code).unwrap();
    let keys = office.stack.keyring.receipt_keys(&code);
    let found = office
        .stack
        .store
        .look_up(&keys, local_date(jiff::Timestamp::now()));
    let receipt = found.await.unwrap().receipt.unwrap().receipt;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let officials = receipt.officials.iter();
    let officials = officials.map(|(id, role)| text(&format!("{id}:{}", role.code())));
    let update = office
        .stack
        .dynamodb
        .update_item()
        .table_name(RATINGS_TABLE);
    update
        .key("PK", text(&format!("K#{}", keys.hash)))
        .key("SK", text("RECEIPT"))
        .update_expression(
            "SET officials = :officials, field = :field, #status = :status, received = :received, used = :used REMOVE sealed",
        )
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":officials", AttributeValue::L(officials.collect()))
        .expression_attribute_values(":field", text("dat-dai"))
        .expression_attribute_values(":status", text("returned"))
        .expression_attribute_values(":received", text(&receipt.received.to_string()))
        .expression_attribute_values(":used", AttributeValue::Ss(vec![official()]))
        .send()
        .await
        .unwrap();

    let rated = office.rate(&satisfied(&official(), &slip)).await;
    let unit = office.rate(&satisfied(UNIT, &slip)).await;
    let unit_again = office.rate(&satisfied(UNIT, &slip)).await;

    assert_eq!((rated.status, unit.status), (409, 201), "{}", unit.body);
    assert_eq!(unit_again.status, 409);
}

#[tokio::test]
async fn a_plain_rating_costs_four_write_units() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let now = jiff::Timestamp::now();
    office.rate(&satisfied(UNIT, &slip)).await;
    let unit = UnitId::parse(UNIT).unwrap();
    let stored = office
        .stack
        .store
        .ratings(&unit, Month::of(local_date(now)))
        .await
        .unwrap()
        .remove(0);
    let (_, receipt) = crate::fixture::dossier(&office.stack.keyring, 500, true, now);
    office
        .stack
        .store
        .put_dossiers(std::slice::from_ref(&receipt))
        .await
        .unwrap();
    let mut rating = stored.rating;
    rating.id = thuocdo::domain::rating::RatingId("another".into());
    let mark = receipt.keys.mark(&rating.subject, false);
    let claim = thuocdo::store::submit::Claim::Receipt {
        hash: &receipt.keys.hash,
        mark: &mark,
    };
    let submission = thuocdo::store::submit::Submission {
        rating: &rating,
        digest: "d",
        claim,
        suggestion: None,
    };

    let submitted = office.stack.store.submit(&submission, now).await.unwrap();

    assert_eq!(rating.attestation, Attestation::DossierVerified);
    assert_eq!(
        submitted,
        thuocdo::store::submit::Submitted::Saved { write_units: 4.0 }
    );
}

#[tokio::test]
async fn every_value_at_fault_is_named_and_nothing_is_stored() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let change = |name: &str, value: Value| {
        let mut rating = satisfied(UNIT, &slip);
        rating[name] = value;
        rating
    };
    let passer_by = |name: &str, value: Value| {
        let mut rating = passer_by(UNIT, "0905123456");
        rating[name] = value;
        rating
    };
    let cases = [
        (
            change("satisfaction", Value::Null),
            422,
            vec!["satisfaction:missing"],
        ),
        (
            change("satisfaction", json!("great")),
            422,
            vec!["satisfaction:malformed"],
        ),
        (
            change("satisfaction", json!("not_satisfied")),
            422,
            vec!["reasons:missing"],
        ),
        (
            change("reasons", json!(["nonsense"])),
            422,
            vec!["reasons:unknown"],
        ),
        (
            change("receipt_code", json!("abc")),
            422,
            vec!["receipt_code:malformed"],
        ),
        (
            change("receipt_code", Value::Null),
            422,
            vec!["receipt_code:missing"],
        ),
        (
            change("receipt_secret", json!("abc")),
            422,
            vec!["receipt_secret:malformed"],
        ),
        (
            change("field_id", Value::Null),
            422,
            vec!["field_id:missing"],
        ),
        (
            change("field_id", json!("khong-co")),
            422,
            vec!["field_id:unknown"],
        ),
        (
            change("rater_kind", json!("robot")),
            422,
            vec!["rater_kind:malformed"],
        ),
        (
            change("answers", json!({"cs1": "maybe"})),
            422,
            vec!["answers:unknown"],
        ),
        (
            change("answers", json!({"cs99": "equal"})),
            422,
            vec!["answers:unknown"],
        ),
        (
            change("questionnaire", json!("web@9")),
            422,
            vec!["answers:unknown"],
        ),
        (
            change("suggestion", json!("ă".repeat(1001))),
            422,
            vec!["suggestion:too_long"],
        ),
        (
            change("subject", json!("khong-co")),
            404,
            vec!["subject:unknown"],
        ),
        (
            change("subject", json!(format!("{UNIT}/st-01"))),
            422,
            vec!["subject:unknown"],
        ),
        (
            change("subject", json!(CLOSED_UNIT)),
            422,
            vec!["subject:closed"],
        ),
        (
            change("subject", json!("../etc")),
            422,
            vec!["subject:malformed"],
        ),
        (change("subject", Value::Null), 422, vec!["subject:missing"]),
        (
            passer_by("phone", json!("+1 212 555 0100")),
            422,
            vec!["phone:malformed"],
        ),
        (
            passer_by("full_name", json!("  ")),
            422,
            vec!["full_name:missing"],
        ),
        (
            passer_by("full_name", json!("x".repeat(101))),
            422,
            vec!["full_name:too_long"],
        ),
        (
            passer_by("consent", Value::Null),
            422,
            vec!["consent:missing"],
        ),
    ];

    for (mut rating, status, errors) in cases {
        let rating = {
            rating
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            rating
        };
        let answer = office.rate(&rating).await;

        assert_eq!(
            (answer.status, answer.errors()),
            (status, errors.iter().map(ToString::to_string).collect()),
            "{rating}"
        );
        let message = answer.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(!message.contains("error."), "{message}");
    }
    assert_eq!(office.stored().await, 0);
}

#[tokio::test]
async fn bodies_of_another_kind_are_refused_clearly() {
    let office = Office::open().await;
    let good = satisfied(UNIT, &office.slip().await);
    let mut extra = good.clone();
    extra["admin"] = json!(true);
    let large = json!({ "suggestion": "x".repeat(25 * 1024) });

    let cases = [
        (
            office.post_json("/api/ratings", &extra).await,
            400,
            "malformed-body",
        ),
        (
            office.post_json("/api/ratings", &json!([1])).await,
            400,
            "malformed-body",
        ),
        (
            office
                .post_json("/api/ratings", &json!({"subject": 7}))
                .await,
            400,
            "malformed-body",
        ),
        (
            office
                .post("/api/ratings", "application/json", b"{".to_vec())
                .await,
            400,
            "malformed-body",
        ),
        (
            office
                .post("/api/ratings", "application/json", vec![0xff, 0xfe])
                .await,
            400,
            "malformed-body",
        ),
        (
            office.post_json("/api/ratings", &large).await,
            413,
            "too-large",
        ),
    ];

    for (answer, status, problem) in cases {
        assert_eq!(
            (answer.status, answer.problem()),
            (status, problem.to_owned())
        );
    }
    let xml = office
        .http
        .post(format!("{}/api/ratings", office.stack.address))
        .header("content-type", "text/xml")
        .body("<a/>")
        .send()
        .await
        .unwrap();
    assert_eq!(xml.status(), 415);
    assert_eq!(office.get("/api/ratings").await.status, 404);
}

#[tokio::test]
async fn decomposed_text_is_stored_composed() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let mut rating = satisfied(UNIT, &slip);
    rating["suggestion"] = json!("Ca\u{0309}m o\u{031b}n");

    let answer = office.rate(&rating).await;

    assert_eq!(answer.status, 201, "{}", answer.body);
    let output = office
        .stack
        .dynamodb
        .scan()
        .table_name(RATINGS_TABLE)
        .send()
        .await
        .unwrap();
    let suggestions: Vec<&str> = output
        .items()
        .iter()
        .filter_map(|item| item.get("suggestion")?.as_s().ok().map(String::as_str))
        .collect();
    assert_eq!(suggestions, ["Cảm ơn"]);
}

#[tokio::test]
async fn a_security_code_is_worth_one_rating() {
    let office = Office::open().await;
    let (slip, other) = (office.slip().await, office.slip().await);
    let solved = office.solved(Purpose::Rate, &satisfied(UNIT, &slip)).await;
    let borrow = |subject: &str, code: &str, secret: &Option<String>| {
        let mut rating = solved.clone();
        rating["subject"] = json!(subject);
        rating["receipt_code"] = json!(code);
        rating["receipt_secret"] = json!(secret);
        rating
    };

    assert_eq!(office.post_json("/api/ratings", &solved).await.status, 201);
    for borrowed in [
        borrow(UNIT, &other.code, &other.secret),
        borrow(
            &format!("{UNIT}/{OTHER_OFFICIAL}"),
            &slip.code,
            &slip.secret,
        ),
    ] {
        let answer = office.post_json("/api/ratings", &borrowed).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (422, "challenge-refused".into())
        );
    }
    let none = office
        .post_json("/api/ratings", &satisfied(UNIT, &other))
        .await;
    assert_eq!(
        (none.status, none.errors()),
        (422, vec!["security_code:missing".to_owned()])
    );
    assert_eq!(office.stored().await, 1);
}

#[tokio::test]
async fn a_native_form_is_answered_with_pages_that_keep_what_was_typed() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let subject = official();
    let pairs = [
        ("subject", subject.as_str()),
        ("rater_kind", "participant"),
        ("field_id", "ho-tich"),
        ("receipt_code", slip.code.as_str()),
        ("satisfaction", "not_satisfied"),
        ("suggestion", "Xin <b>cảm ơn</b>"),
    ];

    let answer = office.post_form("/api/ratings", &pairs).await;

    assert_eq!(answer.status, 422);
    assert!(answer.content_type.starts_with("text/html"));
    assert!(answer.body.contains("<title>Lỗi:"), "{}", answer.body);
    assert!(
        answer.body.contains(&slip.code) && answer.body.contains("Xin &#60;b&#62;cảm ơn")
            || answer.body.contains("Xin &lt;b&gt;cảm ơn")
    );
}

#[tokio::test]
async fn an_answer_is_in_english_when_asked_for() {
    let office = Office::open().await;
    let mut rating = satisfied("khong-co", &office.slip().await);
    rating["lang"] = json!("en");

    let answer = office.rate(&rating).await;

    assert!(
        answer.json()["title"].as_str().unwrap().is_ascii(),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_receipts_form_without_a_choice_comes_back_with_its_choices_and_what_was_typed() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let offered = format!("{}:desk {UNIT}:", official());
    let pairs = [
        ("offered", offered.as_str()),
        ("rater_kind", "participant"),
        ("field_id", "dat-dai"),
        ("receipt_code", slip.code.as_str()),
        ("receipt_secret", slip.secret.as_deref().unwrap()),
        ("satisfaction", "satisfied"),
        ("suggestion", "Cảm ơn chị ở quầy 3"),
    ];

    let answer = office.post_form("/api/ratings", &pairs).await;

    assert_eq!(answer.status, 422);
    for kept in [
        "Cảm ơn chị ở quầy 3",
        &slip.code,
        "Trần Thị Minh Họa",
        "UBND Phường Hải Châu",
        "name=\"subject\"",
    ] {
        assert!(
            answer.body.contains(kept),
            "{kept} is gone: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_form_comes_back_with_the_choices_of_its_unit_and_of_no_other() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let choices = [
        (format!("{}:desk {UNIT}:", official()), true),
        (format!("{}:desk son-tra:", official()), false),
        (String::new(), false),
    ];
    for (offered, has_choices) in &choices {
        let pairs = [
            ("subject", UNIT),
            ("offered", offered.as_str()),
            ("rater_kind", "participant"),
            ("receipt_code", slip.code.as_str()),
        ];

        let answer = office.post_form("/api/ratings", &pairs).await;

        let is_offered = answer.body.contains("Trần Thị Minh Họa");
        assert_eq!(
            (answer.status, is_offered),
            (422, *has_choices),
            "{offered}"
        );
    }
}

#[tokio::test]
async fn a_form_that_names_nothing_to_rate_begins_again_where_it_has_a_receipt() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let receipt = ("receipt_code", slip.code.as_str());
    let cases = [
        (vec![receipt], 422, true),
        (vec![("rater_kind", "participant")], 422, false),
        (vec![receipt, ("subject", "khong-co")], 404, true),
    ];
    for (pairs, status, begins_again) in cases {
        let answer = office.post_form("/api/ratings", &pairs).await;

        let asks_for_receipt = answer.body.contains("name=\"receipt_code\"");
        assert_eq!(
            (
                answer.status,
                asks_for_receipt,
                answer.body.contains(&slip.code)
            ),
            (status, begins_again, begins_again),
            "{pairs:?}"
        );
    }
}

#[tokio::test]
async fn a_suggestion_is_kept_as_long_as_was_promised_to_the_day() {
    let office = Office::open().await;
    let mut rating = passer_by(UNIT, "0905123456");
    rating["suggestion"] = json!("Cảm ơn chị ở quầy 3");
    let today = local_date(jiff::Timestamp::now());

    assert_eq!(office.rate(&rating).await.status, 201);

    let kept = &items(&office, "T#").await[0]["exp"];
    let days = thuocdo::domain::rating::SUGGESTION_DAYS + 1;
    let expected = start_of_day(today.checked_add(days.days()).unwrap());
    assert_eq!(kept.as_n().unwrap(), &expected.as_second().to_string());
}

#[tokio::test]
async fn a_passer_by_is_not_counted_as_having_left_questions_open() {
    let office = Office::open().await;
    assert_eq!(
        office.rate(&passer_by(UNIT, "0905123456")).await.status,
        201
    );

    let unit = UnitId::parse(UNIT).unwrap();
    let stored = office
        .stack
        .store
        .ratings(&unit, Month::of(local_date(jiff::Timestamp::now())))
        .await
        .unwrap();

    assert!(stored[0].rating.answers.is_empty() && stored[0].rating.questionnaire.is_none());
}

#[tokio::test]
async fn an_official_the_receipt_does_not_name_is_not_rated() {
    let office = Office::open().await;
    let (slip, mut receipt) = fixture::dossier(&office.stack.keyring, 900, true, Timestamp::now());
    receipt.receipt.officials.truncate(1);
    office.stack.store.put_dossiers(&[receipt]).await.unwrap();

    let other = format!("{UNIT}/{OTHER_OFFICIAL}");
    let refused = office.rate(&satisfied(&other, &slip)).await;
    let saved = office.rate(&satisfied(&official(), &slip)).await;

    assert_eq!(
        (refused.status, refused.problem()),
        (422, "receipt-refused".into())
    );
    assert_eq!((saved.status, office.stored().await), (201, 1));
}

#[tokio::test]
async fn a_dossier_that_moved_on_while_the_form_was_open_is_rated_as_it_is_now() {
    let office = Office::open().await;
    let (slip, mut receipt) = fixture::dossier(&office.stack.keyring, 901, true, Timestamp::now());
    let store = &office.stack.store;
    let handled_by_both = receipt.clone();
    receipt.receipt.officials.truncate(1);
    store.put_dossiers(&[receipt]).await.unwrap();
    let look_up = json!({ "receipt_code": slip.code, "receipt_secret": slip.secret });
    assert_eq!(office.validate(&look_up).await.status, 200);
    let moved_on = store.put_dossiers(&[handled_by_both]).await.unwrap();

    let other = format!("{UNIT}/{OTHER_OFFICIAL}");
    let saved = office.rate(&satisfied(&other, &slip)).await;

    assert_eq!(moved_on, [DossierOutcome::Updated]);
    assert_eq!(saved.status, 201, "{}", saved.body);
}

#[tokio::test]
async fn a_receipt_stored_with_a_digest_by_an_older_version_is_read_rated_and_updated() {
    let office = Office::open().await;
    let (slip, mut receipt) = fixture::dossier(&office.stack.keyring, 902, true, Timestamp::now());
    let store = &office.stack.store;
    let receipts = std::slice::from_ref(&receipt);
    store.put_dossiers(receipts).await.unwrap();
    let table = office.stack.dynamodb.update_item();
    table
        .table_name(RATINGS_TABLE)
        .key("PK", AttributeValue::S(format!("K#{}", receipt.keys.hash)))
        .key("SK", AttributeValue::S("RECEIPT".into()))
        .update_expression("SET digest = :digest")
        .expression_attribute_values(":digest", AttributeValue::S("abc".into()))
        .send()
        .await
        .unwrap();

    let again = store.put_dossiers(receipts).await.unwrap();
    let saved = office.rate(&satisfied(UNIT, &slip)).await;
    receipt.receipt.returned = None;
    let moved = store.put_dossiers(&[receipt]).await.unwrap();

    assert_eq!(again, [DossierOutcome::Unchanged]);
    assert_eq!(saved.status, 201, "{}", saved.body);
    assert_eq!(moved, [DossierOutcome::Updated]);
}

#[tokio::test]
async fn a_security_code_pays_for_one_refusal() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let mut wrong = satisfied(UNIT, &slip);
    wrong["receipt_secret"] = json!("");
    let mut unknown = wrong.clone();
    unknown["receipt_code"] = json!("000.00.20.H17-260101-9999");
    let rated = satisfied(UNIT, &slip);
    assert_eq!(office.rate(&rated).await.status, 201);
    let phone = passer_by(UNIT, "0905123456");
    assert_eq!(office.rate(&phone).await.status, 201);

    for (rating, problem) in [
        (wrong, "receipt-refused"),
        (unknown, "receipt-refused"),
        (rated, "already-rated"),
        (phone, "phone-used"),
    ] {
        let solved = office.solved(Purpose::Rate, &rating).await;
        let mut problems = Vec::new();
        for _ in 0..100 {
            problems.push(office.post_json("/api/ratings", &solved).await.problem());
        }

        let worked_on = problems
            .iter()
            .filter(|given| *given != "challenge-refused");
        assert_eq!(worked_on.collect::<Vec<_>>(), [problem]);
        assert_eq!(problems[0], problem);
    }
    assert_eq!(tries(&office, &slip).await, 1);
    assert_eq!(office.stored().await, 2);
}

/// Wrong tries counted today for a slip's code.
async fn tries(office: &Office, slip: &Slip) -> u32 {
    let code = ReceiptCode::parse(&slip.code).unwrap();
    let keys = office.stack.keyring.receipt_keys(&code);
    let found = office
        .stack
        .store
        .look_up(&keys, local_date(Timestamp::now()));
    found.await.unwrap().tries
}

#[tokio::test]
async fn a_suggestion_of_a_thousand_wide_letters_is_saved_from_a_native_form() {
    let office = Office::open().await;
    for letter in ["가", "好", "𠀋"] {
        let mut rating = satisfied(UNIT, &office.slip().await);
        rating["suggestion"] = json!(letter.repeat(1_000));
        let solved = office.solved(Purpose::Rate, &rating).await;

        let saved = office.post_form("/api/ratings", &pairs(&solved)).await;

        assert_eq!(saved.status, 201, "{letter}: {}", saved.body);
    }
}

#[tokio::test]
async fn a_form_that_is_too_long_comes_back_with_what_was_typed_in_its_own_language() {
    let office = Office::open().await;
    let mut rating = satisfied(UNIT, &office.slip().await);
    rating["lang"] = json!("en");
    rating["suggestion"] = json!("dài ".repeat(5_000));
    // The unit is known to the function, as it is after any rating of it.
    office.post_form("/api/ratings", &[("subject", UNIT)]).await;

    let answer = office.post_form("/api/ratings", &pairs(&rating)).await;

    assert_eq!(answer.status, 413);
    for kept in ["dài dài", "name=\"suggestion\"", "The form is too long"] {
        assert!(answer.body.contains(kept), "{kept} is not there");
    }
}

#[tokio::test]
async fn a_form_in_another_character_set_is_refused_and_nothing_is_saved() {
    let office = Office::open().await;
    let solved = office
        .solved(Purpose::Rate, &satisfied(UNIT, &office.slip().await))
        .await;
    let body = pairs(&solved);
    let body = reqwest::Url::parse_with_params("http://x/", body).unwrap();
    let latin = format!("{}&suggestion=G%F3p", body.query().unwrap());

    let media_type = "application/x-www-form-urlencoded";
    let answer = office.post("/api/ratings", media_type, latin.into()).await;

    assert_eq!((answer.status, office.stored().await), (400, 0));
    assert!(answer.content_type.starts_with("text/html"));
}

#[tokio::test]
async fn a_form_whose_official_has_left_offers_the_others_and_keeps_what_was_typed() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let subject = official();
    let offered = format!("{subject}:desk {UNIT}/{OTHER_OFFICIAL}:desk {UNIT}:");
    let mut catalog = fixture::catalog(1, 1);
    let unit = catalog
        .units
        .get_mut(&UnitId::parse(UNIT).unwrap())
        .unwrap();
    unit.officials
        .retain(|official| official.id.as_str() != OFFICIAL);
    let store = &office.stack.store;
    store.put_catalog(&catalog, Timestamp::now()).await.unwrap();
    let typed = |offered| {
        vec![
            ("subject", subject.as_str()),
            ("offered", offered),
            ("rater_kind", "participant"),
            ("field_id", "dat-dai"),
            ("receipt_code", slip.code.as_str()),
            ("satisfaction", "satisfied"),
            ("suggestion", "Cảm ơn chị ở quầy 3"),
        ]
    };

    for (offered, third) in [(offered.as_str(), false), ("", true)] {
        let answer = office.post_form("/api/ratings", &typed(offered)).await;

        assert_eq!(answer.status, 422);
        for kept in [
            "Không tìm thấy đơn vị hoặc người được đánh giá. Vui lòng chọn lại.",
            "Cảm ơn chị ở quầy 3",
            &slip.code,
            "value=\"hai-chau/hc-02\"",
            "value=\"hai-chau\"",
        ] {
            assert!(answer.body.contains(kept), "{kept}: {}", answer.body);
        }
        assert!(!answer.body.contains("value=\"hai-chau/hc-01\""));
        assert_eq!(answer.body.contains("value=\"hai-chau/hc-03\""), third);
    }
}

#[tokio::test]
async fn the_thank_you_page_is_kept_by_nobody() {
    let office = Office::open().await;
    let rating = satisfied(UNIT, &office.slip().await);
    let solved = office.solved(Purpose::Rate, &rating).await;
    let post = office
        .http
        .post(format!("{}/api/ratings", office.stack.address));

    let saved = post.form(&pairs(&solved)).send().await.unwrap();

    assert_eq!(saved.status(), 201);
    assert_eq!(saved.headers()["cache-control"], "no-store");
}

/// A body of texts as a native form posts it.
fn pairs(body: &Value) -> Vec<(&str, &str)> {
    let pairs = body.as_object().unwrap().iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect()
}
