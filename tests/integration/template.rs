//! What `template.yaml` promises, and that it agrees with the code.

pub(crate) mod calls;
mod document;
pub(crate) mod permissions;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use document::repository;
use document::{expanded, load, load_from, text};

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
        // What several of them write their answers with.
        .filter(|stem| stem != "answer")
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

/// Settings named in `code`.
fn settings_read(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for reader in ["required(\"", "required_key(\"", "optional(\""] {
        let names = code.split(reader).skip(1);
        found.extend(names.map(|rest| rest[..rest.find('"').unwrap()].to_owned()));
    }
    found
}

/// Functions of the library that read settings, as their callers write them: `Store::from_env(`, `gateway::run(`.
fn readers() -> Vec<(String, BTreeSet<String>)> {
    let mut readers = Vec::new();
    for path in rust_files("src") {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let code = std::fs::read_to_string(path).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap().to_owned();
        for chunk in code.split("fn ").skip(1) {
            let read = settings_read(chunk);
            if !read.is_empty() {
                let name = &chunk[..chunk.find(['(', '<']).unwrap()];
                let kind = format!("{}{}", stem[..1].to_uppercase(), &stem[1..]);
                readers.push((format!("{stem}::{name}("), read.clone()));
                readers.push((format!("{kind}::{name}("), read));
            }
        }
    }
    readers
}

#[test]
fn a_function_is_given_the_settings_it_reads_and_no_others() {
    // Lambda sets the region and what is logged; an operator sets the endpoints, for a cluster of their own.
    let set_by_others = [
        "AWS_LAMBDA_LOG_FORMAT",
        "AWS_LAMBDA_LOG_LEVEL",
        "RUST_LOG",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
    ]
    .map(str::to_owned);
    let readers = readers();

    for (name, function) in functions(&load()) {
        let module = name.replace('-', "_");
        let mut code = text(&format!("functions/{name}.rs"));
        for path in rust_files("src/handlers") {
            if path
                .to_str()
                .unwrap()
                .contains(&format!("handlers/{module}"))
            {
                code.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
        // Every use case: which of them a function calls, its text alone does not tell.
        if code.contains("Intake::new(") {
            for path in rust_files("src/intake") {
                code.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
        let mut read = settings_read(&code);
        for (reader, settings) in &readers {
            if code.contains(reader) {
                read.extend(settings.iter().cloned());
            }
        }
        read.retain(|setting| !set_by_others.contains(setting));
        let set = &function["Properties"]["Environment"]["Variables"];
        let set: BTreeSet<String> = set.as_object().unwrap().keys().cloned().collect();
        assert_eq!(read, set, "{name}: what it reads, what it is given");
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
fn a_function_outlives_the_longest_store_operation_and_the_longest_request() {
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
            let request = thuocdo::config::REQUEST_TIMEOUT;
            assert!(
                Duration::from_secs(timeout) >= request + Duration::from_secs(3),
                "{name}: time to start and to answer with the form"
            );
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
    let mappings = resources(expanded(), "AWS::Lambda::EventSourceMapping");
    let [(_, mapping)] = mappings[..] else {
        panic!("{mappings:?}");
    };
    let mut mapping = mapping["Properties"].as_object().unwrap().clone();

    let filters = mapping.remove("FilterCriteria").unwrap();
    let filters = filters["Filters"].as_array().unwrap();
    let patterns = filters
        .iter()
        .map(|filter| filter["Pattern"].as_str().unwrap());
    let patterns: Vec<Value> = patterns
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert_eq!(
        patterns,
        [json!({"dynamodb": {"NewImage": {"pend": {"S": [{"exists": true}]}}}})]
    );
    let expected = json!({
        "EventSourceArn": {"Fn::GetAtt": ["RatingsTable", "StreamArn"]},
        "FunctionName": {"Ref": "AggregateRatingsFunction"},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 2,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": 20,
        "MaximumRecordAgeInSeconds": 3600,
        "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": {"Fn::GetAtt": ["FailureQueue", "Arn"]}}},
    });
    for (name, value) in expected.as_object().unwrap() {
        let mut found = mapping.remove(name).unwrap_or(Value::Null);
        if name == "DestinationConfig" {
            // SAM leaves the type out: an ARN says it.
            found["OnFailure"]["Type"] = json!("SQS");
        }
        assert_eq!(found, *value, "{name}");
    }
    mapping.remove("Tags");
    assert!(mapping.is_empty(), "{mapping:?}");
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
fn a_route_is_the_same_in_the_template_the_code_and_the_description() {
    let template = expanded();
    let (_, api) = resources(template, "AWS::ApiGatewayV2::Api")[0];
    let (_, stage) = resources(template, "AWS::ApiGatewayV2::Stage")[0];

    let mut routed = BTreeSet::new();
    for (path, methods) in api["Properties"]["Body"]["paths"].as_object().unwrap() {
        for (method, route) in methods.as_object().unwrap() {
            let integration = &route["x-amazon-apigateway-integration"];
            assert_eq!(
                integration["payloadFormatVersion"], "2.0",
                "{method} {path}"
            );
            let uri = integration["uri"]["Fn::Sub"].as_str().unwrap();
            let function = uri.split("functions/${").nth(1).unwrap();
            let function = function.split("Function.Arn").next().unwrap().to_owned();
            routed.insert((format!("{} {path}", method.to_uppercase()), function));
        }
    }
    let coded = local::gateway::ROUTES.iter();
    let coded = coded.map(|(route, function)| ((*route).to_owned(), format!("{function:?}")));
    let description: Value = serde_json::from_str(&text("docs/openapi.json")).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let routes: BTreeSet<String> = routed.iter().map(|(route, _)| route.clone()).collect();
    let throttled = stage["Properties"]["RouteSettings"].as_object().unwrap();
    let throttled: BTreeSet<String> = throttled.keys().cloned().collect();

    assert_eq!(routed, coded.collect(), "the template and the code");
    assert_eq!(routes, described, "the template and docs/openapi.json");
    assert_eq!(routes, throttled, "every route has a throttle of its own");
}

#[test]
fn the_api_is_reached_through_the_cdn_only() {
    let template = expanded();
    let (_, api) = resources(template, "AWS::ApiGatewayV2::Api")[0];
    let cdn = &template["Resources"]["Cdn"]["Properties"]["DistributionConfig"];

    let endpoint =
        &api["Properties"]["Body"]["servers"][0]["x-amazon-apigateway-endpoint-configuration"];
    assert_eq!(
        endpoint["disableExecuteApiEndpoint"],
        json!({"Fn::If": ["HasApiDomain", true, false]})
    );
    let origins = cdn["Origins"].as_array().unwrap();
    let origin = origins.iter().find(|origin| origin["Id"] == "api").unwrap();
    let secret =
        json!({"Fn::Sub": "{{resolve:secretsmanager:${OriginSecret}::::${OriginSecretVersion}}}"});
    assert_eq!(
        origin["OriginCustomHeaders"],
        json!([{"HeaderName": "x-origin-secret", "HeaderValue": secret}])
    );
    let described = api["Properties"]["Body"]["paths"].to_string();
    for (name, function) in resources(template, "AWS::Lambda::Function") {
        let given = &function["Properties"]["Environment"]["Variables"]["ORIGIN_SECRET"];
        if described.contains(&format!("${{{name}.Arn}}")) {
            assert_eq!(*given, secret, "{name}");
        } else {
            assert!(given.is_null(), "{name}");
        }
    }
}

#[test]
fn every_function_has_an_alarm_and_a_log_that_ends() {
    let template = load();
    let monitoring = load_from("infra/monitoring.yaml");
    let alarms = resources(&monitoring, "AWS::CloudWatch::Alarm");
    let nested = &template["Resources"]["Monitoring"]["Properties"];
    assert_eq!(nested["TemplateURL"], "infra/monitoring.yaml");
    let handed: BTreeSet<&String> = nested["Parameters"].as_object().unwrap().keys().collect();
    let wanted: BTreeSet<&String> = monitoring["Parameters"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(handed, wanted);

    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let parameter = name.trim_end_matches("Function");
        assert_eq!(nested["Parameters"][parameter], json!({"Ref": name}));
        let watched = json!([{"Name": "FunctionName", "Value": {"Ref": parameter}}]);
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

#[test]
fn an_alarm_tells_somebody_and_our_own_metrics_are_those_of_this_stack() {
    let monitoring = load_from("infra/monitoring.yaml");

    for (name, alarm) in resources(&monitoring, "AWS::CloudWatch::Alarm") {
        let alarm = &alarm["Properties"];
        assert_eq!(
            alarm["AlarmActions"],
            json!([{"Ref": "AlarmTopic"}]),
            "{name}"
        );
        if alarm["Namespace"] == thuocdo::metric::NAMESPACE {
            let stack = json!([{"Name": thuocdo::metric::DIMENSION, "Value": {"Ref": "Stack"}}]);
            assert_eq!(alarm["Dimensions"], stack, "{name}");
        }
    }
    let dashboard = &monitoring["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    let dashboard: Value = serde_json::from_str(dashboard.as_str().unwrap()).unwrap();
    assert!(dashboard["widgets"].as_array().unwrap().len() > 3);
}

#[test]
fn what_should_run_alone_can_be_held_to_one_run() {
    let template = expanded();
    let alone = json!({"Fn::If": ["Reserves", 1, {"Ref": "AWS::NoValue"}]});
    let kept = json!({"Fn::If": ["ReservesSubmit", {"Ref": "SubmitConcurrency"}, {"Ref": "AWS::NoValue"}]});

    for (name, function) in resources(template, "AWS::Lambda::Function") {
        let reserved = &function["Properties"]["ReservedConcurrentExecutions"];
        match name.trim_end_matches("Function") {
            "ReconcileTallies" | "PublishPages" | "ImportFiles" => {
                assert_eq!(*reserved, alone, "{name}");
            }
            "SubmitRating" => assert_eq!(*reserved, kept, "{name}"),
            _ => assert!(reserved.is_null(), "{name} would refuse citizens"),
        }
        assert_eq!(
            function["Properties"]["Architectures"],
            json!(["arm64"]),
            "{name}"
        );
        assert_eq!(
            function["Properties"]["Runtime"], "provided.al2023",
            "{name}"
        );
        assert_eq!(
            function["Properties"]["TracingConfig"]["Mode"], "Active",
            "{name}"
        );
    }
}

#[test]
fn going_without_a_web_acl_takes_a_word_of_its_own() {
    let template = load();

    let rule = &template["Rules"]["HasWebAclOrGoesWithout"];
    assert_eq!(
        rule["Assertions"][0]["Assert"],
        json!({"Fn::Or": [
            {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebAclArn"}, ""]}]},
            {"Fn::Equals": [{"Ref": "WithoutWebAcl"}, "yes-i-accept"]},
        ]})
    );
    assert!(rule.get("RuleCondition").is_none(), "it holds always");
    for parameter in ["WebAclArn", "WithoutWebAcl"] {
        assert_eq!(template["Parameters"][parameter]["Default"], "");
    }
    let cdn = &template["Resources"]["Cdn"]["Properties"]["DistributionConfig"];
    assert_eq!(
        cdn["WebACLId"],
        json!({"Fn::If": ["HasWebAcl", {"Ref": "WebAclArn"}, {"Ref": "AWS::NoValue"}]})
    );
    for stage in text("samconfig.toml").split("[prod.build") {
        assert!(!stage.contains("WithoutWebAcl"));
    }
}

/// Statements that compare a path, with the transformations made first.
fn paths(statement: &Value, found: &mut Vec<(String, String)>) {
    if let Some(compared) = statement.get("ByteMatchStatement") {
        if compared["FieldToMatch"].get("UriPath").is_some() {
            let steps = compared["TextTransformations"].as_array().unwrap();
            let steps = steps.iter().map(|step| step["Type"].as_str().unwrap());
            assert_eq!(
                steps.collect::<Vec<_>>(),
                ["URL_DECODE", "NORMALIZE_PATH"],
                "as CloudFront reads paths"
            );
            let how = compared["PositionalConstraint"].as_str().unwrap();
            let path = compared["SearchString"].as_str().unwrap();
            found.push((how.to_owned(), path.to_owned()));
        }
        return;
    }
    let several = statement["OrStatement"]["Statements"].as_array();
    assert!(several.is_some(), "{statement}");
    for statement in several.into_iter().flatten() {
        paths(statement, found);
    }
}

#[test]
fn every_route_is_limited_for_each_address_on_its_decoded_path() {
    let waf = load_from("infra/waf.yaml");
    let acl = &waf["Resources"]["WebAcl"]["Properties"];
    let mut everything = 0;
    let mut limited = BTreeSet::new();
    let mut priorities = BTreeSet::new();

    for rule in acl["Rules"].as_array().unwrap() {
        let name = &rule["Name"];
        assert!(
            priorities.insert(rule["Priority"].as_u64().unwrap()),
            "{name}"
        );
        let rate = &rule["Statement"]["RateBasedStatement"];
        let by_address = rate["AggregateKeyType"] == "IP"
            || rate["CustomKeys"]
                .as_array()
                .unwrap()
                .contains(&json!({"IP": {}}));
        assert!(by_address, "{name}");
        let limit = rate["Limit"]["Ref"].as_str().unwrap();
        let default = &waf["Parameters"][limit]["Default"];
        assert!(
            default.as_u64().unwrap() >= 100,
            "{name}: a carrier's phones share one address"
        );
        let refusal = &rule["Action"]["Block"]["CustomResponse"];
        assert_eq!(refusal["ResponseCode"], 429, "{name}");
        assert_eq!(
            rule["VisibilityConfig"]["SampledRequestsEnabled"], false,
            "{name}"
        );
        let mut compared = Vec::new();
        paths(&rate["ScopeDownStatement"], &mut compared);
        for (how, path) in compared {
            if how == "STARTS_WITH" && path == "/api/" {
                everything += 1;
            } else {
                assert_eq!(how, "EXACTLY", "{name}");
                limited.insert(path);
            }
        }
    }

    let routes = local::gateway::ROUTES.iter();
    let routes = routes.map(|(route, _)| route.split_once(' ').unwrap().1.to_owned());
    assert_eq!(limited, routes.collect());
    assert!(everything >= 1, "the API as a whole");
    let body = acl["CustomResponseBodies"]["TooMany"]["Content"]
        .as_str()
        .unwrap();
    assert!(body.contains("charset=\"utf-8\"") && body.len() < 4_096);
}

/// A country's ratings in a second of its busiest hours (docs/deploy.md, Load).
const PEAK: u64 = 70;

#[test]
fn a_throttle_lets_ten_times_the_busiest_hour_of_a_country_through() {
    let template = load();
    let default = |name: &str| template["Parameters"][name]["Default"].as_u64().unwrap();
    let settings = &template["Resources"]["Api"]["Properties"]["RouteSettings"];

    for (route, requests_for_100_ratings) in [
        ("POST /api/ratings", 100),
        ("POST /api/receipts/validate", 100),
        ("GET /api/challenge", 200),
        // Where JavaScript is off, assumed in one rating of a hundred with a second try in three.
        ("GET /api/challenge/image", 4),
        ("GET /api/challenge/audio", 4),
    ] {
        let parameter = settings[route]["ThrottlingRateLimit"]["Ref"]
            .as_str()
            .unwrap();
        let needed = 10 * PEAK * requests_for_100_ratings / 100;
        assert!(default(parameter) >= needed, "{route}: {needed}");
        let burst = settings[route]["ThrottlingBurstLimit"].as_u64().unwrap();
        assert_eq!(burst, 2 * default(parameter), "{route}");
    }
}

#[test]
fn dropped_files_with_secrets_or_phones_are_gone_after_days() {
    let template = load();
    let bucket = &template["Resources"]["DropBucket"]["Properties"];
    let rules = bucket["LifecycleConfiguration"]["Rules"]
        .as_array()
        .unwrap();

    for prefix in ["dossiers/", "voids/"] {
        let rule = rules.iter().find(|rule| rule["Prefix"] == prefix).unwrap();
        assert_eq!(rule["Status"], "Enabled", "{prefix}");
        assert_eq!(rule["ExpirationInDays"], json!({"Ref": "DossierFileDays"}));
        assert_eq!(rule["NoncurrentVersionExpiration"]["NoncurrentDays"], 1);
    }
    assert_eq!(template["Parameters"]["DossierFileDays"]["Default"], 7);
}

#[test]
fn a_stage_overrides_parameters_of_the_template_and_no_others() {
    let parameters = load()["Parameters"].as_object().unwrap().clone();
    let stages: toml::Table = text("samconfig.toml").parse().unwrap();

    for stage in ["default", "prod"] {
        let overrides = &stages[stage]["deploy"]["parameters"]["parameter_overrides"];
        // A list of `Name=value` would lose all behind a value's first space.
        for (name, value) in overrides.as_table().unwrap() {
            let parameter = parameters
                .get(name)
                .unwrap_or_else(|| panic!("{stage}: {name}"));
            let allowed = parameter["AllowedValues"].as_array();
            let is_number = parameter["Type"] == "Number";
            let value = value.as_str().unwrap();
            assert!(!is_number || value.parse::<u64>().is_ok(), "{name}");
            let is_allowed = |known: &Value| known.to_string().trim_matches('"') == value;
            assert!(
                allowed.is_none_or(|values| values.iter().any(is_allowed)),
                "{stage}: {name}={value}"
            );
        }
    }
}

#[test]
fn a_public_function_holds_the_keys_it_uses_and_no_other() {
    let template = load();
    let keys = |function: &str| -> BTreeSet<String> {
        let settings = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        let names = settings.as_object().unwrap().keys();
        names
            .filter(|name| name.ends_with("_KEY"))
            .cloned()
            .collect()
    };
    let these = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();

    assert_eq!(keys("IssueChallengeFunction"), these(&["CHALLENGE_KEY"]));
    assert_eq!(
        keys("ValidateReceiptFunction"),
        these(&["CHALLENGE_KEY", "RECEIPT_KEY"])
    );
    assert_eq!(keys("GetStatisticsFunction"), these(&[]));
    assert_eq!(keys("PublishPagesFunction"), these(&["PROOF_KEY"]));
}
