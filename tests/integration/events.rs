//! Every file in `events/`, replayed: what the function is sent is understood, and answered as its name says.

use aws_lambda_events::dynamodb::Event;
use jiff::Timestamp;
use lambda_http::LambdaEvent;
use lambda_runtime::Context;
use local::dispatch::Functions;
use local::gateway::Function;
use serde_json::Value;
use thuocdo::challenge::Difficulty;
use thuocdo::handlers::import_files::read_event;
use thuocdo::http::gateway;

use crate::trial::Trial;

/// Answers by what a name ends in; without a security code a form is asked for one, and a program is refused.
const ANSWERS: [(&str, u64); 17] = [
    ("-malformed-base64", 400),
    ("-form-participant", 200),
    ("-form-non-participant", 200),
    ("validate-receipt-form", 200),
    ("-json-participant", 422),
    ("-json-non-participant", 422),
    ("validate-receipt-json", 422),
    ("-json-unknown-code", 422),
    ("-json-unknown-name", 400),
    ("-json-wrong-types", 400),
    ("-json-malformed", 400),
    ("-form-not-utf-8", 400),
    ("-form-too-large", 413),
    ("-wrong-content-type", 415),
    ("-no-body", 415),
    ("issue-challenge", 200),
    ("-without-scope", 422),
];

/// What the event called `name` is answered, where its name says it.
pub(crate) fn expected_status(name: &str) -> Option<u64> {
    let mut expected = ANSWERS.iter().filter(|(ending, _)| name.ends_with(ending));
    expected.next().map(|(_, status)| *status)
}

#[tokio::test]
async fn every_sample_event_is_answered_as_its_name_says() {
    let trial = Trial::start().await;
    let stack = &trial.stack;
    let functions = Functions::new(
        stack.store.clone(),
        stack.site.clone(),
        stack.drop.clone(),
        stack.keyring.clone(),
        Difficulty::for_tests(),
    );
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut replayed = 0;

    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        replay(&functions, &name, &text).await;
        replayed += 1;
    }

    assert!(replayed > 0);
    drop(functions);
    trial.stack.stop().await;
}

async fn replay(functions: &Functions, name: &str, text: &str) {
    let now = Timestamp::now();
    let is = |function: &str| name.starts_with(function);
    let function = if is("submit-rating") {
        Function::SubmitRating
    } else if is("validate-receipt") {
        Function::ValidateReceipt
    } else if is("issue-challenge") {
        Function::IssueChallenge
    } else if is("get-statistics") {
        Function::GetStatistics
    } else if is("aggregate-ratings") {
        let event: Event = serde_json::from_str(text).unwrap();
        let response = functions.aggregate_ratings(event).await.unwrap();
        assert!(response.batch_item_failures.is_empty(), "{name}");
        return;
    } else if is("reconcile-tallies") {
        serde_json::from_str::<Value>(text).unwrap();
        functions.reconcile_tallies(now).await.unwrap();
        return;
    } else if is("publish-pages") {
        serde_json::from_str::<Value>(text).unwrap();
        functions.publish_pages(now).await.unwrap();
        return;
    } else if is("import-files") {
        let event = read_event(serde_json::from_str(text).unwrap());
        functions.import_files(event, now).await.unwrap();
        return;
    } else {
        panic!("{name}.json belongs to no function");
    };

    let event = LambdaEvent::new(serde_json::from_str(text).unwrap(), Context::default());
    let handler = |request| functions.answer(function, request, now);
    let reply = gateway::answer(&handler, event).await.unwrap();
    let reply = serde_json::to_value(reply).unwrap();
    let status = reply["statusCode"].as_u64().unwrap();
    assert!(status < 500, "{name}: {status}");
    if let Some(expected) = expected_status(name) {
        assert_eq!(status, expected, "{name}: {}", reply["body"]);
    }
}
