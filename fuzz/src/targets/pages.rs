//! Every page and file of catalogs and results that hold hostile texts and any figures.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use jiff::civil::date;
use serde_json::{Value, json};
use thuocdo::domain::catalog::{CatalogHead, UnitEntry};
use thuocdo::domain::form::{Fault, FieldError, FormField};
use thuocdo::domain::id::{OfficialId, OptionCode, QuestionCode, ReasonCode, UnitId};
use thuocdo::domain::lang::Lang;
use thuocdo::domain::period::Period;
use thuocdo::domain::publication::{
    DossierCounts, Ledger, PeriodResults, StratumResults, UnitResults,
};
use thuocdo::domain::rating::{Answer, Attestation, RaterKind, Subject};
use thuocdo::domain::tally::{Counter, Tally};
use thuocdo::http::{Problem, ProblemKind};
use thuocdo::site::context::SiteContext;
use thuocdo::site::rating_form::{
    ProblemPage, RatingForm, ReceiptForm, TypedCodePage, TypedValues,
};
use thuocdo::site::{SiteFile, rating_pages, results};

use super::hostile;
use crate::html;

const UNITS: [&str; 2] = ["a", "b-2"];
const OFFICIALS: [&str; 3] = ["a-1", "a-2", "a-3"];

pub(crate) fn run(input: &[u8]) {
    let mut u = Unstructured::new(input);
    // Out of bytes: nothing is rendered.
    let _ = render(&mut u);
}

fn render(u: &mut Unstructured<'_>) -> Result<()> {
    let head = head(u)?;
    let mut units = BTreeMap::new();
    let mut figures = BTreeMap::new();
    for id in UNITS {
        let unit = UnitId::parse(id).expect("an identifier");
        units.insert(unit.clone(), entry(id, u)?);
        figures.insert(unit.clone(), unit_results(unit, u)?);
    }
    let values = typed_values(u)?;
    let token = hostile::text(u)?;
    let problem = Problem {
        kind: *u.choose(&[
            ProblemKind::Invalid,
            ProblemKind::AlreadyRated,
            ProblemKind::Unavailable,
            ProblemKind::ChallengeRefused,
        ])?,
        errors: vec![
            FieldError {
                field: FormField::SecurityCode,
                fault: Fault::Wrong,
            },
            FieldError {
                field: FormField::Suggestion,
                fault: Fault::TooLong,
            },
        ],
    };
    let lang = *u.choose(&[Lang::Vi, Lang::En])?;
    let context = SiteContext {
        head: &head,
        lang,
        today: date(2026, 11, 21),
    };
    let mut files = rating_pages::general_pages(&context, &units);
    files.extend(results::overview_files(&context, &units, &figures));
    for (id, entry) in &units {
        files.extend(rating_pages::unit_pages(&context, entry));
        files.extend(results::unit_files(&context, entry, &figures[id]));
    }
    files.iter().for_each(check);
    let (id, entry) = units.first_key_value().expect("there are units");
    for rater_kind in [RaterKind::Participant, RaterKind::NonParticipant] {
        let subject = |official_id| {
            (
                Subject {
                    unit_id: id.clone(),
                    official_id,
                },
                None,
            )
        };
        let official = OfficialId::parse(OFFICIALS[0]).expect("an identifier");
        let subjects = vec![subject(None), subject(Some(official))];
        let form = RatingForm {
            context: &context,
            entry,
            subjects,
            rater_kind,
            values: &values,
            problem: Some(&problem),
        };
        html::check(&form.render());
    }
    html::check(
        &ReceiptForm {
            context: &context,
            values: &values,
            problem: Some(&problem),
        }
        .render(),
    );
    html::check(
        &TypedCodePage {
            context: &context,
            action: "/api/ratings",
            values: &values,
            token: &token,
            wrong: true,
        }
        .render(),
    );
    html::check(
        &ProblemPage {
            context: &context,
            problem: &problem,
        }
        .render(),
    );
    Ok(())
}

fn check(file: &SiteFile) {
    let kind = file.content_type.split(';').next().unwrap_or_default();
    match kind {
        "text/html" => html::check(std::str::from_utf8(&file.bytes).expect("a page is UTF-8")),
        "application/json" => {
            serde_json::from_slice::<Value>(&file.bytes).expect("a data file is JSON");
        }
        "text/csv" => {
            std::str::from_utf8(&file.bytes).expect("a CSV file is UTF-8");
        }
        _ => assert!(!file.bytes.is_empty(), "{} is empty", file.path),
    }
}

fn text(u: &mut Unstructured<'_>) -> Result<Value> {
    let english = u.arbitrary::<bool>()?;
    Ok(match english {
        true => json!({ "vi": hostile::text(u)?, "en": hostile::text(u)? }),
        false => json!({ "vi": hostile::text(u)? }),
    })
}

fn head(u: &mut Unstructured<'_>) -> Result<CatalogHead> {
    let option = |code: &str, points: Option<u8>, u: &mut Unstructured<'_>| -> Result<Value> {
        Ok(json!({ "code": code, "text": text(u)?, "points": points }))
    };
    let mut questions = Vec::new();
    for code in ["cs1", "cs11", "khac"] {
        let points = u.int_in_range(0..=2)?;
        let options = [option("tot", Some(points), u)?, option("xau", None, u)?];
        questions.push(json!({ "code": code, "text": text(u)?, "options": options }));
    }
    let questionnaire = json!({
        "id": "web", "version": u.arbitrary::<u32>()?, "channel": "web", "title": text(u)?, "questions": questions,
    });
    let opens = if u.ratio(1, 4)? {
        json!("2027-01-01")
    } else {
        Value::Null
    };
    let head = json!({
        "settings": {
            "province_name": text(u)?, "agency_name": text(u)?, "hotline": hostile::text(u)?, "email": hostile::text(u)?,
            "min_new_ratings": u.int_in_range(1..=u32::MAX)?, "min_official_ratings": u.int_in_range(1..=u32::MAX)?,
            "ranking_strata": ["dossier_verified", "device_session"], "legal_basis": text(u)?, "consent_text": text(u)?,
            "retention_days": u.arbitrary::<u32>()?, "opens": opens, "sample": u.arbitrary::<bool>()?,
        },
        "groups": [
            { "id": "g", "name": text(u)? },
            { "id": "cu", "name": text(u)?, "validity": { "to": "2025-06-30" } },
        ],
        "fields": [{ "id": "f", "name": text(u)? }],
        "reasons": [{ "code": "r", "text": text(u)?, "indicator": "cs1" }, { "code": "r2", "text": text(u)? }],
        "questionnaires": [questionnaire],
    });
    Ok(serde_json::from_value(head).expect("a head of this shape"))
}

fn entry(id: &str, u: &mut Unstructured<'_>) -> Result<UnitEntry> {
    let mut officials = Vec::new();
    for official in &OFFICIALS[..u.int_in_range(0..=OFFICIALS.len())?] {
        let photo = if u.ratio(1, 4)? {
            json!(format!("/{}", hostile::text(u)?.trim_start_matches('/')))
        } else {
            Value::Null
        };
        officials.push(json!({
            "id": official, "unit_id": id, "name": hostile::text(u)?, "title": text(u)?, "category": "civil_servant",
            "role": *u.choose(&["guide", "desk"])?, "photo": photo,
        }));
    }
    let validity = if u.ratio(1, 4)? {
        json!({ "to": "2025-06-30" })
    } else {
        json!({})
    };
    let entry = json!({
        "unit": { "id": id, "group_id": *u.choose(&["g", "cu"])?, "name": text(u)?, "validity": validity, "successor": "a" },
        "officials": officials,
    });
    Ok(serde_json::from_value(entry).expect("an entry of this shape"))
}

/// Numbers the tables can hold; sums over a site stay far below 2⁶⁴.
fn amount(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.ratio(1, 2)? {
        true => u.int_in_range(0..=100)?,
        false => u.int_in_range(0..=1 << 50)?,
    })
}

fn tally(u: &mut Unstructured<'_>) -> Result<Tally> {
    let mut tally = Tally::default();
    let (satisfied, not) = (amount(u)?, amount(u)?);
    tally.add(Counter::Rated, satisfied + not);
    tally.add(Counter::Satisfied, satisfied);
    tally.add(Counter::NotSatisfied, not);
    let reason = ReasonCode::parse(u.choose(&["r", "r2", "gone"])?).expect("an identifier");
    tally.add(Counter::Reason(reason), amount(u)?);
    let question =
        QuestionCode::parse(u.choose(&["cs1", "cs11", "khac", "gone"])?).expect("an identifier");
    let option = OptionCode::parse(u.choose(&["tot", "xau", "gone"])?).expect("an identifier");
    tally.add(
        Counter::Answer(question.clone(), Answer::Option(option)),
        amount(u)?,
    );
    tally.add(Counter::Answer(question, Answer::Unanswered), amount(u)?);
    Ok(tally)
}

fn unit_results(unit_id: UnitId, u: &mut Unstructured<'_>) -> Result<UnitResults> {
    let mut periods = BTreeMap::new();
    for period in [
        "all", "2026", "2025", "2026q4", "2026q3", "202611", "202610",
    ] {
        if u.ratio(1, 3)? {
            continue;
        }
        let mut results = PeriodResults {
            total: tally(u)?,
            ledger: Ledger {
                received: amount(u)?,
                published: amount(u)?,
                taken_off: amount(u)?,
                set_aside: amount(u)?,
            },
            ..PeriodResults::default()
        };
        for attestation in Attestation::ALL {
            if u.ratio(1, 2)? {
                results.strata.insert(
                    *attestation,
                    StratumResults {
                        unit_itself: tally(u)?,
                        officials: tally(u)?,
                    },
                );
            }
        }
        for official in OFFICIALS.into_iter().chain(["gone"]) {
            if u.ratio(1, 2)? {
                results.officials.insert(
                    OfficialId::parse(official).expect("an identifier"),
                    tally(u)?,
                );
            }
        }
        if u.ratio(1, 2)? {
            results.dossiers = Some(DossierCounts {
                received: amount(u)?,
                on_time: amount(u)?,
                overdue: amount(u)?,
            });
        }
        periods.insert(Period::parse(period).expect("a period"), results);
    }
    let as_of = u.arbitrary::<bool>()?.then(|| date(2026, 11, 20));
    Ok(UnitResults {
        unit_id,
        as_of,
        periods,
        is_frozen: u.arbitrary()?,
        thresholds: BTreeMap::new(),
    })
}

fn typed_values(u: &mut Unstructured<'_>) -> Result<TypedValues> {
    const NAMES: [&str; 8] = [
        "subject",
        "full_name",
        "phone",
        "suggestion",
        "receipt_code",
        "satisfaction",
        "answers.cs1",
        "attempt",
    ];
    let mut values = TypedValues::default();
    for _ in 0..u.int_in_range(0..=6)? {
        let name = if u.ratio(7, 8)? {
            (*u.choose(&NAMES)?).to_owned()
        } else {
            hostile::text(u)?
        };
        values = values.with(&name, &hostile::text(u)?);
    }
    Ok(values)
}
