//! What lets outsiders recount: every counted rating of a unit and month is an entry in a published list, and the list
//! is the leaves of a Merkle tree (RFC 6962, section 2.1) whose root is published with the results.
//!
//! * The citizen keeps a *tracker*, 95 bits that follow from the rating's id under a key (see `keyring::ProofKey`). Its
//!   SHA-256, over the characters as they are shown, stands in the list: that the rating was counted.
//! * Beside it stands a *commitment* to the rating, HMAC-SHA-256 of the [`statement`] under a salt that is never
//!   published: the rating cannot be changed any more, and nobody who holds the tracker can try out what it says.
//!   HMAC under a key of fixed length binds as long as nobody finds two messages with the same SHA-256.
//! * A leaf is the 32 bytes of the tracker's hash and the 32 bytes of the commitment. Leaves are in the order of the
//!   trackers' hashes, which says nothing about when or whom. A rating set aside keeps its entry: it was counted, and
//!   how many were set aside is published as a number.
//!
//! Whoever is given the salt key of one unit and month, and its ratings, can compute every commitment again: an edit by
//! an insider shows. It opens no other month, and no tracker. `docs/recount.md` tells how to check, and what this does
//! not prove.

pub mod list;

use std::collections::BTreeMap;
use std::fmt;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::crockford;
use super::rating::{Answer, Rating};

/// Digits of a tracker before its check character: 19 × 5 bits.
const TRACKER_LENGTH: usize = 19;

/// 32 bytes of SHA-256 or HMAC-SHA-256.
pub type Hash = [u8; 32];

/// The entries of one unit and month: the hash of the tracker, and the commitment to the rating.
pub type Entries = BTreeMap<Hash, Hash>;

/// A text that is no tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tracker is five groups of four letters or digits")]
pub struct TrackerError;

/// What a citizen finds a rating in the list by: «Mã theo dõi».
#[derive(Clone, PartialEq, Eq)]
pub struct Tracker(String);

impl Tracker {
    /// The tracker that the first 95 bits of `hash` spell; where its check character would be a symbol that telephone
    /// keyboards hide, those of the SHA-256 of `hash`, and so on.
    #[must_use]
    pub fn from_hash(hash: &Hash) -> Self {
        let mut hash = *hash;
        loop {
            let tracker = Self::earlier(&hash);
            if crockford::ends_in_a_digit(&tracker.0) {
                return tracker;
            }
            hash = Sha256::digest(hash).into();
        }
    }

    /// The tracker as it was made of `hash` before, with any check character: lists begun with it keep it.
    #[must_use]
    pub fn earlier(hash: &Hash) -> Self {
        let mut bits = [0; 16];
        bits.copy_from_slice(&hash[..16]);
        let bits = u128::from_be_bytes(bits) >> (128 - 5 * TRACKER_LENGTH);
        Self(crockford::digits(bits, TRACKER_LENGTH))
    }

    /// Normalises what was typed (case, spaces, dashes, `O` for 0, `I` and `L` for 1, the marks of a Vietnamese input
    /// method) and verifies the check character.
    ///
    /// # Errors
    /// [`TrackerError`] when the length, alphabet or check character is wrong.
    pub fn parse(input: &str) -> Result<Self, TrackerError> {
        let body = crockford::read(input, TRACKER_LENGTH).ok_or(TrackerError)?;
        Ok(Self(body))
    }

    /// What stands in the list: SHA-256 of the characters as [`fmt::Display`] writes them, dashes included, so that
    /// `printf %s <tracker> | sha256sum` gives it too.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Sha256::digest(self.to_string()).into()
    }
}

impl fmt::Display for Tracker {
    /// Five groups of four: `7K3M-9QTX-0B2C-V8NR-H5WP`; the last character checks the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printed = crockford::printed(&self.0);
        for (index, symbol) in printed.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tracker(..)")
    }
}

/// The rating as text, one `name=value` to a line: what a commitment binds.
///
/// Identifiers and codes hold no `=`, `:`, `,` or line end, sets and maps are in their order, and no value is left out,
/// so two ratings never share a statement.
#[must_use]
pub fn statement(rating: &Rating) -> String {
    let list = |items: Vec<String>| items.join(",");
    let answer = |answer: &Answer| match answer {
        Answer::Option(option) => option.to_string(),
        Answer::Unanswered => String::new(),
    };
    let reasons = rating.reasons.iter().map(ToString::to_string).collect();
    let answers = rating
        .answers
        .iter()
        .map(|(question, given)| format!("{question}:{}", answer(given)))
        .collect();
    let questionnaire = rating
        .questionnaire
        .as_ref()
        .map_or_else(String::new, |(id, version)| format!("{id}@{version}"));
    let lines = [
        ("id", rating.id.0.clone()),
        ("subject", rating.subject.to_string()),
        (
            "role",
            rating.role.map_or("", |role| role.code()).to_owned(),
        ),
        ("attestation", rating.attestation.code().to_owned()),
        ("channel", rating.channel.code().to_owned()),
        (
            "field",
            rating
                .field_id
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
        ),
        ("satisfaction", rating.satisfaction.code().to_owned()),
        ("reasons", list(reasons)),
        ("questionnaire", questionnaire),
        ("answers", list(answers)),
        ("day", rating.date.to_string()),
        (
            "late",
            rating
                .late
                .map_or_else(String::new, |late| late.to_string()),
        ),
    ];
    let mut text = String::from("thuocdo-rating/1\n");
    for (name, value) in lines {
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}

/// HMAC-SHA-256 (RFC 2104) of the rating's [`statement`] under its `salt`.
#[must_use]
pub fn commitment(salt: &Hash, rating: &Rating) -> Hash {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes a key of any length");
    mac.update(statement(rating).as_bytes());
    mac.finalize().into_bytes().into()
}

/// The Merkle tree hash of RFC 6962, section 2.1, over the entries in order; of no entry, SHA-256 of nothing.
#[must_use]
pub fn root(entries: &Entries) -> Hash {
    let mut tree = MemoryBackedTree::<Sha256, [u8; 64]>::new();
    for (tracker, commitment) in entries {
        let mut leaf = [0; 64];
        leaf[..32].copy_from_slice(tracker);
        leaf[32..].copy_from_slice(commitment);
        tree.push(leaf);
    }
    (*tree.root().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::dossier::OfficialRole;
    use crate::id::{FieldId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode};
    use crate::rating::{Attestation, Channel, RatingId, Satisfaction, Subject};

    fn rating() -> Rating {
        Rating {
            id: RatingId("abc".into()),
            subject: Subject::parse("48-1/an").unwrap(),
            role: Some(OfficialRole::Desk),
            attestation: Attestation::DossierVerified,
            channel: Channel::Web,
            field_id: Some(FieldId::parse("land").unwrap()),
            satisfaction: Satisfaction::NotSatisfied,
            reasons: BTreeSet::from([ReasonCode::parse("slow").unwrap()]),
            questionnaire: Some((QuestionnaireId::parse("web").unwrap(), 2)),
            answers: BTreeMap::from([(
                QuestionCode::parse("cs1").unwrap(),
                Answer::Option(OptionCode::parse("equal").unwrap()),
            )]),
            date: date(2026, 11, 21),
            late: Some(false),
        }
    }

    /// The definition of RFC 6962, section 2.1, as it stands there.
    fn tree_hash(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => Sha256::digest([&[0][..], leaf].concat()).into(),
            _ => {
                let left = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(left);
                let children = [&[1][..], &tree_hash(left), &tree_hash(right)].concat();
                Sha256::digest(children).into()
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_root_is_that_of_rfc_6962(entries in prop::collection::btree_map(any::<Hash>(), any::<Hash>(), 0..40)) {
            let leaves: Vec<Vec<u8>> = entries.iter().map(|(tracker, commitment)| [&tracker[..], commitment].concat()).collect();
            prop_assert_eq!(root(&entries), tree_hash(&leaves));
        }

        #[test]
        fn a_tracker_reads_back_as_shown(hash in any::<Hash>()) {
            let tracker = Tracker::from_hash(&hash);
            let shown = tracker.to_string();
            prop_assert_eq!(shown.len(), 24);
            prop_assert_eq!(Tracker::parse(&shown.to_lowercase().replace('-', " ")), Ok(tracker.clone()));
            prop_assert_eq!(Hash::from(Sha256::digest(shown)), tracker.hash());
        }

        #[test]
        fn one_wrong_character_of_a_tracker_is_noticed(hash in any::<Hash>(), place in 0_usize..19, other in 0_usize..32) {
            const DIGITS: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
            let mut shown = Tracker::from_hash(&hash).to_string().replace('-', "").into_bytes();
            prop_assume!(shown[place] != DIGITS[other]);
            shown[place] = DIGITS[other];
            prop_assert_eq!(Tracker::parse(std::str::from_utf8(&shown).unwrap()), Err(TrackerError));
        }
    }

    #[test]
    fn a_tracker_keeps_out_of_logs() {
        assert_eq!(format!("{:?}", Tracker::from_hash(&[7; 32])), "Tracker(..)");
    }

    #[test]
    fn a_tracker_spells_the_first_95_bits() {
        let mut hash = [0xff; 32];
        hash[11] = 0xfe;
        let shown = |hash: &Hash| Tracker::earlier(hash).to_string();
        assert!(shown(&hash).starts_with("ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZ"));
        hash[11] = 0xfd;
        assert!(shown(&hash).starts_with("ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZY"));
        assert_eq!(Tracker::parse(""), Err(TrackerError));
    }

    #[test]
    fn a_tracker_has_letters_and_digits_of_its_alphabet_only() {
        let mut earlier = 0;
        for n in 0..2_000_u32 {
            let hash: Hash = Sha256::digest(n.to_be_bytes()).into();
            let tracker = Tracker::from_hash(&hash);

            let shown = tracker.to_string();
            let known = |c: char| c == '-' || c.is_ascii_digit() || c.is_ascii_uppercase();
            assert!(shown.chars().all(known) && !shown.contains('U'), "{shown}");
            if Tracker::earlier(&hash) == tracker {
                earlier += 1;
            } else {
                // What citizens were given before can still be read.
                let given = Tracker::earlier(&hash).to_string();
                assert!(given.ends_with(['*', '~', '$', '=', 'U']), "{given}");
                assert_eq!(Tracker::parse(&given), Ok(Tracker::earlier(&hash)));
            }
        }
        assert!((1_600..1_900).contains(&earlier), "{earlier}");
    }

    #[test]
    fn a_tracker_typed_with_a_vietnamese_input_method_is_read_back() {
        for (bits, mark, keys) in [
            (0_u8, 'Đ', "DD"),
            (1, 'Ư', "W"),
            (2, 'Á', "AS"),
            (3, 'Ê', "EE"),
        ] {
            let shown = (0..100_000_u32).find_map(|n| {
                let hash: Hash = Sha256::digest([&[bits][..], &n.to_be_bytes()].concat()).into();
                let shown = Tracker::from_hash(&hash).to_string();
                shown.contains(keys).then_some(shown)
            });
            let shown = shown.unwrap();
            let typed = shown.replacen(keys, &mark.to_string(), 1);
            let read = Tracker::parse(&typed.to_lowercase()).map(|tracker| tracker.to_string());
            assert_eq!(read.as_ref(), Ok(&shown), "{typed}");
        }
    }

    #[test]
    fn a_statement_is_the_documented_text() {
        assert_eq!(
            statement(&rating()),
            "thuocdo-rating/1\nid=abc\nsubject=48-1/an\nrole=desk\nattestation=dossier_verified\nchannel=web\n\
             field=land\nsatisfaction=not_satisfied\nreasons=slow\nquestionnaire=web@2\nanswers=cs1:equal\n\
             day=2026-11-21\nlate=false\n"
        );
    }

    #[test]
    fn every_part_of_a_rating_is_bound() {
        let changes: [fn(&mut Rating); 13] = [
            |r| r.id = RatingId("abd".into()),
            |r| r.subject = Subject::parse("48-1").unwrap(),
            |r| r.role = None,
            |r| r.attestation = Attestation::DossierClaimed,
            |r| r.channel = Channel::Kiosk,
            |r| r.field_id = None,
            |r| r.satisfaction = Satisfaction::Satisfied,
            |r| r.reasons.clear(),
            |r| r.questionnaire = None,
            |r| {
                r.answers
                    .insert(QuestionCode::parse("cs1").unwrap(), Answer::Unanswered);
            },
            |r| r.answers.clear(),
            |r| r.date = date(2026, 11, 22),
            |r| r.late = None,
        ];
        let mut commitments = HashSet::from([commitment(&[7; 32], &rating())]);
        for change in changes {
            let mut changed = rating();
            change(&mut changed);
            commitments.insert(commitment(&[7; 32], &changed));
        }
        assert_eq!(commitments.len(), changes.len() + 1);
        assert!(commitments.insert(commitment(&[8; 32], &rating())));
    }

    #[test]
    fn a_changed_added_or_dropped_entry_changes_the_root() {
        let entries: Entries = (0..5_u8).map(|n| ([n; 32], [n + 100; 32])).collect();
        let roots = [
            entries.clone(),
            entries.iter().skip(1).map(|(a, b)| (*a, *b)).collect(),
            entries
                .clone()
                .into_iter()
                .chain([([9; 32], [9; 32])])
                .collect(),
            entries
                .clone()
                .into_iter()
                .chain([([0; 32], [9; 32])])
                .collect(),
        ]
        .map(|entries| root(&entries));
        assert_eq!(roots.iter().collect::<HashSet<_>>().len(), 4);
    }
}
