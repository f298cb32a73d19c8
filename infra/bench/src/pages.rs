//! How long a newcomer waits for the system, and how much a citizen's phone has to fetch.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Fault;
use crate::load::{Call, Connection};
use crate::process::Server;
use crate::table::{Goal, Line, Section};
use crate::world::{World, shipped};
use crate::yardstick::start_echo;

/// What a server may send before the first acknowledgement: ten segments (RFC 6928). A page that fits comes in one round
/// trip.
const FIRST_FLIGHT: f64 = 14_600.0;

/// A unit of the sample.
const UNIT: &str = "phuong-hai-chau";

/// Measures in `folder`: with the whole sample, or with the catalog alone.
///
/// # Errors
/// When the server does not start or a page is missing.
pub async fn run(folder: &Path, whole_sample: bool) -> Result<Vec<Section>, Fault> {
    let small;
    let sample = if whole_sample {
        shipped().join("../..")
    } else {
        small = World::write(&folder.join("world"), 1)?;
        small.folder
    };
    let begun = Instant::now();
    let (echo, _) = start_echo()?;
    let echo = Start {
        clock: begun.elapsed(),
        cpu: echo.cpu()?,
    };
    let (empty, server) = Start::of(&folder.join("empty"), None)?;
    server.process.stop();
    let (first, server) = Start::of(&folder.join("sample"), Some(&sample))?;
    let pages = weights(&server.address).await?;
    server.process.stop();
    let (again, server) = Start::of(&folder.join("sample"), Some(&sample))?;
    server.process.stop();

    let starts = vec![
        empty.line("an empty folder, without sample", &echo),
        first.line(
            "an empty folder: sample imported, rated, counted, published",
            &echo,
        ),
        again.line("the same folder once more", &echo),
    ];
    Ok(vec![
        Section::of_lines("Start: from the program's start to `ready`", starts),
        Section::of_lines("Pages: bytes over the wire, in brotli", pages),
    ])
}

/// What it took to be ready.
struct Start {
    clock: Duration,
    cpu: Duration,
}

impl Start {
    fn of(data: &Path, sample: Option<&Path>) -> Result<(Self, Server), Fault> {
        let server = Server::start(data, sample, &[])?;
        let start = Self {
            clock: server.ready_after,
            cpu: server.process.cpu()?,
        };
        Ok((start, server))
    }

    fn line(&self, name: &str, echo: &Self) -> Line {
        Line::new(name, self.cpu.as_secs_f64(), "CPU-s")
            .beside("axum JSON echo ready", echo.cpu.as_secs_f64())
            .note(format!(
                "{:.2} s on the clock, the echo {:.2} s",
                self.clock.as_secs_f64(),
                echo.clock.as_secs_f64()
            ))
    }
}

async fn weights(address: &str) -> Result<Vec<Line>, Fault> {
    let pages = [
        ("home", "/".to_owned()),
        ("a unit", format!("/don-vi/{UNIT}/")),
        (
            "the rating form",
            format!("/don-vi/{UNIT}/can-bo/{UNIT}-03/tham-gia/"),
        ),
        ("all results", "/ket-qua/".to_owned()),
        ("a unit's results", format!("/ket-qua/don-vi/{UNIT}/")),
        ("guide", "/huong-dan/".to_owned()),
        (
            "a unit's figures as JSON",
            format!("/api/statistics?unit_id={UNIT}"),
        ),
    ];
    let mut connection = Connection::open(address).await?;
    let mut lines = Vec::new();
    for (name, path) in pages {
        let plain = fetch(&mut connection, &path, "").await?;
        let brotli = fetch(&mut connection, &path, "br").await?;
        let gzip = fetch(&mut connection, &path, "gzip").await?;
        let text = String::from_utf8_lossy(&plain);
        let (mut parts, mut linked_parts) = (0, 0);
        for part in linked(&text) {
            parts += fetch(&mut connection, &part, "br").await?.len();
            linked_parts += 1;
        }
        let line = Line::new(name, whole(brotli.len()), "bytes")
            .beside("uncompressed", whole(plain.len()))
            .goal(Goal::AtMost(FIRST_FLIGHT))
            .note(format!(
                "{} in gzip; {linked_parts} styles, scripts and images, kept after the first visit: {parts}",
                gzip.len()
            ));
        lines.push(line);
    }
    Ok(lines)
}

async fn fetch(
    connection: &mut Connection,
    path: &str,
    accept: &str,
) -> Result<bytes::Bytes, Fault> {
    let (status, body) = connection
        .fetch(&Call::get(path.to_owned()), accept)
        .await?;
    match status {
        200 => Ok(body),
        _ => Err(format!("{path} was answered {status}").into()),
    }
}

/// What a page has the browser fetch: its styles, scripts and images.
fn linked(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for tag in page.split('<') {
        let wanted = tag.starts_with("script")
            || tag.starts_with("img")
            || (tag.starts_with("link") && tag.contains("stylesheet"));
        let address = [" src=\"", " href=\""].iter().find_map(|name| {
            let rest = &tag[tag.find(name)? + name.len()..];
            rest.split('"').next()
        });
        if let (true, Some(address)) = (wanted, address.filter(|address| address.starts_with('/')))
        {
            found.insert(address.to_owned());
        }
    }
    found
}

fn whole(bytes: usize) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_scripts_and_images_of_a_page_are_found_and_links_are_not() {
        let page = r#"<link rel="stylesheet" href="/a.css"><link rel="icon" href="/i.png">
            <script type="module" src="/b.js"></script><a href="/c">c</a><img alt="" src="/d.png">"#;

        let found: Vec<_> = linked(page).into_iter().collect();

        assert_eq!(found, ["/a.css", "/b.js", "/d.png"]);
    }
}
