//! Signed challenges and sealed tokens: nothing that was not issued passes, for no scope but its own.

use arbitrary::{Result, Unstructured};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use thuocdo::challenge::client::Attempt;
use thuocdo::challenge::{ChallengeError, Commitment, Proof, Purpose, Scope};
use thuocdo::domain::lang::Lang;

use crate::world::{World, now};

pub(crate) fn run(input: &[u8]) {
    World::with(|world| {
        forged(world, input);
        // Out of bytes: nothing more is changed.
        let _ = changed(world, &mut Unstructured::new(input));
    });
}

fn scope<'a>(purpose: Purpose, code: &'a str) -> Scope<'a> {
    Scope {
        purpose,
        subject: "phuong-hai-chau",
        receipt_code: code,
        receipt_secret: "",
        phone: "",
    }
}

/// No text of anybody else is a security code, whichever way it is handed in.
fn forged(world: &World, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (head, tail) = text.split_at(text.floor_char_boundary(text.len() / 2));
    let encoded = BASE64_STANDARD.encode(input);
    let salt = "AAAAAAAAAAAAAAAAAAAAAA";
    let challenges = &world.intake.challenges;
    let proofs = [
        Proof {
            altcha: Some(&text),
            salt: Some(salt),
            typed_token: None,
            typed_answer: None,
        },
        Proof {
            altcha: Some(&encoded),
            salt: Some(salt),
            typed_token: None,
            typed_answer: None,
        },
        Proof {
            altcha: Some(head),
            salt: Some(tail),
            typed_token: Some(tail),
            typed_answer: Some(head),
        },
        Proof {
            altcha: None,
            salt: None,
            typed_token: Some(&text),
            typed_answer: Some("123456"),
        },
        Proof {
            altcha: None,
            salt: None,
            typed_token: Some(head),
            typed_answer: Some(tail),
        },
    ];
    for proof in proofs {
        for purpose in [Purpose::Rate, Purpose::Validate] {
            let outcome = challenges.check(&proof, &scope(purpose, "a"), now());
            assert!(outcome.is_err(), "{proof:?} was never issued");
        }
    }
    assert!(
        challenges.image(&text, now()).is_err()
            && challenges.audio(&text, Lang::Vi, now()).is_err()
    );
    if let Ok(commitment) = Commitment::parse(&text) {
        let issued = challenges.issue(&commitment, now());
        assert!(issued.contains(&*text), "the scope is in what is signed");
    }
}

/// A genuine code changed somewhere passes only where it still says the same, and for its own scope.
fn changed(world: &World, u: &mut Unstructured<'_>) -> Result<()> {
    let purpose = if u.arbitrary()? {
        Purpose::Rate
    } else {
        Purpose::Validate
    };
    let own = scope(purpose, "000.01.40.H17-261111-0001");
    let challenges = &world.intake.challenges;

    let attempt = Attempt::new(&own);
    let solved = attempt
        .solve(&challenges.issue(attempt.commitment(), now()))
        .expect("our challenges can be solved");
    let genuine = BASE64_STANDARD
        .decode(&solved.altcha)
        .expect("the client writes base64");
    let edited = edit(&genuine, u)?;
    let altcha = BASE64_STANDARD.encode(&edited);
    let proof = |altcha| Proof {
        altcha: Some(altcha),
        salt: Some(&solved.salt),
        typed_token: None,
        typed_answer: None,
    };
    if challenges.check(&proof(&altcha), &own, now()).is_ok() {
        let read = |bytes: &[u8]| -> Value {
            serde_json::from_slice(bytes).expect("what passed was read")
        };
        assert_eq!(read(&edited)["challenge"], read(&genuine)["challenge"]);
    }
    let other = u.arbitrary::<&str>()?;
    if other != own.receipt_code {
        assert!(
            challenges
                .check(&proof(&solved.altcha), &scope(purpose, other), now())
                .is_err(),
            "passes for {other:?}"
        );
    }

    let token = challenges.issue_typed(&own, now()).token;
    let answer = challenges
        .typed_answer(&token, now())
        .expect("our tokens open");
    let edited = edit(token.as_bytes(), u)?;
    let edited = String::from_utf8_lossy(&edited);
    let typed = |token, answer| Proof {
        altcha: None,
        salt: None,
        typed_token: Some(token),
        typed_answer: Some(answer),
    };
    let outcome = challenges.check(&typed(&edited, &answer), &own, now());
    assert!(
        outcome.is_err() || edited.trim() == token,
        "{edited:?} passes for {token:?}"
    );
    let guess = u.arbitrary::<&str>()?;
    let digits: String = guess.chars().filter(char::is_ascii_digit).collect();
    if challenges.check(&typed(&token, guess), &own, now()).is_ok() {
        assert!(
            digits == answer || !guess.is_ascii(),
            "{guess:?} passes for {answer}"
        );
    } else if guess == answer {
        panic!("{guess} is refused");
    }
    // A wrong answer spends the code.
    let wrong = challenges.check(&typed(&token, "999999999"), &own, now());
    assert!(
        matches!(wrong, Err(ChallengeError::Wrong { nonce: Some(_) })),
        "{wrong:?}"
    );
    Ok(())
}

fn edit(bytes: &[u8], u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    for _ in 0..u.int_in_range(1..=3)? {
        let at = u.int_in_range(0..=bytes.len().saturating_sub(1))?;
        match u.int_in_range(0..=3)? {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << u.int_in_range(0..=7)?,
            1 if !bytes.is_empty() => drop(bytes.remove(at)),
            2 => bytes.insert(at, u.arbitrary()?),
            _ => bytes.truncate(at),
        }
    }
    Ok(bytes)
}
