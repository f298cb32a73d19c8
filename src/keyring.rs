//! Keyed fingerprints: what lets us recognise a receipt or a phone without keeping it.

use data_encoding::{BASE32_NOPAD, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::id::UnitId;
use crate::domain::period::{Month, Quarter};
use crate::domain::proof::{self, Entries, Hash, Tracker};
use crate::domain::rating::{Rating, RatingId, Subject};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};

/// Bytes of the master key.
pub const MASTER_KEY_LENGTH: usize = 32;

/// A key is not 64 hexadecimal digits, or a later one names no quarter after those before it.
#[derive(Debug, thiserror::Error)]
#[error(
    "a key must be 64 hexadecimal digits; in the master key's setting, others like 2027q1=… may follow, in order"
)]
pub struct MasterKeyError;

/// Sub-keys drawn from a master key, each for one purpose.
///
/// What must be recognised for good is drawn from the first master key: receipts, their secret parts, and the rating each
/// gives. What passes is drawn from the latest one: phones and sealed names of a quarter from the key in force in that
/// quarter, security codes from the newest of all. A key whose quarters have passed their keeping may be dropped, and
/// with it goes every copy of what it sealed.
///
/// Every input is written with its length before it, so that no two different lists of parts share a message.
#[derive(Clone)]
pub struct Keyring {
    master: [u8; MASTER_KEY_LENGTH],
    /// From which quarter on each takes over, in order.
    later: Vec<(Quarter, [u8; MASTER_KEY_LENGTH])>,
    receipts: ReceiptKey,
    proof: Option<ProofKey>,
}

impl Keyring {
    /// Takes the master key in hexadecimal, as configuration carries it; behind it, after spaces, keys that take over from
    /// a quarter on: `<key> 2027q1=<key> 2028q1=<key>`.
    ///
    /// # Errors
    /// [`MasterKeyError`] unless each is exactly 32 bytes, and their quarters ascend.
    pub fn from_hex(setting: &str) -> Result<Self, MasterKeyError> {
        let mut words = setting.split_whitespace();
        let master = key_from_hex(words.next().unwrap_or_default())?;
        let mut later: Vec<(Quarter, _)> = Vec::new();
        for word in words {
            let (quarter, key) = word.split_once('=').ok_or(MasterKeyError)?;
            let quarter = Quarter::parse(quarter).ok_or(MasterKeyError)?;
            if later.last().is_some_and(|(last, _)| *last >= quarter) {
                return Err(MasterKeyError);
            }
            later.push((quarter, key_from_hex(key)?));
        }
        Ok(Self {
            receipts: ReceiptKey(master),
            master,
            later,
            proof: None,
        })
    }

    /// The same with a receipt key of its own, for a deployment whose look-up shall not hold the master key. Without one,
    /// what it is for is drawn from the first master key.
    #[must_use]
    pub fn with_receipt_key(mut self, receipts: ReceiptKey) -> Self {
        self.receipts = receipts;
        self
    }

    /// The same with a proof key of its own, for a deployment whose publisher shall not hold the master key.
    #[must_use]
    pub fn with_proof_key(mut self, proof: ProofKey) -> Self {
        self.proof = Some(proof);
        self
    }

    /// The proof key: drawn from the master key unless there is one of its own.
    #[must_use]
    pub fn proof_key(&self) -> ProofKey {
        let drawn = || ProofKey(self.subkey("proof"));
        self.proof.clone().unwrap_or_else(drawn)
    }

    /// The keys of security codes, drawn from the newest master key: for one process that holds every key.
    #[must_use]
    pub fn challenge_key(&self) -> ChallengeKey {
        let newest = self.later.last().map_or(&self.master, |(_, key)| key);
        ChallengeKey::drawn_from(newest)
    }

    /// A key for `purpose` alone, 32 bytes; the same for good.
    #[must_use]
    pub fn subkey(&self, purpose: &str) -> [u8; 32] {
        drawn(&self.master, purpose)
    }

    /// A key for `purpose` alone, 32 bytes; another one when a master key is added, so for what lives some minutes.
    #[must_use]
    pub fn passing_subkey(&self, purpose: &str) -> [u8; 32] {
        let newest = self.later.last().map_or(&self.master, |(_, key)| key);
        drawn(newest, purpose)
    }

    /// A key for `purpose` in `quarter`, drawn from the master key in force then.
    fn quarter_subkey(&self, purpose: &str, quarter: Quarter) -> [u8; 32] {
        let mut later = self.later.iter().rev();
        let in_force = later.find(|(from, _)| *from <= quarter);
        let master = in_force.map_or(&self.master, |(_, key)| key);
        drawn(master, &format!("{purpose}/{quarter}"))
    }

    /// The key of receipts.
    #[must_use]
    pub fn receipt_key(&self) -> &ReceiptKey {
        &self.receipts
    }

    /// What a receipt is found by.
    #[must_use]
    pub fn receipt_hash(&self, code: &ReceiptCode) -> String {
        self.receipts.receipt_hash(code)
    }

    /// What a receipt is found by, and what opens the details of its dossier.
    #[must_use]
    pub fn receipt_keys(&self, code: &ReceiptCode) -> ReceiptKeys {
        self.receipts.receipt_keys(code)
    }

    /// What a receipt's secret part is checked by; bound to its code.
    #[must_use]
    pub fn secret_hash(&self, code: &ReceiptCode, secret: &ReceiptSecret) -> String {
        self.receipts.secret_hash(code, secret)
    }

    /// The rating a receipt gives for `subject` once its first was voided, because somebody else had given it.
    #[must_use]
    pub fn second_rating_id(&self, code: &ReceiptCode, subject: &Subject) -> RatingId {
        RatingId(short(&mac(
            &self.subkey("rating"),
            &[
                b"receipt",
                code.as_str().as_bytes(),
                subject.to_string().as_bytes(),
                b"1",
            ],
        )))
    }

    /// The one rating a receipt gives for `subject`.
    #[must_use]
    pub fn receipt_rating_id(&self, code: &ReceiptCode, subject: &Subject) -> RatingId {
        RatingId(short(&mac(
            &self.subkey("rating"),
            &[
                b"receipt",
                code.as_str().as_bytes(),
                subject.to_string().as_bytes(),
            ],
        )))
    }

    /// What a phone's guard for `subject` in `quarter` is found by.
    #[must_use]
    pub fn phone_hash(&self, phone: &str, subject: &Subject, quarter: Quarter) -> String {
        let key = self.quarter_subkey("phone", quarter);
        short(&mac(
            &key,
            &[phone.as_bytes(), subject.to_string().as_bytes()],
        ))
    }

    /// The one rating a phone gives for `subject` in `quarter`.
    #[must_use]
    pub fn phone_rating_id(&self, phone: &str, subject: &Subject, quarter: Quarter) -> RatingId {
        let key = self.quarter_subkey("phone-rating", quarter);
        RatingId(short(&mac(
            &key,
            &[phone.as_bytes(), subject.to_string().as_bytes()],
        )))
    }

    /// Key that seals names and phones given in `quarter`.
    #[must_use]
    pub fn sealing_key(&self, quarter: Quarter) -> [u8; 32] {
        self.quarter_subkey("seal", quarter)
    }

    /// Fingerprint of a rating's content, to tell a retry from a second opinion.
    #[must_use]
    pub fn content_digest(&self, parts: &[&[u8]]) -> String {
        short(&mac(&self.subkey("digest"), parts))
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(..)")
    }
}

fn drawn(master: &[u8; MASTER_KEY_LENGTH], purpose: &str) -> [u8; 32] {
    mac(master, &[b"thuocdo/1", purpose.as_bytes()])
}

fn key_from_hex(key: &str) -> Result<[u8; MASTER_KEY_LENGTH], MasterKeyError> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE
        .decode(key.trim().as_bytes())
        .map_err(|_| MasterKeyError)?;
    bytes.try_into().map_err(|_| MasterKeyError)
}

/// The key of receipts: it finds them and checks their secret parts, and opens no phone and no rating, so a function that
/// only looks receipts up needs no other. The same for good.
#[derive(Clone)]
pub struct ReceiptKey([u8; MASTER_KEY_LENGTH]);

impl ReceiptKey {
    /// Takes the key in hexadecimal, as configuration carries it.
    ///
    /// # Errors
    /// [`MasterKeyError`] unless it is exactly 32 bytes.
    pub fn from_hex(key: &str) -> Result<Self, MasterKeyError> {
        key_from_hex(key).map(Self)
    }

    fn subkey(&self, purpose: &str) -> [u8; 32] {
        drawn(&self.0, purpose)
    }

    /// What a receipt is found by.
    #[must_use]
    pub fn receipt_hash(&self, code: &ReceiptCode) -> String {
        short(&mac(&self.subkey("receipt"), &[code.as_str().as_bytes()]))
    }

    /// What a receipt is found by, and what opens the details of its dossier.
    #[must_use]
    pub fn receipt_keys(&self, code: &ReceiptCode) -> ReceiptKeys {
        let code_key = |purpose| mac(&self.subkey(purpose), &[code.as_str().as_bytes()]);
        ReceiptKeys {
            hash: self.receipt_hash(code),
            details: code_key("receipt-details"),
            marks: code_key("receipt-marks"),
        }
    }

    /// What a receipt's secret part is checked by; bound to its code.
    #[must_use]
    pub fn secret_hash(&self, code: &ReceiptCode, secret: &ReceiptSecret) -> String {
        short(&mac(
            &self.subkey("secret"),
            &[code.as_str().as_bytes(), secret.as_str().as_bytes()],
        ))
    }
}

impl AsRef<ReceiptKey> for ReceiptKey {
    fn as_ref(&self) -> &ReceiptKey {
        self
    }
}

impl AsRef<ReceiptKey> for Keyring {
    fn as_ref(&self) -> &ReceiptKey {
        &self.receipts
    }
}

impl std::fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiptKey(..)")
    }
}

/// The keys of security codes. A function that only issues codes holds no other key, so that a fault in it opens no receipt,
/// phone or rating.
#[derive(Clone)]
pub struct ChallengeKey {
    signature: [u8; 32],
    solution: [u8; 32],
    typed_code: [u8; 32],
}

impl ChallengeKey {
    /// Takes the key that the three are drawn from, in hexadecimal, as configuration carries it.
    ///
    /// # Errors
    /// [`MasterKeyError`] unless it is exactly 32 bytes.
    pub fn from_hex(key: &str) -> Result<Self, MasterKeyError> {
        key_from_hex(key).map(|root| Self::drawn_from(&root))
    }

    fn drawn_from(root: &[u8; MASTER_KEY_LENGTH]) -> Self {
        Self {
            signature: drawn(root, "challenge"),
            solution: drawn(root, "challenge-solution"),
            typed_code: drawn(root, "typed-code"),
        }
    }

    /// Signs the proof-of-work challenges we issue.
    #[must_use]
    pub fn signature(&self) -> &[u8; 32] {
        &self.signature
    }

    /// Signs the solution that a proof of work must find.
    #[must_use]
    pub fn solution(&self) -> &[u8; 32] {
        &self.solution
    }

    /// Encrypts the digits of typed codes.
    #[must_use]
    pub fn typed_code(&self) -> &[u8; 32] {
        &self.typed_code
    }
}

impl From<&Keyring> for ChallengeKey {
    fn from(keyring: &Keyring) -> Self {
        keyring.challenge_key()
    }
}

impl std::fmt::Debug for ChallengeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChallengeKey(..)")
    }
}

/// What belongs to one receipt code: the hash its item is found by, and the keys of what the item holds.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptKeys {
    /// `Keyring::receipt_hash`.
    pub hash: String,
    /// Seals the details of the dossier.
    pub details: [u8; 32],
    /// Marks what was rated.
    marks: [u8; 32],
}

impl ReceiptKeys {
    /// What an item keeps of `subject` having been rated; `again` for the rating after a voided one.
    #[must_use]
    pub fn mark(&self, subject: &Subject, again: bool) -> UsedMark {
        let subject = subject.to_string();
        let part: &[u8] = if again { b"1" } else { b"" };
        let text = short(&mac(&self.marks, &[subject.as_bytes(), part]));
        UsedMark { text, again }
    }
}

/// What the item of a receipt keeps of one use; it tells nothing without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedMark {
    /// The mark.
    pub text: String,
    /// Whether the receipt is used again, after somebody else's rating was voided.
    pub again: bool,
}

impl std::fmt::Debug for ReceiptKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiptKeys(..)")
    }
}

/// The key of what outsiders recount by (see [`proof`]): it makes trackers and salts, and opens no receipt or phone, so
/// those who publish need no other.
#[derive(Clone)]
pub struct ProofKey([u8; MASTER_KEY_LENGTH]);

impl ProofKey {
    /// Takes the key in hexadecimal, as configuration carries it.
    ///
    /// # Errors
    /// [`MasterKeyError`] unless it is exactly 32 bytes.
    pub fn from_hex(key: &str) -> Result<Self, MasterKeyError> {
        key_from_hex(key).map(Self)
    }

    /// The tracker of a rating: the same for a retry, known to the citizen and to us.
    #[must_use]
    pub fn tracker(&self, id: &RatingId) -> Tracker {
        Tracker::from_hash(&self.tracker_bits(id))
    }

    fn tracker_bits(&self, id: &RatingId) -> Hash {
        let key = mac(&self.0, &[b"tracker"]);
        mac(&key, &[id.0.as_bytes()])
    }

    /// The key that salts the commitments of one unit and month: what an auditor of that month is given.
    #[must_use]
    pub fn salt_key(&self, unit: &UnitId, month: Month) -> Hash {
        let month = month.to_string();
        mac(
            &self.0,
            &[b"salt", unit.as_str().as_bytes(), month.as_bytes()],
        )
    }

    /// The entries of `ratings`, all of `unit` and `month`: those that have been counted, those set aside among them.
    ///
    /// A rating that is `listed` already under the earlier form of its tracker stays under it.
    #[must_use]
    pub fn entries<'a>(
        &self,
        unit: &UnitId,
        month: Month,
        ratings: impl IntoIterator<Item = &'a Rating>,
        listed: impl Fn(&Hash) -> bool,
    ) -> Entries {
        let key = self.salt_key(unit, month);
        let entry = |rating: &Rating| {
            let salt = mac(&key, &[rating.id.0.as_bytes()]);
            let bits = self.tracker_bits(&rating.id);
            let earlier = Some(Tracker::earlier(&bits).hash()).filter(&listed);
            let tracker = earlier.unwrap_or_else(|| Tracker::from_hash(&bits).hash());
            (tracker, proof::commitment(&salt, rating))
        };
        ratings.into_iter().map(entry).collect()
    }
}

impl std::fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProofKey(..)")
    }
}

/// HMAC-SHA-256 (RFC 2104) over `parts`, each behind its length as eight big-endian bytes.
#[must_use]
pub fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// 128 bits in 26 lower-case characters: collisions stay out of reach, keys stay short.
fn short(bytes: &[u8; 32]) -> String {
    const ENCODING: Encoding = BASE32_NOPAD;
    ENCODING.encode(&bytes[..16]).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn parts_cannot_be_shifted_between_fields() {
        assert_ne!(mac(b"k", &[b"ab", b"c"]), mac(b"k", &[b"a", b"bc"]));
    }

    #[test]
    fn a_tracker_follows_from_the_rating_and_the_key() {
        let id = |text: &str| RatingId(text.to_owned());
        let key = ProofKey::from_hex(&"0f".repeat(32)).unwrap();
        let other = ProofKey::from_hex(&"1f".repeat(32)).unwrap();

        assert_eq!(key.tracker(&id("a")), key.tracker(&id("a")));
        assert_ne!(key.tracker(&id("a")), key.tracker(&id("b")));
        assert_ne!(key.tracker(&id("a")), other.tracker(&id("a")));
    }

    proptest::proptest! {
        #[test]
        fn a_rating_listed_under_the_earlier_form_of_its_tracker_stays_under_it(
            mut rating in crate::domain::arbitrary::rating(),
        ) {
            let key = ProofKey::from_hex(&"0f".repeat(32)).unwrap();
            let unit = UnitId::parse("u").unwrap();
            let month = Month::of(rating.date);
            let changed = (0..500).map(|n| RatingId(n.to_string())).find(|id| {
                let bits = key.tracker_bits(id);
                Tracker::earlier(&bits) != Tracker::from_hash(&bits)
            });
            rating.id = changed.unwrap();
            let earlier = Tracker::earlier(&key.tracker_bits(&rating.id)).hash();

            let listed = key.entries(&unit, month, [&rating], |hash| *hash == earlier);
            let new = key.entries(&unit, month, [&rating], |_| false);

            proptest::prop_assert!(listed.contains_key(&earlier) && listed.len() == 1);
            let hash = key.tracker(&rating.id).hash();
            proptest::prop_assert!(new.contains_key(&hash) && new.len() == 1);
        }
    }

    #[test]
    fn a_proof_key_of_its_own_replaces_the_one_drawn_from_the_master_key() {
        let id = RatingId("a".into());
        let own = ProofKey::from_hex(&"1f".repeat(32)).unwrap();
        let keyring = Keyring::from_hex(&"0f".repeat(32)).unwrap();
        let tracker = keyring.proof_key().tracker(&id);

        assert_ne!(tracker, own.tracker(&id));
        let keyring = keyring.with_proof_key(own.clone());
        assert_eq!(keyring.proof_key().tracker(&id), own.tracker(&id));
    }

    #[test]
    fn security_codes_have_keys_of_their_own_and_one_process_draws_them_from_its_newest_master_key()
    {
        let [first, second] = ["0f", "1e"].map(|byte| byte.repeat(32));
        let own = ChallengeKey::from_hex(&second).unwrap();
        let drawn = Keyring::from_hex(&format!("{first} 2027q1={second}")).unwrap();

        assert_eq!(drawn.challenge_key().signature(), own.signature());
        assert_eq!(own.signature(), &drawn.passing_subkey("challenge"));
        let keys = BTreeSet::from([own.signature(), own.solution(), own.typed_code()]);
        assert_eq!(keys.len(), 3);
        assert!(ChallengeKey::from_hex(&second[1..]).is_err());
    }

    #[test]
    fn receipts_have_a_key_of_their_own_or_the_first_master_key() {
        let [first, second] = ["0f", "1e"].map(|byte| byte.repeat(32));
        let code = ReceiptCode::parse("H17-261101-0001").unwrap();
        let secret = ReceiptSecret::from_bits(1);
        let hashes = |key: &ReceiptKey| (key.receipt_hash(&code), key.secret_hash(&code, &secret));
        let own = ReceiptKey::from_hex(&second).unwrap();
        let keyring = Keyring::from_hex(&format!("{first} 2027q1={second}")).unwrap();

        let drawn = hashes(keyring.receipt_key());
        assert_eq!(drawn, hashes(&ReceiptKey::from_hex(&first).unwrap()));
        assert_ne!(drawn, hashes(&own));
        let with_own = keyring.clone().with_receipt_key(own.clone());
        assert_eq!(hashes(with_own.receipt_key()), hashes(&own));
        let subject = Subject {
            unit_id: UnitId::parse("u-1").unwrap(),
            official_id: None,
        };
        let id = |keyring: &Keyring| keyring.receipt_rating_id(&code, &subject);
        assert_eq!(
            id(&with_own),
            id(&keyring),
            "a rating's id follows from the master key alone"
        );
    }

    #[test]
    fn a_salt_key_opens_one_unit_and_month() {
        let key = ProofKey::from_hex(&"0f".repeat(32)).unwrap();
        let unit = |text: &str| UnitId::parse(text).unwrap();
        let month = |text: &str| Month::parse(text).unwrap();
        let keys = [("48-1", "202611"), ("48-1", "202612"), ("48-2", "202611")]
            .map(|(of, in_)| key.salt_key(&unit(of), month(in_)));

        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
    }

    #[test]
    fn a_later_key_takes_over_what_passes_and_leaves_what_stays() {
        let [first, second, third] = ["0f", "1e", "2d"].map(|byte| byte.repeat(32));
        let quarter = |text| Quarter::parse(text).unwrap();
        let alone = Keyring::from_hex(&first).unwrap();
        let two = Keyring::from_hex(&format!("{first} 2027q1={second}")).unwrap();
        let three = Keyring::from_hex(&format!("{first} 2027q1={second}\n2028q1={third}")).unwrap();

        assert_eq!(three.subkey("receipt"), alone.subkey("receipt"));
        for (text, same, other) in [
            ("2026q4", &alone, None),
            ("2027q1", &two, Some(&alone)),
            ("2027q4", &two, Some(&alone)),
            ("2028q1", &three, Some(&two)),
        ] {
            let key = three.sealing_key(quarter(text));
            assert_eq!(key, same.sealing_key(quarter(text)), "{text}");
            assert!(
                other.is_none_or(|other| key != other.sealing_key(quarter(text))),
                "{text}"
            );
        }
        assert_ne!(
            three.passing_subkey("challenge"),
            two.passing_subkey("challenge")
        );
        assert_eq!(alone.passing_subkey("challenge"), alone.subkey("challenge"));
    }

    #[test]
    fn later_keys_are_whole_and_in_order() {
        let key = "0f".repeat(32);
        for wrong in [
            format!("{key} {key}"),
            format!("{key} 2027q1={key} 2027q1={key}"),
            format!("{key} 2027q2={key} 2027q1={key}"),
            format!("{key} 2027q5={key}"),
            format!("{key} 2027q1="),
            format!("2027q1={key}"),
        ] {
            assert!(Keyring::from_hex(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_master_key_is_exactly_32_bytes() {
        assert!(Keyring::from_hex(&"0f".repeat(32)).is_ok());
        for wrong in ["", "0f", &"0f".repeat(31), &"zz".repeat(32)] {
            assert!(Keyring::from_hex(wrong).is_err(), "{wrong}");
        }
    }
}
