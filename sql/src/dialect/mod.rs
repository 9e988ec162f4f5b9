//! SQL's front: from text to statements and logical plans, in Spark's dialect or DataFusion's.
//!
//! The contract: text that Spark 4.3 runs gives the same rows, names and types here, or an error that says what is not supported;
//! never another answer. Three layers do it, one rule a file:
//! * `tokens`: what no hook of the parser reaches (strings, numbers, intervals, `STREAM …`); `statements` reads what is left.
//! * `ast`, before names are resolved: Spark's names for unaliased columns, constructs that become others.
//! * `analyzer` and `functions`: types, errors, and the checked list of functions; a name that is not on it is an error.
//!
//! Planning does no I/O beyond asking the catalog for tables.

mod analyzer;
mod ast;
mod context;
mod functions;
mod generate;
mod names;
mod plan;
mod relations;
mod session;
mod set_operation;
mod settings;
mod statements;
mod table_function;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod types;
mod view;
mod walk;

pub(crate) use functions::{double_to_decimal, type_name};

pub use ast::UNNAMED_COLUMN_PREFIX;
pub(crate) use functions::type_name as spark_type_name;
pub use functions::{simple_type_name, simple_type_of};
pub use plan::plan_query;
pub use session::configure;
pub use settings::{SqlDialect, SqlSettings};
pub use statements::{
    COMMENT_KEY, CreateStreamingTable, CreateTable, CreateTableAs, CreateView, ExplainMode, InsertInto,
    NamePattern, ParsedStatement, SqlQuery, Statement, TableClauses, parse_schema_ddl, parse_script,
};
pub use tokens::{IntervalLiteral, parse_interval_text};
pub use view::ViewDefinition;
