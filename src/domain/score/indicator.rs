//! Averages of the official indicators, from counted answers and the points of the catalog's options.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::Tenths;
use crate::catalog::{Question, Questionnaire};
use crate::id::{OptionCode, QuestionCode};
use crate::rating::Answer;
use crate::tally::{Counter, Tally};

/// What is known of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndicatorScore {
    /// `cs1` … `cs9`.
    pub code: QuestionCode,
    /// Points of all answers.
    pub points: u64,
    /// Answers that carry points.
    pub answered: u64,
    /// Asked and left open; in neither side of the average.
    pub unanswered: u64,
}

impl IndicatorScore {
    /// Points ÷ answers, to one decimal place; `None` without an answer (Thông tư 01/2018, article 15).
    #[must_use]
    pub fn average(&self) -> Option<Tenths> {
        Tenths::of_ratio(self.points, self.answered)
    }
}

/// Every question ever asked, each as its newest questionnaire words it, with the options of all versions.
///
/// An option that went away keeps its last text and points, so that what was answered then still counts. Where versions
/// disagree on the points of one option code the newest is taken: a changed scale needs a new code.
#[must_use]
pub fn questions(questionnaires: &[Questionnaire]) -> Vec<Question> {
    let mut oldest_first: Vec<&Questionnaire> = questionnaires.iter().collect();
    let age = |q: &&Questionnaire| {
        (
            q.validity.from.unwrap_or(Date::MIN),
            q.version,
            q.id.clone(),
        )
    };
    oldest_first.sort_by_key(age);

    let mut known: BTreeMap<&QuestionCode, Question> = BTreeMap::new();
    for question in oldest_first.into_iter().flat_map(|q| &q.questions) {
        let Some(older) = known.insert(&question.code, question.clone()) else {
            continue;
        };
        let newest = known.entry(&question.code).or_insert_with(|| older.clone());
        for option in older.options {
            if newest.options.iter().all(|kept| kept.code != option.code) {
                newest.options.push(option);
            }
        }
    }
    let mut questions: Vec<Question> = known.into_values().collect();
    questions.sort_by(|a, b| natural_order(a.code.as_str()).cmp(&natural_order(b.code.as_str())));
    questions
}

/// The score of every one of `questions` whose options carry points and that was asked, in their order.
#[must_use]
pub fn scores(questions: &[Question], tally: &Tally) -> Vec<IndicatorScore> {
    let scored = questions
        .iter()
        .filter(|question| question.options.iter().any(|o| o.points.is_some()));
    scored
        .map(|question| score(question, tally))
        .filter(|score| score.answered + score.unanswered > 0)
        .collect()
}

/// How often `option` was chosen.
#[must_use]
pub fn chosen(tally: &Tally, question: &QuestionCode, option: &OptionCode) -> u64 {
    tally.get(&Counter::Answer(
        question.clone(),
        Answer::Option(option.clone()),
    ))
}

/// How often `question` was asked and left open.
#[must_use]
pub fn unanswered(tally: &Tally, question: &QuestionCode) -> u64 {
    tally.get(&Counter::Answer(question.clone(), Answer::Unanswered))
}

fn score(question: &Question, tally: &Tally) -> IndicatorScore {
    let mut score = IndicatorScore {
        code: question.code.clone(),
        points: 0,
        answered: 0,
        unanswered: unanswered(tally, &question.code),
    };
    for option in &question.options {
        let Some(points) = option.points else {
            continue;
        };
        let times = chosen(tally, &question.code, &option.code);
        score.answered = score.answered.saturating_add(times);
        score.points = score
            .points
            .saturating_add(times.saturating_mul(u64::from(points)));
    }
    score
}

/// `cs2` before `cs10`.
fn natural_order(code: &str) -> (&str, u64, &str) {
    let letters = code.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = code[letters.len()..].parse().unwrap_or(0);
    (letters, number, code)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::{AnswerOption, Text, Validity};
    use crate::id::QuestionnaireId;
    use crate::rating::Channel;

    fn text(vi: &str) -> Text {
        Text {
            vi: vi.to_owned(),
            en: None,
        }
    }

    fn question(code: &str, options: &[(&str, Option<u8>)]) -> Question {
        Question {
            code: QuestionCode::parse(code).unwrap(),
            text: text(code),
            options: options
                .iter()
                .map(|(code, points)| AnswerOption {
                    code: OptionCode::parse(code).unwrap(),
                    text: text(code),
                    points: *points,
                })
                .collect(),
        }
    }

    fn questionnaire(version: u32, questions: Vec<Question>) -> Questionnaire {
        Questionnaire {
            id: QuestionnaireId::parse("kiosk").unwrap(),
            version,
            channel: Channel::Kiosk,
            title: text("Khảo sát"),
            validity: Validity {
                from: Some(date(2026, 1, 1)),
                to: None,
            },
            questions,
        }
    }

    fn time() -> Question {
        question(
            "cs1",
            &[
                ("shorter", Some(2)),
                ("equal", Some(1)),
                ("longer", Some(0)),
            ],
        )
    }

    fn answers(amounts: &[(&str, u64)]) -> Tally {
        let code = QuestionCode::parse("cs1").unwrap();
        let counter = |option: &str| match option {
            "" => Counter::Answer(code.clone(), Answer::Unanswered),
            option => Counter::Answer(
                code.clone(),
                Answer::Option(OptionCode::parse(option).unwrap()),
            ),
        };
        amounts
            .iter()
            .map(|(option, amount)| (counter(option), *amount))
            .collect()
    }

    #[test]
    fn an_unanswered_question_is_left_out_and_counted() {
        let tally = answers(&[("shorter", 1), ("longer", 1), ("", 8)]);

        let scores = scores(&[time()], &tally);

        assert_eq!(scores[0].average(), Some(Tenths(10)));
        assert_eq!((scores[0].answered, scores[0].unanswered), (2, 8));
    }

    #[test]
    fn an_average_is_rounded_not_floored() {
        let tally = answers(&[("shorter", 19), ("longer", 1)]);
        assert_eq!(scores(&[time()], &tally)[0].average(), Some(Tenths(19)));

        let tally = answers(&[("shorter", 35), ("equal", 5)]);
        assert_eq!(
            scores(&[time()], &tally)[0].average(),
            Some(Tenths(19)),
            "75 ÷ 40 = 1.875"
        );
    }

    #[test]
    fn a_question_never_asked_has_no_score() {
        assert_eq!(scores(&[time()], &Tally::default()), []);
        let only_left_open = scores(&[time()], &answers(&[("", 3)]));
        assert_eq!(only_left_open[0].average(), None);
    }

    #[test]
    fn a_dropped_option_keeps_its_points_and_a_newer_text_wins() {
        let first = questionnaire(
            1,
            vec![question("cs1", &[("early", Some(2)), ("late", Some(0))])],
        );
        let mut second = questionnaire(2, vec![time()]);
        second.questions[0].text = text("Thời gian");

        let known = questions(&[second, first]);

        assert_eq!(known.len(), 1);
        assert_eq!(known[0].text.vi, "Thời gian");
        let codes: Vec<_> = known[0].options.iter().map(|o| o.code.as_str()).collect();
        assert_eq!(codes, ["shorter", "equal", "longer", "early", "late"]);
        let tally = answers(&[("early", 3), ("equal", 1)]);
        assert_eq!(scores(&known, &tally)[0].points, 7);
    }

    #[test]
    fn indicators_are_listed_in_natural_order() {
        let codes = ["cs10", "cs2", "cs1", "overall"];
        let asked = codes.map(|code| question(code, &[("a", None), ("b", None)]));

        let known = questions(&[questionnaire(1, asked.to_vec())]);

        let codes: Vec<_> = known.iter().map(|q| q.code.as_str()).collect();
        assert_eq!(codes, ["cs1", "cs2", "cs10", "overall"]);
    }

    proptest! {
        #[test]
        fn an_average_stays_within_the_scale(shorter in 0_u64..100_000, equal in 0_u64..100_000, longer in 0_u64..100_000, open in 0_u64..100_000) {
            let tally = answers(&[("shorter", shorter), ("equal", equal), ("longer", longer), ("", open)]);

            for score in scores(&[time()], &tally) {
                prop_assert_eq!(score.answered, shorter + equal + longer);
                prop_assert!(score.average().is_none_or(|average| average <= Tenths(20)));
            }
        }
    }
}
