//! Codes people copy: Crockford's base 32 with a check character (<https://www.crockford.com/base32.html>).

use unicode_normalization::UnicodeNormalization;

/// The 32 digits, then the five further check symbols.
const SYMBOLS: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

/// Longest text looked at, in bytes.
const MAX_INPUT: usize = 100;

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

/// The `length` digits of what was typed (case, spaces, dashes, `O` for 0, `I` and `L` for 1), if the check character
/// behind them is right.
pub(super) fn read(input: &str, length: usize) -> Option<String> {
    if input.len() > MAX_INPUT {
        return None;
    }
    let fold = |c: char| match c {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let text: String = input
        .nfkc()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .flat_map(char::to_uppercase)
        .map(fold)
        .collect();
    let (body, check) = (text.get(..length)?, text.get(length..)?);
    let expected = check_character(body)?;
    (check.as_bytes() == [expected]).then(|| body.to_owned())
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
    fn a_hundred_bytes_are_read_and_no_more() {
        let padded = |length| format!("{:>length$}", printed("0000000007"));

        assert_eq!(read(&padded(100), 10).as_deref(), Some("0000000007"));
        assert_eq!(read(&padded(101), 10), None);
    }
}
