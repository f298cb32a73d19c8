//! `verify <folder> [tracker]`: recounts a downloaded data package.

use std::path::Path;
use std::process::ExitCode;

use verify::{Tracked, find, verify};

const USAGE: &str = "usage: verify FOLDER [TRACKER]\n\
    FOLDER holds a downloaded site with goi-du-lieu/SHA256SUMS; see docs/recount.md";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), tracker, None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let folder = Path::new(&folder);
    let report = match verify(folder) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::from(2);
        }
    };
    for fault in &report.faults {
        println!("{}: {}", fault.file, fault.cause);
    }
    println!(
        "{} files, {} rendered again, {} lists with {} counted ratings: {}",
        report.files,
        report.rendered,
        report.lists.len(),
        report
            .lists
            .iter()
            .map(thuocdo::domain::proof::list::CountedList::len)
            .sum::<u64>(),
        match report.faults.len() {
            0 => "everything agrees".to_owned(),
            faults => format!("{faults} faults"),
        }
    );
    let mut sound = report.faults.is_empty();
    if let Some(tracker) = tracker {
        match find(&report.lists, &tracker) {
            Tracked::Counted { unit, month, day } => {
                println!("{tracker}: counted for {unit} in {month}, listed on {day}");
            }
            Tracked::Absent => {
                println!("{tracker}: in none of the lists");
                sound = false;
            }
            Tracked::Mistyped => {
                println!("{tracker}: not a tracker");
                sound = false;
            }
        }
    }
    match sound {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
