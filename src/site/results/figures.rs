//! Published counts with what follows from them, as a page writes them.

use crate::domain::lang::Lang;
use crate::domain::score::Tenths;
use crate::domain::score::wilson::Interval;
use crate::domain::tally::Tally;
use crate::site::format;

/// Published counts of one group of ratings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figures {
    /// Ratings.
    pub(super) rated: u64,
    /// Satisfied among them.
    pub(super) satisfied: u64,
    /// Not satisfied among them.
    pub(super) not_satisfied: u64,
    /// Satisfied, in percent of the rated.
    pub(super) percent: Tenths,
    /// 95 % interval of that share.
    pub(super) interval: Interval,
}

impl Figures {
    /// The figures of `tally`; `None` where nothing may be shown.
    pub(super) fn of(tally: &Tally) -> Option<Self> {
        let (rated, satisfied) = (tally.rated(), tally.satisfied());
        Some(Self {
            rated,
            satisfied,
            not_satisfied: tally.not_satisfied(),
            percent: Tenths::percent(satisfied, rated)?,
            interval: Interval::of(satisfied, rated),
        })
    }

    /// The lower end of the interval, in percent.
    pub(super) fn low(&self) -> Tenths {
        Tenths::of_share(self.interval.low)
    }

    /// The upper end of the interval, in percent.
    pub(super) fn high(&self) -> Tenths {
        Tenths::of_share(self.interval.high)
    }

    /// The figures as a page in `lang` writes them.
    pub(super) fn share(&self, lang: Lang) -> Share {
        Share {
            rated: format::number(self.rated, lang),
            satisfied: format::number(self.satisfied, lang),
            not_satisfied: format::number(self.not_satisfied, lang),
            percent: format::tenths(self.percent.0, lang),
            low: format::tenths(self.low().0, lang),
            high: format::tenths(self.high().0, lang),
            interval: format!(
                "{}–{}",
                format::tenths(self.low().0, lang).trim_end_matches(['%', '\u{a0}']),
                format::tenths(self.high().0, lang)
            ),
            bar: Bar::of(self),
        }
    }
}

/// [`Figures`] ready to be read.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) rated: String,
    pub(super) satisfied: String,
    pub(super) not_satisfied: String,
    pub(super) percent: String,
    pub(super) low: String,
    pub(super) high: String,
    /// Both ends, for a column.
    pub(super) interval: String,
    pub(super) bar: Bar,
}

/// Lengths within a bar, as values of SVG attributes.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    /// The satisfied part.
    pub(super) satisfied: String,
    /// The rest.
    pub(super) rest: String,
    /// Where the interval begins.
    pub(super) low: String,
    /// How long it is.
    pub(super) span: String,
}

impl Bar {
    fn of(figures: &Figures) -> Self {
        let (low, high) = (figures.low(), figures.high());
        Self {
            satisfied: length(figures.percent),
            rest: length(Tenths(1000_u64.saturating_sub(figures.percent.0))),
            low: length(low),
            span: length(Tenths(high.0.saturating_sub(low.0))),
        }
    }
}

/// A percentage as a length: `97.4%`.
pub(super) fn length(percent: Tenths) -> String {
    format!("{percent}%")
}
