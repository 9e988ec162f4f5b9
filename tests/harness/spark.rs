//! A real Spark for the tests: one Python process with one JVM, asked by JSON lines (tests/spark/driver.py).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};

use super::repository;

/// The process that answers.
pub(crate) struct Spark {
    _child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The Spark that all tests share, or `None` with a word on standard error when `TIDEMILL_PYSPARK` names no Python.
/// Where `CI` is set a missing Spark is a failure.
pub(crate) fn spark() -> Option<MutexGuard<'static, Spark>> {
    static SPARK: OnceLock<Mutex<Spark>> = OnceLock::new();
    let Some(python) = std::env::var_os("TIDEMILL_PYSPARK") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "TIDEMILL_PYSPARK is not set: call tests/run, which installs PySpark"
        );
        eprintln!("left out: TIDEMILL_PYSPARK names no Python with PySpark 4.3.0; tests/run installs one");
        return None;
    };
    let spark = SPARK.get_or_init(|| {
        let mut child = Command::new(python)
            .arg(repository().join("tests/spark/driver.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("TIDEMILL_PYSPARK starts");
        let commands = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Mutex::new(Spark {
            _child: child,
            commands,
            answers,
        })
    });
    Some(spark.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Spark {
    /// Sends a command and gives the answer; Spark's own failure fails the test.
    pub(crate) fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.commands, "{command}").expect("the driver listens");
        self.commands.flush().unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the driver answers");
        assert!(
            !line.is_empty(),
            "the driver ended; run tests/spark/driver.py by hand"
        );
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(
            answer["error"].is_null(),
            "Spark refused {command}:\n{}",
            answer["error"]
        );
        answer["ok"].clone()
    }

    /// The rows of a table, parsed and sorted by their text.
    pub(crate) fn rows(&mut self, format: &str, path: &str, schema: Option<&str>) -> Vec<Value> {
        let mut command = json!({"op": "read", "format": format, "path": path});
        if let Some(schema) = schema {
            command["schema"] = schema.into();
        }
        parse_rows(&self.ask(&command)["rows"])
    }
}

/// Rows as the driver gives them: JSON texts.
pub(crate) fn parse_rows(rows: &Value) -> Vec<Value> {
    let rows = rows.as_array().expect("rows");
    super::sorted(
        rows.iter()
            .map(|r| serde_json::from_str(r.as_str().unwrap()).unwrap())
            .collect(),
    )
}
