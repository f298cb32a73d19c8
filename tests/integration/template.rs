//! What `template.yaml` promises, and that it agrees with the code.

mod document;
mod permissions;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use document::repository;
use document::{load, text};

/// Resources of one type, by logical name.
fn resources<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let resources = template["Resources"].as_object().unwrap().iter();
    resources
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), resource))
        .collect()
}

/// Functions with the name of their binary.
fn functions(template: &Value) -> Vec<(String, &Value)> {
    resources(template, "AWS::Serverless::Function")
        .into_iter()
        .map(|(name, function)| {
            let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str();
            (binary.unwrap_or(name).to_owned(), function)
        })
        .collect()
}

/// Names of the functions, which are those of their binaries.
pub(crate) fn function_names() -> BTreeSet<String> {
    let template = load();
    let named = functions(&template).into_iter().map(|(name, _)| name);
    named.collect()
}

/// The resource of a function: `submit-rating` is `SubmitRatingFunction`.
pub(crate) fn logical_name(function: &str) -> String {
    let words = function.split('-');
    let camel: String = words
        .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]))
        .collect();
    format!("{camel}Function")
}

/// Names of the files with `extension` directly in `folder`, without it.
fn stems(folder: &str, extension: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(repository(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// The function an event file speaks of: the longest name its own begins with.
pub(crate) fn function_of<'a>(event: &str, names: &'a BTreeSet<String>) -> Option<&'a str> {
    let names = names.iter().filter(|name| {
        event
            .strip_prefix(name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    names.max_by_key(|name| name.len()).map(String::as_str)
}

#[test]
fn a_function_has_one_name_everywhere() {
    let template = load();
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();

    let named: BTreeSet<String> = functions(&template).into_iter().map(|(n, _)| n).collect();
    let bins = manifest["bin"].as_array().unwrap();
    let bins: BTreeSet<String> = bins
        .iter()
        .map(|bin| bin["name"].as_str().unwrap().to_owned())
        .collect();
    let handlers: BTreeSet<String> = stems("src/handlers", "rs")
        .into_iter()
        .map(|stem| stem.replace('_', "-"))
        .collect();
    let mut with_events = BTreeSet::new();
    for event in stems("events", "json") {
        let function = function_of(&event, &named);
        with_events.insert(
            function
                .unwrap_or_else(|| panic!("{event}.json"))
                .to_owned(),
        );
    }

    assert_eq!(named, bins, "template.yaml and Cargo.toml");
    assert_eq!(
        named,
        stems("functions", "rs"),
        "template.yaml and functions/"
    );
    assert_eq!(named, handlers, "template.yaml and src/handlers/");
    assert_eq!(named, with_events, "template.yaml and events/");
    for (name, _) in resources(&template, "AWS::Serverless::Function") {
        let function = &template["Resources"][name];
        let binary = function["Metadata"]["BuildProperties"]["Binary"]
            .as_str()
            .unwrap();
        assert_eq!(name, logical_name(binary));
        assert_eq!(
            function["Metadata"]["BuildMethod"], "rust-cargolambda",
            "{name}"
        );
    }
}

#[test]
fn every_setting_a_function_reads_is_set_for_it() {
    let settings_read = |code: &str| -> BTreeSet<String> {
        let names = code.split("required(\"").skip(1);
        names
            .map(|rest| rest[..rest.find('"').unwrap()].to_owned())
            .collect()
    };
    // A main may read its settings through a function of the library, such as one that builds the store.
    let mut helpers = Vec::new();
    for path in rust_files("src") {
        let code = std::fs::read_to_string(path).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap().to_owned();
        for chunk in code.split("fn ").skip(1) {
            let read = settings_read(chunk);
            if !read.is_empty() {
                let end = chunk.find(['(', '<']).unwrap();
                helpers.push((chunk[..end].to_owned(), read));
            }
        }
    }

    for (name, function) in functions(&load()) {
        let main = text(&format!("functions/{name}.rs"));
        let mut read = settings_read(&main);
        for (helper, settings) in &helpers {
            if main.contains(&format!("{helper}(")) {
                read.extend(settings.iter().cloned());
            }
        }
        let set = &function["Properties"]["Environment"]["Variables"];
        for setting in read {
            assert!(set.get(&setting).is_some(), "{name} reads {setting}");
        }
    }
}

fn rust_files(folder: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_function_outlives_the_longest_store_operation() {
    let template = load();
    let default = &template["Globals"]["Function"]["Timeout"];

    for (name, function) in functions(&template) {
        let properties = &function["Properties"];
        let timeout = properties
            .get("Timeout")
            .unwrap_or(default)
            .as_u64()
            .unwrap();
        assert!(
            Duration::from_secs(timeout) > thuocdo::config::OPERATION_TIMEOUT,
            "{name}"
        );
        let events = properties["Events"].as_object().unwrap();
        if events.values().any(|event| event["Type"] == "HttpApi") {
            assert!(timeout < 30, "{name}: the HTTP API waits no longer");
        }
    }
}

#[test]
fn a_panic_is_reported_and_the_sandbox_lives() {
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();

    assert_eq!(
        manifest["profile"]["release"]["panic"].as_str(),
        Some("unwind")
    );
}

#[test]
fn the_stream_wakes_the_counting_for_pending_ratings_only() {
    let template = load();
    let function = &template["Resources"]["AggregateRatingsFunction"]["Properties"];
    let source = &function["Events"]["Ratings"]["Properties"];

    let filters = source["FilterCriteria"]["Filters"].as_array().unwrap();
    assert_eq!(filters.len(), 1);
    let pattern: Value = serde_json::from_str(filters[0]["Pattern"].as_str().unwrap()).unwrap();
    assert_eq!(
        pattern,
        json!({"dynamodb": {"NewImage": {"pend": {"S": [{"exists": true}]}}}})
    );
    assert_eq!(
        source["Stream"],
        json!({"Fn::GetAtt": ["RatingsTable", "StreamArn"]})
    );
    assert_eq!(source["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(
        source["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"])
    );
    assert_eq!(source["BisectBatchOnFunctionError"], true);
    assert!(source["MaximumRetryAttempts"].as_i64().unwrap() > 0);
    assert!(source["MaximumRecordAgeInSeconds"].as_i64().unwrap() > 0);
    assert_eq!(
        source["DestinationConfig"]["OnFailure"]["Destination"],
        json!({"Fn::GetAtt": ["FailureQueue", "Arn"]})
    );
}

#[test]
fn the_tables_are_kept_encrypted_and_hard_to_lose() {
    let template = load();
    let tables = resources(&template, "AWS::DynamoDB::Table");

    assert_eq!(tables.len(), 2);
    for (name, table) in tables {
        let properties = &table["Properties"];
        assert_eq!(table["DeletionPolicy"], "Retain", "{name}");
        assert_eq!(table["UpdateReplacePolicy"], "Retain", "{name}");
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST", "{name}");
        assert_eq!(properties["DeletionProtectionEnabled"], true, "{name}");
        let recovery = &properties["PointInTimeRecoverySpecification"];
        assert_eq!(recovery["PointInTimeRecoveryEnabled"], true, "{name}");
        let encryption = &properties["SSESpecification"];
        assert_eq!(encryption["SSEType"], "KMS", "{name}");
        assert_eq!(
            encryption["KMSMasterKeyId"],
            json!({"Fn::GetAtt": ["DataKey", "Arn"]})
        );
        let keys = json!([{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]);
        assert_eq!(properties["KeySchema"], keys, "{name}");
    }
    let ratings = &template["Resources"]["RatingsTable"]["Properties"];
    assert_eq!(
        ratings["StreamSpecification"]["StreamViewType"],
        "NEW_IMAGE"
    );
    assert_eq!(
        ratings["TimeToLiveSpecification"],
        json!({"AttributeName": "exp", "Enabled": true})
    );
    let tally = &template["Resources"]["TallyTable"]["Properties"];
    assert!(tally.get("StreamSpecification").is_none());
    assert!(tally.get("TimeToLiveSpecification").is_none());
}

#[test]
fn the_buckets_are_private() {
    let template = load();

    let policies = resources(&template, "AWS::S3::BucketPolicy");
    for (name, bucket) in resources(&template, "AWS::S3::Bucket") {
        let properties = &bucket["Properties"];
        let block = properties["PublicAccessBlockConfiguration"]
            .as_object()
            .unwrap();
        assert_eq!(block.len(), 4, "{name}");
        assert!(block.values().all(|value| value == true), "{name}");
        assert_eq!(
            properties["VersioningConfiguration"]["Status"], "Enabled",
            "{name}"
        );
        assert!(properties.get("BucketEncryption").is_some(), "{name}");
        assert!(properties.get("LifecycleConfiguration").is_some(), "{name}");
        let refuses_plain_text = |policy: &Value| {
            let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
            policy["Bucket"] == json!({"Ref": name})
                && statements.iter().any(|statement| {
                    statement["Effect"] == "Deny"
                        && statement["Condition"] == json!({"Bool": {"aws:SecureTransport": false}})
                })
        };
        let mut policies = policies.iter().map(|(_, policy)| &policy["Properties"]);
        assert!(policies.any(refuses_plain_text), "{name}");
    }
}

#[test]
fn pages_may_load_and_run_our_own_files_only() {
    let template = load();
    let policy =
        &template["Resources"]["SecurityHeaders"]["Properties"]["ResponseHeadersPolicyConfig"];
    let csp = &policy["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"];

    let directives: BTreeSet<&str> = csp.as_str().unwrap().split(';').map(str::trim).collect();
    let local = local::headers::CONTENT_SECURITY.split(';').map(str::trim);
    assert_eq!(
        directives,
        local.collect(),
        "the local system sends another policy"
    );

    let expected = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "manifest-src 'self'",
    ];
    assert_eq!(directives, BTreeSet::from(expected));
    let cdn = &template["Resources"]["Cdn"]["Properties"]["DistributionConfig"];
    let behaviors = cdn["CacheBehaviors"].as_array().unwrap().iter();
    for behavior in behaviors.chain([&cdn["DefaultCacheBehavior"]]) {
        assert_eq!(
            behavior["ResponseHeadersPolicyId"],
            json!({"Ref": "SecurityHeaders"})
        );
    }
    assert!(
        cdn.get("Logging").is_none(),
        "a CDN log holds visitors' addresses"
    );
}

#[test]
fn the_access_log_does_not_tell_who_asked() {
    let template = load();
    let log = &template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"];

    let fields: serde_json::Map<String, Value> =
        serde_json::from_str(log.as_str().unwrap()).unwrap();

    let allowed = [
        "$context.requestId",
        "$context.requestTimeEpoch",
        "$context.routeKey",
        "$context.status",
        "$context.responseLatency",
        "$context.integrationStatus",
        "$context.integrationLatency",
        "$context.responseLength",
    ];
    for (name, value) in fields {
        assert!(allowed.contains(&value.as_str().unwrap()), "{name}");
    }
}

#[test]
fn every_route_is_throttled_by_name() {
    let template = load();

    let mut routes = BTreeSet::new();
    for (_, function) in functions(&template) {
        for event in function["Properties"]["Events"]
            .as_object()
            .unwrap()
            .values()
        {
            if event["Type"] == "HttpApi" {
                let route = &event["Properties"];
                routes.insert(format!(
                    "{} {}",
                    route["Method"].as_str().unwrap(),
                    route["Path"].as_str().unwrap()
                ));
            }
        }
    }

    let throttled = &template["Resources"]["Api"]["Properties"]["RouteSettings"];
    let throttled: BTreeSet<String> = throttled.as_object().unwrap().keys().cloned().collect();
    assert_eq!(routes, throttled);
}

#[test]
fn every_function_has_an_alarm_and_a_log_that_ends() {
    let template = load();
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");

    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let watched = json!([{"Name": "FunctionName", "Value": {"Ref": name}}]);
        let watches = |alarm: &Value| {
            alarm["Properties"]["MetricName"] == "Errors"
                && alarm["Properties"]["Dimensions"] == watched
        };
        assert!(alarms.iter().any(|(_, alarm)| watches(alarm)), "{name}");

        let logging = &function["Properties"]["LoggingConfig"];
        assert_eq!(logging["LogFormat"], "JSON", "{name}");
        let group = logging["LogGroup"]["Ref"].as_str().unwrap();
        let group = &template["Resources"][group]["Properties"];
        assert!(group.get("RetentionInDays").is_some(), "{name}");
    }
}
