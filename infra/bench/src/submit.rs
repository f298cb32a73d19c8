//! Ratings posted to the whole system as one process, counted and published while more come in.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::load::{Call, Outcome, closed, open};
use crate::process::Server;
use crate::table::{Goal, Line, Section, median};
use crate::world::{Dossier, World, keyring, posts};
use crate::yardstick::{sqlite_commits, start_echo};
use crate::{Fault, engine};

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Ratings of one run.
    pub ratings: usize,
    /// Runs; the median of them is told.
    pub runs: usize,
    /// Who rates at once.
    pub clients: usize,
    /// Whether what is counted is published every three seconds meanwhile, as `make run` does.
    pub publishing: bool,
    /// Ratings a second of the open load, and for how many seconds.
    pub open: (f64, f64),
}

impl Scale {
    /// What `make bench` runs.
    pub const FULL: Self = Self {
        ratings: 10_000,
        runs: 3,
        clients: 32,
        publishing: false,
        open: (400.0, 10.0),
    };
    /// The same once more, with the publication `make run` does at the same time.
    pub const PUBLISHING: Self = Self {
        runs: 1,
        publishing: true,
        ..Self::FULL
    };
    /// Enough to see that it works.
    pub const SMOKE: Self = Self {
        ratings: 200,
        runs: 1,
        clients: 8,
        publishing: true,
        open: (100.0, 1.0),
    };

    fn open_ratings(self) -> usize {
        (self.open.0 * self.open.1) as usize
    }
}

/// How long the last ratings may take to be counted.
const PATIENCE: Duration = Duration::from_secs(120);

struct Run {
    outcome: Outcome,
    /// Seconds of the server's processor time for each thousand, until the last was counted.
    cpu: f64,
    /// Counted a second, from the first request to the last rating counted.
    counted: f64,
}

/// Measures in `folder`.
///
/// # Errors
/// When a rating is refused, lost, or counted twice.
pub async fn run(folder: &Path, scale: Scale) -> Result<Section, Fault> {
    let all = scale.ratings * scale.runs + scale.open_ratings();
    let world = World::write(&folder.join("world"), all)?;
    let seconds = if scale.publishing { "3" } else { "86400" };
    let options: &[_] = &["--publish-every", seconds];
    let server = Server::start(&folder.join("data"), Some(&world.folder), options)?;
    let keyring = keyring(&server.data)?;
    let units: BTreeSet<_> = world.dossiers.iter().map(|d| d.unit.clone()).collect();
    let tables = engine::store(&server.data)?;

    let mut done = 0;
    let mut rate = async || {
        let rated = &world.dossiers[done..done + scale.ratings];
        let bodies = posts(&keyring, rated)?;
        let (begun, cpu) = (Instant::now(), server.process.cpu()?);
        let outcome = closed(&server.address, scale.clients, calls(&bodies)).await?;
        let outcome = outcome.all(201)?;
        done += rated.len();
        wait_counted(&tables, &units, done).await?;
        let run = Run {
            counted: per_second(rated.len(), begun.elapsed()),
            cpu: per_thousand(rated.len(), server.process.cpu()? - cpu),
            outcome,
        };
        Ok::<_, Fault>((run, bodies))
    };
    let (mut runs, mut echoes, mut commits) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..scale.runs {
        let (measured, bodies) = rate().await?;
        runs.push(measured);

        let (echo, address) = start_echo()?;
        let calls = calls(&bodies);
        let cpu = echo.cpu()?;
        let outcome = closed(&address, scale.clients, calls).await?.all(200)?;
        let cpu = per_thousand(scale.ratings, echo.cpu()? - cpu);
        echoes.push((cpu, outcome.rate()));
        let place = folder.join(format!("sqlite-{run}"));
        std::fs::create_dir_all(&place)?;
        commits.push(sqlite_commits(&place, &bodies)?);
    }

    let (rate, seconds) = scale.open;
    let rated = &world.dossiers[done..];
    let calls = calls(&posts(&keyring, rated)?);
    let opened = open(&server.address, scale.clients, rate, calls).await?;
    let opened = opened.all(201)?;
    wait_counted(&tables, &units, world.dossiers.len()).await?;
    let challenges = challenges(&server, &world.dossiers[..scale.ratings], scale.clients).await?;
    let memory = server.process.peak_memory()?;
    server.process.stop();

    let middle = |of: fn(&Run) -> f64| median(runs.iter().map(of).collect());
    let cpu = middle(|run| run.cpu);
    let accepted = middle(|run| run.outcome.rate());
    let echo_cpu = median(echoes.iter().map(|(cpu, _)| *cpu).collect());
    let echo_rate = median(echoes.iter().map(|(_, rate)| *rate).collect());
    let commit_cpu = median(commits.iter().map(|c| c.cpu * 1_000.0).collect());
    let commit_rate = median(commits.iter().map(|c| c.rate).collect());
    let all = format!(
        "median of {} runs of {} ratings, {} clients",
        scale.runs, scale.ratings, scale.clients
    );
    let quantiles = |of: &Outcome| {
        format!(
            "p50 {:.1}, p90 {:.1}, max {:.0} ms",
            of.milliseconds(0.5),
            of.milliseconds(0.9),
            of.milliseconds(1.0)
        )
    };
    let lines = vec![
        Line::new(
            "accepted and counted, against a bare echo",
            cpu,
            "CPU-s per 1,000",
        )
        .beside("axum JSON echo", echo_cpu)
        .goal(Goal::AtMost(0.5))
        .note(all),
        Line::new(
            "accepted and counted, against SQLite alone",
            cpu,
            "CPU-s per 1,000",
        )
        .beside("SQLite: rating + sum a commit", commit_cpu)
        .goal(Goal::AtMost(0.5)),
        Line::new("acknowledged", accepted, "/s")
            .beside("axum JSON echo", echo_rate)
            .goal(Goal::AtLeast(1_500.0)),
        Line::new("counted", middle(|run| run.counted), "/s").beside("SQLite commits", commit_rate),
        Line::new(
            "latency p99, closed load",
            middle(|run| run.outcome.milliseconds(0.99)),
            "ms",
        )
        .note(quantiles(&runs[0].outcome)),
        Line::new(
            format!("latency p99, {rate} a second"),
            opened.milliseconds(0.99),
            "ms",
        )
        .note(format!(
            "open load for {seconds} s, counted from the time each was meant to be sent; {}",
            quantiles(&opened)
        )),
        challenges,
        Line::new("peak memory of the process", mebibytes(memory), "MiB").note(format!(
            "{} ratings in its tables, catalog and pages of a city",
            world.dossiers.len()
        )),
    ];
    let title = format!(
        "Submit: the whole system in one process, on its embedded database; {}",
        if scale.publishing {
            "120 units' pages published every three seconds meanwhile"
        } else {
            "accepted and counted, nothing published meanwhile"
        }
    );
    Ok(Section::of_lines(title, lines))
}

fn calls(bodies: &[String]) -> Vec<Call> {
    let bodies = bodies.iter().cloned();
    bodies
        .map(|body| Call::post("/api/ratings", body))
        .collect()
}

/// What handing out a security code costs; it is asked for before each rating.
async fn challenges(server: &Server, dossiers: &[Dossier], clients: usize) -> Result<Line, Fault> {
    let calls: Vec<_> = dossiers
        .iter()
        .map(|dossier| Call::get(format!("/api/challenge?scope={}", dossier.commitment())))
        .collect();
    let count = calls.len();
    let cpu = server.process.cpu()?;
    closed(&server.address, clients, calls).await?.all(200)?;
    let cpu = per_thousand(count, server.process.cpu()? - cpu);
    Ok(
        Line::new("security codes handed out", cpu, "CPU-s per 1,000")
            .note("one before each rating; half of a code's work is deriving its key"),
    )
}

/// Waits until exactly `count` ratings are in the cells.
async fn wait_counted(
    tables: &thuocdo::store::Store,
    units: &BTreeSet<String>,
    count: usize,
) -> Result<(), Fault> {
    let begun = Instant::now();
    loop {
        let counted = engine::counted(tables, units).await?;
        if counted == count as u64 {
            return Ok(());
        }
        if counted > count as u64 || begun.elapsed() > PATIENCE {
            return Err(format!("{count} ratings were acknowledged, {counted} counted").into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn per_thousand(count: usize, cpu: Duration) -> f64 {
    cpu.as_secs_f64() * 1_000.0 / count as f64
}

fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
