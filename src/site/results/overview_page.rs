//! «Kết quả đánh giá chung đơn vị»: all units, as a chart and in numbers (S74, S75).

use askama::Template;

use crate::domain::period::Period;
use crate::domain::score::satisfaction;
use crate::site::SiteFile;
use crate::site::context::SiteContext;
use crate::site::format;
use crate::site::layout::Layout;

use super::figures::{Figures, Share};
use super::navigation::{self, Place, View};
use super::overview::Overview;
use super::page::{self, AsOf, Files, Frame, Headline};
use super::standing::{GroupStanding, UnitStanding};
use super::wording::{count_between, counted, fill, number, ranking_strata};

/// From how many units on a page can be searched by name.
const FILTERED_FROM: usize = 10;

#[derive(Template)]
#[template(path = "results/overview.html")]
struct OverviewPage<'a> {
    layout: Layout<'a>,
    frame: Frame,
    province: &'a str,
    chart: bool,
    body: Option<OverviewBody>,
}

struct OverviewBody {
    total: Option<Headline>,
    no_data: String,
    lines: Vec<String>,
    filtered: bool,
    /// Whether units have places: not for months.
    ranked: bool,
    groups: Vec<GroupRows>,
    how: Vec<String>,
    ledger: page::LedgerLines,
}

struct GroupRows {
    id: String,
    name: String,
    units: Vec<UnitRow>,
    /// How many units of the group nobody rated.
    silent: Option<String>,
}

struct UnitRow {
    name: String,
    path: String,
    numbers_path: String,
    rank: Option<usize>,
    tier: Option<usize>,
    /// Whether a line is drawn above.
    opens_tier: bool,
    share: Option<Share>,
    rated: String,
    /// Under the name, in the chart.
    notes: Vec<String>,
    /// Under the name, in numbers: what no column says.
    number_notes: Vec<String>,
    waiting: String,
}

/// Both views of every period, and of the newest under `/ket-qua/`.
pub(super) fn files(context: &SiteContext, overviews: &[Overview]) -> Vec<SiteFile> {
    let place = Place {
        base: "/ket-qua/".to_owned(),
        periods: overviews.iter().map(|overview| overview.period).collect(),
    };
    let find = |period: Period| overviews.iter().find(|known| known.period == period);
    let is_published = |period| find(period).is_some_and(|known| known.total.is_some());
    let newest = navigation::newest(&place.periods, is_published).and_then(find);

    let mut files = Vec::new();
    for view in [View::Chart, View::Numbers] {
        let mut render = |period: Option<Period>, shown: Option<&Overview>| {
            let page = OverviewPage::new(context, &place, period, shown, view);
            let html = page.render().expect("the template writes to memory");
            files.push(page.layout.file(html));
        };
        render(None, newest);
        for overview in overviews {
            render(Some(overview.period), Some(overview));
        }
    }
    files
}

impl<'a> OverviewPage<'a> {
    fn new(
        context: &SiteContext<'a>,
        place: &Place,
        period: Option<Period>,
        shown: Option<&Overview>,
        view: View,
    ) -> Self {
        let heading = context.text("results.title").into_owned();
        let period_name = shown.map(|shown| navigation::heading(context, shown.period));
        let title = match &period_name {
            Some(period) => format!("{heading}, {period}"),
            None => heading.clone(),
        };
        let as_of = AsOf {
            day: shown.and_then(|shown| shown.as_of),
            is_frozen: false,
        };
        let mut layout = page::layout(context, place.path(period, view), title, as_of);
        if shown.is_some() {
            layout = layout.scripts(&["js/list-filter.js"]);
        }
        let nav = shown.map(|shown| place.period_nav(context, shown.period, view));
        let files = shown.map(|shown| {
            let period = format::period(shown.period, context.lang);
            Files {
                lead: context.text_with("results.files.lead_period", "period", &period),
                stem: super::period_stem(shown.period),
            }
        });
        Self {
            layout,
            frame: Frame {
                heading,
                period: period_name,
                nav: nav.unwrap_or_default(),
                views: place.views(context, period, view, &[View::Chart, View::Numbers]),
                files,
            },
            province: context.head.settings.province_name.get(context.lang),
            chart: view == View::Chart,
            body: shown.map(|shown| OverviewBody::new(context, shown)),
        }
    }
}

impl OverviewBody {
    fn new(context: &SiteContext, overview: &Overview) -> Self {
        let units = fill(
            context,
            "results.overview.units",
            &[
                (
                    "published",
                    &number(context, overview.units_published as u64),
                ),
                ("received", &number(context, overview.units_received as u64)),
            ],
        );
        let dossiers = overview.dossiers.map(|dossiers| {
            let received = number(context, dossiers.received);
            [
                context.text_with("results.dossiers.received", "received", &received),
                page::timeliness_line(context, dossiers),
            ]
        });
        let groups = overview.groups.iter();
        Self {
            total: overview.total.map(|total| Headline::new(context, total)),
            no_data: page::no_data(context, context.head.settings.min_new_ratings),
            lines: [units]
                .into_iter()
                .chain(dossiers.into_iter().flatten())
                .collect(),
            ranked: !matches!(overview.period, Period::Month(_)),
            filtered: overview.units_received >= FILTERED_FROM,
            groups: groups
                .map(|group| GroupRows::new(context, overview, group))
                .collect(),
            how: how(context, overview.period),
            ledger: page::LedgerLines::new(
                context,
                overview.ledger,
                &overview.taken_off_for,
                &overview.unverified,
            ),
        }
    }
}

impl GroupRows {
    fn new(context: &SiteContext, overview: &Overview, group: &GroupStanding) -> Self {
        let mut tier = 1;
        let units = group.units.iter().map(|unit| {
            let mut row = UnitRow::new(context, overview.period, unit);
            row.opens_tier = row.tier.unwrap_or(0) != tier;
            tier = row.tier.unwrap_or(0);
            row
        });
        let silent = (group.silent > 0)
            .then(|| counted(context, "results.overview.silent", group.silent as u64));
        Self {
            id: group.group.id.to_string(),
            name: group.group.name.get(context.lang).to_owned(),
            units: units.collect(),
            silent,
        }
    }
}

impl UnitRow {
    fn new(context: &SiteContext, period: Period, unit: &UnitStanding) -> Self {
        let place = Place {
            base: format!("/ket-qua/don-vi/{}/", unit.id),
            periods: Vec::new(),
        };
        // A unit has no pages of single months.
        let period = Some(period).filter(|period| !matches!(period, Period::Month(_)));
        let total = Figures::of(&unit.results.total);
        let missing = missing_note(context, unit, total, period.is_some());
        let place_note = place_note(context, unit, total).or_else(|| missing.clone());
        let coverage = coverage_note(context, unit);
        Self {
            name: unit.name.get(context.lang).to_owned(),
            path: place.path(period, View::Chart),
            numbers_path: place.path(period, View::Numbers),
            rank: unit.placed.map(|place| place.rank),
            tier: unit.placed.map(|place| place.tier),
            opens_tier: false,
            share: total.map(|figures| figures.share(context.lang)),
            rated: total.map_or_else(String::new, |figures| {
                counted(context, "results.share.ratings", figures.rated)
            }),
            notes: [place_note]
                .into_iter()
                .flatten()
                .chain(coverage.clone())
                .collect(),
            number_notes: [missing].into_iter().flatten().chain(coverage).collect(),
            waiting: number(context, unit.results.ledger.waiting()),
        }
    }
}

/// Why a unit has no figure or no place.
fn missing_note(
    context: &SiteContext,
    unit: &UnitStanding,
    total: Option<Figures>,
    is_ranked_period: bool,
) -> Option<String> {
    let settings = &context.head.settings;
    if total.is_none() {
        return Some(page::no_data(context, settings.min_new_ratings));
    }
    if unit.placed.is_some() || !is_ranked_period {
        return None;
    }
    let least = number(context, u64::from(settings.min_official_ratings));
    Some(context.text_with("results.ranking.not_ranked", "n", &least))
}

/// The tier, and the interval a place rests on.
fn place_note(
    context: &SiteContext,
    unit: &UnitStanding,
    total: Option<Figures>,
) -> Option<String> {
    let place = unit.placed?;
    let share = total?.share(context.lang);
    let tier = context.text_with("results.ranking.tier", "tier", &place.tier.to_string());
    let by = context.text_with("results.ranking.ranked_by", "interval", &share.interval);
    Some(format!("{tier}. {by}"))
}

/// How many of the unit's dossiers were rated.
fn coverage_note(context: &SiteContext, unit: &UnitStanding) -> Option<String> {
    let rated = satisfaction::rated_dossiers(unit.results)?;
    let dossiers = unit.results.dossiers?;
    Some(fill(
        context,
        "results.dossiers.coverage_short",
        &[
            ("rated", &count_between(context, rated)),
            ("received", &number(context, dossiers.received)),
        ],
    ))
}

fn how(context: &SiteContext, period: Period) -> Vec<String> {
    if matches!(period, Period::Month(_)) {
        return vec![context.text("results.ranking.no_months").into_owned()];
    }
    let least = number(
        context,
        u64::from(context.head.settings.min_official_ratings),
    );
    vec![
        context.text("results.ranking.how_share_units").into_owned(),
        context.text("results.ranking.how_tier_units").into_owned(),
        context.text_with(
            "results.ranking.how_strata",
            "strata",
            &ranking_strata(context),
        ),
        context.text_with("results.ranking.how_threshold", "n", &least),
    ]
}
