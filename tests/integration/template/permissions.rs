//! Least privilege, read off the roles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::calls::Call;
use super::document::{expanded, load, load_from, text};
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
fn nobody_can_sit_on_both_seats_that_set_ratings_aside() {
    let template = load();
    let seats: BTreeMap<_, _> = resources(&template, "AWS::IAM::ManagedPolicy")
        .into_iter()
        .collect();
    let effects = |own: &str| {
        let of = |effect: &str| -> BTreeSet<String> {
            let statements = seats[own]["Properties"]["PolicyDocument"]["Statement"].as_array();
            let puts = statements.unwrap().iter().filter(|statement| {
                statement["Effect"] == effect && strings(&statement["Action"]) == ["s3:PutObject"]
            });
            puts.map(|statement| {
                statement["Resource"]["Fn::Sub"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
        };
        (of("Allow"), of("Deny"))
    };

    let (first, second) = (effects("FirstSeat"), effects("SecondSeat"));

    assert_eq!(
        first.0,
        BTreeSet::from(["${DropBucket.Arn}/voids/1/*".to_owned()])
    );
    assert_eq!(
        second.0,
        BTreeSet::from(["${DropBucket.Arn}/voids/2/*".to_owned()])
    );
    assert_eq!((&first.0, &first.1), (&second.1, &second.0));
}

#[test]
fn who_deploys_may_do_nothing_to_everything_that_has_a_name() {
    // What takes no resource, or is bound by a condition instead.
    const UNNAMED: [&str; 6] = [
        "StreamMapping",
        "KeyIsMade",
        "SecretsAreDrawn",
        "AccessLog",
        "GetTemplateSummary",
        "ListStreams",
    ];
    let template = load_from("infra/deploy-role.yaml");
    let mut seen = 0;
    for resource in template["Resources"].as_object().unwrap().values() {
        let properties = &resource["Properties"];
        let inline = properties["Policies"].as_array().into_iter().flatten();
        let documents = inline.map(|policy| &policy["PolicyDocument"]);
        for document in documents.chain([&properties["PolicyDocument"]]) {
            for statement in document["Statement"].as_array().into_iter().flatten() {
                seen += 1;
                let text = statement.to_string();
                for action in strings(&statement["Action"]) {
                    assert!(!action.contains('*'), "{text}");
                    let deletes = action.starts_with("dynamodb:Delete")
                        || action.starts_with("s3:DeleteObject");
                    assert!(!deletes || deletes_imported_files(statement), "{text}");
                }
                if statement["Resource"] == "*" {
                    assert!(UNNAMED.iter().any(|named| text.contains(named)), "{text}");
                }
            }
        }
    }
    assert!(seen > 20);
    let boundary =
        json!({"StringEquals": {"iam:PermissionsBoundary": {"Ref": "FunctionBoundary"}}});
    let text = template.to_string();
    assert!(
        text.contains(&boundary.to_string()),
        "roles without a boundary"
    );
    for role in resources(&load(), "AWS::IAM::Role") {
        assert_eq!(
            role.1["Properties"]["PermissionsBoundary"]["Fn::If"][0], "HasBoundary",
            "{}",
            role.0
        );
    }
}

/// Whether a statement lets no more be deleted than files of dossiers and voids, which go once they are imported.
fn deletes_imported_files(statement: &Value) -> bool {
    let resources = match &statement["Resource"] {
        Value::Array(list) => list.clone(),
        single => vec![single.clone()],
    };
    let imported = |resource: &Value| {
        let name = resource["Fn::Sub"].as_str().unwrap_or_default();
        name.contains("-drop-") && (name.ends_with("/dossiers/*") || name.ends_with("/voids/*"))
    };
    strings(&statement["Action"]) == ["s3:DeleteObject"] && resources.iter().all(imported)
}

#[test]
fn no_function_deletes_an_object_but_the_files_it_imports() {
    for (_, role) in resources(&load(), "AWS::IAM::Role") {
        for policy in role["Properties"]["Policies"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let document = &policy["PolicyDocument"];
            for statement in document["Statement"].as_array().into_iter().flatten() {
                let deletes = strings(&statement["Action"])
                    .iter()
                    .any(|action| action.starts_with("s3:Delete"));
                assert!(!deletes || deletes_imported_files(statement), "{statement}");
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

/// A statement on items or objects, as IAM weighs it.
struct Grant {
    actions: Vec<String>,
    resources: Vec<String>,
    /// No condition on keys where there is none.
    keys: Vec<String>,
    attributes: Option<Vec<String>>,
    in_transactions_only: bool,
}

impl Grant {
    /// A statement with what its resource is called in `environment`.
    fn of(statement: &Value, environment: &BTreeMap<String, String>) -> Self {
        let condition = &statement["Condition"];
        let owned = |list: &Value| {
            strings(list)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let known = [
            "ForAllValues:StringLike",
            "ForAllValues:StringEquals",
            "ForAnyValue:StringEquals",
            "StringEqualsIfExists",
        ];
        for operator in condition.as_object().into_iter().flat_map(|map| map.keys()) {
            assert!(known.contains(&operator.as_str()), "{operator}");
        }
        let attributes = &condition["ForAllValues:StringEquals"]["dynamodb:Attributes"];
        let enclosing = &condition["ForAnyValue:StringEquals"]["dynamodb:EnclosingOperation"];
        Self {
            actions: owned(&statement["Action"]),
            resources: match &statement["Resource"] {
                Value::Array(list) => list.iter().map(|one| named(one, environment)).collect(),
                one => vec![named(one, environment)],
            },
            keys: owned(&condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]),
            attributes: attributes.is_array().then(|| owned(attributes)),
            in_transactions_only: *enclosing == json!(["TransactWriteItems"]),
        }
    }

    fn allows(&self, call: &Call) -> bool {
        let attributes = match (&self.attributes, &call.attributes) {
            (None, _) => true,
            // Whole items are read: every attribute is.
            (Some(_), None) => false,
            (Some(allowed), Some(named)) => named.iter().all(|name| allowed.contains(name)),
        };
        self.actions.contains(&call.action)
            && self
                .resources
                .iter()
                .any(|resource| like(resource, &call.resource))
            && (self.keys.is_empty()
                || call
                    .keys
                    .iter()
                    .all(|key| self.keys.iter().any(|pattern| like(pattern, key))))
            && attributes
            && (call.in_transaction || !self.in_transactions_only)
    }
}

/// A resource by the name the running functions know it by.
fn named(resource: &Value, environment: &BTreeMap<String, String>) -> String {
    let text = resource.to_string();
    let bucket = |setting: &str| {
        let path = resource["Fn::Sub"].as_str().unwrap_or_default();
        let path = path.rsplit('}').next().unwrap_or_default();
        format!("{}{path}", environment[setting])
    };
    match () {
        () if text.contains("\"RatingsTable\",\"Arn\"") => environment["RATINGS_TABLE"].clone(),
        () if text.contains("\"TallyTable\",\"Arn\"") => environment["TALLY_TABLE"].clone(),
        () if text.contains("SiteBucket") => bucket("SITE_BUCKET"),
        () if text.contains("-drop-") => bucket("DROP_BUCKET"),
        () => text,
    }
}

/// IAM's `StringLike` with `*`.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// What is granted but was not seen, and why it stays: function, action, and leading key or end of the resource.
const UNSEEN: [(&str, &str, &str); 6] = [
    // Never called; without it a missing object reads as a forbidden one.
    ("get-statistics", "s3:ListBucket", ""),
    ("import-files", "s3:ListBucket", ""),
    ("publish-pages", "s3:ListBucket", ""),
    // Read once a quarter, when it begins after another.
    ("publish-pages", "dynamodb:GetItem", "V#*"),
    // Read of a unit that fails.
    ("publish-pages", "s3:GetObject", "/goi-du-lieu/don-vi/*"),
    // In the first days of a month the last one is not closed, and nothing is sealed.
    ("reconcile-tallies", "dynamodb:PutItem", "C#*"),
];

/// Holds what every function called against its role: each call is allowed, and each item or object right is used.
pub(crate) fn assert_roles_fit(
    calls: &BTreeMap<String, BTreeSet<Call>>,
    environment: &BTreeMap<String, String>,
) {
    let template = expanded();
    let mut faults = Vec::new();
    for (function, calls) in calls {
        let role = format!(
            "{}Role",
            super::logical_name(function).trim_end_matches("Function")
        );
        let role = &template["Resources"][&role]["Properties"]["Policies"];
        let statements = role.as_array().unwrap().iter();
        let statements =
            statements.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
        let grants: Vec<Grant> = statements
            .map(|statement| Grant::of(statement, environment))
            .collect();
        for call in calls {
            if !grants.iter().any(|grant| grant.allows(call)) {
                faults.push(format!("{function} may not: {call:?}"));
            }
        }
        for grant in &grants {
            for action in &grant.actions {
                let on_data = ITEM_ACTIONS.contains(&action.as_str()) || action.starts_with("s3:");
                if !on_data {
                    continue;
                }
                let keys = if grant.keys.is_empty() {
                    vec![String::new()]
                } else {
                    grant.keys.clone()
                };
                let places = keys
                    .iter()
                    .flat_map(|key| grant.resources.iter().map(move |resource| (key, resource)));
                for (key, resource) in places {
                    let used = calls.iter().any(|call| {
                        call.action == *action
                            && grant.allows(call)
                            && like(resource, &call.resource)
                            && (key.is_empty() || call.keys.iter().any(|called| like(key, called)))
                    });
                    let unseen = UNSEEN.iter().any(|(of, unseen, place)| {
                        let here = if key.is_empty() && !place.is_empty() {
                            resource.ends_with(place)
                        } else {
                            key == place
                        };
                        of == function && unseen == action && here
                    });
                    if !used && !unseen {
                        faults.push(format!("{function} need not: {action} {key} on {resource}"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_pattern_is_weighed_as_iam_weighs_it() {
    for (pattern, text, expected) in [
        ("U#*", "U#hai-chau#202611", true),
        ("U#*", "K#hai-chau", false),
        ("CATALOG", "CATALOG", true),
        ("CATALOG", "CATALOG#1", false),
        ("drop/*.report.txt", "drop/a/b.csv.report.txt", true),
        ("drop/*.report.txt", "drop/a/b.csv", false),
    ] {
        assert_eq!(like(pattern, text), expected, "{pattern} {text}");
    }
}
