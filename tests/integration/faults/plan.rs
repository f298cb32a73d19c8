//! Which faults happen, how often, and how many did; drawn from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Faults between a function and its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The transaction is cancelled because another one holds an item.
    Conflict,
    /// The table takes no more for now.
    Throttle,
    /// 5xx; nothing was done.
    ServerError,
    /// 5xx, and yet it was done.
    ServerErrorAfter,
    /// The connection breaks before the request arrives.
    RequestLost,
    /// The connection breaks after it was done.
    ReplyLost,
    /// The caller's patience ends before it is done; it is done later all the same.
    LateCommit,
    /// The function dies before it asks.
    CrashBefore,
    /// The function dies while its request is under way.
    CrashDuring,
    /// The function dies after it was done, before it hears so.
    CrashAfter,
}

use Fault::*;

/// What a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// `TransactWriteItems`.
    Transaction,
    /// A write of one item.
    Write,
    /// A read of any kind.
    Read,
}

impl Operation {
    /// By the value of `x-amz-target`.
    pub(super) fn of(target: &str) -> Self {
        match target.rsplit('.').next().unwrap_or_default() {
            "TransactWriteItems" => Self::Transaction,
            "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => Self::Read,
            _ => Self::Write,
        }
    }
}

/// Faults of each kind among a thousand calls of an operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rates {
    permille: BTreeMap<(Operation, Fault), u32>,
    /// Whether the last attempt of the SDK is spared, so that every call ends as it should.
    spares_last: bool,
}

impl Rates {
    /// `permille` of all calls fail, each fault of the list as likely, where it can strike the operation.
    pub(crate) fn spread(permille: u32, faults: &[Fault]) -> Self {
        let mut rates = Self::default();
        for operation in [Operation::Transaction, Operation::Write, Operation::Read] {
            let apt: Vec<Fault> = faults
                .iter()
                .copied()
                .filter(|fault| can_strike(*fault, operation))
                .collect();
            let each = permille.checked_div(apt.len() as u32).unwrap_or(0);
            for (index, fault) in apt.iter().enumerate() {
                let rest = u32::from((index as u32) < permille - each * apt.len() as u32);
                rates.permille.insert((operation, *fault), each + rest);
            }
        }
        rates
    }

    /// Everything but crashes, and never three times in a row: callers notice nothing but time.
    pub(crate) fn that_retries_hide(permille: u32) -> Self {
        let faults = [
            Conflict,
            Throttle,
            ServerError,
            ServerErrorAfter,
            RequestLost,
            ReplyLost,
            LateCommit,
        ];
        Self {
            spares_last: true,
            ..Self::spread(permille, &faults)
        }
    }

    /// Every fault there is.
    pub(crate) fn everything(permille: u32) -> Self {
        Self::spread(
            permille,
            &[
                Conflict,
                Throttle,
                ServerError,
                ServerErrorAfter,
                RequestLost,
                ReplyLost,
                LateCommit,
                CrashBefore,
                CrashDuring,
                CrashAfter,
            ],
        )
    }
}

fn can_strike(fault: Fault, operation: Operation) -> bool {
    match fault {
        Conflict | LateCommit => operation == Operation::Transaction,
        ServerErrorAfter => operation != Operation::Read,
        _ => true,
    }
}

/// The faults of one run.
#[derive(Debug, Clone)]
pub(crate) struct Plan(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    seed: u64,
    rates: Rates,
    random: Xoshiro256PlusPlus,
    calls: u64,
    injected: BTreeMap<Fault, u64>,
}

impl Plan {
    pub(crate) fn new(seed: u64, rates: Rates) -> Self {
        Self(Arc::new(Mutex::new(State {
            seed,
            rates,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            calls: 0,
            injected: BTreeMap::new(),
        })))
    }

    /// From now on with these rates.
    pub(crate) fn set_rates(&self, rates: Rates) {
        self.state().rates = rates;
    }

    /// What was injected so far.
    pub(crate) fn injected(&self) -> Injected {
        let state = self.state();
        Injected {
            seed: state.seed,
            calls: state.calls,
            faults: state.injected.clone(),
        }
    }

    /// The fault of the next call, if it is to have one.
    pub(super) fn draw(&self, operation: Operation, is_last: bool) -> Option<Fault> {
        let state = &mut *self.state();
        state.calls += 1;
        if is_last && state.rates.spares_last {
            return None;
        }
        let mut drawn = state.random.random_range(0..1_000_u32);
        let struck = state.rates.permille.iter().find(|((of, _), permille)| {
            if *of != operation {
                return false;
            }
            let hit = drawn < **permille;
            drawn = drawn.saturating_sub(if hit { 0 } else { **permille });
            hit
        });
        let fault = struck.map(|((_, fault), _)| *fault)?;
        *state.injected.entry(fault).or_default() += 1;
        Some(fault)
    }

    /// A number below `bound`, from the same seed.
    pub(super) fn below(&self, bound: u64) -> u64 {
        self.state().random.random_range(0..bound)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A crash unwinds through the caller, never while this is held.
        self.0.lock().unwrap()
    }
}

/// A report of what was injected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Injected {
    pub(crate) seed: u64,
    pub(crate) calls: u64,
    pub(crate) faults: BTreeMap<Fault, u64>,
}

impl Injected {
    pub(crate) fn total(&self) -> u64 {
        self.faults.values().sum()
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} faults in {} calls {:?}",
            self.seed,
            self.total(),
            self.calls,
            self.faults
        )
    }
}

/// `SEED` of the environment, or the given one.
pub(crate) fn seed_or(default: u64) -> u64 {
    number("SEED").unwrap_or(default)
}

/// A number from the environment; `None` where there is none.
pub(crate) fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

/// Whether the long forms run: `make stress`.
pub(crate) fn is_stress() -> bool {
    std::env::var_os("STRESS").is_some()
}
