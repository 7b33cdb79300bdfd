//! Serves the benchmark floor.

use std::process::ExitCode;

fn main() -> ExitCode {
    fairground::floor::run()
}
