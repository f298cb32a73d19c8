//! One chromedriver for the run, and nothing of it left afterwards.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use tokio::sync::Semaphore;

/// Chromedriver in a session (in the sense of setsid) of its own with all its browsers. The shell that leads the session
/// waits for its standard input to end, which the system sees to when this process ends, even killed; then it ends the
/// whole session, itself included.
const SESSION: &str = "chromedriver --port=0 </dev/null & cat >/dev/null; pkill -KILL -s $$";

/// Browsers open at once: each takes a core and some 200 MB.
pub(super) static SEATS: Semaphore = Semaphore::const_new(3);

/// The address chromedriver listens on.
pub(super) fn address() -> &'static str {
    static DRIVER: LazyLock<Driver> = LazyLock::new(Driver::start);
    &DRIVER.address
}

struct Driver {
    address: String,
    /// Holds the pipe that keeps the session alive.
    _session: Child,
}

impl Driver {
    fn start() -> Self {
        let mut session = Command::new("setsid")
            .args(["sh", "-c", SESSION])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("setsid and sh (`make tools` installs what is missing)");
        let mut output = BufReader::new(session.stdout.take().expect("piped"));
        let mut said = String::new();
        let port = loop {
            let read = output.read_line(&mut said).expect("readable");
            assert!(read > 0, "chromedriver did not start: {said}");
            let line = said.lines().last().unwrap_or_default();
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Whoever writes into a closed pipe is killed.
        std::thread::spawn(move || output.lines().for_each(drop));
        Self {
            address: format!("http://127.0.0.1:{port}"),
            _session: session,
        }
    }
}
