//! Bodies of requests: size, content type, and one path from JSON or a native form to a checked struct.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE};
use lambda_http::{Body, Request};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::ProblemKind;
use crate::domain::lang::Lang;

/// Largest rating or look-up, in bytes: a suggestion of 1,000 characters takes up to 12,000 where a form writes each of their
/// bytes as `%XX`, or JSON each half of a pair as `\uXXXX`; the rest takes some 4,000.
pub const MAX_BODY: usize = 24 * 1024;
/// Largest form whose values are shown again when it is refused for its size.
const MAX_SHOWN: usize = 64 * 1024;

/// How the sender speaks, and so how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// `application/json`; answered in JSON and `application/problem+json`.
    Json,
    /// A native form post; answered with pages.
    Form,
}

/// The values of a body by name, before they are checked.
///
/// A form's repeated `reasons` become a list and its `answers.<code>` an object, so that both wires meet one schema.
/// Empty form values count as absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// How it came.
    pub wire: Wire,
    /// The values, in the shape of the JSON body.
    pub values: Map<String, Value>,
}

impl Form {
    /// Reads a request's body as a `T`; its values are there even where they are no `T`, so that a page can show them again.
    ///
    /// 413 above [`MAX_BODY`], 415 for another content type, 400 for bytes that are no UTF-8, also behind a form's `%XX`, no
    /// JSON object, a form that repeats a single-valued name, a name that is unknown or missing, or a value of the wrong type.
    pub fn read_as<T: DeserializeOwned>(request: &Request) -> (Self, Result<T, ProblemKind>) {
        let (wire, values) = match content_wire(request) {
            Some(wire) => (wire, read_values(request, wire)),
            None => (
                accepted_wire(request),
                Err(ProblemKind::UnsupportedMediaType),
            ),
        };
        match values {
            Ok(values) if body_of(request).len() > MAX_BODY => {
                (Self { wire, values }, Err(ProblemKind::TooLarge))
            }
            Ok(values) => {
                let body = serde_json::from_value(Value::Object(values.clone()));
                let body = body.map_err(|_| ProblemKind::MalformedBody);
                (Self { wire, values }, body)
            }
            Err(kind) => {
                let values = Map::new();
                (Self { wire, values }, Err(kind))
            }
        }
    }
}

fn content_wire(request: &Request) -> Option<Wire> {
    let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/json" => Some(Wire::Json),
        "application/x-www-form-urlencoded" => Some(Wire::Form),
        _ => None,
    }
}

fn read_values(request: &Request, wire: Wire) -> Result<Map<String, Value>, ProblemKind> {
    let bytes = body_of(request);
    let most = match wire {
        Wire::Json => MAX_BODY,
        Wire::Form => MAX_SHOWN,
    };
    if bytes.len() > most {
        return Err(ProblemKind::TooLarge);
    }
    let text = std::str::from_utf8(bytes).ok();
    let values = text.and_then(|text| match wire {
        Wire::Json => serde_json::from_str(text).ok(),
        Wire::Form => form_values(text),
    });
    values.ok_or(match bytes.len() > MAX_BODY {
        true => ProblemKind::TooLarge,
        false => ProblemKind::MalformedBody,
    })
}

/// The language asked for: `lang` in the body when there is one, else `Accept-Language`, else Vietnamese.
#[must_use]
pub fn language(request: &Request, form: Option<&Form>) -> Lang {
    match form
        .and_then(|form| form.values.get("lang"))
        .and_then(Value::as_str)
    {
        Some("en") => return Lang::En,
        Some(_) => return Lang::Vi,
        None => {}
    }
    let header = request
        .headers()
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let first = header
        .split(',')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if first == "en" || first.starts_with("en-") {
        Lang::En
    } else {
        Lang::Vi
    }
}

/// Whether a request without a usable body came from a page or from a program.
#[must_use]
pub fn accepted_wire(request: &Request) -> Wire {
    let accept = request
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if accept.contains("text/html") {
        Wire::Form
    } else {
        Wire::Json
    }
}

fn body_of(request: &Request) -> &[u8] {
    match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

fn form_values(text: &str) -> Option<Map<String, Value>> {
    // Another character set would be read as U+FFFD, and saved so.
    percent_decode_str(text).decode_utf8().ok()?;
    let mut values = Map::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if value.is_empty() {
            continue;
        }
        let value = Value::String(value.into_owned());
        if name == "reasons" {
            let reasons = values
                .entry("reasons")
                .or_insert_with(|| Value::Array(Vec::new()));
            reasons.as_array_mut()?.push(value);
        } else if let Some(question) = name.strip_prefix("answers.") {
            let answers = values
                .entry("answers")
                .or_insert_with(|| Value::Object(Map::new()));
            if answers
                .as_object_mut()?
                .insert(question.to_owned(), value)
                .is_some()
            {
                return None;
            }
        } else if values.insert(name.into_owned(), value).is_some() {
            return None;
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_takes_the_shape_of_the_json_body() {
        let values =
            form_values("subject=48-1&reasons=late&reasons=rude&answers.cs1=equal&suggestion=")
                .unwrap();

        assert_eq!(
            Value::Object(values),
            serde_json::json!({"subject": "48-1", "reasons": ["late", "rude"], "answers": {"cs1": "equal"}})
        );
        assert_eq!(form_values("subject=a&subject=b"), None);
        assert_eq!(form_values("suggestion=G%F3p"), None);
        assert_eq!(form_values("G%F3p=a"), None);
        assert!(form_values("suggestion=G%C3%B3p+%EF%BF%BD").is_some());
        assert_eq!(form_values("answers.cs1=a&answers.cs1=b"), None);
    }
}
