//! Our word for what the form of a receipt says of its dossier.

use subtle::ConstantTimeEq;

use super::{Keyring, mac, short};
use crate::domain::handling::Handling;
use crate::domain::id::UnitId;
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};

impl Keyring {
    /// What the form of a receipt says of its dossier, with our word that whoever has this code and secret part was told so.
    #[must_use]
    pub fn vouch(&self, code: &ReceiptCode, secret: &ReceiptSecret, handling: &Handling) -> String {
        let said = handling.to_string();
        let unit_id = handling.unit_id.as_str();
        format!("{said} {}", self.word(code, secret, unit_id, &said))
    }

    /// Reads what [`Keyring::vouch`] wrote for a dossier of `unit_id`; `None` for anything else.
    #[must_use]
    pub fn vouched(
        &self,
        code: &ReceiptCode,
        secret: &ReceiptSecret,
        unit_id: &UnitId,
        text: &str,
    ) -> Option<Handling> {
        let (said, word) = text.rsplit_once(' ')?;
        let expected = self.word(code, secret, unit_id.as_str(), said);
        let ours: bool = word.as_bytes().ct_eq(expected.as_bytes()).into();
        ours.then(|| Handling::parse(unit_id, said)).flatten()
    }

    fn word(
        &self,
        code: &ReceiptCode,
        secret: &ReceiptSecret,
        unit_id: &str,
        said: &str,
    ) -> String {
        let parts = [code.as_str(), secret.as_str(), unit_id, said];
        short(&mac(
            &self.passing_subkey("handling"),
            &parts.map(str::as_bytes),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_word_is_good_for_one_slip_and_what_was_said_of_it() {
        let key = |digit: &str| Keyring::from_hex(&digit.repeat(64)).unwrap();
        let (ours, later) = (
            key("a"),
            format!("{} 2027q1={}", "a".repeat(64), "b".repeat(64)),
        );
        let later = Keyring::from_hex(&later).unwrap();
        let code = |text: &str| ReceiptCode::parse(text).unwrap();
        let slip = (code("H17-261101-0001"), ReceiptSecret::from_bits(1));
        let unit = |text: &str| UnitId::parse(text).unwrap();
        let handling = Handling::parse(&unit("u-1"), "ho-tich - - o-1:desk").unwrap();
        let text = ours.vouch(&slip.0, &slip.1, &handling);
        let read = |keyring: &Keyring, code, secret, unit, text: &str| {
            keyring.vouched(&code, &secret, &unit, text)
        };

        let good = read(&ours, slip.0.clone(), slip.1.clone(), unit("u-1"), &text);

        assert_eq!(good, Some(handling));
        let other = code("H17-261101-0002");
        let secret = || ReceiptSecret::from_bits(1);
        let wrong = ReceiptSecret::from_bits(2);
        let altered = text.replace("desk", "settle");
        for refused in [
            read(&key("b"), slip.0.clone(), secret(), unit("u-1"), &text),
            read(&later, slip.0.clone(), secret(), unit("u-1"), &text),
            read(&ours, other, secret(), unit("u-1"), &text),
            read(&ours, slip.0.clone(), wrong, unit("u-1"), &text),
            read(&ours, slip.0.clone(), secret(), unit("u-2"), &text),
            read(&ours, slip.0.clone(), secret(), unit("u-1"), &altered),
            read(&ours, slip.0.clone(), secret(), unit("u-1"), "ho-tich - -"),
            read(&ours, slip.0.clone(), secret(), unit("u-1"), ""),
        ] {
            assert_eq!(refused, None);
        }
    }
}
