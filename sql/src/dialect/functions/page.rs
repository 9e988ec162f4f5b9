//! The page that says of every function of Spark whether it is here, made from the lists.
//!
//! `TIDEMILL_WRITE_DOCS=1 cargo test -p tidemill-sql page` writes it anew.

use super::super::super::aggregate;
use super::{SPARK_FUNCTIONS, generator, grouping, is_listed, lambdas, over};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/functions.md");

/// Names under which Spark shows parts of its grammar, which are here.
const GRAMMAR: [&str; 8] = ["and", "between", "case", "div", "in", "not", "or", "when"];

/// Calls that are here and that Spark has in its grammar alone.
const GRAMMAR_ALONE: [&str; 2] = ["timestampadd", "timestampdiff"];

const INTRODUCTION: &str = "\
# Functions

Every function of Spark 4.3, as `SHOW FUNCTIONS` there lists them, and whether it is here. A function that is here gives
Spark's values, types, column names and errors, but for what [sql.md](sql.md) lists as known differences; a call of one that
is not is an error that names it (`UNSUPPORTED_ROUTINE`). Some refuse single kinds of arguments (`UNSUPPORTED_FEATURE`), which
sql.md lists. A test makes this page from the lists of the code.
";

fn kind(name: &str) -> Option<&'static str> {
    Some(match name {
        _ if GRAMMAR.contains(&name) => "an operator",
        _ if !is_listed(name) => return None,
        _ if aggregate::NAMES.contains(&name) || grouping::NAMES.contains(&name) => "an aggregate",
        _ if generator::NAMES.contains(&name) => "a generator",
        _ if lambdas::NAMES.contains(&name) => "takes lambdas",
        _ if over::NAMES.contains(&name) => "over a window",
        _ => "yes",
    })
}

fn page() -> String {
    let known: Vec<(&str, &str)> = SPARK_FUNCTIONS
        .lines()
        .filter_map(|n| Some((n, kind(n)?)))
        .collect();
    let count = SPARK_FUNCTIONS.lines().count();
    let mut out = format!(
        "{INTRODUCTION}\nOf {count} functions {} are here.\n\n",
        known.len()
    );
    out.push_str("| function | here |\n|---|---|\n");
    for name in SPARK_FUNCTIONS.lines() {
        out.push_str(&format!("| `{name}` | {} |\n", kind(name).unwrap_or("no")));
    }
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the page is no checkpoint file")]
fn the_page_of_functions_says_of_every_function_of_spark_whether_it_is_here() {
    if std::env::var_os("TIDEMILL_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, page()).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap();
    assert!(
        written == page(),
        "docs/functions.md is not what the lists of functions say: run this test with TIDEMILL_WRITE_DOCS=1"
    );
}

#[test]
fn every_function_that_is_here_is_one_of_sparks_and_can_be_planned() {
    let functions = super::of(&super::SqlSettings::default());
    for name in super::scalar_list::NAMES.iter().filter(|n| !n.starts_with("__")) {
        assert!(
            SPARK_FUNCTIONS.lines().any(|line| line == *name) || GRAMMAR_ALONE.contains(name),
            "{name} is no function of Spark's"
        );
    }
    for name in lambdas::NAMES {
        assert!(functions.higher_order(name).is_some(), "{name}");
    }
}
