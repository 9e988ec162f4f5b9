//! The Nexmark benchmark: makes its events as files, and runs its queries over them, a process each.
//!
//!     cargo run --release --example nexmark -- generate DIR
//!     cargo run --release --example nexmark -- run DIR --queries q0,q5 --lines FILE.jsonl
//!
//! The queries are the SQL files in `examples/nexmark`; its README says what is measured and how.

#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and writes files of its own"
)]

mod events;
mod generate;
mod meter;
mod query;
mod report;
mod run;

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

/// What any step may fail with: the message is for the person at the terminal.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(name = "nexmark", about = "The Nexmark benchmark on Tidemill")]
enum Command {
    /// Write the events of the benchmark as files: DIR/bid, DIR/auction, DIR/person and DIR/side_input.
    Generate(Generate),
    /// Run queries over such files, each in a process of its own, and print a table.
    Run(Run),
    /// List the queries.
    List,
}

/// What is generated. The same arguments give the same rows.
#[derive(Args)]
struct Generate {
    /// The folder to write to.
    dir: PathBuf,
    /// Events in all: of 50, one is a person, three are auctions, 46 are bids.
    #[arg(long, default_value_t = 10_000_000)]
    events: usize,
    /// Files of each table; file K of every table covers the same events.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    files: u32,
    /// Events in a second of event time.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// So many events in a row come in a scattered order; 1 for none.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    disorder: u32,
    /// What the files are.
    #[arg(long, value_enum, default_value_t = FileFormat::Parquet)]
    format: FileFormat,
}

/// A format of files that are made and read.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum FileFormat {
    /// Four row groups a file, Snappy.
    Parquet,
    /// An object a line.
    Json,
}

impl FileFormat {
    fn name(self) -> &'static str {
        match self {
            FileFormat::Parquet => "parquet",
            FileFormat::Json => "json",
        }
    }
}

/// How queries are run.
#[derive(Args, Clone)]
struct Run {
    /// The folder that `generate` wrote.
    dir: PathBuf,
    /// Queries by name, with commas between; all of them without this.
    #[arg(long, value_delimiter = ',')]
    queries: Vec<String>,
    /// As a stream, or as a plain batch for each file.
    #[arg(long = "as", value_enum, default_value_t = Mode::Stream)]
    mode: Mode,
    /// Where the rows go.
    #[arg(long, value_enum, default_value_t = Sink::Noop)]
    sink: Sink,
    /// What the files are.
    #[arg(long, value_enum, default_value_t = FileFormat::Parquet)]
    format: FileFormat,
    /// Runs of each query.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// A conf of the session; may be given again.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    confs: Vec<String>,
    /// The folder for checkpoints and output, a new one below it for each run; the system's temporary folder without this.
    #[arg(long)]
    work: Option<PathBuf>,
    /// A file that gets a JSON object for each run.
    #[arg(long)]
    lines: Option<PathBuf>,
    /// Run the one query here and print nothing but its JSON object.
    #[arg(long, hide = true)]
    here: bool,
}

/// How the text of a query is run.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum Mode {
    /// A streaming query, a file a micro-batch, with its checkpoint.
    Stream,
    /// A plain query for each file, planned and run for itself, its rows thrown away: what no engine of micro-batches
    /// over DataFusion can beat.
    Batch,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Stream => "stream",
            Mode::Batch => "batch",
        }
    }
}

/// The sinks that are measured.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum Sink {
    /// Every row is made and thrown away.
    Noop,
    /// Parquet files, Snappy, listed in the sink's log.
    Parquet,
}

impl Sink {
    fn name(self) -> &'static str {
        match self {
            Sink::Noop => "noop",
            Sink::Parquet => "parquet",
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match Command::parse() {
        Command::Generate(wanted) => generate::generate(&wanted),
        Command::Run(run) if run.here => run::here(&run).await,
        Command::Run(run) => run::each_in_its_process(&run),
        Command::List => {
            for query in query::all()? {
                println!(
                    "{:<10} {:<7} {}",
                    query.name,
                    query.mode.to_string(),
                    query.question
                );
            }
            Ok(())
        }
    }
}
