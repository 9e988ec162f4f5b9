//! `explode` and the like in the select list and in LATERAL VIEW: names, rows and errors as PySpark 4.3.0 gave them.

use super::super::SqlSettings;
use super::{columns, context, create_table, lines, run};

/// Names with `,` between them, then the rows.
async fn shown(text: &str) -> Vec<String> {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(
        &context,
        "t",
        "SELECT * FROM VALUES (0, array(1, 2), map('a', 1)), (1, NULL, NULL) AS t(Id, Arr, m)",
    )
    .await;
    let batch = run(&context, text, &settings)
        .await
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut out = vec![columns(&batch).join(",")];
    out.extend(lines(&batch));
    out
}

async fn condition(text: &str) -> String {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(&context, "t", "SELECT 0 AS id").await;
    match run(&context, text, &settings).await {
        Err(error) => error.condition.to_string(),
        Ok(batch) => panic!("{text}: {:?}", lines(&batch)),
    }
}

#[tokio::test]
async fn a_generator_in_the_select_list_has_sparks_columns_and_rows() {
    for (text, expected) in [
        ("SELECT explode(array(1, 2))", vec!["col", "1", "2"]),
        ("SELECT explode(array(1, 2)) AS x", vec!["x", "1", "2"]),
        (
            "SELECT explode(map('a', 1, 'b', 2))",
            vec!["key,value", "a|1", "b|2"],
        ),
        ("SELECT explode(map('a', 1)) AS (K, v)", vec!["K,v", "a|1"]),
        ("SELECT posexplode(array(5, 6))", vec!["pos,col", "0|5", "1|6"]),
        ("SELECT posexplode(array(5)) AS (p, c)", vec!["p,c", "0|5"]),
        ("SELECT posexplode(map('a', 1))", vec!["pos,key,value", "0|a|1"]),
        (
            "SELECT explode_outer(CAST(NULL AS ARRAY<INT>)), 1 AS x",
            vec!["col,x", "NULL|1"],
        ),
        (
            "SELECT posexplode_outer(CAST(NULL AS ARRAY<INT>)), 1 AS x",
            vec!["pos,col,x", "NULL|NULL|1"],
        ),
        (
            "SELECT posexplode_outer(array(4, CAST(NULL AS INT)))",
            vec!["pos,col", "0|4", "1|NULL"],
        ),
        ("SELECT explode(array(1, NULL))", vec!["col", "1", "NULL"]),
        (
            "SELECT inline(array(struct(1 AS x, 'a' AS y), NULL))",
            vec!["x,y", "1|a", "NULL|NULL"],
        ),
        ("SELECT inline(array(struct(1, 'a')))", vec!["col1,col2", "1|a"]),
        (
            "SELECT inline_outer(CAST(NULL AS ARRAY<STRUCT<x: INT, y: STRING>>)), 3 AS z",
            vec!["x,y,z", "NULL|NULL|3"],
        ),
        ("SELECT stack(2, 1, 'a', 2, 'b')", vec!["col0,col1", "1|a", "2|b"]),
        ("SELECT stack(2, 1, 'a', 2)", vec!["col0,col1", "1|a", "2|NULL"]),
        (
            "SELECT explode(array(1, 2)) AS a, explode(array(3, 4)) AS b",
            vec!["a,b", "1|3", "1|4", "2|3", "2|4"],
        ),
        ("SELECT Id, explode(arr) FROM t", vec!["Id,col", "0|1", "0|2"]),
        (
            "SELECT Id, explode_outer(m) FROM t",
            vec!["Id,key,value", "0|a|1", "1|NULL|NULL"],
        ),
        (
            "SELECT id, explode(arr) AS c FROM t WHERE id < 1 ORDER BY c DESC LIMIT 1",
            vec!["id,c", "0|2"],
        ),
        ("SELECT explode(collect_list(id)) FROM t", vec!["col", "0", "1"]),
        ("SELECT DISTINCT explode(array(1, 1))", vec!["col", "1"]),
        (
            "SELECT sum(c) FROM (SELECT explode(arr) AS c FROM t) WHERE c > 1",
            vec!["sum(c)", "2"],
        ),
        (
            "SELECT explode(array(1)) AS x UNION ALL SELECT explode(array(2))",
            vec!["x", "1", "2"],
        ),
    ] {
        assert_eq!(shown(text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_lateral_view_adds_its_columns_to_those_of_from() {
    for (text, expected) in [
        (
            "SELECT * FROM t LATERAL VIEW explode(arr) v AS A",
            vec!["Id,Arr,m,A", "0|[1, 2]|{a: 1}|1", "0|[1, 2]|{a: 1}|2"],
        ),
        (
            "SELECT Id, col FROM t LATERAL VIEW explode(arr) v",
            vec!["Id,col", "0|1", "0|2"],
        ),
        (
            "SELECT Id, v.* FROM t LATERAL VIEW explode(m) v",
            vec!["Id,key,value", "0|a|1"],
        ),
        (
            "SELECT id, k, w FROM t LATERAL VIEW explode(m) v AS k, w",
            vec!["id,k,w", "0|a|1"],
        ),
        (
            "SELECT id, a FROM t LATERAL VIEW OUTER explode(arr) v a",
            vec!["id,a", "0|1", "0|2", "1|NULL"],
        ),
        (
            "SELECT id, pos, col FROM t LATERAL VIEW OUTER posexplode(arr) v",
            vec!["id,pos,col", "0|0|1", "0|1|2", "1|NULL|NULL"],
        ),
        (
            "SELECT x.a, u.b FROM t LATERAL VIEW explode(arr) x AS a LATERAL VIEW explode(array(x.a, a * 10)) u AS b WHERE b > 1",
            vec!["a,b", "1|10", "2|2", "2|20"],
        ),
        (
            "SELECT a.id, b.id, c FROM t a, t b LATERAL VIEW explode(a.arr) v AS c WHERE b.id = 1",
            vec!["id,id,c", "0|1|1", "0|1|2"],
        ),
        (
            "SELECT x, y FROM t LATERAL VIEW stack(2, 1, 'a', 2, 'b') v AS x, y WHERE id = 1",
            vec!["x,y", "1|a", "2|b"],
        ),
        (
            "SELECT c, count(*) AS n FROM t LATERAL VIEW explode(array(1, 1, id + 5)) v AS c GROUP BY c ORDER BY c",
            vec!["c,n", "1|4", "5|1", "6|1"],
        ),
    ] {
        assert_eq!(shown(text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_generator_where_spark_has_none_is_refused_with_its_condition() {
    for (text, expected) in [
        (
            "SELECT explode(array(1, 2)) + 1",
            "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
        ),
        (
            "SELECT id FROM t WHERE explode(array(id)) > 0",
            "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT",
        ),
        (
            "SELECT id FROM t ORDER BY explode(array(1))",
            "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT",
        ),
        (
            "SELECT * FROM t LATERAL VIEW upper('a') v AS a",
            "UNSUPPORTED_GENERATOR.NOT_GENERATOR",
        ),
        (
            "SELECT * FROM t LATERAL VIEW foo('a') v AS a",
            "UNRESOLVED_ROUTINE",
        ),
        (
            "SELECT * FROM t LATERAL VIEW explode(array(1)) v AS a, b",
            "UDTF_ALIAS_NUMBER_MISMATCH",
        ),
        ("SELECT explode(map('a', 1)) AS k", "UDTF_ALIAS_NUMBER_MISMATCH"),
        ("SELECT posexplode(array(5)) AS p", "UDTF_ALIAS_NUMBER_MISMATCH"),
        ("SELECT explode(5)", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        (
            "SELECT inline(array(1))",
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        (
            "SELECT stack(2, 1, 'a', 'b')",
            "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES",
        ),
        ("SELECT id AS (a, b) FROM t", "UNSUPPORTED_FEATURE"),
    ] {
        assert_eq!(condition(text).await, expected, "{text}");
    }
}
