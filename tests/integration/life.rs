//! A rating's whole life through the functions' binaries, with everything they ask of tables and buckets held against
//! what their roles allow.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use thuocdo::challenge::client::Attempt;
use thuocdo::challenge::{Challenges, Difficulty, Purpose, Scope};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};

use crate::bootstraps::start;
use crate::template::calls::{Call, Recorder};
use crate::template::{permissions, repository};
use crate::trial::{OFFICIAL_ID, Slip, Trial, WARD_ID};

/// The functions on recorded engines.
struct Deployed {
    trial: Trial,
    environment: BTreeMap<String, String>,
    calls: BTreeMap<String, BTreeSet<Call>>,
}

impl Deployed {
    async fn start() -> Self {
        let (trial, environment) = Trial::with_engines_for_others().await;
        Self {
            trial,
            environment,
            calls: BTreeMap::new(),
        }
    }

    /// What `function` answers to `events`, each; what it calls is kept.
    async fn run(&mut self, function: &str, events: &[Value]) -> Vec<Value> {
        let mut environment = self.environment.clone();
        let mut recorders = Vec::new();
        let socket = self.trial.tables_socket();
        for (setting, socket) in [
            ("AWS_ENDPOINT_URL_DYNAMODB", Some(socket.as_path())),
            ("AWS_ENDPOINT_URL_S3", None),
        ] {
            let recorder = Recorder::before(&environment[setting], socket).await;
            environment.insert(setting.to_owned(), recorder.address.clone());
            recorders.push(recorder);
        }
        let mut bootstrap = start(function, &environment).await;
        let mut answers = Vec::new();
        for event in events {
            let invocation = bootstrap.invoke(event.to_string()).await.unwrap();
            let answer: Bytes = invocation.answer.unwrap_or_else(|error| {
                panic!("{function}: {error:?}\n{}", bootstrap.log());
            });
            answers.push(serde_json::from_slice(&answer).unwrap());
        }
        bootstrap.stop().await;
        let calls = self.calls.entry(function.to_owned()).or_default();
        calls.extend(recorders.iter().flat_map(Recorder::calls));
        answers
    }

    fn challenges(&self) -> Challenges {
        Challenges::new(&self.trial.stack.keyring, Difficulty::default())
    }

    /// `body` with a proof of work for it.
    fn worked(&self, purpose: Purpose, mut body: Value) -> Value {
        let attempt = Attempt::new(&scope(purpose, &body));
        let challenge = self
            .challenges()
            .issue(attempt.commitment(), Timestamp::now());
        let solved = attempt.solve(&challenge).unwrap();
        body["altcha"] = json!(solved.altcha);
        body["salt"] = json!(solved.salt);
        body
    }

    /// `body` with the digits of a picture typed for it.
    fn typed(&self, purpose: Purpose, mut body: Value) -> Value {
        let token = self
            .challenges()
            .issue_typed(&scope(purpose, &body), Timestamp::now())
            .token;
        body["typed_answer"] = json!(self.trial.read_code(&token));
        body["typed_token"] = json!(token);
        body
    }

    /// A rating of the ward in the month before this one, not counted yet.
    async fn save_one_last_month(&self) {
        let now = Timestamp::now();
        let back = i64::from(local_date(now).day()) + 5;
        let then = now - SignedDuration::from_hours(24 * back);
        let mut rating = crate::count::rating(1, then);
        rating.subject.unit_id = UnitId::parse(WARD_ID).unwrap();
        crate::count::save(&self.trial.stack.store, &[rating], then).await;
    }

    /// Adds `amount` to a counter of one of the ward's cells, as no function does.
    async fn change_a_cell(&self, month: Month, amount: &str) {
        let client = &self.trial.stack.dynamodb;
        let table = &self.environment["TALLY_TABLE"];
        let partition = AttributeValue::S(format!("C#{WARD_ID}#{month}"));
        let cells = client
            .query()
            .table_name(table)
            .key_condition_expression("PK = :pk");
        let cells = cells
            .expression_attribute_values(":pk", partition)
            .send()
            .await
            .unwrap();
        let is_cell =
            |item: &&HashMap<String, AttributeValue>| !item["SK"].as_s().unwrap().starts_with('#');
        let cell = cells.items().iter().find(is_cell).unwrap();
        let mut counters = cell
            .iter()
            .filter(|(_, value)| value.is_n())
            .map(|(name, _)| name);
        let counter = counters.by_ref().min().unwrap();
        client
            .update_item()
            .table_name(table)
            .key("PK", cell["PK"].clone())
            .key("SK", cell["SK"].clone())
            .update_expression("ADD #counter :amount")
            .expression_attribute_names("#counter", counter)
            .expression_attribute_values(":amount", AttributeValue::N(amount.to_owned()))
            .send()
            .await
            .unwrap();
    }

    /// Images of the ward's ratings that wait to be counted.
    async fn pending_images(&self) -> Vec<Value> {
        let month = Month::of(local_date(Timestamp::now()));
        let partition = AttributeValue::S(format!("U#{WARD_ID}#{month}"));
        let query = self
            .trial
            .stack
            .dynamodb
            .query()
            .table_name(&self.environment["RATINGS_TABLE"])
            .key_condition_expression("PK = :pk")
            .filter_expression("attribute_exists(pend)")
            .expression_attribute_values(":pk", partition);
        let items = query.send().await.unwrap().items.unwrap_or_default();
        let value = |value| serde_json::to_value(serde_dynamo::AttributeValue::from(value));
        items
            .into_iter()
            .map(|item| {
                let attributes = item.into_iter();
                attributes
                    .map(|(name, attribute)| (name, value(attribute).unwrap()))
                    .collect()
            })
            .collect()
    }
}

fn scope<'a>(purpose: Purpose, body: &'a Value) -> Scope<'a> {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    Scope {
        purpose,
        subject: text("subject"),
        receipt_code: text("receipt_code"),
        receipt_secret: text("receipt_secret"),
        phone: text("phone"),
    }
}

/// A request as the HTTP API hands it over, payload format 2.0.
fn request(method: &str, path: &str, query: &str, body: Option<&Value>) -> Value {
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": query,
        "headers": { "content-type": "application/json", "accept": "application/json" },
        "requestContext": { "stage": "$default", "http": { "method": method, "path": path } },
        "body": body.map(Value::to_string),
        "isBase64Encoded": false,
    })
}

/// What S3 tells of an object, after the sample event.
fn dropped(bucket: &str, key: &str) -> Value {
    let sample = std::fs::read(repository("events/import-files-catalog.json")).unwrap();
    let mut event: Value = serde_json::from_slice(&sample).unwrap();
    event["Records"][0]["s3"]["bucket"]["name"] = json!(bucket);
    event["Records"][0]["s3"]["object"]["key"] = json!(key);
    event
}

fn statuses(answers: &[Value]) -> Vec<u64> {
    let status = |answer: &Value| answer["statusCode"].as_u64().unwrap();
    answers.iter().map(status).collect()
}

#[tokio::test]
async fn a_rating_lives_its_life_through_the_binaries_with_exactly_the_rights_their_roles_give() {
    let mut deployed = Deployed::start().await;
    let today = local_date(Timestamp::now());

    // Slips are looked up: one good, one wrong.
    let Slip { code, secret } = Trial::slip(1);
    let wrong = Trial::slip(2).secret;
    let look_ups = [&secret, &wrong].map(|secret| {
        let slip = json!({ "receipt_code": code, "receipt_secret": secret });
        let body = deployed.worked(Purpose::Validate, slip);
        request("POST", "/api/receipts/validate", "", Some(&body))
    });
    let answers = deployed.run("validate-receipt", &look_ups).await;
    assert_eq!(statuses(&answers)[0], 200, "{answers:?}");

    // Rated, again, by a stranger, by a passer-by, and with a typed code.
    let rating = json!({
        "subject": format!("{WARD_ID}/{OFFICIAL_ID}"), "rater_kind": "participant", "field_id": "ho-tich",
        "satisfaction": "satisfied", "receipt_code": code, "receipt_secret": secret, "suggestion": "Cảm ơn",
    });
    let mut second = rating.clone();
    second["satisfaction"] = json!("not_satisfied");
    second["reasons"] = json!(["tre-hen"]);
    let mut stranger = rating.clone();
    stranger["receipt_secret"] = json!(wrong);
    let passer_by = json!({
        "subject": WARD_ID, "rater_kind": "non_participant", "satisfaction": "satisfied",
        "full_name": "Nguyễn Thị Người Qua Đường", "phone": "0905123456", "consent": "yes",
    });
    let mut typed = passer_by.clone();
    typed["phone"] = json!("0905123457");
    let worked =
        [rating, second, stranger, passer_by].map(|body| deployed.worked(Purpose::Rate, body));
    let typed = deployed.typed(Purpose::Rate, typed);
    let posts: Vec<Value> = worked
        .iter()
        .chain([&typed])
        .map(|body| request("POST", "/api/ratings", "", Some(body)))
        .collect();
    let answers = deployed.run("submit-rating", &posts).await;
    let saved = statuses(&answers);
    assert_eq!(
        (saved[0], saved[3], saved[4]),
        (201, 201, 201),
        "{answers:?}"
    );
    assert!(saved[1] >= 400 && saved[2] >= 400, "{answers:?}");

    // The stream delivers one; what it lost is found by the reconciliation.
    let images = deployed.pending_images().await;
    assert_eq!(images.len(), 3);
    let record = json!({
        "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "local",
        "dynamodb": { "SequenceNumber": "1", "StreamViewType": "NEW_IMAGE", "SizeBytes": 1, "ApproximateCreationDateTime": 0,
            "Keys": { "PK": images[0]["PK"], "SK": images[0]["SK"] }, "NewImage": images[0] },
    });
    let delivered = deployed
        .run("aggregate-ratings", &[json!({ "Records": [record] })])
        .await;
    assert_eq!(delivered[0]["batchItemFailures"], json!([]));
    assert_eq!(deployed.pending_images().await.len(), 2);
    deployed.run("reconcile-tallies", &[json!({})]).await;
    assert_eq!(deployed.pending_images().await.len(), 0);

    // Published, and asked for.
    deployed.run("publish-pages", &[json!({})]).await;
    let ask = |query: String| request("GET", "/api/statistics", &query, None);
    let asked = [
        ask(format!("unit_id={WARD_ID}")),
        ask(format!("unit={WARD_ID}")),
    ];
    let statistics = deployed.run("get-statistics", &asked).await;
    assert_eq!(statuses(&statistics), [200, 422], "{statistics:?}");
    let document: Value = serde_json::from_str(statistics[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(document["unit"]["unit_id"], WARD_ID);

    // Another catalog, a dossier that moved on, and a new one.
    let bucket = deployed.environment["DROP_BUCKET"].clone();
    let drop = deployed.trial.stack.drop.clone();
    for (key, text) in Trial::changed_catalog("catalog/da-nang/") {
        drop.put(&key, "text/csv", "no-store", text.into_bytes())
            .await
            .unwrap();
    }
    let dossiers = format!(
        "code,secret,unit,officials,field,procedure,received,due,returned,status\n\
         {code},{secret},{WARD_ID},{OFFICIAL_ID}:desk,ho-tich,Đăng ký khai sinh,{today},{today},,open\n\
         000.01.40.H17-{}-0099,,{WARD_ID},{OFFICIAL_ID}:desk,ho-tich,Đăng ký khai sinh,{today},{today},,open\n",
        today.strftime("%y%m%d"),
    );
    drop.put(
        "dossiers/hai-chau.csv",
        "text/csv",
        "no-store",
        dossiers.into_bytes(),
    )
    .await
    .unwrap();
    let events =
        ["catalog/da-nang/ready", "dossiers/hai-chau.csv"].map(|key| dropped(&bucket, key));
    let imported = deployed.run("import-files", &events).await;
    assert_eq!(imported, [json!(1), json!(1)]);

    // Two people set the first rating aside; last month is closed and sealed.
    let row = format!("{WARD_ID},{OFFICIAL_ID},{code},,,not_the_rater");
    let voids = format!("unit,official,receipt_code,phone,rating,reason\n{row}\n");
    let mut approvals = Vec::new();
    for (seat, person) in [("1", "AWS:one"), ("2", "AWS:two")] {
        let key = format!("voids/{seat}/loai.csv");
        drop.put(&key, "text/csv", "no-store", voids.clone().into_bytes())
            .await
            .unwrap();
        let mut event = dropped(&bucket, &key);
        event["Records"][0]["userIdentity"]["principalId"] = json!(person);
        approvals.push(event);
    }
    // Delivered once more, as S3 may, when the file is deleted already.
    approvals.push(approvals[0].clone());
    let approved = deployed.run("import-files", &approvals).await;
    assert_eq!(approved, [json!(1), json!(1), json!(0)]);
    // Put there once more, as a person may: the approval is on record already.
    drop.put(
        "voids/1/loai.csv",
        "text/csv",
        "no-store",
        voids.into_bytes(),
    )
    .await
    .unwrap();
    let again = deployed.run("import-files", &approvals[..1]).await;
    assert_eq!(again, [json!(1)]);
    let store = deployed.trial.stack.store.clone();
    let ward = UnitId::parse(WARD_ID).unwrap();
    let this = Month::of(today);
    deployed.save_one_last_month().await;
    store
        .remember_reconciled_until(Some(&(this.previous().previous(), ward.clone())))
        .await
        .unwrap();
    let run = deployed.run("reconcile-tallies", &[json!({})]).await;
    assert_eq!(
        (&run[0]["voided"], &run[0]["left"]),
        (&json!(1), &json!(0)),
        "{run:?}"
    );

    // A cell that differs holds the ward's publication back until it is mended.
    for (amount, differs) in [("1", 1), ("-1", 0)] {
        deployed.change_a_cell(this, amount).await;
        let run = deployed.run("reconcile-tallies", &[json!({})]).await;
        assert_eq!(run[0]["mismatched"], differs, "{run:?}");
    }

    let key = request("GET", "/api/challenge", "scope=x", None);
    deployed.run("issue-challenge", &[key]).await;

    permissions::assert_roles_fit(&deployed.calls, &deployed.environment);
    deployed.trial.stack.stop().await;
}
