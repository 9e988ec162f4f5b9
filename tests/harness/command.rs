//! The `tidemill` command as a process.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// What a finished command said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same, after checking that it succeeded.
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "standard error: {}", self.err);
        self
    }

    /// Standard output as one JSON object a line.
    pub(crate) fn rows(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
            .collect()
    }
}

/// `tidemill` with these arguments in this folder, not started.
pub(crate) fn tidemill(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidemill"));
    command.args(arguments).current_dir(folder);
    command
}

/// Starts `tidemill run -` on a script; the caller waits, which reads what it says.
pub(crate) fn start(folder: &Path, arguments: &[&str], script: &str) -> Child {
    started(
        tidemill(folder, &["run", "-"]).args(arguments),
        Stdio::piped,
        script,
    )
}

/// The same for a run that is to be killed: nobody reads what it says, so it says it to nobody.
pub(crate) fn start_silent(folder: &Path, script: &str) -> Child {
    started(&mut tidemill(folder, &["run", "-"]), Stdio::null, script)
}

fn started(command: &mut Command, output: fn() -> Stdio, script: &str) -> Child {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(output())
        .stderr(output())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    child
}

/// Waits for a started command.
pub(crate) fn wait(child: Child) -> Said {
    Said::of(child.wait_with_output().unwrap())
}

/// Runs a script in a folder, with further arguments, to its end.
pub(crate) fn run_with(folder: &Path, arguments: &[&str], script: &str) -> Said {
    wait(start(folder, arguments, script))
}

/// Runs a script in a folder; rows come as JSON.
pub(crate) fn run(folder: &Path, script: &str) -> Said {
    run_with(folder, &["--format", "json"], script)
}

/// The rows of a script's SELECTs, which must succeed, sorted.
pub(crate) fn rows(folder: &Path, script: &str) -> Vec<Value> {
    super::sorted(run(folder, script).success().rows())
}
