//! The published figures as JSON: what programs read, and what `GET /api/statistics` answers with.
//!
//! A figure that is not published is `null`, never 0. Percentages are rounded half up to one decimal place.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::catalog::{CatalogHead, Text, Unit};
use crate::domain::publication::{DossierCounts, Ledger, UnverifiedRatings};
use crate::domain::rating::Attestation;
use crate::domain::score::Tenths;
use crate::domain::score::ruleset::Total;
use crate::domain::score::satisfaction::Between;
use crate::domain::void::VoidReason;

use super::figures::Figures;
use super::overview::Overview;
use super::page::AsOf;
use super::unit_period::{QuestionCounts, Score, UnitPeriod};

/// Name and version of [`UnitDocument`].
pub const UNIT_SCHEMA: &str = "thuocdo.unit-results.v2";
/// Name and version of [`PeriodDocument`].
pub const PERIOD_SCHEMA: &str = "thuocdo.period-results.v2";

/// What the names mean, in every document: name, then meaning with its unit.
const LEGEND: [(&str, &str); 16] = [
    (
        "null",
        "not published: nothing there, or not enough ratings yet",
    ),
    (
        "total",
        "all published ratings whose raters proved that they were there; every figure but those of unverified is of these",
    ),
    (
        "unverified",
        "ratings that nothing proves, by attestation; part of no other figure. percent is satisfied in whole per cent, of a closed quarter with at least 30 of them",
    ),
    ("rated", "ratings"),
    ("satisfied", "ratings"),
    ("not_satisfied", "ratings"),
    (
        "percent",
        "percent satisfied of rated, rounded half up to one decimal place",
    ),
    (
        "interval_low",
        "percent, lower end of the 95 % Wilson interval",
    ),
    (
        "interval_high",
        "percent, upper end of the 95 % Wilson interval",
    ),
    ("rank", "from 1, by interval_low; equal counts share a rank"),
    (
        "tier",
        "from 1; within a tier intervals overlap its leader's, so ranks there are not certain",
    ),
    (
        "average",
        "points per answer, 0 to 2, rounded half up to one decimal place; open questions left out",
    ),
    (
        "ledger",
        "verified ratings: received = published + taken_off + waiting for enough to be shown; set_aside counts voids at once, taken_off those within the figures",
    ),
    (
        "dossiers",
        "dossiers of the period, from the one-stop software",
    ),
    (
        "rated_dossiers",
        "dossiers with a verified rating, between two ends: one dossier may rate the unit and officials",
    ),
    (
        "decision_766_percent",
        "percent, between two ends: (all - dissatisfied or overdue) / all dossiers; silence counts as satisfied",
    ),
];

/// All published results of one unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnitDocument {
    schema: &'static str,
    legend: BTreeMap<&'static str, &'static str>,
    thresholds: Thresholds,
    unit: UnitName,
    /// Last day of the figures.
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
    /// Whether figures rest because a reconciliation found a difference.
    is_frozen: bool,
    /// By period: `all`, `2026`, `2026q4`, `202611`.
    periods: BTreeMap<String, UnitPeriodBody>,
}

/// All published results of one period.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodDocument {
    schema: &'static str,
    legend: BTreeMap<&'static str, &'static str>,
    thresholds: Thresholds,
    /// `all`, `2026`, `2026q4` or `202611`.
    period: String,
    /// Last day of the newest figures.
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
    /// Sums of the published figures of all units.
    province: ProvinceBody,
    /// Units with something received, by group and rank.
    units: Vec<UnitLine>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Thresholds {
    /// New ratings a published figure waits for.
    min_new_ratings: u32,
    /// Ratings from which an official or a unit is ranked.
    min_official_ratings: u32,
    /// Attestations that figures and rankings count.
    ranked_attestations: Vec<&'static str>,
    /// Whether the figures are made up for trying out.
    sample: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct Name {
    vi: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    en: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnitName {
    unit_id: String,
    name: Name,
    group_id: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct FiguresBody {
    rated: u64,
    satisfied: u64,
    not_satisfied: u64,
    percent: f64,
    interval_low: f64,
    interval_high: f64,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnitPeriodBody {
    total: Option<FiguresBody>,
    unit_itself: Option<FiguresBody>,
    officials: Option<FiguresBody>,
    /// The total by attestation; empty for months.
    attestations: BTreeMap<&'static str, AttestationBody>,
    /// Ratings that nothing proves, by attestation; part of no other figure.
    unverified: BTreeMap<&'static str, UnverifiedBody>,
    reasons: Vec<ReasonBody>,
    questions: Vec<QuestionBody>,
    score: Option<ScoreBody>,
    /// Officials with enough ratings; who is not here has not.
    ranking: Vec<OfficialBody>,
    dossiers: Option<DossiersBody>,
    rated_dossiers: Option<CountBetween>,
    decision_766_percent: Option<PercentBetween>,
    ledger: LedgerBody,
}

#[derive(Debug, Serialize, ToSchema)]
struct AttestationBody {
    total: FiguresBody,
    unit_itself: Option<FiguresBody>,
    officials: Option<FiguresBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnverifiedBody {
    rater_kind: &'static str,
    /// Ratings counted by the end of the day before the publication.
    received: u64,
    /// Ratings two people set aside.
    set_aside: u64,
    /// Satisfied in whole per cent; null but for a closed quarter with at least 30 ratings.
    percent: Option<u8>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReasonBody {
    code: String,
    text: Option<Name>,
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct QuestionBody {
    code: String,
    text: Name,
    answered: u64,
    unanswered: u64,
    average: Option<f64>,
    options: Vec<OptionBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OptionBody {
    code: String,
    text: Name,
    points: Option<u8>,
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScoreBody {
    ruleset: String,
    /// Whether the ruleset still has to be confirmed.
    unconfirmed: bool,
    dossier_total: TotalBody,
    unit_total: TotalBody,
    /// `excellent`, `good`, `fair`, `average` or `weak`; only with a unit total.
    grade: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TotalBody {
    /// Points; null where an indicator is missing.
    score: Option<f64>,
    max_points: u64,
    missing: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OfficialBody {
    official_id: String,
    name: String,
    title: Option<Name>,
    rank: usize,
    tier: usize,
    figures: FiguresBody,
}

#[derive(Debug, Serialize, ToSchema)]
struct DossiersBody {
    received: u64,
    on_time: u64,
    overdue: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct CountBetween {
    least: u64,
    most: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct PercentBetween {
    least: f64,
    most: f64,
}

#[derive(Debug, Serialize, ToSchema)]
struct LedgerBody {
    received: u64,
    published: u64,
    waiting: u64,
    /// Ratings two people set aside, taken off the published figures or not yet.
    set_aside: u64,
    /// Those of them taken off.
    taken_off: u64,
    /// Why, for those taken off.
    taken_off_for: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ProvinceBody {
    name: Name,
    units_published: usize,
    units_received: usize,
    total: Option<FiguresBody>,
    dossiers: Option<DossiersBody>,
    /// Of the verified ratings.
    ledger: LedgerBody,
    /// Ratings that nothing proves, by attestation, of all units; part of no other figure.
    unverified: BTreeMap<&'static str, UnverifiedBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnitLine {
    unit_id: String,
    name: Name,
    group_id: String,
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
    total: Option<FiguresBody>,
    /// Rank within the group; null for months and while there are not enough.
    rank: Option<usize>,
    tier: Option<usize>,
    dossiers: Option<DossiersBody>,
    /// Of the verified ratings.
    ledger: LedgerBody,
    /// Ratings that nothing proves, by attestation; part of no other figure.
    unverified: BTreeMap<&'static str, UnverifiedBody>,
}

/// The document of one unit, as bytes.
pub(super) fn unit(
    head: &CatalogHead,
    unit: &Unit,
    as_of: AsOf,
    periods: &[UnitPeriod],
) -> Vec<u8> {
    let periods = periods.iter();
    bytes(&UnitDocument {
        schema: UNIT_SCHEMA,
        legend: LEGEND.into_iter().collect(),
        thresholds: Thresholds::of(head),
        unit: UnitName {
            unit_id: unit.id.to_string(),
            name: Name::from(&unit.name),
            group_id: unit.group_id.to_string(),
        },
        as_of: as_of.day,
        is_frozen: as_of.is_frozen,
        periods: periods
            .map(|period| (period.period.to_string(), UnitPeriodBody::from(period)))
            .collect(),
    })
}

/// The document of one period, as bytes.
pub(super) fn period(head: &CatalogHead, overview: &Overview) -> Vec<u8> {
    let groups = overview.groups.iter();
    let units = groups.flat_map(|group| {
        let units = group.units.iter();
        units.map(|unit| UnitLine {
            unit_id: unit.id.to_string(),
            name: Name::from(unit.name),
            group_id: group.group.id.to_string(),
            as_of: unit.as_of,
            total: Figures::of(&unit.results.total).map(FiguresBody::from),
            rank: unit.placed.map(|place| place.rank),
            tier: unit.placed.map(|place| place.tier),
            dossiers: unit.results.dossiers.map(DossiersBody::from),
            ledger: LedgerBody::new(unit.results.ledger, &unit.results.taken_off_for),
            unverified: unverified(&unit.results.unverified),
        })
    });
    bytes(&PeriodDocument {
        schema: PERIOD_SCHEMA,
        legend: LEGEND.into_iter().collect(),
        thresholds: Thresholds::of(head),
        period: overview.period.to_string(),
        as_of: overview.as_of,
        province: ProvinceBody {
            name: Name::from(&head.settings.province_name),
            units_published: overview.units_published,
            units_received: overview.units_received,
            total: overview.total.map(FiguresBody::from),
            dossiers: overview.dossiers.map(DossiersBody::from),
            ledger: LedgerBody::new(overview.ledger, &overview.taken_off_for),
            unverified: unverified(&overview.unverified),
        },
        units: units.collect(),
    })
}

fn bytes(document: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(document).expect("a document holds only texts and numbers");
    bytes.push(b'\n');
    bytes
}

fn unverified(
    strata: &BTreeMap<Attestation, UnverifiedRatings>,
) -> BTreeMap<&'static str, UnverifiedBody> {
    let body = |(attestation, ratings): (&Attestation, &UnverifiedRatings)| {
        let body = UnverifiedBody {
            rater_kind: attestation.rater_kind().code(),
            received: ratings.received,
            set_aside: ratings.set_aside,
            percent: ratings.percent,
        };
        (attestation.code(), body)
    };
    strata.iter().map(body).collect()
}

impl Thresholds {
    fn of(head: &CatalogHead) -> Self {
        let settings = &head.settings;
        Self {
            min_new_ratings: settings.min_new_ratings,
            min_official_ratings: settings.min_official_ratings,
            ranked_attestations: (settings.counted_strata().iter())
                .map(|stratum| stratum.code())
                .collect(),
            sample: settings.sample,
        }
    }
}

impl From<&Text> for Name {
    fn from(text: &Text) -> Self {
        Self {
            vi: text.vi.clone(),
            en: text.en.clone(),
        }
    }
}

impl From<Figures> for FiguresBody {
    fn from(figures: Figures) -> Self {
        Self {
            rated: figures.rated,
            satisfied: figures.satisfied,
            not_satisfied: figures.not_satisfied,
            percent: figures.percent.to_f64(),
            interval_low: figures.low().to_f64(),
            interval_high: figures.high().to_f64(),
        }
    }
}

impl From<&UnitPeriod<'_>> for UnitPeriodBody {
    fn from(period: &UnitPeriod) -> Self {
        let attestations = period.attestations.iter().map(|figures| {
            let body = AttestationBody {
                total: figures.both.into(),
                unit_itself: figures.unit_itself.map(FiguresBody::from),
                officials: figures.officials.map(FiguresBody::from),
            };
            (figures.attestation.code(), body)
        });
        let reasons = period.reasons.iter().map(|reason| ReasonBody {
            code: reason.code.to_string(),
            text: reason.text.map(Name::from),
            count: reason.count,
        });
        let ranking = period.officials.iter().filter_map(|official| {
            let (place, tally) = official.placed?;
            Some(OfficialBody {
                official_id: official.id.to_string(),
                name: official.name.to_owned(),
                title: official.title.map(Name::from),
                rank: place.rank,
                tier: place.tier,
                figures: Figures::of(tally)?.into(),
            })
        });
        Self {
            total: period.total.map(FiguresBody::from),
            unit_itself: period.unit_itself.map(FiguresBody::from),
            officials: period.officials_part.map(FiguresBody::from),
            attestations: attestations.collect(),
            unverified: unverified(&period.results.unverified),
            reasons: reasons.collect(),
            questions: period.questions.iter().map(QuestionBody::from).collect(),
            score: period.score.as_ref().map(ScoreBody::from),
            ranking: ranking.collect(),
            dossiers: period.results.dossiers.map(DossiersBody::from),
            rated_dossiers: period
                .rated_dossiers
                .map(|Between { least, most }| CountBetween { least, most }),
            decision_766_percent: period.decision_766_ratio.map(PercentBetween::from),
            ledger: LedgerBody::new(period.results.ledger, &period.results.taken_off_for),
        }
    }
}

impl From<&QuestionCounts<'_>> for QuestionBody {
    fn from(question: &QuestionCounts) -> Self {
        let options = question.options.iter().map(|option| OptionBody {
            code: option.code.to_string(),
            text: Name::from(option.text),
            points: option.points,
            count: option.count,
        });
        let average = question.score.as_ref().and_then(|score| score.average());
        Self {
            code: question.code.to_string(),
            text: Name::from(question.text),
            answered: question.answered,
            unanswered: question.unanswered,
            average: average.map(Tenths::to_f64),
            options: options.collect(),
        }
    }
}

impl From<&Score> for ScoreBody {
    fn from(score: &Score) -> Self {
        let rules = score.ruleset;
        let grade = match score.unit_total {
            Total::Formed { score, .. } => Some(rules.grade(score).code()),
            Total::Missing(_) => None,
        };
        Self {
            ruleset: rules.id.clone(),
            unconfirmed: rules.unconfirmed,
            dossier_total: TotalBody::of(&score.dossier_total, rules.dossier_total.max_points),
            unit_total: TotalBody::of(&score.unit_total, rules.unit_total.max_points),
            grade,
        }
    }
}

impl TotalBody {
    fn of(total: &Total, max_points: u64) -> Self {
        match total {
            Total::Formed { score, .. } => Self {
                score: Some(score.to_f64()),
                max_points,
                missing: Vec::new(),
            },
            Total::Missing(codes) => Self {
                score: None,
                max_points,
                missing: codes.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

impl From<DossierCounts> for DossiersBody {
    fn from(dossiers: DossierCounts) -> Self {
        Self {
            received: dossiers.received,
            on_time: dossiers.on_time,
            overdue: dossiers.overdue,
        }
    }
}

impl From<Between<Tenths>> for PercentBetween {
    fn from(ratio: Between<Tenths>) -> Self {
        Self {
            least: ratio.least.to_f64(),
            most: ratio.most.to_f64(),
        }
    }
}

impl LedgerBody {
    fn new(ledger: Ledger, taken_off_for: &BTreeMap<VoidReason, u64>) -> Self {
        Self {
            received: ledger.received,
            published: ledger.published,
            waiting: ledger.waiting(),
            set_aside: ledger.set_aside,
            taken_off: ledger.taken_off,
            taken_off_for: taken_off_for
                .iter()
                .map(|(reason, count)| (reason.code(), *count))
                .collect(),
        }
    }
}
