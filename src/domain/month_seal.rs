//! The seal of a closed month: what it held when nothing more could come, so that a later change is seen.

use sha2::{Digest, Sha256};

use super::proof::statement;
use super::rating::{Rating, Satisfaction};

/// Days after its end from which a month is closed; a rating is dated when it is sent, so none can come this late.
pub const CLOSED_AFTER_DAYS: i64 = 3;

/// Totals and fingerprint of a closed month of a unit. Ratings set aside later stay within both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthSeal {
    /// Ratings.
    pub rated: u64,
    /// Satisfied among them.
    pub satisfied: u64,
    /// SHA-256 over the ratings in the order of their identifiers, in hexadecimal.
    pub fingerprint: String,
}

impl MonthSeal {
    /// The seal of `ratings`, in any order.
    #[must_use]
    pub fn of<'a>(ratings: impl IntoIterator<Item = &'a Rating>) -> Self {
        let mut ratings: Vec<&Rating> = ratings.into_iter().collect();
        ratings.sort_unstable_by_key(|rating| &rating.id);
        let mut sealing = Sealing::default();
        for rating in ratings {
            sealing.add(rating);
        }
        sealing.seal()
    }
}

/// A seal being made of ratings that come in the order of their identifiers, so that none needs to be kept.
#[derive(Debug, Clone, Default)]
pub struct Sealing {
    rated: u64,
    satisfied: u64,
    hash: Sha256,
}

impl Sealing {
    /// Takes in the next rating.
    pub fn add(&mut self, rating: &Rating) {
        let content = statement(rating);
        self.hash.update((content.len() as u64).to_be_bytes());
        self.hash.update(content);
        self.rated += 1;
        self.satisfied += u64::from(rating.satisfaction == Satisfaction::Satisfied);
    }

    /// The seal of all that were taken in.
    #[must_use]
    pub fn seal(self) -> MonthSeal {
        MonthSeal {
            rated: self.rated,
            satisfied: self.satisfied,
            fingerprint: data_encoding::HEXLOWER.encode(&self.hash.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{rating, ratings};

    proptest! {
        #[test]
        fn a_seal_does_not_depend_on_the_order(
            (ratings, shuffled) in ratings(0..8).prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
        ) {
            prop_assert_eq!(MonthSeal::of(&ratings), MonthSeal::of(&shuffled));
        }

        #[test]
        fn a_seal_tells_how_many_there_are_and_how_many_are_satisfied(ratings in ratings(0..8), first in 0..8_usize) {
            let satisfaction = |index| if index < first { Satisfaction::Satisfied } else { Satisfaction::NotSatisfied };
            let ratings: Vec<_> = ratings
                .into_iter()
                .enumerate()
                .map(|(index, rating)| Rating { satisfaction: satisfaction(index), ..rating })
                .collect();

            let seal = MonthSeal::of(&ratings);

            let satisfied = first.min(ratings.len());
            prop_assert_eq!((seal.rated, seal.satisfied), (ratings.len() as u64, satisfied as u64));
        }

        #[test]
        fn another_rating_breaks_the_seal(ratings in ratings(1..8), other in rating(), at in any::<prop::sample::Index>()) {
            let at = at.index(ratings.len());
            let mut changed = ratings.clone();
            changed[at] = Rating { id: ratings[at].id.clone(), ..other };
            let less: Vec<_> = ratings.iter().skip(1).cloned().collect();

            prop_assert_ne!(MonthSeal::of(&ratings), MonthSeal::of(&less));
            prop_assert_eq!(MonthSeal::of(&ratings) == MonthSeal::of(&changed), ratings == changed);
        }
    }
}
