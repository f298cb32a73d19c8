//! Other processes: starting them, what they used, ending them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::Fault;

/// A process that is ended when it is dropped.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(command: &mut Command) -> Result<Self, Fault> {
        let child = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            format!("{program} cannot be started: {error}")
        })?;
        Ok(Self { child })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time it used so far, in all its threads, in its own code and in the kernel for it.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu(&self) -> Result<Duration, Fault> {
        let pid = Pid::from_raw(i32::try_from(self.id())?);
        Ok(clock_gettime(clock_getcpuclockid(pid)?)?.into())
    }

    /// Memory it holds now, in bytes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn memory(&self) -> Result<u64, Fault> {
        self.status("VmRSS:")
    }

    /// Most memory it held, in bytes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn peak_memory(&self) -> Result<u64, Fault> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64, Fault> {
        status(&self.id().to_string(), name)
    }

    /// Asks it to stop and waits until it has; kills it when it takes too long.
    pub fn stop(mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(20) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn first_line(&mut self) -> Result<String, Fault> {
        let output = self.child.stdout.take().ok_or("its output is not ours")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        // Read on, so that whoever writes more never waits.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(line)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Most memory the process `id` (or `self`) held, in bytes.
///
/// # Errors
/// When it has ended.
pub fn peak_memory_of(id: &str) -> Result<u64, Fault> {
    status(id, "VmHWM:")
}

fn status(id: &str, name: &str) -> Result<u64, Fault> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes.ok_or("the process has ended")?.trim().parse()?;
    Ok(kilobytes * 1024)
}

/// The whole system, as `make run` starts it.
pub struct Server {
    /// The process.
    pub process: Process,
    /// Where it listens, `127.0.0.1:PORT`.
    pub address: String,
    /// Where it keeps its data.
    pub data: PathBuf,
    /// How long it took from the start of the process to the line that says it is ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts the program `local` beside this one on `data`, loading `sample` when it is new; returns when it is ready.
    ///
    /// # Errors
    /// When the program is missing or does not start.
    pub fn start(data: &Path, sample: Option<&Path>, options: &[&str]) -> Result<Self, Fault> {
        let program = beside("local")?;
        let begun = Instant::now();
        let mut command = Command::new(program);
        command
            .args(["--addr", "127.0.0.1:0", "--tables-port", "0"])
            .arg("--data")
            .arg(data)
            .args(options)
            .stdout(Stdio::piped());
        if let Some(sample) = sample {
            command.arg("--sample").arg("--sample-dir").arg(sample);
        }
        let log = std::fs::File::create(data.with_extension("log"))?;
        let mut process = Process::start(command.stderr(log))?;
        let line = process.first_line()?;
        let address = line.trim().strip_prefix("ready http://").ok_or_else(|| {
            let log = std::fs::read_to_string(data.with_extension("log"));
            format!("the server did not start: {}", log.unwrap_or_default())
        })?;
        Ok(Self {
            address: address.to_owned(),
            process,
            data: data.to_owned(),
            ready_after: begun.elapsed(),
        })
    }
}

/// Another program of the same build.
///
/// # Errors
/// When it was not built.
pub fn beside(name: &str) -> Result<PathBuf, Fault> {
    let this = std::env::current_exe()?;
    // A test program stands one folder deeper than the programs it tests.
    let folders = this.ancestors().skip(1).take(2);
    let mut programs = folders.map(|folder| folder.join(name));
    programs
        .find(|program| program.is_file())
        .ok_or_else(|| format!("there is no program `{name}` beside {}", this.display()).into())
}
