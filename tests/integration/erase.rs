//! Forgetting a person, and nothing of what was counted.

use aws_sdk_dynamodb::types::AttributeValue;
use local::dynamo::RATINGS_TABLE;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::phone::Phone;
use thuocdo::intake::person;
use thuocdo::store::guard::Erased;

use crate::fixture::{OTHER_OFFICIAL, UNIT};
use crate::support::{Office, official, passer_by};

const PHONE: &str = "0905123456";

/// Seals a name and this phone into a guard that holds neither yet.
async fn seal_as_an_earlier_version(office: &Office, phone: &str) {
    let stack = &office.stack;
    let guards = stack.dynamodb.scan().table_name(RATINGS_TABLE);
    let guards = guards
        .filter_expression("begins_with(PK, :guards) AND attribute_not_exists(sealed)")
        .expression_attribute_values(":guards", AttributeValue::S("P#".into()));
    let guard = guards.send().await.unwrap().items.unwrap().remove(0);
    let hash = guard["PK"].as_s().unwrap().strip_prefix("P#").unwrap();
    let quarter = Month::of(local_date(jiff::Timestamp::now())).quarter();
    let person = format!("Nguyễn Thị Người Qua Đường\n{phone}");
    let sealed = thuocdo::seal::seal(
        &stack.keyring.sealing_key(quarter),
        hash.as_bytes(),
        person.as_bytes(),
    );
    let update = stack.dynamodb.update_item().table_name(RATINGS_TABLE);
    update
        .key("PK", guard["PK"].clone())
        .key("SK", guard["SK"].clone())
        .update_expression("SET sealed = :sealed")
        .expression_attribute_values(":sealed", AttributeValue::B(sealed.unwrap().into()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_phone_is_forgotten_everywhere_while_its_ratings_stay_and_it_still_rates_once() {
    let office = Office::open().await;
    for (subject, phone) in [
        (UNIT.to_owned(), PHONE),
        (official(), PHONE),
        (format!("{UNIT}/{OTHER_OFFICIAL}"), "0905123457"),
    ] {
        assert_eq!(office.rate(&passer_by(&subject, phone)).await.status, 201);
    }
    let stack = &office.stack;
    let forget = async |phone: &str| {
        let phone = Phone::parse(phone).unwrap();
        person::erase(&stack.store, &stack.keyring, &phone, jiff::Timestamp::now()).await
    };

    for phone in [PHONE, PHONE, "0905123457"] {
        seal_as_an_earlier_version(&office, phone).await;
    }
    let found = forget(PHONE).await.unwrap();
    let again = forget(PHONE).await.unwrap();
    let stranger = forget("0912345678").await.unwrap();

    assert_eq!((found.looked_at, found.erased), (3, 2));
    let left = Erased {
        looked_at: 1,
        erased: 0,
    };
    assert_eq!((again, stranger), (left, left));
    assert_eq!(office.stored().await, 3);
    let mut second = passer_by(UNIT, PHONE);
    second["full_name"] = "Người Khác".into();
    second["satisfaction"] = "not_satisfied".into();
    second["reasons"] = serde_json::json!(["tre-hen"]);
    assert_eq!(office.rate(&second).await.status, 409);
    assert_eq!(office.stored().await, 3);
}
