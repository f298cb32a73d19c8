//! `invoke BOOTSTRAP EVENT.json…`: what a function answers, and what it costs.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use invoke::{Bootstrap, Cost, Options};
use serde_json::{Value, json};

/// Runs a function's bootstrap on this machine and hands it events; a line of JSON for the start and for each answer.
#[derive(Debug, Parser)]
#[command(name = "invoke", version)]
struct Arguments {
    /// The executable.
    bootstrap: PathBuf,
    /// Files with one event each.
    #[arg(value_name = "EVENT.json")]
    events: Vec<PathBuf>,
    /// A setting of the function.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    env: Vec<(String, String)>,
    /// A command that runs the executable, such as "qemu-aarch64-static -L /usr/aarch64-linux-gnu".
    #[arg(long, value_name = "COMMAND", default_value = "")]
    wrapper: String,
    /// How often the events are handed over.
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    repeat: u32,
    /// How long the start may take, and each answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Show what the function wrote, too.
    #[arg(long)]
    log: bool,
}

fn setting(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether no event was answered with a failure.
async fn run(arguments: Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let mut events = Vec::new();
    for path in &arguments.events {
        let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        events.push((path, text));
    }
    let mut bootstrap = Bootstrap::start(Options {
        wrapper: arguments
            .wrapper
            .split_whitespace()
            .map(OsString::from)
            .collect(),
        environment: arguments.env.into_iter().collect(),
        timeout: Duration::from_secs(arguments.timeout),
        ..Options::new(&arguments.bootstrap)
    })
    .await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", line("init", bootstrap.init(), Value::Null))?;
    let mut answered = true;
    for _ in 0..arguments.repeat {
        for (path, text) in &events {
            let invocation = bootstrap.invoke(text.clone()).await?;
            let answer = match &invocation.answer {
                Ok(body) => json!({ "answer": content(body) }),
                Err(error) => json!({ "error": error.kind, "detail": content(&error.body) }),
            };
            answered &= invocation.answer.is_ok();
            writeln!(
                out,
                "{}",
                line(&path.to_string_lossy(), invocation.cost, answer)
            )?;
        }
    }
    let usage = bootstrap.usage()?;
    let end = json!({ "cpu_ms": milliseconds(usage.cpu), "resident_bytes": usage.resident, "peak_bytes": usage.peak });
    writeln!(out, "{end}")?;
    let log = bootstrap.stop().await;
    if arguments.log {
        write!(std::io::stderr(), "{log}")?;
    }
    Ok(answered)
}

fn line(step: &str, cost: Cost, answer: Value) -> Value {
    let mut line = json!({ "step": step, "wall_ms": milliseconds(cost.wall), "cpu_ms": milliseconds(cost.cpu) });
    if let (Some(line), Value::Object(answer)) = (line.as_object_mut(), answer) {
        line.extend(answer);
    }
    line
}

fn content(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
