//! `make bench`: everything measured, one table.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bench::table::{Section, Table};
use bench::{Fault, cost, disk, functions, growth, pages, publishing, submit, yardstick};
use clap::{Parser, ValueEnum};

/// Measures what the system costs to run, each figure beside its yardstick.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// What to measure; everything but the functions when nothing is named.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Where `bench.json`, `bench.md` and `bench.txt` are written.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// Where the executables of the functions are, by name.
    #[arg(long, value_name = "DIR", default_value = "target/release")]
    functions: PathBuf,
    /// A few of everything: to see that it works, not how fast.
    #[arg(long)]
    smoke: bool,
    /// Up to a million ratings.
    #[arg(long, conflicts_with = "smoke")]
    long: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Ratings posted to the whole system in one process.
    Submit,
    /// Counting, reconciling and figures with more and more ratings in the tables.
    Growth,
    /// Writes that are on the disk when they are acknowledged.
    Disk,
    /// A whole country published.
    Publishing,
    /// Start of the system, and weights of pages.
    Pages,
    /// Units of a rating's whole life, and dollars.
    Cost,
    /// The functions' executables, which are built apart.
    Functions,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        Some(yardstick::ECHO) => yardstick::serve_echo().await,
        Some(publishing::PUBLISH) => publishing::publish_once().await,
        _ => run(Arguments::parse()).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Fault> {
    // Sooner than after half an hour of measuring.
    let out = &arguments.out;
    std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut table = Table {
        machine: machine()?,
        ..Table::default()
    };
    for part in Part::value_variants() {
        let wanted = match arguments.parts.as_slice() {
            [] => *part != Part::Functions,
            parts => parts.contains(part),
        };
        if wanted {
            table.sections.extend(measure(*part, &arguments).await?);
        }
    }
    let json = serde_json::to_string_pretty(&table)?;
    write(&arguments.out, "bench.json", &json)?;
    write(&arguments.out, "bench.md", &table.markdown())?;
    write(&arguments.out, "bench.txt", &table.text())?;
    std::io::stdout().write_all(table.text().as_bytes())?;
    Ok(())
}

async fn measure(part: Part, arguments: &Arguments) -> Result<Vec<Section>, Fault> {
    let _ = writeln!(std::io::stderr(), "measuring: {part:?}");
    let folder = tempfile::tempdir()?;
    let (folder, smoke) = (folder.path(), arguments.smoke);
    Ok(match part {
        Part::Submit if smoke => vec![submit::run(folder, submit::Scale::SMOKE).await?],
        Part::Submit => {
            let counting = submit::run(folder, submit::Scale::FULL).await?;
            let folder = tempfile::tempdir()?;
            let publishing = submit::run(folder.path(), submit::Scale::PUBLISHING).await?;
            vec![counting, publishing]
        }
        Part::Growth => {
            let scale = match (smoke, arguments.long) {
                (true, _) => growth::Scale::SMOKE,
                (false, true) => growth::Scale::LONG,
                (false, false) => growth::Scale::FULL,
            };
            growth::run(folder, scale).await?
        }
        Part::Disk => {
            let scale = match smoke {
                true => disk::Scale::SMOKE,
                false => disk::Scale::FULL,
            };
            vec![disk::run(folder, scale).await?]
        }
        Part::Publishing => {
            let scale = match smoke {
                true => publishing::Scale::SMOKE,
                false => publishing::Scale::FULL,
            };
            vec![publishing::run(folder, scale).await?]
        }
        Part::Pages => pages::run(folder, !smoke).await?,
        Part::Cost => {
            let scale = match smoke {
                true => cost::Scale::SMOKE,
                false => cost::Scale::FULL,
            };
            cost::run(folder, scale).await?
        }
        Part::Functions => {
            let scale = match smoke {
                true => functions::Scale::SMOKE,
                false => functions::Scale::FULL,
            };
            let all = functions::walk(folder, &arguments.functions, scale).await?;
            let json = serde_json::to_string_pretty(&all)?;
            write(&arguments.out, "functions.json", &json)?;
            vec![functions::section(&all)?]
        }
    })
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Fault> {
    Ok(std::fs::write(folder.join(name), text)?)
}

fn machine() -> Result<String, Fault> {
    let processors = std::thread::available_parallelism()?;
    let info = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |line| {
            line.trim_start_matches([' ', '\t', ':'])
        });
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d");
    Ok(format!(
        "{processors} processors ({model}), {day}, load {load} before the first measurement"
    ))
}
