//! CASE, if, coalesce, nullif, greatest, least: their branches meet in one type; only the branch that is wanted is computed.
//!
//! While types are settled they are functions; the simplifier turns them into DataFusion's own lazy expressions.

use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::super::analyzer::tightest;
use super::{float_key, holds_floats};
use crate::SqlError;

/// A conditional function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Conditional {
    /// `CASE WHEN a THEN b … ELSE c END` as `(a, b, …, c)`.
    Case,
    /// `if(a, b, c)`.
    If,
    /// `coalesce(…)`, `nvl`, `ifnull`.
    Coalesce,
    /// `nvl2(a, b, c)`.
    Nvl2,
    /// `nullif(a, b)`.
    NullIf,
    /// `greatest(…)`.
    Greatest,
    /// `least(…)`.
    Least,
}

/// The function under a name.
pub(crate) fn function(kind: Conditional) -> ScalarUDF {
    ScalarUDF::new_from_impl(ConditionalFunction {
        kind,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ConditionalFunction {
    kind: Conditional,
    signature: Signature,
}

impl ConditionalFunction {
    /// Whether the argument at this place of so many is a condition.
    fn is_condition(&self, at: usize, count: usize) -> bool {
        match self.kind {
            Conditional::Case => at.is_multiple_of(2) && at + 1 < count,
            Conditional::If => at == 0,
            _ => false,
        }
    }

    /// Whether the argument's type counts for the result's.
    fn is_result(&self, at: usize, count: usize) -> bool {
        !self.is_condition(at, count) && (self.kind != Conditional::Nvl2 || at != 0)
    }
}

impl ScalarUDFImpl for ConditionalFunction {
    fn name(&self) -> &str {
        match self.kind {
            Conditional::Case => "spark_case",
            Conditional::If => "spark_if",
            Conditional::Coalesce => "spark_coalesce",
            Conditional::Nvl2 => "spark_nvl2",
            Conditional::NullIf => "spark_nullif",
            Conditional::Greatest => "spark_greatest",
            Conditional::Least => "spark_least",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        let count = arg_types.len();
        let enough = match self.kind {
            Conditional::Case => count >= 2,
            Conditional::If | Conditional::Nvl2 => count == 3,
            Conditional::Coalesce => count >= 1,
            Conditional::NullIf => count == 2,
            Conditional::Greatest | Conditional::Least => count >= 2,
        };
        if !enough {
            return Err(wrong_count(self.name(), count).into());
        }
        let mut common = DataType::Null;
        for (at, t) in arg_types.iter().enumerate() {
            if self.is_result(at, count) {
                common = tightest(&common, t).ok_or_else(|| different(&common, t))?;
            }
        }
        arg_types
            .iter()
            .enumerate()
            .map(|(at, t)| {
                if self.is_condition(at, count) {
                    if !matches!(t, DataType::Boolean | DataType::Null) {
                        return Err(different(&DataType::Boolean, t).into());
                    }
                    Ok(DataType::Boolean)
                } else if self.is_result(at, count) {
                    Ok(common.clone())
                } else {
                    Ok(t.clone())
                }
            })
            .collect()
    }

    fn return_type(&self, arg_types: &[DataType]) -> DataFusionResult<DataType> {
        let types = self.coerce_types(arg_types)?;
        Ok(types.last().cloned().unwrap_or(DataType::Null))
    }

    fn short_circuits(&self) -> bool {
        true
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
        let null = |like: &Expr| -> DataFusionResult<Expr> {
            Ok(Expr::Literal(
                ScalarValue::try_from(info.get_data_type(like)?)?,
                None,
            ))
        };
        let simple = match self.kind {
            Conditional::Case | Conditional::If => case(args),
            Conditional::Coalesce => coalesce(args),
            Conditional::Nvl2 => {
                let [a, b, c] = take(args)?;
                case(vec![Expr::IsNotNull(Box::new(a)), b, c])
            }
            Conditional::NullIf => {
                let [a, b] = take(args)?;
                let equal = match holds_floats(&info.get_data_type(&a)?) {
                    true => binary(float_key(a.clone()), Operator::Eq, float_key(b)),
                    false => binary(a.clone(), Operator::Eq, b),
                };
                let none = null(&a)?;
                case(vec![equal, none, a])
            }
            Conditional::Greatest => native(datafusion::functions::core::greatest(), args),
            Conditional::Least => native(datafusion::functions::core::least(), args),
        };
        Ok(ExprSimplifyResult::Simplified(simple))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        Err(DataFusionError::Internal(format!(
            "{} must be simplified before it runs",
            self.name()
        )))
    }
}

fn take<const N: usize>(args: Vec<Expr>) -> DataFusionResult<[Expr; N]> {
    let count = args.len();
    args.try_into()
        .map_err(|_| wrong_count("a conditional", count).into())
}

fn case(args: Vec<Expr>) -> Expr {
    let mut when_then_expr = Vec::new();
    let mut else_expr = None;
    let mut iter = args.into_iter();
    while let Some(first) = iter.next() {
        match iter.next() {
            Some(second) => when_then_expr.push((Box::new(first), Box::new(second))),
            None => else_expr = Some(Box::new(first)),
        }
    }
    Expr::Case(Case {
        expr: None,
        when_then_expr,
        else_expr,
    })
}

fn coalesce(mut args: Vec<Expr>) -> Expr {
    let Some(last) = args.pop() else {
        return Expr::Literal(ScalarValue::Null, None);
    };
    if args.is_empty() {
        return last;
    }
    let mut parts: Vec<Expr> = args
        .into_iter()
        .flat_map(|a| [Expr::IsNotNull(Box::new(a.clone())), a])
        .collect();
    parts.push(last);
    case(parts)
}

fn native(function: std::sync::Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(function, args))
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

pub(super) fn wrong_count(name: &str, count: usize) -> SqlError {
    SqlError::new(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        format!("{name} does not take {count} arguments."),
    )
}

fn different(a: &DataType, b: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
        format!(
            "The branches should all be of the same type, but they are \"{}\" and \"{}\" (a cast makes them one).",
            super::type_name(a),
            super::type_name(b)
        ),
    )
}
