//! The published list of one unit's and month's counted ratings, and how it grows.
//!
//! A list grows by nights. In a night it takes in every counted rating it lacks, if those are at least k, or if the month
//! is closed: watching it grow then tells no more about one rating than the figures do. Every entry says which night it
//! came in, so one file gives back the root of every night: who has kept nothing but an old root can still see that
//! nothing was changed or taken away since.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Entries, Hash, root};
use crate::id::UnitId;
use crate::month_seal::CLOSED_AFTER_DAYS;
use crate::period::Month;

/// Says how the file is to be read.
const FORMAT: &str = "thuocdo-counted/1";

/// A night the list grew in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Night {
    /// The day in Asia/Ho_Chi_Minh.
    pub day: Date,
    /// Entries of the list since then.
    pub entries: u64,
    /// Root over them.
    pub root: Hash,
}

/// The list of one unit and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedList {
    /// The unit.
    pub unit_id: UnitId,
    /// The month.
    pub month: Month,
    /// Whether it is complete and stays as it is.
    pub closed: bool,
    /// The nights it grew in, oldest first.
    pub nights: Vec<Night>,
    /// By the tracker's hash: the commitment, and the night it came in.
    entries: BTreeMap<Hash, (Hash, usize)>,
}

/// What is asked of a list that may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// New entries it waits for; at least 1.
    pub min_new_ratings: u64,
    /// Today in Asia/Ho_Chi_Minh.
    pub today: Date,
    /// Whether it may grow more than once a day, which the trial sample alone does.
    pub at_once: bool,
}

/// A list that says of a rating what the ratings do not: it was changed, or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{missing} listed entries are no longer those of counted ratings")]
pub struct Contradiction {
    /// Entries that no counted rating gives.
    pub missing: usize,
}

/// What is wrong with a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Not the format.
    #[error("it is not a list of counted ratings: {0}")]
    Malformed(String),
    /// Entries out of order, or one twice.
    #[error(
        "entry {0} does not stand behind the one before it: the list must be sorted, without duplicates"
    )]
    Unsorted(usize),
    /// Days or counts that do not ascend.
    #[error("the night of {0} does not follow the one before it")]
    Nights(Date),
    /// A night whose number of entries is another.
    #[error("the night of {day} has {found} entries, and says {said}")]
    Number {
        /// The night.
        day: Date,
        /// What it says.
        said: u64,
        /// What there are.
        found: u64,
    },
    /// A night whose root is another.
    #[error("the root of the night of {0} is not the one of its entries")]
    Root(Date),
}

impl CountedList {
    /// A list nothing is in yet.
    #[must_use]
    pub fn new(unit_id: UnitId, month: Month) -> Self {
        Self {
            unit_id,
            month,
            closed: false,
            nights: Vec::new(),
            entries: BTreeMap::new(),
        }
    }

    /// The day from which the list of `month` is closed.
    #[must_use]
    pub fn closes(month: Month) -> Date {
        let first = Date::new(month.year, month.month, 1).unwrap_or(Date::MAX);
        first
            .last_of_month()
            .saturating_add((1 + CLOSED_AFTER_DAYS).days())
    }

    /// Whether a list with this `newest` night may take in what it lacks of `counted` ratings.
    #[must_use]
    pub fn may_grow(month: Month, newest: Option<&Night>, counted: u64, growth: Growth) -> bool {
        let (day, listed) = newest.map_or((Date::MIN, 0), |night| (night.day, night.entries));
        let lacking = counted.saturating_sub(listed);
        if growth.today >= Self::closes(month) {
            return lacking > 0 || listed > 0;
        }
        lacking >= growth.min_new_ratings.max(1) && (growth.at_once || day < growth.today)
    }

    /// The list of the next night, given all `counted` ratings; `None` where it may not grow.
    ///
    /// # Errors
    /// [`Contradiction`] when an entry was taken away or changed; then nothing may be published over it.
    pub fn advance(
        &self,
        counted: &Entries,
        growth: Growth,
    ) -> Result<Option<Self>, Contradiction> {
        let kept = |(tracker, (commitment, _)): (&Hash, &(Hash, usize))| {
            counted.get(tracker) == Some(commitment)
        };
        let missing = self.entries.iter().filter(|entry| !kept(*entry)).count();
        if missing > 0 {
            return Err(Contradiction { missing });
        }
        let all = counted.len() as u64;
        if self.closed || !Self::may_grow(self.month, self.nights.last(), all, growth) {
            return Ok(None);
        }
        let mut next = self.clone();
        next.closed = growth.today >= Self::closes(self.month);
        if counted.len() == self.entries.len() {
            return Ok(Some(next));
        }
        let night = Night {
            day: growth.today,
            entries: all,
            root: root(counted),
        };
        let newest = next.nights.len();
        next.nights.push(night);
        for (tracker, commitment) in counted {
            next.entries
                .entry(*tracker)
                .or_insert((*commitment, newest));
        }
        Ok(Some(next))
    }

    /// The root over all entries.
    #[must_use]
    pub fn root(&self) -> Hash {
        root(&self.until(self.nights.len()))
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The night the entry with this tracker's hash came in.
    #[must_use]
    pub fn find(&self, tracker: &Hash) -> Option<&Night> {
        self.nights.get(self.entries.get(tracker)?.1)
    }

    /// The entries of the first `nights` nights.
    fn until(&self, nights: usize) -> Entries {
        let early = self
            .entries
            .iter()
            .filter(|(_, (_, night))| *night < nights);
        early
            .map(|(tracker, (commitment, _))| (*tracker, *commitment))
            .collect()
    }

    /// Recounts the list: nights ascend, and each has the entries and the root it says.
    ///
    /// # Errors
    /// [`ListError`], the first that is found.
    pub fn check(&self) -> Result<(), ListError> {
        let mut before: Option<&Night> = None;
        for (index, night) in self.nights.iter().enumerate() {
            if before
                .is_some_and(|before| before.day > night.day || before.entries >= night.entries)
            {
                return Err(ListError::Nights(night.day));
            }
            let entries = self.until(index + 1);
            let found = entries.len() as u64;
            if found != night.entries {
                return Err(ListError::Number {
                    day: night.day,
                    said: night.entries,
                    found,
                });
            }
            if root(&entries) != night.root {
                return Err(ListError::Root(night.day));
            }
            before = Some(night);
        }
        Ok(())
    }

    /// The file: JSON with one entry to a line, `["tracker's hash", "commitment", night]`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::from("{\n");
        let closed = self.closed;
        text.push_str(&format!(
            "\"format\":\"{FORMAT}\",\"unit_id\":\"{}\",\"month\":\"{}\",\"closed\":{closed},\n\"nights\":[\n",
            self.unit_id, self.month
        ));
        let night = |night: &Night| {
            let (day, entries, root) = (night.day, night.entries, HEXLOWER.encode(&night.root));
            format!("{{\"day\":\"{day}\",\"entries\":{entries},\"root\":\"{root}\"}}")
        };
        let nights: Vec<String> = self.nights.iter().map(night).collect();
        text.push_str(&nights.join(",\n"));
        text.push_str("],\n\"entries\":[\n");
        let entry = |(tracker, (commitment, night)): (&Hash, &(Hash, usize))| {
            let (tracker, commitment) = (HEXLOWER.encode(tracker), HEXLOWER.encode(commitment));
            format!("[\"{tracker}\",\"{commitment}\",{night}]")
        };
        let entries: Vec<String> = self.entries.iter().map(entry).collect();
        text.push_str(&entries.join(",\n"));
        text.push_str("]}\n");
        text
    }

    /// Reads a file, without recounting it.
    ///
    /// # Errors
    /// [`ListError::Malformed`], or [`ListError::Unsorted`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, ListError> {
        let malformed = |cause: &str| ListError::Malformed(cause.to_owned());
        let body: ListBody =
            serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
        if body.format != FORMAT {
            return Err(malformed("another format"));
        }
        let hash = |text: &str| -> Result<Hash, ListError> {
            let bytes = HEXLOWER.decode(text.as_bytes()).ok();
            bytes
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| malformed("a hash is 64 lower-case hexadecimal digits"))
        };
        let night = |night: NightBody| {
            Ok(Night {
                day: night.day,
                entries: night.entries,
                root: hash(&night.root)?,
            })
        };
        let nights: Vec<Night> = body
            .nights
            .into_iter()
            .map(night)
            .collect::<Result<_, ListError>>()?;
        let mut entries = BTreeMap::new();
        for (index, (tracker, commitment, night)) in body.entries.iter().enumerate() {
            let tracker = hash(tracker)?;
            if entries
                .last_key_value()
                .is_some_and(|(last, _)| *last >= tracker)
            {
                return Err(ListError::Unsorted(index));
            }
            if *night >= nights.len() {
                return Err(malformed("an entry of no night"));
            }
            entries.insert(tracker, (hash(commitment)?, *night));
        }
        Ok(Self {
            unit_id: body.unit_id,
            month: Month::parse(&body.month).ok_or_else(|| malformed("a month is yyyymm"))?,
            closed: body.closed,
            nights,
            entries,
        })
    }

    /// The list without its entries; `None` while nothing is in it.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        Some(Summary {
            closed: self.closed,
            newest: self.nights.last()?.clone(),
            file: Sha256::digest(self.to_json()).into(),
        })
    }
}

/// A list without its entries: what pages say of it, and what is kept to know it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whether it is complete.
    pub closed: bool,
    /// The night it last grew in.
    pub newest: Night,
    /// SHA-256 of the file.
    pub file: Hash,
}

impl Summary {
    /// Whether `list` is this one, or what this one grew into.
    #[must_use]
    pub fn is_start_of(&self, list: &CountedList) -> bool {
        list.nights.contains(&self.newest)
    }
}

/// Summaries of one unit, by month.
pub type Summaries = BTreeMap<Month, Summary>;

#[derive(Deserialize)]
struct ListBody {
    format: String,
    unit_id: UnitId,
    month: String,
    closed: bool,
    nights: Vec<NightBody>,
    entries: Vec<(String, String, usize)>,
}

#[derive(Deserialize)]
struct NightBody {
    day: Date,
    entries: u64,
    root: String,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const K: u64 = 3;

    fn list() -> CountedList {
        CountedList::new(
            UnitId::parse("48-1").unwrap(),
            Month {
                year: 2026,
                month: 11,
            },
        )
    }

    /// Counted ratings whose trackers' hashes begin with these numbers.
    fn counted(numbers: impl IntoIterator<Item = u8>) -> Entries {
        numbers.into_iter().map(|n| ([n; 32], [!n; 32])).collect()
    }

    fn on(today: Date) -> Growth {
        Growth {
            min_new_ratings: K,
            today,
            at_once: false,
        }
    }

    fn november(day: i8) -> Growth {
        on(date(2026, 11, day))
    }

    /// Two nights: 3 entries, then 6.
    fn two_nights() -> CountedList {
        let first = list().advance(&counted([1, 5, 9]), november(2)).unwrap();
        let second = first
            .unwrap()
            .advance(&counted([1, 2, 5, 6, 9, 10]), november(4));
        second.unwrap().unwrap()
    }

    #[test]
    fn a_list_grows_by_k_entries_or_not_at_all() {
        assert_eq!(list().advance(&counted(0..2), november(2)), Ok(None));

        let grown = list()
            .advance(&counted(0..3), november(2))
            .unwrap()
            .unwrap();
        assert_eq!((grown.len(), grown.closed), (3, false));
        assert!(list().is_empty() && !grown.is_empty());
        assert_eq!(grown.advance(&counted(0..5), november(3)), Ok(None));
        assert_eq!(
            grown
                .advance(&counted(0..6), november(3))
                .unwrap()
                .unwrap()
                .len(),
            6
        );
    }

    #[test]
    fn a_list_grows_once_a_day_unless_the_sample_lets_it() {
        let grown = list()
            .advance(&counted(0..3), november(2))
            .unwrap()
            .unwrap();
        let at_once = Growth {
            at_once: true,
            ..november(2)
        };

        assert_eq!(grown.advance(&counted(0..9), november(2)), Ok(None));
        let again = grown.advance(&counted(0..9), at_once).unwrap().unwrap();
        assert_eq!((again.nights.len(), again.check()), (2, Ok(())));
    }

    #[test]
    fn a_month_is_closed_with_all_it_has_three_days_after_its_end() {
        let open = list()
            .advance(&counted(0..3), november(2))
            .unwrap()
            .unwrap();
        assert_eq!(CountedList::closes(open.month), date(2026, 12, 4));

        assert_eq!(
            open.advance(&counted(0..4), on(date(2026, 12, 3))),
            Ok(None)
        );
        let closed = open.advance(&counted(0..4), on(date(2026, 12, 4)));
        let closed = closed.unwrap().unwrap();
        assert_eq!(
            (closed.len(), closed.closed, closed.check()),
            (4, true, Ok(()))
        );
        assert_eq!(
            closed.advance(&counted(0..99), on(date(2026, 12, 5))),
            Ok(None)
        );

        let unchanged = open.advance(&counted(0..3), on(date(2027, 1, 1)));
        let unchanged = unchanged.unwrap().unwrap();
        assert_eq!((unchanged.nights.len(), unchanged.closed), (1, true));
        assert_eq!(list().advance(&counted([]), on(date(2027, 1, 1))), Ok(None));
        let late = list().advance(&counted(0..1), on(date(2027, 1, 1)));
        let late = late.unwrap().unwrap();
        assert_eq!((late.len(), late.closed), (1, true));
    }

    #[test]
    fn a_rating_changed_or_taken_away_afterwards_contradicts_the_list() {
        let list = two_nights();
        let mut changed = counted([1, 2, 5, 6, 9, 10]);
        changed.insert([5; 32], [0; 32]);

        let away = counted([1, 2, 6, 9, 10, 11, 12, 13]);
        assert_eq!(
            list.advance(&away, november(9)),
            Err(Contradiction { missing: 1 })
        );
        assert_eq!(
            list.advance(&changed, november(9)),
            Err(Contradiction { missing: 1 })
        );
    }

    #[test]
    fn every_earlier_root_follows_from_the_last_file() {
        let first = list()
            .advance(&counted([1, 5, 9]), november(2))
            .unwrap()
            .unwrap();
        let list = two_nights();

        assert_eq!(list.nights[0].root, first.root());
        assert_eq!(list.nights[1].root, list.root());
        assert_eq!(list.check(), Ok(()));
        assert!(first.summary().unwrap().is_start_of(&list));
        assert!(!list.summary().unwrap().is_start_of(&first));
        assert_eq!(
            list.find(&[2; 32]).map(|night| night.day),
            Some(date(2026, 11, 4))
        );
        assert_eq!(list.find(&[3; 32]), None);
    }

    #[test]
    fn a_tampered_file_is_found_out() {
        let json = two_nights().to_json();
        let read =
            |text: &str| CountedList::from_json(text.as_bytes()).and_then(|list| list.check());
        let line = |n: u8, night: usize| {
            let (tracker, commitment) = (HEXLOWER.encode(&[n; 32]), HEXLOWER.encode(&[!n; 32]));
            format!("[\"{tracker}\",\"{commitment}\",{night}]")
        };
        let root = HEXLOWER.encode(&two_nights().nights[0].root);
        let other = HEXLOWER.encode(&[7; 32]);
        let nights = |text: &str| json.replace("\"entries\":3", text);
        assert_eq!(read(&json), Ok(()));

        assert!(matches!(
            read(&json.replace(&format!("{},\n", line(2, 1)), "")),
            Err(ListError::Number {
                said: 6,
                found: 5,
                ..
            })
        ));
        assert!(matches!(
            read(&json.replace(&line(2, 1), &line(3, 1))),
            Err(ListError::Root(_))
        ));
        assert!(matches!(
            read(&json.replace(&line(2, 1), &line(2, 0))),
            Err(ListError::Number {
                said: 3,
                found: 4,
                ..
            })
        ));
        assert!(matches!(
            read(&json.replace(&HEXLOWER.encode(&[!2; 32]), &other)),
            Err(ListError::Root(_))
        ));
        assert!(matches!(
            read(&json.replace(&root, &other)),
            Err(ListError::Root(_))
        ));
        assert!(matches!(
            read(&nights("\"entries\":4")),
            Err(ListError::Number {
                said: 4,
                found: 3,
                ..
            })
        ));
        assert!(matches!(
            read(&nights("\"entries\":6")),
            Err(ListError::Number { .. } | ListError::Nights(_))
        ));
        assert!(matches!(
            read(&json.replace("2026-11-02", "2026-11-05")),
            Err(ListError::Nights(_))
        ));
        assert_eq!(
            read(&json.replace(&line(5, 0), &line(10, 0))),
            Err(ListError::Unsorted(3))
        );
        assert_eq!(
            read(&json.replace(&line(5, 0), &format!("{0},\n{0}", line(5, 0)))),
            Err(ListError::Unsorted(3))
        );
        for malformed in [
            json.replace("counted/1", "counted/2"),
            json.replace(&line(2, 1), &line(2, 2)),
            json.replace(&root, "00"),
            String::new(),
        ] {
            assert!(
                matches!(read(&malformed), Err(ListError::Malformed(_))),
                "{malformed}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_list_reads_back_as_written_and_recounts(steps in prop::collection::vec((any::<u8>(), 1_i8..28), 0..12)) {
            let (mut list, mut numbers) = (list(), std::collections::BTreeSet::new());
            let mut days: Vec<i8> = steps.iter().map(|(_, day)| *day).collect();
            days.sort_unstable();
            for ((number, _), day) in steps.iter().zip(days) {
                numbers.extend([*number, number.wrapping_mul(3), number.wrapping_add(91)]);
                let before = list.len();
                if let Some(next) = list.advance(&counted(numbers.iter().copied()), november(day)).unwrap() {
                    prop_assert!(next.len() >= before + K);
                    list = next;
                }
            }
            prop_assert_eq!(list.check(), Ok(()));
            prop_assert_eq!(CountedList::from_json(list.to_json().as_bytes()), Ok(list));
        }

        #[test]
        fn bytes_that_are_no_list_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(CountedList::from_json(&bytes).is_err());
        }
    }
}
