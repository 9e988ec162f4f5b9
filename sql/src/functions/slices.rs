//! Aggregations by a window group their rows by slices, and give their groups the windows.
//!
//! A slice is the time between two starts of windows. A row is in one slice, and where the slide divides the length, each
//! window is whole slices: so rows are aggregated once, by the start of their slice, which is a number, and each partial
//! group then stands in for its rows in every window that holds its slice. What a row costs has nothing to do with how many
//! windows it is in. Windows that tumble are slices of their own.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimestampMicrosecondType};
use datafusion::common::{Column, Result as DataFusionResult, UnnestOptions, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, Projection, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::unnest::{ListUnnest, UnnestExec};

use super::assign::{assign_udf, assigned, last_start};
use super::resolve::WINDOW_COLUMN;
use super::spec::WindowSpec;
use crate::logical::RowSlices;
use crate::operators::RowSlicesExec;

/// Which windows the slices of an aggregation stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WindowSlices {
    spec: WindowSpec,
}

/// The input of an aggregation with the start of each row's slice in the place of its windows; none where its windows
/// were not made for this node, or are not made of slices.
pub(crate) fn by_slices(input: &LogicalPlan) -> DataFusionResult<Option<(LogicalPlan, WindowSlices)>> {
    let projection = match input {
        LogicalPlan::Projection(projection) => projection,
        LogicalPlan::Unnest(unnest) => match unnest.input.as_ref() {
            LogicalPlan::Projection(projection) if unnests_windows(&unnest.exec_columns) => projection,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let Some((Expr::Alias(windows), columns)) = projection.expr.split_first() else {
        return Ok(None);
    };
    let Some((time, spec)) = assigned(&windows.expr).filter(|_| windows.name == WINDOW_COLUMN) else {
        return Ok(None);
    };
    if !spec.is_made_of_slices() {
        return Ok(None);
    }
    let mut outputs = vec![slice_start(time.clone(), spec).alias(WINDOW_COLUMN)];
    outputs.extend_from_slice(columns);
    let rows = RowSlices::input_of(&projection.input).unwrap_or(&projection.input);
    let sliced = LogicalPlan::Projection(Projection::try_new(outputs, Arc::clone(rows))?);
    Ok(Some((sliced, WindowSlices { spec })))
}

fn unnests_windows(columns: &[Column]) -> bool {
    matches!(columns, [column] if column.name == WINDOW_COLUMN)
}

impl WindowSlices {
    /// Whether each group is in one window only.
    pub(crate) fn is_tumbling(self) -> bool {
        self.spec.is_tumbling()
    }

    /// The groups with their windows in the place of the slice's start, which is this column; once for each window.
    pub(crate) fn windows_of(
        self,
        groups: Arc<dyn ExecutionPlan>,
        column: usize,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let groups: Arc<dyn ExecutionPlan> = match self.spec.too_many_at_once() {
            Some(many) => Arc::new(RowSlicesExec::new(groups, many)),
            None => groups,
        };
        let schema = groups.schema();
        let outputs = schema.fields().iter().enumerate().map(|(at, field)| {
            let own: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(field.name(), at));
            if at != column {
                return Ok((own, field.name().clone()));
            }
            let options = Arc::new(ConfigOptions::default());
            let windows = ScalarFunctionExpr::try_new(assign_udf(self.spec), vec![own], &schema, options)?;
            Ok((Arc::new(windows) as Arc<dyn PhysicalExpr>, field.name().clone()))
        });
        let outputs = outputs.collect::<DataFusionResult<Vec<_>>>()?;
        let windows = ProjectionExec::try_new(outputs, groups)?;
        if self.spec.is_tumbling() {
            return Ok(Arc::new(windows));
        }
        let schema = Arc::new(one_a_row(&windows.schema(), column)?);
        let list = ListUnnest {
            index_in_input_schema: column,
            depth: 1,
        };
        let options = UnnestOptions::new().with_preserve_nulls(false);
        let unnest = UnnestExec::new(Arc::new(windows), vec![list], Vec::new(), schema, options)?;
        Ok(Arc::new(unnest))
    }
}

/// The schema with the items of a list in the place of the list.
fn one_a_row(schema: &Schema, column: usize) -> DataFusionResult<Schema> {
    let mut fields = schema.fields().to_vec();
    let Some(field) = fields.get_mut(column) else {
        return internal_err!("a list of windows that is no column");
    };
    let DataType::List(item) = field.data_type() else {
        return internal_err!("a list of windows of type {}", field.data_type());
    };
    *field = Arc::new(field.as_ref().clone().with_data_type(item.data_type().clone()));
    Ok(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The start of the slice that holds the time, which is a timestamp of one of Spark's types.
fn slice_start(time: Expr, spec: WindowSpec) -> Expr {
    let function = ScalarUDF::new_from_impl(SliceStart {
        spec,
        signature: Signature::any(1, Volatility::Immutable),
    });
    function.call(vec![time])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SliceStart {
    spec: WindowSpec,
    signature: Signature,
}

impl ScalarUDFImpl for SliceStart {
    fn name(&self) -> &str {
        "window_slice"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> DataFusionResult<DataType> {
        internal_err!("the type of a slice's start is that of its field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        let Some(time) = args.arg_fields.first() else {
            return internal_err!("a slice without a time");
        };
        let start = Field::new(self.name(), time.data_type().clone(), time.is_nullable());
        Ok(Arc::new(start))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let Some(times) = args.args.into_iter().next() else {
            return internal_err!("a slice without a time");
        };
        let times = times.into_array(args.number_rows)?;
        let Some(micros) = times.as_primitive_opt::<TimestampMicrosecondType>() else {
            return internal_err!("a slice of {}", times.data_type());
        };
        let starts: PrimitiveArray<TimestampMicrosecondType> =
            micros.unary(|time| last_start(time, self.spec));
        let starts: ArrayRef = Arc::new(starts.with_data_type(times.data_type().clone()));
        Ok(ColumnarValue::Array(starts))
    }
}
