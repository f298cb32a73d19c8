//! Month by month: a stand-alone chart with the table beside that holds its figures.

use std::collections::BTreeMap;

use crate::domain::period::{Month, Period};
use crate::site::context::SiteContext;
use crate::site::format;

use super::figures::{Figures, Share};
use super::standing;
use super::unit_period::UnitPeriod;

/// Months on the chart at most.
const MONTHS: usize = 12;
/// Inner left and right end of the chart, in its own units.
const LEFT: usize = 30;
const RIGHT: usize = 312;
/// Heights of 100 % and of 0 %, in tenths of the chart's units.
const TOP: u64 = 200;
const BOTTOM: u64 = 1400;

/// Up to twelve months that end with the period shown.
#[derive(Debug, Clone)]
pub(super) struct Trend {
    /// Unbroken runs of months with figures, as `points` of a polyline.
    pub(super) lines: Vec<String>,
    pub(super) points: Vec<Point>,
    pub(super) ticks: Vec<Tick>,
    /// Oldest first.
    pub(super) rows: Vec<Row>,
}

/// A month with figures.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) x: String,
    pub(super) y: String,
    /// Where its figure is written.
    pub(super) label_y: String,
    pub(super) label: String,
}

/// A month on the axis.
#[derive(Debug, Clone)]
pub(super) struct Tick {
    pub(super) x: String,
    pub(super) label: String,
    /// Written under the first month and every January.
    pub(super) year: Option<String>,
}

/// A month in the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) month: String,
    /// None while there are not enough ratings.
    pub(super) share: Option<Share>,
    pub(super) received: String,
}

impl Trend {
    /// The months up to the end of `shown`; `None` without any.
    pub(super) fn new(
        context: &SiteContext,
        periods: &[UnitPeriod],
        shown: Period,
    ) -> Option<Self> {
        let last_of_all = periods.iter().filter_map(|p| month_of(p.period)).max()?;
        let last = end_of(shown).map_or(last_of_all, |end| end.min(last_of_all));
        let first = (1..MONTHS).fold(last, |month, _| before(month));
        let known: BTreeMap<Month, &UnitPeriod> = periods
            .iter()
            .filter_map(|period| Some((month_of(period.period)?, period)))
            .filter(|(month, _)| (first..=last).contains(month))
            .collect();
        let first = *known.keys().next()?;
        let axis = std::iter::successors(Some(last), |month| Some(before(*month)))
            .take_while(|month| *month >= first)
            .collect::<Vec<Month>>();

        let mut trend = Self {
            lines: Vec::new(),
            points: Vec::new(),
            ticks: Vec::new(),
            rows: Vec::new(),
        };
        let mut run: Vec<String> = Vec::new();
        let step = (RIGHT - LEFT) * 10 / axis.len().max(1);
        for (index, month) in axis.iter().rev().enumerate() {
            let x = tenth((LEFT * 10 + step * index + step / 2) as u64);
            // The year of a first November or December would run into that of January.
            let says_year = month.month == 1 || (index == 0 && month.month < 11);
            trend.ticks.push(Tick {
                x: x.clone(),
                label: month.month.to_string(),
                year: says_year.then(|| month.year.to_string()),
            });
            let period = known.get(month);
            let Some(figures) = period.and_then(|period| period.total) else {
                trend.lines.extend(line(&mut run));
                continue;
            };
            let height = BOTTOM - figures.percent.0.min(1000) * (BOTTOM - TOP) / 1000;
            run.push(format!("{x},{}", tenth(height)));
            trend.points.push(Point {
                x,
                y: tenth(height),
                // By turns above and below, so that neighbours keep apart.
                label_y: tenth(if index % 2 == 0 {
                    height - 80
                } else {
                    height + 160
                }),
                label: super::wording::decimal(context, figures.percent),
            });
        }
        trend.lines.extend(line(&mut run));
        trend.rows = known
            .iter()
            .map(|(month, period)| Row {
                month: format::capitalise(&format::period(Period::Month(*month), context.lang)),
                share: period
                    .total
                    .map(|figures: Figures| figures.share(context.lang)),
                received: format::number(period.results.ledger.received, context.lang),
            })
            .collect();
        Some(trend)
    }
}

/// Ends a run; a single month is a point and no line.
fn line(run: &mut Vec<String>) -> Option<String> {
    let ended = std::mem::take(run);
    (ended.len() > 1).then(|| ended.join(" "))
}

fn tenth(value: u64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

fn month_of(period: Period) -> Option<Month> {
    match period {
        Period::Month(month) => Some(month),
        _ => None,
    }
}

fn end_of(period: Period) -> Option<Month> {
    standing::span(period).map(|(_, last)| Month::of(last))
}

fn before(month: Month) -> Month {
    match month.month {
        ..=1 => Month {
            year: month.year - 1,
            month: 12,
        },
        later => Month {
            year: month.year,
            month: later - 1,
        },
    }
}
