//! Receipt codes and secret parts: what is read once reads the same again, as shown and as printed.

use thuocdo::domain::receipt::{ReceiptCode, ReceiptSecret};

use crate::world::World;

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(code) = ReceiptCode::parse(&text) {
        let shown = code.to_string();
        let plain = shown.bytes().all(|byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b".-".contains(&byte)
        });
        assert!(plain && shown.len() <= 46, "{text:?} reads {shown:?}");
        assert_eq!(ReceiptCode::parse(&shown).as_ref(), Ok(&code));
        for changed in [
            shown.to_lowercase(),
            format!(" {shown}\u{a0}"),
            shown.replace('-', "\u{2013}"),
            shown.replace("DD", "Đ"),
            wide(&shown),
        ] {
            assert_eq!(
                ReceiptCode::parse(&changed).as_ref(),
                Ok(&code),
                "{changed:?}"
            );
        }
        World::with(|world| {
            assert_eq!(
                world.keyring.receipt_hash(&code),
                world
                    .keyring
                    .receipt_hash(&ReceiptCode::parse(&shown).expect("read above"))
            );
        });
    }
    if let Ok(secret) = ReceiptSecret::parse(&text) {
        let printed = secret.printed();
        for changed in [
            printed.clone(),
            printed.to_lowercase(),
            printed.replace('0', "o").replace('1', "l"),
            wide(&printed),
        ] {
            assert!(
                ReceiptSecret::parse(&changed).as_ref() == Ok(&secret),
                "{changed:?}"
            );
        }
        // One wrong character is never taken for the right secret.
        let mut wrong = printed.into_bytes();
        let at = input.len() % wrong.len();
        wrong[at] = if wrong[at] == b'7' { b'8' } else { b'7' };
        let wrong = String::from_utf8_lossy(&wrong).into_owned();
        assert!(
            ReceiptSecret::parse(&wrong).as_ref() != Ok(&secret),
            "{wrong:?}"
        );
    }
}

/// The text in full-width forms, as some keyboards type it.
fn wide(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                char::from_u32(c as u32 + 0xFEE0).unwrap_or(c)
            } else {
                c
            }
        })
        .collect()
}
