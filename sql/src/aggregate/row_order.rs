//! Which functions give the same, to the last bit, in whatever order and groups their rows come.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable};

/// By DataFusion's names and ours.
const HEED_NO_ORDER: [&str; 14] = [
    "approx_count_distinct",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "count",
    "count_if",
    "max",
    "min",
    "sum",
    "try_avg",
    "try_sum",
];

/// Whether an aggregate over rows of this schema heeds no order. Sums of fractions do: they round.
pub(crate) fn heeds_no_order(expr: &Expr, input: &DFSchema) -> bool {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = expr.clone().unalias() else {
        return false;
    };
    let name = func.name().trim_start_matches("spark_");
    HEED_NO_ORDER.contains(&name)
        && !params.distinct
        && params.order_by.is_empty()
        && params.args.iter().all(|argument| is_exact(argument, input))
}

/// An average of whole numbers is one of doubles, which hold them.
fn is_exact(argument: &Expr, input: &DFSchema) -> bool {
    let exact = |expr: &Expr| expr.get_type(input).is_ok_and(|found| !holds_floats(&found));
    match argument {
        Expr::Cast(Cast { expr, .. }) => exact(argument) || exact(expr),
        Expr::Alias(alias) => is_exact(&alias.expr, input),
        other => exact(other),
    }
}

fn holds_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().any(|field| holds_floats(field.data_type())),
        DataType::List(item) => holds_floats(item.data_type()),
        other => other.is_floating(),
    }
}
