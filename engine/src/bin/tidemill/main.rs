//! The `tidemill` command: runs a script of SQL statements and the streaming tables it starts.
//!
//! Standard output holds rows and nothing else. Errors, remarks and progress go to standard error. The exit code is 0
//! when everything ended well, also after Ctrl-C or SIGTERM; 1 after an error; 2 for wrong arguments; 141, without a word,
//! when the reader of standard output has gone.

mod arguments;
mod outcome;
mod progress;
mod run;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// What a shell says of a program that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

fn main() -> ExitCode {
    let Command::Run(run) = Arguments::parse().command;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tidemill: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(run::run(&run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::from(BROKEN_PIPE),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    };
    // Blocking threads may still sit in a read of standard input or a slow disk; nothing of theirs is needed any more.
    runtime.shutdown_background();
    code
}
