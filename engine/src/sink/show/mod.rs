//! Rows as a text table, as Spark's `Dataset.show` prints them.
//!
//! Columns are as wide as their widest cell and at least three; cells are right-aligned when long ones are cut
//! off and left-aligned when they are not; wide East Asian characters count as two.

mod value;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;

use crate::Result;

pub(crate) use value::ValueText;

/// How a table is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowOptions {
    /// How many rows at most (20).
    pub num_rows: usize,
    /// Cells longer than this are cut off (20); 0 shows them whole.
    pub truncate: usize,
    /// `spark.sql.session.timeZone`, for timestamps.
    pub time_zone: String,
}

impl Default for ShowOptions {
    fn default() -> Self {
        Self {
            num_rows: 20,
            truncate: 20,
            time_zone: "UTC".to_owned(),
        }
    }
}

const MIN_COLUMN_WIDTH: usize = 3;

/// The table with the first `num_rows` rows of `batches`, ending as Spark's `show` ends it: with an empty line,
/// or with `only showing top … rows` when `batches` hold more.
///
/// Errors when a value has a type that has no text.
pub fn show_string(schema: &Schema, batches: &[RecordBatch], options: &ShowOptions) -> Result<String> {
    let mut columns: Vec<Vec<String>> = schema.fields().iter().map(|f| vec![escape(f.name())]).collect();
    let mut left = options.num_rows;
    let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
    for batch in batches {
        let rows = batch.num_rows().min(left);
        left -= rows;
        let arrays = batch.columns().iter().zip(schema.fields());
        for (cells, (array, field)) in columns.iter_mut().zip(arrays) {
            add_cells(cells, array, field, rows, options)?;
        }
    }
    Ok(render(&columns, options, total))
}

fn add_cells(
    cells: &mut Vec<String>,
    array: &ArrayRef,
    field: &Field,
    rows: usize,
    options: &ShowOptions,
) -> Result<()> {
    let text = ValueText::pretty(array, field, &options.time_zone)?;
    let mut cell = String::new();
    for row in 0..rows {
        cell.clear();
        text.write(row, &mut cell)?;
        cells.push(cut(escape(&cell), options.truncate));
    }
    Ok(())
}

fn render(columns: &[Vec<String>], options: &ShowOptions, total: usize) -> String {
    let widths: Vec<usize> = columns
        .iter()
        .map(|cells| {
            cells
                .iter()
                .map(|c| width(c))
                .max()
                .unwrap_or(0)
                .max(MIN_COLUMN_WIDTH)
        })
        .collect();
    let mut rule = String::from("+");
    for width in &widths {
        rule.push_str(&"-".repeat(*width));
        rule.push('+');
    }
    rule.push('\n');

    let shown = total.min(options.num_rows);
    let mut out = rule.clone();
    for line in 0..=shown {
        out.push('|');
        for (cells, column_width) in columns.iter().zip(&widths) {
            let cell = cells.get(line).map_or("", String::as_str);
            let padding = " ".repeat(column_width.saturating_sub(width(cell)));
            if options.truncate > 0 {
                out.push_str(&padding);
                out.push_str(cell);
            } else {
                out.push_str(cell);
                out.push_str(&padding);
            }
            out.push('|');
        }
        out.push('\n');
        if line == 0 {
            out.push_str(&rule);
        }
    }
    out.push_str(&rule);
    if total > options.num_rows {
        let rows = if options.num_rows == 1 { "row" } else { "rows" };
        out.push_str(&format!("only showing top {} {rows}", options.num_rows));
    }
    out.push('\n');
    out
}

/// Control characters that would break the table, in the notation of a string literal.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{7}' => out.push_str("\\a"),
            c => out.push(c),
        }
    }
    out
}

/// Cuts to `limit` UTF-16 units, as Java counts; the last three become dots when there is room for them.
fn cut(text: String, limit: usize) -> String {
    if limit == 0 || text.encode_utf16().count() <= limit {
        return text;
    }
    let (keep, dots) = if limit < 4 {
        (limit, "")
    } else {
        (limit - 3, "...")
    };
    let mut units = 0;
    let mut out: String = text
        .chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= keep
        })
        .collect();
    out.push_str(dots);
    out
}

/// Columns on a terminal: UTF-16 units, wide characters twice.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if is_wide(c) { 2 } else { c.len_utf16() })
        .sum()
}

fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}')
}

#[cfg(test)]
mod tests;
