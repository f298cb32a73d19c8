//! Counts that are exact under any fault: the store, the counting function and the sweeper in a simulated world.
//!
//! The code under test is the production code, SDK included; tables, stream, event source and time are simulated and
//! follow a seed alone. After every commit the invariant is checked: cells are the fold of the ratings without a
//! pending mark. `SEED=…` replays a failure.

mod audit;
mod engine;
mod expression;
mod outcomes;
mod ratings;
pub(crate) mod simulation;
mod source;
mod stream;
mod tables;
mod turns;

use std::sync::{Arc, Mutex};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use simulation::{Setting, simulate};
use tables::Weakening;

use crate::faults::plan::{is_stress, number, seed_or};

/// Numbers from the seed, drawn only by whoever has the turn.
#[derive(Debug, Clone)]
pub(crate) struct Random(Arc<Mutex<Xoshiro256PlusPlus>>);

impl Random {
    fn from_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Xoshiro256PlusPlus::seed_from_u64(
            seed,
        ))))
    }

    fn below(&self, bound: u64) -> u64 {
        self.0.lock().unwrap().random_range(0..bound)
    }
}

/// A small world in which one call in five fails.
fn small(seed: u64) -> Setting {
    Setting {
        seed,
        ratings: 100,
        clients: 8,
        units: 2,
        faults: 200,
        weakening: Weakening::None,
    }
}

#[test]
fn many_small_worlds_hold() {
    let first = seed_or(1);
    let seeds = match (std::env::var_os("SEED"), is_stress()) {
        (Some(_), _) => 1,
        (None, true) => 2_000,
        (None, false) => 50,
    };
    for seed in first..first + seeds {
        simulate(&small(seed)).must_hold();
    }
}

#[test]
fn many_ratings_are_counted_exactly_through_every_fault() {
    let ratings = if is_stress() { 1_000_000 } else { 10_000 };
    let ratings = number("RATINGS").unwrap_or(ratings) as usize;
    let report = simulate(&Setting {
        seed: seed_or(2_026),
        ratings,
        clients: 32 + ratings / 5_000,
        units: 4 + ratings as u64 / 25_000,
        faults: 100,
        weakening: Weakening::None,
    });

    report.must_hold();
    let totals = report.totals;
    assert!(totals.deliveries > 3 * ratings as u64, "{report}");
    let happened = [
        totals.partial,
        totals.bisections,
        totals.crashes,
        totals.given_up,
        totals.stale_batches,
        totals.swept,
        totals.voided,
    ];
    assert!(happened.iter().all(|count| *count > 0), "{report}");
}

#[test]
fn a_seed_replays_itself() {
    assert_eq!(simulate(&small(7)), simulate(&small(7)));
    assert_ne!(
        simulate(&small(7)).figures.trace,
        simulate(&small(8)).figures.trace
    );
}

#[test]
fn a_weaker_protocol_is_caught() {
    for weakening in [
        Weakening::CountWithoutMark,
        Weakening::TornCount,
        Weakening::SubmitWithoutCondition,
    ] {
        let wrong = simulate(&Setting {
            weakening,
            ..small(1)
        })
        .wrong;

        assert!(!wrong.is_empty(), "{weakening:?} went unnoticed");
    }
}
