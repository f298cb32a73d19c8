//! Who goes next: every step of everybody waits for a turn, and the seed alone decides the order.
//!
//! The clock is paused. A round begins only when nobody can move without a turn, so pauses of random length in the code
//! under test change nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::RngExt;
use rand::seq::SliceRandom;
use tokio::sync::oneshot;

use super::Random;

/// Longer than any pause of the code under test, in the time of the simulation.
const ROUND: Duration = Duration::from_secs(10);
/// Rounds without anybody waiting before the simulation is stuck.
const PATIENCE: u32 = 100;

tokio::task_local! {
    static ACTOR: Actor;
}

/// Whoever takes turns: a client, a reader of the stream, an invocation.
#[derive(Debug)]
pub(crate) struct Actor {
    id: u64,
    steps: Cell<u64>,
}

/// One step of one actor, or one stage of what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    actor: u64,
    step: u64,
    stage: u32,
}

impl Step {
    /// A later stage of the same step.
    pub(super) fn stage(self, stage: u32) -> Self {
        Self { stage, ..self }
    }
}

/// Those who wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    steps: BTreeMap<Step, oneshot::Sender<()>>,
    actors: u64,
    rounds: u64,
}

impl Turns {
    /// Runs `work` as a new actor.
    pub(super) fn act<T, W: Future<Output = T>>(
        &self,
        work: W,
    ) -> impl Future<Output = T> + use<T, W> {
        let mut waiting = self.0.lock().unwrap();
        waiting.actors += 1;
        let actor = Actor {
            id: waiting.actors,
            steps: Cell::new(0),
        };
        ACTOR.scope(actor, work)
    }

    /// Waits for the acting actor's next turn.
    pub(super) async fn next(&self) {
        self.take(next_step()).await;
    }

    /// Waits for the turn of `step`.
    pub(super) async fn take(&self, step: Step) {
        let (turn, came) = oneshot::channel();
        let before = self.0.lock().unwrap().steps.insert(step, turn);
        assert!(before.is_none(), "{step:?} waits twice");
        let _ = came.await;
    }

    /// Gives turns until `done`.
    pub(super) async fn run(&self, random: &Random, mut done: impl FnMut() -> bool) {
        let mut idle = 0;
        loop {
            tokio::time::sleep(ROUND).await;
            if done() {
                return;
            }
            let mut steps = {
                let mut waiting = self.0.lock().unwrap();
                waiting.rounds += 1;
                std::mem::take(&mut waiting.steps)
                    .into_iter()
                    .collect::<Vec<_>>()
            };
            idle = if steps.is_empty() { idle + 1 } else { 0 };
            assert!(
                idle < PATIENCE,
                "nobody waits for a turn and nothing is done"
            );
            let mut random = random.0.lock().unwrap();
            steps.shuffle(&mut *random);
            let share = random.random_range(300..=1_000);
            let mut waiting = self.0.lock().unwrap();
            for (step, turn) in steps {
                if random.random_range(0..1_000) < share {
                    let _ = turn.send(());
                } else {
                    waiting.steps.insert(step, turn);
                }
            }
        }
    }
}

/// The acting actor's next step.
pub(super) fn next_step() -> Step {
    ACTOR.with(|actor| {
        actor.steps.set(actor.steps.get() + 1);
        Step {
            actor: actor.id,
            step: actor.steps.get(),
            stage: 0,
        }
    })
}

/// The step the acting actor is at.
pub(super) fn this_step() -> Step {
    ACTOR.with(|actor| Step {
        actor: actor.id,
        step: actor.steps.get(),
        stage: 0,
    })
}
