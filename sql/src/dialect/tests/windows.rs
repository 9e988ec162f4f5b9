//! Functions over windows, set operations and tests of subqueries, as Spark 4.3.0 answered them.

use super::super::SqlSettings;
use super::{columns, context, create_table, lines, run};

const U: &str =
    "SELECT * FROM VALUES (1, '1', 1.5D), (2, '02', 2.5D), (2, '3', 0D), (NULL, NULL, NULL) AS v(a, s, d)";

/// The rows of a query, or its condition.
async fn answer(text: &str, ansi: bool) -> Vec<String> {
    let settings = SqlSettings {
        ansi,
        ..SqlSettings::default()
    };
    let context = context(&settings);
    create_table(&context, "u", U).await;
    match run(&context, text, &settings).await {
        Ok(batch) => lines(&batch),
        Err(error) => vec![error.condition],
    }
}

#[tokio::test]
async fn functions_over_windows_give_sparks_rows() {
    for (text, expected) in [
        (
            "SELECT a, row_number() OVER (ORDER BY d), rank() OVER (ORDER BY a), ntile(3) OVER (ORDER BY d) FROM u ORDER BY d",
            vec!["NULL|1|1|1", "2|2|3|1", "1|3|2|2", "2|4|3|3"],
        ),
        (
            "SELECT lag(a, 1, 0) OVER (ORDER BY d), lead(s) OVER w, sum(a) OVER (w), last(a) IGNORE NULLS OVER w FROM u
             WINDOW w AS (ORDER BY d) ORDER BY d",
            vec![
                "0|3|NULL|NULL",
                "NULL|1|2|2",
                "2|02|3|1",
                "1|NULL|5|2",
            ],
        ),
        (
            "SELECT min(a) OVER (ORDER BY d ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING),
                    avg(d) OVER (ORDER BY d ROWS 1 PRECEDING),
                    sum(d) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM u ORDER BY d",
            vec!["2|NULL|NULL", "1|0.0|4.0", "1|0.75|1.5", "1|2.0|4.0"],
        ),
        ("SELECT d FROM u QUALIFY row_number() OVER (PARTITION BY a ORDER BY d) = 2", vec!["2.5"]),
        ("SELECT a FROM u QUALIFY a = 1", vec!["QUALIFY_REQUIRES_WINDOW_FUNCTION"]),
        ("SELECT rank() OVER (PARTITION BY a) FROM u", vec!["WINDOW_FUNCTION_FRAME_NOT_ORDERED"]),
        ("SELECT a FROM u WHERE rank() OVER (ORDER BY a) = 1", vec!["WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE"]),
        ("SELECT sum(a) OVER nosuch FROM u", vec!["MISSING_WINDOW_SPECIFICATION"]),
        ("SELECT count(DISTINCT a) OVER () FROM u", vec!["DISTINCT_WINDOW_FUNCTION_UNSUPPORTED"]),
    ] {
        assert_eq!(answer(text, true).await, expected, "{text}");
    }
}

#[tokio::test]
async fn branches_of_a_set_operation_meet_in_sparks_type_before_it_is_used() {
    for (text, ansi, expected) in [
        (
            "SELECT x + 1 FROM (SELECT '1' AS x UNION ALL SELECT 2) q ORDER BY 1",
            true,
            vec!["2", "3"],
        ),
        (
            "SELECT '1' AS x UNION ALL SELECT 2 UNION ALL SELECT 'x' ORDER BY x",
            false,
            vec!["1", "2", "x"],
        ),
        (
            "SELECT a FROM u INTERSECT SELECT s FROM u ORDER BY a",
            true,
            vec!["NULL", "1", "2"],
        ),
        (
            "SELECT a FROM u INTERSECT SELECT s FROM u ORDER BY a",
            false,
            vec!["NULL", "1"],
        ),
        ("SELECT s FROM u MINUS SELECT a FROM u", true, vec!["3"]),
        (
            "SELECT a FROM u EXCEPT ALL SELECT 2 ORDER BY a",
            true,
            vec!["NULL", "1", "2"],
        ),
        (
            "SELECT a FROM u INTERSECT ALL SELECT a FROM u WHERE d > 1 ORDER BY a",
            true,
            vec!["1", "2"],
        ),
        (
            "SELECT 1, 2 UNION ALL SELECT 3, 3 ORDER BY 1",
            true,
            vec!["1|2", "3|3"],
        ),
        (
            "SELECT a FROM u UNION SELECT true",
            true,
            vec!["INCOMPATIBLE_COLUMN_TYPE"],
        ),
        (
            "SELECT a FROM u UNION SELECT a, s FROM u",
            true,
            vec!["NUM_COLUMNS_MISMATCH"],
        ),
    ] {
        assert_eq!(answer(text, ansi).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_test_of_a_subquery_may_stand_in_the_select_list() {
    for (text, expected) in [
        (
            "SELECT d, a IN (SELECT '2'), a NOT IN (SELECT 2) FROM u ORDER BY d",
            vec![
                "NULL|false|false",
                "0.0|true|false",
                "1.5|false|true",
                "2.5|true|false",
            ],
        ),
        (
            "SELECT d, a NOT IN (SELECT a FROM u), EXISTS (SELECT 1 FROM u v WHERE v.a = u.a AND v.d > 2) FROM u ORDER BY d",
            vec![
                "NULL|false|false",
                "0.0|false|true",
                "1.5|false|false",
                "2.5|false|true",
            ],
        ),
        ("SELECT a FROM u WHERE s IN (SELECT 2)", vec!["2"]),
        ("SELECT a FROM u WHERE NOT (a IN (SELECT a FROM u))", vec![]),
        (
            "SELECT NOT (a IN (SELECT 2)) AS x FROM u ORDER BY d",
            vec!["false", "false", "true", "false"],
        ),
        (
            "SELECT a IN (SELECT v.a FROM u v WHERE v.s = u.s) FROM u",
            vec!["UNSUPPORTED_FEATURE"],
        ),
        (
            "SELECT a IN (SELECT true) FROM u",
            vec!["DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH"],
        ),
    ] {
        assert_eq!(answer(text, true).await, expected, "{text}");
    }
}

#[tokio::test]
async fn comparisons_and_windows_have_sparks_names() {
    let text = "SELECT a > 1.5, a < -0.5, 1.5 <= a, d > 1.5, max(a) OVER (ORDER BY d DESC ROWS 1 PRECEDING),
                rank() OVER (PARTITION BY a ORDER BY s NULLS LAST), lag(a) OVER (ORDER BY d), sum(a) OVER () FROM u";
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(&context, "u", U).await;
    let batch = run(&context, text, &settings).await.unwrap();
    assert_eq!(
        columns(&batch),
        [
            "(a > 1)",
            "(a < 0)",
            "(2 <= a)",
            "(d > 1.5)",
            "max(a) OVER (ORDER BY d DESC NULLS LAST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            "RANK() OVER (PARTITION BY a ORDER BY s ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            "lag(a, 1, NULL) OVER (ORDER BY d ASC NULLS FIRST ROWS BETWEEN -1 FOLLOWING AND -1 FOLLOWING)",
            "sum(a) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
        ]
    );
}
