//! Runs a function's `bootstrap` as Lambda runs it, on this machine: a [Runtime API] on loopback that hands it events and
//! takes its answers, with the time and memory each step cost. For tests and measurements; no function links it.
//!
//! [Runtime API]: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

mod api;
mod process;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use api::{Event, Message, Report};
pub use process::Usage;
use process::{Log, usage};

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The executable.
    pub bootstrap: PathBuf,
    /// A command that runs it, such as `qemu-aarch64-static -L /usr/aarch64-linux-gnu`; empty for none.
    pub wrapper: Vec<OsString>,
    /// Its environment, beside what Lambda sets and `PATH`; nothing else is inherited.
    pub environment: BTreeMap<String, String>,
    /// How long the start may take, and each invocation.
    pub timeout: Duration,
}

impl Options {
    /// Runs `bootstrap` itself, with nothing set, for at most 30 seconds a step.
    #[must_use]
    pub fn new(bootstrap: impl Into<PathBuf>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            wrapper: Vec::new(),
            environment: BTreeMap::new(),
            timeout: Duration::from_secs(30),
        }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }
}

/// What a function reports of its own failure, at the start or in an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// Its kind, as the runtime names it.
    pub kind: String,
    /// What the runtime sent, JSON as a rule.
    pub body: Bytes,
}

/// A function that gives no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// It cannot be run, watched, or reached.
    #[error("cannot run {}", bootstrap.display())]
    Run {
        /// The executable.
        bootstrap: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It ended by itself.
    #[error("the function ended with {status}; it wrote:\n{log}")]
    Ended {
        /// How.
        status: std::process::ExitStatus,
        /// What it wrote.
        log: String,
    },
    /// It reported that it cannot start.
    #[error("the function cannot start: {}: {}", .0.kind, String::from_utf8_lossy(&.0.body))]
    Init(FunctionError),
    /// It did not ask for an event, or answer one, in time; it was killed.
    #[error("the function took longer than {timeout:?}; it wrote:\n{log}")]
    Timeout {
        /// What it was given.
        timeout: Duration,
        /// What it wrote.
        log: String,
    },
    /// It answered another event than the one it was handed.
    #[error("the function answered an event it was not handed: {id}")]
    Protocol {
        /// The request id it named.
        id: String,
    },
}

/// What one step cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From the event handed over to the answer received; at the start, from the spawn to the first question for one.
    pub wall: Duration,
    /// CPU time of all threads, up to the next question for an event.
    pub cpu: Duration,
}

/// One answered event.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The answer, or the failure the function reported.
    pub answer: Result<Bytes, FunctionError>,
    /// What it cost.
    pub cost: Cost,
}

/// A running function that waits for its next event. Dropping it kills the process.
#[derive(Debug)]
pub struct Bootstrap {
    options: Options,
    child: Child,
    pid: u32,
    log: Log,
    messages: mpsc::UnboundedReceiver<Message>,
    api: JoinHandle<()>,
    next: Option<tokio::sync::oneshot::Sender<Event>>,
    init: Cost,
    cpu: Duration,
    invocations: u64,
}

impl Bootstrap {
    /// Spawns the function and waits until it asks for its first event.
    ///
    /// # Errors
    /// [`InvokeError`] when it does not come to that.
    pub async fn start(options: Options) -> Result<Self, InvokeError> {
        let run = |source| InvokeError::Run {
            bootstrap: options.bootstrap.clone(),
            source,
        };
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(loopback).await.map_err(run)?;
        let address = listener.local_addr().map_err(run)?;

        let spawned = Instant::now();
        let mut child = command(&options, address).spawn().map_err(run)?;
        let pid = child
            .id()
            .ok_or_else(|| run(std::io::ErrorKind::NotFound.into()))?;
        let log = Log::of(&mut child);
        let (sender, messages) = mpsc::unbounded_channel();
        let api = tokio::spawn(api::serve(listener, pid, sender));

        let none = Cost {
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        };
        let mut bootstrap = Self {
            options,
            child,
            pid,
            log,
            messages,
            api,
            next: None,
            init: none,
            cpu: Duration::ZERO,
            invocations: 0,
        };
        let asked = bootstrap.until_next(None).await?;
        bootstrap.init = Cost {
            wall: asked.at.duration_since(spawned),
            cpu: bootstrap.cpu,
        };
        Ok(bootstrap)
    }

    /// What the start cost.
    #[must_use]
    pub fn init(&self) -> Cost {
        self.init
    }

    /// Process id; that of the wrapper where there is one.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// CPU time and memory of the process by now.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn usage(&self) -> Result<Usage, InvokeError> {
        usage(self.pid).map_err(|source| InvokeError::Run {
            bootstrap: self.options.bootstrap.clone(),
            source,
        })
    }

    /// What the function wrote to standard output and error so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Hands over `event`, JSON, and returns when the answer is there and the function asks for another event.
    ///
    /// # Errors
    /// [`InvokeError`] when there is none; the function is of no more use then.
    pub async fn invoke(&mut self, event: impl Into<Bytes>) -> Result<Invocation, InvokeError> {
        self.invocations += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.invocations);
        let before = self.cpu;
        let Some(give) = self.next.take() else {
            return Err(self.gone().await);
        };
        let event = Event {
            id: id.clone(),
            body: event.into(),
            timeout: self.options.timeout,
            function: self.name(),
        };
        let handed = Instant::now();
        if give.send(event).is_err() {
            return Err(self.gone().await);
        }
        let asked = self.until_next(Some(&id)).await?;
        let (answer, at) = asked.answer.ok_or(InvokeError::Protocol { id })?;
        Ok(Invocation {
            answer,
            cost: Cost {
                wall: at.duration_since(handed),
                cpu: self.cpu.saturating_sub(before),
            },
        })
    }

    /// Kills the function and returns what it wrote.
    pub async fn stop(mut self) -> String {
        let _ = self.child.kill().await;
        self.api.abort();
        self.log.finish().await
    }

    /// The name Lambda would give: the folder of the bootstrap, or its file name where that says more.
    fn name(&self) -> String {
        function_name(&self.options)
    }

    /// Takes messages until the function asks for an event; `id` is the one it works on.
    async fn until_next(&mut self, id: Option<&str>) -> Result<Asked, InvokeError> {
        let deadline = tokio::time::sleep(self.options.timeout);
        tokio::pin!(deadline);
        let mut answer = None;
        loop {
            let message = tokio::select! {
                // What it said before it ended counts.
                biased;
                message = self.messages.recv() => message,
                status = self.child.wait() => return Err(self.ended(status).await),
                () = &mut deadline => {
                    let _ = self.child.kill().await;
                    return Err(InvokeError::Timeout { timeout: self.options.timeout, log: self.log.finish().await });
                }
            };
            match message {
                Some(Message::Next { give, cpu, at }) => {
                    self.next = Some(give);
                    self.cpu = cpu;
                    return Ok(Asked { at, answer });
                }
                Some(Message::Report(Report {
                    id: named,
                    answer: reported,
                    at,
                })) => {
                    if Some(named.as_str()) != id || answer.is_some() {
                        return Err(InvokeError::Protocol { id: named });
                    }
                    answer = Some((reported, at));
                }
                Some(Message::Init(error)) => return Err(InvokeError::Init(error)),
                None => return Err(self.gone().await),
            }
        }
    }

    async fn gone(&mut self) -> InvokeError {
        let status = self.child.wait().await;
        self.ended(status).await
    }

    async fn ended(&mut self, status: std::io::Result<std::process::ExitStatus>) -> InvokeError {
        match status {
            Ok(status) => InvokeError::Ended {
                status,
                log: self.log.finish().await,
            },
            Err(source) => InvokeError::Run {
                bootstrap: self.options.bootstrap.clone(),
                source,
            },
        }
    }
}

impl Drop for Bootstrap {
    fn drop(&mut self) {
        self.api.abort();
    }
}

struct Asked {
    at: Instant,
    answer: Option<(Result<Bytes, FunctionError>, Instant)>,
}

fn function_name(options: &Options) -> String {
    let file = options.bootstrap.file_name();
    let name = match file {
        Some(name) if name == "bootstrap" => options.bootstrap.parent().and_then(|p| p.file_name()),
        other => other,
    };
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// The process with the environment of Lambda's sandbox.
fn command(options: &Options, api: SocketAddr) -> Command {
    let mut words = options.wrapper.iter().cloned();
    let mut command = match words.next() {
        Some(wrapper) => {
            let mut command = Command::new(wrapper);
            command.args(words).arg(&options.bootstrap);
            command
        }
        None => Command::new(&options.bootstrap),
    };
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", function_name(options))
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
        .env("AWS_REGION", "local")
        .env("_HANDLER", "bootstrap")
        .env("TZ", ":UTC")
        .envs(&options.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
