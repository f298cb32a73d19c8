//! Requests put together from what forms and programs send, right and wrong: method, address, headers, body.

use arbitrary::{Result, Unstructured};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use thuocdo::challenge::client::Attempt;
use thuocdo::challenge::{Purpose, Scope};

use super::gateway_event::answer;
use super::hostile;
use crate::world::{SLIPS, World, now, slip};

const METHODS: [&str; 6] = ["GET", "POST", "HEAD", "PUT", "OPTIONS", "zq"];
const PATHS: [&str; 8] = [
    "/api/ratings",
    "/api/receipts/validate",
    "/api/challenge",
    "/api/challenge/image",
    "/api/challenge/audio",
    "/api/statistics",
    "/api/ratings/",
    "/",
];
const CONTENT_TYPES: [&str; 6] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-8",
    "application/x-www-form-urlencoded;charset=UTF-8",
    "multipart/form-data; boundary=a",
    "text/plain",
];
const HEADERS: [&str; 9] = [
    "accept",
    "accept-language",
    "range",
    "if-none-match",
    "cookie",
    "x-forwarded-proto",
    "host",
    "origin",
    "content-length",
];
const HEADER_VALUES: [&str; 12] = [
    "text/html,application/xhtml+xml",
    "application/json",
    "*/*",
    "en-US,en;q=0.9",
    "vi",
    "bytes=0-99",
    "bytes=-5",
    "bytes=9-1",
    "bytes=99999999999999999999-",
    "W/\"a\", \"b\"",
    "*",
    "",
];
/// Names of a body with values that are right together.
const GOOD: [(&str, &[&str]); 12] = [
    (
        "subject",
        &[
            "phuong-hai-chau",
            "phuong-hai-chau/phuong-hai-chau-01",
            "so-tai-chinh/so-tai-chinh-02",
        ],
    ),
    ("field_id", &["ho-tich", "dat-dai"]),
    ("full_name", &["Nguyễn Thị Người Qua Đường"]),
    ("phone", &["0905123456", "+84 905 123 457", "02363123458"]),
    ("consent", &["yes"]),
    ("satisfaction", &["satisfied", "not_satisfied"]),
    ("questionnaire", &["web@1", "web@2", "kiosk@1"]),
    ("suggestion", &["Cần thêm ghế chờ."]),
    ("attempt", &["AAAAAAAAAAAAAAAAAAAAAA"]),
    (
        "offered",
        &[
            "phuong-hai-chau/phuong-hai-chau-01:desk phuong-hai-chau:",
            ":::: / /",
        ],
    ),
    ("lang", &["vi", "en"]),
    ("rater_kind", &["participant", "non_participant"]),
];
const OTHER_NAMES: [&str; 9] = [
    "receipt_code",
    "receipt_secret",
    "altcha",
    "salt",
    "typed_token",
    "typed_answer",
    "reasons",
    "answers",
    "answers.cs1",
];

pub(crate) fn run(input: &[u8]) {
    let mut u = Unstructured::new(input);
    World::with(|world| {
        // Out of bytes: what was not chosen is left out.
        if let Ok(event) = event(world, &mut u) {
            answer(world, &event);
        }
    });
}

fn event(world: &World, u: &mut Unstructured<'_>) -> Result<Value> {
    let path = *u.choose(&PATHS)?;
    let posts = path == "/api/ratings" || path == "/api/receipts/validate";
    let usual: bool = u.ratio(7, 8)?;
    let method = match (usual, posts) {
        (true, true) => "POST",
        (true, false) => "GET",
        (false, _) => *u.choose(&METHODS)?,
    };
    let mut headers = Map::new();
    for _ in 0..u.int_in_range(0..=3)? {
        let value = if u.ratio(3, 4)? {
            (*u.choose(&HEADER_VALUES)?).to_owned()
        } else {
            hostile::text(u)?
        };
        headers.insert((*u.choose(&HEADERS)?).to_owned(), value.into());
    }
    let content_type = if u.ratio(7, 8)? {
        CONTENT_TYPES[usize::from(u.arbitrary::<bool>()?)]
    } else {
        *u.choose(&CONTENT_TYPES)?
    };
    headers.insert("content-type".into(), content_type.into());
    let query = if u.ratio(3, 4)? {
        query(world, u)?
    } else {
        u.arbitrary::<&str>()?.to_owned()
    };
    let fields = fields(world, path, u)?;
    let body = match (u.ratio(1, 16)?, content_type.contains("json")) {
        (true, _) => u.arbitrary::<&str>()?.to_owned(),
        (_, true) => Value::Object(fields).to_string(),
        (_, false) => form(&fields),
    };
    let encoded: bool = u.ratio(1, 2)?;
    let body = if encoded {
        BASE64_STANDARD.encode(&body)
    } else {
        body
    };
    Ok(json!({
        "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "api.example", "domainPrefix": "api", "requestId": "r", "stage": "$default",
            "routeKey": format!("{method} {path}"), "time": "21/Nov/2026:03:00:00 +0000", "timeEpoch": 1_795_230_000_000_u64,
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "fuzz" },
        },
        "body": body, "isBase64Encoded": encoded,
    }))
}

fn query(world: &World, u: &mut Unstructured<'_>) -> Result<String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for _ in 0..u.int_in_range(0..=3)? {
        let (name, value) = match u.int_in_range(0..=6)? {
            0 => (
                "scope",
                "A".repeat(usize::from(u.int_in_range(42..=44_u8)?)),
            ),
            1 => (
                "token",
                world
                    .intake
                    .challenges
                    .issue_typed(&scope_of(&Map::new(), Purpose::Rate), now())
                    .token,
            ),
            2 => ("token", hostile::text(u)?),
            3 => ("lang", (*u.choose(&["vi", "en", "fr"])?).to_owned()),
            4 => (
                "unit_id",
                (*u.choose(&["phuong-hai-chau", "so-tai-chinh", "khong-co", "../..", ""])?)
                    .to_owned(),
            ),
            5 => (
                "period",
                (*u.choose(&[
                    "all", "2026", "2026q4", "202611", "2026q5", "99999999", "-1",
                ])?)
                .to_owned(),
            ),
            _ => (
                *u.choose(&["unit_id", "period", "scope", "lang"])?,
                hostile::text(u)?,
            ),
        };
        query.append_pair(name, &value);
    }
    Ok(query.finish())
}

/// A body that is right but for what the input changes, its security code solved or read.
fn fields(world: &World, path: &str, u: &mut Unstructured<'_>) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    let rates = path == "/api/ratings";
    let participant: bool = u.ratio(3, 4)?;
    let (code, secret) = slip(u.int_in_range(1..=SLIPS)?);
    if participant || !rates {
        fields.insert("receipt_code".into(), code.into());
        fields.insert("receipt_secret".into(), secret.into());
    }
    if rates {
        for (name, values) in GOOD {
            let optional =
                ["questionnaire", "suggestion", "attempt", "offered", "lang"].contains(&name);
            let strangers = ["full_name", "phone", "consent"].contains(&name);
            if (optional && u.ratio(3, 4)?) || (strangers && participant) {
                continue;
            }
            fields.insert(name.into(), (*u.choose(values)?).into());
        }
        let kind = if participant {
            "participant"
        } else {
            "non_participant"
        };
        fields.insert("rater_kind".into(), kind.into());
        if fields
            .get("satisfaction")
            .is_some_and(|verdict| verdict == "not_satisfied")
        {
            fields.insert("reasons".into(), json!(["cham-han"]));
        }
        if u.ratio(1, 2)? {
            fields.insert("answers".into(), json!({ "cs1": "bang" }));
        }
    }
    for _ in 0..u.int_in_range(0..=2)? {
        change(&mut fields, u)?;
    }
    let purpose = if rates {
        Purpose::Rate
    } else {
        Purpose::Validate
    };
    match u.int_in_range(0..=7)? {
        0 => {}
        1 => {
            let token = world
                .intake
                .challenges
                .issue_typed(&scope_of(&fields, purpose), now())
                .token;
            let answer = world
                .intake
                .challenges
                .typed_answer(&token, now())
                .unwrap_or_default();
            fields.insert("typed_token".into(), token.into());
            fields.insert(
                "typed_answer".into(),
                if u.ratio(3, 4)? {
                    answer
                } else {
                    "000000".into()
                }
                .into(),
            );
        }
        _ => {
            let attempt = Attempt::new(&scope_of(&fields, purpose));
            let challenge = world.intake.challenges.issue(attempt.commitment(), now());
            let solved = attempt
                .solve(&challenge)
                .expect("our challenges can be solved");
            fields.insert("altcha".into(), solved.altcha.into());
            fields.insert("salt".into(), solved.salt.into());
        }
    }
    if u.ratio(1, 8)? {
        change(&mut fields, u)?;
    }
    Ok(fields)
}

fn scope_of(fields: &Map<String, Value>, purpose: Purpose) -> Scope<'_> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let (subject, phone) = match purpose {
        Purpose::Rate => (text("subject"), text("phone")),
        Purpose::Validate => ("", ""),
    };
    Scope {
        purpose,
        subject,
        receipt_code: text("receipt_code"),
        receipt_secret: text("receipt_secret"),
        phone,
    }
}

/// Leaves a name out, or gives it another value.
fn change(fields: &mut Map<String, Value>, u: &mut Unstructured<'_>) -> Result<()> {
    let names: Vec<&str> = GOOD
        .iter()
        .map(|(name, _)| *name)
        .chain(OTHER_NAMES)
        .collect();
    let name = if u.ratio(15, 16)? {
        (*u.choose(&names)?).to_owned()
    } else {
        hostile::text(u)?
    };
    let value = match u.int_in_range(0..=6)? {
        0 => {
            fields.remove(&name);
            return Ok(());
        }
        1 => json!([hostile::text(u)?, "cham-han", "cham-han"]),
        2 => json!({ "cs1": hostile::text(u)?, "cs3": "mot-lan" }),
        3 => u
            .choose(&[Value::Null, json!(7), json!(true), json!([]), json!({})])?
            .clone(),
        4 => json!(u.arbitrary::<&str>()?),
        _ => json!(hostile::text(u)?),
    };
    fields.insert(name, value);
    Ok(())
}

/// The fields as a native form posts them.
fn form(fields: &Map<String, Value>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        match value {
            Value::String(text) => {
                form.append_pair(name, text);
            }
            Value::Array(texts) => {
                for text in texts.iter().filter_map(Value::as_str) {
                    form.append_pair(name, text);
                }
            }
            Value::Object(texts) => {
                for (key, text) in texts {
                    form.append_pair(&format!("{name}.{key}"), text.as_str().unwrap_or_default());
                }
            }
            other => {
                form.append_pair(name, &other.to_string());
            }
        }
    }
    form.finish()
}
