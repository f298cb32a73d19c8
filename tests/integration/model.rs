//! The submit, count, sweep, void and seal protocol as a small machine, walked through completely.
//!
//! The machine keeps what the protocol rests on and nothing else. One step is one request to the tables, because a
//! transaction is one; between any two steps anybody else may take theirs. What it takes over from `store::submit`,
//! `store::count` and `store::reconcile`, and what it leaves out, stands in `docs/model.md`.

mod machine;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use self::machine::{Claim, Protocol, Rules};

/// Threads that walk.
const THREADS: usize = 2;

fn check(name: &str, protocol: Protocol) -> impl Checker<Protocol> {
    let started = std::time::Instant::now();
    let checker = protocol.checker().threads(THREADS).spawn_bfs().join();
    println!(
        "{name}: {} unique states, {} steps, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        started.elapsed().as_secs_f64()
    );
    checker
}

/// Three citizens: two rate the same cell, the third another; a consumer and a sweeper.
fn three_ratings() -> Protocol {
    Protocol {
        clients: vec![satisfied(0), dissatisfied(1), satisfied(2)],
        cell_of_subject: vec![0, 0, 1],
        attempts: 1,
        consumers: 1,
        sweeper: true,
        ..Protocol::default()
    }
}

/// Two people with one receipt and two opinions, who each may send twice; the month turns at any time.
fn one_receipt_two_opinions() -> Protocol {
    Protocol {
        clients: vec![satisfied(0), dissatisfied(0)],
        cell_of_subject: vec![0],
        attempts: 2,
        consumers: 2,
        sweeper: true,
        midnight: true,
        ..Protocol::default()
    }
}

/// Two citizens who rate one cell and may each send twice; others may write between any two items the sweeper reads.
fn two_ratings() -> Protocol {
    Protocol {
        clients: vec![satisfied(0), dissatisfied(1)],
        cell_of_subject: vec![0, 0],
        attempts: 2,
        consumers: 2,
        sweeper: true,
        reads_item_by_item: true,
        ..Protocol::default()
    }
}

/// Two citizens who rate one cell; two processes set one of the ratings aside, the month turns and is sealed.
fn voids_and_seals() -> Protocol {
    Protocol {
        clients: vec![satisfied(0), dissatisfied(1)],
        cell_of_subject: vec![0, 0],
        attempts: 1,
        consumers: 1,
        sweeper: true,
        voiders: 2,
        voidable: vec![0],
        midnight: true,
        ..Protocol::default()
    }
}

fn satisfied(subject: usize) -> Claim {
    Claim {
        subject,
        satisfied: true,
    }
}

fn dissatisfied(subject: usize) -> Claim {
    Claim {
        subject,
        satisfied: false,
    }
}

/// `protocol` by weaker rules breaks `property`; prints how.
fn assert_missed(what: &str, protocol: Protocol, rules: Rules, property: &'static str) {
    let checker = Protocol { rules, ..protocol }
        .checker()
        .threads(THREADS)
        .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property])))
        .spawn_bfs()
        .join();
    let path = checker
        .discovery(property)
        .unwrap_or_else(|| panic!("{what}: the model found nothing wrong"));
    println!("{what}: {property:?} broken by {:?}", path.into_actions());
}

#[test]
fn three_ratings_in_two_cells_are_each_counted_once() {
    check("three ratings", three_ratings()).assert_properties();
}

#[test]
fn one_receipt_rates_once_whoever_sends_what_in_whichever_month() {
    check("one receipt, two opinions", one_receipt_two_opinions()).assert_properties();
}

#[test]
fn two_ratings_of_one_cell_survive_every_interleaving_of_reads_and_writes() {
    check("two ratings", two_ratings()).assert_properties();
}

#[test]
fn a_rating_is_set_aside_once_and_a_sealed_month_stays_as_it_was() {
    check("voids and seals", voids_and_seals()).assert_properties();
}

#[test]
fn each_condition_taken_away_is_missed() {
    let whole = Rules::default();
    assert_missed(
        "voiding without looking whether it is void",
        voids_and_seals(),
        Rules {
            void_condition: false,
            ..whole
        },
        machine::VOIDED_ONCE,
    );
    assert_missed(
        "voiding in two transactions",
        voids_and_seals(),
        Rules {
            void_in_one: false,
            ..whole
        },
        machine::NO_FALSE_ALARM,
    );
    assert_missed(
        "sealing while a request of the month is on its way",
        voids_and_seals(),
        Rules {
            seal_waits: false,
            ..whole
        },
        machine::SEALED_STAYS,
    );
    assert_missed(
        "counting without looking at the mark",
        two_ratings(),
        Rules {
            pend_condition: false,
            ..whole
        },
        machine::COUNTED_ONCE,
    );
    assert_missed(
        "counting without looking at the mark, seen by reconciling",
        two_ratings(),
        Rules {
            pend_condition: false,
            ..whole
        },
        machine::NO_FALSE_ALARM,
    );
    assert_missed(
        "counting in two transactions",
        two_ratings(),
        Rules {
            count_in_one: false,
            ..whole
        },
        machine::SWEPT_CLEAN,
    );
    assert_missed(
        "submitting without the receipt's condition",
        one_receipt_two_opinions(),
        Rules {
            receipt_condition: false,
            ..whole
        },
        machine::RATED_ONCE,
    );
    assert_missed(
        "submitting after a look instead of on a condition: two ratings",
        one_receipt_two_opinions(),
        Rules {
            submit_in_one: false,
            ..whole
        },
        machine::RATED_ONCE,
    );
    assert_missed(
        "submitting after a look instead of on a condition: a lost rating",
        one_receipt_two_opinions(),
        Rules {
            submit_in_one: false,
            ..whole
        },
        machine::NEVER_LOST,
    );
    assert_missed(
        "reconciling without a second read of the cells",
        two_ratings(),
        Rules {
            second_cell_read: false,
            ..whole
        },
        machine::NO_FALSE_ALARM,
    );
}

#[test]
fn the_receipt_alone_keeps_a_rating_single() {
    let rules = Rules {
        rating_condition: false,
        ..Rules::default()
    };
    check(
        "one receipt, without the rating's own condition",
        Protocol {
            rules,
            ..one_receipt_two_opinions()
        },
    )
    .assert_properties();
}
