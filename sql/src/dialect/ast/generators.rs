//! Generators in the select list, and LATERAL VIEW: each becomes a call of a reserved table function that plans the unnest.
//!
//! `SELECT a, explode(x) AS c FROM t WHERE …` becomes `SELECT * FROM __tidemill_generate((SELECT a, rows AS marker FROM t
//! WHERE …))`, and `FROM t LATERAL VIEW explode(x) v AS c` becomes `FROM __tidemill_lateral_view((SELECT * FROM t), rows, 'v',
//! 'c')`, because how many columns a generator makes is known when the type of its argument is.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, LateralView,
    ObjectName, Query, Select, SelectItem, SetExpr, Spanned, TableFactor, TableFunctionArgs, TableWithJoins,
    Value, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::super::functions::generator;
use super::super::generate::{GENERATE_FUNCTION, GENERATED_COLUMN, LATERAL_FUNCTION};
use super::super::tokens::NAME_SEPARATOR;
use super::super::walk::{walk, walk_mut};
use crate::{Result, SqlError};

/// The generator's name in lower case, if the expression is a call of one.
pub(crate) fn generator_of(expr: &Expr) -> Option<String> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let name = function.name.to_string().trim_matches('`').to_lowercase();
    generator::NAMES.contains(&name.as_str()).then_some(name)
}

/// Rewrites every generator of the query.
///
/// # Errors
/// UNSUPPORTED_GENERATOR where Spark has none.
pub(crate) fn rewrite(query: &mut Query) -> Result<()> {
    walk_mut(query, &mut Generators).break_value().map_or(Ok(()), Err)
}

struct Generators;

impl VisitorMut for Generators {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        match lateral_views(select).and_then(|()| select_list(select)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        // Those in their places were renamed before.
        match generator_of(expr) {
            Some(name) => ControlFlow::Break(refused(
                "OUTSIDE_SELECT",
                &format!("outside the SELECT clause, found: {name}"),
                expr,
            )),
            None => ControlFlow::Continue(()),
        }
    }
}

fn refused(part: &str, what: &str, expr: &Expr) -> SqlError {
    let start = expr.span().start;
    let error = SqlError::new(
        format!("UNSUPPORTED_GENERATOR.{part}"),
        format!("The generator is not supported: {what}."),
    );
    if start.line > 0 {
        error.at(start.line, start.column)
    } else {
        error
    }
}

/// Puts the select under an outer one where its list has generators.
fn select_list(select: &mut Select) -> Result<()> {
    let mut generated = 0;
    for item in &mut select.projection {
        let (expr, aliases) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, Vec::new()),
            SelectItem::ExprWithAlias { expr, alias } => (expr, vec![alias.value.clone()]),
            SelectItem::ExprWithAliases { expr, aliases } => {
                (expr, aliases.iter().map(|a| a.value.clone()).collect())
            }
            _ => continue,
        };
        if generator_of(expr).is_none() {
            refuse_nested(expr, 0)?;
            continue;
        }
        refuse_nested(expr, 1)?;
        let mut marker = format!("{GENERATED_COLUMN}{generated}");
        for alias in aliases {
            marker.push(NAME_SEPARATOR);
            marker.push_str(&alias.to_lowercase());
        }
        generated += 1;
        *item = SelectItem::ExprWithAlias {
            expr: renamed(expr, false)?,
            alias: Ident::with_quote('`', marker),
        };
    }
    if generated == 0 {
        return Ok(());
    }
    let (carrier, mut relation) = templates()?;
    let mut outer = select.clone();
    let SetExpr::Select(star) = carrier.body.as_ref() else {
        return Err(internal());
    };
    outer.projection.clone_from(&star.projection);
    outer.selection = None;
    outer.having = None;
    outer.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    let mut inner = std::mem::replace(select, outer);
    inner.distinct = None;
    let mut query = carrier.clone();
    *query.body = SetExpr::Select(Box::new(inner));
    call_of(
        &mut relation,
        GENERATE_FUNCTION,
        vec![Expr::Subquery(Box::new(query))],
    );
    select.from = vec![TableWithJoins {
        relation,
        joins: Vec::new(),
    }];
    Ok(())
}

/// Puts FROM into the calls of its lateral views, the first innermost.
fn lateral_views(select: &mut Select) -> Result<()> {
    for view in std::mem::take(&mut select.lateral_views) {
        let LateralView {
            lateral_view,
            lateral_view_name,
            lateral_col_alias,
            outer,
        } = view;
        if generator_of(&lateral_view).is_none() {
            let name = match &lateral_view {
                Expr::Function(function) => function.name.to_string(),
                other => other.to_string(),
            };
            let what = format!("`{name}` is expected to be a generator");
            return Err(refused("NOT_GENERATOR", &what, &lateral_view));
        }
        refuse_nested(&lateral_view, 1)?;
        let (mut carrier, mut relation) = templates()?;
        let SetExpr::Select(star) = carrier.body.as_mut() else {
            return Err(internal());
        };
        star.from = std::mem::take(&mut select.from);
        let name = lateral_view_name.0.last().and_then(|p| p.as_ident());
        let mut args = vec![
            Expr::Subquery(Box::new(carrier)),
            renamed(&lateral_view, outer)?,
            text(name.map_or(String::new(), |n| n.value.to_lowercase())),
        ];
        args.extend(
            lateral_col_alias
                .into_iter()
                .map(|a| text(a.value.to_lowercase())),
        );
        call_of(&mut relation, LATERAL_FUNCTION, args);
        select.from = vec![TableWithJoins {
            relation,
            joins: Vec::new(),
        }];
    }
    Ok(())
}

/// Refuses generators among the parts of an expression; `allowed` are those at its top.
fn refuse_nested(expr: &Expr, allowed: usize) -> Result<()> {
    struct Finder {
        generators: usize,
        subqueries: bool,
    }
    impl Visitor for Finder {
        type Break = ();

        fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            self.subqueries = true;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            self.generators += usize::from(generator_of(expr).is_some());
            ControlFlow::Continue(())
        }
    }
    let mut finder = Finder {
        generators: 0,
        subqueries: false,
    };
    let _ = walk(expr, &mut finder);
    // A subquery may have generators of its own.
    if finder.generators > allowed && !finder.subqueries {
        return Err(refused(
            "NESTED_IN_EXPRESSIONS",
            &format!("nested in expressions \"{expr}\""),
            expr,
        ));
    }
    Ok(())
}

/// The call under the name that the planner knows.
fn renamed(expr: &Expr, outer: bool) -> Result<Expr> {
    let (Expr::Function(function), Some(name)) = (expr, generator_of(expr)) else {
        return Err(internal());
    };
    let mut function: Function = function.clone();
    let mut call = format!("{}{name}", generator::PREFIX);
    if name == "stack" {
        let FunctionArguments::List(list) = &mut function.args else {
            return Err(internal());
        };
        let rows = match list.args.first() {
            Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))) => match &value.value {
                Value::Number(digits, _) => digits.parse::<u16>().ok().filter(|rows| *rows > 0),
                _ => None,
            },
            _ => None,
        };
        let Some(rows) = rows else {
            let start = expr.span().start;
            return Err(SqlError::new(
                "UNSUPPORTED_FEATURE",
                "stack with a number of rows that is no literal from 1 to 65535 is not supported.",
            )
            .at(start.line, start.column));
        };
        list.args.remove(0);
        call = format!("{call} {rows}");
    }
    if outer {
        call.push_str(" outer");
    }
    function.name = ObjectName::from(vec![Ident::with_quote('`', call)]);
    Ok(Expr::Function(function))
}

/// `SELECT * FROM t`, and its relation.
fn templates() -> Result<(Query, TableFactor)> {
    let query = Parser::new(&GenericDialect {})
        .try_with_sql("SELECT * FROM t")
        .and_then(|mut parser| parser.parse_query())
        .map_err(|_| internal())?;
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Err(internal());
    };
    let relation = select
        .from
        .first()
        .map(|f| f.relation.clone())
        .ok_or_else(internal)?;
    Ok((*query, relation))
}

fn call_of(relation: &mut TableFactor, function: &str, exprs: Vec<Expr>) {
    if let TableFactor::Table { name, args, .. } = relation {
        *name = ObjectName::from(vec![Ident::new(function)]);
        *args = Some(TableFunctionArgs {
            args: exprs
                .into_iter()
                .map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e)))
                .collect(),
            settings: None,
        });
    }
}

fn text(text: String) -> Expr {
    Expr::Value(Value::SingleQuotedString(text).into())
}

fn internal() -> SqlError {
    SqlError::new("INTERNAL_ERROR", "a generator of another form than expected")
}
