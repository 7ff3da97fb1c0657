//! Floor 4: the `voilage` command, as a library that its binary and the Python wheel share.
//!
//! Arguments are parsed into plain structs ([`args`]), each verb is one file that writes to the
//! writers it is given, and every failure is one message and one exit code ([`error`]).
//!
//! Never imported here: DataFusion, SQLite, a source of randomness or a clock. What this crate
//! shows has left the privacy boundary already.

mod admission;
mod allocation;
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
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::console::Console;
use crate::error::CliError;

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
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(usage) if usage.kind() == ErrorKind::InvalidUtf8 => {
            let error = not_utf8(&args);
            let _ = writeln!(err, "error: {error}");
            return error.exit_code();
        }
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

/// Names the argument by its position: what it holds cannot be shown.
fn not_utf8(args: &[OsString]) -> CliError {
    let position = args.iter().position(|arg| arg.to_str().is_none()).unwrap_or_default();
    CliError::input(
        format!("argument {position} of the command is not UTF-8 text"),
        "write it in UTF-8, or put the question into a job file that is saved as UTF-8",
    )
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
