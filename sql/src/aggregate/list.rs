//! The aggregate functions of the Spark dialect by name.
//!
//! Two names of one function, and a function that Spark turns into another, give equal functions, so that equal calls of them
//! share one buffer.

use std::sync::Arc;

use datafusion::functions_aggregate::bit_and_or_xor;
use datafusion::logical_expr::AggregateUDF;

use super::function::SparkAggregate;
use super::kind::Kind;
use super::min_max;
use super::moments::{Moment, PairMoment};

/// The names of the functions.
pub(crate) const NAMES: &[&str] = &[
    "any",
    "any_value",
    "approx_count_distinct",
    "approx_percentile",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "collect_list",
    "collect_set",
    "corr",
    "count",
    "count_if",
    "covar_pop",
    "covar_samp",
    "every",
    "first",
    "first_value",
    "histogram_numeric",
    "kurtosis",
    "last",
    "last_value",
    "listagg",
    "max",
    "max_by",
    "mean",
    "median",
    "min",
    "min_by",
    "mode",
    "percentile",
    "percentile_approx",
    "percentile_cont",
    "percentile_disc",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "skewness",
    "some",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "try_avg",
    "try_sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// The function of this name, under `spark.sql.ansi.enabled`.
pub(crate) fn function(name: &str, ansi: bool) -> Option<Arc<AggregateUDF>> {
    let kind = match name {
        "min" | "bool_and" | "every" => return Some(min_max::min()),
        "max" | "bool_or" | "some" | "any" => return Some(min_max::max()),
        "bit_and" => return Some(bit_and_or_xor::bit_and_udaf()),
        "bit_or" => return Some(bit_and_or_xor::bit_or_udaf()),
        "bit_xor" => return Some(bit_and_or_xor::bit_xor_udaf()),
        "collect_list" | "array_agg" => return Some(datafusion_spark::function::aggregate::collect_list()),
        "collect_set" => return Some(datafusion_spark::function::aggregate::collect_set()),
        "count" | "regr_count" => Kind::Count,
        "count_if" => Kind::CountIf,
        "sum" => Kind::Sum,
        "try_sum" => Kind::TrySum,
        "avg" | "mean" => Kind::Avg,
        "try_avg" => Kind::TryAvg,
        "first" | "first_value" | "any_value" => Kind::First,
        "last" | "last_value" => Kind::Last,
        "max_by" => Kind::MaxBy,
        "min_by" => Kind::MinBy,
        "approx_count_distinct" => Kind::ApproxCountDistinct,
        "percentile" => Kind::Percentile,
        "median" => Kind::Median,
        "percentile_cont" => Kind::PercentileCont,
        "percentile_disc" => Kind::PercentileDisc,
        "mode" => Kind::Mode,
        "percentile_approx" | "approx_percentile" => Kind::PercentileApprox,
        "histogram_numeric" => Kind::HistogramNumeric,
        "listagg" | "string_agg" => Kind::ListAgg,
        "std" | "stddev" | "stddev_samp" => Kind::Moment(Moment::DeviationSample, 0),
        "stddev_pop" => Kind::Moment(Moment::DeviationPopulation, 0),
        "variance" | "var_samp" => Kind::Moment(Moment::VarianceSample, 0),
        "var_pop" => Kind::Moment(Moment::VariancePopulation, 0),
        "skewness" => Kind::Moment(Moment::Skewness, 0),
        "kurtosis" => Kind::Moment(Moment::Kurtosis, 0),
        "covar_samp" => Kind::PairMoment(PairMoment::CovarianceSample),
        "covar_pop" => Kind::PairMoment(PairMoment::CovariancePopulation),
        "corr" => Kind::PairMoment(PairMoment::Correlation),
        "regr_avgy" => Kind::AvgOf(0),
        "regr_avgx" => Kind::AvgOf(1),
        "regr_syy" => Kind::Moment(Moment::SquareSum, 0),
        "regr_sxx" => Kind::Moment(Moment::SquareSum, 1),
        "regr_sxy" => Kind::PairMoment(PairMoment::ProductSum),
        "regr_r2" => Kind::PairMoment(PairMoment::Determination),
        "regr_slope" => Kind::PairMoment(PairMoment::Slope),
        "regr_intercept" => Kind::PairMoment(PairMoment::Intercept),
        _ => return None,
    };
    Some(Arc::new(AggregateUDF::new_from_impl(SparkAggregate::new(
        kind, ansi,
    ))))
}
