//! Patterns of dates and times: parsing and printing.

use super::super::zone::Zone;
use super::DateTimePattern;

fn read(pattern: &str, text: &str) -> Option<i64> {
    DateTimePattern::new(pattern)
        .unwrap()
        .parse_timestamp(text.as_bytes(), &Zone::utc())
}

fn iso(text: &str) -> Option<i64> {
    crate::record::value::parse_timestamp(text.as_bytes(), &Zone::utc())
}

#[test]
fn timestamps_are_read_by_pattern_as_spark_reads_them() {
    for (pattern, text, expected) in [
        (
            "dd/MM/yyyy HH:mm:ss",
            "01/02/2024 03:04:05",
            "2024-02-01 03:04:05",
        ),
        ("dd/MM/yyyy HH:mm:ss", "1/2/2024 3:4:5", ""),
        (
            "dd MMM yyyy hh:mm:ss a Z",
            "01 Jan 2024 03:04:05 PM +0100",
            "2024-01-01 14:04:05",
        ),
        (
            "dd MMM yyyy hh:mm:ss a Z",
            "01 jan 2024 03:04:05 pm +0100",
            "2024-01-01 14:04:05",
        ),
        ("dd MMM yyyy hh:mm:ss a Z", "01 Jan 2024 3:04:05 pm +0100", ""),
        (
            "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]",
            "2024-01-01T00:00:00.123Z",
            "2024-01-01 00:00:00.123",
        ),
        (
            "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00",
        ),
        (
            "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]",
            "2024-01-01T00:00:00.123456+01:00",
            "",
        ),
        (
            "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]",
            "2024-01-01T00:00:00.12Z",
            "2024-01-01 00:00:00.12",
        ),
        (
            "yyyy-MM-dd HH:mm:ss.SSSSSS VV",
            "2024-01-01 00:00:00.1 Europe/Berlin",
            "2023-12-31 23:00:00.1",
        ),
        (
            "yyyy-MM-dd HH:mm:ss.SSS z",
            "2024-01-01 00:00:00.123 PST",
            "2024-01-01 08:00:00.123",
        ),
        ("d/M/yy h:mm a", "1/2/24 5:06 AM", "2024-02-01 05:06:00"),
        ("d/M/yy h:mm a", "11/12/24 15:06 AM", ""),
        ("yyyy-MM-dd'T'HH:mm:ss", "2024-01-01T24:00:00", ""),
        ("yyyy-MM-dd'T'HH:mm:ss", "2024-02-30T00:00:00", ""),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2024-01-01 00:00:00.", ""),
    ] {
        assert_eq!(read(pattern, text), iso(expected), "{pattern} {text}");
    }
}

#[test]
fn dates_are_read_by_pattern_as_spark_reads_them() {
    for (pattern, text, expected) in [
        ("dd.MM.yy", "03.02.24", "2024-02-03"),
        ("dd.MM.yy", "3.2.24", ""),
        ("MMMM d, yyyy", "January 5, 2024", "2024-01-05"),
        ("MMMM d, yyyy", "Jan 5, 2024", ""),
        ("yyyy-DDD", "2024-060", "2024-02-29"),
        ("yyyy-DDD", "2023-366", ""),
        ("M/yyyy", "12/2024", "2024-12-01"),
        ("yyyy", "99", ""),
    ] {
        let read = DateTimePattern::new(pattern).unwrap().parse_date(text.as_bytes());
        assert_eq!(
            read,
            crate::record::value::parse_date(expected.as_bytes()),
            "{pattern} {text}"
        );
    }
}

#[test]
fn timestamps_are_written_by_pattern_as_spark_writes_them() {
    let zone = Zone::parse("America/New_York").unwrap();
    let pattern = "dd/MM/yy h:mm a EEEE MMMM D VV z zzzz Z ZZZZ ZZZZZ XXX X xx O SSSSSS";
    let mut out = String::new();
    let at = iso("2024-01-02 03:04:05.678901").unwrap();
    DateTimePattern::new(pattern)
        .unwrap()
        .format_timestamp(at, &zone, &mut out);
    assert_eq!(
        out,
        "01/01/24 10:04 PM Monday January 1 America/New_York EST Eastern Standard Time -0500 GMT-05:00 \
         -05:00 -05:00 -05 -0500 GMT-5 678901"
    );
    let mut out = String::new();
    DateTimePattern::new("E d MMM yyyy G QQQ")
        .unwrap()
        .format_date(19_724, &mut out);
    assert_eq!(out, "Tue 2 Jan 2024 AD Q1");
}

#[test]
fn patterns_that_spark_refuses_are_refused() {
    for pattern in ["bbb", "YYYY-ww", "yyyy'", "yyyy]", "VVV", "ddd"] {
        assert!(DateTimePattern::new(pattern).is_err(), "{pattern}");
    }
}
