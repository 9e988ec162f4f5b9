//! File formats: their names, their read options, and what a scan needs to know of them.

use std::io::Read;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use tidemill_sql::record::{
    CSV_READ_OPTIONS, CsvDecoder, CsvReadOptions, Encoding, JSON_READ_OPTIONS, JsonDecoder, JsonReadOptions,
    OptionSupport, RecordDecoder, RecordError, RecordOption, TEXT_READ_OPTIONS, TextDecoder, TextReadOptions,
    infer_csv_schema, infer_json_schema,
};

use super::compression;
use super::transcode::TranscodingReader;
use crate::{Conf, OptionSpec, Options, Result, TidemillError};

/// The formats that files can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormatKind {
    /// Apache Parquet.
    Parquet,
    /// Apache ORC.
    Orc,
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
            "orc" => Some(Self::Orc),
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
            Self::Orc => "orc",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Text => "text",
        }
    }

    /// The read options that are its own.
    fn options(self) -> Vec<OptionSpec> {
        match self {
            Self::Parquet => PARQUET_OPTIONS.to_vec(),
            Self::Orc => ORC_OPTIONS.to_vec(),
            Self::Json => specs(JSON_READ_OPTIONS),
            Self::Text => specs(TEXT_READ_OPTIONS),
            Self::Csv => specs(CSV_READ_OPTIONS),
        }
    }
}

fn specs(options: &[RecordOption]) -> Vec<OptionSpec> {
    options
        .iter()
        .map(|option| match option.support {
            OptionSupport::Implemented | OptionSupport::ByCaller => OptionSpec::Known(option.name),
            OptionSupport::NotImplemented { default } => OptionSpec::NotImplemented {
                name: option.name,
                default,
            },
        })
        .collect()
}

/// Options of every format.
const COMMON_OPTIONS: &[OptionSpec] = &[
    OptionSpec::Known("path"),
    OptionSpec::Known("basePath"),
    OptionSpec::Known("pathGlobFilter"),
    OptionSpec::Known("recursiveFileLookup"),
    OptionSpec::Known("ignoreMissingFiles"),
    OptionSpec::Known("ignoreCorruptFiles"),
    OptionSpec::Known("modifiedBefore"),
    OptionSpec::Known("modifiedAfter"),
    OptionSpec::Known("timeZone"),
];

/// Options whose default is a conf's value.
const CONF_DEFAULTS: [(&str, &str); 2] = [
    ("columnNameOfCorruptRecord", "spark.sql.columnNameOfCorruptRecord"),
    ("columnPruning", "spark.sql.csv.parser.columnPruning.enabled"),
];

const PARQUET_OPTIONS: &[OptionSpec] = &[
    OptionSpec::Known("compression"),
    OptionSpec::Known("mergeSchema"),
    OptionSpec::NotImplemented {
        name: "datetimeRebaseMode",
        default: Some("CORRECTED"),
    },
    OptionSpec::NotImplemented {
        name: "int96RebaseMode",
        default: Some("CORRECTED"),
    },
];

/// The codec only matters to writers; Spark takes it in a reader too.
const ORC_OPTIONS: &[OptionSpec] = &[
    OptionSpec::Known("compression"),
    OptionSpec::Known("orc.compress"),
    OptionSpec::Known("mergeSchema"),
];

/// The read options of a format, parsed.
#[derive(Clone, Debug)]
enum ReadOptions {
    /// Parquet and ORC.
    Columns {
        /// `mergeSchema`: the columns of all files, not of the first alone.
        merge_schema: bool,
    },
    Json(Box<JsonReadOptions>),
    Text(TextReadOptions),
    Csv {
        options: Box<CsvReadOptions>,
        /// `inferSchema`: types are looked for too, not only names.
        infer_types: bool,
    },
}

/// What a scan needs to know of a format.
#[derive(Clone, Debug)]
pub(crate) struct FileFormat {
    pub(crate) kind: FileFormatKind,
    read: ReadOptions,
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
            &[COMMON_OPTIONS, more, &kind.options()],
        )?;
        let flag = |name: &str, key: &str| {
            let default = conf.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
            options.get_bool(name, default)
        };
        let time_zone = conf.get("spark.sql.session.timeZone").unwrap_or("UTC").to_owned();
        let get = |name: &str| {
            let of_conf = || {
                let (_, key) = CONF_DEFAULTS.iter().find(|(option, _)| *option == name)?;
                conf.get(key)
            };
            options.get(name).or_else(of_conf).map(str::to_owned)
        };
        let read = match kind {
            FileFormatKind::Parquet => ReadOptions::Columns {
                merge_schema: flag("mergeSchema", "spark.sql.parquet.mergeSchema")?,
            },
            FileFormatKind::Orc => ReadOptions::Columns {
                merge_schema: flag("mergeSchema", "spark.sql.orc.mergeSchema")?,
            },
            FileFormatKind::Json => {
                let read = JsonReadOptions::from_options(&get, &time_zone).map_err(refused)?;
                ReadOptions::Json(Box::new(read))
            }
            FileFormatKind::Text => ReadOptions::Text(TextReadOptions::from_options(&get).map_err(refused)?),
            FileFormatKind::Csv => {
                let read = CsvReadOptions::from_options(&get, &time_zone).map_err(refused)?;
                ReadOptions::Csv {
                    options: Box::new(read),
                    infer_types: options.get_bool("inferSchema", false)?,
                }
            }
        };
        Ok(Self {
            kind,
            read,
            time_zone,
            ignore_missing_files: flag("ignoreMissingFiles", "spark.sql.files.ignoreMissingFiles")?,
            ignore_corrupt_files: flag("ignoreCorruptFiles", "spark.sql.files.ignoreCorruptFiles")?,
        })
    }

    /// Whether the columns of every file count where none are declared.
    pub(super) fn merges_schemas(&self) -> bool {
        matches!(self.read, ReadOptions::Columns { merge_schema: true })
    }

    /// The bytes of a file of this name as decoders want them: unpacked, and in UTF-8.
    ///
    /// # Errors
    /// `UNSUPPORTED_COMPRESSION` for codecs of Hadoop's that are not built.
    pub(super) fn plain(&self, name: &str, raw: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>> {
        let unpacked = compression::plain(name, raw)?;
        let encoding = match &self.read {
            ReadOptions::Json(options) => options.encoding(),
            ReadOptions::Csv { options, .. } => options.encoding(),
            ReadOptions::Text(_) | ReadOptions::Columns { .. } => Encoding::Utf8,
        };
        Ok(match encoding {
            Encoding::Utf8 => unpacked,
            other => Box::new(TranscodingReader::new(unpacked, other)),
        })
    }

    /// A decoder of one file's records, giving these columns of the schema.
    ///
    /// # Errors
    /// When the format has no text for a column's type.
    pub(super) fn decoder(
        &self,
        schema: &SchemaRef,
        columns: &[usize],
        batch_rows: usize,
    ) -> Result<Box<dyn RecordDecoder>> {
        let schema = Arc::clone(schema);
        let decoder: Result<Box<dyn RecordDecoder>, RecordError> = match &self.read {
            ReadOptions::Json(options) => JsonDecoder::new(schema, options.as_ref().clone())
                .and_then(|decoder| decoder.with_projection(columns))
                .map(|decoder| Box::new(decoder.with_batch_rows(batch_rows)) as _),
            ReadOptions::Text(options) => TextDecoder::new(schema, options.clone())
                .and_then(|decoder| decoder.with_projection(columns))
                .map(|decoder| Box::new(decoder.with_batch_rows(batch_rows)) as _),
            ReadOptions::Csv { options, .. } => CsvDecoder::new(schema, options.as_ref().clone())
                .and_then(|decoder| decoder.with_projection(columns))
                .map(|decoder| Box::new(decoder.with_batch_rows(batch_rows)) as _),
            ReadOptions::Columns { .. } => {
                return Err(TidemillError::internal("Parquet and ORC files hold no records"));
            }
        };
        decoder.map_err(refused)
    }

    /// The columns of whole files of records.
    ///
    /// # Errors
    /// When a record cannot be read, in mode FAILFAST.
    pub(super) fn infer(&self, files: &[&[u8]]) -> Result<SchemaRef> {
        match &self.read {
            ReadOptions::Json(options) => infer_json_schema(files, options).map_err(refused),
            ReadOptions::Csv { options, infer_types } => {
                infer_csv_schema(files, options, *infer_types).map_err(refused)
            }
            ReadOptions::Text(_) | ReadOptions::Columns { .. } => {
                Err(TidemillError::internal("only JSON and CSV records tell columns"))
            }
        }
    }
}

fn refused(error: RecordError) -> TidemillError {
    TidemillError::invalid(error.condition(), error.to_string()).with_source(error)
}
