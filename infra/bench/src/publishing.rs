//! A whole country published, by a process that does nothing else.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use local::s3::SITE_BUCKET;
use serde::{Deserialize, Serialize};
use thuocdo::domain::catalog::Catalog;
use thuocdo::domain::id::{OfficialId, UnitId};
use thuocdo::handlers::publish_pages;

use crate::Fault;
use crate::fill::{Seeds, rating};
use crate::meter::{puts, tables};
use crate::stage::{Stage, Visitor, stream_event};
use crate::table::{Line, Section, figure};
use crate::world::World;
use crate::yardstick::{own_cpu, process_cpu};

/// The argument that makes the program `bench` publish once on the engines its environment names.
pub const PUBLISH: &str = "publish-once";

/// How large the country is.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Communes and wards.
    pub units: usize,
    /// Officials of all of them together.
    pub officials: usize,
}

impl Scale {
    /// Việt Nam's communes and wards since July 2025.
    pub const FULL: Self = Self {
        units: 3_321,
        officials: 40_000,
    };
    /// Enough to see that it works.
    pub const SMOKE: Self = Self {
        units: 3,
        officials: 7,
    };
}

/// Ratings of each unit: enough to be shown.
const RATINGS: usize = 12;
/// Plain files written to see what one takes.
const PLAIN_FILES: usize = 10_000;
/// Objects listed at once.
const PAGE: usize = 1_000;

/// What one publication took.
#[derive(Debug, Serialize, Deserialize)]
struct Published {
    /// Units whose figures moved.
    released: usize,
    /// Objects written.
    written: u64,
    /// Their bytes.
    bytes: u64,
    /// Read and write units.
    read_units: f64,
    write_units: f64,
    /// Requests to the tables.
    requests: u64,
    /// Seconds of processor time, of the start too.
    cpu: f64,
    /// Seconds on the clock.
    clock: f64,
    /// Most memory held, in bytes.
    peak: u64,
}

/// Publishes once and says what it took on standard output.
///
/// # Errors
/// When the engines cannot be reached.
pub async fn publish_once() -> Result<(), Fault> {
    let begun = std::time::Instant::now();
    let visitor = Visitor::from_environment()?;
    let (key, now) = (visitor.keyring.proof_key(), Timestamp::now());
    let report = publish_pages::handle(&visitor.store, &visitor.site, &key, now).await?;
    let bill = visitor.meter.take();
    let published = Published {
        released: report.released,
        written: puts(&bill).requests,
        bytes: puts(&bill).bytes,
        read_units: tables(&bill).read_units,
        write_units: tables(&bill).write_units,
        requests: tables(&bill).requests,
        cpu: process_cpu()?.as_secs_f64(),
        clock: begun.elapsed().as_secs_f64(),
        peak: crate::process::peak_memory_of("self")?,
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&published)?)?;
    Ok(())
}

/// Measures on engines in `folder`.
///
/// # Errors
/// When a publication fails, or writes what it should not.
pub async fn run(folder: &Path, scale: Scale) -> Result<Section, Fault> {
    let world = World::write(&folder.join("world"), 1)?;
    let stage = Stage::open(folder, &world).await?;
    let country = country(&stage.catalog().await?, scale)?;
    stage.store.put_catalog(&country, Timestamp::now()).await?;
    rate_everywhere(&stage, scale).await?;

    let all = publish(&stage).await?;
    if all.released != scale.units {
        return Err(format!("{} of {} units were published", all.released, scale.units).into());
    }
    let (objects, bytes) = objects(&stage).await?;
    if objects as u64 != all.written || bytes != all.bytes {
        return Err(format!("{objects} objects of {bytes} bytes, not {all:?}").into());
    }
    let files = plain_files(folder, objects, bytes)?;
    let none = publish(&stage).await?;
    if none.written != 0 {
        return Err(format!("written though nothing changed: {none:?}").into());
    }
    rate(&stage, RATINGS).await?;
    let one = publish(&stage).await?;
    if one.released != 1 {
        return Err(format!("one unit was rated: {one:?}").into());
    }

    let everything = "everything, for the first time";
    let lines = vec![
        Line::new("everything, for the first time", all.cpu, "CPU-s")
            .beside("the same objects as plain files", files)
            .note(all.note()),
        Line::new("everything: memory", mebibytes(all.peak), "MiB")
            .beside("all objects together", mebibytes(bytes)),
        Line::new("nothing changed", none.cpu, "CPU-s")
            .beside(everything, all.cpu)
            .note(none.note()),
        Line::new("one unit has 12 more ratings", one.cpu, "CPU-s")
            .beside(everything, all.cpu)
            .note(one.note()),
        Line::new("one unit: bytes written", mebibytes(one.bytes), "MiB")
            .beside("everything", mebibytes(bytes))
            .note(format!("{} objects of {objects}", one.written)),
        Line::new("one unit: memory", mebibytes(one.peak), "MiB")
            .beside("everything", mebibytes(all.peak)),
    ];
    let Scale { units, officials } = scale;
    let title = format!("Publishing: {units} units, {officials} officials, {RATINGS} ratings each");
    Ok(Section::of_lines(title, lines))
}

impl Published {
    fn note(&self) -> String {
        format!(
            "{} objects, {} MiB written; {} read and {} write units, {} requests; {:.1} s on the clock",
            self.written,
            figure(mebibytes(self.bytes)),
            figure(self.read_units),
            figure(self.write_units),
            self.requests,
            self.clock,
        )
    }
}

/// A process of its own, so that its memory and time are the publication's alone.
async fn publish(stage: &Stage) -> Result<Published, Fault> {
    let program = crate::process::beside("bench")?;
    let mut command = Command::new(program);
    command
        .arg(PUBLISH)
        .envs(stage.environment.iter().map(|(name, value)| (*name, value)))
        .stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    if !output.status.success() {
        return Err(format!("publishing failed with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The catalog's first unit, so often, under other names.
fn country(sample: &Catalog, scale: Scale) -> Result<Catalog, Fault> {
    let mut open = sample.units.values();
    let model = open
        .find(|entry| !entry.officials.is_empty() && entry.unit.validity.to.is_none())
        .ok_or("no unit")?;
    let mut country = Catalog {
        head: sample.head.clone(),
        units: std::collections::BTreeMap::new(),
    };
    let mut official = 0;
    for serial in 0..scale.units {
        let id = UnitId::parse(&unit(serial))?;
        let mut entry = model.clone();
        entry.unit.id = id.clone();
        entry.unit.name.vi = format!("Ủy ban nhân dân xã {serial:04}");
        let mut person = entry.officials.swap_remove(0);
        entry.officials.clear();
        person.unit_id = id.clone();
        let due = (serial + 1) * scale.officials / scale.units;
        for place in 0..due - official {
            person.id = OfficialId::parse(&format!("{id}-{place:02}"))?;
            person.name = format!("Nguyễn Văn {official:05}");
            entry.officials.push(person.clone());
            official += 1;
        }
        country.units.insert(id, entry);
    }
    Ok(country)
}

fn unit(serial: usize) -> String {
    format!("don-vi-{serial:04}")
}

async fn rate_everywhere(stage: &Stage, scale: Scale) -> Result<(), Fault> {
    let ratings = rate(stage, 0).await?;
    let seeds = Seeds::of(stage, &ratings).await?;
    let others: Vec<_> = (1..scale.units).map(unit).collect();
    seeds.move_to(stage, &unit(0), &others).await
}

/// Rates the first unit's first official, and counts it.
async fn rate(stage: &Stage, from: usize) -> Result<Vec<thuocdo::domain::rating::Rating>, Fault> {
    let catalog = stage.store.catalog_version().await?.ok_or("no catalog")?;
    let head = stage
        .store
        .catalog_head(&catalog)
        .await?
        .ok_or("no catalog")?;
    let subject = format!("{0}/{0}-00", unit(0));
    let ratings = (from..from + RATINGS)
        .map(|serial| rating(&subject, head.fields[serial % 3].id.as_str(), serial));
    let ratings = ratings.collect::<Result<Vec<_>, _>>()?;
    let items = stage.save(&ratings).await?;
    stage.count(stream_event(&items)?).await?;
    Ok(ratings)
}

/// Objects of the site and their bytes.
async fn objects(stage: &Stage) -> Result<(usize, u64), Fault> {
    let (mut count, mut bytes, mut after) = (0, 0, String::new());
    loop {
        let page = stage.objects.list(SITE_BUCKET, "", &after, PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok((count, bytes));
        };
        after.clone_from(last);
        count += page.len();
        bytes += page.iter().map(|(_, head)| head.size).sum::<u64>();
    }
}

/// Processor time to write as many files of the same size together, from a sample of them.
fn plain_files(folder: &Path, count: usize, bytes: u64) -> Result<f64, Fault> {
    let folder = folder.join("files");
    std::fs::create_dir(&folder)?;
    let content = vec![b'x'; usize::try_from(bytes)? / count.max(1)];
    let sample = count.min(PLAIN_FILES);
    let cpu = own_cpu()?;
    for serial in 0..sample {
        std::fs::write(folder.join(serial.to_string()), &content)?;
    }
    let cpu = own_cpu()? - cpu;
    std::fs::remove_dir_all(&folder)?;
    let times = count as f64 / sample.max(1) as f64;
    Ok(cpu.as_secs_f64() * times)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
