//! «Kết quả đánh giá» of one unit, as a chart and in numbers (S74, S75).

use askama::Template;

use crate::domain::catalog::UnitEntry;
use crate::domain::id::QuestionCode;
use crate::domain::period::Period;
use crate::domain::score::Tenths;
use crate::domain::score::ruleset::Total;
use crate::site::SiteFile;
use crate::site::context::SiteContext;
use crate::site::format;
use crate::site::layout::Layout;

use super::figures::{Figures, Share, length};
use super::navigation::{self, Place, View};
use super::page::{self, Files, Frame, Headline};
use super::trend::Trend;
use super::unit_period::{QuestionCounts, Score, UnitPeriod};
use super::wording::{
    count_between, counted, decimal, fill, number, percent_between, ranking_strata,
};

#[derive(Template)]
#[template(path = "results/unit.html")]
struct UnitPage<'a> {
    layout: Layout<'a>,
    frame: Frame,
    chart: bool,
    body: Option<UnitBody>,
    rate_path: String,
    count_path: String,
}

struct UnitBody {
    total: Option<Headline>,
    no_data: String,
    unverified: Vec<UnverifiedRow>,
    coverage: Vec<String>,
    tables: Vec<ShareTable>,
    reasons: Vec<ReasonRow>,
    indicators: Option<Indicators>,
    answers: Vec<AnswerTable>,
    dossiers: Option<Dossiers>,
    trend: Option<Trend>,
    ledger: page::LedgerLines,
}

/// A stratum that no figure counts.
struct UnverifiedRow {
    label: String,
    count: String,
    percent: Option<String>,
}

struct ShareTable {
    heading: String,
    note: Option<String>,
    rows: Vec<ShareRow>,
}

struct ShareRow {
    label: String,
    share: Option<Share>,
}

struct ReasonRow {
    text: String,
    percent: String,
    length: String,
    count: String,
}

struct Indicators {
    note: String,
    lines: Vec<String>,
    rows: Vec<IndicatorRow>,
}

struct IndicatorRow {
    code: String,
    text: String,
    average: String,
    length: String,
    answered: String,
    unanswered: String,
}

struct AnswerTable {
    text: String,
    options: Vec<OptionRow>,
}

struct OptionRow {
    text: String,
    points: String,
    count: String,
}

struct Dossiers {
    lines: Vec<String>,
    ratios: Vec<Ratio>,
}

struct Ratio {
    name: String,
    value: String,
}

/// Both views of every period but months, and of the newest under the unit's own address.
pub(super) fn files(
    context: &SiteContext,
    entry: &UnitEntry,
    as_of: page::AsOf,
    periods: &[UnitPeriod],
) -> Vec<SiteFile> {
    let place = place(entry, periods);
    let mut files = Vec::new();
    for view in [View::Chart, View::Numbers] {
        let mut render = |period: Option<Period>, shown: Option<&UnitPeriod>| {
            let page = UnitPage::new(context, entry, as_of, periods, &place, period, shown, view);
            let html = page.render().expect("the template writes to memory");
            files.push(page.layout.file(html));
        };
        render(None, newest(periods, &place));
        for period in periods.iter().filter(|p| place.periods.contains(&p.period)) {
            render(Some(period.period), Some(period));
        }
    }
    files
}

/// Where the unit's pages lie, and for which periods.
pub(super) fn place(entry: &UnitEntry, periods: &[UnitPeriod]) -> Place {
    let own_pages = periods.iter().map(|period| period.period);
    Place {
        base: format!("/ket-qua/don-vi/{}/", entry.unit.id),
        periods: own_pages
            .filter(|period| !matches!(period, Period::Month(_)))
            .collect(),
    }
}

/// What the unit's first page shows.
pub(super) fn newest<'p, 'a>(
    periods: &'p [UnitPeriod<'a>],
    place: &Place,
) -> Option<&'p UnitPeriod<'a>> {
    let find = |period: Period| periods.iter().find(|known| known.period == period);
    let is_published = |period| find(period).is_some_and(|known| known.total.is_some());
    navigation::newest(&place.periods, is_published).and_then(find)
}

impl<'a> UnitPage<'a> {
    #[expect(clippy::too_many_arguments, reason = "one page has one caller")]
    fn new(
        context: &SiteContext<'a>,
        entry: &UnitEntry,
        as_of: page::AsOf,
        periods: &[UnitPeriod],
        place: &Place,
        period: Option<Period>,
        shown: Option<&UnitPeriod>,
        view: View,
    ) -> Self {
        let name = entry.unit.name.get(context.lang);
        let heading = context.text_with("results.unit_title", "unit", name);
        let period_name = shown.map(|shown| navigation::heading(context, shown.period));
        let title = [Some(heading.as_str()), period_name.as_deref()];
        let title: Vec<&str> = title.into_iter().flatten().collect();
        let layout = page::layout(context, place.path(period, view), title.join(", "), as_of)
            .below(context.text("results.title"), "/ket-qua/");
        let nav = shown.map(|shown| place.period_nav(context, shown.period, view));
        Self {
            layout,
            frame: Frame {
                heading,
                period: period_name,
                nav: nav.unwrap_or_default(),
                views: place.views(
                    context,
                    period,
                    view,
                    &[View::Chart, View::Numbers, View::Ranking],
                ),
                files: Some(Files {
                    lead: context.text("results.files.lead").into_owned(),
                    stem: super::unit_stem(&entry.unit.id),
                }),
            },
            chart: view == View::Chart,
            body: shown.map(|shown| UnitBody::new(context, periods, shown, view)),
            rate_path: format!("/don-vi/{}/", entry.unit.id),
            count_path: super::counted_path(&entry.unit.id),
        }
    }
}

impl UnitBody {
    fn new(context: &SiteContext, periods: &[UnitPeriod], shown: &UnitPeriod, view: View) -> Self {
        // A question without points has no average: its answers are all there is to show.
        let listed = (shown.questions.iter())
            .filter(|question| view == View::Numbers || question.score.is_none());
        Self {
            total: shown.total.map(|figures| Headline::new(context, figures)),
            no_data: page::no_data(context, context.head.settings.min_new_ratings),
            coverage: coverage_lines(context, shown),
            tables: share_tables(context, shown, view),
            reasons: reason_rows(context, shown),
            indicators: (shown.score.as_ref()).map(|score| Indicators::new(context, shown, score)),
            answers: listed
                .map(|question| AnswerTable::new(context, question))
                .collect(),
            dossiers: Dossiers::new(context, shown),
            // Without a single figure there is nothing to draw; the numbers still say what was received.
            trend: Trend::new(context, periods, shown.period)
                .filter(|trend| view == View::Numbers || !trend.points.is_empty()),
            unverified: unverified_rows(context, shown),
            ledger: ledger(context, shown),
        }
    }
}

/// The reconcile lines of one unit and period.
pub(super) fn ledger(context: &SiteContext, shown: &UnitPeriod) -> page::LedgerLines {
    let results = shown.results;
    page::LedgerLines::new(
        context,
        results.ledger,
        &results.taken_off_for,
        &results.unverified,
    )
}

fn unverified_rows(context: &SiteContext, shown: &UnitPeriod) -> Vec<UnverifiedRow> {
    let rows = shown
        .results
        .unverified
        .iter()
        .map(|(attestation, ratings)| {
            let label = format!("results.attestation.{}", attestation.code());
            UnverifiedRow {
                label: context.text(&label).into_owned(),
                count: counted(context, "results.share.ratings", ratings.count()),
                percent: ratings.percent.map(|percent| {
                    let percent = format::whole_percent(percent, context.lang);
                    context.text_with("results.unverified.percent", "percent", &percent)
                }),
            }
        });
    rows.collect()
}

fn coverage_lines(context: &SiteContext, shown: &UnitPeriod) -> Vec<String> {
    let Some(dossiers) = shown.results.dossiers else {
        return Vec::new();
    };
    let received = number(context, dossiers.received);
    let line = match shown.rated_dossiers {
        Some(rated) => fill(
            context,
            "results.dossiers.coverage",
            &[
                ("rated", &count_between(context, rated)),
                ("received", &received),
            ],
        ),
        None => context.text_with("results.dossiers.received", "received", &received),
    };
    vec![line, page::timeliness_line(context, dossiers)]
}

fn share_tables(context: &SiteContext, shown: &UnitPeriod, view: View) -> Vec<ShareTable> {
    if shown.results.strata.is_empty() {
        return Vec::new();
    }
    let text = |key: &str| context.text(key).into_owned();
    let row = |label: String, figures: Option<Figures>| ShareRow {
        label,
        share: figures.map(|figures| figures.share(context.lang)),
    };
    let part = |key: &str, figures| row(text(&format!("results.part.{key}")), figures);
    let proof = |code: &str| text(&format!("results.attestation.{code}"));

    let mut tables = vec![
        ShareTable {
            heading: text("results.section.parts"),
            note: Some(text("results.section.parts_note")),
            rows: vec![
                part("unit_itself", shown.unit_itself),
                part("officials", shown.officials_part),
            ],
        },
        ShareTable {
            heading: text("results.section.attestations"),
            note: Some(context.text_with(
                "results.section.attestations_note",
                "strata",
                &ranking_strata(context),
            )),
            rows: (shown.attestations.iter())
                .map(|stratum| row(proof(stratum.attestation.code()), Some(stratum.both)))
                .collect(),
        },
    ];
    if view == View::Numbers {
        let rows = shown.attestations.iter().flat_map(|stratum| {
            let parts = [
                ("unit_itself", stratum.unit_itself),
                ("officials", stratum.officials),
            ];
            let parts = parts.into_iter().filter(|(_, figures)| figures.is_some());
            parts.map(|(key, figures)| {
                let part = text(&format!("results.part.{key}"));
                let proof = proof(stratum.attestation.code());
                row(format!("{proof}: {part}"), figures)
            })
        });
        tables.push(ShareTable {
            heading: text("results.section.attestation_parts"),
            note: None,
            rows: rows.collect(),
        });
    }
    tables
}

fn reason_rows(context: &SiteContext, shown: &UnitPeriod) -> Vec<ReasonRow> {
    let not_satisfied = shown.total.map_or(0, |figures| figures.not_satisfied);
    let rows = shown.reasons.iter().map(|reason| {
        let share = Tenths::percent(reason.count, not_satisfied);
        ReasonRow {
            text: reason.text.map_or_else(
                || reason.code.to_string(),
                |text| text.get(context.lang).to_owned(),
            ),
            percent: format::percent(reason.count, not_satisfied, context.lang),
            length: length(share.unwrap_or_default().min(Tenths(1000))),
            count: number(context, reason.count),
        }
    });
    rows.collect()
}

impl Indicators {
    fn new(context: &SiteContext, shown: &UnitPeriod, score: &Score) -> Self {
        let rules = score.ruleset.name.get(context.lang);
        let rows = shown.questions.iter().filter_map(|question| {
            let indicator = question.score.as_ref()?;
            let average = indicator.average();
            let text = score.ruleset.indicator(question.code).map_or_else(
                || question.text.get(context.lang),
                |known| known.name.get(context.lang),
            );
            Some(IndicatorRow {
                code: question.code.as_str().to_uppercase(),
                text: text.to_owned(),
                average: average.map_or_else(
                    || context.text("results.score.no_answer").into_owned(),
                    |average| decimal(context, average),
                ),
                // Two points are the whole length.
                length: length(Tenths(average.unwrap_or_default().0.min(20) * 50)),
                answered: number(context, indicator.answered),
                unanswered: number(context, indicator.unanswered),
            })
        });
        Self {
            note: context.text_with("results.section.indicators_note", "rules", rules),
            lines: score_lines(context, score),
            rows: rows.collect(),
        }
    }
}

fn score_lines(context: &SiteContext, score: &Score) -> Vec<String> {
    let codes = |codes: &[QuestionCode]| {
        let codes = codes.iter().map(|code| code.as_str().to_uppercase());
        codes.collect::<Vec<_>>().join(", ")
    };
    let mut lines = Vec::new();
    if score.ruleset.unconfirmed {
        lines.push(context.text("results.score.unconfirmed").into_owned());
    }
    lines.push(match &score.dossier_total {
        Total::Formed {
            score: total,
            max_points,
        } => fill(
            context,
            "results.score.dossier_total",
            &[
                ("codes", &codes(&score.ruleset.dossier_total.indicators)),
                ("score", &decimal(context, *total)),
                ("max", &max_points.to_string()),
            ],
        ),
        Total::Missing(missing) => {
            context.text_with("results.score.dossier_missing", "codes", &codes(missing))
        }
    });
    lines.push(match &score.unit_total {
        Total::Formed {
            score: total,
            max_points,
        } => {
            let grade = format!("results.grade.{}", score.ruleset.grade(*total).code());
            fill(
                context,
                "results.score.unit_total",
                &[
                    ("score", &decimal(context, *total)),
                    ("max", &max_points.to_string()),
                    ("grade", &context.text(&grade)),
                ],
            )
        }
        Total::Missing(missing) => fill(
            context,
            "results.score.unit_missing",
            &[
                ("max", &score.ruleset.unit_total.max_points.to_string()),
                ("codes", &codes(missing)),
            ],
        ),
    });
    lines
}

impl AnswerTable {
    fn new(context: &SiteContext, question: &QuestionCounts) -> Self {
        let options = question.options.iter().map(|option| OptionRow {
            text: option.text.get(context.lang).to_owned(),
            points: option
                .points
                .map_or_else(|| format::NO_FIGURE.to_owned(), |points| points.to_string()),
            count: number(context, option.count),
        });
        let left_open = OptionRow {
            text: context.text("results.column.unanswered").into_owned(),
            points: format::NO_FIGURE.to_owned(),
            count: number(context, question.unanswered),
        };
        Self {
            text: question.text.get(context.lang).to_owned(),
            options: options.chain([left_open]).collect(),
        }
    }
}

impl Dossiers {
    fn new(context: &SiteContext, shown: &UnitPeriod) -> Option<Self> {
        let decision_766 = shown.decision_766_ratio?;
        let ours = shown.total.map(|figures| Ratio {
            name: context.text("results.dossiers.ours").into_owned(),
            value: format::tenths(figures.percent.0, context.lang),
        });
        let official = Ratio {
            name: context.text("results.dossiers.decision_766").into_owned(),
            value: percent_between(context, decision_766),
        };
        let is_range = shown
            .rated_dossiers
            .is_some_and(|rated| rated.least != rated.most);
        let line = is_range.then(|| context.text("results.dossiers.between_note").into_owned());
        Some(Self {
            lines: line.into_iter().collect(),
            ratios: ours.into_iter().chain([official]).collect(),
        })
    }
}
