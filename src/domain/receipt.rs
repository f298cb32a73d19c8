//! Receipt codes (mã biên nhận, mã số hồ sơ) and the secret part of a slip.

use std::fmt;

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization;

use super::{crockford, input_method, text};

/// Characters of a secret part before its check character: 10 × 5 bits.
pub const SECRET_LENGTH: usize = 10;

/// Days a receipt can be found after the dossier was received.
///
/// A year's applicants are still invited to rate when the year is over (S41), and the longest procedures take months;
/// after that a receipt is only a trace of someone's visit.
pub const RECEIPT_DAYS: i32 = 400;

/// A text that is no receipt code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a receipt code reads V1V2V3.Z1Z2.Y1Y2-YYMMDD-XXXX or V1V2.V3V4-YYYYMMDD-XXXXXXX")]
pub struct ReceiptCodeError;

/// A receipt code in canonical form: upper case, no spaces, shape checked (Thông tư 01/2018/TT-VPCP, art. 19).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiptCode {
    text: String,
    day: Date,
}

impl ReceiptCode {
    /// Normalises what was typed or scanned and checks its shape.
    ///
    /// Full-width forms, lower case, spaces, long dashes, invisible characters, the end of a sentence and what Vietnamese
    /// input methods make of letters (`Đ` of `DD`) are folded first. The shape is dot-separated groups of 1 to 5 letters
    /// or digits, `-`, a date `YYMMDD` or `YYYYMMDD` that exists, `-`, and a serial of 4 to 7 digits: provinces and
    /// ministries write it differently, and old and new unit prefixes are both taken. Two spellings of a date are two
    /// codes.
    ///
    /// # Errors
    /// [`ReceiptCodeError`] for any other text.
    pub fn parse(input: &str) -> Result<Self, ReceiptCodeError> {
        if input.len() > 200 {
            return Err(ReceiptCodeError);
        }
        let visible: String = input.nfkc().filter(|c| !text::is_invisible(*c)).collect();
        let typed: String = text::without_sentence_end(&visible)
            .chars()
            .filter(|c| !c.is_whitespace())
            .flat_map(char::to_uppercase)
            .map(|c| if text::is_dash(c) { '-' } else { c })
            .collect();
        let code = input_method::keys(&typed);
        let mut parts = code.split('-');
        let (Some(unit), Some(day), Some(serial), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ReceiptCodeError);
        };
        let group = |group: &str| {
            (1..=5).contains(&group.len())
                && group
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let groups = unit.split('.').count();
        let shaped = (1..=5).contains(&groups)
            && unit.split('.').all(group)
            && digits(serial)
            && (4..=7).contains(&serial.len());
        let day = day_of(day).filter(|_| shaped).ok_or(ReceiptCodeError)?;
        Ok(Self { text: code, day })
    }

    /// The day it names: the one the dossier was received.
    #[must_use]
    pub fn day(&self) -> Date {
        self.day
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ReceiptCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The day that `YYMMDD` or `YYYYMMDD` of this century names.
fn day_of(text: &str) -> Option<Date> {
    let digits = match text.len() {
        6 => format!("20{text}"),
        8 if text.starts_with("20") => text.to_owned(),
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Date::strptime("%Y%m%d", digits).ok()
}

/// A text that is no secret part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret part is ten letters or digits and a check character")]
pub struct ReceiptSecretError;

/// The secret part of a slip: ten Crockford base-32 characters (50 bits) and one check character.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptSecret(String);

impl ReceiptSecret {
    /// Normalises what was typed (case, spaces, dashes, `O` for 0, `I` and `L` for 1, the marks of a Vietnamese input
    /// method) and verifies the check character.
    ///
    /// # Errors
    /// [`ReceiptSecretError`] when the length, alphabet or check character is wrong.
    pub fn parse(input: &str) -> Result<Self, ReceiptSecretError> {
        let body = crockford::read(input, SECRET_LENGTH).ok_or(ReceiptSecretError)?;
        Ok(Self(body))
    }

    /// The secret that 50 random bits spell.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(crockford::digits(bits.into(), SECRET_LENGTH))
    }

    /// The ten characters, without the check character.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The eleven characters a slip prints.
    #[must_use]
    pub fn printed(&self) -> String {
        crockford::printed(&self.0)
    }
}

impl fmt::Debug for ReceiptSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn typed_and_scanned_codes_fold_to_one_canonical_form() {
        for typed in [
            "000.00.29.H17-261101-0001",
            " 000.00.29.h17 - 261101 - 0001 ",
            "０００.00.29.H17–261101—0001",
        ] {
            assert_eq!(
                ReceiptCode::parse(typed).unwrap().as_str(),
                "000.00.29.H17-261101-0001"
            );
        }
        assert_eq!(
            ReceiptCode::parse("Đ1.02-261101-0001").unwrap().as_str(),
            "DD1.02-261101-0001"
        );
    }

    #[test]
    fn codes_of_provinces_and_ministries_are_both_read_and_kept_as_they_are() {
        for (code, day) in [
            ("H15.50.05.13-261008-0975", date(2026, 10, 8)),
            ("G09.20-20260609-0092637", date(2026, 6, 9)),
            ("000.00.01.H22-260102-000001", date(2026, 1, 2)),
            ("G09-260609-0000001", date(2026, 6, 9)),
        ] {
            let read = ReceiptCode::parse(code).unwrap();
            assert_eq!((read.as_str(), read.day()), (code, day));
        }
        assert_ne!(
            ReceiptCode::parse("G09.20-20260609-0001"),
            ReceiptCode::parse("G09.20-260609-0001")
        );
    }

    #[test]
    fn a_code_copied_from_a_message_or_typed_in_vietnamese_is_read() {
        for copied in [
            "\u{200b}DD1.AS2-261101-0001\u{feff}",
            "\u{202a}DD1.AS2-261101-0001\u{202c}.",
            "«DD1.AS2-261101-0001».",
            "DD1.AS2\u{2011}261101\u{2060}-0001,",
            "đ1.á2-261101-0001",
        ] {
            let read = ReceiptCode::parse(copied).map(|code| code.to_string());
            assert_eq!(read.as_deref(), Ok("DD1.AS2-261101-0001"), "{copied:?}");
        }
    }

    #[test]
    fn a_secret_typed_with_a_vietnamese_input_method_is_read_back() {
        for (printed, typed) in [
            ("YH6DDZFDDM0", "YH6ĐZFĐM0"),
            ("ZA662D5QMWM", "ZA662D5QMƯM"),
            ("HWARTF1CMWZ", "HƯẢTF1CMƯZ"),
        ] {
            let secret = ReceiptSecret::parse(printed).unwrap();
            for typed in [typed.to_owned(), typed.to_lowercase()] {
                assert_eq!(ReceiptSecret::parse(&typed), Ok(secret.clone()), "{typed}");
            }
        }
    }

    #[test]
    fn a_code_of_another_shape_is_refused() {
        for typed in [
            "",
            "-",
            "H17-261301-0001",
            "H17-261101-1",
            "H17-261101-0001-9",
            "..-261101-0001",
            "<script>-261101-0001",
            "H17-2611011-0001",
            "H17-261101-12345678",
            "H17-19261101-0001",
            "H17-20261301-0001",
            "H17-202611-0001",
            "H17-26110-0001",
            "H17-26111x-0001",
            "H17-２６١١٠١-0001",
        ] {
            assert_eq!(ReceiptCode::parse(typed), Err(ReceiptCodeError), "{typed}");
        }
    }

    #[test]
    fn a_secret_reads_back_as_printed_and_catches_a_typing_error() {
        let secret = ReceiptSecret::from_bits(0x2_A5F1_93C7_D04B);
        let printed = secret.printed();

        assert_eq!(
            ReceiptSecret::parse(&printed.to_lowercase()).unwrap(),
            secret
        );
        for position in 0..SECRET_LENGTH {
            let mut wrong = printed.clone().into_bytes();
            wrong[position] = if wrong[position] == b'7' { b'8' } else { b'7' };
            assert!(ReceiptSecret::parse(std::str::from_utf8(&wrong).unwrap()).is_err());
        }
    }

    #[test]
    fn a_look_alike_letter_is_read_as_its_digit() {
        let secret = ReceiptSecret::from_bits(0b00001_00000);
        let printed = secret.printed();

        assert_eq!(&printed[8..10], "10");
        assert_eq!(
            ReceiptSecret::parse(&printed.replace('0', "o").replace('1', "L"))
                .map(|s| s.as_str().to_owned()),
            Ok(secret.as_str().to_owned())
        );
    }

    #[test]
    fn a_code_is_shown_as_it_is_kept() {
        let code = ReceiptCode::parse("h17-261101-0001").unwrap();

        assert_eq!(code.to_string(), "H17-261101-0001");
        assert_eq!(code.as_str(), code.to_string());
    }

    #[test]
    fn two_hundred_bytes_of_a_code_are_read_and_no_more() {
        let padded = |length| format!("{:>length$}", "H17-261101-0001");

        assert!(ReceiptCode::parse(&padded(200)).is_ok());
        assert_eq!(ReceiptCode::parse(&padded(201)), Err(ReceiptCodeError));
    }

    #[test]
    fn the_day_in_a_code_is_one_of_this_century() {
        for (day, exists) in [
            ("000229", true),
            ("240229", true),
            ("230229", false),
            ("991231", true),
            ("261100", false),
        ] {
            let code = format!("H17-{day}-0001");
            assert_eq!(ReceiptCode::parse(&code).is_ok(), exists, "{day}");
        }
    }

    #[test]
    fn a_debug_line_holds_no_secret() {
        assert_eq!(
            format!("{:?}", ReceiptSecret::from_bits(7)),
            "ReceiptSecret(..)"
        );
    }

    #[test]
    fn a_secret_is_the_ten_characters_before_its_check_character() {
        let secret = ReceiptSecret::from_bits(0x2_A5F1_93C7_D04B);

        assert_eq!(secret.as_str(), &secret.printed()[..SECRET_LENGTH]);
        assert_eq!(secret.printed().len(), SECRET_LENGTH + 1);
    }
}
