//! The layouts of DataFusion's own functions, where Spark has the function and its buffers hold the same.

use arrow::datatypes::{DataType, FieldRef};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;

use super::BufferLayout;
use super::step::Step;

/// The most digits of a decimal that Spark sums as BIGINT: the sum, of 10 digits more, still fits.
pub(super) const MAX_LONG_SUM_PRECISION: u8 = 8;

/// The most digits of a decimal that Spark averages as DOUBLE: the average, of 4 digits more, is still exact.
pub(super) const MAX_DOUBLE_AVG_PRECISION: u8 = 11;

/// By how many digits the sum of decimals is wider than they are.
const SUM_DIGITS: u8 = 10;

/// By how many digits the average of decimals is wider than they are.
const AVG_DIGITS: u8 = 4;

/// The type of the sum of decimals in Spark.
pub(super) fn decimal_sum(precision: u8, scale: i8) -> DataType {
    DataType::Decimal128(precision.saturating_add(SUM_DIGITS).min(38), scale)
}

/// The type of the average of decimals in Spark.
pub(super) fn decimal_avg(precision: u8, scale: i8) -> DataType {
    DataType::Decimal128(
        precision.saturating_add(AVG_DIGITS).min(38),
        scale.saturating_add(4).min(38),
    )
}

/// The layout of an aggregate of DataFusion's, or of `min` and `max`; `None` where Spark has none.
pub(super) fn layout(aggregate: &AggregateFunctionExpr, states: &[FieldRef]) -> Option<BufferLayout> {
    use DataType as D;
    // `spark_min` and `spark_max` keep what `min` and `max` keep.
    let name = aggregate.fun().name().trim_start_matches("spark_");
    let (long, double) = (D::Int64, D::Float64);
    let doubles = |names: &[&'static str]| {
        let buffers = names.iter().enumerate().map(|(at, name)| {
            let step = Step::or_zero(at, &double);
            (*name, double.clone(), step)
        });
        let back = states.iter().enumerate();
        let back = back.map(|(at, state)| Step::or_zero(at, state.data_type()));
        BufferLayout::new(buffers.collect(), back.collect())
    };
    match (name, states) {
        ("count", [_]) => Some(BufferLayout::renamed(vec![("count", long)], states)),
        ("sum", [state]) => sum(aggregate, state),
        ("avg", [count, sum]) => avg(aggregate, count, sum),
        ("min" | "max" | "bit_and" | "bit_or" | "bit_xor", [state]) => {
            let data_type = spark_type(state.data_type());
            data_type.map(|t| BufferLayout::renamed(vec![(name, t)], states))
        }
        ("collect_list" | "collect_set", [list]) => {
            let back = Step::ListOfRow {
                at: 0,
                to: list.data_type().clone(),
            };
            let buffer = ("buf", D::Binary, Step::RowOfList { at: 0 });
            Some(BufferLayout::new(vec![buffer], vec![back]))
        }
        ("bool_and", [_]) => Some(BufferLayout::renamed(vec![("min", D::Boolean)], states)),
        ("bool_or", [_]) => Some(BufferLayout::renamed(vec![("max", D::Boolean)], states)),
        ("first_value" | "last_value" | "any_value", [value, _]) => {
            let name = if name == "last_value" { "last" } else { "first" };
            let data_type = spark_type(value.data_type());
            data_type.map(|t| BufferLayout::renamed(vec![(name, t), ("valueSet", D::Boolean)], states))
        }
        ("var" | "var_pop" | "stddev" | "stddev_pop", [_, _, _]) => Some(doubles(&["n", "avg", "m2"])),
        ("covar_samp" | "covar_pop", [_, _, _, _]) => Some(doubles(&["n", "xAvg", "yAvg", "ck"])),
        ("corr", [n, x, xm, y, ym, c]) => {
            let zero = |at| Step::or_zero(at, &double);
            let back = |at, state: &FieldRef| Step::or_zero(at, state.data_type());
            Some(BufferLayout::new(
                vec![
                    ("n", double.clone(), zero(0)),
                    ("xAvg", double.clone(), zero(1)),
                    ("yAvg", double.clone(), zero(3)),
                    ("ck", double.clone(), zero(5)),
                    ("xMk", double.clone(), zero(2)),
                    ("yMk", double.clone(), zero(4)),
                ],
                vec![
                    back(0, n),
                    back(1, x),
                    back(4, xm),
                    back(2, y),
                    back(5, ym),
                    back(3, c),
                ],
            ))
        }
        _ => None,
    }
}

/// The type if it is one of Spark's, strings and bytes in their plain form; unsigned numbers are not.
fn spark_type(data_type: &DataType) -> Option<DataType> {
    let held = super::held_as(data_type)?;
    let changed = matches!(
        data_type,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64
    );
    (!changed).then_some(held)
}

fn sum(aggregate: &AggregateFunctionExpr, state: &FieldRef) -> Option<BufferLayout> {
    use DataType as D;
    let back = state.data_type();
    match aggregate.field().data_type() {
        D::Decimal128(p, _) if *p <= MAX_LONG_SUM_PRECISION + SUM_DIGITS => {
            let unscaled = Step::Unscaled {
                at: 0,
                to: D::Int64,
                or_zero: false,
            };
            let scaled = Step::Scaled {
                at: 0,
                to: back.clone(),
                count: None,
            };
            Some(BufferLayout::new(vec![("sum", D::Int64, unscaled)], vec![scaled]))
        }
        sum @ D::Decimal128(..) => {
            let not_empty = Step::NullIfEmpty {
                at: 0,
                to: back.clone(),
                empty: 1,
            };
            Some(BufferLayout::new(
                vec![
                    ("sum", sum.clone(), Step::or_zero(0, sum)),
                    ("isEmpty", D::Boolean, Step::IsNull { at: 0 }),
                ],
                vec![not_empty],
            ))
        }
        D::Int64 | D::Float64 => Some(BufferLayout::renamed(
            vec![("sum", back.clone())],
            std::slice::from_ref(state),
        )),
        _ => None,
    }
}

fn avg(aggregate: &AggregateFunctionExpr, count: &FieldRef, sum: &FieldRef) -> Option<BufferLayout> {
    use DataType as D;
    let counts = ("count", D::Int64, Step::or_zero(0, &D::Int64));
    // Where nothing was counted DataFusion's count is null.
    let count = Step::NullWithoutCount {
        at: 1,
        to: count.data_type().clone(),
        count: 1,
    };
    let back = sum.data_type().clone();
    // An average has 4 digits more than its argument, as far as a decimal goes.
    let sums = match (aggregate.field().data_type(), &back) {
        (D::Decimal128(p, _), _) if *p <= MAX_DOUBLE_AVG_PRECISION + AVG_DIGITS => {
            let unscaled = Step::Unscaled {
                at: 1,
                to: D::Float64,
                or_zero: true,
            };
            let scaled = Step::Scaled {
                at: 0,
                to: back,
                count: Some(1),
            };
            let buffers = vec![("sum", D::Float64, unscaled), counts];
            return Some(BufferLayout::new(buffers, vec![count, scaled]));
        }
        (D::Decimal128(p, _), D::Decimal128(_, s) | D::Decimal256(_, s)) => {
            decimal_sum(p.saturating_sub(AVG_DIGITS), *s)
        }
        (D::Float64, D::Float64) => D::Float64,
        _ => return None,
    };
    let counted = Step::NullWithoutCount {
        at: 0,
        to: back,
        count: 1,
    };
    let buffers = vec![("sum", sums.clone(), Step::or_zero(1, &sums)), counts];
    Some(BufferLayout::new(buffers, vec![count, counted]))
}
