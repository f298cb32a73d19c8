//! Fair ranking: by what is sure, in tiers of those who cannot be told apart.
//!
//! - Order: lower end of the Wilson interval, highest first; then upper end, then name, then identifier.
//! - Ties: only the same counts tie, compared as integers. They share a rank and the next rank is skipped (1, 1, 3).
//! - Tiers: going down that order, the first opens tier 1 and leads it. Whoever's interval still reaches the leader's
//!   (upper end ≥ the leader's lower end) is in the leader's tier; the first whose interval lies wholly below opens the
//!   next tier and leads it.

use std::cmp::Ordering;

use super::wilson::Interval;
use crate::tally::Tally;
use crate::text::fold;

/// Someone to be ranked.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<T> {
    /// Who; opaque here.
    pub who: T,
    /// Shown name; orders ties.
    pub name: String,
    /// Identifier; orders ties of the same name.
    pub id: String,
    /// Satisfied ratings.
    pub satisfied: u64,
    /// Ratings.
    pub rated: u64,
}

impl<T> Candidate<T> {
    /// A candidate with the counts of `tally`.
    #[must_use]
    pub fn new(who: T, name: &str, id: &str, tally: &Tally) -> Self {
        Self {
            who,
            name: name.to_owned(),
            id: id.to_owned(),
            satisfied: tally.satisfied(),
            rated: tally.rated(),
        }
    }
}

/// A place in a ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked<T> {
    /// Who.
    pub who: T,
    /// From 1; the same for the same counts.
    pub rank: usize,
    /// From 1; those of one tier cannot be told apart at 95 %.
    pub tier: usize,
    /// What the place rests on.
    pub interval: Interval,
}

/// Ranks `candidates`; the order of the input does not matter.
#[must_use]
pub fn rank<T>(candidates: Vec<Candidate<T>>) -> Vec<Ranked<T>> {
    let mut entries: Vec<Entry<T>> = candidates.into_iter().map(Entry::new).collect();
    entries.sort_by(Entry::compare);

    let mut ranked: Vec<Ranked<T>> = Vec::with_capacity(entries.len());
    let mut previous: Option<(u64, u64)> = None;
    let (mut place, mut tier, mut leader_low) = (0, 0, f64::INFINITY);
    for (index, entry) in entries.into_iter().enumerate() {
        let counts = (entry.candidate.satisfied, entry.candidate.rated);
        if previous != Some(counts) {
            place = index + 1;
        }
        if entry.interval.high < leader_low {
            tier += 1;
            leader_low = entry.interval.low;
        }
        previous = Some(counts);
        ranked.push(Ranked {
            who: entry.candidate.who,
            rank: place,
            tier,
            interval: entry.interval,
        });
    }
    ranked
}

struct Entry<T> {
    candidate: Candidate<T>,
    interval: Interval,
    folded_name: String,
}

impl<T> Entry<T> {
    fn new(candidate: Candidate<T>) -> Self {
        Self {
            interval: Interval::of(candidate.satisfied, candidate.rated),
            folded_name: fold(&candidate.name),
            candidate,
        }
    }

    /// Counts stand before names, so that ties are neighbours even where floats can no longer tell two counts apart.
    fn compare(&self, other: &Self) -> Ordering {
        let (mine, theirs) = (&self.candidate, &other.candidate);
        (other.interval.low.total_cmp(&self.interval.low))
            .then(other.interval.high.total_cmp(&self.interval.high))
            .then(theirs.rated.cmp(&mine.rated))
            .then(theirs.satisfied.cmp(&mine.satisfied))
            .then_with(|| self.folded_name.cmp(&other.folded_name))
            .then_with(|| mine.name.cmp(&theirs.name))
            .then_with(|| mine.id.cmp(&theirs.id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(name: &str, satisfied: u64, rated: u64) -> Candidate<String> {
        Candidate {
            who: name.to_owned(),
            name: name.to_owned(),
            id: name.to_owned(),
            satisfied,
            rated,
        }
    }

    fn places(candidates: Vec<Candidate<String>>) -> Vec<(String, usize, usize)> {
        let ranked = rank(candidates).into_iter();
        ranked.map(|r| (r.who, r.rank, r.tier)).collect()
    }

    #[test]
    fn two_of_two_does_not_beat_95_of_100() {
        let ranked = places(vec![candidate("few", 2, 2), candidate("many", 95, 100)]);

        assert_eq!(ranked[0].0, "many");
        assert_eq!(ranked[1], ("few".to_owned(), 2, 1));
    }

    #[test]
    fn ties_share_a_rank_and_the_next_is_skipped() {
        let ranked = places(vec![
            candidate("Võ", 50, 60),
            candidate("Đặng", 90, 100),
            candidate("An", 90, 100),
        ]);

        assert_eq!(
            ranked,
            [
                ("An".to_owned(), 1, 1),
                ("Đặng".to_owned(), 1, 1),
                ("Võ".to_owned(), 3, 1)
            ]
        );
    }

    #[test]
    fn a_tier_ends_where_an_interval_lies_below_its_leaders() {
        let ranked = places(vec![
            candidate("top", 990, 1000),
            candidate("second", 900, 1000),
            candidate("also second", 89, 100),
            candidate("few but good", 4, 4),
            candidate("third", 100, 400),
        ]);

        let tiers: Vec<_> = ranked.iter().map(|r| (r.0.as_str(), r.2)).collect();
        assert_eq!(
            tiers,
            [
                ("top", 1),
                ("second", 2),
                ("also second", 2),
                ("few but good", 2),
                ("third", 3)
            ]
        );
    }

    #[test]
    fn of_those_nobody_is_satisfied_with_the_surer_one_comes_last() {
        let ranked = places(vec![candidate("a", 0, 100), candidate("b", 0, 10)]);

        assert_eq!(ranked, [("b".to_owned(), 1, 1), ("a".to_owned(), 2, 1)]);
    }

    proptest! {
        #[test]
        fn a_ranking_does_not_depend_on_the_order_of_its_input(
            counts in proptest::collection::vec((0_u64..200, 0_u64..200), 0..30),
            turn in 0_usize..30,
        ) {
            let candidates: Vec<_> = (counts.iter().enumerate())
                .map(|(index, (satisfied, rest))| candidate(&format!("o{index}"), *satisfied, satisfied + rest))
                .collect();
            let mut turned = candidates.clone();
            turned.rotate_left(turn.min(candidates.len()));

            let ranked = rank(candidates);

            prop_assert_eq!(&ranked, &rank(turned));
            for pair in ranked.windows(2) {
                prop_assert!(pair[0].rank <= pair[1].rank && pair[0].tier <= pair[1].tier);
                prop_assert!(pair[0].interval.low >= pair[1].interval.low);
                if pair[0].rank == pair[1].rank {
                    prop_assert_eq!(pair[0].tier, pair[1].tier);
                }
            }
        }

        #[test]
        fn the_largest_counts_are_ranked_without_panic(counts in proptest::collection::vec(any::<(u64, u64)>(), 0..20)) {
            let candidates: Vec<_> = (counts.iter().enumerate())
                .map(|(index, (satisfied, rated))| candidate(&index.to_string(), *satisfied, *rated))
                .collect();

            prop_assert_eq!(rank(candidates).len(), counts.len());
        }
    }
}
