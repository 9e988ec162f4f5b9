//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tidemill::RowFormat;

/// Structured streaming in SQL, with Apache Spark's checkpoint.
#[derive(Debug, Parser)]
#[command(name = "tidemill", version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the statements of a script, then its streaming tables until they end (Ctrl-C: finish the batch, commit).
    Run(Run),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The script; `-` reads standard input.
    pub(crate) file: PathBuf,

    /// Set a conf before the first statement; may be given more than once.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) confs: Vec<(String, String)>,

    /// How the rows of a SELECT are written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// What standard error shows of running queries.
    #[arg(long, value_enum, default_value_t = Progress::Auto)]
    pub(crate) progress: Progress,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A table.
    Table,
    /// One JSON object a line.
    Json,
    /// CSV with a header.
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// A live line for each query on a terminal, and a line when a bounded table is finished.
    Auto,
    /// Every StreamingQueryProgress as one JSON object a line.
    Json,
    /// Nothing.
    None,
}

impl From<Format> for RowFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Csv => Self::Csv,
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| format!("'{text}' is not KEY=VALUE"))
}
