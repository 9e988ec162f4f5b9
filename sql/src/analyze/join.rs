//! Which joins between streams and static tables can run.
//!
//! A row of a stream can be completed by a static table at once; a row of a static table can never be called unmatched,
//! because the stream may still bring its match. So the side that a join preserves must be the stream. (A set
//! operation is a join on null-equal columns in DataFusion's plans.)

use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::Join;

use super::refusal::{capitalised, not_supported_yet, refused};
use crate::{OutputMode, Result, SqlError};

/// Which sides of a join read a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamSide {
    /// Only the left one.
    Left,
    /// Only the right one.
    Right,
    /// Both.
    Both,
}

/// Whether a join over a stream can run: an error is Spark's refusal, a value is what only Tidemill lacks.
pub(super) fn check_join(join: &Join, side: StreamSide, mode: OutputMode) -> Result<Option<SqlError>> {
    if join.null_equality == NullEquality::NullEqualsNull {
        check_set_operation(join, side, mode)?;
    }
    match side {
        StreamSide::Left | StreamSide::Right => {
            check_stream_static(join.join_type, side)?;
            Ok(None)
        }
        StreamSide::Both => {
            check_stream_stream(join, mode)?;
            Ok(Some(not_supported_yet(
                "STREAM_STREAM_JOIN",
                "A join between two streams",
            )))
        }
    }
}

/// INTERSECT is refused; EXCEPT would have to remember every row it gave.
fn check_set_operation(join: &Join, side: StreamSide, mode: OutputMode) -> Result<()> {
    match join.join_type {
        JoinType::LeftSemi => Err(refused(
            "INTERSECT",
            "Intersect of streaming DataFrames/Datasets is not supported",
        )),
        JoinType::LeftAnti if side == StreamSide::Left => Err(SqlError::new(
            "UNSUPPORTED_STREAMING_OPERATOR_WITHOUT_WATERMARK",
            format!(
                "{} output mode not supported for aggregations on streaming DataFrames/DataSets without watermark.",
                capitalised(mode)
            ),
        )),
        JoinType::LeftAnti => Err(refused(
            "EXCEPT",
            "Except on a streaming DataFrame/Dataset on the right is not supported",
        )),
        // A join of the builder on null-safe keys.
        JoinType::Inner
        | JoinType::Left
        | JoinType::Right
        | JoinType::Full
        | JoinType::RightSemi
        | JoinType::RightAnti
        | JoinType::LeftMark
        | JoinType::RightMark => Ok(()),
    }
}

fn check_stream_static(join_type: JoinType, side: StreamSide) -> Result<()> {
    let name = spark_name(join_type);
    let stream_on_left = side == StreamSide::Left;
    let message = match join_type {
        JoinType::Inner => return Ok(()),
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftMark if stream_on_left => return Ok(()),
        JoinType::LeftAnti if stream_on_left => return Ok(()),
        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark
            if !stream_on_left =>
        {
            return Ok(());
        }
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftMark => format!(
            "{name} join with a streaming DataFrame/Dataset on the right and a static DataFrame/Dataset on the left is not supported"
        ),
        JoinType::LeftAnti => {
            format!("{name} joins with a streaming DataFrame/Dataset on the right are not supported")
        }
        JoinType::RightAnti => {
            format!("{name} joins with a streaming DataFrame/Dataset on the left are not supported")
        }
        JoinType::Right | JoinType::RightSemi | JoinType::RightMark => format!(
            "{name} join with a streaming DataFrame/Dataset on the left and a static DataFrame/DataSet on the right not supported"
        ),
        JoinType::Full => {
            let (stream, table) = if stream_on_left {
                ("left", "right")
            } else {
                ("right", "left")
            };
            format!(
                "{name} joins with streaming DataFrames/Datasets on the {stream} and a static DataFrame/Dataset on the {table} is not supported"
            )
        }
    };
    Err(refused("JOIN_WITH_STATIC", message))
}

fn check_stream_stream(join: &Join, mode: OutputMode) -> Result<()> {
    let name = if is_cross(join) {
        "Cross"
    } else {
        spark_name(join.join_type)
    };
    let updates_allowed = match join.join_type {
        JoinType::LeftAnti | JoinType::RightAnti => {
            let side = if join.join_type == JoinType::LeftAnti {
                "right"
            } else {
                "left"
            };
            return Err(refused(
                "STREAM_STREAM_JOIN_KIND",
                format!("{name} joins with a streaming DataFrame/Dataset on the {side} are not supported"),
            ));
        }
        JoinType::Inner
        | JoinType::LeftSemi
        | JoinType::RightSemi
        | JoinType::LeftMark
        | JoinType::RightMark => true,
        JoinType::Left | JoinType::Right | JoinType::Full => false,
    };
    let is_allowed = match mode {
        OutputMode::Append => true,
        OutputMode::Update => updates_allowed,
        OutputMode::Complete => false,
    };
    if !is_allowed {
        let only = if updates_allowed {
            "Append and Update output modes"
        } else {
            "Append output mode"
        };
        return Err(refused(
            "STREAM_STREAM_JOIN_OUTPUT_MODE",
            format!(
                "{name} join between two streaming DataFrames/Datasets is not supported in {} output mode, only in {only}",
                capitalised(mode)
            ),
        ));
    }
    if join.join_type == JoinType::Inner {
        return Ok(());
    }
    Err(refused(
        "STREAM_STREAM_JOIN_WITHOUT_WATERMARK",
        format!(
            "Stream-stream {name} join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a watermark on the nullable side and an appropriate range condition"
        ),
    ))
}

fn is_cross(join: &Join) -> bool {
    join.join_type == JoinType::Inner && join.on.is_empty() && join.filter.is_none()
}

/// The join's name in Spark's texts; the mirrored kinds, which Spark lacks, are named alike.
fn spark_name(join_type: JoinType) -> &'static str {
    match join_type {
        JoinType::Inner => "Inner",
        JoinType::Left => "LeftOuter",
        JoinType::Right => "RightOuter",
        JoinType::Full => "FullOuter",
        JoinType::LeftSemi => "LeftSemi",
        JoinType::RightSemi => "RightSemi",
        JoinType::LeftAnti => "LeftAnti",
        JoinType::RightAnti => "RightAnti",
        JoinType::LeftMark => "ExistenceJoin",
        JoinType::RightMark => "RightExistenceJoin",
    }
}
