//! Table-valued functions: `range`, and generators in FROM.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::provider_as_source;
use datafusion::functions_table::generate_series::{GenSeriesArgs, GenerateSeriesTable};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, ObjectName, Query,
    SelectItem, SetExpr, TableFactor, TableFunctionArgs, UnaryOperator, Value, ValueWithSpan,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::functions::{self, generator};
use crate::{Result, SqlError};

/// `range(end)`, `range(start, end [, step [, partitions]])`: whole numbers from `start` until `end`, which is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RangeCall {
    start: i64,
    end: i64,
    step: i64,
}

impl RangeCall {
    /// The arguments of a call of this function; `None` for another function.
    ///
    /// # Errors
    /// Arguments that are not whole numbers, too few or too many, or a step of nothing.
    pub(crate) fn of(name: &ObjectName, args: &TableFunctionArgs) -> Option<Result<Self>> {
        plain_name(name).eq("range").then(|| Self::parse(args))
    }

    fn parse(args: &TableFunctionArgs) -> Result<Self> {
        let numbers: Option<Vec<i64>> = args.args.iter().map(whole_number).collect();
        let (start, end, step) = match numbers.as_deref() {
            Some([end]) => (0, *end, 1),
            Some([start, end]) => (*start, *end, 1),
            Some([start, end, step] | [start, end, step, _]) => (*start, *end, *step),
            _ => {
                return Err(SqlError::new(
                    "UNSUPPORTED_TABLE_VALUED_FUNCTION",
                    "range takes one to four whole numbers: end, or start, end, step and a number of partitions.",
                ));
            }
        };
        if step == 0 {
            return Err(SqlError::new(
                "FAILED_FUNCTION_CALL",
                "The step of range must not be 0.",
            ));
        }
        Ok(Self { start, end, step })
    }

    /// Its rows: one column `id BIGINT`.
    ///
    /// # Errors
    /// None of its own.
    pub(crate) fn plan(self) -> Result<LogicalPlan> {
        let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
        let args = GenSeriesArgs::Int64Args {
            start: self.start,
            end: self.end,
            step: self.step,
            include_end: false,
            name: "range",
        };
        let table = GenerateSeriesTable::new(Arc::new(schema), args);
        Ok(LogicalPlanBuilder::scan("range", provider_as_source(Arc::new(table)), None)?.build()?)
    }
}

/// The subquery that a generator in FROM is: `explode(x)` is `(SELECT explode(x))`; `None` for another function.
///
/// # Errors
/// None of its own.
pub(crate) fn generator_query(name: &ObjectName, args: &TableFunctionArgs) -> Option<Result<Box<Query>>> {
    let function = plain_name(name);
    generator::NAMES
        .contains(&function.as_str())
        .then(|| select_of(name, args))
}

fn select_of(name: &ObjectName, args: &TableFunctionArgs) -> Result<Box<Query>> {
    let internal = || SqlError::new("INTERNAL_ERROR", "a template does not parse");
    let mut query = Parser::new(&GenericDialect {})
        .try_with_sql("SELECT 1")
        .and_then(|mut parser| parser.parse_query())
        .map_err(|_| internal())?;
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(internal());
    };
    let call = Function {
        name: name.clone(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.args.clone(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    };
    select.projection = vec![SelectItem::UnnamedExpr(Expr::Function(call))];
    Ok(query)
}

/// A subquery in FROM under the alias that the function had.
pub(crate) fn derived(subquery: Box<Query>, factor: &TableFactor) -> TableFactor {
    let alias = match factor {
        TableFactor::Table { alias, .. } => alias.clone(),
        _ => None,
    };
    TableFactor::Derived {
        lateral: false,
        subquery,
        alias,
        sample: None,
    }
}

/// The error for a call of another function in FROM.
pub(crate) fn not_known(name: &ObjectName) -> SqlError {
    let text = format!(
        "The table-valued function {name} is not supported: range and the generators (explode and its kin) are."
    );
    match functions::is_sparks(&plain_name(name)) {
        true => SqlError::new("UNSUPPORTED_TABLE_VALUED_FUNCTION", text),
        false => SqlError::new("UNRESOLVABLE_TABLE_VALUED_FUNCTION", text),
    }
}

fn plain_name(name: &ObjectName) -> String {
    name.to_string().trim_matches('`').to_lowercase()
}

fn whole_number(arg: &FunctionArg) -> Option<i64> {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
        return None;
    };
    match expr {
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => digits(expr).and_then(|digits| format!("-{digits}").parse().ok()),
        expr => digits(expr).and_then(|digits| digits.parse().ok()),
    }
}

fn digits(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(ValueWithSpan {
            value: Value::Number(digits, _),
            ..
        }) => Some(digits),
        _ => None,
    }
}
