//! The corpus of every target, and a short burst of inputs close to it.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fuzz::burst::{Random, changed};
use fuzz::{TARGETS, Target};

/// Runs `input`; where it breaks a promise it is kept, and the path is part of the complaint.
fn run(target: &Target, name: &str, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-broken", target.name));
        std::fs::write(&path, input).unwrap();
        panic!(
            "{} on {name}, kept as {}; mend it and move the file into fuzz/corpus/{}/",
            target.name,
            path.display(),
            target.name
        );
    }
}

fn replay(name: &str) {
    let target = Target::named(name).unwrap();
    let corpus = target.corpus().unwrap();
    assert!(!corpus.is_empty(), "{name} has no corpus");
    for (file, input) in &corpus {
        run(&target, &file.display().to_string(), input);
    }
    let inputs: Vec<Vec<u8>> = corpus.into_iter().map(|(_, input)| input).collect();
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_261_121);
    let mut random = Random::new(seed);
    let burst = target.hundreds * 100;
    for number in 0..burst {
        run(
            &target,
            &format!("input {number} of seed {seed}"),
            &changed(&inputs, &mut random),
        );
    }
    let mut line = String::new();
    let _ = writeln!(
        line,
        "{name}: {} inputs of the corpus, {burst} made up, none broke a promise",
        inputs.len()
    );
    print!("{line}");
}

macro_rules! replays {
    ($($test:ident: $target:literal,)*) => {
        $(
            #[test]
            fn $test() {
                replay($target);
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$($target),*];
            assert_eq!(TARGETS.map(|target| target.name), replayed);
        }
    };
}

replays! {
    any_api_event_gets_a_documented_answer: "gateway-event",
    any_request_gets_a_documented_answer: "gateway-request",
    any_stream_event_is_counted_or_reported: "stream-event",
    any_bucket_event_is_taken: "bucket-event",
    a_receipt_code_reads_the_same_again: "receipt-code",
    what_is_read_from_a_text_is_written_back: "identifier",
    no_security_code_passes_that_was_not_issued: "security-code",
    any_workbook_gets_a_report: "workbook",
    any_csv_file_gets_a_report: "csv",
    no_text_breaks_out_of_a_page: "pages",
}
