//! `voilage-random-plans COUNT [FIRST_SEED]`: random questions compared on neighbours.
//!
//! Every question is known by its seed: COUNT 1 and the seed replay it.

use std::io::Write;
use std::process::ExitCode;

use voilage_tests::trial::{self, Outcome};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: Option<u64>| match arguments.next() {
        Some(text) => text.parse::<u64>().ok(),
        None => default,
    };
    let (Some(count), Some(first)) = (number(None), number(Some(0))) else {
        return say("usage: voilage-random-plans COUNT [FIRST_SEED]", 2);
    };
    let outcome = trial::run(first, count, |outcome: &Outcome| {
        let done = outcome.answered + outcome.refused;
        say(&format!("{done} of {count}: {} wrong so far", outcome.wrong.len()), 0);
    });
    say(&outcome.to_string(), u8::from(!outcome.wrong.is_empty()))
}

fn say(text: &str, code: u8) -> ExitCode {
    // Where nothing can be written, the exit code still says what happened.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(code)
}
