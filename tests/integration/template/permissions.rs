//! Least privilege, read off the roles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::document::{load, text};
use super::resources;

/// Actions that take no resource.
const UNNAMEABLE: [&str; 3] = [
    "dynamodb:ListStreams",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
];

/// Actions on items; each must be bound to key prefixes.
const ITEM_ACTIONS: [&str; 6] = [
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:BatchWriteItem",
];

/// Actions on the stream.
const STREAM_ACTIONS: [&str; 4] = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
];

struct Statement<'a> {
    role: &'a str,
    actions: Vec<&'a str>,
    resource: &'a Value,
    keys: Vec<&'a str>,
}

impl Statement<'_> {
    fn writes_items(&self) -> bool {
        let writing = [
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:BatchWriteItem",
        ];
        self.actions.iter().any(|action| writing.contains(action))
    }

    fn is_on(&self, table: &str) -> bool {
        *self.resource == json!({"Fn::GetAtt": [table, "Arn"]})
    }
}

/// What the roles of the functions allow.
fn statements(template: &Value) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    for (role, resource) in resources(template, "AWS::IAM::Role") {
        let properties = &resource["Properties"];
        assert!(properties.get("ManagedPolicyArns").is_none(), "{role}");
        for policy in properties["Policies"].as_array().unwrap() {
            for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
                assert_eq!(statement["Effect"], "Allow", "{role}");
                let keys =
                    &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
                let actions = strings(&statement["Action"]);
                assert!(!actions.is_empty(), "{role}");
                found.push(Statement {
                    role,
                    actions,
                    resource: &statement["Resource"],
                    keys: strings(keys),
                });
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn strings(list: &Value) -> Vec<&str> {
    let items = list.as_array().into_iter().flatten();
    items.map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn a_role_names_its_actions_and_resources() {
    for statement in statements(&load()) {
        let Statement {
            role,
            actions,
            resource,
            ..
        } = &statement;
        for action in actions {
            assert!(!action.contains('*'), "{role}: {action}");
            if **resource == "*" {
                assert!(
                    UNNAMEABLE.contains(action),
                    "{role}: {action} on everything"
                );
            }
        }
    }
}

#[test]
fn every_function_has_a_role_of_its_own() {
    let template = load();
    let functions = resources(&template, "AWS::Serverless::Function");

    let roles: BTreeSet<String> = functions
        .iter()
        .map(|(name, function)| {
            let role = &function["Properties"]["Role"]["Fn::GetAtt"][0];
            assert!(function["Properties"].get("Policies").is_none(), "{name}");
            role.as_str().unwrap().to_owned()
        })
        .collect();

    assert_eq!(roles.len(), functions.len());
}

#[test]
fn nobody_may_delete_anything_that_counts() {
    for statement in statements(&load()) {
        let role = statement.role;
        for action in &statement.actions {
            // No DeleteItem, and neither Scan nor PartiQL, which go around the keys.
            let known = ITEM_ACTIONS.contains(action) || STREAM_ACTIONS.contains(action);
            assert!(
                !action.starts_with("dynamodb:") || known,
                "{role}: {action}"
            );
            if *action == "dynamodb:BatchWriteItem" {
                assert_eq!(statement.keys, ["CATALOG#*"], "{role}: a batch may delete");
            }
        }
    }
}

#[test]
fn a_role_touches_only_keys_of_the_chart() {
    let chart = chart();

    for statement in statements(&load()) {
        let role = statement.role;
        if !statement
            .actions
            .iter()
            .any(|action| ITEM_ACTIONS.contains(action))
        {
            continue;
        }
        assert!(!statement.keys.is_empty(), "{role}: items of any key");
        for (table, name) in [("RatingsTable", "Ratings"), ("TallyTable", "Tally")] {
            if statement.is_on(table) {
                for key in &statement.keys {
                    assert!(chart[name].contains(*key), "{role}: {key} in {name}");
                }
            }
        }
    }
}

/// Key patterns by table, from the chart in `src/store/key.rs`: `U#<unit>#<yyyymm>` gives `U#*`.
fn chart() -> BTreeMap<String, BTreeSet<String>> {
    let mut chart: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text("src/store/key.rs").lines() {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, _, table @ ("Ratings" | "Tally"), key, ..] = columns[..] else {
            continue;
        };
        let key = key.trim_matches('`');
        let pattern = match key.split_once('#') {
            Some((prefix, _)) => format!("{prefix}#*"),
            None => key.to_owned(),
        };
        chart.entry(table.to_owned()).or_default().insert(pattern);
    }
    assert!(chart["Ratings"].len() > 5 && !chart["Tally"].is_empty());
    chart
}

#[test]
fn only_the_counting_writes_cells_and_nobody_else_reads_them_but_the_publisher() {
    let template = load();
    let mut writers = BTreeSet::new();
    let mut readers = BTreeSet::new();
    for statement in statements(&template) {
        if statement.is_on("TallyTable") {
            if statement.writes_items() {
                writers.insert(statement.role.to_owned());
            }
            if statement.actions.contains(&"dynamodb:Query") {
                readers.insert(statement.role.to_owned());
            }
        }
    }

    assert_eq!(
        writers,
        BTreeSet::from(["AggregateRatingsRole", "ReconcileTalliesRole"].map(str::to_owned))
    );
    assert_eq!(
        readers,
        BTreeSet::from(["PublishPagesRole", "ReconcileTalliesRole"].map(str::to_owned))
    );
}

#[test]
fn only_submit_and_the_counting_write_ratings() {
    let template = load();

    let writers: BTreeSet<&str> = statements(&template)
        .into_iter()
        .filter(|statement| statement.writes_items() && statement.keys.contains(&"U#*"))
        .map(|statement| statement.role)
        .collect();

    assert_eq!(
        writers,
        BTreeSet::from([
            "AggregateRatingsRole",
            "ReconcileTalliesRole",
            "SubmitRatingRole"
        ])
    );
}

#[test]
fn guards_comments_and_nonces_are_read_by_no_function() {
    for statement in statements(&load()) {
        let reads = [
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
        ];
        if statement
            .actions
            .iter()
            .any(|action| reads.contains(action))
        {
            for key in ["P#*", "T#*", "N#*"] {
                assert!(!statement.keys.contains(&key), "{}: {key}", statement.role);
            }
        }
    }
}
