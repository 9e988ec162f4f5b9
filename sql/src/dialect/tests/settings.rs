//! What expressions give without ANSI and in a time zone with summer time; the values are PySpark 4.3.0's.

use super::super::SqlSettings;
use super::{context, lines, run};

async fn value(expression: &str, settings: &SqlSettings) -> String {
    let context = context(settings);
    let text = format!("SELECT CAST({expression} AS STRING) AS x");
    match run(&context, &text, settings).await {
        Ok(batch) => lines(&batch).join("|"),
        Err(error) => error.condition,
    }
}

#[tokio::test]
async fn without_ansi_numbers_wrap_and_what_does_not_fit_is_null() {
    let ansi = SqlSettings::default();
    let legacy = SqlSettings {
        ansi: false,
        ..SqlSettings::default()
    };
    for (expression, strict, lax) in [
        ("2147483647 + 1", "ARITHMETIC_OVERFLOW", "-2147483648"),
        ("127Y + 1Y", "BINARY_ARITHMETIC_OVERFLOW", "-128"),
        ("CAST(300 AS TINYINT)", "CAST_OVERFLOW", "44"),
        ("CAST(1e10D AS INT)", "CAST_OVERFLOW", "2147483647"),
        ("CAST('1.5' AS INT)", "CAST_INVALID_INPUT", "1"),
        ("CAST('x' AS DATE)", "CAST_INVALID_INPUT", "NULL"),
        (
            "CAST(123.456 AS DECIMAL(4,2))",
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
            "NULL",
        ),
        (
            "CAST(true AS TIMESTAMP)",
            "DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION",
            "1970-01-01 00:00:00.000001",
        ),
        ("5.5 DIV 0", "DIVIDE_BY_ZERO", "NULL"),
        ("7.5 DIV 2", "3", "3"),
        ("'5' + 1", "6", "6.0"),
        ("'5' * '2'", "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE", "10.0"),
        ("1 + '1.5'", "CAST_INVALID_INPUT", "2.5"),
        ("1 = '1.5'", "CAST_INVALID_INPUT", "true"),
        ("coalesce(CAST(NULL AS INT), 'x')", "CAST_INVALID_INPUT", "x"),
        ("coalesce(CAST(NULL AS INT), '7') + 1", "8", "8.0"),
        ("'a' IN ('a', 1)", "CAST_INVALID_INPUT", "true"),
        ("array(1, '2')[1] + 0", "2", "2.0"),
        ("array(1)[3]", "INVALID_ARRAY_INDEX", "NULL"),
        (
            "CAST(array('1', 'x') AS ARRAY<INT>)",
            "CAST_INVALID_INPUT",
            "[1, null]",
        ),
        (
            "CAST(map('1', 2) AS MAP<INT, STRING>)",
            "{1 -> 2}",
            "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
        ),
        ("0.0000001", "0.0000001", "1E-7"),
        (
            "make_date(2024, 2, 30)",
            "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
            "NULL",
        ),
        ("~5", "-6", "-6"),
        ("'a_b' LIKE 'a/_%' ESCAPE '/'", "true", "true"),
        (
            "'ab' LIKE 'a/b' ESCAPE '/'",
            "INVALID_FORMAT.ESC_IN_THE_MIDDLE",
            "INVALID_FORMAT.ESC_IN_THE_MIDDLE",
        ),
    ] {
        assert_eq!(value(expression, &ansi).await, strict, "{expression}");
        assert_eq!(value(expression, &legacy).await, lax, "{expression} without ANSI");
    }
}

#[tokio::test]
async fn local_times_follow_the_sessions_zone_through_gaps_and_overlaps() {
    let settings = SqlSettings {
        time_zone: "America/New_York".to_owned(),
        ..SqlSettings::default()
    };
    for (expression, local) in [
        ("TIMESTAMP '2024-03-10 02:30:00'", "2024-03-10 03:30:00"),
        ("TIMESTAMP '2024-01-02 03:04:05Z'", "2024-01-01 22:04:05"),
        (
            "TIMESTAMP '2024-03-09 12:00:00' + INTERVAL 24 HOURS",
            "2024-03-10 12:00:00",
        ),
        (
            "TIMESTAMP '2024-03-10 01:30:00' + INTERVAL 1 HOUR",
            "2024-03-10 03:30:00",
        ),
        (
            "TIMESTAMP '2024-02-10 02:30:00' + INTERVAL 1 MONTH",
            "2024-03-10 03:30:00",
        ),
        (
            "TIMESTAMP '2024-11-03 00:30:00' + INTERVAL 2 HOURS",
            "2024-11-03 01:30:00",
        ),
        ("DATE '2024-03-10' + INTERVAL 3 HOURS", "2024-03-10 04:00:00"),
        ("unix_timestamp('2024-03-05 01:02:03')", "1709618523"),
        // The second half past one of that night stays the second.
        (
            "unix_timestamp(date_trunc('hour', TIMESTAMP '2024-11-03 06:30:00Z'))",
            "1730613600",
        ),
        ("make_timestamp(2024, 3, 10, 2, 30, 0)", "2024-03-10 03:30:00"),
        (
            "date_format(TIMESTAMP '2024-07-01 12:00:00', 'z XXX')",
            "EDT -04:00",
        ),
        (
            "to_timestamp('2024-03-05 01:02:03 +0200', 'yyyy-MM-dd HH:mm:ss Z')",
            "2024-03-04 18:02:03",
        ),
        (
            "from_utc_timestamp('2024-01-02 03:04:05', 'PST')",
            "2024-01-01 19:04:05",
        ),
        (
            "timestampdiff(HOUR, TIMESTAMP '2024-03-09 12:00:00', TIMESTAMP '2024-03-10 12:00:00')",
            "24",
        ),
        (
            "extract(SECOND FROM TIMESTAMP '2024-01-01 00:00:15.123456')",
            "15.123456",
        ),
        (
            "array(DATE '2024-03-05', TIMESTAMP '2024-03-05 01:00:00')[0]",
            "2024-03-05 00:00:00",
        ),
        ("current_timezone()", "America/New_York"),
    ] {
        assert_eq!(value(expression, &settings).await, local, "{expression}");
    }
}
