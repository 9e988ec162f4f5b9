//! Maps and intervals among the keys of what keeps state, at any depth.
//!
//! The state of Spark knows which fields an interval has, that of Tidemill does not yet: only intervals of all fields are keys.
//! Spark refuses to deduplicate maps. It groups by them after sorting their entries, which Tidemill does not do yet; without
//! that equal maps would be different keys.

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable};

use super::refusal::not_supported_yet;
use crate::logical::StreamingDeduplicate;
use crate::record::value::IntervalFields;
use crate::{Result, SqlError};

/// The refusal of a grouping by maps.
pub(super) fn grouping_by_map(aggregate: &Aggregate) -> Option<SqlError> {
    let count = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
    let mut keys = aggregate.schema.fields().iter().take(count);
    if keys.clone().any(|key| has_some_fields(key)) {
        return Some(not_supported_yet(
            "GROUP_BY_INTERVAL",
            "Grouping a stream by an interval of some fields (cast it to DAY TO SECOND or YEAR TO MONTH)",
        ));
    }
    let maps = keys.any(|key| holds_map(key.data_type()));
    maps.then(|| not_supported_yet("GROUP_BY_MAP", "Grouping a stream by a MAP"))
}

/// Refuses a deduplication of these columns where one of them holds a map or an interval.
pub(super) fn check_distinct_maps(columns: &[FieldRef]) -> Result<()> {
    if columns.iter().any(|column| has_some_fields(column)) {
        return Err(not_supported_yet(
            "DEDUPLICATE_INTERVAL",
            "Deduplicating a stream by an interval of some fields (cast it to DAY TO SECOND or YEAR TO MONTH)",
        ));
    }
    let Some(column) = columns.iter().find(|column| holds_map(column.data_type())) else {
        return Ok(());
    };
    Err(SqlError::new(
        "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
        format!(
            "The feature is not supported: Cannot have MAP type columns in a set operation (INTERSECT, EXCEPT, etc.), but the type of column `{}` is \"{}\".",
            column.name(),
            crate::dialect::type_name(column.data_type())
        ),
    ))
}

/// Refuses a deduplication by a key that holds a map.
pub(super) fn check_deduplicated_maps(deduplicate: &StreamingDeduplicate) -> Result<()> {
    let schema = deduplicate.input.schema();
    let field = |key: &Expr| -> DataFusionResult<FieldRef> { Ok(key.to_field(schema.as_ref())?.1) };
    let keys = deduplicate
        .keys
        .iter()
        .map(field)
        .collect::<DataFusionResult<Vec<_>>>()?;
    check_distinct_maps(&keys)
}

/// Whether the column is an interval without all fields of its type.
pub(crate) fn has_some_fields(column: &Field) -> bool {
    IntervalFields::of(column).is_some_and(|fields| !fields.is_all())
}

fn holds_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::Struct(fields) => fields.iter().any(|field| holds_map(field.data_type())),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            holds_map(item.data_type())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

    use super::*;
    use crate::test_streams::{TestStream, stream_scan};
    use crate::{OutputMode, StreamingPlan};

    #[tokio::test]
    async fn maps_are_no_keys_of_state_however_deep() {
        let context = TestStream::context();
        for key in ["map([k], [v])", "struct(map([k], [v]))", "[map([k], [v])]"] {
            let condition =
                |plan: LogicalPlan, mode| StreamingPlan::analyze(plan, mode).unwrap_err().condition;
            let text = format!("SELECT m, count(*) FROM (SELECT {key} AS m FROM stream('a')) GROUP BY m");
            let plan = context.state().create_logical_plan(&text).await.unwrap();
            assert_eq!(
                condition(plan, OutputMode::Update),
                "NOT_SUPPORTED_YET.GROUP_BY_MAP",
                "{key}"
            );
            let text = format!("SELECT {key} AS m FROM stream('a')");
            let rows = context.state().create_logical_plan(&text).await.unwrap();
            let refused = "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE";
            let plan = StreamingDeduplicate::plan(rows.clone(), &["m"], false).unwrap();
            assert_eq!(condition(plan, OutputMode::Append), refused, "{key}");
            let plan = LogicalPlanBuilder::from(rows).distinct().unwrap();
            assert_eq!(
                condition(plan.build().unwrap(), OutputMode::Append),
                refused,
                "{key}"
            );
        }
        assert!(StreamingPlan::analyze(stream_scan("a"), OutputMode::Append).is_ok());
    }

    #[test]
    fn intervals_of_some_fields_are_no_keys_of_state() {
        for (fields, condition) in [
            ("DAY", Some("NOT_SUPPORTED_YET.DEDUPLICATE_INTERVAL")),
            ("DAY TO SECOND", None),
            ("YEAR TO MONTH", None),
        ] {
            let column = IntervalFields::parse(fields).unwrap().field("i");
            let refused = check_distinct_maps(&[column]).err().map(|error| error.condition);
            assert_eq!(refused.as_deref(), condition, "{fields}");
        }
    }
}
