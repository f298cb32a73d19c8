//! Texts that mean to break out of wherever they are put.

use arbitrary::{Result, Unstructured};

/// What a text ends with; see [`crate::html::MARKER`].
const TAIL: &str = "\"'><zq zq=\"'&zq;</script><zq>";

const TEXTS: [&str; 16] = [
    "Phường Hải Châu",
    "",
    " ",
    "javascript:zq()",
    "//zq/",
    "\" onload=\"zq()",
    "</title><script>zq()</script>",
    "<!--",
    "-->",
    "{{ zq }}",
    "=zq()",
    "\u{0}\u{1}\u{7f}",
    "\u{202e}\u{2066}",
    "a\u{0301}\u{0302}\u{0303}",
    "\r\n\r\n",
    "&#x3c;zq&#62;",
];

/// A text; most end in [`TAIL`].
pub(crate) fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let tame: bool = u.ratio(1, 4)?;
    let mut text = match u.ratio(1, 2)? {
        true => (*u.choose(&TEXTS)?).to_owned(),
        false => u.arbitrary::<&str>()?.to_owned(),
    };
    if u.ratio(1, 64)? {
        text = text.repeat(50);
    }
    if !tame {
        text.push_str(TAIL);
    }
    Ok(text)
}
