//! Sealing of names and phones: readable only with the quarter's key.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

/// Bytes of the random nonce before every sealed box.
const NONCE_LENGTH: usize = 24;

/// No random bytes could be had, or the box is not ours.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The system gave no randomness.
    #[error("no randomness for sealing")]
    NoRandomness,
    /// Another key, another context, or changed bytes.
    #[error("the sealed box does not open")]
    Refused,
}

/// Seals `plain` under `key`, bound to `context` (XChaCha20-Poly1305, 24-byte random nonce first).
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn seal(key: &[u8; 32], context: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_LENGTH];
    getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let payload = Payload {
        msg: plain,
        aad: context,
    };
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| SealError::Refused)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] gave for the same key and context.
///
/// # Errors
/// [`SealError::Refused`].
pub fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, sealed) = sealed
        .split_first_chunk::<NONCE_LENGTH>()
        .ok_or(SealError::Refused)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher
        .decrypt(
            &XNonce::from(*nonce),
            Payload {
                msg: sealed,
                aad: context,
            },
        )
        .map_err(|_| SealError::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_opens_only_with_its_key_and_context() {
        let key = [7; 32];
        let sealed = seal(&key, b"guard", "Nguyễn Văn A".as_bytes()).unwrap();

        assert_eq!(
            open(&key, b"guard", &sealed).unwrap(),
            "Nguyễn Văn A".as_bytes()
        );
        assert!(open(&[8; 32], b"guard", &sealed).is_err());
        assert!(open(&key, b"other", &sealed).is_err());
        assert!(open(&key, b"guard", &sealed[..20]).is_err());
    }
}
