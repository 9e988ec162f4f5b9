//! The names of a query's columns as its text spells them, before its plan forgets the spelling.

use std::collections::{HashMap, HashSet};

use datafusion::sql::sqlparser::ast::{
    ExceptSelectItem, JoinConstraint, JoinOperator, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, TableWithJoins,
    WildcardAdditionalOptions,
};

use super::super::relations::{relation_number, watermarked_query};
use super::generators::generator_of;
use super::is_of_tables;
use super::spark_name::{KnownColumns, NameScope, spark_name};

/// Stands for the columns of a generator without aliases, whose number the plan knows.
pub(crate) const GENERATED: &str = "\u{1f}generated";

/// The columns' names; a column without a known name is `None`.
pub(crate) type Names = Vec<Option<String>>;

/// The names of a query whose relations are numbered calls; `tables` are the columns of each relation by number.
///
/// `None` where the shape is not understood: the plan's own names are then kept.
pub(crate) fn output_names(query: &Query, tables: &[Vec<String>], columns: &KnownColumns) -> Option<Names> {
    let known = Known { tables, columns };
    of_query(query, &known, &HashMap::new())
}

type Ctes = HashMap<String, Names>;

/// What is known of the query's relations.
struct Known<'a> {
    tables: &'a [Vec<String>],
    columns: &'a KnownColumns,
}

fn of_query(query: &Query, known: &Known<'_>, outer: &Ctes) -> Option<Names> {
    let mut ctes = outer.clone();
    if let Some(with) = &query.with {
        for cte in &with.cte_tables {
            let names = of_query(&cte.query, known, &ctes)?;
            ctes.insert(cte.alias.name.value.to_lowercase(), aliased(names, &cte.alias));
        }
    }
    of_body(&query.body, known, &ctes)
}

fn of_body(body: &SetExpr, known: &Known<'_>, ctes: &Ctes) -> Option<Names> {
    match body {
        SetExpr::Select(select) => of_select(select, known, ctes),
        SetExpr::Query(query) => of_query(query, known, ctes),
        SetExpr::SetOperation { left, .. } => of_body(left, known, ctes),
        SetExpr::Values(values) => {
            let count = values.rows.first()?.content.len();
            Some((1..=count).map(|n| Some(format!("col{n}"))).collect())
        }
        _ => None,
    }
}

/// A relation of FROM: its name in lower case, and its columns.
struct Relation {
    name: Option<String>,
    columns: Names,
}

fn of_select(select: &Select, known: &Known<'_>, ctes: &Ctes) -> Option<Names> {
    let mut relations = Vec::new();
    let mut joined = false;
    for from in &select.from {
        joined |= of_from(from, known, ctes, &mut relations)?;
    }
    for view in &select.lateral_views {
        let aliases = view.lateral_col_alias.iter();
        let mut columns: Names = aliases.map(|a| Some(a.value.clone())).collect();
        if columns.is_empty() {
            columns.push(Some(GENERATED.to_owned()));
        }
        let name = view.lateral_view_name.0.last()?.as_ident()?.value.to_lowercase();
        relations.push(Relation {
            name: Some(name),
            columns,
        });
    }
    let scope = NameScope {
        relations: relations
            .iter()
            .filter_map(|r| r.name.clone())
            .collect::<HashSet<_>>(),
        known: known.columns.clone(),
        tables_only: select.from.iter().all(is_of_tables),
        variables: HashSet::new(),
    };
    let mut out = Names::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) if generator_of(expr).is_some() => {
                out.push(Some(GENERATED.to_owned()));
            }
            SelectItem::UnnamedExpr(expr) => out.push(spark_name(expr, &scope)),
            SelectItem::ExprWithAlias { alias, .. } => out.push(Some(alias.value.clone())),
            SelectItem::ExprWithAliases { aliases, .. } => {
                out.extend(aliases.iter().map(|a| Some(a.value.clone())));
            }
            SelectItem::Wildcard(options) => {
                // USING and NATURAL merge columns: the plan knows their order.
                if joined {
                    return None;
                }
                for relation in &relations {
                    out.extend(without_excepted(&relation.columns, options)?);
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let wanted = name.0.last()?.as_ident()?.value.to_lowercase();
                let relation = relations.iter().find(|r| r.name.as_ref() == Some(&wanted))?;
                out.extend(without_excepted(&relation.columns, options)?);
            }
            SelectItem::QualifiedWildcard(..) => return None,
        }
    }
    Some(out)
}

/// Adds the relations of one FROM item; gives whether a join merges columns.
fn of_from(from: &TableWithJoins, known: &Known<'_>, ctes: &Ctes, out: &mut Vec<Relation>) -> Option<bool> {
    let mut merged = of_factor(&from.relation, known, ctes, out)?;
    for join in &from.joins {
        use JoinOperator as J;
        match &join.join_operator {
            // The right side's columns are not in the result.
            J::Semi(_) | J::LeftSemi(_) | J::Anti(_) | J::LeftAnti(_) => continue,
            J::RightSemi(_) | J::RightAnti(_) => return None,
            J::Join(c)
            | J::Inner(c)
            | J::Left(c)
            | J::LeftOuter(c)
            | J::Right(c)
            | J::RightOuter(c)
            | J::FullOuter(c)
            | J::CrossJoin(c) => {
                merged |= matches!(c, JoinConstraint::Using(_) | JoinConstraint::Natural);
            }
            _ => return None,
        }
        merged |= of_factor(&join.relation, known, ctes, out)?;
    }
    Some(merged)
}

fn of_factor(factor: &TableFactor, known: &Known<'_>, ctes: &Ctes, out: &mut Vec<Relation>) -> Option<bool> {
    let (name, columns, alias) = match factor {
        TableFactor::Table {
            name, args, alias, ..
        } => match relation_number(name, args.as_ref()) {
            None if let Some(query) = watermarked_query(name, args.as_ref()) => {
                (None, of_query(query, known, ctes)?, alias)
            }
            Some(number) => {
                let columns = known.tables.get(number)?.iter().cloned().map(Some).collect();
                (None, columns, alias)
            }
            None => {
                let name = name.0.last()?.as_ident()?.value.to_lowercase();
                let columns = ctes.get(&name)?.clone();
                (Some(name), columns, alias)
            }
        },
        TableFactor::Derived { subquery, alias, .. } => (None, of_query(subquery, known, ctes)?, alias),
        TableFactor::NestedJoin {
            table_with_joins,
            alias: None,
        } => {
            return of_from(table_with_joins, known, ctes, out);
        }
        _ => return None,
    };
    out.push(match alias {
        Some(alias) => Relation {
            name: Some(alias.name.value.to_lowercase()),
            columns: aliased(columns, alias),
        },
        None => Relation { name, columns },
    });
    Some(false)
}

fn aliased(names: Names, alias: &TableAlias) -> Names {
    if alias.columns.is_empty() {
        names
    } else {
        alias.columns.iter().map(|c| Some(c.name.value.clone())).collect()
    }
}

/// The columns without those that `* EXCEPT (…)` takes out.
fn without_excepted(columns: &Names, options: &WildcardAdditionalOptions) -> Option<Names> {
    if options.opt_ilike.is_some()
        || options.opt_exclude.is_some()
        || options.opt_replace.is_some()
        || options.opt_rename.is_some()
    {
        return None;
    }
    let Some(ExceptSelectItem {
        first_element,
        additional_elements,
    }) = &options.opt_except
    else {
        return Some(columns.clone());
    };
    let excepted: Vec<String> = std::iter::once(first_element)
        .chain(additional_elements)
        .map(|i| i.value.to_lowercase())
        .collect();
    Some(
        columns
            .iter()
            .filter(|c| !c.as_ref().is_some_and(|c| excepted.contains(&c.to_lowercase())))
            .cloned()
            .collect(),
    )
}
