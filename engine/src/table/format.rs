//! File formats: their names, their read options, and what a scan needs to know of them.

use crate::{Conf, OptionSpec, Options, Result};

/// The formats that files can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormatKind {
    /// Apache Parquet.
    Parquet,
    /// One JSON record a line, or with `multiLine` one a file.
    Json,
    /// Comma-separated values.
    Csv,
    /// One string a line, or with `wholetext` one a file.
    Text,
}

impl FileFormatKind {
    /// By its short name, in lower case.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        match name {
            "parquet" => Some(Self::Parquet),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "text" => Some(Self::Text),
            _ => None,
        }
    }

    /// Its short name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Text => "text",
        }
    }

    /// The read options that are its own.
    fn options(self) -> &'static [OptionSpec] {
        match self {
            Self::Parquet => PARQUET_OPTIONS,
            Self::Json | Self::Csv | Self::Text => &[],
        }
    }
}

/// Options of every format.
const COMMON_OPTIONS: &[OptionSpec] = &[
    OptionSpec::Known("path"),
    OptionSpec::Known("basePath"),
    OptionSpec::Known("pathGlobFilter"),
    OptionSpec::Known("recursiveFileLookup"),
    OptionSpec::Known("ignoreMissingFiles"),
    OptionSpec::Known("ignoreCorruptFiles"),
    OptionSpec::NotImplemented {
        name: "modifiedBefore",
        default: None,
    },
    OptionSpec::NotImplemented {
        name: "modifiedAfter",
        default: None,
    },
];

const PARQUET_OPTIONS: &[OptionSpec] = &[
    OptionSpec::Known("compression"),
    OptionSpec::NotImplemented {
        name: "mergeSchema",
        default: Some("false"),
    },
    OptionSpec::NotImplemented {
        name: "datetimeRebaseMode",
        default: Some("CORRECTED"),
    },
    OptionSpec::NotImplemented {
        name: "int96RebaseMode",
        default: Some("CORRECTED"),
    },
];

/// What a scan needs to know of a format.
#[derive(Clone, Debug)]
pub(crate) struct FileFormat {
    pub(crate) kind: FileFormatKind,
    /// The options as given; the format's own are read when a file is opened.
    pub(crate) options: Options,
    /// The session's time zone: times without a zone are in it.
    pub(crate) time_zone: String,
    pub(crate) ignore_missing_files: bool,
    pub(crate) ignore_corrupt_files: bool,
}

impl FileFormat {
    /// Checks the options; `more` are those that the caller understands itself.
    pub(crate) fn new(
        kind: FileFormatKind,
        options: &Options,
        conf: &Conf,
        more: &[OptionSpec],
    ) -> Result<Self> {
        options.check(
            &format!("source '{}'", kind.name()),
            &[COMMON_OPTIONS, more, kind.options()],
        )?;
        let flag = |name: &str, key: &str| {
            let default = conf.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
            options.get_bool(name, default)
        };
        Ok(Self {
            kind,
            options: options.clone(),
            time_zone: conf.get("spark.sql.session.timeZone").unwrap_or("UTC").to_owned(),
            ignore_missing_files: flag("ignoreMissingFiles", "spark.sql.files.ignoreMissingFiles")?,
            ignore_corrupt_files: flag("ignoreCorruptFiles", "spark.sql.files.ignoreCorruptFiles")?,
        })
    }
}
