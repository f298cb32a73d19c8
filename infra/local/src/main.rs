//! Runs the whole of Thước Đo on this machine.

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jiff::civil::Date;
use local::error::chain;
use local::list::Selection;
use local::s3::SITE_BUCKET;
use local::{Options, Stack};
use mimalloc::MiMalloc;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::rating::Attestation;
use thuocdo::domain::void::VoidReason;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The whole of Thước Đo in one process: pages, API, tables and buckets.
#[derive(Debug, Parser)]
#[command(name = "local", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where the data is kept; made where there is none.
    #[arg(long, value_name = "DIR", default_value = ".data")]
    data: PathBuf,
    /// Where people reach it.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,
    /// Load the trial sample when the data directory has no catalog yet.
    #[arg(long)]
    sample: bool,
    /// Where the sample is.
    #[arg(long, value_name = "DIR", default_value = "sample")]
    sample_dir: PathBuf,
    /// Shortest time between two publications, in seconds [default: 3600, and 3 for a catalog that is a sample].
    #[arg(long, value_name = "SECONDS")]
    publish_every: Option<u64>,
    /// Time between two comparisons of the tallies with the ratings, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    reconcile_every: u64,
    /// A loopback port for tools of AWS that read the tables, 0 for a free one; engines.env has its key.
    #[arg(long, value_name = "PORT")]
    tables_port: Option<u16>,
    /// Connections that one address may have open.
    #[arg(long, value_name = "COUNT", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..))]
    connections_per_address: u16,
    /// Address of a proxy in front, which may have more; may be given more than once.
    #[arg(long, value_name = "ADDR", default_values = ["127.0.0.1", "::1"])]
    proxy: Vec<IpAddr>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Erase the name and phone of a person; the phone is read from standard input, so that no shell keeps it.
    ///
    /// Without --data it works on the tables that RATINGS_TABLE, TALLY_TABLE, MASTER_KEY and AWS_* name.
    ErasePhone {
        /// The data directory of a running system.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Seal a closed month of a unit again, beside the seal it has: for a unit that a wrong clock has put into a month
    /// that was sealed, and whose publication rests since.
    ///
    /// Without --data it works on the tables that RATINGS_TABLE, TALLY_TABLE and AWS_* name.
    SealAgain {
        /// The data directory of a running system.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// The unit's id.
        #[arg(long, value_name = "UNIT")]
        unit: String,
        /// The month, such as 202612.
        #[arg(long, value_name = "MONTH")]
        month: String,
    },
    /// List the ratings of a unit, day and stratum that are not void, as a void file on standard output.
    ///
    /// Without --data it works on the tables that RATINGS_TABLE, TALLY_TABLE and AWS_* name.
    ListRatings {
        /// The data directory of a running system.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// The unit; ratings of its officials are listed too.
        #[arg(long, value_parser = UnitId::parse)]
        unit: UnitId,
        /// The day they were given on, such as 2026-11-20.
        #[arg(long)]
        day: Date,
        /// How their raters proved that they were there, such as phone_declared.
        #[arg(long, value_parser = stratum)]
        stratum: Attestation,
        /// Written into every row; left out, the column is empty and has to be filled in.
        #[arg(long, value_parser = reason)]
        reason: Option<VoidReason>,
    },
}

fn stratum(code: &str) -> Result<Attestation, String> {
    Attestation::parse(code).ok_or_else(|| one_of(Attestation::ALL.iter().map(|s| s.code())))
}

fn reason(code: &str) -> Result<VoidReason, String> {
    VoidReason::parse(code).ok_or_else(|| one_of(VoidReason::ALL.iter().map(|r| r.code())))
}

fn one_of<'a>(codes: impl Iterator<Item = &'a str>) -> String {
    format!("it is one of {}", codes.collect::<Vec<_>>().join(", "))
}

async fn list_ratings(
    data: Option<&Path>,
    selection: &Selection,
    reason: Option<VoidReason>,
) -> Result<(), local::error::BoxError> {
    let listed = local::list::list_ratings(data, selection).await?;
    writeln!(std::io::stderr(), "{}", listed.summary())?;
    Ok(std::io::stdout().write_all(listed.void_file(reason).as_bytes())?)
}

async fn erase_phone(data: Option<&Path>) -> Result<(), local::error::BoxError> {
    let mut phone = String::new();
    std::io::stdin().read_line(&mut phone)?;
    let found = local::operator::erase_phone(data, phone.trim()).await?;
    let line = format!("erased {} of {} guards\n", found.erased, found.looked_at);
    Ok(std::io::stdout().write_all(line.as_bytes())?)
}

async fn seal_again(
    data: Option<&Path>,
    unit: &str,
    month: &str,
) -> Result<(), local::error::BoxError> {
    let outcome = local::operator::seal_again(data, unit, month).await?;
    Ok(std::io::stdout().write_all(format!("{outcome}\n").as_bytes())?)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(async {
            match &arguments.command {
                Some(Command::ErasePhone { data }) => erase_phone(data.as_deref()).await,
                Some(Command::SealAgain { data, unit, month }) => {
                    seal_again(data.as_deref(), unit, month).await
                }
                Some(Command::ListRatings {
                    data,
                    unit,
                    day,
                    stratum,
                    reason,
                }) => {
                    let selection = Selection {
                        unit: unit.clone(),
                        day: *day,
                        stratum: *stratum,
                    };
                    list_ratings(data.as_deref(), &selection, *reason).await
                }
                None => run(arguments).await,
            }
        }),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), local::error::BoxError> {
    let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
    let (mut interrupt, mut terminate) = (signal(interrupt)?, signal(terminate)?);
    let options = Options {
        data: Some(arguments.data.clone()),
        addr: arguments.addr,
        sample: arguments.sample.then(|| sample(&arguments.sample_dir)),
        publish_every: arguments.publish_every.map(Duration::from_secs),
        reconcile_every: Duration::from_secs(arguments.reconcile_every),
        tables_port: arguments.tables_port,
        connections_per_address: arguments.connections_per_address.into(),
        proxies: arguments.proxy.clone(),
        ..Options::default()
    };
    let starting = Stack::start(options);
    let stack = tokio::select! {
        started = starting => started?,
        () = either(&mut interrupt, &mut terminate) => return Ok(()),
    };
    let slips = arguments
        .sample
        .then(|| sample(&arguments.sample_dir).join("slips.csv"));
    let slips = slips.filter(|slips| slips.exists());
    announce(&stack, &arguments.data, slips.as_deref()).await?;
    either(&mut interrupt, &mut terminate).await;
    tracing::info!("stopping");
    tokio::select! {
        () = stack.stop() => Ok(()),
        () = either(&mut interrupt, &mut terminate) => Err("stopped before everything was finished".into()),
    }
}

/// Every field that is logged is named where it is logged; the engines say only what is wrong with them.
fn log_to_stderr() {
    let ours = Targets::new()
        .with_target("local", Level::INFO)
        .with_target("thuocdo", Level::INFO)
        .with_default(LevelFilter::ERROR);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .compact();
    tracing_subscriber::registry().with(lines).with(ours).init();
}

/// The sample as it was named, or the one beside the source code.
fn sample(named: &Path) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(named);
    if !named.exists() && shipped.exists() {
        shipped
    } else {
        named.to_owned()
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// Says where to go: the address first, for programs, then what is worth opening.
async fn announce(
    stack: &Stack,
    data: &Path,
    slips: Option<&Path>,
) -> Result<(), local::error::BoxError> {
    let units = stack
        .objects
        .list(SITE_BUCKET, "don-vi/", "", 1_000)
        .await?
        .into_iter()
        .map(|(key, _)| key);
    let unit = units
        .filter_map(|key| Some(key.strip_suffix("index.html")?.to_owned()))
        .find(|path| path.matches('/').count() == 2);
    let address = &stack.address;
    let mut lines = format!("ready {address}\n");
    match unit {
        Some(unit) => {
            for (name, path) in [
                ("home", ""),
                ("rate a unit", unit.as_str()),
                ("results", "ket-qua/"),
                ("guide", "huong-dan/"),
            ] {
                lines.push_str(&format!("  {name:<11} {address}/{path}\n"));
            }
            if let Some(slips) = slips {
                lines.push_str(&format!("  receipt codes to rate with: {}\n", slips.display()));
            }
        }
        None => lines.push_str(&format!(
            "  nothing is published yet: put a catalog into {}, or start with --sample on a new directory\n",
            data.join("inbox/catalog").display()
        )),
    }
    // Nobody may be reading; that is no reason to stop.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
    Ok(())
}
