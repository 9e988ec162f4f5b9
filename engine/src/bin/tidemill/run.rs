//! `tidemill run`: statement by statement, then the queries in the background.
//!
//! A bounded streaming table is finished before the next statement. A failure is told at once; the other queries then
//! finish their batch and stop. A signal does the same without the failure.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tidemill::{RowFormat, SqlStatement, StatementResult, StreamingQuery, StreamingSession, TidemillError};

use crate::arguments::Run;
use crate::outcome::Failure;
use crate::progress::Watcher;
use crate::signals::Signals;

/// What ended a wait.
enum Wait {
    Done,
    Signal,
}

struct Runner {
    session: StreamingSession,
    script: String,
    format: RowFormat,
    watcher: Watcher,
    signals: Signals,
    /// Resolve when a query in the background ends.
    background: FuturesUnordered<BoxFuture<'static, Result<(), Failure>>>,
}

/// Runs the script.
pub(crate) async fn run(arguments: &Run) -> Result<(), Failure> {
    let text = read(&arguments.file)?;
    let script = if arguments.file == Path::new("-") {
        "<stdin>".to_owned()
    } else {
        arguments.file.display().to_string()
    };
    let mut builder = StreamingSession::builder();
    for (key, value) in &arguments.confs {
        builder = builder.conf(key, value);
    }
    let session = builder.build().map_err(|e| Failure::general(&e))?;
    let watcher = Watcher::new(arguments.progress);
    session.streams().add_listener(Arc::new(watcher.clone()));
    let mut runner = Runner {
        session,
        script,
        format: arguments.format.into(),
        watcher,
        signals: Signals::new()?,
        background: FuturesUnordered::new(),
    };
    let result = match runner.statements(&text).await {
        Ok(Wait::Done) => runner.wait_for_background().await,
        Ok(Wait::Signal) => Ok(()),
        Err(failure) => Err(failure),
    };
    runner.end(result).await
}

impl Runner {
    async fn statements(&mut self, text: &str) -> Result<Wait, Failure> {
        let mut script = self.session.script(text).map_err(|e| self.fail(&e))?;
        let mut at = 0;
        while let Some(statement) = script.statements().get(at) {
            if let Wait::Signal = self.statement(statement).await? {
                return Ok(Wait::Signal);
            }
            at += 1;
            script.follow(&self.session).map_err(|e| self.fail(&e))?;
        }
        Ok(Wait::Done)
    }

    /// Runs one statement while watching the queries in the background and the signals.
    async fn statement(&mut self, statement: &SqlStatement) -> Result<Wait, Failure> {
        let work = perform(
            self.session.clone(),
            statement,
            self.format,
            self.watcher.clone(),
            &self.script,
        );
        tokio::pin!(work);
        let started = loop {
            tokio::select! {
                biased;
                () = self.signals.next() => return Ok(Wait::Signal),
                Some(ended) = self.background.next() => ended?,
                started = &mut work => break started?,
            }
        };
        if let Some((table, query)) = started {
            let (script, position) = (self.script.clone(), statement.position());
            self.background.push(Box::pin(async move {
                let ended = query.await_termination(None).await;
                ended
                    .map(drop)
                    .map_err(|e| Failure::of_query(&script, position, &table, &e))
            }));
        }
        Ok(Wait::Done)
    }

    async fn wait_for_background(&mut self) -> Result<(), Failure> {
        loop {
            tokio::select! {
                biased;
                () = self.signals.next() => return Ok(()),
                ended = self.background.next() => match ended {
                    Some(ended) => ended?,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Tells a failure at once, then lets every running query finish its batch and stop.
    async fn end(self, result: Result<(), Failure>) -> Result<(), Failure> {
        let mut result = result;
        if let Err(failure) = &result
            && !failure.is_broken_pipe()
            && !self.session.streams().active().is_empty()
        {
            self.watcher.quietly(|| eprintln!("{failure}"));
            result = Err(Failure::general(
                "the other queries were stopped after their batch",
            ));
        }
        let stopped = self.session.stop().await.map_err(|e| self.fail(&e));
        result.and(stopped)
    }

    fn fail(&self, error: &TidemillError) -> Failure {
        Failure::in_script(&self.script, error)
    }
}

/// Runs a statement to its end; gives the query that it left running.
async fn perform(
    session: StreamingSession,
    statement: &SqlStatement,
    format: RowFormat,
    watcher: Watcher,
    script: &str,
) -> Result<Option<(String, StreamingQuery)>, Failure> {
    let result = session.execute(statement).await;
    match result.map_err(|e| Failure::in_script(script, &e))? {
        StatementResult::Rows(frame) => {
            let mut out = Output { watcher };
            let written = session.write_rows(frame, format, &mut out).await;
            written.map_err(|e| Failure::in_script(script, &statement.place(e)))?;
            Ok(None)
        }
        StatementResult::Started {
            table,
            query,
            bounded,
        } => {
            if !bounded {
                return Ok(Some((table, query)));
            }
            let ended = query.await_termination(None).await;
            session.streams().flush_listeners().await;
            ended.map_err(|e| Failure::of_query(script, statement.position(), &table, &e))?;
            watcher.finished(&table, query.run_id());
            Ok(None)
        }
        StatementResult::Done { notice } => {
            if let Some(notice) = notice {
                watcher.quietly(|| eprintln!("tidemill: {notice}"));
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Standard output, with the live lines out of its way.
struct Output {
    watcher: Watcher,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.watcher.quietly(|| {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    text.map_err(|e| Failure::general(format!("cannot read {}: {e}", file.display())))
}
