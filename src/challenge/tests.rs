use data_encoding::{BASE64, BASE64URL_NOPAD};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::client::{Attempt, Solved};
use super::*;
use crate::keyring::Keyring;

const SCOPE: Scope<'_> = Scope {
    purpose: Purpose::Rate,
    subject: "48-1/nguyen-van-a",
    receipt_code: "H17.48.01-261121-0001",
    receipt_secret: "7ZQ2K9M4XA*",
    phone: "0912345678",
};

fn now() -> Timestamp {
    "2026-11-21T02:00:00.5Z".parse().unwrap()
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn keyring() -> Keyring {
    Keyring::from_hex(&"5a".repeat(32)).unwrap()
}

fn challenges() -> Challenges {
    Challenges::new(&keyring(), Difficulty::for_tests())
}

fn solved(challenges: &Challenges, scope: &Scope<'_>) -> Solved {
    let attempt = Attempt::new(scope);
    let challenge = challenges.issue(attempt.commitment(), now());
    attempt.solve(&challenge).unwrap()
}

fn work(solved: &Solved) -> Proof<'_> {
    Proof {
        altcha: Some(&solved.altcha),
        salt: Some(&solved.salt),
        ..Proof::default()
    }
}

fn typed<'a>(token: &'a str, answer: &'a str) -> Proof<'a> {
    Proof {
        typed_token: Some(token),
        typed_answer: Some(answer),
        ..Proof::default()
    }
}

fn answer(challenges: &Challenges, token: &str) -> String {
    let code = challenges.typed.open(token, now()).ok().unwrap();
    code.answer.iter().map(ToString::to_string).collect()
}

/// `solved` with its payload changed by `change`.
fn tampered(solved: &Solved, change: impl FnOnce(&mut Value)) -> Solved {
    let json = BASE64.decode(solved.altcha.as_bytes()).unwrap();
    let mut payload: Value = serde_json::from_slice(&json).unwrap();
    change(&mut payload);
    Solved {
        altcha: BASE64.encode(payload.to_string().as_bytes()),
        salt: solved.salt.clone(),
    }
}

const WRONG: ChallengeError = ChallengeError::Wrong { nonce: None };

fn neighbours() -> Vec<Scope<'static>> {
    vec![
        Scope {
            purpose: Purpose::Validate,
            ..SCOPE
        },
        Scope {
            subject: "48-1/tran-thi-b",
            ..SCOPE
        },
        Scope {
            subject: "48-1",
            ..SCOPE
        },
        Scope {
            receipt_code: "H17.48.01-261121-0002",
            ..SCOPE
        },
        Scope {
            receipt_secret: "7ZQ2K9M4XB*",
            ..SCOPE
        },
        Scope {
            receipt_secret: "",
            ..SCOPE
        },
        Scope {
            phone: "0912345679",
            ..SCOPE
        },
        Scope {
            receipt_secret: "7ZQ2K9M4XA*0",
            phone: "912345678",
            ..SCOPE
        },
    ]
}

#[test]
fn a_solution_is_accepted_for_its_own_scope_and_no_other() {
    let challenges = challenges();
    let solved = solved(&challenges, &SCOPE);

    assert!(challenges.check(&work(&solved), &SCOPE, now()).is_ok());
    for other in neighbours() {
        assert_eq!(
            challenges.check(&work(&solved), &other, now()),
            Err(WRONG),
            "{other:?}"
        );
    }
    let other_salt = Salt::random();
    let proof = Proof {
        salt: Some(other_salt.as_str()),
        ..work(&solved)
    };
    assert_eq!(challenges.check(&proof, &SCOPE, now()), Err(WRONG));
}

#[test]
fn a_solution_has_one_nonce_however_often_it_is_given() {
    let (challenges, scope) = (challenges(), SCOPE);
    let solved = solved(&challenges, &scope);

    let first = challenges.check(&work(&solved), &scope, now()).unwrap();
    let again = challenges
        .check(&work(&solved), &scope, now() + seconds(60))
        .unwrap();

    assert_eq!(first, again);
    assert_eq!(first.id.len(), 32);
    assert!(first.expires > now() && first.expires <= now() + LONGEST);
    let other = self::solved(&challenges, &scope);
    let other = challenges.check(&work(&other), &scope, now()).unwrap();
    assert_ne!(first.id, other.id);
}

#[test]
fn a_solution_expires_within_five_minutes_by_the_time_it_is_given() {
    let challenges = challenges();
    let solved = solved(&challenges, &SCOPE);
    let check = |at| challenges.check(&work(&solved), &SCOPE, now() + seconds(at));

    assert!(check(289).is_ok());
    assert_eq!(check(290), Err(ChallengeError::Expired));
    assert_eq!(check(300), Err(ChallengeError::Expired));
    assert!(check(-9).is_ok(), "clocks may differ a little");
    assert_eq!(
        check(-11),
        Err(WRONG),
        "it would be valid for more than five minutes"
    );
}

#[test]
fn every_tampered_parameter_is_refused() {
    let challenges = challenges();
    let solved = solved(&challenges, &SCOPE);
    let changes: Vec<(&str, Value)> = vec![
        ("/challenge/parameters/algorithm", json!("SHA-256")),
        ("/challenge/parameters/algorithm", json!("pbkdf2/sha-256")),
        ("/challenge/parameters/algorithm", json!("PBKDF2/SHA-512")),
        ("/challenge/parameters/cost", json!(1)),
        ("/challenge/parameters/cost", json!(u32::MAX)),
        ("/challenge/parameters/expiresAt", json!(0)),
        ("/challenge/parameters/expiresAt", json!(null)),
        ("/challenge/parameters/expiresAt", json!(i64::MAX)),
        ("/challenge/parameters/expiresAt", json!(i64::MIN)),
        (
            "/challenge/parameters/expiresAt",
            json!(now().as_second() + 295),
        ),
        ("/challenge/parameters/keyLength", json!(1)),
        ("/challenge/parameters/keyLength", json!(u64::MAX)),
        ("/challenge/parameters/keyPrefix", json!("")),
        ("/challenge/parameters/keySignature", json!("")),
        ("/challenge/parameters/keySignature", json!(null)),
        ("/challenge/parameters/memoryCost", json!(u32::MAX)),
        ("/challenge/parameters/parallelism", json!(u32::MAX)),
        ("/challenge/parameters/nonce", json!("")),
        ("/challenge/parameters/nonce", json!("00".repeat(16))),
        ("/challenge/parameters/salt", json!("00".repeat(16))),
        ("/challenge/parameters/data", json!({})),
        ("/challenge/parameters/data", json!(null)),
        ("/challenge/parameters/data/maxCounter", json!(1)),
        ("/challenge/parameters/data/more", json!(1)),
        ("/challenge/signature", json!(null)),
        ("/challenge/signature", json!("")),
        ("/challenge/signature", json!("00".repeat(32))),
        ("/solution/derivedKey", json!("")),
        ("/solution/derivedKey", json!("00".repeat(32))),
        ("/solution/derivedKey", json!("00".repeat(500))),
    ];

    for (path, value) in changes {
        let tampered = tampered(&solved, |payload| {
            let (parent, name) = path.rsplit_once('/').unwrap();
            payload.pointer_mut(parent).unwrap()[name] = value.clone();
        });
        let result = challenges.check(&work(&tampered), &SCOPE, now());
        assert!(
            matches!(
                result,
                Err(ChallengeError::Wrong { nonce: None } | ChallengeError::Malformed)
            ),
            "{path} = {value}: {result:?}"
        );
    }
}

/// CVE-2025-68113: where fields are signed run together, a character moved over a border keeps the signature valid.
#[test]
fn characters_spliced_between_signed_fields_break_the_signature() {
    fn text(parameters: &Value, name: &str) -> String {
        parameters[name].as_str().unwrap().to_owned()
    }
    let challenges = challenges();
    let solved = solved(&challenges, &SCOPE);
    let splices: [fn(&mut Value); 6] = [
        |p| {
            let (nonce, salt) = (text(p, "nonce"), text(p, "salt"));
            p["nonce"] = json!(nonce[..30]);
            p["salt"] = json!(format!("{}{salt}", &nonce[30..]));
        },
        |p| {
            let (nonce, salt) = (text(p, "nonce"), text(p, "salt"));
            p["nonce"] = json!(format!("{nonce}{}", &salt[..2]));
            p["salt"] = json!(salt[2..]);
        },
        |p| {
            let (prefix, signature) = (text(p, "keyPrefix"), text(p, "keySignature"));
            p["keyPrefix"] = json!(prefix[..2]);
            p["keySignature"] = json!(format!("{}{signature}", &prefix[2..]));
        },
        |p| {
            p["expiresAt"] = json!(p["expiresAt"].as_i64().unwrap() * 10 + 3);
            p["keyLength"] = json!(2);
        },
        |p| {
            let (nonce, salt) = (text(p, "nonce"), text(p, "salt"));
            p["nonce"] = json!(format!(r#"{nonce}","salt":"{salt}"#));
            p["salt"] = json!("");
        },
        |p| {
            let prefix = text(p, "keyPrefix");
            p["algorithm"] = json!(format!(r#"PBKDF2/SHA-256","keyPrefix":"{prefix}"#));
        },
    ];

    for (index, splice) in splices.into_iter().enumerate() {
        let spliced = tampered(&solved, |payload| {
            splice(&mut payload["challenge"]["parameters"])
        });
        assert_eq!(
            challenges.check(&work(&spliced), &SCOPE, now()),
            Err(WRONG),
            "splice {index}"
        );
    }
}

#[test]
fn a_solution_from_another_challenge_key_or_difficulty_is_refused() {
    let challenges = challenges();
    let (first, second) = (solved(&challenges, &SCOPE), solved(&challenges, &SCOPE));
    let key = |solved: &Solved| {
        let json = BASE64.decode(solved.altcha.as_bytes()).unwrap();
        serde_json::from_slice::<Value>(&json).unwrap()["solution"].clone()
    };
    let crossed = tampered(&first, |payload| payload["solution"] = key(&second));
    assert_eq!(challenges.check(&work(&crossed), &SCOPE, now()), Err(WRONG));

    let strangers = Keyring::from_hex(&"00".repeat(32)).unwrap();
    let foreign = solved(
        &Challenges::new(&strangers, Difficulty::for_tests()),
        &SCOPE,
    );
    assert_eq!(challenges.check(&work(&foreign), &SCOPE, now()), Err(WRONG));

    let harder = Difficulty {
        rounds: 3,
        max_counter: 5,
    };
    let cheap = Challenges::new(&keyring(), harder);
    assert_eq!(cheap.check(&work(&first), &SCOPE, now()), Err(WRONG));
}

#[test]
fn the_crate_that_issues_a_challenge_accepts_its_solution_too() {
    let challenges = challenges();
    let later = "2222-01-01T00:00:00Z".parse().unwrap();
    let attempt = Attempt::new(&SCOPE);
    let solved = attempt
        .solve(&challenges.issue(attempt.commitment(), later))
        .unwrap();
    let json = BASE64.decode(solved.altcha.as_bytes()).unwrap();
    let payload: altcha::Payload = serde_json::from_slice(&json).unwrap();
    let secret = data_encoding::HEXLOWER.encode(&keyring().passing_subkey("challenge"));

    let options = altcha::VerifySolutionOptions::new(&payload.challenge, &payload.solution, secret);

    assert!(altcha::verify_solution(options).unwrap().verified);
}

/// `tests/js/fixtures/solved.json` is solved by the browser's own module in `tests/js`.
#[test]
fn what_the_browser_module_solves_is_accepted_here() {
    let fixture: Value =
        serde_json::from_str(include_str!("../../tests/js/fixtures/solved.json")).unwrap();
    let text = |name: &str| fixture[name].as_str().unwrap();
    let keyring = Keyring::from_hex(text("masterKey")).unwrap();
    let challenges = Challenges::new(&keyring, Difficulty::default());
    let scope = Scope {
        purpose: Purpose::Rate,
        subject: fixture["scope"]["subject"].as_str().unwrap(),
        receipt_code: fixture["scope"]["receipt_code"].as_str().unwrap(),
        receipt_secret: fixture["scope"]["receipt_secret"].as_str().unwrap(),
        phone: fixture["scope"]["phone"].as_str().unwrap(),
    };
    let salt = Salt::parse(text("salt")).unwrap();
    let now = text("now").parse().unwrap();

    let proof = Proof {
        altcha: Some(text("altcha")),
        salt: Some(salt.as_str()),
        ..Proof::default()
    };

    assert_eq!(scope.commitment(&salt).to_string(), text("commitment"));
    assert!(challenges.check(&proof, &scope, now).is_ok());
}

#[test]
fn nothing_given_is_missing_and_rubbish_is_malformed() {
    let challenges = challenges();
    let solved = solved(&challenges, &SCOPE);
    let token = challenges.issue_typed(&SCOPE, now()).token;
    let check = |proof: Proof<'_>| challenges.check(&proof, &SCOPE, now());

    assert_eq!(check(Proof::default()), Err(ChallengeError::Missing));
    assert_eq!(check(typed(&token, " ")), Err(ChallengeError::Missing));
    assert_eq!(check(typed("", "123456")), Err(ChallengeError::Missing));
    let salt_only = Proof {
        salt: Some("x"),
        ..Proof::default()
    };
    assert_eq!(check(salt_only), Err(ChallengeError::Missing));
    for salt in [
        None,
        Some(""),
        Some("short"),
        Some("AAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        assert_eq!(
            check(Proof {
                salt,
                ..work(&solved)
            }),
            Err(ChallengeError::Malformed)
        );
    }
    let deep = BASE64.encode("[".repeat(1_500).as_bytes());
    let long = BASE64.encode(&vec![b' '; 2_000]);
    for altcha in [
        "x",
        "e30=",
        "bnVsbA==",
        "====",
        "đ",
        &deep,
        &long,
        &solved.altcha[1..],
    ] {
        let proof = Proof {
            altcha: Some(altcha),
            ..work(&solved)
        };
        assert_eq!(check(proof), Err(ChallengeError::Malformed), "{altcha}");
    }
}

#[test]
fn the_digits_are_taken_with_spaces_and_in_full_width() {
    let challenges = challenges();
    let token = challenges.issue_typed(&SCOPE, now()).token;
    let answer = answer(&challenges, &token);
    let wide: String = answer
        .bytes()
        .map(|digit| char::from_u32(u32::from(digit) - u32::from(b'0') + 0xff10).unwrap())
        .collect();
    let spaced = format!(
        "  {} {}\u{3000}{} ",
        &answer[..2],
        &answer[2..3],
        &answer[3..]
    );

    let letters = answer.replace('0', "O");
    let small = answer.replace('0', "o");

    for spelling in [&answer, &wide, &spaced, &letters, &small] {
        let checked = challenges.check(&typed(&token, spelling), &SCOPE, now());
        assert!(checked.is_ok(), "{spelling}");
    }
}

#[test]
fn any_answer_spends_the_picture() {
    let challenges = challenges();
    let token = challenges.issue_typed(&SCOPE, now()).token;
    let right = answer(&challenges, &token);
    let nonce = challenges
        .check(&typed(&token, &right), &SCOPE, now())
        .unwrap();
    let spent = Err(ChallengeError::Wrong {
        nonce: Some(nonce.clone()),
    });

    let other = match right.as_str() {
        "000000" => "111111",
        _ => "000000",
    };
    for wrong in [
        other,
        "12345",
        "1234567",
        "abcdef",
        &right[..5],
        &format!("{right}1"),
        &"1".repeat(100),
    ] {
        assert_eq!(
            challenges.check(&typed(&token, wrong), &SCOPE, now()),
            spent,
            "{wrong}"
        );
    }
    for other in neighbours() {
        assert_eq!(
            challenges.check(&typed(&token, &right), &other, now()),
            spent,
            "{other:?}"
        );
    }
    let again = challenges
        .check(&typed(&token, &right), &SCOPE, now())
        .unwrap();
    assert_eq!(
        again.id, nonce.id,
        "a second use meets the first one's nonce"
    );
    assert!(nonce.expires <= now() + LONGEST);
}

#[test]
fn a_typed_code_expires_and_then_shows_nothing() {
    let challenges = challenges();
    let token = challenges.issue_typed(&SCOPE, now()).token;
    let right = answer(&challenges, &token);
    let check = |at| challenges.check(&typed(&token, &right), &SCOPE, now() + seconds(at));

    assert!(check(289).is_ok());
    assert_eq!(check(290), Err(ChallengeError::Expired));
    assert_eq!(check(-11), Err(ChallengeError::Malformed));
    let late = now() + seconds(290);
    assert_eq!(challenges.image(&token, late), Err(TokenError::Expired));
    assert_eq!(
        challenges.audio(&token, Lang::Vi, late),
        Err(TokenError::Expired)
    );
}

#[test]
fn a_token_with_any_bit_changed_does_not_open() {
    let challenges = challenges();
    let token = challenges.issue_typed(&SCOPE, now()).token;
    let sealed = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();

    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        let changed = BASE64URL_NOPAD.encode(&changed);
        assert_eq!(
            challenges.image(&changed, now()),
            Err(TokenError::Malformed)
        );
    }
    let strangers = Keyring::from_hex(&"00".repeat(32)).unwrap();
    let strangers = Challenges::new(&strangers, Difficulty::for_tests());
    assert_eq!(strangers.image(&token, now()), Err(TokenError::Malformed));
}

#[test]
fn tokens_answers_and_challenges_do_not_repeat() {
    let challenges = challenges();
    let tokens: Vec<String> = (0..20)
        .map(|_| challenges.issue_typed(&SCOPE, now()).token)
        .collect();
    let mut answers: Vec<String> = tokens
        .iter()
        .map(|token| answer(&challenges, token))
        .collect();
    answers.sort();
    answers.dedup();

    assert!(answers.len() > 15);
    assert!(
        answers
            .iter()
            .all(|answer| answer.len() == 6 && answer.bytes().all(|c| c.is_ascii_digit()))
    );
}

#[test]
fn picture_and_recording_are_the_same_each_time_they_are_asked_for() {
    let challenges = challenges();
    let token = challenges.issue_typed(&SCOPE, now()).token;

    let picture = challenges.image(&token, now()).unwrap();
    let spoken = Lang::ALL.map(|lang| challenges.audio(&token, lang, now()).unwrap());

    assert_eq!(
        picture,
        challenges.image(&token, now() + seconds(60)).unwrap()
    );
    assert_eq!(
        picture[16..24],
        [0, 0, 0, 220, 0, 0, 0, 80],
        "220 by 80 pixels"
    );
    for (lang, wav) in Lang::ALL.into_iter().zip(&spoken) {
        assert_eq!(*wav, challenges.audio(&token, lang, now()).unwrap());
        assert!((30_000..100_000).contains(&wav.len()), "{}", wav.len());
        let length = u32::from_le_bytes(wav[4..8].try_into().unwrap()) as usize;
        assert_eq!(length + 8, wav.len());
    }
    assert_ne!(spoken[0], spoken[1]);
}

proptest! {
    #[test]
    fn nothing_posted_makes_the_check_panic(
        altcha in prop::option::of(".{0,60}"),
        salt in prop::option::of(".{0,30}"),
        token in prop::option::of(".{0,60}"),
        answer in prop::option::of(".{0,20}"),
    ) {
        let proof = Proof {
            altcha: altcha.as_deref(),
            salt: salt.as_deref(),
            typed_token: token.as_deref(),
            typed_answer: answer.as_deref(),
        };
        prop_assert!(challenges().check(&proof, &SCOPE, now()).is_err());
        let token = token.unwrap_or_default();
        prop_assert!(challenges().image(&token, now()).is_err());
        prop_assert!(challenges().audio(&token, Lang::En, now()).is_err());
    }

    #[test]
    fn no_payload_of_the_right_shape_makes_the_check_panic(
        algorithm in prop::sample::select(vec!["PBKDF2/SHA-256", "SHA-256", "ARGON2ID", ""]),
        cost in any::<u32>(),
        expires in any::<i64>(),
        length in any::<u32>(),
        text in ".{0,40}",
        key in "[0-9a-f]{0,70}",
        answer in "[0-9０-９ ]{0,12}",
    ) {
        let challenges = challenges();
        let salt = Salt::random();
        let payload = json!({
            "challenge": {
                "parameters": {
                    "algorithm": algorithm, "cost": cost, "expiresAt": expires, "keyLength": length,
                    "keyPrefix": text, "nonce": text, "salt": key,
                    "data": {"maxCounter": 5, "scope": SCOPE.commitment(&salt).to_string()},
                },
                "signature": text,
            },
            "solution": {"counter": cost, "derivedKey": key},
        });
        let altcha = BASE64.encode(payload.to_string().as_bytes());
        let proof = Proof { altcha: Some(&altcha), salt: Some(salt.as_str()), ..Proof::default() };
        prop_assert!(challenges.check(&proof, &SCOPE, now()).is_err());

        let token = challenges.issue_typed(&SCOPE, now()).token;
        let _ = challenges.check(&typed(&token, &answer), &SCOPE, now());
    }

    #[test]
    fn bytes_of_the_right_length_are_no_token(sealed in prop::collection::vec(any::<u8>(), 102)) {
        let token = BASE64URL_NOPAD.encode(&sealed);
        prop_assert_eq!(challenges().image(&token, now()), Err(TokenError::Malformed));
    }
}
