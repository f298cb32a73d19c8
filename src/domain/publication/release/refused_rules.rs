//! Rules that were refused because the attacker takes their releases apart; `attack` shows how.

use super::*;

/// The first rule: a row, a month, and what rows have in some months and in others too, grow by nothing or by at least k,
/// whoever gave the ratings. Rows of unverified strata and of one and the same dossier make up each other's numbers.
pub(crate) fn old(before: &Release, step: Step<'_>, thresholds: &Thresholds) -> Release {
    let hold_back = |growth: &mut ReleasedGrid| loop {
        drop_below_k(growth, thresholds.min_new_ratings);
        let Some(crossing) = crossing_below_k(growth, thresholds.min_new_ratings) else {
            return;
        };
        growth.retain(|place, _| !crossing.contains(place));
    };
    until_nothing_moves(before, |release| {
        settle(
            release,
            waiting(release, step.counted),
            hold_back,
            step,
            thresholds,
        )
    })
}

/// Officials who are not shown are one row: in a month, and at the close, they all grow as soon as one of them has enough.
pub(crate) fn folded(before: &Release, step: Step<'_>, thresholds: &Thresholds) -> Release {
    until_nothing_moves(before, |release| {
        let waiting = match step.is_closed {
            true => waiting_in_quarter(release, step.counted),
            false => waiting(release, step.counted),
        };
        let is_folded = |row: &Row| is_hidden(row, &release.shown, thresholds);
        let is_carried = |(row, shortest): &(Row, ShortestPeriod)| {
            let mut others = waiting.iter().filter(|((other, in_other), _)| {
                in_other == shortest && other.attestation == row.attestation && is_folded(other)
            });
            is_folded(row) && others.any(|(_, tally)| is_enough([tally], thresholds))
        };
        let ranking = waiting
            .iter()
            .filter(|((row, _), _)| thresholds.ranking_strata.contains(&row.attestation));
        let growth = ranking
            .filter(|(place, tally)| is_enough([*tally], thresholds) || is_carried(place))
            .map(|(place, tally)| (place.clone(), tally.clone()));
        settle(release, growth.collect(), |_| {}, step, thresholds)
    })
}

fn until_nothing_moves(before: &Release, step: impl Fn(&Release) -> Release) -> Release {
    let mut release = step(before);
    loop {
        let next = step(&release);
        if next == release {
            return release;
        }
        release = next;
    }
}

fn settle(
    before: &Release,
    mut growth: ReleasedGrid,
    hold_back: impl Fn(&mut ReleasedGrid),
    step: Step<'_>,
    thresholds: &Thresholds,
) -> Release {
    let mut withheld = BTreeSet::new();
    loop {
        hold_back(&mut growth);
        let shown = before.shown_with(&growth, &withheld, thresholds);
        match before.under_threshold(&growth, &shown, thresholds) {
            None => return before.grown(growth, shown, step, thresholds),
            Some(_) if growth.is_empty() => {
                return before.grown(growth, before.shown.clone(), step, thresholds);
            }
            Some(attestation) => {
                before.protect_hidden(attestation, &mut growth, &shown, &mut withheld, thresholds)
            }
        }
    }
}

/// What is counted and not released yet, of all strata.
fn waiting(release: &Release, counted: &Grid) -> ReleasedGrid {
    let nothing = Tally::default();
    let waiting = counted.iter().filter_map(|((row, month), tally)| {
        let place = (row.clone(), ShortestPeriod::Month(*month));
        let rest = tally.checked_sub(release.grid.get(&place).unwrap_or(&nothing))?;
        (!rest.is_empty()).then_some((place, rest))
    });
    waiting.collect()
}

/// The same by row, of all months together.
fn waiting_in_quarter(release: &Release, counted: &Grid) -> ReleasedGrid {
    let mut rows: BTreeMap<&Row, BTreeMap<Month, &Tally>> = BTreeMap::new();
    for ((row, month), tally) in counted {
        rows.entry(row).or_default().insert(*month, tally);
    }
    let waiting = rows.into_iter().filter_map(|(row, counted)| {
        let rest = release.rest_of_row(row, &counted)?;
        Some(((row.clone(), ShortestPeriod::Quarter), rest))
    });
    waiting.collect()
}

/// Places of the rows that grow within some months and outside them, if within there are fewer than k ratings.
fn crossing_below_k(growth: &ReleasedGrid, k: u64) -> Option<BTreeSet<(Row, ShortestPeriod)>> {
    let months: BTreeSet<ShortestPeriod> = growth.keys().map(|(_, month)| *month).collect();
    let months: Vec<ShortestPeriod> = months.into_iter().collect();
    // A quarter has three months, and so at most six choices of some of them.
    (1..(1_u8 << months.len()).saturating_sub(1)).find_map(|choice| {
        let within = |month: &ShortestPeriod| {
            let mut chosen = months.iter().enumerate();
            chosen.any(|(index, other)| other == month && choice >> index & 1 == 1)
        };
        let outside: BTreeSet<&Row> = growth
            .keys()
            .filter(|(_, month)| !within(month))
            .map(|(row, _)| row)
            .collect();
        let crossing = growth
            .iter()
            .filter(|((row, month), _)| within(month) && outside.contains(row));
        let (places, events): (BTreeSet<_>, Vec<u64>) = crossing
            .map(|(place, tally)| (place.clone(), events(tally)))
            .unzip();
        (!places.is_empty() && events.iter().sum::<u64>() < k).then_some(places)
    })
}

/// Drops rows and months with fewer than k events until every one left has at least k.
fn drop_below_k(growth: &mut ReleasedGrid, k: u64) {
    loop {
        let mut rows: BTreeMap<Row, u64> = BTreeMap::new();
        let mut months: BTreeMap<ShortestPeriod, u64> = BTreeMap::new();
        for ((row, month), tally) in growth.iter() {
            *rows.entry(row.clone()).or_default() += events(tally);
            *months.entry(*month).or_default() += events(tally);
        }
        let before = growth.len();
        growth.retain(|(row, month), _| rows[row] >= k && months[month] >= k);
        if growth.len() == before {
            return;
        }
    }
}

/// Ratings that came in and voids, at least; one that did both is none.
fn events(waiting: &Tally) -> u64 {
    waiting.rated().abs_diff(waiting.voided())
}
