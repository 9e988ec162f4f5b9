//! Spark's aggregate functions as DataFusion knows functions: their types, states and accumulators.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, StatisticsArgs, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;

use super::distinct::DistinctValues;
use super::fold::{Fold, Folded};
use super::groups::{Grouped, Groups, Single};
use super::kind::Kind;
use crate::SqlError;
use crate::record::value::IntervalFields;

/// An aggregate function of Spark's.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SparkAggregate {
    kind: Kind,
    ansi: bool,
    signature: Signature,
}

impl SparkAggregate {
    /// The function, under `spark.sql.ansi.enabled`.
    pub(super) fn new(kind: Kind, ansi: bool) -> Self {
        Self {
            kind,
            // Functions that do not heed the setting are one function under both.
            ansi: ansi && kind.heeds_ansi(),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    /// The type of the argument whose distinct values are taken: the only one, but for a constant.
    fn distinct_of<'a>(&self, types: &'a [DataType]) -> Result<&'a DataType> {
        match types {
            [data_type] => Ok(data_type),
            [data_type, _] if self.kind == Kind::ListAgg => Ok(data_type),
            _ => Err(wrong_arguments(self.kind.name(), types.len()).into()),
        }
    }

    /// Which function it is.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }
}

/// What is made of a fold.
pub(super) trait FoldUser {
    /// What comes out.
    type Out;

    /// Makes it.
    fn with<F: Fold>(self, fold: F) -> Self::Out;

    /// Makes it of groups that lay themselves out.
    fn with_groups<G: Groups>(self, groups: G) -> Self::Out;
}

/// Makes the accumulator over many groups.
pub(super) struct Grouping;

impl FoldUser for Grouping {
    type Out = Box<dyn GroupsAccumulator>;

    fn with<F: Fold>(self, fold: F) -> Self::Out {
        Box::new(Grouped(Folded::new(fold)))
    }

    fn with_groups<G: Groups>(self, groups: G) -> Self::Out {
        Box::new(Grouped(groups))
    }
}

/// Makes the accumulator over one group.
pub(super) struct OneGroup;

impl FoldUser for OneGroup {
    type Out = Box<dyn Accumulator>;

    fn with<F: Fold>(self, fold: F) -> Self::Out {
        Box::new(Single::new(Folded::new(fold)))
    }

    fn with_groups<G: Groups>(self, groups: G) -> Self::Out {
        Box::new(Single::new(groups))
    }
}

/// The states and results of DataFusion's count are Spark's; only the result's nullability is not.
fn counting() -> Arc<AggregateUDF> {
    count_udaf()
}

impl AggregateUDFImpl for SparkAggregate {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.kind.coerce(arg_types)?)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.kind.return_type(arg_types)?)
    }

    fn return_field(&self, args: &[FieldRef]) -> Result<FieldRef> {
        let fields = match self.kind {
            Kind::Avg | Kind::TryAvg => None,
            _ => args.first().and_then(|field| IntervalFields::of(field)),
        };
        result_field(self, args, fields)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if self.kind == Kind::Count {
            return counting().state_fields(args);
        }
        let types: Vec<DataType> = args.input_fields.iter().map(|f| f.data_type().clone()).collect();
        if args.is_distinct {
            let data_type = self.distinct_of(&types)?;
            let values = Field::new_list_field(data_type.clone(), true);
            let name = format_state_name(args.name, "distinct");
            return Ok(vec![Field::new_list(name, values, true).into()]);
        }
        let states = self.kind.states(&types, args.return_type())?;
        Ok(states
            .into_iter()
            .map(|(name, data_type)| Field::new(format_state_name(args.name, name), data_type, true).into())
            .collect())
    }

    fn accumulator(&self, acc_args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if self.kind == Kind::Count {
            return counting().accumulator(acc_args);
        }
        let inner = self.kind.fold(&acc_args, self.ansi, OneGroup)?;
        if !acc_args.is_distinct {
            return Ok(inner);
        }
        let types: Vec<DataType> = acc_args
            .expr_fields
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        let data_type = self.distinct_of(&types)?.clone();
        Ok(Box::new(DistinctValues::new(inner, data_type)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        if self.kind == Kind::Count {
            return counting().groups_accumulator_supported(args);
        }
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        if self.kind == Kind::Count {
            return counting().create_groups_accumulator(args);
        }
        self.kind.fold(&args, self.ansi, Grouping)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        match self.kind {
            Kind::Count | Kind::CountIf | Kind::ApproxCountDistinct => Ok(ScalarValue::Int64(Some(0))),
            _ => ScalarValue::try_from(data_type),
        }
    }

    fn value_from_stats(&self, statistics_args: &StatisticsArgs) -> Option<ScalarValue> {
        match self.kind {
            Kind::Count => counting().value_from_stats(statistics_args),
            _ => None,
        }
    }

    fn supports_null_handling_clause(&self) -> bool {
        matches!(self.kind, Kind::First | Kind::Last)
    }
}

/// The result of an aggregate function as a column; its values have these fields where they are intervals.
pub(super) fn result_field(
    function: &impl AggregateUDFImpl,
    args: &[FieldRef],
    fields: Option<IntervalFields>,
) -> Result<FieldRef> {
    let types: Vec<DataType> = args.iter().map(|field| field.data_type().clone()).collect();
    let result = function.return_type(&types)?;
    let metadata = fields.filter(|fields| fields.data_type() == result);
    let field = Field::new(function.name(), result, function.is_nullable());
    Ok(Arc::new(match metadata {
        Some(fields) => field.with_metadata(fields.metadata()),
        None => field,
    }))
}

/// The error for a call with another number of arguments.
pub(super) fn wrong_arguments(name: &str, count: usize) -> SqlError {
    SqlError::new(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        format!("The function '{name}' does not take {count} arguments here."),
    )
}

/// The value of an argument that must be a constant, as the physical expression has it.
pub(super) fn constant(args: &AccumulatorArgs<'_>, at: usize) -> Option<ScalarValue> {
    args.exprs.get(at).and_then(literal)
}

/// The value of a literal.
pub(super) fn literal(expr: &Arc<dyn PhysicalExpr>) -> Option<ScalarValue> {
    Some(expr.downcast_ref::<Literal>()?.value().clone())
}
