//! The published figures as one table, for the CSV and XLSX files: every row says what it is.

use std::collections::BTreeMap;

use rust_i18n::t;

use crate::domain::catalog::{CatalogHead, UnitEntry};
use crate::domain::lang::Lang;
use crate::domain::publication::UnverifiedRatings;
use crate::domain::rating::Attestation;
use crate::domain::score::Tenths;
use crate::domain::score::ruleset::Total;
use crate::site::format;

use super::figures::Figures;
use super::overview::Overview;
use super::standing::Place;
use super::unit_period::{QuestionCounts, Score, UnitPeriod};

/// A typed cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing, or not published.
    Empty,
    Text(String),
    Count(u64),
    Decimal(Tenths),
}

/// Rows under named columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Name of what it is about, for the notes sheet.
    pub(super) title: String,
    /// Sentences that belong to the figures.
    pub(super) notes: Vec<String>,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<Tenths> for Cell {
    fn from(decimal: Tenths) -> Self {
        Self::Decimal(decimal)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// Every period of a unit.
pub(super) fn unit(
    head: &CatalogHead,
    entry: &UnitEntry,
    periods: &[UnitPeriod],
    as_of: Option<String>,
) -> Table {
    let columns = [
        "period_code",
        "period",
        "kind",
        "code",
        "name",
        "title",
        "count",
        "satisfied",
        "not_satisfied",
        "percent",
        "low",
        "high",
        "rank",
        "tier",
        "average",
        "note",
    ];
    let rows = periods.iter().flat_map(|period| {
        let lines = lines(period).into_iter();
        lines.map(|line| line.into_row(period))
    });
    Table {
        title: entry.unit.name.vi.clone(),
        notes: notes(head, as_of),
        columns: columns.into_iter().map(label).collect(),
        rows: rows.collect(),
    }
}

/// Every unit for one period, then the sum of what is published.
pub(super) fn period(head: &CatalogHead, overview: &Overview, as_of: Option<String>) -> Table {
    let columns = [
        "group",
        "unit_id",
        "unit",
        "as_of",
        "total_rated",
        "satisfied",
        "not_satisfied",
        "percent",
        "low",
        "high",
        "rank",
        "tier",
        "dossiers_received",
        "dossiers_on_time",
        "dossiers_overdue",
        "ledger_received",
        "ledger_published",
        "ledger_waiting",
        "ledger_set_aside",
    ];
    let unverified = unverified_strata(head);
    let mut rows = Vec::new();
    for group in &overview.groups {
        for unit in &group.units {
            let total = Figures::of(&unit.results.total);
            let note = match (&total, &unit.placed) {
                (None, _) => Cell::from(label("no_data")),
                (Some(_), None) => Cell::from(label("not_ranked")),
                (Some(_), Some(_)) => Cell::Empty,
            };
            let mut row = vec![
                Cell::from(group.group.name.vi.as_str()),
                Cell::from(unit.id.as_str()),
                Cell::from(unit.name.vi.as_str()),
                Cell::from(unit.as_of.map(|day| format::date(day, Lang::Vi))),
            ];
            row.extend(share(total));
            row.extend([
                Cell::from(unit.placed.map(|place| place.rank)),
                Cell::from(unit.placed.map(|place| place.tier)),
                Cell::from(unit.results.dossiers.map(|d| d.received)),
                Cell::from(unit.results.dossiers.map(|d| d.on_time)),
                Cell::from(unit.results.dossiers.map(|d| d.overdue)),
                Cell::from(unit.results.ledger.received),
                Cell::from(unit.results.ledger.published),
                Cell::from(unit.results.ledger.waiting()),
                Cell::from(unit.results.ledger.set_aside),
            ]);
            row.extend(unverified_cells(&unverified, &unit.results.unverified));
            row.push(note);
            rows.push(row);
        }
    }
    let mut sum = vec![Cell::Empty, Cell::Empty, Cell::from(label("province"))];
    sum.push(Cell::from(
        overview.as_of.map(|day| format::date(day, Lang::Vi)),
    ));
    sum.extend(share(overview.total));
    sum.extend([const { Cell::Empty }; 2]);
    sum.extend([
        Cell::from(overview.dossiers.map(|d| d.received)),
        Cell::from(overview.dossiers.map(|d| d.on_time)),
        Cell::from(overview.dossiers.map(|d| d.overdue)),
        Cell::from(overview.ledger.received),
        Cell::from(overview.ledger.published),
        Cell::from(overview.ledger.waiting()),
        Cell::from(overview.ledger.set_aside),
    ]);
    sum.extend(unverified_cells(&unverified, &overview.unverified));
    sum.push(Cell::Empty);
    rows.push(sum);
    let title = format!(
        "{}, {}",
        head.settings.province_name.vi,
        format::period(overview.period, Lang::Vi)
    );
    Table {
        title,
        notes: notes(head, as_of),
        columns: (columns.into_iter().map(label))
            .chain(unverified_columns(&unverified))
            .chain([label("note")])
            .collect(),
        rows,
    }
}

/// The attestations no figure counts: they have columns of their own, whether or not anybody rated so.
fn unverified_strata(head: &CatalogHead) -> Vec<Attestation> {
    let counted = head.settings.counted_strata();
    let all = Attestation::ALL.iter().copied();
    all.filter(|attestation| !counted.contains(attestation))
        .collect()
}

fn unverified_columns(strata: &[Attestation]) -> impl Iterator<Item = String> {
    strata.iter().flat_map(|attestation| {
        let name = text(&format!("results.attestation.{}", attestation.code()));
        [
            "unverified_received",
            "unverified_set_aside",
            "unverified_percent",
        ]
        .map(|key| {
            let key = format!("results.file.{key}");
            t!(&key, locale = "vi", stratum = name).into_owned()
        })
    })
}

/// Received, set aside, and satisfied in whole per cent, of each of `strata`.
fn unverified_cells(
    strata: &[Attestation],
    ratings: &BTreeMap<Attestation, UnverifiedRatings>,
) -> impl Iterator<Item = Cell> {
    strata.iter().flat_map(|attestation| {
        let of = ratings.get(attestation).copied().unwrap_or_default();
        [
            Cell::Count(of.received),
            Cell::Count(of.set_aside),
            Cell::from(of.percent.map(u64::from)),
        ]
    })
}

/// One row of a unit's table.
#[derive(Debug, Default)]
struct Line {
    kind: &'static str,
    code: Option<String>,
    name: Option<String>,
    title: Option<String>,
    count: Option<u64>,
    figures: Option<Figures>,
    /// In whole per cent, where the row has no counts beside it.
    percent: Option<u8>,
    /// In percent, where the row is a range of its own.
    between: Option<(Tenths, Tenths)>,
    place: Option<Place>,
    average: Option<Tenths>,
    note: Option<String>,
}

impl Line {
    fn of(kind: &'static str) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    fn count(kind: &'static str, name: impl Into<String>, count: u64) -> Self {
        Self {
            name: Some(name.into()),
            count: Some(count),
            ..Self::of(kind)
        }
    }

    /// A row of shares; without figures it says that there are not enough.
    fn share(kind: &'static str, figures: Option<Figures>) -> Self {
        Self {
            figures,
            note: figures.is_none().then(|| label("no_data")),
            ..Self::of(kind)
        }
    }

    fn into_row(self, period: &UnitPeriod) -> Vec<Cell> {
        let mut shares = share(self.figures);
        if let Some(count) = self.count {
            shares[0] = Cell::Count(count);
        }
        if let Some(percent) = self.percent {
            shares[3] = Cell::Count(u64::from(percent));
        }
        if let Some((low, high)) = self.between {
            (shares[4], shares[5]) = (Cell::Decimal(low), Cell::Decimal(high));
        }
        let mut row = vec![
            Cell::from(period.period.to_string()),
            Cell::from(format::capitalise(&format::period(period.period, Lang::Vi))),
            Cell::from(label(&format!("row.{}", self.kind))),
            Cell::from(self.code),
            Cell::from(self.name),
            Cell::from(self.title),
        ];
        row.extend(shares);
        row.extend([
            Cell::from(self.place.map(|place| place.rank)),
            Cell::from(self.place.map(|place| place.tier)),
            Cell::from(self.average),
            Cell::from(self.note),
        ]);
        row
    }
}

/// Count, satisfied, not satisfied, percent, lower and upper end.
fn share(figures: Option<Figures>) -> [Cell; 6] {
    [
        Cell::from(figures.map(|f| f.rated)),
        Cell::from(figures.map(|f| f.satisfied)),
        Cell::from(figures.map(|f| f.not_satisfied)),
        Cell::from(figures.map(|f| f.percent)),
        Cell::from(figures.map(|f| f.low())),
        Cell::from(figures.map(|f| f.high())),
    ]
}

fn lines(period: &UnitPeriod) -> Vec<Line> {
    let mut lines = vec![Line::share("total", period.total)];
    if !period.results.strata.is_empty() {
        lines.push(Line::share("unit_itself", period.unit_itself));
        lines.push(Line::share("officials", period.officials_part));
    }
    for stratum in &period.attestations {
        let code = stratum.attestation.code();
        let parts = [
            ("attestation", Some(stratum.both)),
            ("attestation_unit", stratum.unit_itself),
            ("attestation_officials", stratum.officials),
        ];
        let parts = parts.into_iter().filter(|(_, figures)| figures.is_some());
        lines.extend(parts.map(|(kind, figures)| Line {
            code: Some(code.to_owned()),
            name: Some(text(&format!("results.attestation.{code}"))),
            ..Line::share(kind, figures)
        }));
    }
    lines.extend(period.officials.iter().map(|official| Line {
        code: Some(official.id.to_string()),
        name: Some(official.name.to_owned()),
        title: official.title.map(|title| title.vi.clone()),
        place: official.placed.map(|(place, _)| place),
        ..Line::share(
            "official",
            official.placed.and_then(|(_, tally)| Figures::of(tally)),
        )
    }));
    lines.extend(period.reasons.iter().map(|reason| Line {
        code: Some(reason.code.to_string()),
        ..Line::count(
            "reason",
            reason.text.map_or(reason.code.as_str(), |text| &text.vi),
            reason.count,
        )
    }));
    lines.extend(period.questions.iter().flat_map(question_lines));
    lines.extend(period.score.iter().flat_map(score_lines));
    lines.extend(dossier_lines(period));
    let ledger = period.results.ledger;
    let ledger_line = |key: &str, count| Line::count("ledger", label(key), count);
    lines.extend([
        ledger_line("ledger_received", ledger.received),
        ledger_line("ledger_published", ledger.published),
        ledger_line("ledger_waiting", ledger.waiting()),
        ledger_line("ledger_set_aside", ledger.set_aside),
    ]);
    lines.extend(period.results.unverified.iter().flat_map(unverified_lines));
    lines
}

/// Ratings that nothing proves: received, set aside, and the percentage where there is one.
fn unverified_lines(
    (attestation, ratings): (&Attestation, &UnverifiedRatings),
) -> impl Iterator<Item = Line> {
    let name = text(&format!("results.attestation.{}", attestation.code()));
    let line = |kind, count| Line {
        code: Some(attestation.code().to_owned()),
        ..Line::count(kind, name.clone(), count)
    };
    let lines = [
        Some(line("unverified_received", ratings.received)),
        Some(line("unverified_set_aside", ratings.set_aside)),
        ratings.percent.map(|percent| Line {
            percent: Some(percent),
            code: Some(attestation.code().to_owned()),
            name: Some(name.clone()),
            ..Line::of("unverified_percent")
        }),
    ];
    lines.into_iter().flatten()
}

fn question_lines(question: &QuestionCounts) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(score) = &question.score {
        lines.push(Line {
            code: Some(question.code.to_string()),
            average: score.average(),
            ..Line::count("indicator", question.text.vi.as_str(), score.answered)
        });
    }
    lines.extend(question.options.iter().map(|option| Line {
        code: Some(format!("{}:{}", question.code, option.code)),
        average: option.points.map(|points| Tenths(u64::from(points) * 10)),
        ..Line::count("answer", option.text.vi.as_str(), option.count)
    }));
    lines.push(Line {
        code: Some(format!("{}:", question.code)),
        ..Line::count("answer", label("row.unanswered"), question.unanswered)
    });
    lines
}

fn score_lines(score: &Score) -> Vec<Line> {
    let totals = [
        ("dossier_total", &score.dossier_total),
        ("unit_total", &score.unit_total),
    ];
    let lines = totals.into_iter().map(|(kind, total)| {
        let (average, note) = match total {
            Total::Formed { score, .. } => (Some(*score), None),
            Total::Missing(codes) => {
                let codes: Vec<String> = codes.iter().map(|c| c.as_str().to_uppercase()).collect();
                let note = t!(
                    "results.file.missing",
                    locale = "vi",
                    codes = codes.join(", ")
                );
                (None, Some(note.into_owned()))
            }
        };
        Line {
            name: Some(score.ruleset.name.vi.clone()),
            code: Some(score.ruleset.id.clone()),
            average,
            note,
            ..Line::of(kind)
        }
    });
    lines.collect()
}

fn dossier_lines(period: &UnitPeriod) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(dossiers) = period.results.dossiers {
        let line = |key: &str, count| Line::count("dossiers", label(key), count);
        lines.extend([
            line("dossiers_received", dossiers.received),
            line("dossiers_on_time", dossiers.on_time),
            line("dossiers_overdue", dossiers.overdue),
        ]);
    }
    if let Some(rated) = period.rated_dossiers {
        let line = |key: &str, count| Line::count("rated_dossiers", label(key), count);
        lines.extend([line("at_least", rated.least), line("at_most", rated.most)]);
    }
    if let Some(ratio) = period.decision_766_ratio {
        lines.push(Line {
            between: Some((ratio.least, ratio.most)),
            ..Line::of("decision_766")
        });
    }
    lines
}

fn notes(head: &CatalogHead, as_of: Option<String>) -> Vec<String> {
    let settings = &head.settings;
    let mut notes: Vec<String> = as_of.into_iter().collect();
    notes.push(text("results.file.generated"));
    notes.push(text("results.unverified.note"));
    notes.push(
        t!(
            "results.file.thresholds",
            locale = "vi",
            k = settings.min_new_ratings,
            n = settings.min_official_ratings
        )
        .into_owned(),
    );
    if settings.sample {
        notes.push(text("results.sample_thresholds"));
    }
    notes
}

/// Files are written once, in Vietnamese.
fn text(key: &str) -> String {
    t!(key, locale = Lang::Vi.code()).into_owned()
}

fn label(key: &str) -> String {
    text(&format!("results.file.{key}"))
}
