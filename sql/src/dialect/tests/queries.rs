//! Queries of every day: what the quickstart and the benchmarks ask.

use arrow::datatypes::DataType;

use super::super::{SqlDialect, SqlSettings};
use super::{columns, context, create_table, create_view, lines, run};

#[tokio::test]
async fn the_stateless_benchmark_queries_have_sparks_types() {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(
        &context,
        "bid",
        "SELECT 123L AS auction, 7L AS bidder, 100L AS price, TIMESTAMP '2024-01-01 00:00:00' AS date_time, 'x' AS extra",
    )
    .await;
    let q0 = run(
        &context,
        "SELECT auction, bidder, price, date_time, extra FROM bid",
        &settings,
    )
    .await
    .unwrap();
    assert_eq!(lines(&q0), ["123|7|100|2024-01-01T00:00:00Z|x"]);
    let q1 = run(
        &context,
        "SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid",
        &settings,
    )
    .await
    .unwrap();
    assert_eq!(q1.schema().field(2).data_type(), &DataType::Decimal128(24, 3));
    assert_eq!(lines(&q1), ["123|7|90.800|2024-01-01T00:00:00Z|x"]);
    let q2 = run(
        &context,
        "SELECT auction, price FROM bid WHERE auction % 123 = 0",
        &settings,
    )
    .await
    .unwrap();
    assert_eq!(lines(&q2), ["123|100"]);
}

#[tokio::test]
async fn joins_groups_and_order_work_as_ever() {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(
        &context,
        "clicks",
        "SELECT * FROM VALUES ('a', 1), ('b', 2), ('a', 3), (NULL, 4) AS v(page, n)",
    )
    .await;
    create_table(
        &context,
        "pages",
        "SELECT * FROM VALUES ('a', 'Home'), ('b', 'Shop') AS v(page, title)",
    )
    .await;
    for (text, expected) in [
        (
            "SELECT title, count(*), sum(n) AS total FROM clicks c LEFT JOIN pages p ON c.page = p.page GROUP BY title ORDER BY title",
            vec!["NULL|1|4", "Home|2|4", "Shop|1|2"],
        ),
        ("SELECT page FROM clicks ORDER BY 1 DESC LIMIT 2", vec!["b", "a"]),
        (
            "SELECT page, count(*) FROM clicks GROUP BY 1 HAVING count(*) > 1",
            vec!["a|2"],
        ),
        (
            "SELECT DISTINCT page FROM clicks WHERE page IS NOT NULL ORDER BY page",
            vec!["a", "b"],
        ),
        (
            "SELECT n FROM clicks WHERE page IN (SELECT page FROM pages WHERE title = 'Home') ORDER BY n",
            vec!["1", "3"],
        ),
        (
            "SELECT CASE WHEN n = 0 THEN 0 ELSE 10 / n END FROM clicks WHERE n < 2",
            vec!["10.0"],
        ),
        ("SELECT explode(array(1, 2)) AS x", vec!["1", "2"]),
        ("SELECT col2 FROM (VALUES (1, 'a'))", vec!["a"]),
        ("WITH c AS (VALUES (1, 'a')) SELECT c.COL1 FROM c", vec!["1"]),
        (
            "WITH c AS (SELECT * FROM clicks) SELECT count(*) FROM c JOIN c d ON c.n = d.n",
            vec!["4"],
        ),
        (
            "SELECT upper(page) FROM clicks GROUP BY upper(page) ORDER BY upper(page)",
            vec!["NULL", "A", "B"],
        ),
    ] {
        let batch = run(&context, text, &settings)
            .await
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(lines(&batch), expected, "{text}");
    }
}

#[tokio::test]
async fn a_division_by_zero_is_an_error_and_without_ansi_null() {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(&context, "t", "SELECT * FROM VALUES (1), (0) AS v(n)").await;
    let error = run(&context, "SELECT 1 / n FROM t", &settings).await.unwrap_err();
    assert_eq!(error.condition, "DIVIDE_BY_ZERO", "{error}");
    let legacy = SqlSettings {
        ansi: false,
        ..settings
    };
    let batch = run(&context, "SELECT 1 / n, n % 0, 2147483647 + n FROM t", &legacy)
        .await
        .unwrap();
    assert_eq!(lines(&batch), ["1.0|NULL|-2147483648", "NULL|NULL|2147483647"]);
}

#[tokio::test]
async fn the_session_zone_governs_casts_and_date_functions() {
    let settings = SqlSettings {
        time_zone: "America/New_York".to_owned(),
        ..SqlSettings::default()
    };
    let context = context(&settings);
    let batch = run(
        &context,
        "SELECT CAST(TIMESTAMP '2024-01-01 23:30:00' AS STRING), CAST(TIMESTAMP '2024-01-02T03:00:00Z' AS DATE), \
         hour(TIMESTAMP '2024-07-01T12:00:00Z'), date_format(TIMESTAMP '2024-07-01T12:00:00Z', 'HH:mm')",
        &settings,
    )
    .await
    .unwrap();
    assert_eq!(lines(&batch), ["2024-01-01 23:30:00|2024-01-01|8|08:00"]);
}

#[tokio::test]
async fn a_function_off_the_list_is_refused_by_name() {
    let settings = SqlSettings::default();
    let context = context(&settings);
    for (text, condition, part) in [
        (
            "SELECT count_min_sketch(1, 0.5, 0.5, 1)",
            "UNSUPPORTED_ROUTINE",
            "count_min_sketch",
        ),
        ("SELECT uper('x')", "UNRESOLVED_ROUTINE", "upper"),
        ("SELECT make_array(1)", "UNRESOLVED_ROUTINE", "make_array"),
        (
            "SELECT row_number(), 1",
            "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
            "row_number",
        ),
    ] {
        let error = run(&context, text, &settings).await.unwrap_err();
        assert_eq!(error.condition, condition, "{text}: {error}");
        assert!(error.message.contains(part), "{text}: {error}");
        assert_eq!(error.position, Some((1, 8)), "{text}");
    }
}

#[tokio::test]
async fn the_datafusion_dialect_has_datafusions_functions() {
    let settings = SqlSettings {
        dialect: SqlDialect::DataFusion,
        ..SqlSettings::default()
    };
    let context = context(&settings);
    let batch = run(
        &context,
        "SELECT make_array(1, 2) AS a, 7 / 2 AS \"Half\"",
        &settings,
    )
    .await
    .unwrap();
    assert_eq!(lines(&batch), ["[1, 2]|3"]);
    assert_eq!(columns(&batch), ["a", "Half"]);
}

#[tokio::test]
async fn a_view_is_planned_anew_and_does_not_see_the_querys_ctes() {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(&context, "base", "SELECT 1 AS Id").await;
    create_view(&context, "CREATE VIEW v AS SELECT Id FROM base", &settings)
        .await
        .unwrap();
    create_view(
        &context,
        "CREATE TEMPORARY VIEW w (Key) AS SELECT id + 1 FROM V",
        &settings,
    )
    .await
    .unwrap();
    let batch = run(
        &context,
        "WITH base AS (SELECT 99 AS id) SELECT * FROM w",
        &settings,
    )
    .await
    .unwrap();
    assert_eq!(
        (lines(&batch), columns(&batch)),
        (vec!["2".to_owned()], vec!["Key".to_owned()])
    );
    create_table(&context, "base2", "SELECT 5 AS Id").await;
    context.deregister_table("base").unwrap();
    let error = run(&context, "SELECT * FROM w", &settings).await.unwrap_err();
    assert_eq!(error.condition, "TABLE_OR_VIEW_NOT_FOUND", "{error}");
    assert!(error.message.contains("in view v"), "{error}");
}

#[tokio::test]
async fn operands_that_meet_in_another_type_in_spark_are_refused() {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(&context, "t", "SELECT 1 AS i, 'x' AS s, DATE '2024-01-01' AS d").await;
    for text in [
        "SELECT i FROM t WHERE i IN (SELECT d FROM t)",
        "SELECT sum(s) OVER () FROM t",
        "SELECT NOT i FROM t",
        "SELECT sum(s) FROM t",
        "SELECT collect_list(d - d) AS x FROM t",
        "SELECT d - d AS x FROM t UNION ALL SELECT INTERVAL 1 HOUR",
        "SELECT CASE WHEN i = 1 THEN i ELSE d END FROM t",
        "SELECT greatest(i, s) FROM t",
        "SELECT i AND true FROM t",
        "SELECT d = i FROM t",
    ] {
        let error = run(&context, text, &settings).await.unwrap_err();
        assert!(
            error.condition.starts_with("UNSUPPORTED_FEATURE")
                || error.condition.starts_with("DATATYPE_MISMATCH"),
            "{text}: {error}"
        );
    }
}
