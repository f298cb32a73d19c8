//! What surrounds a result: its period, the views of it, its files.

use crate::domain::period::{Month, Period, Quarter};
use crate::site::context::SiteContext;
use crate::site::format;

/// How a result is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Biểu đồ.
    Chart,
    /// Số liệu.
    Numbers,
    /// Bảng xếp hạng đánh giá công chức.
    Ranking,
}

impl View {
    /// The last part of the page's path.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::Chart => "",
            Self::Numbers => "so-lieu/",
            Self::Ranking => "cong-chuc/",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Chart => "results.view.chart",
            Self::Numbers => "results.view.numbers",
            Self::Ranking => "results.view.ranking",
        }
    }
}

/// A link among others of its kind.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) name: String,
    /// Path without the tree's prefix.
    pub(super) path: String,
    pub(super) current: bool,
}

/// The periods to choose from, in two rows: all time and years, then the parts of one year.
#[derive(Debug, Clone, Default)]
pub(super) struct PeriodNav {
    pub(super) years: Vec<Link>,
    /// What the second row holds: `Quý và tháng 2026`.
    pub(super) parts_label: String,
    pub(super) parts: Vec<Link>,
}

/// Where the results of one subject lie: `/ket-qua/` or `/ket-qua/don-vi/<unit>/`.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) base: String,
    /// Oldest first, all of which have pages.
    pub(super) periods: Vec<Period>,
}

impl Place {
    /// The path of `view` for `period`, or for the newest when there is none.
    pub(super) fn path(&self, period: Option<Period>, view: View) -> String {
        match period {
            Some(period) => format!("{}{period}/{}", self.base, view.segment()),
            None => format!("{}{}", self.base, view.segment()),
        }
    }

    /// Links to every period of `view`, newest first.
    pub(super) fn period_nav(&self, context: &SiteContext, shown: Period, view: View) -> PeriodNav {
        let link = |period: Period| Link {
            name: short_name(context, period),
            path: self.path(Some(period), view),
            current: period == shown,
        };
        let newest_first = || self.periods.iter().rev().copied();
        let year = year_of(shown).or_else(|| newest_first().find_map(year_of));
        let is_all = |period: &Period| *period == Period::All;
        let years = newest_first().filter(|period| matches!(period, Period::Year(_)));
        let of_year = |period: &Period| year.is_some() && year_of(*period) == year;
        let quarters = newest_first().filter(|period| matches!(period, Period::Quarter(_)));
        let is_month = |period: &Period| matches!(period, Period::Month(_));
        let months = newest_first().filter(is_month);
        let label = year.map(|year| {
            let key = if self.periods.iter().any(is_month) {
                "results.period.parts"
            } else {
                "results.period.quarters"
            };
            context.text_with(key, "year", &year.to_string())
        });
        PeriodNav {
            parts_label: label.unwrap_or_default(),
            years: newest_first()
                .filter(is_all)
                .chain(years)
                .map(link)
                .collect(),
            parts: quarters.chain(months).filter(of_year).map(link).collect(),
        }
    }

    /// Links to `views` of the same period.
    pub(super) fn views(
        &self,
        context: &SiteContext,
        period: Option<Period>,
        shown: View,
        views: &[View],
    ) -> Vec<Link> {
        let links = views.iter().map(|view| Link {
            name: context.text(view.key()).into_owned(),
            path: self.path(period, *view),
            current: *view == shown,
        });
        links.collect()
    }
}

/// The period a subject's first page shows: the newest quarter with published figures, else the newest received, else
/// the widest there is.
pub(super) fn newest(periods: &[Period], is_published: impl Fn(Period) -> bool) -> Option<Period> {
    let quarters = || {
        let newest_first = periods.iter().rev().copied();
        newest_first.filter(|period| matches!(period, Period::Quarter(_)))
    };
    quarters()
        .find(|period| is_published(*period))
        .or_else(|| quarters().next())
        .or_else(|| periods.first().copied())
}

/// The year a period lies in; none for all time.
pub(super) fn year_of(period: Period) -> Option<i16> {
    match period {
        Period::All => None,
        Period::Year(year) => Some(year),
        Period::Quarter(quarter) => Some(quarter.year),
        Period::Month(month) => Some(month.year),
    }
}

/// A period as a heading: `Quý IV/2026`, `Tất cả các kỳ`.
pub(super) fn heading(context: &SiteContext, period: Period) -> String {
    match period {
        Period::All => context.text("results.period.all_long").into_owned(),
        _ => format::capitalise(&format::period(period, context.lang)),
    }
}

/// A period in its row of links, where the year is already said.
fn short_name(context: &SiteContext, period: Period) -> String {
    match period {
        Period::All => context.text("results.period.all").into_owned(),
        Period::Year(year) => year.to_string(),
        Period::Quarter(Quarter { year, .. }) | Period::Month(Month { year, .. }) => {
            let name = format::capitalise(&format::period(period, context.lang));
            let year = year.to_string();
            let short = name.strip_suffix(&year).unwrap_or(&name);
            short.trim_end_matches(['/', ' ']).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn periods(codes: &[&str]) -> Vec<Period> {
        let mut periods: Vec<Period> = codes.iter().filter_map(|c| Period::parse(c)).collect();
        periods.sort_unstable();
        periods
    }

    #[test]
    fn the_first_page_shows_the_newest_quarter_with_figures() {
        let all = periods(&["all", "2026", "2026q3", "2026q4", "202611"]);
        let name = |period: Option<Period>| period.map(|p| p.to_string());

        assert_eq!(name(newest(&all, |_| true)).unwrap(), "2026q4");
        let third = Period::parse("2026q3").unwrap();
        assert_eq!(name(newest(&all, |p| p == third)).unwrap(), "2026q3");
        assert_eq!(name(newest(&all, |_| false)).unwrap(), "2026q4");
        assert_eq!(
            name(newest(&periods(&["all", "202611"]), |_| true)).unwrap(),
            "all"
        );
        assert_eq!(newest(&[], |_| true), None);
    }
}
