//! Static files, embedded in the program and named after their content, so that they may be kept forever.
//!
//! A list of `include_bytes!` rather than a crate: a misspelt name fails the build, and nothing is published that is not
//! named here. No file refers to another by name; pages hand every address over.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::{Cache, SiteFile, guide};

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! embed {
    ($($name:literal: $content_type:expr),+ $(,)?) => {
        &[$(($name, $content_type, include_bytes!(concat!("../../templates/static/", $name)))),+]
    };
}

/// Name below `templates/static/`, media type, bytes.
const EMBEDDED: &[(&str, &str, &[u8])] = embed![
    "site.css": CSS,
    "results.css": CSS,
    "icon.svg": SVG,
    "slip.svg": SVG,
    "js/rating-form.js": JAVASCRIPT,
    "js/security-code.js": JAVASCRIPT,
    "js/pow-worker.js": JAVASCRIPT,
    "js/receipt-link.js": JAVASCRIPT,
    "js/draft.js": JAVASCRIPT,
    "js/shared-device.js": JAVASCRIPT,
    "js/list-filter.js": JAVASCRIPT,
    "js/count-check.js": JAVASCRIPT,
];

/// Files as they are served, in the order of [`EMBEDDED`].
static FILES: LazyLock<Vec<SiteFile>> = LazyLock::new(|| {
    let embedded = EMBEDDED.iter();
    embedded
        .map(|(name, content_type, bytes)| match *content_type {
            CSS | JAVASCRIPT => file(name, content_type, without_comments(bytes)),
            _ => file(name, content_type, bytes.to_vec()),
        })
        .collect()
});

/// A static file under the address that follows from its content.
pub(super) fn file(name: &str, content_type: &'static str, bytes: Vec<u8>) -> SiteFile {
    SiteFile {
        path: hashed_path(name, &bytes),
        content_type,
        cache: Cache::Forever,
        bytes,
    }
}

/// Every static file of the site.
#[must_use]
pub fn files() -> Vec<SiteFile> {
    FILES.iter().cloned().chain(guide::files()).collect()
}

/// The address of `name`: `/static/site.1a2b3c4d.css` for `site.css`; `/static/` for a name that is not embedded.
#[must_use]
pub fn path(name: &str) -> &'static str {
    let index = EMBEDDED.iter().position(|(embedded, ..)| *embedded == name);
    debug_assert!(index.is_some(), "no static file `{name}`");
    index.map_or("/static/", |index| &FILES[index].path)
}

/// Leaves `/* … */` out, with the rest of a line that holds nothing else: comments are for who reads the source, and the
/// whole form is to weigh less than 10 KB. None of our strings holds the two characters (a test looks).
fn without_comments(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before.trim_end_matches([' ', '\t']));
        let after = after.split_once("*/").map_or("", |(_, after)| after);
        rest = if kept.is_empty() || kept.ends_with('\n') {
            after.trim_start_matches('\n')
        } else {
            after
        };
    }
    kept.push_str(rest);
    kept.into_bytes()
}

/// `/static/<stem>.<first 8 hexadecimal digits of SHA-256>.<ext>`.
fn hashed_path(name: &str, bytes: &[u8]) -> String {
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..4]);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    format!("/static/{stem}.{digest}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_follows_from_the_content() {
        assert_eq!(hashed_path("js/a.js", b"abc"), "/static/js/a.ba7816bf.js");
        assert_ne!(
            hashed_path("js/a.js", b"abc"),
            hashed_path("js/a.js", b"abd")
        );
    }

    #[test]
    fn comments_stay_at_home() {
        let source = b"/* head\n * of file */\na { b: c } /* why */\n  /* alone */\nd {}\n";

        assert_eq!(without_comments(source), b"a { b: c }\nd {}\n");
        for file in files() {
            if file.content_type == "image/webp" {
                continue;
            }
            let text = String::from_utf8_lossy(&file.bytes);
            assert!(
                !text.contains("/*") && !text.contains("*/"),
                "{}",
                file.path
            );
        }
    }

    #[test]
    fn every_embedded_file_is_published_under_its_address() {
        let files = files();

        assert_eq!(files.len(), EMBEDDED.len() + guide::files().len());
        for ((name, ..), file) in EMBEDDED.iter().zip(&files) {
            assert_eq!(path(name), file.path);
            assert_eq!(file.cache, Cache::Forever);
        }
    }
}
