//! Rating from the form that looking a receipt up gives: what the form says of the dossier is compared, and never believed.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, ToSpan};
use local::dynamo::RATINGS_TABLE;
use serde_json::{Value, json};
use thuocdo::challenge::Purpose;
use thuocdo::domain::catalog::OfficialRole;
use thuocdo::domain::handling::Handling;
use thuocdo::domain::id::{FieldId, OfficialId, UnitId};
use thuocdo::domain::period::local_date;
use thuocdo::domain::rating::{Attestation, Rating, RatingId};
use thuocdo::domain::receipt::{ReceiptCode, ReceiptSecret};
use thuocdo::store::dossier::DossierOutcome;

use crate::fixture::{self, OFFICIAL, OTHER_OFFICIAL, Slip, UNIT};
use crate::support::{Office, looked_up, official, satisfied};

/// Without what differs between two dossiers alike.
fn alike(rating: Rating) -> Rating {
    Rating {
        id: RatingId(String::new()),
        ..rating
    }
}

fn hash(office: &Office, slip: &Slip) -> String {
    let code = ReceiptCode::parse(&slip.code).unwrap();
    office.stack.keyring.receipt_hash(&code)
}

async fn remove(office: &Office, slip: &Slip, attribute: &str) {
    let pk = format!("K#{}", hash(office, slip));
    let update = office.stack.dynamodb.update_item();
    update
        .table_name(RATINGS_TABLE)
        .key("PK", AttributeValue::S(pk))
        .key("SK", AttributeValue::S("RECEIPT".into()))
        .update_expression("REMOVE #attribute")
        .expression_attribute_names("#attribute", attribute)
        .send()
        .await
        .unwrap();
}

async fn tries(office: &Office, slip: &Slip) -> u32 {
    let today = local_date(Timestamp::now());
    let found = office.stack.store.look_up(&hash(office, slip), today).await;
    found.unwrap().tries
}

fn handling(slip: &Slip) -> Handling {
    let (said, _) = slip.dossier.rsplit_once(' ').unwrap();
    Handling::parse(&UnitId::parse(UNIT).unwrap(), said).unwrap()
}

/// What looking the slip up would say, were its dossier so handled.
fn vouched(office: &Office, slip: &Slip, handling: &Handling) -> String {
    let code = ReceiptCode::parse(&slip.code).unwrap();
    let secret = ReceiptSecret::parse(slip.secret.as_ref().unwrap()).unwrap();
    office.stack.keyring.vouch(&code, &secret, handling)
}

#[tokio::test]
async fn what_was_looked_up_saves_the_same_rating_as_looking_it_up_again() {
    for with_secret in [true, false] {
        let office = Office::open().await;
        for subject in [UNIT.to_owned(), official()] {
            for rate in [satisfied, looked_up] {
                let slip = match with_secret {
                    true => office.slip().await,
                    false => office.bare_slip().await,
                };
                let answer = office.rate(&rate(&subject, &slip)).await;
                assert_eq!(answer.status, 201, "{}", answer.body);
            }
        }

        let stored = office.stored_ratings().await;
        let of = |subject: &str| {
            let of_subject = stored.iter().filter(|r| r.subject.to_string() == subject);
            of_subject.cloned().map(alike).collect::<Vec<_>>()
        };
        for subject in [UNIT.to_owned(), official()] {
            let both = of(&subject);
            assert_eq!(both.len(), 2);
            assert_eq!(both[0], both[1]);
            let sure = match with_secret {
                true => Attestation::DossierVerified,
                false => Attestation::DossierClaimed,
            };
            assert_eq!((both[0].attestation, both[0].late), (sure, Some(false)));
            assert!(both[0].field_id.is_some());
        }
    }
}

#[tokio::test]
async fn a_slip_with_a_secret_that_was_looked_up_is_not_read_again() {
    let office = Office::open().await;
    let slips = [
        office.slip().await,
        office.slip().await,
        office.bare_slip().await,
    ];
    for slip in &slips {
        // Nobody can read it any more.
        remove(&office, slip, "status").await;
    }

    let [read, unread, bare] = &slips;
    let answers = [
        office.rate(&satisfied(UNIT, read)).await,
        office.rate(&looked_up(UNIT, unread)).await,
        office.rate(&looked_up(UNIT, bare)).await,
    ];

    assert_eq!(answers.map(|answer| answer.status), [503, 201, 503]);
}

#[tokio::test]
async fn a_form_that_says_otherwise_than_the_receipt_saves_what_the_receipt_says() {
    let office = Office::open().await;
    let honest = office.slip().await;
    assert_eq!(
        office.rate(&looked_up(&official(), &honest)).await.status,
        201
    );
    let expected = alike(office.stored_ratings().await.remove(0));
    let said = handling(&honest);
    let change = |change: fn(&mut Handling)| {
        let mut lie = said.clone();
        change(&mut lie);
        lie
    };
    let lies = [
        change(|lie| lie.field_id = FieldId::parse("ho-tich").unwrap()),
        change(|lie| lie.officials[0].1 = OfficialRole::Settle),
        change(|lie| lie.due = lie.due.map(|due| due.checked_sub(9.days()).unwrap())),
        change(|lie| lie.due = None),
        change(|lie| lie.returned = None),
        change(|lie| lie.officials.truncate(1)),
        change(|lie| drop(lie.officials.remove(0))),
    ];

    let mut rated = 1;
    let rate = async |slip: &Slip, lie: &str| {
        let mut rating = looked_up(&official(), slip);
        rating["dossier"] = lie.into();
        let answer = office.rate(&rating).await;
        assert_eq!(answer.status, 201, "{lie}: {}", answer.body);
    };
    for lie in &lies {
        let (told, untold) = (office.slip().await, office.slip().await);
        // The first as if the dossier had been so when the slip was looked up.
        rate(&told, &vouched(&office, &told, lie)).await;
        rate(&untold, &lie.to_string()).await;
        rated += 2;
    }
    for lie in ["", " ", "không phải hồ sơ", honest.dossier.as_str()] {
        rate(&office.slip().await, lie).await;
        rated += 1;
    }

    let stored = office.stored_ratings().await;
    assert_eq!(stored.len(), rated);
    for rating in stored {
        assert_eq!(alike(rating), expected);
    }
}

#[tokio::test]
async fn an_official_the_receipt_does_not_name_is_not_rated_however_the_form_names_them() {
    let office = Office::open().await;
    let (mut slip, mut receipt) =
        fixture::dossier(&office.stack.keyring, 900, true, Timestamp::now());
    receipt.receipt.officials.truncate(1);
    slip.dossier = vouched(&office, &slip, &Handling::from(&receipt.receipt));
    office.stack.store.put_dossiers(&[receipt]).await.unwrap();
    let other = format!("{UNIT}/{OTHER_OFFICIAL}");

    let mut lie = looked_up(&other, &slip);
    let mut named = handling(&slip);
    named.officials.push((
        OfficialId::parse(OTHER_OFFICIAL).unwrap(),
        OfficialRole::Desk,
    ));
    lie["dossier"] = vouched(&office, &slip, &named).into();
    for rating in [looked_up(&other, &slip), lie] {
        let answer = office.rate(&rating).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (422, "receipt-refused".into())
        );
    }

    assert_eq!(office.stored().await, 0);
    assert_eq!(
        office.rate(&looked_up(&official(), &slip)).await.status,
        201
    );
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_counted_whatever_the_form_says() {
    let office = Office::open().await;
    let (slip, stranger) = (office.slip().await, office.slip().await);
    let wrong = |secret: Value| {
        let mut rating = looked_up(UNIT, &slip);
        rating["receipt_secret"] = secret;
        rating
    };
    let mut unsaid = wrong(stranger.secret.clone().into());
    unsaid.as_object_mut().unwrap().remove("dossier");

    let plain = office.rate(&unsaid).await;
    let mut answers = Vec::new();
    for secret in [stranger.secret.clone().into(), json!("")] {
        answers.push(office.rate(&wrong(secret)).await);
    }
    // Even with our word for it.
    let mistaken = Slip {
        secret: stranger.secret.clone(),
        ..slip.clone()
    };
    let mut vouched_for = wrong(stranger.secret.clone().into());
    vouched_for["dossier"] = vouched(&office, &mistaken, &handling(&slip)).into();
    answers.push(office.rate(&vouched_for).await);

    assert_eq!(
        (plain.status, plain.problem()),
        (422, "receipt-refused".into())
    );
    for answer in &answers {
        assert_eq!(answer, &plain);
    }
    assert_eq!((office.stored().await, tries(&office, &slip).await), (0, 4));
}

#[tokio::test]
async fn a_used_receipt_tells_a_retry_from_a_second_opinion() {
    let office = Office::open().await;
    for (slip, used) in [
        (office.slip().await, (409, "already-rated")),
        (office.bare_slip().await, (422, "receipt-refused")),
    ] {
        let mut rating = looked_up(UNIT, &slip);
        rating["attempt"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
        let mut second = rating.clone();
        second["suggestion"] = json!("Ý kiến khác");

        let first = office.rate(&rating).await;
        let retry = office.rate(&rating).await;
        let second = office.rate(&second).await;

        assert_eq!((first.status, retry.status), (201, 200), "{}", retry.body);
        assert_eq!(first.body, retry.body);
        assert_eq!((second.status, second.problem()), (used.0, used.1.into()));
    }
    assert_eq!(office.stored().await, 2);
}

#[tokio::test]
async fn a_dossier_that_moved_on_while_the_form_was_open_is_rated_as_it_is_now() {
    let office = Office::open().await;
    let (slip, mut receipt) = fixture::dossier(&office.stack.keyring, 901, true, Timestamp::now());
    let store = &office.stack.store;
    store
        .put_dossiers(std::slice::from_ref(&receipt))
        .await
        .unwrap();
    let late = receipt.receipt.due.unwrap().checked_add(1.day()).unwrap();
    receipt.receipt.returned = Some(late);
    store
        .put_dossiers(std::slice::from_ref(&receipt))
        .await
        .unwrap();
    let now = Slip {
        dossier: vouched(&office, &slip, &Handling::from(&receipt.receipt)),
        ..slip.clone()
    };
    // Nobody can read it any more: only a form that knows how it is now can rate.
    remove(&office, &slip, "received").await;

    let before = office.rate(&looked_up(UNIT, &slip)).await;
    let after = office.rate(&looked_up(UNIT, &now)).await;

    assert_eq!((before.status, after.status), (503, 201), "{}", after.body);
    assert_eq!(office.stored_ratings().await[0].late, Some(true));
}

#[tokio::test]
async fn an_expired_receipt_and_one_from_before_digests_are_looked_up() {
    let office = Office::open().await;
    let received = local_date(Timestamp::now())
        .checked_sub(400.days())
        .unwrap();
    let (expired, receipt) = fixture::dossier_of(&office.stack.keyring, 902, true, received);
    office.stack.store.put_dossiers(&[receipt]).await.unwrap();
    let old = office.slip().await;
    remove(&office, &old, "digest").await;

    let refused = office.rate(&looked_up(UNIT, &expired)).await;
    let saved = office.rate(&looked_up(UNIT, &old)).await;

    assert_eq!(
        (refused.status, refused.problem()),
        (422, "receipt-refused".into())
    );
    assert_eq!(saved.status, 201, "{}", saved.body);
}

#[tokio::test]
async fn importing_a_dossier_again_gives_an_older_receipt_its_digest() {
    let office = Office::open().await;
    let (slip, receipt) = fixture::dossier(&office.stack.keyring, 903, true, Timestamp::now());
    let store = &office.stack.store;
    store
        .put_dossiers(std::slice::from_ref(&receipt))
        .await
        .unwrap();
    remove(&office, &slip, "digest").await;

    let again = store.put_dossiers(std::slice::from_ref(&receipt)).await;
    let once_more = store.put_dossiers(std::slice::from_ref(&receipt)).await;
    remove(&office, &slip, "status").await;
    let unread = office.rate(&looked_up(UNIT, &slip)).await;

    assert_eq!(again.unwrap(), [DossierOutcome::Updated]);
    assert_eq!(once_more.unwrap(), [DossierOutcome::Unchanged]);
    assert_eq!(unread.status, 201, "{}", unread.body);
}

#[tokio::test]
async fn the_form_of_a_receipt_posts_what_was_looked_up_also_after_a_mistake() {
    let office = Office::open().await;
    let slip = office.slip().await;
    let secret = slip.secret.clone().unwrap();
    let solved = |purpose, body: Value| {
        let office = &office;
        async move {
            let solved = office.solved(purpose, &body).await;
            let pairs = solved.as_object().unwrap().iter();
            let pairs =
                pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
            pairs.collect::<Vec<_>>()
        }
    };
    let post = async |path: &'static str, pairs: &[(String, String)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        office.post_form(path, &pairs).await
    };
    let hidden = format!(
        "<input type=\"hidden\" name=\"dossier\" value=\"{}\">",
        slip.dossier
    );

    let body = json!({ "receipt_code": slip.code, "receipt_secret": secret });
    let form = post(
        "/api/receipts/validate",
        &solved(Purpose::Validate, body).await,
    )
    .await;
    assert!(form.body.contains(&hidden), "{}", form.body);
    let mut unfinished = looked_up(&official(), &slip);
    unfinished["satisfaction"] = json!("");
    unfinished["offered"] = format!("{UNIT}/{OFFICIAL}:desk {UNIT}:").into();
    let again = post("/api/ratings", &solved(Purpose::Rate, unfinished).await).await;

    assert_eq!(again.status, 422);
    assert!(again.body.contains(&hidden), "{}", again.body);
}
