//! Counting, reconciling and showing figures while the ratings in the tables grow tenfold and tenfold again.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use local::gateway::Function;
use thuocdo::domain::rating::Rating;
use thuocdo::handlers::{publish_pages, reconcile_tallies};

use crate::Fault;
use crate::fill::{Seeds, rating};
use crate::meter::tables;
use crate::stage::{Item, Stage, stream_event};
use crate::table::{Goal, Line, Section, figure, median};
use crate::world::World;
use crate::yardstick::{Commits, process_cpu, sqlite_commits, sqlite_reads};

/// How far it grows.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Ratings saved and counted as always, multiplied later.
    pub seeds: usize,
    /// Ratings in the tables when it is measured, growing.
    pub sizes: &'static [usize],
    /// Ratings counted at each size.
    pub sample: usize,
    /// Records of one batch, and how many ratings are counted so.
    pub batches: &'static [(usize, usize)],
    /// Requests for figures at each size.
    pub views: usize,
}

impl Scale {
    /// What `make bench` runs.
    pub const FULL: Self = Self {
        seeds: 1_000,
        sizes: &[1_000, 10_000, 100_000],
        sample: 1_000,
        batches: &[(1, 200), (10, 500), (100, 1_000), (1_000, 3_000)],
        views: 500,
    };
    /// With a million.
    pub const LONG: Self = Self {
        sizes: &[1_000, 10_000, 100_000, 1_000_000],
        ..Self::FULL
    };
    /// Enough to see that it works.
    pub const SMOKE: Self = Self {
        seeds: 20,
        sizes: &[20, 60],
        sample: 20,
        batches: &[(1, 2), (10, 20)],
        views: 3,
    };
}

/// Records of a batch while it grows, as the stream delivers them when there is much to do.
const BATCH: usize = 100;
/// How much larger a figure that must not grow may be at the largest size: what noise does to a busy machine.
const SAME: f64 = 1.5;

/// Measures on engines in `folder`.
///
/// # Errors
/// When a rating is not counted exactly once, or a figure not shown.
pub async fn run(folder: &Path, scale: Scale) -> Result<Vec<Section>, Fault> {
    let world = World::write(&folder.join("world"), scale.seeds)?;
    let stage = Stage::open(folder, &world).await?;
    let mut growth = Growth {
        stage: &stage,
        world: &world,
        scale,
        next: 0,
        stored: 0,
    };
    let (ratings, items) = growth.saved(scale.seeds, usize::MAX).await?;
    let yardstick = Yardstick::measure(folder, &items)?;
    growth.count(&items, BATCH).await?;
    growth.publish().await?;
    let mut seeds = Seeds::of(&stage, &ratings).await?;

    let (mut counted, mut reconciled, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    let mut views = Vec::new();
    for size in scale.sizes {
        let missing = size.saturating_sub(growth.stored);
        let times = missing / seeds.len();
        seeds.multiply(&stage, times).await?;
        growth.stored += times * seeds.len();
        counted.push(growth.measure_counting(&yardstick).await?);
        reconciled.push(growth.measure_reconcile(&yardstick).await?);
        growth.publish().await?;
        shown.push(growth.measure_view(&mut views).await?);
    }
    let counting = growth.batches(&yardstick).await?;
    counted.append(&mut reconciled);
    counted.append(&mut shown);
    Ok(vec![
        Section::of_lines(
            "Counting: the handler of the stream, by size of a batch",
            counting,
        ),
        Section::of_lines(
            "Growth: the same work with ten times the ratings of one month in 94 units",
            counted,
        ),
    ])
}

/// What it took to show a unit's figures, and the longest answer.
struct View {
    took: f64,
    bytes: usize,
}

/// What SQLite alone takes for as many ratings.
struct Yardstick {
    commits: Commits,
    /// Seconds of processor time to read one.
    read: f64,
}

impl Yardstick {
    fn measure(folder: &Path, items: &[Item]) -> Result<Self, Fault> {
        let images = items.iter().map(|item| {
            let event = stream_event(std::slice::from_ref(item))?;
            Ok::<_, Fault>(serde_json::to_string(&event.records[0].change.new_image)?)
        });
        let images = images.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            commits: sqlite_commits(folder, &images)?,
            read: sqlite_reads(folder)?,
        })
    }
}

struct Growth<'a> {
    stage: &'a Stage,
    world: &'a World,
    scale: Scale,
    /// Serial number of the next rating.
    next: usize,
    /// Ratings in the tables.
    stored: usize,
}

/// What counting took.
struct Took {
    clock: Duration,
    cpu: Duration,
    write_units: f64,
    transactions: u64,
}

impl Growth<'_> {
    /// `count` more ratings, of at most so many officials, and their items.
    async fn saved(
        &mut self,
        count: usize,
        officials: usize,
    ) -> Result<(Vec<Rating>, Vec<Item>), Fault> {
        let dossiers = self.world.dossiers.iter().take(officials).cycle();
        let ratings = dossiers.take(count).enumerate().map(|(index, dossier)| {
            let subject = format!("{}/{}", dossier.unit, dossier.official);
            rating(&subject, &dossier.field, self.next + index)
        });
        let ratings = ratings.collect::<Result<Vec<_>, _>>()?;
        self.next += count;
        self.stored += count;
        let items = self.stage.save(&ratings).await?;
        Ok((ratings, items))
    }

    async fn count(&self, items: &[Item], batch: usize) -> Result<Took, Fault> {
        let events = items.chunks(batch).map(stream_event);
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let _ = self.stage.meter.take();
        let (begun, cpu) = (Instant::now(), process_cpu()?);
        for event in events {
            self.stage.count(event).await?;
        }
        let (clock, cpu) = (begun.elapsed(), process_cpu()? - cpu);
        let bill = self.stage.meter.take();
        Ok(Took {
            clock,
            cpu,
            write_units: tables(&bill).write_units,
            transactions: tables(&bill).requests,
        })
    }

    /// Write units and processor time of a rating counted in batches of several sizes.
    async fn batches(&mut self, yardstick: &Yardstick) -> Result<Vec<Line>, Fault> {
        let mut lines = Vec::new();
        for (officials, whose) in [(usize::MAX, "all officials"), (1, "one official")] {
            for (batch, count) in self.scale.batches {
                let (_, items) = self.saved(*count, officials).await?;
                let took = self.count(&items, *batch).await?;
                let name = format!("batches of {batch}, ratings of {whose}");
                let units = Line::new(
                    format!("{name}: written"),
                    took.write_units / whole(*count),
                    "write units a rating",
                );
                lines.push(
                    units
                        .beside("one plain write, not exact", 1.0)
                        .note(format!(
                            "{} transactions for {count} ratings",
                            took.transactions
                        )),
                );
                lines.push(yardstick.line(format!("{name}: counted"), *count, &took));
            }
        }
        Ok(lines)
    }

    async fn measure_counting(&mut self, yardstick: &Yardstick) -> Result<Line, Fault> {
        let (_, items) = self.saved(self.scale.sample, usize::MAX).await?;
        let before = self.stored - items.len();
        let took = self.count(&items, BATCH).await?;
        Ok(yardstick.line(format!("counted beside {before}"), items.len(), &took))
    }

    async fn measure_reconcile(&self, yardstick: &Yardstick) -> Result<Line, Fault> {
        let _ = self.stage.meter.take();
        let (begun, cpu) = (Instant::now(), process_cpu()?);
        let report =
            reconcile_tallies::handle(&self.stage.store, Timestamp::now(), || true).await?;
        let (clock, cpu) = (begun.elapsed(), process_cpu()? - cpu);
        let bill = tables(&self.stage.meter.take());
        if report.mismatched + report.failed + report.busy + report.swept > 0 {
            return Err(format!("not every rating was counted once: {report:?}").into());
        }
        let per_million = 1e6 / whole(self.stored);
        Ok(Line::new(
            format!("reconcile {}", self.stored),
            cpu.as_secs_f64() * per_million,
            "CPU-s per million",
        )
        .beside("SQLite: read rating, parse JSON", yardstick.read * 1e6)
        .note(format!(
            "{} read units per million, {} requests, {:.1} s on the clock",
            figure(bill.read_units * per_million),
            bill.requests,
            clock.as_secs_f64(),
        )))
    }

    /// With few ratings most figures are held back and an answer is short, so that it is set beside the smallest size at
    /// which it was about as long.
    async fn measure_view(&self, views: &mut Vec<View>) -> Result<Line, Fault> {
        let (mut took, mut bytes) = (Vec::new(), 0);
        for dossier in self.world.dossiers.iter().cycle().take(self.scale.views) {
            let path = format!("/api/statistics?unit_id={}", dossier.unit);
            let cpu = process_cpu()?;
            let answer = self
                .stage
                .answer(Function::GetStatistics, &path, None)
                .await?;
            took.push((process_cpu()? - cpu).as_secs_f64() * 1_000.0);
            if answer.status() != 200 {
                return Err(format!("{path} was answered {}", answer.status()).into());
            }
            bytes = bytes.max(answer.body().len());
        }
        let took = median(took);
        views.push(View { took, bytes });
        let as_long = views.iter().find(|view| view.bytes * 2 >= bytes);
        let first = as_long.map_or(took, |view| view.took);
        let name = format!("figures of a unit, of {} ratings", self.stored);
        Ok(Line::new(name, took, "CPU-ms")
            .beside("the smallest size with as long an answer", first)
            .goal(Goal::AtMost(first * SAME))
            .note(format!("one file read; at most {bytes} bytes")))
    }

    async fn publish(&self) -> Result<(), Fault> {
        let Stage {
            store,
            site,
            keyring,
            ..
        } = self.stage;
        publish_pages::handle(store, site, &keyring.proof_key(), Timestamp::now()).await?;
        Ok(())
    }
}

impl Yardstick {
    fn line(&self, name: String, count: usize, took: &Took) -> Line {
        let cpu = took.cpu.as_secs_f64() * 1_000.0 / whole(count);
        let rate = whole(count) / took.clock.as_secs_f64();
        Line::new(name, cpu, "CPU-s per 1,000")
            .beside("SQLite: rating + sum a commit", self.commits.cpu * 1_000.0)
            .note(format!(
                "{} records/s; SQLite {} commits/s",
                figure(rate),
                figure(self.commits.rate)
            ))
    }
}

fn whole(count: usize) -> f64 {
    count as f64
}
