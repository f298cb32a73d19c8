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
    /// A control or formatting character that no keyboard types.
    #[error("the text holds a control character")]
    Control,
}

/// `input` in NFC, trimmed, inner runs of white space within a line folded to one space.
///
/// # Errors
/// [`TextError::TooLong`] above `max` characters (counted after normalisation), [`TextError::Control`] for control
/// and bidirectional formatting characters, [`TextError::Empty`] when nothing is left.
pub fn normalise(input: &str, max: usize) -> Result<String, TextError> {
    let composed: String = input.replace("\r\n", "\n").nfc().collect();
    let forbidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if composed.chars().any(forbidden) {
        return Err(TextError::Control);
    }
    let lines: Vec<String> = composed
        .trim()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let text = lines.join("\n");
    match text.chars().count() {
        0 => Err(TextError::Empty),
        count if count > max => Err(TextError::TooLong { max }),
        _ => Ok(text),
    }
}

/// `input` in lower case without tone marks, `đ` as `d`: what accent-insensitive search compares.
#[must_use]
pub fn fold(input: &str) -> String {
    let stripped = input
        .nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    stripped
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'đ' { 'd' } else { c })
        .collect()
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
        assert_eq!(normalise("a\u{7}b", 5), Err(TextError::Control));
        assert_eq!(normalise("abcde", 5).unwrap(), "abcde");
        assert_eq!(normalise("abcdef", 5), Err(TextError::TooLong { max: 5 }));
        assert_eq!(normalise("a\u{202e}b", 5), Err(TextError::Control));
    }

    #[test]
    fn search_ignores_accents_and_case() {
        assert_eq!(fold("Đặng Thị Hường"), "dang thi huong");
    }
}
