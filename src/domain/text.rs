//! Text a person typed: normalised, bounded, free of control characters.

use unicode_normalization::UnicodeNormalization;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// More characters than its field takes.
    #[error("the text is longer than {max} characters")]
    TooLong {
        /// The most its field takes, in characters.
        max: usize,
    },
}

/// `input` in NFC, trimmed, inner runs of white space within a line folded to one space, without the control and
/// formatting characters that come along when a text is copied.
///
/// # Errors
/// [`TextError::TooLong`] above `max` characters (counted after normalisation), [`TextError::Empty`] when nothing that
/// can be seen is left.
pub fn normalise(input: &str, max: usize) -> Result<String, TextError> {
    let dropped =
        |c: char| (c.is_control() && !c.is_whitespace()) || (is_invisible(c) && !is_joiner(c));
    let composed: String = input
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| !dropped(*c))
        .nfc()
        .collect();
    let lines: Vec<String> = composed
        .trim()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let text = lines.join("\n");
    if shows_nothing(&text) {
        return Err(TextError::Empty);
    }
    if text.chars().count() > max {
        return Err(TextError::TooLong { max });
    }
    Ok(text)
}

/// Whether `c` takes no room of its own: format characters of Unicode, such as those that copied messages begin with.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Characters that join or part the letters of some scripts and the parts of emoji.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether nothing is seen of `text`.
#[must_use]
pub fn shows_nothing(text: &str) -> bool {
    text.chars().all(is_blank)
}

/// Whether nothing is seen of `c` when it stands alone: white space, fillers, marks without a letter.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || is_invisible(c)
        || unicode_normalization::char::is_combining_mark(c)
        || matches!(
            c,
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}'
        )
}

/// Whether `c` is one of the dashes that programs set for a hyphen.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// A code without what a sentence puts around it: white space, quotation marks, brackets and the full stop.
pub(super) fn without_sentence_end(code: &str) -> &str {
    let around = |c: char| c.is_whitespace() || ".,;:!?…'\"()[]«»“”‘’".contains(c);
    code.trim_matches(around)
}

/// `input` in lower case without tone marks, bars and apostrophes, `đ` as `d`: what accent-insensitive search compares.
#[must_use]
pub fn fold(input: &str) -> String {
    let stripped = input
        .nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .filter(|c| !is_apostrophe(*c));
    let plain = |c: char| match c {
        // U+0111, and U+00F0 of Icelandic, which looks like it in capitals.
        'đ' | 'ð' => 'd',
        'ƀ' => 'b',
        c => c,
    };
    stripped.flat_map(char::to_lowercase).map(plain).collect()
}

/// Apostrophes as names of the Highlands are written with them: «H'Hen», «HʼHen», «H’Hen».
fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '\u{b4}' | '\u{2bb}'..='\u{2bd}' | '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{a78c}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_text_is_composed_and_trimmed() {
        assert_eq!(
            normalise("  Tha\u{0301}i   do\u{0323}\r\ntốt ", 50).unwrap(),
            "Thái dọ\ntốt"
        );
        assert_eq!(normalise(" \n ", 5), Err(TextError::Empty));
        assert_eq!(normalise("a\tb", 5).unwrap(), "a b");
        assert_eq!(normalise("abcde", 5).unwrap(), "abcde");
        assert_eq!(normalise("abcdef", 5), Err(TextError::TooLong { max: 5 }));
    }

    #[test]
    fn what_comes_along_with_a_copied_text_is_left_out() {
        for (copied, text) in [
            ("\u{2068}Cảm ơn\u{2069}", "Cảm ơn"),
            ("\u{feff}Cảm\u{7} ơn\u{200b}", "Cảm ơn"),
            ("\u{202e}Cảm ơn\u{202c}", "Cảm ơn"),
            ("Cảm\u{b}ơn", "Cảm ơn"),
            ("Cảm\rơn", "Cảm ơn"),
            ("Ca\u{200b}\u{309}m", "Cảm"),
            ("👨\u{200d}👩", "👨\u{200d}👩"),
        ] {
            assert_eq!(normalise(copied, 50).as_deref(), Ok(text), "{copied:?}");
        }
    }

    #[test]
    fn a_text_of_which_nothing_is_seen_is_empty() {
        for blank in [
            "\u{200b}\u{200b}",
            "\u{3164}",
            "\u{feff} \u{200d}",
            "\u{2800}\u{a0}",
            "\u{301}",
            "\u{7}",
        ] {
            assert_eq!(normalise(blank, 50), Err(TextError::Empty), "{blank:?}");
        }
    }

    #[test]
    fn search_ignores_accents_and_case() {
        assert_eq!(fold("Đặng Thị Hường"), "dang thi huong");
        assert_eq!(fold("\u{d0}ặng"), "dang");
        assert_eq!(fold("Ƀya"), "bya");
        for name in ["H'Hen", "H\u{2bc}Hen", "H\u{2019}Hen", "h`hen"] {
            assert_eq!(fold(name), "hhen", "{name}");
        }
    }
}
