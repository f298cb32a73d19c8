//! Official scoring rules as data with the day they came into force, so that an old period keeps its own rules.
//!
//! The rules a build ships lie in `rulesets/*.json`. What could not be confirmed in the text of the law is marked
//! `unconfirmed` there and never shown as a result.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;

use super::Tenths;
use super::indicator::IndicatorScore;
use crate::catalog::Text;
use crate::id::QuestionCode;

/// Oldest first.
static RULESETS: LazyLock<Vec<Ruleset>> = LazyLock::new(|| {
    let mut rulesets: Vec<Ruleset> = [include_str!("rulesets/tt-01-2018.json")]
        .into_iter()
        .map(|json| serde_json::from_str(json).expect("a shipped ruleset is read by a test"))
        .collect();
    rulesets.sort_by_key(|ruleset| ruleset.valid_from);
    rulesets
});

/// One version of the official scoring rules.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruleset {
    /// Stable identifier.
    pub id: String,
    /// First day it applies to.
    pub valid_from: Date,
    /// The document it stands in.
    pub name: Text,
    /// Whether the customer has still to confirm it.
    pub unconfirmed: bool,
    /// What is scored, in order.
    pub indicators: Vec<Indicator>,
    /// Adds up the indicators scored on dossiers.
    pub dossier_total: TotalRule,
    /// Adds up all indicators.
    pub unit_total: TotalRule,
    /// Best first; the last reaches down to 0.
    pub unit_bands: Vec<Band>,
    /// Grades of an official by the totals of single dossiers.
    pub task_grades: TaskGrades,
}

/// An official indicator (chỉ số).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// `cs1` … `cs9`.
    pub code: QuestionCode,
    /// Shown name.
    pub name: Text,
}

/// Which indicators a total adds up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotalRule {
    /// All of them, or there is no total.
    pub indicators: Vec<QuestionCode>,
    /// The most the total can be, in points.
    pub max_points: u64,
}

/// Where a grade begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The grade.
    pub grade: Grade,
    /// The least total that earns it, in tenths of a point.
    pub from_tenths: u64,
}

/// Grade of a unit (xếp loại).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Xuất sắc.
    Excellent,
    /// Tốt.
    Good,
    /// Khá.
    Fair,
    /// Trung bình.
    Average,
    /// Yếu.
    Weak,
}

impl Grade {
    /// Its spelling in files and locale keys.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Average => "average",
            Self::Weak => "weak",
        }
    }
}

/// Grades of an official's task completion; they need the total of every single dossier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskGrades {
    /// Whether the customer has still to confirm them.
    pub unconfirmed: bool,
    /// Best first; who meets none has not completed the task.
    pub rules: Vec<TaskRule>,
}

/// What a task grade asks of an official's dossiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskRule {
    /// The grade.
    pub grade: TaskGrade,
    /// A dossier with this total or more counts as high, in tenths of a point.
    pub high_from_tenths: u64,
    /// Least share of high dossiers, in percent.
    pub high_percent: u64,
    /// A dossier under this total counts as low, in tenths of a point.
    #[serde(default)]
    pub low_under_tenths: u64,
    /// The share of low dossiers must be under this, in percent; at 0 there may be none.
    #[serde(default)]
    pub low_under_percent: u64,
}

/// An official's task completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskGrade {
    /// Hoàn thành xuất sắc nhiệm vụ.
    Outstanding,
    /// Hoàn thành tốt nhiệm vụ.
    Well,
    /// Hoàn thành nhiệm vụ.
    Met,
    /// Không hoàn thành nhiệm vụ.
    NotMet,
}

/// A total of indicator averages, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Total {
    /// Every indicator of the rule has an average.
    Formed {
        /// Sum of the rounded averages, in points.
        score: Tenths,
        /// The most it could be, in points.
        max_points: u64,
    },
    /// These have none; nothing is put in their place.
    Missing(Vec<QuestionCode>),
}

impl Ruleset {
    /// The rules in force on `date`; the oldest before the first.
    #[must_use]
    pub fn in_force(date: Date) -> &'static Self {
        let later = RULESETS.partition_point(|ruleset| ruleset.valid_from <= date);
        &RULESETS[later.saturating_sub(1)]
    }

    /// The total of the indicators scored on dossiers, of 10 under Thông tư 01/2018, article 15.
    #[must_use]
    pub fn dossier_total(&self, scores: &[IndicatorScore]) -> Total {
        self.dossier_total.add_up(scores)
    }

    /// The total of all indicators, of 18 under Thông tư 01/2018, article 15.
    #[must_use]
    pub fn unit_total(&self, scores: &[IndicatorScore]) -> Total {
        self.unit_total.add_up(scores)
    }

    /// The grade a unit's total earns.
    #[must_use]
    pub fn grade(&self, total: Tenths) -> Grade {
        let earned = self
            .unit_bands
            .iter()
            .find(|band| band.from_tenths <= total.0);
        earned.map_or(Grade::Weak, |band| band.grade)
    }

    /// The indicator `code`, where these rules know it.
    #[must_use]
    pub fn indicator(&self, code: &QuestionCode) -> Option<&Indicator> {
        self.indicators
            .iter()
            .find(|indicator| indicator.code == *code)
    }
}

impl TotalRule {
    fn add_up(&self, scores: &[IndicatorScore]) -> Total {
        let average = |code: &QuestionCode| {
            let score = scores.iter().find(|score| score.code == *code);
            score.and_then(IndicatorScore::average)
        };
        let missing: Vec<QuestionCode> = self
            .indicators
            .iter()
            .filter(|code| average(code).is_none())
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Total::Missing(missing);
        }
        let sum = self
            .indicators
            .iter()
            .filter_map(average)
            .map(|a| a.0)
            .sum();
        Total::Formed {
            score: Tenths(sum),
            max_points: self.max_points,
        }
    }
}

impl TaskGrades {
    /// The grade earned by dossiers with these totals; `None` without any dossier.
    #[must_use]
    pub fn grade(&self, dossier_totals: &[Tenths]) -> Option<TaskGrade> {
        let all = dossier_totals.len() as u64;
        if all == 0 {
            return None;
        }
        let count = |counted: &dyn Fn(u64) -> bool| {
            dossier_totals
                .iter()
                .filter(|total| counted(total.0))
                .count() as u64
        };
        let met = self.rules.iter().find(|rule| {
            let high = count(&|total| total >= rule.high_from_tenths);
            let low = count(&|total| total < rule.low_under_tenths);
            high * 100 >= rule.high_percent * all
                && (low == 0 || low * 100 < rule.low_under_percent * all)
        });
        Some(met.map_or(TaskGrade::NotMet, |rule| rule.grade))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn rules() -> &'static Ruleset {
        Ruleset::in_force(date(2026, 11, 21))
    }

    fn score(code: &str, points: u64, answered: u64) -> IndicatorScore {
        IndicatorScore {
            code: QuestionCode::parse(code).unwrap(),
            points,
            answered,
            unanswered: 0,
        }
    }

    #[test]
    fn every_shipped_ruleset_is_complete() {
        for ruleset in RULESETS.iter() {
            let known = |code: &QuestionCode| ruleset.indicator(code).is_some();
            assert!(ruleset.dossier_total.indicators.iter().all(known));
            assert!(ruleset.unit_total.indicators.iter().all(known));
            assert_eq!(ruleset.unit_bands.last().unwrap().from_tenths, 0);
            assert!(
                ruleset
                    .unit_bands
                    .is_sorted_by_key(|band| std::cmp::Reverse(band.from_tenths))
            );
            for total in [&ruleset.dossier_total, &ruleset.unit_total] {
                assert_eq!(total.max_points, 2 * total.indicators.len() as u64);
            }
        }
    }

    #[test]
    fn a_period_older_than_any_rules_takes_the_oldest() {
        assert_eq!(Ruleset::in_force(date(2000, 1, 1)).id, "tt-01-2018");
        assert_eq!(rules().id, "tt-01-2018");
    }

    #[test]
    fn exactly_15_is_excellent_and_a_tenth_less_is_good() {
        for (tenths, grade) in [
            (180, Grade::Excellent),
            (150, Grade::Excellent),
            (149, Grade::Good),
            (120, Grade::Good),
            (119, Grade::Fair),
            (90, Grade::Fair),
            (89, Grade::Average),
            (60, Grade::Average),
            (59, Grade::Weak),
            (0, Grade::Weak),
        ] {
            assert_eq!(rules().grade(Tenths(tenths)), grade, "{tenths}");
        }
    }

    #[test]
    fn fourteen_point_95_is_rounded_by_indicator_first() {
        let with_last = |points, answered| {
            let mut scores: Vec<_> = (1..=7).map(|i| score(&format!("cs{i}"), 2, 1)).collect();
            scores.push(score("cs8", 0, 1));
            scores.push(score("cs9", points, answered));
            rules().unit_total(&scores)
        };
        let formed = |tenths| Total::Formed {
            score: Tenths(tenths),
            max_points: 18,
        };

        assert_eq!(with_last(19, 20), formed(150), "14 + 0.95 rounds up to 1.0");
        assert_eq!(
            with_last(94, 100),
            formed(149),
            "14 + 0.94 rounds down to 0.9"
        );
    }

    #[test]
    fn a_total_is_not_padded_where_an_indicator_is_missing() {
        let asked_on_the_kiosk = [score("cs1", 20, 10), score("cs3", 20, 10)];

        let Total::Missing(missing) = rules().dossier_total(&asked_on_the_kiosk) else {
            panic!("no total can be formed");
        };

        let missing: Vec<_> = missing.iter().map(QuestionCode::as_str).collect();
        assert_eq!(missing, ["cs2", "cs4", "cs7"]);
    }

    #[test]
    fn an_indicator_asked_but_never_answered_is_missing_too() {
        let scores: Vec<_> = ["cs1", "cs2", "cs3", "cs4"]
            .map(|code| score(code, 2, 1))
            .into_iter()
            .chain([score("cs7", 0, 0)])
            .collect();

        assert_eq!(
            rules().dossier_total(&scores),
            Total::Missing(vec![QuestionCode::parse("cs7").unwrap()])
        );
    }

    #[test]
    fn the_dossier_total_is_at_most_10() {
        let full: Vec<_> = (1..=9).map(|i| score(&format!("cs{i}"), 14, 7)).collect();

        assert_eq!(
            rules().dossier_total(&full),
            Total::Formed {
                score: Tenths(100),
                max_points: 10
            }
        );
    }

    #[test]
    fn task_grades_are_shipped_unconfirmed_and_follow_their_shares() {
        let grades = &rules().task_grades;
        let grade = |totals: &[(u64, usize)]| {
            let totals = totals.iter();
            let dossiers: Vec<Tenths> = totals
                .flat_map(|(points, times)| vec![Tenths(points * 10); *times])
                .collect();
            grades.grade(&dossiers)
        };

        assert!(grades.unconfirmed);
        assert_eq!(grade(&[]), None);
        assert_eq!(grade(&[(8, 10)]), Some(TaskGrade::Outstanding));
        assert_eq!(grade(&[(9, 7), (5, 3)]), Some(TaskGrade::Well));
        assert_eq!(grade(&[(9, 7), (5, 2), (3, 1)]), Some(TaskGrade::Met));
        assert_eq!(grade(&[(7, 5), (5, 3), (3, 2)]), Some(TaskGrade::Met));
        assert_eq!(grade(&[(7, 5), (5, 2), (3, 3)]), Some(TaskGrade::NotMet));
    }

    #[test]
    fn rules_hold_from_their_first_day() {
        let first = RULESETS[0].valid_from;

        assert_eq!(Ruleset::in_force(first).id, RULESETS[0].id);
        for pair in RULESETS.windows(2) {
            assert!(pair[0].valid_from < pair[1].valid_from);
            assert_eq!(Ruleset::in_force(pair[1].valid_from).id, pair[1].id);
        }
    }

    #[test]
    fn an_indicator_is_found_by_its_code() {
        let find = |code| {
            let code = QuestionCode::parse(code).unwrap();
            rules()
                .indicator(&code)
                .map(|indicator| indicator.code.to_string())
        };

        assert_eq!(
            (find("cs1").as_deref(), find("cs8").as_deref()),
            (Some("cs1"), Some("cs8"))
        );
        assert_eq!(find("cs99"), None);
    }

    #[test]
    fn a_grade_is_spelt_as_files_and_locales_spell_it() {
        let grades = [
            Grade::Excellent,
            Grade::Good,
            Grade::Fair,
            Grade::Average,
            Grade::Weak,
        ];

        assert_eq!(
            grades.map(Grade::code),
            ["excellent", "good", "fair", "average", "weak"]
        );
    }

    #[test]
    fn a_dossier_at_the_border_is_not_below_it() {
        let grades = &rules().task_grades;
        let rule = grades
            .rules
            .iter()
            .find(|rule| rule.grade == TaskGrade::Well)
            .unwrap();
        let with_last = |tenths| {
            grades.grade(&[vec![Tenths(rule.high_from_tenths); 9], vec![Tenths(tenths)]].concat())
        };

        assert_eq!(with_last(rule.low_under_tenths), Some(TaskGrade::Well));
        assert_eq!(with_last(rule.low_under_tenths - 1), Some(TaskGrade::Met));
    }
}
