//! How many arguments Spark's functions take, and its error for another number.
//!
//! `spark_argument_counts.tsv` holds what Spark 4.3.0 says that a function requires: a number, `[1, 2]`, `> 0`, or `2n (n > 0)`.

use crate::{Result, SqlError};

const COUNTS: &str = include_str!("spark_argument_counts.tsv");

/// Refuses a call with a number of arguments that Spark's function of this name does not take.
///
/// # Errors
/// WRONG_NUM_ARGS, as Spark has it.
pub(crate) fn check_argument_count(name: &str, count: usize) -> Result<()> {
    if name == "count" && count == 0 {
        return Err(SqlError::new(
            "WRONG_NUM_ARGS.WITH_SUGGESTION",
            "The `count` requires  >= 1 parameters but the actual number is 0.",
        ));
    }
    let known = COUNTS.lines().filter_map(|line| line.split_once('\t'));
    for (function, required) in known {
        if function == name && !allows(required, count) {
            return Err(wrong_number(name, required, count));
        }
    }
    Ok(())
}

/// Whether a number of arguments is one of those required.
fn allows(required: &str, count: usize) -> bool {
    if let Some(more_than) = required.strip_prefix("> ") {
        return more_than.parse().is_ok_and(|least: usize| count > least);
    }
    if required.starts_with("2n") {
        return count.is_multiple_of(2);
    }
    let mut numbers = required.trim_matches(['[', ']']).split(", ");
    numbers.any(|number| number.parse() == Ok(count))
}

fn wrong_number(name: &str, required: &str, count: usize) -> SqlError {
    SqlError::new(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        format!(
            "The `{name}` requires {required} parameters but the actual number is {count}. Please, refer to \
             'https://spark.apache.org/docs/latest/sql-ref-functions.html' for a fix."
        ),
    )
}
