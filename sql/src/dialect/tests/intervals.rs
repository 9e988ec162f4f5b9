//! Intervals in whole queries, as Spark 4.3.0 answered them; single expressions stand in tests/spark/expressions.txt.

use arrow::array::RecordBatch;

use super::super::SqlSettings;
use super::{context, create_table, lines, run};
use crate::record::{CsvEncoder, CsvWriteOptions, JsonEncoder, JsonWriteOptions, RecordEncoder};

async fn query(text: &str) -> Result<RecordBatch, String> {
    let settings = SqlSettings::default();
    let context = context(&settings);
    create_table(
        &context,
        "t",
        "SELECT * FROM VALUES (DATE '2024-01-03', 1), (DATE '2024-01-02', 2), (DATE '2024-01-03', NULL) AS v(dt, i)",
    )
    .await;
    run(&context, text, &settings)
        .await
        .map_err(|error| error.condition.to_owned())
}

const DAYS: &str = "(SELECT dt - DATE '2024-01-01' AS a, i FROM t)";

#[tokio::test]
async fn intervals_keep_their_fields_through_the_nodes_of_a_plan() {
    for (text, expected) in [
        (
            format!("SELECT CAST(a AS STRING), typeof(a), count(*) FROM {DAYS} GROUP BY a ORDER BY a DESC"),
            vec!["INTERVAL '2' DAY|interval day|2", "INTERVAL '1' DAY|interval day|1"],
        ),
        (
            format!("SELECT CAST(b AS STRING), n FROM (SELECT CASE WHEN i = 1 THEN a ELSE INTERVAL 1 HOUR END AS b, count(*) AS n
                     FROM {DAYS} GROUP BY CASE WHEN i = 1 THEN a ELSE INTERVAL 1 HOUR END) ORDER BY b"),
            vec!["INTERVAL '0 01' DAY TO HOUR|2", "INTERVAL '2 00' DAY TO HOUR|1"],
        ),
        (
            "SELECT CAST(a AS STRING) FROM VALUES (INTERVAL 1 DAY), (NULL), (INTERVAL 2 HOURS) AS v(a)".to_owned(),
            vec!["INTERVAL '1 00' DAY TO HOUR", "NULL", "INTERVAL '0 02' DAY TO HOUR"],
        ),
        (
            "SELECT CAST(a AS STRING) FROM (SELECT INTERVAL 1 DAY AS a UNION ALL SELECT INTERVAL 2 DAYS) ORDER BY a".to_owned(),
            vec!["INTERVAL '1' DAY", "INTERVAL '2' DAY"],
        ),
        (
            format!("SELECT CAST(x.a AS STRING) FROM {DAYS} x JOIN {DAYS} y ON x.a = y.a AND y.i = 2"),
            vec!["INTERVAL '1' DAY"],
        ),
        (
            format!("SELECT CAST(max(a) AS STRING), CAST(avg(a) AS STRING), CAST((SELECT min(a) FROM {DAYS}) AS STRING) FROM {DAYS}"),
            vec!["INTERVAL '2' DAY|INTERVAL '1 16:00:00' DAY TO SECOND|INTERVAL '1' DAY"],
        ),
        (
            "SELECT sum(i) OVER (ORDER BY dt RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW) FROM t ORDER BY dt, i".to_owned(),
            vec!["2", "3", "3"],
        ),
        (
            "SELECT dt FROM t WHERE dt - INTERVAL 1 DAY < DATE '2024-01-02'".to_owned(),
            vec!["2024-01-02"],
        ),
    ] {
        assert_eq!(query(&text).await.as_ref().map(lines), Ok(expected.iter().map(|l| (*l).to_owned()).collect()), "{text}");
    }
}

#[tokio::test]
async fn what_would_lose_the_fields_of_an_interval_is_refused() {
    for text in [
        "SELECT INTERVAL 1 DAY AS a UNION ALL SELECT INTERVAL 2 HOURS",
        "SELECT array(INTERVAL 1 DAY)",
        "SELECT collect_list(dt - dt) FROM t",
        "SELECT lag(dt - dt) OVER (ORDER BY dt) FROM t",
        "SELECT transform(array(1), x -> INTERVAL 1 DAY)",
        "SELECT concat(dt - dt, 'x') FROM t",
    ] {
        assert_eq!(query(text).await.unwrap_err(), "UNSUPPORTED_FEATURE", "{text}");
    }
}

#[tokio::test]
async fn records_hold_an_interval_as_its_literal() {
    let batch = query(&format!(
        "SELECT a, INTERVAL '1-2' YEAR TO MONTH AS m FROM {DAYS} WHERE i = 2"
    ))
    .await
    .unwrap();
    let mut json = JsonEncoder::new(
        &batch.schema(),
        JsonWriteOptions::from_options(&|_| None, "UTC").unwrap(),
    )
    .unwrap();
    let mut csv = CsvEncoder::new(
        &batch.schema(),
        CsvWriteOptions::from_options(&|_| None, "UTC").unwrap(),
    )
    .unwrap();
    let mut out = Vec::new();
    json.encode(&batch, &mut out).unwrap();
    csv.encode(&batch, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"a\":\"INTERVAL '1' DAY\",\"m\":\"INTERVAL '1-2' YEAR TO MONTH\"}\n\
         INTERVAL '1' DAY,INTERVAL '1-2' YEAR TO MONTH\n"
    );
}
