//! Grouping sets, `grouping` and `grouping_id`: names, types and rows are what PySpark 4.3.0 gave.

use arrow::datatypes::DataType;
use datafusion::prelude::SessionContext;

use super::super::SqlSettings;
use super::{columns, context, create_table, lines, run};

async fn session() -> SessionContext {
    let context = context(&SqlSettings::default());
    create_table(
        &context,
        "t",
        "SELECT * FROM VALUES (1, 'x', 10L), (1, 'y', 20L), (2, 'x', 30L), (NULL, 'x', 40L) AS t(a, b, v)",
    )
    .await;
    context
}

/// The rows of a query, sorted.
async fn rows(context: &SessionContext, text: &str) -> Vec<String> {
    let batch = run(context, text, &SqlSettings::default())
        .await
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut rows = lines(&batch);
    rows.sort();
    rows
}

#[tokio::test]
async fn grouping_functions_have_sparks_names_types_and_bits() {
    let context = session().await;
    let text = "SELECT a, b, grouping(a), grouping(b), grouping_id(), grouping_id(a, b), count(*) \
                FROM t GROUP BY CUBE(a, b) ORDER BY grouping_id(), a, b";
    let batch = run(&context, text, &SqlSettings::default()).await.unwrap();
    assert_eq!(
        columns(&batch),
        [
            "a",
            "b",
            "grouping(a)",
            "grouping(b)",
            "grouping_id()",
            "grouping_id(a, b)",
            "count(1)"
        ]
    );
    let schema = batch.schema();
    assert_eq!(schema.field(2).data_type(), &DataType::Int8);
    assert_eq!(schema.field(4).data_type(), &DataType::Int64);
    assert_eq!(
        lines(&batch),
        [
            "NULL|x|0|0|0|0|1",
            "1|x|0|0|0|0|1",
            "1|y|0|0|0|0|1",
            "2|x|0|0|0|0|1",
            "NULL|NULL|0|1|1|1|1",
            "1|NULL|0|1|1|1|2",
            "2|NULL|0|1|1|1|1",
            "NULL|x|1|0|2|2|3",
            "NULL|y|1|0|2|2|1",
            "NULL|NULL|1|1|3|3|4",
        ]
    );
}

#[tokio::test]
async fn grouping_functions_stand_in_expressions_having_and_order_by() {
    let context = session().await;
    for (text, expected) in [
        (
            "SELECT a, CASE WHEN grouping(a) = 1 THEN 'all' ELSE 'one' END AS c, count(*) FROM t GROUP BY ROLLUP(a)",
            vec!["1|one|2", "2|one|1", "NULL|all|4", "NULL|one|1"],
        ),
        (
            "SELECT a, grouping(a) AS g FROM t GROUP BY CUBE(a) HAVING g = 1",
            vec!["NULL|1"],
        ),
        (
            "SELECT a, b, count(*) FROM t GROUP BY ROLLUP(a, b) HAVING grouping(b) = 1",
            vec!["1|NULL|2", "2|NULL|1", "NULL|NULL|1", "NULL|NULL|4"],
        ),
        (
            "SELECT grouping(a + 1), count(*) FROM t GROUP BY ROLLUP(a + 1)",
            vec!["0|1", "0|1", "0|2", "1|4"],
        ),
        (
            "SELECT a, b, grouping_id() FROM t GROUP BY a, b GROUPING SETS ((b, a), (a), ())",
            vec![
                "1|NULL|1",
                "1|x|0",
                "1|y|0",
                "2|NULL|1",
                "2|x|0",
                "NULL|NULL|1",
                "NULL|NULL|3",
                "NULL|x|0",
            ],
        ),
        (
            "SELECT a, b, grouping_id() FROM t GROUP BY a, b WITH ROLLUP",
            vec![
                "1|NULL|1",
                "1|x|0",
                "1|y|0",
                "2|NULL|1",
                "2|x|0",
                "NULL|NULL|1",
                "NULL|NULL|3",
                "NULL|x|0",
            ],
        ),
        (
            "SELECT a, b, grouping(a), grouping_id(), count(*) FROM t GROUP BY ROLLUP((a, b))",
            vec![
                "1|x|0|0|1",
                "1|y|0|0|1",
                "2|x|0|0|1",
                "NULL|NULL|1|3|4",
                "NULL|x|0|0|1",
            ],
        ),
    ] {
        assert_eq!(rows(&context, text).await, expected, "{text}");
    }
    let ordered = run(
        &context,
        "SELECT grouping(a), sum(v) AS s FROM t GROUP BY ROLLUP(a) ORDER BY grouping(a) + 1, s",
        &SqlSettings::default(),
    )
    .await
    .unwrap();
    assert_eq!(lines(&ordered), ["0|30", "0|30", "0|40", "1|100"]);
}

#[tokio::test]
async fn a_set_named_twice_gives_its_rows_twice() {
    let context = session().await;
    for (text, expected) in [
        (
            "SELECT a, count(*) FROM t GROUP BY GROUPING SETS ((a), (a))",
            vec!["1|2", "1|2", "2|1", "2|1", "NULL|1", "NULL|1"],
        ),
        (
            "SELECT a, grouping_id(), count(*) FROM t GROUP BY GROUPING SETS ((a), (a), ())",
            vec![
                "1|0|2", "1|0|2", "2|0|1", "2|0|1", "NULL|0|1", "NULL|0|1", "NULL|1|4",
            ],
        ),
        (
            "SELECT a, b, grouping_id(), count(*) FROM t GROUP BY a, ROLLUP(a, b)",
            vec![
                "1|NULL|1|2",
                "1|NULL|1|2",
                "1|x|0|1",
                "1|y|0|1",
                "2|NULL|1|1",
                "2|NULL|1|1",
                "2|x|0|1",
                "NULL|NULL|1|1",
                "NULL|NULL|1|1",
                "NULL|x|0|1",
            ],
        ),
        (
            "SELECT count(*) FROM t GROUP BY GROUPING SETS ((), ())",
            vec!["4", "4"],
        ),
        ("SELECT count(*) FROM t GROUP BY ROLLUP('x')", vec!["4", "4"]),
    ] {
        assert_eq!(rows(&context, text).await, expected, "{text}");
    }
    let cube = rows(
        &context,
        "SELECT a, b, grouping_id(), count(*) FROM t GROUP BY CUBE(a, b, a)",
    )
    .await;
    assert_eq!(cube.len(), 24);
    assert_eq!(cube.iter().filter(|row| *row == "1|x|0|1").count(), 3);
}

#[tokio::test]
async fn without_rows_only_grouping_by_nothing_gives_a_row() {
    let context = session().await;
    for (text, expected) in [
        (
            "SELECT count(*), grouping_id() FROM t WHERE a > 9 GROUP BY GROUPING SETS (())",
            vec!["0|0"],
        ),
        (
            "SELECT count(*) FROM t WHERE a > 9 GROUP BY GROUPING SETS ((), ())",
            vec![],
        ),
        ("SELECT count(*) FROM t WHERE a > 9 GROUP BY CUBE(a)", vec![]),
        ("SELECT count(*) FROM t WHERE a > 9 GROUP BY 'x'", vec![]),
        (
            "SELECT count(*) FROM t WHERE a > 9 GROUP BY 1 = 1, 'x', NULL",
            vec![],
        ),
        ("SELECT 'x' AS c, count(*) FROM t GROUP BY c", vec!["x|4"]),
        ("SELECT DISTINCT 'x' AS c FROM t WHERE a > 9", vec![]),
    ] {
        assert_eq!(rows(&context, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn grouping_functions_are_refused_where_spark_refuses_them() {
    let context = session().await;
    for (text, condition) in [
        ("SELECT grouping(a) FROM t", "UNSUPPORTED_GROUPING_EXPRESSION"),
        (
            "SELECT grouping_id(a) FROM t GROUP BY a",
            "UNSUPPORTED_GROUPING_EXPRESSION",
        ),
        (
            "SELECT a FROM t GROUP BY a HAVING grouping(a) = 0",
            "UNSUPPORTED_GROUPING_EXPRESSION",
        ),
        (
            "SELECT a FROM t GROUP BY a ORDER BY grouping(a)",
            "UNSUPPORTED_GROUPING_EXPRESSION",
        ),
        (
            "SELECT grouping(v) FROM t GROUP BY CUBE(a, b)",
            "GROUPING_COLUMN_MISMATCH",
        ),
        (
            "SELECT grouping_id(a) FROM t GROUP BY CUBE(a, b)",
            "GROUPING_ID_COLUMN_MISMATCH",
        ),
        (
            "SELECT grouping_id(b, a) FROM t GROUP BY CUBE(a, b)",
            "GROUPING_ID_COLUMN_MISMATCH",
        ),
        (
            "SELECT grouping() FROM t GROUP BY CUBE(a, b)",
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        ),
        // Spark has this; its columns' order is not told by the sets.
        (
            "SELECT a, b, v FROM t GROUP BY GROUPING SETS ((b), (a)), v",
            "UNSUPPORTED_FEATURE",
        ),
    ] {
        let refused = run(&context, text, &SqlSettings::default()).await.unwrap_err();
        assert_eq!(refused.condition, condition, "{text}: {refused}");
    }
}
