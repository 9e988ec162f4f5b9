//! Zeros of both signs and NaN as Spark compares, groups, joins and orders them: rows are what PySpark 4.3.0 gave.

use datafusion::prelude::SessionContext;

use super::super::SqlSettings;
use super::{context, create_table, lines, run};

async fn session() -> SessionContext {
    let context = context(&SqlSettings::default());
    create_table(
        &context,
        "f",
        "SELECT * FROM VALUES (0.0D, 1), (-0.0D, 2), (CAST('NaN' AS DOUBLE), 3), (sqrt(-1D), 4), (1.5D, 5), \
         (CAST(NULL AS DOUBLE), 6) AS f(x, i)",
    )
    .await;
    context
}

async fn compare(cases: &[(&str, &[&str])]) {
    let context = session().await;
    for (text, expected) in cases {
        let batch = run(&context, text, &SqlSettings::default())
            .await
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(lines(&batch), *expected, "{text}");
    }
}

#[tokio::test]
async fn comparisons_know_one_zero_and_one_nan() {
    compare(&[
        ("SELECT i FROM f WHERE x = 0.0D ORDER BY i", &["1", "2"]),
        ("SELECT i FROM f WHERE x = -0.0D ORDER BY i", &["1", "2"]),
        ("SELECT i FROM f WHERE x = 0 ORDER BY i", &["1", "2"]),
        ("SELECT i FROM f WHERE x IN (0.0D, 7.0D) ORDER BY i", &["1", "2"]),
        ("SELECT i FROM f WHERE i <> 4 AND (x < 0.0D OR x > 5e300) ORDER BY i", &["3"]),
        ("SELECT i FROM f WHERE x <= -0.0D AND x >= 0.0D ORDER BY i", &["1", "2"]),
        ("SELECT i FROM f WHERE i <> 4 AND (-0.0D > x OR 0.0D <= x AND x < 2.0) ORDER BY i", &["1", "2", "5"]),
        ("SELECT i FROM f WHERE x <> 0.0D ORDER BY i", &["3", "4", "5"]),
        ("SELECT i FROM f WHERE x <=> -0.0D ORDER BY i", &["1", "2"]),
        ("SELECT i FROM f WHERE x = CAST('NaN' AS DOUBLE) ORDER BY i", &["3", "4"]),
        (
            "SELECT 0.0D = -0.0D, 0.0D < -0.0D, -0.0D < 0.0D, 0.0F = -0.0F AS f, sqrt(-1D) > 1D, sqrt(-1D) = CAST('NaN' AS DOUBLE)",
            &["true|false|false|true|true|true"],
        ),
        (
            "SELECT nullif(0.0D, -0.0D), CASE -0.0D WHEN 0.0D THEN 'same' END, struct(0.0D) = struct(-0.0D)",
            &["NULL|same|true"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn keys_know_one_zero_and_one_nan() {
    compare(&[
        (
            "SELECT x, count(*), sum(i) FROM f GROUP BY x ORDER BY x",
            &["NULL|1|6", "0.0|2|3", "1.5|1|5", "NaN|2|7"],
        ),
        (
            "SELECT x, grouping(x), count(*) FROM f GROUP BY CUBE(x) ORDER BY grouping(x), x",
            &["NULL|0|1", "0.0|0|2", "1.5|0|1", "NaN|0|2", "NULL|1|6"],
        ),
        (
            "SELECT x, count(*) AS n FROM f GROUP BY x HAVING x = 0.0D",
            &["0.0|2"],
        ),
        (
            "SELECT DISTINCT x FROM f ORDER BY x",
            &["NULL", "0.0", "1.5", "NaN"],
        ),
        ("SELECT count(DISTINCT x) FROM f", &["3"]),
        (
            "SELECT x FROM f UNION SELECT x FROM f ORDER BY x",
            &["NULL", "0.0", "1.5", "NaN"],
        ),
        ("SELECT x FROM f INTERSECT SELECT -0.0D", &["0.0"]),
        (
            "SELECT i FROM f WHERE x IN (SELECT x FROM f WHERE i = 2) ORDER BY i",
            &["1", "2"],
        ),
        (
            "SELECT i FROM f WHERE x NOT IN (SELECT x FROM f WHERE i = 2) ORDER BY i",
            &["3", "4", "5"],
        ),
        (
            "SELECT l.i, r.i AS j FROM f l JOIN f r ON l.x = r.x ORDER BY l.i, j",
            &["1|1", "1|2", "2|1", "2|2", "3|3", "3|4", "4|3", "4|4", "5|5"],
        ),
        (
            "SELECT l.i, r.i AS j FROM f l JOIN f r USING (x) ORDER BY l.i, j",
            &["1|1", "1|2", "2|1", "2|2", "3|3", "3|4", "4|3", "4|4", "5|5"],
        ),
        (
            "SELECT l.i FROM f l LEFT ANTI JOIN f r ON l.x = r.x AND r.i = 2 ORDER BY l.i",
            &["3", "4", "5", "6"],
        ),
        (
            "SELECT i FROM f ORDER BY x DESC, i",
            &["3", "4", "5", "1", "2", "6"],
        ),
    ])
    .await;
}
