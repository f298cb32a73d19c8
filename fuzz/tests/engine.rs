//! libFuzzer on the target that `FUZZ_TARGET` names.
#![no_main]

use std::sync::LazyLock;

use fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET names no target: {name:?}"))
});

fuzz_target!(
    init: {
        // The engine aborts at every panic, also at those the product is ready for; what passes it still ends the run.
        drop(std::panic::take_hook());
    },
    |input: &[u8]| (TARGET.run)(input)
);
