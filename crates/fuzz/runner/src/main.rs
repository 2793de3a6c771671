//! libFuzzer over one target, which the environment variable `FUZZ_TARGET` names.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fuzz::Target> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = fuzz::TARGETS.iter().find(|(name, _)| *name == wanted);
    found.map_or_else(|| panic!("there is no target {wanted:?}"), |(_, target)| *target)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
