//! What a streaming query may hold, and which sources it reads.
//!
//! Every pass takes the plan as SQL or a DataFrame built it, not optimised, and is a function of the plan and the output
//! mode alone. One pass stands in one file:
//!
//! | file | it answers |
//! |---|---|
//! | `statement_repeats` | which relations of one SQL statement are repeats of a CTE (run by the SQL front) |
//! | `offset_lines` | which scan stands for which line of the offset log |
//! | `sources` | whether a plan reads a stream; the sources to open |
//! | `subqueries` | whether a subquery in an expression reads a stream |
//! | `output_mode` | whether the query's aggregations suit the output mode |
//! | `unsupported` | whether each node over a stream can run: one exhaustive match over the logical plan |
//! | `join` | the kinds of join between streams and static tables |
//! | `map_keys` | which keys of state may hold maps and intervals |
//! | `expression` | expressions that have no meaning on a stream |
//! | `resolve_watermark` | which watermarks there are, and which rows each of them counts |
//! | `push_filters` | which filters stand below a watermark or an aggregation |
//! | `union_marks` | which event time the columns of a UNION carry |
//!
//! The order of the checks is Spark's, so that a query with several faults gets Spark's error. What Spark accepts and
//! Tidemill does not run comes last.

mod expression;
mod join;
mod map_keys;
mod offset_lines;
mod output_mode;
mod push_filters;
mod refusal;
mod resolve_watermark;
mod sources;
mod statement_repeats;
mod subqueries;
mod union_marks;
mod unsupported;

#[cfg(test)]
mod tests;

use datafusion::logical_expr::LogicalPlan;

pub(crate) use map_keys::has_some_fields;
pub(crate) use offset_lines::{line_indexes, offset_lines};
pub(crate) use resolve_watermark::{reads_watermark, resolve_watermarks};
pub(crate) use sources::{distinct_sources, reads_stream, reads_stream_anywhere, stream_scans};
pub use statement_repeats::mark_statement_repeats;
pub(crate) use statement_repeats::rewrite_scans;
pub(crate) use union_marks::mark_unions;

use crate::{OutputMode, Result, SqlError};

/// Refuses a plan that cannot run as a stream in this mode; one whose results could be wrong only with
/// `check_correctness`.
pub(crate) fn check_supported(plan: &LogicalPlan, mode: OutputMode, check_correctness: bool) -> Result<()> {
    subqueries::refuse_streaming_subqueries(plan)?;
    if !sources::reads_stream(plan) {
        return Err(SqlError::new(
            "WRITE_STREAM_NOT_ALLOWED",
            "`writeStream` can be called only on streaming Dataset/DataFrame.",
        ));
    }
    output_mode::check_output_mode(plan, mode)?;
    unsupported::check_nodes(plan, mode, check_correctness)
}
