//! The relations of a query, found and resolved before its names are: tables, streams, views.
//!
//! A visitor knows which names are CTEs at each place; every other table, and each `STREAM`, becomes a numbered call that the
//! planner answers with a plan made beforehand. So every occurrence in the text has its own plan (and a stream its own
//! identity), a CTE used twice has one, and a view is planned by itself, out of reach of the query's CTEs.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result as DataFusionResult, TableReference};
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Query, Spanned, TableAlias, TableFactor,
    TableFunctionArgs, Value, ValueWithSpan, VisitorMut,
};

use super::generate::{self, GENERATE_FUNCTION, LATERAL_FUNCTION};
use super::set_operation::{self, is_set_operation};
use super::statements::table_reference;
use super::table_function::{self, RangeCall, derived, generator_query};
use super::tokens::{NAME_SEPARATOR, RELATION_FUNCTION, StreamClause, WATERMARK_FUNCTION};
use super::walk::walk_mut;
use super::{SqlDialect, SqlSettings};
use crate::event_time::watermark_of_path;
use crate::{Result, SqlError};

/// What one place of a query reads.
#[derive(Clone, Debug)]
pub(crate) enum RelationRequest {
    /// A table or view.
    Table {
        /// Its name, as the catalog holds it.
        name: TableReference,
        /// Where it stands, from 1.
        position: (u64, u64),
    },
    /// The `STREAM` clause with this number.
    Stream(usize),
    /// `range`.
    Range(RangeCall),
}

/// Takes the relations out of the query; each is left as a call with its place in the list.
pub(crate) fn take(
    query: &mut Query,
    streams: &[StreamClause],
    dialect: SqlDialect,
) -> Result<Vec<RelationRequest>> {
    let mut taker = Taker {
        dialect,
        streams,
        scopes: Vec::new(),
        requests: Vec::new(),
    };
    match walk_mut(query, &mut taker) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(taker.requests),
    }
}

struct Taker<'a> {
    dialect: SqlDialect,
    streams: &'a [StreamClause],
    scopes: Vec<Scope>,
    requests: Vec<RelationRequest>,
}

/// The CTEs of one query; those before `done` are visible. Its first queries inside are the CTEs themselves.
struct Scope {
    names: Vec<String>,
    done: usize,
}

impl Taker<'_> {
    fn is_cte(&self, name: &str) -> bool {
        self.scopes
            .iter()
            .any(|s| s.names.iter().take(s.done).any(|n| n == name))
    }

    fn fold(&self, ident: &Ident) -> String {
        match self.dialect {
            SqlDialect::DataFusion if ident.quote_style.is_some() => ident.value.clone(),
            _ => ident.value.to_lowercase(),
        }
    }

    fn table(&mut self, factor: &mut TableFactor) -> Result<()> {
        let position = {
            let start = factor.span().start;
            (start.line, start.column)
        };
        let TableFactor::Table {
            name,
            alias,
            args,
            version,
            with_ordinality,
            partitions,
            sample,
            ..
        } = factor
        else {
            return Ok(());
        };
        let refuse = |what: &str| {
            Err(
                SqlError::new("UNSUPPORTED_FEATURE", format!("{what} is not supported."))
                    .at(position.0, position.1),
            )
        };
        if version.is_some() {
            return refuse("Time travel of a table");
        }
        if sample.is_some() {
            return refuse("TABLESAMPLE");
        }
        if *with_ordinality || !partitions.is_empty() {
            return refuse("This form of a table in FROM");
        }
        if let Some(call) = args.as_mut() {
            if let Some(cte) = self.streamed_cte(name, call)? {
                // Spark resolves the CTE before it looks at STREAM.
                *name = ObjectName::from(vec![Ident::with_quote('`', cte)]);
                *args = None;
                return Ok(());
            }
            return self.call(name, call, position);
        }
        let parts: Vec<String> = name
            .0
            .iter()
            .filter_map(|p| p.as_ident().map(|i| self.fold(i)))
            .collect();
        if let [only] = parts.as_slice()
            && self.is_cte(only)
        {
            return Ok(());
        }
        let reference = table_reference(&parts).map_err(|e| e.at(position.0, position.1))?;
        let number = self.requests.len();
        if alias.is_none() && self.dialect == SqlDialect::Spark {
            *alias = Some(TableAlias {
                explicit: true,
                name: Ident::with_quote('`', reference.table()),
                columns: Vec::new(),
                at: None,
            });
        }
        *name = ObjectName::from(vec![Ident::new(RELATION_FUNCTION)]);
        *args = Some(arguments(number));
        self.requests.push(RelationRequest::Table {
            name: reference,
            position,
        });
        Ok(())
    }

    /// The CTE that a STREAM names, if it names one.
    fn streamed_cte(&self, name: &ObjectName, args: &TableFunctionArgs) -> Result<Option<String>> {
        let clause = relation_number(name, Some(args)).and_then(|n| self.streams.get(n));
        let Some(clause) = clause else {
            return Ok(None);
        };
        let [table] = clause.table.as_slice() else {
            return Ok(None);
        };
        let table = table.to_lowercase();
        if !self.is_cte(&table) {
            return Ok(None);
        }
        if !clause.options.is_empty() || clause.name.is_some() {
            return Err(SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!("WITH and IDENTIFIED BY after STREAM of the common table expression {table} are not supported."),
            )
            .at(clause.position.0, clause.position.1));
        }
        Ok(Some(table))
    }

    /// Puts a generator into the select list of a subquery.
    fn generator(&self, factor: &mut TableFactor) -> Result<()> {
        if let TableFactor::Table {
            name,
            args: Some(args),
            sample: None,
            ..
        } = factor
            && self.dialect == SqlDialect::Spark
            && let Some(query) = generator_query(name, args)
        {
            *factor = derived(query?, factor);
        }
        Ok(())
    }

    /// A table function: a stream's clause, or one that is not known here.
    fn call(
        &mut self,
        name: &mut ObjectName,
        args: &mut TableFunctionArgs,
        position: (u64, u64),
    ) -> Result<()> {
        if name.to_string() == RELATION_FUNCTION {
            let Some(clause) = number(args) else {
                return Err(SqlError::new("INTERNAL_ERROR", "a relation without its number")
                    .at(position.0, position.1));
            };
            *args = arguments(self.requests.len());
            self.requests.push(RelationRequest::Stream(clause));
            return Ok(());
        }
        if name.to_string() == WATERMARK_FUNCTION {
            // The relation stands in the query among its arguments.
            return Ok(());
        }
        if self.dialect == SqlDialect::Spark {
            if let Some(range) = RangeCall::of(name, args) {
                let range = range.map_err(|e| e.at(position.0, position.1))?;
                *args = arguments(self.requests.len());
                *name = ObjectName::from(vec![Ident::new(RELATION_FUNCTION)]);
                self.requests.push(RelationRequest::Range(range));
                return Ok(());
            }
            return Err(table_function::not_known(name).at(position.0, position.1));
        }
        Ok(())
    }
}

impl VisitorMut for Taker<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        let mut names = Vec::new();
        let mut done = 0;
        if let Some(with) = &query.with {
            names = with.cte_tables.iter().map(|c| self.fold(&c.alias.name)).collect();
            if with.recursive {
                if self.dialect == SqlDialect::Spark {
                    return ControlFlow::Break(SqlError::new(
                        "UNSUPPORTED_FEATURE",
                        "WITH RECURSIVE is not supported.",
                    ));
                }
                done = names.len();
            }
        }
        self.scopes.push(Scope { names, done });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<SqlError> {
        self.scopes.pop();
        if let Some(outer) = self.scopes.last_mut()
            && outer.done < outer.names.len()
        {
            outer.done += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        match self.generator(factor).and_then(|()| self.table(factor)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

fn arguments(number: usize) -> TableFunctionArgs {
    // A string, because numbers are given Spark's types later.
    let value = Value::SingleQuotedString(number.to_string());
    TableFunctionArgs {
        args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(
            value.into(),
        )))],
        settings: None,
    }
}

/// The number of a relation that was taken out, if this is one.
pub(crate) fn relation_number(name: &ObjectName, args: Option<&TableFunctionArgs>) -> Option<usize> {
    if name.to_string() == RELATION_FUNCTION {
        args.and_then(number)
    } else {
        None
    }
}

fn number(args: &TableFunctionArgs) -> Option<usize> {
    match args.args.as_slice() {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                value: Value::Number(digits, _) | Value::SingleQuotedString(digits),
                ..
            }))),
        ] => digits.parse().ok(),
        _ => None,
    }
}

/// The query among the arguments of a relation with a watermark.
pub(crate) fn watermarked_query<'a>(
    name: &ObjectName,
    args: Option<&'a TableFunctionArgs>,
) -> Option<&'a Query> {
    if name.to_string() != WATERMARK_FUNCTION {
        return None;
    }
    match args?.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Subquery(query))) => Some(query),
        _ => None,
    }
}

/// Plans a relation with a watermark: its query, and the watermark over it.
fn watermarked(
    args: &TableFunctionArgs,
    context: &mut dyn RelationPlannerContext,
) -> DataFusionResult<LogicalPlan> {
    let internal = || DataFusionError::Internal("a watermark without its clause".to_owned());
    let [query, texts @ ..] = args.args.as_slice() else {
        return Err(internal());
    };
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Subquery(query))) = query else {
        return Err(internal());
    };
    let texts: Vec<&str> = texts
        .iter()
        .filter_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(text),
                ..
            }))) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let [event_time, delay_ms, line, column] = texts.as_slice() else {
        return Err(internal());
    };
    let plan = context.plan(TableFactor::Derived {
        lateral: false,
        subquery: query.clone(),
        alias: None,
        sample: None,
    })?;
    let path: Vec<&str> = event_time.split(NAME_SEPARATOR).collect();
    let delay_ms = delay_ms.parse().map_err(|_| internal())?;
    let watermark = watermark_of_path(plan, &path, delay_ms);
    watermark.map_err(|error| match (line.parse(), column.parse()) {
        (Ok(line), Ok(column)) => error.at(line, column).into(),
        _ => error.into(),
    })
}

/// Answers the numbered calls with the plans made for them.
#[derive(Debug)]
pub(crate) struct PreparedRelations {
    plans: Vec<Arc<LogicalPlan>>,
    settings: SqlSettings,
}

impl PreparedRelations {
    /// The plans, by number; set operations are planned under these settings.
    pub(crate) fn new(plans: Vec<Arc<LogicalPlan>>, settings: &SqlSettings) -> Self {
        Self {
            plans,
            settings: settings.clone(),
        }
    }
}

impl RelationPlanner for PreparedRelations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> DataFusionResult<RelationPlanning> {
        match relation {
            TableFactor::Table {
                ref name,
                args: Some(ref args),
                ref alias,
                ..
            } if [WATERMARK_FUNCTION, GENERATE_FUNCTION, LATERAL_FUNCTION]
                .contains(&name.to_string().as_str()) =>
            {
                let plan = match name.to_string().as_str() {
                    GENERATE_FUNCTION => generate::select_list(args, context)?,
                    LATERAL_FUNCTION => generate::lateral_view(args, context)?,
                    _ => watermarked(args, context)?,
                };
                Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
                    plan,
                    alias.clone(),
                ))))
            }
            TableFactor::Table {
                ref name,
                args: Some(ref args),
                ref alias,
                ..
            } if name.to_string() == RELATION_FUNCTION => {
                let plan = number(args)
                    .and_then(|n| self.plans.get(n))
                    .ok_or_else(|| DataFusionError::Internal("a relation without its plan".to_owned()))?;
                Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
                    plan.as_ref().clone(),
                    alias.clone(),
                ))))
            }
            TableFactor::Derived {
                lateral: false,
                subquery,
                alias,
                sample: None,
            } if self.settings.dialect == SqlDialect::Spark && is_set_operation(&subquery) => {
                let plan = set_operation::plan(*subquery.body, context, &self.settings)?;
                Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
                    plan, alias,
                ))))
            }
            other => Ok(RelationPlanning::Original(Box::new(other))),
        }
    }
}
