//! How many ratings each rule shows, by size of office. `make shown` prints the table that `docs/release.md` keeps.

use jiff::ToSpan;
use jiff::civil::date;

use super::refused_rules::{folded, old};
use super::*;
use crate::publication::thresholds::ATTACKER_RATINGS;
use crate::tally::Counter;

const FIRST_DAY: Date = date(2026, 10, 1);
const LAST_DAY: Date = date(2026, 12, 31);
const CLOSE: Date = date(2027, 1, 4);

const RULES: [(&str, Rule); 7] = [
    ("first rule", old),
    ("plain", plain),
    ("doubled", doubled),
    ("keep back always", keep_back_always),
    ("keep back a fortnight", Release::advance),
    ("close only", close_only),
    ("folded", folded),
];

type Rule = fn(&Release, Step<'_>, &Thresholds) -> Release;

/// Every row and month grows as soon as it has enough.
fn plain(before: &Release, step: Step<'_>, thresholds: &Thresholds) -> Release {
    let today = FIRST_DAY;
    before.advance(Step { today, ..step }, thresholds)
}

/// Until the close a row and month waits for twice as much as it needs.
fn doubled(before: &Release, step: Step<'_>, thresholds: &Thresholds) -> Release {
    let twice = Thresholds {
        min_new_ratings: thresholds.min_new_ratings + thresholds.min_growth(),
        ..thresholds.clone()
    };
    let rules = if step.is_closed { thresholds } else { &twice };
    let after = plain(before, step, rules);
    Release {
        thresholds: None,
        ..after
    }
}

/// A row and month grows only if the row's other months keep enough for the close.
fn keep_back_always(before: &Release, step: Step<'_>, thresholds: &Thresholds) -> Release {
    let today = LAST_DAY;
    before.advance(Step { today, ..step }, thresholds)
}

/// Nothing before the close: no rule that keeps the promise can show more in the end.
fn close_only(before: &Release, step: Step<'_>, thresholds: &Thresholds) -> Release {
    match step.is_closed {
        true => before.advance(step, thresholds),
        false => before.clone(),
    }
}

/// Numbers that look random and are the same in every run (Steele, Lea and Flood 2014, SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn chance(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A quarter's ratings of one office, by day. A dossier is handled by two officials, of whom the first in the list have
/// more to do; its citizen rates the unit in six of ten cases, and each official in five.
fn office(ratings: usize, officials: usize, seed: u64) -> Vec<(Date, Option<usize>)> {
    let mut numbers = Numbers(seed);
    let load = |official: usize| 1.0 / ((official + 1) as f64).sqrt();
    let whole: f64 = (0..officials).map(load).sum();
    let mut given = Vec::new();
    while given.len() < ratings {
        let day = FIRST_DAY.saturating_add((numbers.next() % 92).cast_signed().days());
        let mut subjects = Vec::new();
        if numbers.chance() < 0.6 {
            subjects.push(None);
        }
        for _ in 0..2 {
            let mut at = numbers.chance() * whole;
            let handles = (0..officials).find(|official| {
                at -= load(*official);
                at <= 0.0
            });
            let handles = Some(handles.unwrap_or(officials - 1));
            if numbers.chance() < 0.5 && !subjects.contains(&handles) {
                subjects.push(handles);
            }
        }
        given.extend(subjects.into_iter().map(|subject| (day, subject)));
    }
    given.truncate(ratings);
    given.sort();
    given
}

/// Shares of all ratings given so far.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    /// Over the days of the quarter.
    on_average: f64,
    on_the_last_day: f64,
    after_the_close: f64,
    /// In the figures of months, after the close.
    in_months: f64,
}

fn shown(given: &[(Date, Option<usize>)], rule: Rule) -> Shown {
    let thresholds = Thresholds {
        min_new_ratings: 5,
        min_official_ratings: 10,
        attacker_ratings: ATTACKER_RATINGS,
        ranking_strata: BTreeSet::from([Attestation::DossierVerified]),
    };
    let one: Tally = [(Counter::Rated, 1), (Counter::Satisfied, 1)]
        .into_iter()
        .collect();
    let rated = |release: &Release| release.grid.values().map(Tally::rated).sum::<u64>() as f64;
    let (mut release, mut counted) = (Release::default(), Grid::new());
    let mut waiting = given.iter().peekable();
    let (mut shown, mut came, mut days) = (Shown::default(), 0, 0);
    let mut today = FIRST_DAY;
    while today <= LAST_DAY {
        let before = came;
        while let Some((day, subject)) = waiting.next_if(|(day, _)| *day <= today) {
            let official_id =
                subject.map(|official| OfficialId::parse(&format!("o{official}")).unwrap());
            let row = Row {
                attestation: Attestation::DossierVerified,
                official_id,
            };
            *counted.entry((row, Month::of(*day))).or_default() += &one;
            came += 1;
        }
        if came > before {
            let step = Step {
                counted: &counted,
                is_closed: false,
                today,
            };
            release = rule(&release, step, &thresholds);
        }
        if came > 0 {
            shown.on_the_last_day = rated(&release) / f64::from(came);
            shown.on_average += shown.on_the_last_day;
            days += 1;
        }
        today = today.saturating_add(1.day());
    }
    shown.on_average /= f64::from(days);
    let step = Step {
        counted: &counted,
        is_closed: true,
        today: CLOSE,
    };
    let closed = rule(&release, step, &thresholds);
    let in_months = closed.grid.iter();
    let in_months = in_months.filter(|((_, shortest), _)| *shortest != ShortestPeriod::Quarter);
    let in_months: u64 = in_months.map(|(_, tally)| tally.rated()).sum();
    shown.after_the_close = rated(&closed) / given.len() as f64;
    shown.in_months = in_months as f64 / given.len() as f64;
    shown
}

#[test]
fn keeping_back_a_fortnight_shows_more_after_the_close_than_growing_at_once() {
    let offices = std::env::var("OFFICES").ok();
    let offices: u32 = offices.map_or(1, |offices| offices.parse().unwrap());
    let sizes: &[usize] = match offices {
        1 => &[20, 100, 500],
        _ => &[20, 100, 500, 2_000],
    };
    let mut sums = [0.0; RULES.len()];
    let names = RULES.map(|(name, _)| format!(" {name} |")).concat();
    println!(
        "| ratings | officials |{names}\n|---|---|{}",
        "---|".repeat(RULES.len())
    );
    for ratings in sizes {
        for officials in [3, 10, 30] {
            let mut line = format!("| {ratings} | {officials} |");
            for ((_, rule), sum) in RULES.iter().zip(&mut sums) {
                let mut of_all = Shown::default();
                for seed in 0..offices {
                    let given = office(*ratings, officials, u64::from(seed));
                    let shown = shown(&given, *rule);
                    of_all.on_average += shown.on_average / f64::from(offices);
                    of_all.on_the_last_day += shown.on_the_last_day / f64::from(offices);
                    of_all.after_the_close += shown.after_the_close / f64::from(offices);
                    of_all.in_months += shown.in_months / f64::from(offices);
                }
                *sum += of_all.after_the_close;
                line += &format!(
                    " {:.0} · {:.0} · **{:.1}** · {:.0} |",
                    100.0 * of_all.on_average,
                    100.0 * of_all.on_the_last_day,
                    100.0 * of_all.after_the_close,
                    100.0 * of_all.in_months
                );
            }
            println!("{line}");
        }
    }
    let [_, plain, _, _, ours, close_only, _] = sums;
    assert!(plain < ours && ours <= close_only, "{sums:?}");
}
