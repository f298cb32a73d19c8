//! Each function's executable, from its start to its steady state, beside one that does nothing.
//!
//! The executables run as Lambda runs them, against a Runtime API on loopback and the embedded engines in this process.
//! Processor time is that of the function's own process. Every answer is looked at: a function that fails fast is no fast one.

mod events;
mod report;
mod stage;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

pub use report::section;

use crate::Fault;
use crate::table::median;
use crate::world::{self, World};
use events::{Expected, asking, dropped, inserted, posting, sample};
use stage::Stage;

/// How much the functions are given to do.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Calls of each function behind the API.
    pub calls: usize,
    /// How often each of them is started, and the baseline; medians are told.
    pub starts: usize,
    /// How often each of the others is, which have more to do in one call.
    pub rare_starts: usize,
    /// Records in one event of the stream, dossiers in one file.
    pub batch: usize,
}

impl Scale {
    /// What `make footprint` runs.
    pub const FULL: Self = Self {
        calls: 1_000,
        starts: 101,
        rare_starts: 11,
        batch: 25,
    };
    /// Enough to see that it works.
    pub const SMOKE: Self = Self {
        calls: 12,
        starts: 2,
        rare_starts: 2,
        batch: 4,
    };
}

/// What one function cost.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The function.
    pub name: String,
    /// What it did.
    pub doing: String,
    /// Bytes of the executable.
    pub size: u64,
    /// CPU milliseconds from the spawn to the first question for an event.
    pub init: f64,
    /// CPU milliseconds of the first call after a start.
    pub first: f64,
    /// The same of the baseline, started before each of these starts: a machine is not as fast now as a minute ago.
    pub baseline_init: f64,
    /// And its first call.
    pub baseline_first: f64,
    /// CPU milliseconds of a later call; none where there was none.
    pub steady: Option<f64>,
    /// Most bytes resident at once.
    pub peak: u64,
    /// Starts and calls these are the medians of.
    pub starts: usize,
    /// Later calls.
    pub later: usize,
}

/// The function that does nothing.
pub const BASELINE: &str = "baseline";

/// Events, and what each must be answered with.
struct Calls {
    events: Vec<String>,
    expected: Expected,
}

impl Calls {
    fn new(events: Vec<String>, expected: Expected) -> Self {
        Self { events, expected }
    }
}

/// Every function at its work, in the order of a rating's life, on engines in `folder`.
///
/// The executables are taken from `functions`, and the one that does nothing from the folder of the program where it is not there.
///
/// # Errors
/// When one is missing, or answers otherwise than it should.
pub async fn walk(folder: &Path, functions: &Path, scale: Scale) -> Result<Vec<Measured>, Fault> {
    let stage = Stage::open(folder, executables(functions)?).await?;
    let world = World::write(&folder.join("world"), scale.calls)?;
    let dossiers = &world.dossiers[..];
    let mut all = Vec::new();
    let nothing = asking(&sample("issue-challenge")?, "scope", "none");
    let mut measured = async |function, doing: &str, starts, calls| {
        all.push(measure(&stage, function, doing, starts, &calls, &nothing).await?);
        Ok::<_, Fault>(())
    };

    let idle = Calls::new(vec![nothing.clone(); scale.calls], Expected::Status(200));
    measured(BASELINE, "nothing", scale.starts, idle).await?;

    let catalog = drop_catalog(&stage, &world).await?;
    measured("import-files", "a city's catalog", 1, catalog).await?;
    let files = drop_dossiers(&stage, &world, scale.batch).await?;
    let doing = format!("{} dossiers", scale.batch);
    measured("import-files", &doing, scale.rare_starts, files).await?;

    let tick = |name, times| Ok::<_, Fault>(vec![sample(name)?.to_string(); times]);
    let site = Calls::new(tick("publish-pages", 1)?, Expected::Anything);
    measured("publish-pages", "a city's pages", 1, site).await?;

    let get = sample("issue-challenge")?;
    let asked = dossiers
        .iter()
        .map(|dossier| asking(&get, "scope", &dossier.commitment().to_string()));
    let asked = Calls::new(asked.collect(), Expected::Status(200));
    measured("issue-challenge", "a proof of work", scale.starts, asked).await?;

    let post = sample("validate-receipt-json")?;
    let now = Timestamp::now();
    let looked_up = dossiers.iter().map(|dossier| {
        let body = world::look_up(&stage.keyring, dossier, now)?;
        Ok::<_, Fault>(posting(&post, &body))
    });
    let looked_up = Calls::new(looked_up.collect::<Result<_, _>>()?, Expected::Status(200));
    measured(
        "validate-receipt",
        "a good receipt",
        scale.starts,
        looked_up,
    )
    .await?;

    let post = sample("submit-rating-json-participant")?;
    let bodies = world::posts(&stage.keyring, dossiers)?;
    let events = bodies.iter().map(|body| posting(&post, body)).collect();
    let saved = Calls::new(events, Expected::Status(201));
    measured("submit-rating", "a rating saved", scale.starts, saved).await?;

    let waiting = stage.waiting().await?;
    if waiting.len() != dossiers.len() {
        let (waiting, rated) = (waiting.len(), dossiers.len());
        return Err(format!("{rated} ratings were saved, and {waiting} wait to be counted").into());
    }
    let batches = Calls::new(inserted(&waiting, scale.batch), Expected::AllCounted);
    let doing = format!("{} ratings counted", scale.batch);
    measured("aggregate-ratings", &doing, scale.rare_starts, batches).await?;
    let left = stage.waiting().await?.len();
    if left > 0 {
        return Err(format!("{left} ratings were not counted").into());
    }

    let all_good = Calls::new(
        tick("reconcile-tallies", scale.rare_starts + 2)?,
        Expected::Anything,
    );
    measured(
        "reconcile-tallies",
        "a city recounted",
        scale.rare_starts,
        all_good,
    )
    .await?;

    let changed = Calls::new(tick("publish-pages", 1)?, Expected::Anything);
    measured("publish-pages", "what was rated", 1, changed).await?;
    let unchanged = Calls::new(
        tick("publish-pages", scale.rare_starts + 2)?,
        Expected::Anything,
    );
    measured("publish-pages", "nothing new", scale.rare_starts, unchanged).await?;

    let get = sample("get-statistics-unit")?;
    let shown = dossiers.iter().map(|d| asking(&get, "unit_id", &d.unit));
    let shown = Calls::new(shown.collect(), Expected::Status(200));
    measured("get-statistics", "a unit's figures", scale.starts, shown).await?;

    Ok(all)
}

/// Where executables are looked for.
fn executables(functions: &Path) -> Result<Vec<PathBuf>, Fault> {
    let program = std::env::current_exe()?;
    let beside = program.parent().map(Path::to_owned);
    Ok([Some(functions.to_owned()), beside]
        .into_iter()
        .flatten()
        .collect())
}

async fn drop_catalog(stage: &Stage, world: &World) -> Result<Calls, Fault> {
    for sheet in std::fs::read_dir(world.folder.join("catalog/da-nang"))? {
        let sheet = sheet?;
        let key = format!("catalog/da-nang/{}", sheet.file_name().to_string_lossy());
        stage.drop_file(&key, std::fs::read(sheet.path())?).await?;
    }
    let key = "catalog/da-nang/ready";
    stage.drop_file(key, Vec::new()).await?;
    let event = dropped(&sample("import-files-catalog")?, key);
    Ok(Calls::new(vec![event], Expected::Exactly(1)))
}

/// The dossiers of the world, `batch` in each file.
async fn drop_dossiers(stage: &Stage, world: &World, batch: usize) -> Result<Calls, Fault> {
    let text = std::fs::read_to_string(world.folder.join("dossiers/bench.csv"))?;
    let (head, rows) = text.split_once('\n').ok_or("a file without dossiers")?;
    let rows: Vec<_> = rows.lines().collect();
    let event = sample("import-files-dossiers")?;
    let mut events = Vec::new();
    for (index, rows) in rows.chunks(batch).enumerate() {
        let key = format!("dossiers/bench-{index}.csv");
        let file = format!("{head}\n{}\n", rows.join("\n"));
        stage.drop_file(&key, file.into_bytes()).await?;
        events.push(dropped(&event, &key));
    }
    Ok(Calls::new(events, Expected::Exactly(1)))
}

/// Starts `function` as often as asked; each start but the last has one call, the last has the rest. Before each, the baseline
/// is started and asked `nothing`.
async fn measure(
    stage: &Stage,
    function: &str,
    doing: &str,
    starts: usize,
    calls: &Calls,
    nothing: &str,
) -> Result<Measured, Fault> {
    let (mut inits, mut firsts, mut later) = (Vec::new(), Vec::new(), Vec::new());
    let (mut baseline_inits, mut baseline_firsts) = (Vec::new(), Vec::new());
    let mut peak = 0;
    let last = starts.min(calls.events.len()).saturating_sub(1);
    for start in 0..=last {
        let mut baseline = stage.start(BASELINE).await?;
        let idle = baseline.invoke(nothing.to_owned()).await?;
        baseline_inits.push(milliseconds(baseline.init().cpu));
        baseline_firsts.push(milliseconds(idle.cost.cpu));
        baseline.stop().await;

        let mut bootstrap = stage.start(function).await?;
        inits.push(milliseconds(bootstrap.init().cpu));
        let end = if start == last {
            calls.events.len()
        } else {
            start + 1
        };
        for (index, event) in calls.events[start..end].iter().enumerate() {
            let invocation = bootstrap.invoke(event.clone()).await?;
            let checked = calls.expected.check(&invocation);
            checked.map_err(|error| format!("{function}, {doing}: {error}"))?;
            let cpu = milliseconds(invocation.cost.cpu);
            if index == 0 {
                firsts.push(cpu);
            } else {
                later.push(cpu);
            }
        }
        peak = peak.max(bootstrap.usage()?.peak);
        bootstrap.stop().await;
    }
    Ok(Measured {
        name: function.to_owned(),
        doing: doing.to_owned(),
        size: std::fs::metadata(stage.executable(function)?)?.len(),
        starts: inits.len(),
        later: later.len(),
        init: median(inits),
        first: median(firsts),
        baseline_init: median(baseline_inits),
        baseline_first: median(baseline_firsts),
        steady: (!later.is_empty()).then(|| median(later)),
        peak,
    })
}

fn milliseconds(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
