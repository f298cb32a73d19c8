//! «Bảng xếp hạng đánh giá công chức» of one unit (S76).

use askama::Template;

use crate::domain::catalog::UnitEntry;
use crate::domain::period::Period;
use crate::site::SiteFile;
use crate::site::context::SiteContext;
use crate::site::layout::Layout;

use super::figures::{Figures, Share};
use super::navigation::{self, Place, View};
use super::page::{self, Files, Frame};
use super::standing::OfficialStanding;
use super::unit_page;
use super::unit_period::UnitPeriod;
use super::wording::{number, ranking_strata};

#[derive(Template)]
#[template(path = "results/ranking.html")]
struct RankingPage<'a> {
    layout: Layout<'a>,
    frame: Frame,
    unit: String,
    /// Said in place of a ranking.
    message: Option<String>,
    officials: Vec<OfficialRow>,
    waiting: Vec<Person>,
    no_data: String,
    how: Vec<String>,
    ledger: Option<page::LedgerLines>,
    rate_path: String,
}

struct OfficialRow {
    rank: usize,
    tier: usize,
    /// Whether a line is drawn above.
    opens_tier: bool,
    name: String,
    title: String,
    share: Share,
}

struct Person {
    name: String,
    title: String,
}

/// The ranking of every period but months, and of the newest under the unit's own address.
pub(super) fn files(
    context: &SiteContext,
    entry: &UnitEntry,
    as_of: page::AsOf,
    periods: &[UnitPeriod],
) -> Vec<SiteFile> {
    let place = unit_page::place(entry, periods);
    let mut files = Vec::new();
    let mut render = |period: Option<Period>, shown: Option<&UnitPeriod>| {
        let page = RankingPage::new(context, entry, as_of, &place, period, shown);
        let html = page.render().expect("the template writes to memory");
        files.push(page.layout.file(html));
    };
    render(None, unit_page::newest(periods, &place));
    for period in periods.iter().filter(|p| place.periods.contains(&p.period)) {
        render(Some(period.period), Some(period));
    }
    files
}

impl<'a> RankingPage<'a> {
    fn new(
        context: &SiteContext<'a>,
        entry: &UnitEntry,
        as_of: page::AsOf,
        place: &Place,
        period: Option<Period>,
        shown: Option<&UnitPeriod>,
    ) -> Self {
        let unit = entry.unit.name.get(context.lang);
        let heading = context.text("results.ranking_title").into_owned();
        let period_name = shown.map(|shown| navigation::heading(context, shown.period));
        let title = [
            heading.as_str(),
            unit,
            period_name.as_deref().unwrap_or_default(),
        ];
        let title: Vec<&str> = title.into_iter().filter(|part| !part.is_empty()).collect();
        let path = place.path(period, View::Ranking);
        let unit_results = context.text_with("results.unit_title", "unit", unit);
        let layout = page::layout(context, path, title.join(", "), as_of)
            .below(context.text("results.title"), "/ket-qua/")
            .below(unit_results, place.path(None, View::Chart));
        let nav = shown.map(|shown| place.period_nav(context, shown.period, View::Ranking));
        let views = [View::Chart, View::Numbers, View::Ranking];
        let standings = shown.map_or(&[][..], |shown| &shown.officials);
        let officials = official_rows(context, unit, standings);
        let waiting = standings
            .iter()
            .filter(|standing| standing.placed.is_none());
        Self {
            layout,
            frame: Frame {
                heading,
                period: period_name,
                nav: nav.unwrap_or_default(),
                views: place.views(context, period, View::Ranking, &views),
                files: Some(Files {
                    lead: context.text("results.files.lead").into_owned(),
                    stem: super::unit_stem(&entry.unit.id),
                }),
            },
            unit: unit.to_owned(),
            message: message(context, entry, shown, officials.is_empty()),
            officials,
            waiting: waiting
                .map(|standing| Person {
                    name: standing.name.to_owned(),
                    title: title_and_unit(context, unit, standing),
                })
                .collect(),
            no_data: page::no_data(context, context.head.settings.min_official_ratings),
            how: how(context),
            ledger: shown.map(|shown| unit_page::ledger(context, shown)),
            rate_path: format!("/don-vi/{}/", entry.unit.id),
        }
    }
}

fn official_rows(
    context: &SiteContext,
    unit: &str,
    standings: &[OfficialStanding],
) -> Vec<OfficialRow> {
    let mut tier = 1;
    let rows = standings.iter().filter_map(|standing| {
        let (place, tally) = standing.placed?;
        let opens_tier = place.tier != tier;
        tier = place.tier;
        Some(OfficialRow {
            rank: place.rank,
            tier: place.tier,
            opens_tier,
            name: standing.name.to_owned(),
            title: title_and_unit(context, unit, standing),
            share: Figures::of(tally)?.share(context.lang),
        })
    });
    rows.collect()
}

fn title_and_unit(context: &SiteContext, unit: &str, standing: &OfficialStanding) -> String {
    match standing.title {
        Some(title) => format!("{}, {unit}", title.get(context.lang)),
        None => unit.to_owned(),
    }
}

fn message(
    context: &SiteContext,
    entry: &UnitEntry,
    shown: Option<&UnitPeriod>,
    nobody_ranked: bool,
) -> Option<String> {
    let key = if entry.officials.is_empty() && nobody_ranked {
        "results.ranking.no_officials"
    } else if shown.is_none() {
        "results.none"
    } else if nobody_ranked {
        "results.ranking.none"
    } else {
        return None;
    };
    Some(context.text(key).into_owned())
}

fn how(context: &SiteContext) -> Vec<String> {
    let least = number(
        context,
        u64::from(context.head.settings.min_official_ratings),
    );
    vec![
        context.text("results.ranking.how_share").into_owned(),
        context.text("results.ranking.how_tier").into_owned(),
        context.text_with(
            "results.ranking.how_strata",
            "strata",
            &ranking_strata(context),
        ),
        context.text_with("results.ranking.how_threshold", "n", &least),
        context.text("results.ranking.how_use").into_owned(),
    ]
}
