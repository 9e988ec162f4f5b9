//! Which aggregate function it is, and what follows from it: argument types, result type, states, and the fold.

use std::cmp::Ordering;

use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;

use super::avg::avg;
use super::buffer_bytes::counted_type;
use super::builtin::{MAX_DOUBLE_AVG_PRECISION, MAX_LONG_SUM_PRECISION, decimal_avg, decimal_sum};
use super::count::CountIf;
use super::counted::{Counted, Question};
use super::function::{FoldUser, constant, wrong_arguments};
use super::histogram::{Histogram, bin_fields};
use super::hyperloglog::{ApproxCountDistinct, words_type};
use super::interval::IntervalTotal;
use super::listagg::{ListAgg, TextOrder, ordered_fields};
use super::moments::{Moment, Moments, PairMoment, PairMoments};
use super::parameter;
use super::quantiles::ApproxPercentile;
use super::select::{Pick, Picks};
use super::sum::{DecimalSum, DoubleSum, LongSum, OnOverflow};
use crate::record::value::IntervalFields;
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
    /// `approx_count_distinct(x[, deviation])`.
    ApproxCountDistinct,
    /// `percentile(x, parts[, frequency])`.
    Percentile,
    /// `median`.
    Median,
    /// `percentile_cont(part) WITHIN GROUP (ORDER BY x)` as `(x, part, descending)`.
    PercentileCont,
    /// `percentile_disc`, likewise.
    PercentileDisc,
    /// `mode(x[, deterministic])`.
    Mode,
    /// `percentile_approx(x, parts[, accuracy])`.
    PercentileApprox,
    /// `histogram_numeric(x, bins)`.
    HistogramNumeric,
    /// `listagg(x[, delimiter])`, WITHIN GROUP as `(x, delimiter, ordering, descending)`; the ordering is NULL
    /// where it is `x`.
    ListAgg,
}

/// A state column: a name and a type.
type State = (&'static str, DataType);

fn is_numeric(data_type: &DataType) -> bool {
    data_type.is_numeric() || *data_type == DataType::Null
}

impl Kind {
    /// The function's name in plans. DataFusion takes the sum of sums of what is called `sum` for the sum itself, which the
    /// types of decimals forbid.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::CountIf => "count_if",
            Self::Sum => "spark_sum",
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
            Self::ApproxCountDistinct => "approx_count_distinct",
            Self::Percentile => "percentile",
            Self::Median => "median",
            Self::PercentileCont => "percentile_cont",
            Self::PercentileDisc => "percentile_disc",
            Self::Mode => "mode",
            Self::PercentileApprox => "percentile_approx",
            Self::HistogramNumeric => "histogram_numeric",
            Self::ListAgg => "listagg",
        }
    }

    /// Whether the result depends on `spark.sql.ansi.enabled`.
    pub(super) fn heeds_ansi(self) -> bool {
        matches!(self, Self::Sum | Self::Avg)
    }

    /// Whether the state is the values with their counts.
    pub(super) fn counts_values(self) -> bool {
        matches!(
            self,
            Self::Percentile | Self::Median | Self::PercentileCont | Self::PercentileDisc | Self::Mode
        )
    }

    /// The types that the arguments are cast to.
    ///
    /// # Errors
    /// Another number of arguments, or a type the function does not take.
    pub(super) fn coerce(self, types: &[DataType]) -> Result<Vec<DataType>> {
        let counted = match self {
            Self::Count => !types.is_empty(),
            Self::CountIf | Self::Sum | Self::TrySum | Self::Avg | Self::TryAvg | Self::Median => {
                types.len() == 1
            }
            Self::Moment(Moment::SquareSum, _) | Self::AvgOf(_) | Self::PairMoment(_) => types.len() == 2,
            Self::Moment(..) => types.len() == 1,
            Self::First | Self::Last | Self::ApproxCountDistinct | Self::Mode => matches!(types.len(), 1 | 2),
            Self::MaxBy | Self::MinBy | Self::HistogramNumeric => types.len() == 2,
            Self::Percentile | Self::PercentileApprox => matches!(types.len(), 2 | 3),
            Self::PercentileCont | Self::PercentileDisc => types.len() == 3,
            Self::ListAgg => matches!(types.len(), 1 | 2 | 4),
        };
        if !counted {
            return Err(wrong_arguments(self.name(), types.len()));
        }
        types
            .iter()
            .enumerate()
            .map(|(at, data_type)| self.coerce_one(at, data_type))
            .collect()
    }

    fn coerce_one(self, at: usize, data_type: &DataType) -> Result<DataType> {
        use DataType as D;
        let fitting = match (self, at) {
            (Self::Sum | Self::TrySum, _) => match data_type {
                D::Int8 | D::Int16 | D::Int32 | D::Int64 => Some(D::Int64),
                D::Float32 | D::Float64 | D::Null => Some(D::Float64),
                D::Decimal128(..) => Some(data_type.clone()),
                interval => IntervalFields::of_type(interval).map(IntervalFields::data_type),
            },
            (Self::Avg | Self::TryAvg, _) if IntervalFields::of_type(data_type).is_some() => {
                Some(data_type.clone())
            }
            (Self::Avg | Self::TryAvg | Self::AvgOf(_), _) if matches!(data_type, D::Decimal128(..)) => {
                Some(data_type.clone())
            }
            (Self::Avg | Self::TryAvg | Self::AvgOf(_) | Self::Moment(..) | Self::PairMoment(_), _)
            | (Self::ApproxCountDistinct, 1) => is_numeric(data_type).then_some(D::Float64),
            (Self::CountIf, _) => matches!(data_type, D::Boolean | D::Null).then_some(D::Boolean),
            (Self::Percentile | Self::PercentileApprox, 1) => match data_type {
                D::List(_) => Some(D::List(Field::new_list_field(D::Float64, true).into())),
                _ => is_numeric(data_type).then_some(D::Float64),
            },
            (Self::PercentileCont | Self::PercentileDisc, 1) => is_numeric(data_type).then_some(D::Float64),
            (Self::Percentile | Self::PercentileApprox, 2) | (Self::HistogramNumeric, 1) => {
                data_type.is_integer().then_some(D::Int64)
            }
            (Self::PercentileApprox, 0) if matches!(data_type, D::Date32 | D::Timestamp(..)) => {
                Some(data_type.clone())
            }
            (
                Self::Percentile
                | Self::PercentileApprox
                | Self::PercentileCont
                | Self::PercentileDisc
                | Self::Median
                | Self::HistogramNumeric,
                0,
            ) => match data_type {
                D::Null => Some(D::Float64),
                _ => is_numeric(data_type).then(|| data_type.clone()),
            },
            (Self::ListAgg, 0) => match data_type {
                D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Null => Some(D::Utf8),
                _ => None,
            },
            (Self::ListAgg, 1) => Some(D::Utf8),
            _ => Some(data_type.clone()),
        };
        fitting.ok_or_else(|| self.refused(data_type))
    }

    fn refused(self, data_type: &DataType) -> SqlError {
        let data_type_name = crate::dialect::type_name(data_type);
        let name = self.name().trim_start_matches("spark_");
        if matches!(
            data_type,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        ) {
            return SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!("{name} of a {data_type_name} is not supported in the spark dialect yet: cast it."),
            );
        }
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!("The function {name} does not take an argument of the type \"{data_type_name}\"."),
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
            Self::Avg | Self::TryAvg if IntervalFields::of_type(first).is_some() => first.clone(),
            Self::Avg | Self::TryAvg => decimal_avg_type(first),
            Self::AvgOf(at) => decimal_avg_type(types.get(at).unwrap_or(first)),
            Self::Moment(..) | Self::PairMoment(_) => D::Float64,
            Self::First | Self::Last | Self::MaxBy | Self::MinBy | Self::Mode => first.clone(),
            Self::ApproxCountDistinct => D::Int64,
            Self::Percentile | Self::Median | Self::PercentileCont | Self::PercentileDisc => {
                listed(types, D::Float64)
            }
            Self::PercentileApprox => listed(types, first.clone()),
            Self::HistogramNumeric => {
                let bin = D::Struct(bin_fields(first));
                D::List(Field::new_list_field(bin, true).into())
            }
            Self::ListAgg => D::Utf8,
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
            Self::Sum | Self::TrySum | Self::Avg | Self::TryAvg
                if IntervalFields::of_type(first).is_some() =>
            {
                vec![("sum", D::Int64), ("count", D::Int64)]
            }
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
            Self::ApproxCountDistinct => vec![("MS", words_type())],
            Self::Percentile | Self::Median | Self::PercentileCont | Self::PercentileDisc | Self::Mode => {
                vec![("buf", counted_type(first))]
            }
            Self::PercentileApprox | Self::HistogramNumeric => vec![("buf", D::Binary)],
            Self::ListAgg => {
                let ordering = types.get(2).filter(|ordering| **ordering != D::Null);
                let item = ordering.map_or(D::Utf8, |o| D::Struct(ordered_fields(o)));
                vec![("buf", D::List(Field::new_list_field(item, true).into()))]
            }
        })
    }

    /// Which end `first` and `last` take.
    fn end(self, args: &AccumulatorArgs<'_>) -> Pick {
        let flag = constant(args, 1);
        let ignore_nulls = args.ignore_nulls || flag == Some(ScalarValue::Boolean(Some(true)));
        match self {
            Self::Last => Pick::Last { ignore_nulls },
            _ => Pick::First { ignore_nulls },
        }
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
        if let Some(total) = self.interval_total(&type_at(0)?) {
            return Ok(user.with(total));
        }
        Ok(match self {
            Self::Count | Self::CountIf => user.with(CountIf),
            Self::Sum | Self::TrySum => sum(&type_at(0)?, args.return_type(), on_overflow, user),
            Self::Avg | Self::TryAvg => avg(&type_at(0)?, 0, args.return_type(), on_overflow, user),
            Self::AvgOf(at) => avg(&type_at(at)?, at, args.return_type(), on_overflow, user),
            Self::Moment(moment, of) => user.with(Moments { moment, of }),
            Self::PairMoment(moment) => user.with(PairMoments { moment }),
            Self::First | Self::Last => user.with_groups(Picks::new(self.end(args), vec![type_at(0)?])),
            Self::MaxBy | Self::MinBy => {
                let wins = [Ordering::Less, Ordering::Greater][usize::from(self == Self::MaxBy)];
                user.with_groups(Picks::new(Pick::By(wins), vec![type_at(0)?, type_at(1)?]))
            }
            Self::ApproxCountDistinct => {
                let precision = parameter::hash_bits(constant(args, 1).as_ref())?;
                user.with_groups(ApproxCountDistinct::new(precision))
            }
            Self::Percentile | Self::Median | Self::PercentileCont | Self::PercentileDisc | Self::Mode => {
                user.with(Counted {
                    question: self.question(args)?,
                    data_type: type_at(0)?,
                    frequency: (self == Self::Percentile && args.expr_fields.len() > 2).then_some(2),
                })
            }
            Self::PercentileApprox => user.with(ApproxPercentile {
                parts: parameter::parts(self.name(), constant(args, 1))?,
                is_list: matches!(type_at(1)?, DataType::List(_)),
                error: 1.0 / parameter::whole(self.name(), args, 2, 10_000)? as f64,
                data_type: type_at(0)?,
            }),
            Self::HistogramNumeric => user.with(Histogram {
                limit: usize::try_from(parameter::whole(self.name(), args, 1, 2)?.max(2)).unwrap_or(2),
                data_type: type_at(0)?,
            }),
            Self::ListAgg => user.with(ListAgg {
                delimiter: match constant(args, 1) {
                    Some(ScalarValue::Utf8(Some(text))) => text,
                    _ => String::new(),
                },
                order: args.expr_fields.get(2).map(|field| TextOrder {
                    data_type: field.data_type().clone(),
                    descending: parameter::flag(args, 3),
                }),
            }),
        })
    }

    /// The fold of `sum`, `avg` and their like where the argument is an interval.
    fn interval_total(self, data_type: &DataType) -> Option<IntervalTotal> {
        let fields = IntervalFields::of_type(data_type)?;
        let totals = matches!(self, Self::Sum | Self::TrySum | Self::Avg | Self::TryAvg);
        totals.then(|| IntervalTotal {
            is_year_month: fields.is_year_month(),
            averages: matches!(self, Self::Avg | Self::TryAvg),
            tries: matches!(self, Self::TrySum | Self::TryAvg),
        })
    }

    /// What is asked of counted values.
    fn question(self, args: &AccumulatorArgs<'_>) -> Result<Question> {
        Ok(match self {
            Self::Mode => Question::Mode,
            Self::Median => Question::Continuous {
                parts: vec![0.5],
                descending: false,
                is_list: false,
            },
            Self::PercentileDisc => Question::Discrete {
                part: parameter::parts(self.name(), constant(args, 1))?
                    .first()
                    .copied()
                    .unwrap_or_default(),
                descending: parameter::flag(args, 2),
            },
            _ => Question::Continuous {
                parts: parameter::parts(self.name(), constant(args, 1))?,
                descending: self == Self::PercentileCont && parameter::flag(args, 2),
                is_list: matches!(args.return_type(), DataType::List(_)),
            },
        })
    }
}

/// The type, or the list of it where the second argument is a list.
fn listed(types: &[DataType], data_type: DataType) -> DataType {
    match types.get(1) {
        Some(DataType::List(_)) => DataType::List(Field::new_list_field(data_type, true).into()),
        _ => data_type,
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
