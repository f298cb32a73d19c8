//! What is checked of a form before anything is read or written, value by value.

use jiff::ToSpan;
use jiff::civil::date;
use thuocdo::domain::catalog::{Catalog, CatalogHead, UnitEntry, Validity};
use thuocdo::domain::form::Fault;
use thuocdo::domain::id::{QuestionnaireId, UnitId};
use thuocdo::domain::rating::{Answer, Channel, Subject};
use thuocdo::handlers::submit_rating::SubmitRating;
use thuocdo::intake::rating::form::{Checked, check};
use thuocdo::intake::rating::{RatingRefused, check_subject};

use crate::fixture::{self, CLOSED_UNIT, UNIT};
use crate::support::official;

const TODAY: jiff::civil::Date = date(2026, 11, 21);

/// What [`check_subject`] says of `subject` after `change`.
fn told(subject: &str, change: impl FnOnce(&mut CatalogHead, &mut UnitEntry)) -> &'static str {
    let Catalog {
        mut head,
        mut units,
    } = fixture::catalog(1, 1);
    let subject = Subject::parse(subject).unwrap();
    let entry = units.get_mut(&subject.unit_id).unwrap();
    change(&mut head, entry);
    match check_subject(&subject, Some(entry), &head, TODAY) {
        Ok(()) => "open",
        Err(RatingRefused::ClosedSubject) => "closed",
        Err(refused) => {
            assert_eq!(refused, RatingRefused::UnknownOfficial);
            "unknown"
        }
    }
}

#[test]
fn what_is_closed_or_not_yet_open_takes_no_ratings() {
    let opens_in = |days: i64| {
        told(UNIT, |head, _| {
            head.settings.opens = Some(TODAY.checked_add(days.days()).unwrap());
        })
    };
    let ended = Validity {
        from: None,
        to: Some(date(2026, 11, 20)),
    };

    assert_eq!(told(UNIT, |_, _| {}), "open");
    assert_eq!(told(CLOSED_UNIT, |_, _| {}), "closed");
    assert_eq!(told(UNIT, |_, unit| unit.unit.validity = ended), "closed");
    assert_eq!(
        told(UNIT, |head, unit| {
            let mut groups = head.groups.iter_mut();
            let group = groups.find(|group| group.id == unit.unit.group_id);
            group.unwrap().validity = ended;
        }),
        "closed"
    );
    assert_eq!(
        [opens_in(-1), opens_in(0), opens_in(1)],
        ["open", "open", "closed"]
    );
    assert_eq!(told(&official(), |_, _| {}), "open");
    assert_eq!(told(&format!("{UNIT}/nobody"), |_, _| {}), "unknown");
    let head = fixture::catalog(1, 1).head;
    let nowhere = Subject {
        unit_id: UnitId::parse("nowhere").unwrap(),
        official_id: None,
    };
    assert_eq!(
        check_subject(&nowhere, None, &head, TODAY),
        Err(RatingRefused::UnknownUnit)
    );
}

fn form() -> SubmitRating {
    SubmitRating {
        subject: Some(UNIT.to_owned()),
        rater_kind: Some("participant".to_owned()),
        field_id: Some("dat-dai".to_owned()),
        receipt_code: Some("000.00.20.H17-261012-0007".to_owned()),
        satisfaction: Some("satisfied".to_owned()),
        ..SubmitRating::default()
    }
}

fn checked(change: impl FnOnce(&mut SubmitRating)) -> Result<Checked, Vec<String>> {
    let mut form = form();
    change(&mut form);
    let head = fixture::catalog(1, 1).head;
    check(&form.form(), &head, Channel::Web, TODAY).map_err(|errors| {
        let named = errors.iter();
        named
            .map(|error| format!("{}:{}", error.field.code(), error.fault.code()))
            .collect()
    })
}

#[test]
fn an_attempt_is_22_characters_of_base64url_and_nothing_else() {
    let sent = "AbCdEfGhIjKlMnOpQrStUg";
    let same = checked(|form| form.attempt = Some(sent.to_owned())).unwrap();
    let [fresh, another] = [(); 2].map(|()| checked(|_| {}).unwrap().attempt);

    assert_eq!(same.attempt, sent);
    assert_ne!(fresh, another);
    for malformed in [
        "",
        "short",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAA+",
    ] {
        let told = checked(|form| form.attempt = Some(malformed.to_owned()));
        assert_eq!(
            told.unwrap_err(),
            ["security_code:malformed"],
            "{malformed}"
        );
    }
}

#[test]
fn every_question_asked_has_an_answer_or_is_open_and_no_other_is_answered() {
    let given = |answers: &[(&str, &str)]| {
        checked(|form| {
            let pairs = answers.iter();
            form.answers = pairs
                .map(|(q, o)| ((*q).to_owned(), (*o).to_owned()))
                .collect();
        })
    };
    let answers = |checked: Checked| checked.answers.into_values().collect::<Vec<_>>();

    assert_eq!(answers(given(&[]).unwrap()), [Answer::Unanswered]);
    assert_eq!(
        answers(given(&[("cs1", "")]).unwrap()),
        [Answer::Unanswered]
    );
    assert!(matches!(
        answers(given(&[("cs1", "equal")]).unwrap())[..],
        [Answer::Option(_)]
    ));
    for wrong in [("cs1", "maybe"), ("cs2", "equal"), ("cs1", "?")] {
        assert_eq!(
            given(&[wrong]).unwrap_err(),
            ["answers:unknown"],
            "{wrong:?}"
        );
    }
}

#[test]
fn the_questionnaire_answered_is_one_this_channel_has_asked() {
    let mut head = fixture::catalog(1, 1).head;
    let mut elsewhere = head.questionnaires[0].clone();
    elsewhere.id = QuestionnaireId::parse("kiosk").unwrap();
    elsewhere.channel = Channel::Kiosk;
    head.questionnaires.push(elsewhere);
    let told = |questionnaire: &str| {
        let form = SubmitRating {
            questionnaire: Some(questionnaire.to_owned()),
            ..form()
        };
        let checked = check(&form.form(), &head, Channel::Web, TODAY);
        checked.map(|checked| checked.questionnaire.unwrap().1)
    };

    assert_eq!(told("web@1"), Ok(1));
    for other in ["web@2", "kiosk@1", "paper@1", "web", ""] {
        assert_eq!(told(other).unwrap_err()[0].fault, Fault::Unknown, "{other}");
    }
}

#[test]
fn reasons_count_for_the_dissatisfied_alone() {
    let with = |satisfaction: &str, reasons: &[&str]| {
        checked(|form| {
            form.satisfaction = Some(satisfaction.to_owned());
            form.reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
        })
        .map(|checked| checked.reasons.len())
    };

    assert_eq!(with("satisfied", &[]), Ok(0));
    assert_eq!(with("satisfied", &["thai-do"]), Ok(0));
    assert_eq!(with("not_satisfied", &["thai-do", "tre-hen"]), Ok(2));
    assert_eq!(
        with("not_satisfied", &[]),
        Err(vec!["reasons:missing".to_owned()])
    );
}
