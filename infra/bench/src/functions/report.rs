//! The table of the functions, and what is asked of the one a citizen waits for.

use super::{BASELINE, Measured};
use crate::Fault;
use crate::table::{Goal, Line, Section, figure};

/// A function of the same kind: one signed request to store what it was sent.
///
/// `put-product` of `aws-samples/serverless-rust-demo`, measured once the same way; its figures stand beside ours as they were.
struct Peer {
    size: f64,
    init: f64,
    first: f64,
    steady: f64,
    memory: f64,
}

const PUT_PRODUCT: Peer = Peer {
    size: 8.25,
    init: 4.4,
    first: 1.85,
    steady: 0.31,
    memory: 10.2,
};

const HEADINGS: [&str; 8] = [
    "function",
    "doing",
    "size MiB",
    "start ms CPU",
    "first call ms CPU",
    "later call ms CPU",
    "memory at most MiB",
    "starts + later calls",
];

/// One row for each function, with ratios to the baseline, and the goals of `submit-rating`.
///
/// # Errors
/// When either was not measured.
pub fn section(all: &[Measured]) -> Result<Section, Fault> {
    let named = |name: &str| all.iter().find(|measured| measured.name == name);
    let baseline = named(BASELINE).ok_or("the baseline was not measured")?;
    let submit = named("submit-rating").ok_or("submit-rating was not measured")?;
    let mut grid = vec![HEADINGS.map(str::to_owned).to_vec()];
    grid.extend(all.iter().map(|measured| row(measured, baseline)));
    Ok(Section {
        title: "Functions: their executables, started and called as Lambda does".to_owned(),
        lines: goals(submit, baseline)?,
        grid,
    })
}

fn row(measured: &Measured, baseline: &Measured) -> Vec<String> {
    let beside =
        |value: f64, baseline: f64| format!("{} ({} ×)", figure(value), figure(value / baseline));
    let steady = measured.steady.map_or_else(String::new, |steady| {
        baseline
            .steady
            .map_or_else(|| figure(steady), |baseline| beside(steady, baseline))
    });
    vec![
        measured.name.clone(),
        measured.doing.clone(),
        beside(mebibytes(measured.size), mebibytes(baseline.size)),
        beside(measured.init, measured.baseline_init),
        beside(measured.first, measured.baseline_first),
        steady,
        beside(mebibytes(measured.peak), mebibytes(baseline.peak)),
        format!("{} + {}", measured.starts, measured.later),
    ]
}

fn goals(submit: &Measured, baseline: &Measured) -> Result<Vec<Line>, Fault> {
    let steady = submit.steady.ok_or("submit-rating was called once")?;
    let line = |name: &str, value, unit, peer: f64, baseline: f64| {
        Line::new(format!("submit-rating: {name}"), value, unit)
            .beside("put-product", peer)
            .note(format!("{} × baseline", figure(value / baseline)))
    };
    let idle = baseline.steady.unwrap_or(f64::NAN);
    let (size, memory) = (mebibytes(submit.size), mebibytes(submit.peak));
    let (baseline_size, baseline_memory) = (mebibytes(baseline.size), mebibytes(baseline.peak));
    Ok(vec![
        line(
            "start",
            submit.init,
            "ms CPU",
            PUT_PRODUCT.init,
            submit.baseline_init,
        )
        .goal(Goal::AtMost(2.5 * submit.baseline_init)),
        line(
            "first call",
            submit.first,
            "ms CPU",
            PUT_PRODUCT.first,
            submit.baseline_first,
        )
        .goal(Goal::AtMost(2.0)),
        line("later call", steady, "ms CPU", PUT_PRODUCT.steady, idle).goal(Goal::AtMost(0.25)),
        line("size", size, "MiB", PUT_PRODUCT.size, baseline_size).goal(Goal::AtMost(6.0)),
        line(
            "memory at most",
            memory,
            "MiB",
            PUT_PRODUCT.memory,
            baseline_memory,
        )
        .goal(Goal::AtMost(10.0)),
    ])
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &str, factor: f64) -> Measured {
        Measured {
            name: name.to_owned(),
            doing: String::new(),
            size: 2 * 1024 * 1024,
            init: factor,
            first: factor,
            baseline_init: 1.0,
            baseline_first: 1.0,
            steady: Some(factor / 10.0),
            peak: 4 * 1024 * 1024,
            starts: 3,
            later: 9,
        }
    }

    #[test]
    fn figures_stand_beside_the_baseline_and_their_goals() {
        let section = section(&[measured(BASELINE, 1.0), measured("submit-rating", 2.25)]).unwrap();

        assert_eq!(section.grid[2][3], "2.25 (2.25 ×)");
        let kept: Vec<_> = section.lines.iter().map(Line::is_met).collect();
        assert_eq!(kept, [true, false, true, true, true].map(Some));
    }

    #[test]
    fn there_is_no_table_without_a_baseline() {
        assert!(section(&[measured("submit-rating", 1.0)]).is_err());
    }
}
