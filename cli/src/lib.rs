//! Floor 4: the `voilage` command, as a library that its binary and the Python wheel share.
//!
//! Arguments are parsed into plain structs ([`args`]), each verb is one file that writes to the
//! writers it is given, and every failure is one message and one exit code ([`error`]).
//!
//! Never imported here: DataFusion, SQLite, a source of randomness or a clock. What this crate
//! shows has left the privacy boundary already.

mod admission;
mod args;
mod console;
mod error;
mod job;
mod manifest;
mod output;
mod present;
pub mod report;
mod verbs;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Parser;

use crate::args::Cli;
use crate::console::Console;

/// Runs one command line, its first argument the program's name, and returns the exit code.
///
/// 0: done or already released; 1: internal; 2: bad input; 3: the budget refuses; 4: a permit or
/// a policy refuses; 75: try again.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    run(args, &mut io::stdout(), &mut io::stderr())
}

/// [`main`] with the writers given: answers go to `out`, progress and errors to `err`.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut (dyn Write + Send),
) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(usage) => return say_usage(&usage, out, err),
    };
    let mut console = Console { out, err };
    let done = verbs::run(&cli, &mut console).and_then(|()| Ok(console.out.flush()?));
    match done {
        Ok(()) => 0,
        Err(error) if error.is_closed_pipe() => 0,
        Err(error) => {
            // Where even the error cannot be written, the exit code still says what happened.
            let _ = writeln!(console.err, "error: {error}");
            error.exit_code()
        }
    }
}

fn say_usage(usage: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let text = usage.render();
    // Where nothing can be written, the exit code still says what happened.
    if usage.use_stderr() {
        let _ = write!(err, "{text}");
        2
    } else {
        let _ = write!(out, "{text}");
        0
    }
}
