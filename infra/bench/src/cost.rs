//! What a rating's whole life consumes of the tables, step by step, and what that comes to by the public price list.

mod model;
mod size;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use local::dynamo::RATINGS_TABLE;
use local::gateway::Function;
use local::s3::SITE_BUCKET;
use thuocdo::challenge::{Purpose, Salt, Scope};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::rating::RatingId;
use thuocdo::domain::receipt::ReceiptCode;
use thuocdo::domain::void::{Approval, Seat, VoidReason};
use thuocdo::handlers::{publish_pages, reconcile_tallies};
use thuocdo::store::void::Voided;

use crate::Fault;
use crate::fill::{Seeds, partition, rating};
use crate::meter::{Bill, Consumed, puts, tables};
use crate::stage::{Item, Stage, stream_event};
use crate::table::{Line, Section, figure};
use crate::world::{Dossier, World, look_up, posts};
use crate::yardstick::own_cpu;

use model::Model;
use size::{bytes, write_units};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Ratings of each group counted in batches of its own.
    pub ratings: usize,
    /// Ratings written past the front door, to see what reconciling takes for each.
    pub filled: usize,
}

impl Scale {
    /// What `make bench` runs.
    pub const FULL: Self = Self {
        ratings: 300,
        filled: 30_000,
    };
    /// Enough to see that it works.
    pub const SMOKE: Self = Self {
        ratings: 10,
        filled: 40,
    };
}

/// Records of one batch.
const BATCHES: [usize; 3] = [1, 10, 100];
/// Ratings set aside.
const VOIDS: usize = 5;

/// What one step consumed, as often as it was done.
#[derive(Debug, Clone, Copy)]
struct Step {
    times: usize,
    consumed: Consumed,
    objects: Consumed,
    cpu: Duration,
}

impl Step {
    fn each(&self, amount: f64) -> f64 {
        amount / whole(self.times)
    }

    fn read(&self) -> f64 {
        self.each(self.consumed.read_units)
    }

    fn write(&self) -> f64 {
        self.each(self.consumed.write_units)
    }

    /// Seconds of processor time.
    fn cpu(&self) -> f64 {
        self.each(self.cpu.as_secs_f64())
    }

    /// What was consumed beyond `other`, done once.
    fn less(&self, other: &Self) -> Self {
        Self {
            times: 1,
            consumed: less(&self.consumed, &other.consumed),
            objects: less(&self.objects, &other.objects),
            cpu: self.cpu.saturating_sub(other.cpu),
        }
    }

    fn row(&self, name: &str) -> Vec<String> {
        let requests = self.each(counted(self.consumed.requests));
        let objects = self.each(counted(self.objects.requests));
        vec![
            name.to_owned(),
            figure(self.read()),
            figure(self.write()),
            figure(requests),
            figure(objects),
            figure(self.cpu() * 1_000.0),
        ]
    }
}

/// Measures on engines in `folder`.
///
/// # Errors
/// When a step does not do what it should, or the engine charges for a write what DynamoDB's rules do not.
pub async fn run(folder: &Path, scale: Scale) -> Result<Vec<Section>, Fault> {
    let world = World::write(&folder.join("world"), scale.ratings * BATCHES.len())?;
    let stage = Stage::open(folder, &world).await?;
    let imported = Step {
        times: world.dossiers.len(),
        consumed: tables(&stage.dossiers_bill),
        objects: Consumed::default(),
        cpu: Duration::ZERO,
    };
    let code = codes(&stage, &world.dossiers[..scale.ratings]).await?;
    let looked_up = look_ups(&stage, &world.dossiers[..scale.ratings]).await?;
    let mut rules = Vec::new();
    let (mut saved, mut counted) = (None, Vec::new());
    for (dossiers, batch) in world.dossiers.chunks(scale.ratings).zip(BATCHES) {
        let step = submits(&stage, dossiers).await?;
        let items = pending(&stage, dossiers).await?;
        rules.push(Rule::of_saving(&step, &items));
        saved = saved.or(Some(step));
        counted.push((batch, count(&stage, &items, batch).await?));
    }
    let saved = saved.ok_or("nothing was saved")?;
    rules.truncate(1);
    rules.push(Rule {
        name: "counted in batches of 1",
        told: counted[0].1.write(),
        // The rating and its cell, each below 1 KB.
        due: 4.0,
    });
    let voided = voids(&stage, &world.dossiers).await?;

    let units = stage.catalog().await?.units.len();
    let reconciled = reconciles(&folder.join("reconcile"), scale).await?;
    let published = Publications::measure(&stage, &one_each(&world.dossiers), units).await?;
    let stored = stored(&stage, &world.dossiers).await?;

    let headings = [
        "",
        "read units",
        "write units",
        "requests",
        "objects",
        "CPU-ms",
    ];
    let mut grid = vec![headings.map(str::to_owned).to_vec()];
    grid.push(imported.row("dossier imported, each"));
    grid.push(code.row("security code handed out"));
    grid.push(looked_up.row("receipt looked up"));
    grid.push(saved.row("rating saved"));
    for (batch, step) in &counted {
        grid.push(step.row(&format!("rating counted, in batches of {batch}")));
    }
    grid.push(voided.row("rating set aside, with both approvals"));
    grid.push(reconciled.month.row("reconcile, each unit and month"));
    grid.push(
        reconciled
            .rating
            .row("reconcile, each rating of two months"),
    );
    grid.push(published.idle.row("publish, each unit, nothing changed"));
    grid.push(
        published
            .above
            .row("publish, the pages above, when any unit changed"),
    );
    grid.push(published.changed.row("publish, each unit that changed"));

    let model = Model {
        code,
        looked_up,
        saved,
        counted: [counted[0].1, counted[1].1],
        reconciled,
        published,
        stored,
    };
    let lines = rules.into_iter().map(Rule::line).collect();
    Ok(vec![
        Section {
            title: "Units: one rating through its life, as ReturnConsumedCapacity tells".to_owned(),
            lines,
            grid,
        },
        model.stored.section(),
        model.per_million(),
        model.per_year(),
    ])
}

/// A sum of the engine's, beside what DynamoDB's rules make of the items' sizes.
struct Rule {
    name: &'static str,
    told: f64,
    due: f64,
}

impl Rule {
    /// The rating beside its receipt, which is never larger than 1 KB.
    fn of_saving(step: &Step, ratings: &[Item]) -> Self {
        let of_ratings: f64 = ratings.iter().map(write_units).sum();
        Self {
            name: "rating saved",
            told: step.write(),
            due: 2.0 * (1.0 + of_ratings / whole(ratings.len())),
        }
    }

    fn line(self) -> Line {
        Line::new(self.name, self.told, "write units")
            .beside("DynamoDB's rules on the items' sizes", self.due)
            .note("a transaction costs twice, each KB begun is one unit")
    }
}

impl Stage {
    /// Runs `step`, done `times` times by what it awaits, with the meter at zero before.
    async fn step(
        &self,
        times: usize,
        step: impl Future<Output = Result<(), Fault>>,
    ) -> Result<Step, Fault> {
        let _: Bill = self.meter.take();
        let cpu = own_cpu()?;
        step.await?;
        let cpu = own_cpu()? - cpu;
        let bill = self.meter.take();
        Ok(Step {
            times,
            consumed: tables(&bill),
            objects: puts(&bill),
            cpu,
        })
    }
}

async fn codes(stage: &Stage, dossiers: &[Dossier]) -> Result<Step, Fault> {
    let scopes = dossiers.iter().map(|dossier| Scope {
        purpose: Purpose::Rate,
        subject: &dossier.unit,
        receipt_code: &dossier.code,
        receipt_secret: &dossier.secret,
        phone: "",
    });
    let scopes: Vec<_> = scopes.map(|s| s.commitment(&Salt::random())).collect();
    let asked = async {
        for scope in &scopes {
            let path = format!("/api/challenge?scope={scope}");
            let answer = stage.answer(Function::IssueChallenge, &path, None).await?;
            if answer.status() != 200 {
                return Err(format!("{path} was answered {answer:?}").into());
            }
        }
        Ok(())
    };
    stage.step(scopes.len(), asked).await
}

async fn look_ups(stage: &Stage, dossiers: &[Dossier]) -> Result<Step, Fault> {
    let now = Timestamp::now();
    let bodies = dossiers.iter().map(|d| look_up(&stage.keyring, d, now));
    let bodies = bodies.collect::<Result<Vec<_>, _>>()?;
    let path = "/api/receipts/validate";
    let asked = posted(stage, Function::ValidateReceipt, path, bodies, 200);
    stage.step(dossiers.len(), asked).await
}

async fn submits(stage: &Stage, dossiers: &[Dossier]) -> Result<Step, Fault> {
    let bodies = posts(&stage.keyring, dossiers)?;
    let sent = posted(stage, Function::SubmitRating, "/api/ratings", bodies, 201);
    stage.step(dossiers.len(), sent).await
}

async fn posted(
    stage: &Stage,
    function: Function,
    path: &str,
    bodies: Vec<String>,
    status: u16,
) -> Result<(), Fault> {
    for body in bodies {
        let answer = stage.answer(function, path, Some(body)).await?;
        if answer.status() != status {
            return Err(format!("{path} was answered {answer:?}").into());
        }
    }
    Ok(())
}

async fn count(stage: &Stage, items: &[Item], batch: usize) -> Result<Step, Fault> {
    let events = items.chunks(batch).map(stream_event);
    let events = events.collect::<Result<Vec<_>, _>>()?;
    let counted = async {
        for event in events {
            stage.count(event).await?;
        }
        Ok(())
    };
    stage.step(items.len(), counted).await
}

/// Items of the ratings of `dossiers` that wait to be counted, one after the other in no order.
async fn pending(stage: &Stage, dossiers: &[Dossier]) -> Result<Vec<Item>, Fault> {
    let mut waiting = Vec::new();
    for unit in units(dossiers) {
        let ratings = partition("U", unit, local_date(Timestamp::now()));
        let items = stage.partition(RATINGS_TABLE, ratings).await?;
        waiting.extend(items.into_iter().filter(|item| item.contains_key("pend")));
    }
    if waiting.len() != dossiers.len() {
        return Err(format!("{} of {} wait", waiting.len(), dossiers.len()).into());
    }
    // As they come in: not unit by unit.
    waiting.sort_by(|a, b| text(a, "SK").cmp(text(b, "SK")));
    Ok(waiting)
}

/// Sets ratings aside as two people's files and the next reconciliation do.
async fn voids(stage: &Stage, dossiers: &[Dossier]) -> Result<Step, Fault> {
    let unit = UnitId::parse(&dossiers[0].unit)?;
    let today = local_date(Timestamp::now());
    let month = Month::of(today);
    let items = partition("U", unit.as_str(), today);
    let items = stage.partition(RATINGS_TABLE, items).await?;
    let ids: Vec<_> = items
        .iter()
        .filter_map(|item| text(item, "SK").strip_prefix("R#"))
        .map(|id| RatingId(id.to_owned()))
        .take(VOIDS)
        .collect();
    let reason = VoidReason::Trial;
    let set_aside = async {
        for id in &ids {
            for (seat, approver) in [(Seat::First, "an"), (Seat::Second, "binh")] {
                let approval = Approval {
                    rating_id: id.clone(),
                    subject: None,
                    seat,
                    approver: approver.to_owned(),
                    reason,
                    day: today,
                };
                let store = &stage.store;
                store.put_approval(&unit, &approval).await?;
            }
            let voided = stage.store.void(&unit, month, id, reason, today).await?;
            if voided != Voided::Voided {
                return Err(format!("not set aside: {voided:?}").into());
            }
        }
        Ok(())
    };
    stage.step(ids.len(), set_aside).await
}

/// What comparing cells with ratings takes.
#[derive(Debug, Clone, Copy)]
struct Reconciles {
    /// Each unit and month, without ratings.
    month: Step,
    /// Each rating more.
    rating: Step,
}

async fn reconciles(folder: &Path, scale: Scale) -> Result<Reconciles, Fault> {
    let world = World::write(&folder.join("world"), scale.ratings)?;
    let stage = Stage::open(folder, &world).await?;
    let places = stage.catalog().await?.units.len() * 2;
    let none = stage.step(places, reconcile(&stage)).await?;
    let ratings = world.dossiers.iter().enumerate().map(|(serial, dossier)| {
        let subject = format!("{}/{}", dossier.unit, dossier.official);
        rating(&subject, &dossier.field, serial)
    });
    let ratings = ratings.collect::<Result<Vec<_>, _>>()?;
    let items = stage.save(&ratings).await?;
    stage.count(stream_event(&items)?).await?;
    let mut seeds = Seeds::of(&stage, &ratings).await?;
    let times = scale.filled / seeds.len();
    seeds.multiply(&stage, times).await?;
    let all = stage.step(places, reconcile(&stage)).await?;
    Ok(Reconciles {
        month: none,
        rating: Step {
            times: (times + 1) * seeds.len(),
            consumed: less(&all.consumed, &none.consumed),
            objects: Consumed::default(),
            cpu: all.cpu.saturating_sub(none.cpu),
        },
    })
}

async fn reconcile(stage: &Stage) -> Result<(), Fault> {
    let report = reconcile_tallies::handle(&stage.store, Timestamp::now(), || true).await?;
    match report.mismatched + report.failed + report.busy + report.swept {
        0 => Ok(()),
        _ => Err(format!("not every rating was counted once: {report:?}").into()),
    }
}

/// What publishing takes.
#[derive(Debug, Clone, Copy)]
struct Publications {
    /// Each unit of a run in which nothing changed.
    idle: Step,
    /// A run in which something changed: the pages above the units.
    above: Step,
    /// Each unit that changed.
    changed: Step,
    /// Bytes of the site, of each unit.
    bytes: f64,
}

impl Publications {
    async fn measure(stage: &Stage, dossiers: &[Dossier], units: usize) -> Result<Self, Fault> {
        stage.step(units, publish(stage, None)).await?;
        let idle = stage.step(units, publish(stage, Some(0))).await?;
        // The first change of all warms what later ones find warm.
        change(stage, &dossiers[..1], 1).await?;
        let one = change(stage, &dossiers[1..2], 2).await?;
        let some = change(stage, &dossiers[2..2 + MORE], 3).await?;
        let changed = some.less(&one);
        let (mut bytes, mut after) = (0, String::new());
        loop {
            let page = stage.objects.list(SITE_BUCKET, "", &after, 1_000).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            bytes += page.iter().map(|(_, head)| head.size).sum::<u64>();
        }
        Ok(Self {
            idle,
            above: one.less(&idle).less(&Step {
                consumed: each(&changed.consumed, MORE - 1),
                objects: each(&changed.objects, MORE - 1),
                cpu: changed.cpu / (MORE as u32 - 1),
                times: 1,
            }),
            changed: Step {
                times: MORE - 1,
                ..changed
            },
            bytes: counted(bytes) / whole(units),
        })
    }
}

/// Units that change at once, to see what each of them takes.
const MORE: usize = 5;

/// Rates the officials of `dossiers`, of a unit each, until all of them are shown anew, and publishes.
async fn change(stage: &Stage, dossiers: &[Dossier], round: usize) -> Result<Step, Fault> {
    for (index, dossier) in dossiers.iter().enumerate() {
        let ratings = (index * 10..index * 10 + 10).map(|serial| {
            let subject = format!("{}/{}", dossier.unit, dossier.official);
            rating(&subject, &dossier.field, round * 1_000_000 + serial)
        });
        let ratings = ratings.collect::<Result<Vec<_>, _>>()?;
        let items = stage.save(&ratings).await?;
        stage.count(stream_event(&items)?).await?;
    }
    stage.step(1, publish(stage, Some(dossiers.len()))).await
}

/// Publishes; fails when not as many units moved as were meant to.
async fn publish(stage: &Stage, released: Option<usize>) -> Result<(), Fault> {
    let key = stage.keyring.proof_key();
    let now = Timestamp::now();
    let report = publish_pages::handle(&stage.store, &stage.site, &key, now).await?;
    match released.is_none_or(|released| released == report.released) {
        true => Ok(()),
        false => Err(format!("not what should have moved: {report:?}").into()),
    }
}

/// Bytes DynamoDB stores of each kind of item.
#[derive(Debug, Clone, Copy)]
struct Stored {
    receipt: f64,
    rating: f64,
    cell: f64,
}

impl Stored {
    fn section(&self) -> Section {
        let line = |name: &str, bytes: f64| {
            Line::new(name, bytes, "bytes").beside("one write unit", 1_024.0)
        };
        let lines = vec![
            line("receipt", self.receipt),
            line("rating", self.rating),
            line("cell", self.cell),
        ];
        Section::of_lines(
            "Storage: an item by DynamoDB's rules, 100 bytes of index included",
            lines,
        )
    }
}

async fn stored(stage: &Stage, dossiers: &[Dossier]) -> Result<Stored, Fault> {
    let code = ReceiptCode::parse(&dossiers[0].code)?;
    let hash = stage.keyring.receipt_hash(&code);
    let receipts = stage.partition(RATINGS_TABLE, format!("K#{hash}")).await?;
    let unit = &dossiers[0].unit;
    let today = local_date(Timestamp::now());
    let ratings = partition("U", unit, today);
    let ratings = stage.partition(RATINGS_TABLE, ratings).await?;
    let cells = partition("C", unit, today);
    let cells = stage.partition(local::dynamo::TALLY_TABLE, cells).await?;
    let mean = |items: &[Item]| {
        let all: usize = items.iter().map(|item| bytes(item) + 100).sum();
        whole(all) / whole(items.len().max(1))
    };
    Ok(Stored {
        receipt: mean(&receipts),
        rating: mean(&ratings),
        cell: mean(&cells),
    })
}

/// The first dossier of each unit.
fn one_each(dossiers: &[Dossier]) -> Vec<Dossier> {
    let mut seen = std::collections::BTreeSet::new();
    let first = dossiers.iter().filter(|dossier| seen.insert(&dossier.unit));
    first.cloned().collect()
}

fn less(one: &Consumed, other: &Consumed) -> Consumed {
    Consumed {
        requests: one.requests.saturating_sub(other.requests),
        read_units: (one.read_units - other.read_units).max(0.0),
        write_units: (one.write_units - other.write_units).max(0.0),
        bytes: one.bytes.saturating_sub(other.bytes),
    }
}

fn each(all: &Consumed, count: usize) -> Consumed {
    Consumed {
        requests: all.requests / count as u64,
        read_units: all.read_units / whole(count),
        write_units: all.write_units / whole(count),
        bytes: all.bytes / count as u64,
    }
}

fn units(dossiers: &[Dossier]) -> std::collections::BTreeSet<&str> {
    dossiers
        .iter()
        .map(|dossier| dossier.unit.as_str())
        .collect()
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .map_or("", String::as_str)
}

fn whole(count: usize) -> f64 {
    count as f64
}

fn counted(count: u64) -> f64 {
    count as f64
}
