//! Codes people copy: Crockford's base 32 (<https://www.crockford.com/base32.html>) with a check character.

use unicode_normalization::UnicodeNormalization;

use super::{input_method, text};

/// The 32 digits, then the five further check symbols.
const SYMBOLS: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

/// Longest text looked at, in bytes.
const MAX_INPUT: usize = 200;

/// The lowest `length` digits of `bits`, highest first.
pub(super) fn digits(bits: u128, length: usize) -> String {
    let digit = |place: usize| char::from(SYMBOLS[(bits >> (5 * place)) as usize & 31]);
    (0..length).rev().map(digit).collect()
}

/// `body` with its check character behind it.
pub(super) fn printed(body: &str) -> String {
    let check = check_character(body).map_or(' ', char::from);
    format!("{body}{check}")
}

/// Whether the check character of `body` is a digit, and none of the five symbols that telephone keyboards hide.
pub(super) fn ends_in_a_digit(body: &str) -> bool {
    check_character(body).is_some_and(|check| SYMBOLS[..32].contains(&check))
}

/// The `length` digits of what was typed, if the check character behind them is right.
///
/// Case, spaces, dashes, invisible characters and a sentence's end do not matter; `O` is 0, `I` and `L` are 1. What a
/// Vietnamese input method made of the keys is undone.
pub(super) fn read(input: &str, length: usize) -> Option<String> {
    if input.len() > MAX_INPUT {
        return None;
    }
    let visible: String = input.nfkc().filter(|c| !text::is_invisible(*c)).collect();
    let typed: String = text::without_sentence_end(&visible)
        .chars()
        .filter(|c| !c.is_whitespace() && !text::is_dash(*c))
        .flat_map(char::to_uppercase)
        .collect();
    let right = |keys: &str| {
        let keys = unmistaken(keys);
        let parts = keys.get(..length).zip(keys.get(length..));
        parts.is_some_and(|(body, check)| {
            check_character(body).is_some_and(|own| [own] == check.as_bytes())
        })
    };
    let keys = input_method::find(&typed, length + 1, right)?;
    unmistaken(&keys).get(..length).map(str::to_owned)
}

/// Letters that look like digits, as the digits.
fn unmistaken(keys: &str) -> String {
    let fold = |c: char| match c {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    keys.chars().map(fold).collect()
}

/// The number modulo 37, as one of the symbols; `None` outside the alphabet.
fn check_character(body: &str) -> Option<u8> {
    let mut value = 0;
    for byte in body.bytes() {
        let digit = SYMBOLS[..32].iter().position(|symbol| *symbol == byte)?;
        value = (value * 32 + digit) % 37;
    }
    Some(SYMBOLS[value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_bytes_are_read_and_no_more() {
        let padded = |length| format!("{:>length$}", printed("0000000007"));

        assert_eq!(read(&padded(200), 10).as_deref(), Some("0000000007"));
        assert_eq!(read(&padded(201), 10), None);
    }

    #[test]
    fn a_code_copied_from_a_message_is_read() {
        let code = printed("YH6DDZFDDM");
        for copied in [
            format!("\u{200b}{code}\u{feff}"),
            format!("\u{202a}{code}\u{202c}."),
            format!("\u{2060}{code}."),
            format!("«{code}»,"),
            format!("{}\u{a0}{}", &code[..4], &code[4..]),
            format!("{}\u{2013}{}", &code[..4], &code[4..]),
            format!("{}\u{ad}{}", &code[..4], &code[4..]),
        ] {
            let read = read(&copied, 10);
            assert_eq!(read.as_deref(), Some("YH6DDZFDDM"), "{copied:?}");
        }
    }
}
