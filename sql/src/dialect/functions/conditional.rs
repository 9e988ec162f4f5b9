//! CASE, if, coalesce, nullif, greatest, least: their branches meet in one type; only the branch that is wanted is computed.
//!
//! While types are settled they are functions; the simplifier casts their arguments as Spark does and turns them into DataFusion's
//! own lazy expressions.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::{compare_floats, comparison, tightest_under, widest};
use super::intervals::with_fields;
use super::{coerce, holds_floats};
use crate::SqlError;
use crate::record::value::IntervalFields;

/// A conditional function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Conditional {
    /// `x IN (a, b)` as `(x, a, b)`.
    In,
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
pub(crate) fn function(kind: Conditional, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(ConditionalFunction {
        kind,
        ansi: settings.ansi,
        zone_name: settings.time_zone.clone(),
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ConditionalFunction {
    kind: Conditional,
    ansi: bool,
    zone_name: String,
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
        match self.kind {
            Conditional::Nvl2 => at != 0,
            Conditional::NullIf => at == 0,
            _ => !self.is_condition(at, count),
        }
    }

    fn settings(&self) -> SqlSettings {
        SqlSettings {
            ansi: self.ansi,
            time_zone: self.zone_name.clone(),
            ..SqlSettings::default()
        }
    }

    /// The type that the results meet in.
    fn common(&self, types: &[DataType]) -> Result<DataType, SqlError> {
        let count = types.len();
        let mut common = DataType::Null;
        for (at, t) in types.iter().enumerate() {
            if self.is_condition(at, count) && !matches!(t, DataType::Boolean | DataType::Null) {
                return Err(not_a_condition(t));
            }
            if self.is_result(at, count) {
                let both = match self.kind {
                    // No string becomes a number here, nor the other way round.
                    Conditional::Greatest | Conditional::Least => tightest_under(&common, t, self.ansi),
                    _ => widest(&common, t, self.ansi),
                };
                common = both.ok_or_else(|| different(&common, t))?;
            }
        }
        Ok(common)
    }

    /// The fields that the results meet in, where they are intervals.
    fn interval(&self, args: &[FieldRef]) -> Option<IntervalFields> {
        let results = args.iter().enumerate();
        let results = results.filter(|(at, _)| self.is_result(*at, args.len()));
        let fields = results.filter_map(|(_, field)| IntervalFields::of(field));
        fields.reduce(IntervalFields::union)
    }

    /// The arguments as the types that they meet in.
    fn coerced(&self, args: Vec<Expr>, types: &[DataType]) -> Result<Vec<Expr>, SqlError> {
        let common = self.common(types)?;
        let (count, settings) = (args.len(), self.settings());
        let each = args.into_iter().zip(types).enumerate().map(|(at, (arg, t))| {
            if self.is_condition(at, count) {
                coerce(arg, t, &DataType::Boolean, &settings)
            } else if self.is_result(at, count) {
                coerce(arg, t, &common, &settings)
            } else {
                Ok(arg)
            }
        });
        each.collect()
    }

    /// `left = right` in the type that the two are compared in.
    fn equal(&self, left: Expr, right: Expr, types: [&DataType; 2]) -> Result<Expr, SqlError> {
        let [l, r] = types;
        let common = comparison(l, r, self.ansi).ok_or_else(|| different(l, r))?;
        let settings = self.settings();
        let (left, right) = (
            coerce(left, l, &common, &settings)?,
            coerce(right, r, &common, &settings)?,
        );
        Ok(equality(left, right, &common))
    }
}

impl ScalarUDFImpl for ConditionalFunction {
    fn name(&self) -> &str {
        match self.kind {
            Conditional::In => "spark_in",
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
            Conditional::In | Conditional::Greatest | Conditional::Least => count >= 2,
        };
        if !enough {
            return Err(wrong_count(self.name(), count).into());
        }
        // The simplifier casts, as Spark casts.
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, arg_types: &[DataType]) -> DataFusionResult<DataType> {
        let common = self.common(arg_types)?;
        Ok(match self.kind {
            Conditional::In if matches!(common, DataType::Map(..)) => {
                return Err(different(&common, &common).into());
            }
            Conditional::In => DataType::Boolean,
            _ => common,
        })
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let result = self.return_type(&types)?;
        Ok(match self.interval(args.arg_fields) {
            Some(fields) if fields.data_type() == result => fields.field(self.name()),
            _ => Arc::new(Field::new(self.name(), result, true)),
        })
    }

    fn short_circuits(&self) -> bool {
        true
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
        let types = args
            .iter()
            .map(|arg| info.get_data_type(arg))
            .collect::<DataFusionResult<Vec<_>>>()?;
        let mut fields = None;
        if types.iter().any(|t| IntervalFields::of_type(t).is_some()) {
            let columns = args.iter().map(|arg| Ok(arg.to_field(info.schema().as_ref())?.1));
            fields = self.interval(&columns.collect::<DataFusionResult<Vec<_>>>()?);
        }
        let args = self.coerced(args, &types)?;
        let simple = match self.kind {
            Conditional::In => is_in(args, &self.common(&types)?),
            Conditional::Case | Conditional::If => case(args),
            Conditional::Coalesce => coalesce(args),
            Conditional::Nvl2 => {
                let [a, b, c] = take(args)?;
                case(vec![Expr::IsNotNull(Box::new(a)), b, c])
            }
            Conditional::NullIf => {
                let ([a, b], [l, r]) = (take(args)?, [types.first(), types.get(1)]);
                let (l, r) = (l.unwrap_or(&DataType::Null), r.unwrap_or(&DataType::Null));
                let equal = self.equal(a.clone(), b, [l, r])?;
                let none = Expr::Literal(ScalarValue::try_from(l)?, None);
                case(vec![equal, none, a])
            }
            Conditional::Greatest => native(datafusion::functions::core::greatest(), args),
            Conditional::Least => native(datafusion::functions::core::least(), args),
        };
        Ok(ExprSimplifyResult::Simplified(match fields {
            Some(fields) if !fields.is_all() && self.kind != Conditional::In => with_fields(simple, fields),
            _ => simple,
        }))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        Err(DataFusionError::Internal(format!(
            "{} must be simplified before it runs",
            self.name()
        )))
    }
}

/// `x = a OR x = b`, which DataFusion makes a list of again; every value is of this type.
fn is_in(args: Vec<Expr>, common: &DataType) -> Expr {
    let mut args = args.into_iter();
    let value = args.next().unwrap_or(Expr::Literal(ScalarValue::Null, None));
    args.map(|item| equality(value.clone(), item, common))
        .reduce(|a, b| binary(a, Operator::Or, b))
        .unwrap_or(value)
}

fn equality(left: Expr, right: Expr, common: &DataType) -> Expr {
    if holds_floats(common) {
        return compare_floats(left, Operator::Eq, right, common);
    }
    binary(left, Operator::Eq, right)
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

fn not_a_condition(data_type: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        format!(
            "A condition is a BOOLEAN, not \"{}\".",
            super::type_name(data_type)
        ),
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
