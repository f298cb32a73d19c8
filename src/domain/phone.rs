//! Vietnamese telephone numbers.

use unicode_normalization::UnicodeNormalization;

use super::text;

/// A text that is no Vietnamese telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Vietnamese number has 10 digits after 03, 05, 07, 08 or 09, or 11 after 02")]
pub struct PhoneError;

/// Longest text looked at, in bytes.
const MAX_INPUT: usize = 100;

/// What a telephone dials for a number as it is shown, `+84 236 3881 888` or `(0236) 1022`: digits, and the plus sign
/// before a country code.
#[must_use]
pub fn dialled(shown: &str) -> String {
    let digits = shown.chars().filter(char::is_ascii_digit);
    let abroad = shown.chars().find(|c| c.is_ascii_digit() || *c == '+') == Some('+');
    abroad.then_some('+').into_iter().chain(digits).collect()
}

/// A Vietnamese number in national form, such as `0905123456`.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Reads a mobile or fixed number with or without `+84` or `0084`, spaces, dots, dashes or brackets; characters
    /// that cannot be seen and the end of a sentence do not matter.
    ///
    /// # Errors
    /// [`PhoneError`] for anything that cannot be dialled in Việt Nam.
    pub fn parse(input: &str) -> Result<Self, PhoneError> {
        if input.len() > MAX_INPUT {
            return Err(PhoneError);
        }
        let between = |c: char| c.is_whitespace() || text::is_dash(c) || "./()".contains(c);
        let visible: String = input
            .nfkc()
            .filter(|c| !text::is_invisible(*c) && !c.is_control())
            .collect();
        let typed: String = text::without_sentence_end(&visible)
            .chars()
            .filter(|c| !between(*c))
            .collect();
        let abroad = ["+84", "0084", "84"]
            .iter()
            .find_map(|code| typed.strip_prefix(code));
        let national = match abroad {
            Some(rest) => format!("0{}", rest.strip_prefix('0').unwrap_or(rest)),
            None => typed,
        };
        let mobile = national.len() == 10
            && ["03", "05", "07", "08", "09"]
                .iter()
                .any(|prefix| national.starts_with(prefix));
        let fixed = national.len() == 11 && national.starts_with("02");
        if !(mobile || fixed) || !national.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PhoneError);
        }
        Ok(Self(national))
    }

    /// The number in national form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_number_is_one_number() {
        for typed in [
            "0905123456",
            "+84 905 123 456",
            "84905123456",
            "0905.123.456",
            "(090) 512-3456",
            "０９０５１２３４５６",
            "+840905123456",
            "0084 905 123 456",
            "0084-905.123.456",
            "\u{202a}+84 905 123 456\u{202c}",
            "\u{200b}0905123456\u{feff}.",
            "0905\u{2060}123456,",
            "+84 (0) 905 123 456",
        ] {
            assert_eq!(
                Phone::parse(typed).unwrap().as_str(),
                "0905123456",
                "{typed}"
            );
        }
        assert_eq!(Phone::parse("0236 1022").unwrap_err(), PhoneError);
        assert_eq!(
            Phone::parse("0236 3881 888").unwrap().as_str(),
            "02363881888"
        );
    }

    #[test]
    fn a_foreign_or_cut_off_number_is_refused() {
        for typed in [
            "",
            "113",
            "0105123456",
            "+1 212 555 0100",
            "090512345",
            "09051234567",
            "0905a23456",
            "٠٩٠٥١٢٣٤٥٦",
        ] {
            assert_eq!(Phone::parse(typed), Err(PhoneError), "{typed}");
        }
    }

    #[test]
    fn a_number_with_a_country_code_is_dialled_with_its_plus_sign() {
        for (shown, expected) in [
            ("+84 236 3881 888", "+842363881888"),
            ("(+84) 236 3881 888", "+842363881888"),
            ("(0236) 1022", "02361022"),
            ("1022", "1022"),
            ("0236+1022", "02361022"),
        ] {
            assert_eq!(dialled(shown), expected);
        }
    }

    #[test]
    fn a_hundred_bytes_are_read_and_no_more() {
        let padded = |length| format!("{:>length$}", "0905123456");

        assert!(Phone::parse(&padded(100)).is_ok());
        assert_eq!(Phone::parse(&padded(101)), Err(PhoneError));
    }

    #[test]
    fn a_debug_line_holds_no_number() {
        let phone = Phone::parse("0905123456").unwrap();

        assert_eq!(format!("{phone:?}"), "Phone(..)");
    }
}
