//! How the output of a streaming table is read back.

use crate::Options;

/// Options that shape the text of a file: a reader needs what the writer was given.
const SHARED: [&str; 17] = [
    "path",
    "header",
    "sep",
    "delimiter",
    "quote",
    "escape",
    "charToEscapeQuoteEscaping",
    "nullValue",
    "emptyValue",
    "dateFormat",
    "timestampFormat",
    "timestampNTZFormat",
    "timeZone",
    "encoding",
    "charset",
    "lineSep",
    "locale",
];

/// Whether a sink of this format writes a folder that can be read back.
pub(super) fn is_file_format(format: &str) -> bool {
    ["parquet", "json", "csv", "text"]
        .iter()
        .any(|f| f.eq_ignore_ascii_case(format))
}

/// The reader's options for what a writer with these options wrote.
pub(super) fn read_options(writer: &Options) -> Options {
    SHARED
        .iter()
        .filter_map(|name| writer.get(name).map(|value| (*name, value)))
        .collect()
}
