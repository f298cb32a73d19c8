//! What is shown of one unit for one period: the one source of its pages and of its files.

use crate::domain::catalog::{CatalogHead, Question, Text, UnitEntry};
use crate::domain::id::{OptionCode, QuestionCode, ReasonCode};
use crate::domain::period::Period;
use crate::domain::publication::{PeriodResults, StratumResults, UnitResults};
use crate::domain::rating::Attestation;
use crate::domain::score::Tenths;
use crate::domain::score::indicator::{self, IndicatorScore};
use crate::domain::score::ruleset::{Ruleset, Total};
use crate::domain::score::satisfaction::{self, Between};
use crate::domain::tally::{Counter, Tally};
use crate::site::context::SiteContext;

use super::figures::Figures;
use super::standing::{self, OfficialStanding};

/// One unit and period.
#[derive(Debug, Clone)]
pub(super) struct UnitPeriod<'a> {
    pub(super) period: Period,
    pub(super) results: &'a PeriodResults,
    /// All verified ratings; none while there are not enough.
    pub(super) total: Option<Figures>,
    /// Ratings of the unit itself.
    pub(super) unit_itself: Option<Figures>,
    /// Ratings of its officials.
    pub(super) officials_part: Option<Figures>,
    /// The ranking strata with published ratings.
    pub(super) attestations: Vec<AttestationFigures>,
    /// By rank, then those without enough ratings.
    pub(super) officials: Vec<OfficialStanding<'a>>,
    /// Most often given first.
    pub(super) reasons: Vec<ReasonCount<'a>>,
    /// Every question put to participants.
    pub(super) questions: Vec<QuestionCounts<'a>>,
    /// Official totals; none where no indicator was asked.
    pub(super) score: Option<Score>,
    /// How many of the dossiers were rated.
    pub(super) rated_dossiers: Option<Between<u64>>,
    /// The satisfaction ratio of Quyết định 766.
    pub(super) decision_766_ratio: Option<Between<Tenths>>,
}

/// One attestation, as a whole and in its two parts.
#[derive(Debug, Clone)]
pub(super) struct AttestationFigures {
    pub(super) attestation: Attestation,
    pub(super) both: Figures,
    pub(super) unit_itself: Option<Figures>,
    pub(super) officials: Option<Figures>,
}

/// How often a reason was given.
#[derive(Debug, Clone)]
pub(super) struct ReasonCount<'a> {
    pub(super) code: &'a ReasonCode,
    /// None for one that is no longer in the catalog.
    pub(super) text: Option<&'a Text>,
    pub(super) count: u64,
}

/// How one question was answered.
#[derive(Debug, Clone)]
pub(super) struct QuestionCounts<'a> {
    pub(super) code: &'a QuestionCode,
    pub(super) text: &'a Text,
    pub(super) options: Vec<OptionCount<'a>>,
    /// Answers of all options.
    pub(super) answered: u64,
    pub(super) unanswered: u64,
    /// Where its options carry points.
    pub(super) score: Option<IndicatorScore>,
}

/// How often an option was chosen.
#[derive(Debug, Clone)]
pub(super) struct OptionCount<'a> {
    pub(super) code: &'a OptionCode,
    pub(super) text: &'a Text,
    pub(super) points: Option<u8>,
    pub(super) count: u64,
}

/// Totals under the rules in force at the end of the period.
#[derive(Debug, Clone)]
pub(super) struct Score {
    pub(super) ruleset: &'static Ruleset,
    pub(super) dossier_total: Total,
    pub(super) unit_total: Total,
}

/// Every period of a unit, in the order of [`Period`].
pub(super) fn all<'a>(
    context: &SiteContext<'a>,
    questions: &'a [Question],
    entry: &'a UnitEntry,
    results: &'a UnitResults,
) -> Vec<UnitPeriod<'a>> {
    let as_of = results.as_of.unwrap_or(context.today);
    let periods = results.periods.iter();
    periods
        .map(|(period, published)| {
            let ruleset = Ruleset::in_force(standing::last_day(*period, as_of));
            UnitPeriod::new(context.head, questions, entry, *period, published, ruleset)
        })
        .collect()
}

impl<'a> UnitPeriod<'a> {
    fn new(
        head: &'a CatalogHead,
        questions: &'a [Question],
        entry: &'a UnitEntry,
        period: Period,
        results: &'a PeriodResults,
        ruleset: &'static Ruleset,
    ) -> Self {
        let part = |part: fn(&StratumResults) -> &Tally| {
            let mut sum = Tally::default();
            for stratum in results.strata.values() {
                sum += part(stratum);
            }
            Figures::of(&sum)
        };
        let attestations = results.strata.iter().filter_map(|(attestation, stratum)| {
            let mut both = stratum.unit_itself.clone();
            both += &stratum.officials;
            Some(AttestationFigures {
                attestation: *attestation,
                both: Figures::of(&both)?,
                unit_itself: Figures::of(&stratum.unit_itself),
                officials: Figures::of(&stratum.officials),
            })
        });
        Self {
            period,
            results,
            total: Figures::of(&results.total),
            unit_itself: part(|stratum| &stratum.unit_itself),
            officials_part: part(|stratum| &stratum.officials),
            attestations: attestations.collect(),
            officials: match period {
                Period::Month(_) => Vec::new(),
                _ => standing::officials(entry, period, results),
            },
            reasons: reason_counts(head, &results.total),
            questions: question_counts(questions, &results.answers),
            score: Score::of(questions, &results.answers, ruleset),
            rated_dossiers: satisfaction::rated_dossiers(results),
            decision_766_ratio: satisfaction::decision_766_ratio(results),
        }
    }
}

impl Score {
    fn of(questions: &[Question], answers: &Tally, ruleset: &'static Ruleset) -> Option<Self> {
        let scores = indicator::scores(questions, answers);
        if scores.is_empty() {
            return None;
        }
        Some(Self {
            ruleset,
            dossier_total: ruleset.dossier_total(&scores),
            unit_total: ruleset.unit_total(&scores),
        })
    }
}

fn reason_counts<'a>(head: &'a CatalogHead, total: &'a Tally) -> Vec<ReasonCount<'a>> {
    let given = total
        .counters()
        .filter_map(|(counter, count)| match counter {
            Counter::Reason(code) => Some((code, count)),
            _ => None,
        });
    let mut reasons: Vec<ReasonCount> = given
        .map(|(code, count)| {
            let reason = head.reasons.iter().find(|reason| reason.code == *code);
            ReasonCount {
                code,
                text: reason.map(|reason| &reason.text),
                count,
            }
        })
        .collect();
    let position = |code: &ReasonCode| head.reasons.iter().position(|r| r.code == *code);
    reasons.sort_by_key(|reason| {
        (
            std::cmp::Reverse(reason.count),
            position(reason.code).unwrap_or(usize::MAX),
        )
    });
    reasons
}

fn question_counts<'a>(questions: &'a [Question], tally: &Tally) -> Vec<QuestionCounts<'a>> {
    let scores = indicator::scores(questions, tally);
    let counts = questions.iter().map(|question| {
        let options: Vec<OptionCount> = question
            .options
            .iter()
            .map(|option| OptionCount {
                code: &option.code,
                text: &option.text,
                points: option.points,
                count: indicator::chosen(tally, &question.code, &option.code),
            })
            .collect();
        QuestionCounts {
            code: &question.code,
            text: &question.text,
            answered: options.iter().map(|option| option.count).sum(),
            options,
            unanswered: indicator::unanswered(tally, &question.code),
            score: scores.iter().find(|s| s.code == question.code).cloned(),
        }
    });
    counts
        .filter(|question| question.answered + question.unanswered > 0)
        .collect()
}
