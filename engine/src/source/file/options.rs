//! The stream options of file sources.

use crate::source::ReadLimit;
use crate::{Conf, FileUri, OptionSpec, Options, Result, TidemillError};

/// What a file source understands beyond what every reader of files does.
pub(super) const STREAM_OPTIONS: &[OptionSpec] = &[
    OptionSpec::Known("maxFilesPerTrigger"),
    OptionSpec::Known("maxBytesPerTrigger"),
    OptionSpec::Known("latestFirst"),
    OptionSpec::Known("maxFileAge"),
    OptionSpec::Known("fileNameOnly"),
    OptionSpec::Known("maxCachedFiles"),
    OptionSpec::Known("discardCachedInputRatio"),
    OptionSpec::Known("cleanSource"),
    OptionSpec::Known("sourceArchiveDir"),
];

/// What becomes of an input file when its batch is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CleanSource {
    Off,
    Delete,
    /// Moved below this folder, under its whole old path.
    Archive(FileUri),
}

/// The stream options of a file source.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FileStreamOptions {
    pub(super) limit: ReadLimit,
    pub(super) latest_first: bool,
    /// Files older than the newest one seen by more than this are ignored; none to ignore nothing.
    pub(super) max_file_age_ms: Option<i64>,
    pub(super) file_name_only: bool,
    /// How many listed files may wait for later batches.
    pub(super) max_cached_files: usize,
    /// A rest smaller than this share of the limit is listed anew.
    pub(super) discard_cached_input_ratio: f64,
    pub(super) clean_source: CleanSource,
    /// Threads that clean in the background; 0 to clean within the commit.
    pub(super) cleaner_threads: u64,
}

impl FileStreamOptions {
    /// Reads and checks the options of a source at `root`.
    pub(super) fn new(options: &Options, conf: &Conf, root: &FileUri) -> Result<Self> {
        let files = options.get_positive("maxFilesPerTrigger")?;
        let bytes = options.get_positive("maxBytesPerTrigger")?;
        let limit = match (files, bytes) {
            (None, None) => ReadLimit::AllAvailable,
            (Some(files), None) => ReadLimit::MaxFiles(files),
            (None, Some(bytes)) => ReadLimit::MaxBytes(bytes),
            (Some(_), Some(_)) => {
                return Err(TidemillError::invalid(
                    "MUTUALLY_EXCLUSIVE_OPTIONS",
                    "Options 'maxFilesPerTrigger' and 'maxBytesPerTrigger' can't be both set at the same time",
                ));
            }
        };
        let latest_first = options.get_bool("latestFirst", false)?;
        let age = max_file_age_ms(options.get("maxFileAge").unwrap_or("7d"))?;
        Ok(Self {
            // The oldest files come last then, and would never be read.
            max_file_age_ms: (!latest_first || limit == ReadLimit::AllAvailable).then_some(age),
            limit,
            latest_first,
            file_name_only: options.get_bool("fileNameOnly", false)?,
            max_cached_files: number(options, "maxCachedFiles", "an integer greater than or equal to 0")?
                .unwrap_or(10_000),
            discard_cached_input_ratio: ratio(options)?,
            clean_source: clean_source(options, root)?,
            cleaner_threads: conf.get_u64("spark.sql.streaming.fileSource.cleaner.numThreads")?,
        })
    }
}

fn number(options: &Options, name: &str, expected: &str) -> Result<Option<usize>> {
    options
        .get(name)
        .map(|text| {
            text.trim()
                .parse()
                .map_err(|_| crate::options::invalid_value(name, text, expected))
        })
        .transpose()
}

fn ratio(options: &Options) -> Result<f64> {
    let name = "discardCachedInputRatio";
    let Some(text) = options.get(name) else {
        return Ok(0.2);
    };
    match text.trim().parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err(crate::options::invalid_value(
            name,
            text,
            "a positive float between 0 and 1",
        )),
    }
}

/// A duration as Spark's options write it: a number and a unit, milliseconds without one.
fn max_file_age_ms(text: &str) -> Result<i64> {
    let trimmed = text.trim().to_ascii_lowercase();
    let split = trimmed
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let factor = match unit.trim() {
        "us" => Some(0),
        "" | "ms" => Some(1),
        "s" => Some(1_000),
        "m" | "min" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let parsed = number.parse::<i64>().ok().zip(factor);
    let age = match parsed {
        Some((micros, 0)) => Some(micros / 1_000),
        Some((number, factor)) => number.checked_mul(factor),
        None => None,
    };
    age.ok_or_else(|| {
        TidemillError::invalid(
            "INVALID_OPTION_VALUE",
            format!(
                "Failed to parse time string: {text} of option 'maxFileAge'. Time must be specified as seconds (s), \
                 milliseconds (ms), microseconds (us), minutes (m or min), hour (h), or day (d). E.g. 50s, 100ms, or \
                 250us."
            ),
        )
    })
}

fn clean_source(options: &Options, root: &FileUri) -> Result<CleanSource> {
    let mode = options.get("cleanSource").unwrap_or("off");
    match mode.to_ascii_lowercase().as_str() {
        "off" => Ok(CleanSource::Off),
        "delete" => Ok(CleanSource::Delete),
        "archive" => {
            let Some(folder) = options.get("sourceArchiveDir") else {
                return Err(TidemillError::invalid(
                    "MISSING_OPTION",
                    "Archive mode must be used with 'sourceArchiveDir' option.",
                ));
            };
            let folder = FileUri::parse(folder)?;
            check_archive(&folder, root)?;
            Ok(CleanSource::Archive(folder))
        }
        _ => Err(crate::options::invalid_value(
            "cleanSource",
            mode,
            "one of ARCHIVE, DELETE, OFF",
        )),
    }
}

/// The archive must lie on the same file system and where no listing of the source can find it.
fn check_archive(archive: &FileUri, root: &FileUri) -> Result<()> {
    let invalid = |text: String| Err(TidemillError::invalid("INVALID_SOURCE_ARCHIVE_DIR", text));
    if !archive.same_store(root) {
        return invalid(format!(
            "Base archive path is located on a different file system than the source files. source path: {root} / \
             base archive path: {archive}"
        ));
    }
    let elements = |uri: &FileUri| -> Vec<String> {
        uri.path()
            .split('/')
            .filter(|e| !e.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut matched = true;
    for (pattern, name) in elements(root).iter().zip(elements(archive)) {
        matched &= crate::table::matches_element(pattern, &name)?;
    }
    if matched {
        return invalid(
            "Base archive path cannot be set to the path where archived path can possibly match with source pattern. \
             Ensure the base archive path doesn't match with source pattern in depth, where the depth is minimum of \
             depth on both paths."
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Result<FileStreamOptions> {
        let options = pairs.iter().copied().collect();
        FileStreamOptions::new(&options, &Conf::new(), &FileUri::parse("/in/a*/b").unwrap())
    }

    #[test]
    fn defaults_are_sparks() {
        let options = options(&[]).unwrap();
        assert_eq!(options.limit, ReadLimit::AllAvailable);
        assert_eq!(options.max_file_age_ms, Some(7 * 86_400_000));
        assert_eq!(options.max_cached_files, 10_000);
        assert_eq!(options.discard_cached_input_ratio, 0.2);
        assert_eq!(options.clean_source, CleanSource::Off);
        assert_eq!(options.cleaner_threads, 1);
        assert!(!options.latest_first && !options.file_name_only);
    }

    #[test]
    fn wrong_values_are_refused_with_sparks_text() {
        for (pairs, text) in [
            (
                &[("maxFilesPerTrigger", "0")][..],
                "Invalid value '0' for option 'maxFilesPerTrigger', must be a positive integer",
            ),
            (
                &[("maxBytesPerTrigger", "1k")],
                "Invalid value '1k' for option 'maxBytesPerTrigger', must be a positive integer",
            ),
            (
                &[("maxFilesPerTrigger", "1"), ("maxBytesPerTrigger", "1")],
                "Options 'maxFilesPerTrigger' and 'maxBytesPerTrigger' can't be both set at the same time",
            ),
            (
                &[("latestFirst", "x")],
                "Invalid value 'x' for option 'latestFirst', must be 'true' or 'false'",
            ),
            (
                &[("maxCachedFiles", "-1")],
                "Invalid value '-1' for option 'maxCachedFiles', must be an integer greater than or equal to 0",
            ),
            (
                &[("discardCachedInputRatio", "2")],
                "Invalid value '2' for option 'discardCachedInputRatio', must be a positive float between 0 and 1",
            ),
            (&[("maxFileAge", "x")], "Failed to parse time string: x"),
            (&[("cleanSource", "foo")], "must be one of ARCHIVE, DELETE, OFF"),
            (
                &[("cleanSource", "archive")],
                "Archive mode must be used with 'sourceArchiveDir' option.",
            ),
        ] {
            let error = options(pairs).unwrap_err();
            assert!(error.message().contains(text), "{error}");
        }
    }

    #[test]
    fn an_archive_that_the_source_could_list_is_refused() {
        let archive = |folder: &str| options(&[("cleanSource", "archive"), ("sourceArchiveDir", folder)]);
        for folder in ["/in/ax/b/old", "/in/ax", "/in", "/", "s3://other/x"] {
            assert_eq!(
                archive(folder).unwrap_err().condition(),
                "INVALID_SOURCE_ARCHIVE_DIR",
                "{folder}"
            );
        }
        for folder in ["/in/x/b", "/old", "/in/ax/c"] {
            assert!(archive(folder).is_ok(), "{folder}");
        }
    }

    #[test]
    fn latest_first_with_a_limit_forgets_no_age() {
        let both = options(&[("latestFirst", "true"), ("maxFilesPerTrigger", "1")]).unwrap();
        assert_eq!(both.max_file_age_ms, None);
        let alone = options(&[("latestFirst", "true"), ("maxFileAge", "2h")]).unwrap();
        assert_eq!(alone.max_file_age_ms, Some(7_200_000));
    }
}
