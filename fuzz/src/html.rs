//! What every page owes its reader, whatever was put into it.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};

/// Stands in every hostile text behind a quote and a bracket; where it turns up in a name, a text broke out.
pub(crate) const MARKER: &str = "zq";

/// Attributes whose value is an address.
const ADDRESSES: [&str; 4] = ["href", "src", "action", "formaction"];

/// Checks a page: no inline script or style, nothing from another host, and no text outside its place.
///
/// # Panics
/// When it breaks one of these.
pub(crate) fn check(page: &str) {
    let mut emitter: DefaultEmitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut in_script = false;
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                assert!(is_name(&name) && name != "style", "<{name}> in {page}");
                in_script = name == "script";
                let mut has_source = false;
                for (attribute, value) in &tag.attributes {
                    let (attribute, value) = (text(attribute), text(value));
                    let handler = attribute.starts_with("on") || attribute == "style";
                    assert!(
                        is_name(&attribute) && !handler,
                        "<{name} {attribute}={value:?}> in {page}"
                    );
                    if ADDRESSES.contains(&attribute.as_str()) {
                        assert!(is_ours(&value), "<{name} {attribute}={value:?}> in {page}");
                    }
                    has_source |= attribute == "src";
                }
                assert!(!in_script || has_source, "an inline script in {page}");
            }
            Token::EndTag(tag) => {
                let name = text(&tag.name);
                assert!(is_name(&name), "</{name}> in {page}");
                in_script = false;
            }
            Token::String(inner) => {
                assert!(
                    !in_script || text(&inner).trim().is_empty(),
                    "an inline script in {page}"
                );
            }
            Token::Comment(comment) => {
                assert!(
                    !text(&comment).contains(MARKER),
                    "a comment holds input in {page}"
                );
            }
            // The tokenizer names every deviation; NUL and the like in texts are the only ones input can cause.
            Token::Doctype(_) | Token::Error(_) => {}
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_name(name: &str) -> bool {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b':');
    plain && !name.contains(MARKER)
}

/// An address of this site, a place on the page, a telephone or a mailbox.
fn is_ours(address: &str) -> bool {
    let path = address.starts_with('/') && !address.starts_with("//");
    path || ["#", "?", "tel:", "mailto:"]
        .iter()
        .any(|start| address.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_plain_page_passes() {
        check(
            "<!doctype html><html lang=vi><script type=module src=/static/a.js></script><a href=\"/?a=%22\">&lt;zq&gt;</a>",
        );
    }

    #[test]
    fn what_breaks_out_is_seen() {
        for page in [
            "<p><zq>",
            "<p title=\"\"zq'>",
            "<script>a()</script>",
            "<p onclick=a()>",
            "<p style='x'>",
            "<style>p{}</style>",
            "<a href='javascript:a()'>",
            "<a href='//elsewhere/'>",
            "<img src=https://elsewhere/>",
            "<!-- zq -->",
        ] {
            let outcome = std::panic::catch_unwind(|| check(page));
            assert!(outcome.is_err(), "{page}");
        }
    }
}
