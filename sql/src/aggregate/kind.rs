//! Which aggregate function it is, and what follows from it: argument types, result type, states, and the fold.

use std::cmp::Ordering;

use arrow::datatypes::DataType;
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;

use super::avg::{DecimalAvg, DoubleAvg};
use super::builtin::{MAX_DOUBLE_AVG_PRECISION, MAX_LONG_SUM_PRECISION, decimal_avg, decimal_sum};
use super::count::CountIf;
use super::function::{FoldUser, constant, wrong_arguments};
use super::moments::{Moment, Moments, PairMoment, PairMoments};
use super::select::{EndValue, ValueBy};
use super::sum::{DecimalSum, DoubleSum, LongSum, OnOverflow};
use crate::{Result, SqlError};

/// An aggregate function of Spark's; functions that Spark turns into another are that other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// `count`.
    Count,
    /// `count_if`.
    CountIf,
    /// `sum`.
    Sum,
    /// `try_sum`.
    TrySum,
    /// `avg`.
    Avg,
    /// `try_avg`.
    TryAvg,
    /// The average of the argument at this place, where no argument is null: `regr_avgy`, `regr_avgx`.
    AvgOf(usize),
    /// The moments of the argument at this place, where no argument is null.
    Moment(Moment, usize),
    /// The moments of two arguments.
    PairMoment(PairMoment),
    /// `first` and `any_value`.
    First,
    /// `last`.
    Last,
    /// `max_by`.
    MaxBy,
    /// `min_by`.
    MinBy,
}

/// A state column: a name and a type.
type State = (&'static str, DataType);

fn is_numeric(data_type: &DataType) -> bool {
    data_type.is_numeric() || *data_type == DataType::Null
}

impl Kind {
    /// The function's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::CountIf => "count_if",
            Self::Sum => "sum",
            Self::TrySum => "try_sum",
            Self::Avg => "avg",
            Self::TryAvg => "try_avg",
            Self::AvgOf(0) => "regr_avgy",
            Self::AvgOf(_) => "regr_avgx",
            Self::Moment(moment, at) => match (moment, at) {
                (Moment::VarianceSample, _) => "var_samp",
                (Moment::VariancePopulation, _) => "var_pop",
                (Moment::DeviationSample, _) => "stddev_samp",
                (Moment::DeviationPopulation, _) => "stddev_pop",
                (Moment::Skewness, _) => "skewness",
                (Moment::Kurtosis, _) => "kurtosis",
                (Moment::SquareSum, 0) => "regr_syy",
                (Moment::SquareSum, _) => "regr_sxx",
            },
            Self::PairMoment(moment) => match moment {
                PairMoment::CovarianceSample => "covar_samp",
                PairMoment::CovariancePopulation => "covar_pop",
                PairMoment::Correlation => "corr",
                PairMoment::Determination => "regr_r2",
                PairMoment::ProductSum => "regr_sxy",
                PairMoment::Slope => "regr_slope",
                PairMoment::Intercept => "regr_intercept",
            },
            Self::First => "first",
            Self::Last => "last",
            Self::MaxBy => "max_by",
            Self::MinBy => "min_by",
        }
    }

    /// Whether the result depends on `spark.sql.ansi.enabled`.
    pub(super) fn heeds_ansi(self) -> bool {
        matches!(self, Self::Sum | Self::Avg)
    }

    /// The types that the arguments are cast to.
    ///
    /// # Errors
    /// Another number of arguments, or a type the function does not take.
    pub(super) fn coerce(self, types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType as D;
        let counted = match self {
            Self::Count => !types.is_empty(),
            Self::CountIf | Self::Sum | Self::TrySum | Self::Avg | Self::TryAvg => types.len() == 1,
            Self::Moment(Moment::SquareSum, _) | Self::AvgOf(_) | Self::PairMoment(_) => types.len() == 2,
            Self::Moment(..) => types.len() == 1,
            Self::First | Self::Last => matches!(types.len(), 1 | 2),
            Self::MaxBy | Self::MinBy => types.len() == 2,
        };
        if !counted {
            return Err(wrong_arguments(self.name(), types.len()));
        }
        types
            .iter()
            .map(|data_type| match self {
                Self::Sum | Self::TrySum => match data_type {
                    D::Int8 | D::Int16 | D::Int32 | D::Int64 => Ok(D::Int64),
                    D::Float32 | D::Float64 | D::Null => Ok(D::Float64),
                    D::Decimal128(..) => Ok(data_type.clone()),
                    _ => Err(self.refused(data_type)),
                },
                Self::Avg | Self::TryAvg | Self::AvgOf(_) if matches!(data_type, D::Decimal128(..)) => {
                    Ok(data_type.clone())
                }
                Self::Avg | Self::TryAvg | Self::AvgOf(_) | Self::Moment(..) | Self::PairMoment(_) => {
                    if is_numeric(data_type) {
                        Ok(D::Float64)
                    } else {
                        Err(self.refused(data_type))
                    }
                }
                Self::CountIf => match data_type {
                    D::Boolean | D::Null => Ok(D::Boolean),
                    _ => Err(self.refused(data_type)),
                },
                Self::Count | Self::First | Self::Last | Self::MaxBy | Self::MinBy => Ok(data_type.clone()),
            })
            .collect()
    }

    fn refused(self, data_type: &DataType) -> SqlError {
        let name = crate::dialect::type_name(data_type);
        if matches!(
            data_type,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        ) {
            return SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!(
                    "{} of a {name} is not supported in the spark dialect yet: cast it.",
                    self.name()
                ),
            );
        }
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!(
                "The function {} does not take an argument of the type \"{name}\".",
                self.name()
            ),
        )
    }

    /// The result's type, from the types of the cast arguments.
    ///
    /// # Errors
    /// No argument.
    pub(super) fn return_type(self, types: &[DataType]) -> Result<DataType> {
        use DataType as D;
        let first = types.first().ok_or_else(|| wrong_arguments(self.name(), 0))?;
        Ok(match self {
            Self::Count | Self::CountIf => D::Int64,
            Self::Sum | Self::TrySum => match first {
                D::Decimal128(p, s) => decimal_sum(*p, *s),
                other => other.clone(),
            },
            Self::Avg | Self::TryAvg => decimal_avg_type(first),
            Self::AvgOf(at) => decimal_avg_type(types.get(at).unwrap_or(first)),
            Self::Moment(..) | Self::PairMoment(_) => D::Float64,
            Self::First | Self::Last | Self::MaxBy | Self::MinBy => first.clone(),
        })
    }

    /// The state columns; where Spark keeps the function's buffers as columns they are these.
    ///
    /// # Errors
    /// No argument.
    pub(super) fn states(self, types: &[DataType], result: &DataType) -> Result<Vec<State>> {
        use DataType as D;
        let first = types.first().ok_or_else(|| wrong_arguments(self.name(), 0))?;
        let doubles = |names: &[&'static str]| names.iter().map(|n| (*n, D::Float64)).collect();
        Ok(match self {
            Self::Count | Self::CountIf => vec![("count", D::Int64)],
            Self::Sum | Self::TrySum => {
                let flag = ("isEmpty", D::Boolean);
                match first {
                    D::Decimal128(p, _) if *p > MAX_LONG_SUM_PRECISION => {
                        vec![("sum", result.clone()), flag]
                    }
                    D::Float64 => vec![("sum", D::Float64)],
                    _ if self == Self::TrySum => vec![("sum", D::Int64), flag],
                    _ => vec![("sum", D::Int64)],
                }
            }
            Self::Avg | Self::TryAvg | Self::AvgOf(_) => {
                let averaged = match self {
                    Self::AvgOf(at) => types.get(at).unwrap_or(first),
                    _ => first,
                };
                let sum = match averaged {
                    D::Decimal128(p, s) if *p > MAX_DOUBLE_AVG_PRECISION => decimal_sum(*p, *s),
                    _ => D::Float64,
                };
                vec![("sum", sum), ("count", D::Int64)]
            }
            Self::Moment(moment, _) => doubles(moment.buffers()),
            Self::PairMoment(moment) => doubles(moment.buffers()),
            Self::First => vec![("first", first.clone()), ("valueSet", D::Boolean)],
            Self::Last => vec![("last", first.clone()), ("valueSet", D::Boolean)],
            Self::MaxBy | Self::MinBy => {
                let ordering = types.get(1).ok_or_else(|| wrong_arguments(self.name(), 1))?;
                vec![
                    ("valueWithExtremumOrdering", first.clone()),
                    ("extremumOrdering", ordering.clone()),
                ]
            }
        })
    }

    /// Hands the function's fold to its user.
    ///
    /// # Errors
    /// Arguments that the function does not take.
    pub(super) fn fold<U: FoldUser>(
        self,
        args: &AccumulatorArgs<'_>,
        ansi: bool,
        user: U,
    ) -> DataFusionResult<U::Out> {
        let type_at = |at: usize| {
            let field = args.expr_fields.get(at);
            field
                .map(|f| f.data_type().clone())
                .ok_or_else(|| wrong_arguments(self.name(), args.expr_fields.len()))
        };
        let on_overflow = match self {
            Self::TrySum | Self::TryAvg => OnOverflow::Null,
            _ if ansi => OnOverflow::Error,
            _ => OnOverflow::Ignore,
        };
        Ok(match self {
            Self::Count | Self::CountIf => user.with(CountIf),
            Self::Sum | Self::TrySum => sum(&type_at(0)?, args.return_type(), on_overflow, user),
            Self::Avg | Self::TryAvg => avg(&type_at(0)?, 0, args.return_type(), on_overflow, user),
            Self::AvgOf(at) => avg(&type_at(at)?, at, args.return_type(), on_overflow, user),
            Self::Moment(moment, of) => user.with(Moments { moment, of }),
            Self::PairMoment(moment) => user.with(PairMoments { moment }),
            Self::First | Self::Last => {
                let flag = constant(args, 1);
                user.with(EndValue {
                    last: self == Self::Last,
                    ignore_nulls: args.ignore_nulls || flag == Some(ScalarValue::Boolean(Some(true))),
                    data_type: type_at(0)?,
                })
            }
            Self::MaxBy | Self::MinBy => user.with(ValueBy {
                wins: if self == Self::MaxBy {
                    Ordering::Greater
                } else {
                    Ordering::Less
                },
                data_type: type_at(0)?,
                ordering: type_at(1)?,
            }),
        })
    }
}

fn decimal_avg_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Decimal128(p, s) => decimal_avg(*p, *s),
        _ => DataType::Float64,
    }
}

fn sum<U: FoldUser>(argument: &DataType, result: &DataType, on_overflow: OnOverflow, user: U) -> U::Out {
    match (argument, result) {
        (DataType::Float64, _) => user.with(DoubleSum),
        (DataType::Decimal128(p, _), DataType::Decimal128(precision, scale))
            if *p > MAX_LONG_SUM_PRECISION =>
        {
            user.with(DecimalSum {
                precision: *precision,
                scale: *scale,
                on_overflow,
            })
        }
        (argument, result) => user.with(LongSum {
            of_decimal: matches!(argument, DataType::Decimal128(..)),
            result: result.clone(),
            on_overflow,
        }),
    }
}

fn avg<U: FoldUser>(
    argument: &DataType,
    of: usize,
    result: &DataType,
    on_overflow: OnOverflow,
    user: U,
) -> U::Out {
    use DataType as D;
    match (argument, result) {
        (D::Decimal128(p, s), D::Decimal128(precision, scale)) if *p > MAX_DOUBLE_AVG_PRECISION => {
            let sum = match decimal_sum(*p, *s) {
                D::Decimal128(p, s) => (p, s),
                _ => (*p, *s),
            };
            user.with(DecimalAvg {
                of,
                sum,
                result: (*precision, *scale),
                on_overflow,
            })
        }
        (D::Decimal128(_, s), D::Decimal128(precision, scale)) => user.with(DoubleAvg {
            of,
            decimal: Some((*precision, *scale, *s)),
            on_overflow,
        }),
        _ => user.with(DoubleAvg {
            of,
            decimal: None,
            on_overflow,
        }),
    }
}
