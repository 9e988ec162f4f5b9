//! Runs queries: each in a fresh process, so that no run warms or fills another's memory.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use datafusion::common::config::TableParquetOptions;
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use tidemill::{DataFrameStreamingExt, StreamingSession, Trigger};

use crate::events::SCHEMAS;
use crate::meter::{Meter, files_below, peak_rss_mb};
use crate::query::{self, Query};
use crate::{Mode, Result, Run, Sink, report};

/// Runs each query in a process of its own; prints a table, and a JSON object a run to the file that was named.
pub(crate) fn each_in_its_process(run: &Run) -> Result<()> {
    let mut lines = Vec::new();
    for query in query::named(&run.queries)? {
        for _ in 0..run.repeat.max(1) {
            let mut line = child(run, &query.name)?;
            line["query"] = json!(query.name);
            if let Some(path) = &run.lines {
                let mut file = OpenOptions::new().create(true).append(true).open(path)?;
                writeln!(file, "{line}")?;
            }
            lines.push(line);
        }
    }
    report::print(&lines);
    Ok(())
}

fn child(run: &Run, query: &str) -> Result<Value> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("run")
        .arg(&run.dir)
        .args(["--here", "--queries", query]);
    command.args([
        "--as",
        run.mode.name(),
        "--sink",
        run.sink.name(),
        "--format",
        run.format.name(),
    ]);
    command.args(run.confs.iter().flat_map(|conf| ["--set", conf]));
    if let Some(work) = &run.work {
        command.arg("--work").arg(work);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{query} failed: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs one query in this process and prints what it took.
pub(crate) async fn here(run: &Run) -> Result<()> {
    let query = query::named(&run.queries)?.into_iter().next().ok_or("no query")?;
    let work = match &run.work {
        Some(folder) => {
            fs::create_dir_all(folder)?;
            tempfile::tempdir_in(folder)?
        }
        None => tempfile::tempdir()?,
    };
    let session = session(run).await?;
    let mut line = Map::from_iter([
        ("engine".to_owned(), json!("tidemill")),
        ("as".to_owned(), json!(run.mode.name())),
        ("sink".to_owned(), json!(run.sink.name())),
        ("format".to_owned(), json!(run.format.name())),
        ("confs".to_owned(), json!(run.confs)),
    ]);
    let meter = Meter::start();
    let figures = match run.mode {
        Mode::Stream => stream(run, &session, &query, work.path()).await?,
        Mode::Batch => batches(run, &session, &query, work.path()).await?,
    };
    let wall = meter.wall_s();
    line.insert("wall_s".to_owned(), rounded(wall));
    line.insert("cpu_s".to_owned(), rounded(meter.cpu_s()));
    line.extend(figures);
    if let Some(rows) = line.get("rows").and_then(Value::as_f64) {
        line.insert("rows_s".to_owned(), json!((rows / wall).round()));
    }
    let (bytes, files) = files_below(&work.path().join("checkpoint"));
    line.insert("checkpoint_bytes".to_owned(), json!(bytes));
    line.insert("checkpoint_files".to_owned(), json!(files));
    line.insert("peak_rss_mb".to_owned(), json!(peak_rss_mb()));
    println!("{}", Value::Object(line));
    Ok(())
}

fn rounded(seconds: f64) -> Value {
    json!((seconds * 1000.0).round() / 1000.0)
}

async fn session(run: &Run) -> Result<StreamingSession> {
    let mut builder =
        StreamingSession::builder().conf("spark.sql.streaming.numRecentProgressUpdates", "100000");
    for conf in &run.confs {
        let (key, value) = conf
            .split_once('=')
            .ok_or_else(|| format!("--set {conf}: KEY=VALUE was expected"))?;
        builder = builder.conf(key, value);
    }
    let session = builder.build()?;
    let side_input = run.dir.join("side_input");
    session
        .sql(&format!(
            "CREATE TABLE side_input (key BIGINT, value STRING) USING csv OPTIONS (path '{}', header 'true')",
            side_input.display()
        ))
        .await?;
    Ok(session)
}

type Figures = Vec<(String, Value)>;

/// A file of each table a batch.
async fn stream(run: &Run, session: &StreamingSession, query: &Query, work: &Path) -> Result<Figures> {
    for (table, schema) in SCHEMAS {
        let format = run.format.name();
        let path = run.dir.join(table);
        session
            .sql(&format!(
                "CREATE TABLE {table}_files ({schema}) USING {format} OPTIONS (path '{}', maxFilesPerTrigger '1')",
                path.display()
            ))
            .await?;
        session
            .sql(&format!(
                "CREATE TEMPORARY VIEW {table} AS SELECT * FROM STREAM({table}_files)"
            ))
            .await?;
    }
    let frame = session.sql(&query.sql).await?;
    let writer = frame
        .write_stream()
        .format(run.sink.name())
        .output_mode(query.mode)
        .option("checkpointLocation", work.join("checkpoint").display())
        .trigger(Trigger::AvailableNow);
    let running = match run.sink {
        Sink::Noop => writer.start().await?,
        Sink::Parquet => writer.start_path(work.join("out").display().to_string()).await?,
    };
    running.await_termination(None).await?;
    let progress = running.recent_progress();
    Ok(report::of_progress(&progress)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// The same text over each file alone.
async fn batches(run: &Run, session: &StreamingSession, query: &Query, work: &Path) -> Result<Figures> {
    let mut files = 0;
    while let Some(tables) = files_of_batch(run, files)? {
        for ((table, schema), path) in SCHEMAS.iter().zip(&tables) {
            let format = run.format.name();
            session.sql(&format!("DROP TABLE IF EXISTS {table}")).await?;
            session
                .sql(&format!(
                    "CREATE TABLE {table} ({schema}) USING {format} OPTIONS (path '{}')",
                    path.display()
                ))
                .await?;
        }
        let frame = session.sql(&query.sql).await?;
        drain(run.sink, frame, &work.join(format!("out/{files}"))).await?;
        files += 1;
    }
    Ok(vec![("batches".to_owned(), json!(files))])
}

async fn drain(sink: Sink, frame: DataFrame, folder: &Path) -> Result<()> {
    match sink {
        Sink::Noop => {
            let mut rows = frame.execute_stream().await?;
            while rows.try_next().await?.is_some() {}
        }
        Sink::Parquet => {
            let mut options = TableParquetOptions::default();
            options.global.compression = Some("snappy".to_owned());
            let folder = folder.display().to_string();
            frame
                .write_parquet(&folder, DataFrameWriteOptions::new(), Some(options))
                .await?;
            for part in fs::read_dir(&folder)? {
                File::open(part?.path())?.sync_all()?;
            }
        }
    }
    Ok(())
}

/// The file of each table with this number, or none when there are no more.
fn files_of_batch(run: &Run, number: usize) -> Result<Option<[PathBuf; 3]>> {
    let mut found = SCHEMAS.map(|_| PathBuf::new());
    for ((table, _), place) in SCHEMAS.iter().zip(&mut found) {
        let entries = fs::read_dir(run.dir.join(table))?;
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        paths.sort();
        match paths.into_iter().nth(number) {
            Some(path) => *place = path,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}
