//! The `frit` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(frit_cli::main(std::env::args_os()))
}
