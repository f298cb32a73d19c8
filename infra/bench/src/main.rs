//! `make bench`: everything measured, one table.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bench::table::Table;
use bench::{Fault, submit, yardstick};
use clap::Parser;

/// Measures what the system costs to run, each figure beside its yardstick.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Where `bench.json`, `bench.md` and `bench.txt` are written.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// A few of everything: to see that it works, not how fast.
    #[arg(long)]
    smoke: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = if std::env::args().nth(1).as_deref() == Some(yardstick::ECHO) {
        yardstick::serve_echo().await
    } else {
        run(Arguments::parse()).await
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
    let mut table = Table {
        machine: machine()?,
        ..Table::default()
    };
    let scales = if arguments.smoke {
        vec![submit::Scale::SMOKE]
    } else {
        vec![submit::Scale::FULL, submit::Scale::PUBLISHING]
    };
    for scale in scales {
        let folder = begin("submit")?;
        table
            .sections
            .push(submit::run(folder.path(), scale).await?);
    }
    let json = serde_json::to_string_pretty(&table)?;
    write(&arguments.out, "bench.json", &json)?;
    write(&arguments.out, "bench.md", &table.markdown())?;
    write(&arguments.out, "bench.txt", &table.text())?;
    std::io::stdout().write_all(table.text().as_bytes())?;
    Ok(())
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Fault> {
    std::fs::create_dir_all(folder)?;
    Ok(std::fs::write(folder.join(name), text)?)
}

/// Says what is measured, apart from the table, and gives it a folder.
fn begin(part: &str) -> Result<tempfile::TempDir, Fault> {
    let _ = writeln!(std::io::stderr(), "measuring: {part}");
    Ok(tempfile::tempdir()?)
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
