//! The cases and their queries.

use std::sync::Arc;

use datafusion::prelude::DataFrame;
use futures::FutureExt;
use tidemill::prelude::*;

use super::{Feed, Query, resumes_whatever_the_order, resumes_with_state};
use crate::harness::golden::GoldenCase;

/// A SELECT over table `e`, the case's input.
fn sql(text: &'static str) -> Box<Query> {
    Box::new(move |session, case| {
        async move {
            let schema = case.case["sourceSchema"].as_str().unwrap().to_owned();
            for (table, folder) in [("e", "input"), ("a", "a"), ("b", "b")] {
                let path = case.path(folder);
                if !case.root().join(folder).exists() {
                    continue;
                }
                session
                    .sql(&format!(
                        "CREATE TABLE {table} ({schema}) USING {} OPTIONS (path '{path}', maxFilesPerTrigger '1')",
                        if schema == "value string" { "text" } else { "json" }
                    ))
                    .await?;
            }
            session.sql(text).await
        }
        .boxed()
    })
}

/// The case's own text.
fn own_sql(name: &str) -> Box<Query> {
    let case = GoldenCase::unpack(name);
    let text: &'static str = Box::leak(case.case["query"].as_str().unwrap().to_owned().into_boxed_str());
    sql(text)
}

fn resumes(name: &str, text: &'static str) {
    resumes_with_state(name, Feed::BatchByBatch, &sql(text));
}

/// Spark's sets come in the order of their hashes.
fn resumes_whatever_the_order_of_lists(name: &str, text: &'static str) {
    resumes_whatever_the_order(name, &sql(text));
}

const WINDOWED_COUNT: &str = "SELECT window(ts, '10 seconds') AS window, k, count(*) AS count \
    FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '10 seconds'), k";

#[test]
fn windowed_counts_go_on_in_update_and_append_mode() {
    resumes("windowed_count_update", WINDOWED_COUNT);
    resumes("windowed_count_append", WINDOWED_COUNT);
}

#[test]
fn state_of_format_one_goes_on_in_format_one() {
    resumes("windowed_count_agg_v1", WINDOWED_COUNT);
}

#[test]
fn every_codec_and_row_checksums_go_on() {
    for name in [
        "windowed_count_codec_zstd",
        "windowed_count_codec_snappy",
        "windowed_count_codec_lzf",
        "windowed_count_row_checksum",
    ] {
        resumes(name, WINDOWED_COUNT);
    }
}

#[test]
fn late_rows_are_told_by_the_watermark_of_the_batch_before() {
    for name in ["late_filter_lag_append", "late_filter_lag_update"] {
        resumes_with_state(name, Feed::AllAtOnce, &sql(WINDOWED_COUNT));
    }
}

#[test]
fn filters_decide_which_rows_move_the_watermark() {
    for name in [
        "filter_below_watermark",
        "filter_on_event_time",
        "filter_having_key",
        "filter_having_count",
    ] {
        resumes_with_state(name, Feed::BatchByBatch, &own_sql(name));
    }
}

#[test]
fn complete_mode_gives_the_whole_result() {
    resumes(
        "wordcount_complete",
        "SELECT word, count(*) AS count FROM (SELECT explode(split(value, ' ')) AS word FROM STREAM(e)) GROUP BY word",
    );
    resumes_with_state("top_n_complete", Feed::BatchByBatch, &own_sql("top_n_complete"));
}

#[test]
fn an_aggregation_without_keys_has_one_row() {
    resumes("global_agg", "SELECT count(*) AS n, sum(v) AS s FROM STREAM(e)");
}

#[test]
fn grouping_sets_keep_their_id_in_the_key() {
    resumes_with_state("grouping_sets", Feed::BatchByBatch, &own_sql("grouping_sets"));
}

#[test]
fn snapshots_and_deltas_load() {
    resumes(
        "snapshots",
        "SELECT k, count(*) AS count, sum(v) AS s FROM STREAM(e) GROUP BY k",
    );
}

#[test]
fn select_distinct_is_an_aggregation_without_functions() {
    resumes(
        "select_distinct_sql",
        "SELECT DISTINCT k, v + 1 AS w FROM STREAM(e)",
    );
}

#[test]
fn chained_aggregations_close_in_one_batch() {
    resumes(
        "chained_aggregation",
        "SELECT window(window, '20 seconds') AS w2, count(*) AS n, sum(count) AS c FROM (
            SELECT window(ts, '10 seconds') AS window, k, count(*) AS count
            FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '10 seconds'), k
         ) GROUP BY window(window, '20 seconds')",
    );
}

#[test]
fn a_limit_counts_over_the_life_of_the_query() {
    resumes("global_limit", "SELECT * FROM STREAM(e) LIMIT 3");
}

#[test]
fn the_maximum_of_two_watermarks_counts_where_it_is_asked_for() {
    resumes(
        "watermark_policy_max",
        "SELECT window(ts, '10 seconds') AS window, count(*) AS count FROM (
            SELECT * FROM STREAM(a) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
            UNION ALL SELECT * FROM STREAM(b) WATERMARK ts DELAY OF INTERVAL 10 SECONDS
         ) GROUP BY window(ts, '10 seconds')",
    );
}

/// `src`, changed by the builder.
fn frame(change: fn(DataFrame) -> Result<DataFrame>) -> Box<Query> {
    Box::new(move |session: StreamingSession, case: Arc<GoldenCase>| {
        async move {
            let input = session
                .read_stream()
                .schema(case.case["sourceSchema"].as_str().unwrap())
                .json(case.path("input"))
                .await?;
            change(input)
        }
        .boxed()
    })
}

#[test]
fn duplicates_are_dropped_by_key_and_within_the_watermark() {
    resumes_with_state(
        "drop_duplicates",
        Feed::BatchByBatch,
        &frame(|df| df.drop_duplicates(&["k"])),
    );
    resumes_with_state(
        "drop_duplicates_watermark",
        Feed::BatchByBatch,
        &frame(|df| {
            df.with_watermark("ts", "10 seconds")?
                .drop_duplicates(&["k", "ts"])
        }),
    );
    resumes_with_state(
        "drop_duplicates_within_watermark",
        Feed::BatchByBatch,
        &frame(|df| {
            df.with_watermark("ts", "10 seconds")?
                .drop_duplicates_within_watermark(&["k"])
        }),
    );
}

#[test]
fn distinct_of_the_builder_is_a_deduplication() {
    resumes_with_state(
        "distinct_df",
        Feed::BatchByBatch,
        &frame(|df| Ok(df.select_columns(&["k"])?.distinct()?)),
    );
}

#[test]
fn keys_of_every_type_go_on() {
    for name in [
        "s", "i", "l", "d", "t", "tn", "dec", "big", "st", "bo", "by", "sh", "f", "db", "bi", "all",
    ] {
        let name = format!("agg_key_{name}");
        let case = GoldenCase::unpack(&name);
        let text = case.case["query"]
            .as_str()
            .unwrap()
            .replace("FROM src", "FROM STREAM(e)");
        resumes_with_state(&name, Feed::BatchByBatch, &sql(Box::leak(text.into_boxed_str())));
    }
}

const ALL_FUNCTIONS: &str = "SELECT k, count(*) AS cnt_star, count(i) AS cnt_i,
    sum(i) AS sum_i, sum(l) AS sum_l, sum(db) AS sum_db, sum(dec) AS sum_dec, sum(big) AS sum_big,
    avg(i) AS avg_i, avg(db) AS avg_db, avg(dec) AS avg_dec,
    min(s) AS min_s, max(s) AS max_s, min(i) AS min_i, max(t) AS max_t, min(d) AS min_d, max(big) AS max_big,
    first(s) AS first_s, last(s) AS last_s, first(s, true) AS first_nn,
    stddev(db) AS sd, var_pop(db) AS vp, max_by(s, i) AS maxby, bool_and(i > 0) AS band,
    sum(small) AS sum_small, avg(small) AS avg_small, sum(mid) AS sum_mid, avg(mid) AS avg_mid, avg(big) AS avg_big,
    sum(f) AS sum_f, avg(l) AS avg_l, covar_samp(db, i) AS cov, corr(db, i) AS corr,
    skewness(db) AS skew, kurtosis(db) AS kurt, bit_or(i) AS bor, count_if(i > 1) AS cif, any_value(s) AS anyv,
    try_sum(i) AS trysum
    FROM STREAM(e) GROUP BY k";

#[test]
fn buffers_of_all_functions_go_on() {
    resumes("agg_functions", ALL_FUNCTIONS);
    resumes_whatever_the_order_of_lists(
        "agg_collect_hll",
        "SELECT k, collect_list(i) AS cl, collect_set(s) AS cs, approx_count_distinct(i) AS acd FROM STREAM(e) GROUP BY k",
    );
}
