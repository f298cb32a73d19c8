//! What the machine can do at best: an HTTP server that only echoes, and commits of SQLite alone.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::Json;
use axum::routing::post;
use rusqlite::Connection;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::Fault;
use crate::process::Process;

/// The argument that makes the program `bench` the echo server.
pub const ECHO: &str = "serve-echo";

/// Answers every post with the JSON it brought, until killed; says where on standard output.
///
/// # Errors
/// When no port is free.
pub async fn serve_echo() -> Result<(), Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    {
        println!("{}", listener.local_addr()?);
    }
    let echo = |Json(body): Json<Value>| async move { Json(body) };
    let router = axum::Router::new().route("/api/ratings", post(echo));
    Ok(axum::serve(listener, router).await?)
}

/// The echo server as a process of its own, and where it listens.
///
/// # Errors
/// When it does not start.
pub fn start_echo() -> Result<(Process, String), Fault> {
    let program = crate::process::beside("bench")?;
    let mut command = Command::new(program);
    let mut process = Process::start(command.arg(ECHO).stdout(Stdio::piped()))?;
    let address = process.first_line()?.trim().to_owned();
    Ok((process, address))
}

/// What SQLite took for commits.
#[derive(Debug, Clone, Copy)]
pub struct Commits {
    /// Processor time of one, in seconds.
    pub cpu: f64,
    /// Commits a second.
    pub rate: f64,
}

/// Commits one rating and one aggregate row at a time: write-ahead log, `synchronous = NORMAL`, as the embedded engine.
///
/// # Errors
/// When the file cannot be written.
pub fn sqlite_commits(folder: &Path, bodies: &[String]) -> Result<Commits, Fault> {
    let mut connection = Connection::open(folder.join("yardstick.sqlite"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch(
        "CREATE TABLE ratings (id TEXT PRIMARY KEY, body TEXT NOT NULL);
         CREATE TABLE cells (id TEXT PRIMARY KEY, n INTEGER NOT NULL);",
    )?;
    let (begun, cpu) = (Instant::now(), own_cpu()?);
    for (serial, body) in bodies.iter().enumerate() {
        let transaction = connection.transaction()?;
        transaction
            .prepare_cached("INSERT INTO ratings VALUES (?1, ?2)")?
            .execute((format!("rating-{serial:026}"), body))?;
        transaction
            .prepare_cached("INSERT INTO cells VALUES (?1, 1) ON CONFLICT DO UPDATE SET n = n + 1")?
            .execute([format!("cell-{}", serial % 600)])?;
        transaction.commit()?;
    }
    let count = bodies.len() as f64;
    Ok(Commits {
        cpu: (own_cpu()? - cpu).as_secs_f64() / count,
        rate: count / begun.elapsed().as_secs_f64(),
    })
}

/// Processor time of this thread.
///
/// # Errors
/// Never on Linux.
pub fn own_cpu() -> Result<Duration, Fault> {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    Ok(nix::time::clock_gettime(clock)?.into())
}

/// Processor time of this process.
///
/// # Errors
/// Never on Linux.
pub fn process_cpu() -> Result<Duration, Fault> {
    let clock = nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID;
    Ok(nix::time::clock_gettime(clock)?.into())
}

/// What it takes SQLite to read every rating [`sqlite_commits`] wrote to `folder`, and the JSON in each: seconds of
/// processor time for one.
///
/// # Errors
/// When there are none.
pub fn sqlite_reads(folder: &Path) -> Result<f64, Fault> {
    let connection = Connection::open(folder.join("yardstick.sqlite"))?;
    let cpu = own_cpu()?;
    let mut statement = connection.prepare("SELECT body FROM ratings")?;
    let mut rows = statement.query([])?;
    let mut count = 0_u32;
    while let Some(row) = rows.next()? {
        let body: Value = serde_json::from_str(row.get_ref(0)?.as_str()?)?;
        count += u32::from(body.is_object());
    }
    Ok((own_cpu()? - cpu).as_secs_f64() / f64::from(count))
}
