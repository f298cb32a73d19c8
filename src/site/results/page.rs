//! What result pages have in common.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::publication::{DossierCounts, Ledger, UnitResults, UnverifiedRatings};
use crate::domain::rating::Attestation;
use crate::domain::void::VoidReason;
use crate::site::context::SiteContext;
use crate::site::format;
use crate::site::layout::{Layout, Section};

use super::figures::{Figures, Share};
use super::navigation::{Link, PeriodNav};
use super::wording::{fill, number};

/// Heading, ways to other periods and views, files.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) heading: String,
    /// None before anything was received.
    pub(super) period: Option<String>,
    pub(super) nav: PeriodNav,
    pub(super) views: Vec<Link>,
    pub(super) files: Option<Files>,
}

/// The data files beside a page.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) lead: String,
    /// Address without its extension; the same in both trees.
    pub(super) stem: String,
}

/// The figure a page is about.
#[derive(Debug, Clone)]
pub(super) struct Headline {
    pub(super) share: Share,
    /// The interval as a sentence.
    pub(super) interval: String,
}

impl Headline {
    pub(super) fn new(context: &SiteContext, figures: Figures) -> Self {
        let share = figures.share(context.lang);
        let interval = fill(
            context,
            "results.share.interval",
            &[("low", &share.low), ("high", &share.high)],
        );
        Self { share, interval }
    }
}

/// How old the figures of a page are, and whether they rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct AsOf {
    pub(super) day: Option<Date>,
    pub(super) is_frozen: bool,
}

impl AsOf {
    pub(super) fn of(results: &UnitResults) -> Self {
        Self {
            day: results.as_of,
            is_frozen: results.is_frozen,
        }
    }
}

/// The layout of the result page at `path`.
pub(super) fn layout<'a>(
    context: &SiteContext<'a>,
    path: String,
    title: String,
    as_of: AsOf,
) -> Layout<'a> {
    let mut layout = Layout::new(context, path, title).section(Section::Results);
    layout.data_date = as_of.day;
    layout.is_frozen = as_of.is_frozen;
    layout
}

/// «Chưa đủ số liệu để công bố (dưới … lượt đánh giá).»
pub(super) fn no_data(context: &SiteContext, least: u32) -> String {
    let least = number(context, u64::from(least));
    fill(context, "results.no_data", &[("k", &least)])
}

/// What came in against what is shown, of the verified ratings and of the others apart.
#[derive(Debug, Clone)]
pub(super) struct LedgerLines {
    pub(super) verified: Vec<String>,
    /// Empty where nothing unverified came in.
    pub(super) unverified: Vec<String>,
}

impl LedgerLines {
    pub(super) fn new(
        context: &SiteContext,
        ledger: Ledger,
        taken_off_for: &BTreeMap<VoidReason, u64>,
        unverified: &BTreeMap<Attestation, UnverifiedRatings>,
    ) -> Self {
        Self {
            verified: verified_lines(context, ledger, taken_off_for),
            unverified: unverified_lines(context, unverified),
        }
    }
}

fn unverified_lines(
    context: &SiteContext,
    unverified: &BTreeMap<Attestation, UnverifiedRatings>,
) -> Vec<String> {
    let received: u64 = unverified.values().map(|ratings| ratings.received).sum();
    let set_aside: u64 = unverified.values().map(|ratings| ratings.set_aside).sum();
    if received == 0 {
        return Vec::new();
    }
    let counts = [
        ("received", &*number(context, received)),
        ("set_aside", &*number(context, set_aside)),
    ];
    vec![fill(context, "results.ledger.unverified", &counts)]
}

/// Received, published, set aside and waiting, and why.
fn verified_lines(
    context: &SiteContext,
    ledger: Ledger,
    taken_off_for: &BTreeMap<VoidReason, u64>,
) -> Vec<String> {
    let line = fill(
        context,
        "results.ledger.line",
        &[
            ("received", &number(context, ledger.received)),
            ("published", &number(context, ledger.published)),
            ("waiting", &number(context, ledger.waiting())),
        ],
    );
    let reason = if ledger.waiting() == 0 {
        context.text("results.ledger.none_waiting").into_owned()
    } else {
        let least = number(context, u64::from(context.head.settings.min_new_ratings));
        fill(context, "results.ledger.reason", &[("k", &least)])
    };
    let mut lines = vec![line, reason];
    if ledger.set_aside > 0 {
        let not_yet = ledger.set_aside.saturating_sub(ledger.taken_off);
        let counts = [
            ("set_aside", &*number(context, ledger.set_aside)),
            ("not_yet", &*number(context, not_yet)),
        ];
        lines.push(fill(context, "results.ledger.set_aside", &counts));
    }
    if !taken_off_for.is_empty() {
        let each = taken_off_for.iter().map(|(reason, count)| {
            let key = format!("results.void_reason.{}", reason.code());
            let name = context.text(&key);
            format!("{name}: {}", number(context, *count))
        });
        let each = each.collect::<Vec<_>>().join("; ");
        lines.push(fill(
            context,
            "results.ledger.taken_off_for",
            &[("each", &each)],
        ));
    }
    lines
}

/// How many dossiers were returned on time and late.
pub(super) fn timeliness_line(context: &SiteContext, dossiers: DossierCounts) -> String {
    let returned = dossiers.on_time.saturating_add(dossiers.overdue);
    fill(
        context,
        "results.dossiers.timeliness",
        &[
            ("on_time", &number(context, dossiers.on_time)),
            ("overdue", &number(context, dossiers.overdue)),
            (
                "percent",
                &format::percent(dossiers.on_time, returned, context.lang),
            ),
        ],
    )
}
