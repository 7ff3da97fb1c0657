//! The `voilage` command: everything is in the library, so that the Python wheel has it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(voilage_cli::main(std::env::args_os()))
}
