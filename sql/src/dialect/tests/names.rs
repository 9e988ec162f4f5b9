//! Names without regard to case, and the spelling of a query's columns.

use super::super::SqlSettings;
use super::{columns, context, create_table, run};

async fn names(text: &str) -> Vec<String> {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(
        &context,
        "events",
        "SELECT 1 AS UserId, 'x' AS `Kind of`, named_struct('Inner', 2) AS st",
    )
    .await;
    create_table(&context, "other", "SELECT 1 AS USERID, 5 AS v").await;
    let batch = run(&context, text, &settings)
        .await
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    columns(&batch)
}

#[tokio::test]
async fn the_outermost_select_gives_back_the_spelling_of_the_text() {
    for (text, expected) in [
        (
            "SELECT userid, USERID + 1 FROM EVENTS",
            vec!["userid", "(USERID + 1)"],
        ),
        ("SELECT * FROM events", vec!["UserId", "Kind of", "st"]),
        (
            "SELECT E.*, 1 AS One FROM events AS E",
            vec!["UserId", "Kind of", "st", "One"],
        ),
        ("SELECT * EXCEPT (USERID, st) FROM events", vec!["Kind of"]),
        ("SELECT * FROM (SELECT USERID FROM events) q", vec!["USERID"]),
        (
            "WITH c AS (SELECT `kind OF` AS Kind FROM events) SELECT * FROM C",
            vec!["Kind"],
        ),
        ("WITH c(A, B) AS (SELECT 1, 2) SELECT * FROM c", vec!["A", "B"]),
        (
            "SELECT st.inner, ST.INNER + 1 FROM events",
            vec!["inner", "(ST.INNER + 1)"],
        ),
        (
            "SELECT events.UserID, o.V FROM events JOIN other o ON events.userid = o.userid",
            vec!["UserID", "V"],
        ),
        (
            "SELECT count(*) AS N, max(UserID) FROM events",
            vec!["N", "max(UserID)"],
        ),
        (
            "SELECT UserID FROM events UNION ALL SELECT v FROM other",
            vec!["UserID"],
        ),
        ("VALUES (1, 'a')", vec!["col1", "col2"]),
    ] {
        assert_eq!(names(text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_name_that_fits_two_columns_is_ambiguous() {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(&context, "a", "SELECT 1 AS Id").await;
    create_table(&context, "b", "SELECT 1 AS ID").await;
    let error = run(&context, "SELECT id FROM a JOIN b ON a.id = b.id", &settings)
        .await
        .unwrap_err();
    assert_eq!(error.condition, "AMBIGUOUS_REFERENCE", "{error}");
    let error = run(&context, "SELECT nothing FROM a", &settings)
        .await
        .unwrap_err();
    assert_eq!(error.condition, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "{error}");
    let error = run(&context, "SELECT 1\nFROM missing", &settings)
        .await
        .unwrap_err();
    assert_eq!(error.condition, "TABLE_OR_VIEW_NOT_FOUND", "{error}");
    assert_eq!(error.position, Some((2, 6)));
}

#[tokio::test]
async fn a_column_whose_name_in_spark_is_not_known_is_marked() {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(&context, "t", "SELECT DATE '2024-01-02' AS d").await;
    let batch = run(
        &context,
        "SELECT x > 0.5, d, d + 1, d - INTERVAL 1 WEEK FROM (SELECT 1 AS x, d FROM t) q",
        &settings,
    )
    .await
    .unwrap();
    assert_eq!(
        columns(&batch),
        [
            "__unnamed_1",
            "d",
            "date_add(d, 1)",
            "date_add(d, (- extractansiintervaldays(INTERVAL '7' DAY)))"
        ]
    );
}
