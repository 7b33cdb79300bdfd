//! Serves the REST API of the contract.

use std::process::ExitCode;

fn main() -> ExitCode {
    fairground::run()
}
