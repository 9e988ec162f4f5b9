//! From the clauses of a CREATE … TABLE to options: OPTIONS, LOCATION, and those properties that are options.

use tidemill_sql::dialect::TableClauses;

use crate::{Options, Result, TidemillError};

/// The options of a table. `TBLPROPERTIES` may carry options too, so that one text serves Spark's pipelines and
/// Tidemill; a property with a dot in its name is another system's and is left alone.
pub(super) fn table_options(clauses: &TableClauses) -> Result<Options> {
    let mut options: Options = clauses
        .options
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    for (name, value) in &clauses.properties {
        if !name.contains('.') {
            set_once(&mut options, name, value, "TBLPROPERTIES")?;
        }
    }
    if let Some(location) = &clauses.location {
        set_once(&mut options, "path", location, "LOCATION")?;
    }
    Ok(options)
}

fn set_once(options: &mut Options, name: &str, value: &str, clause: &str) -> Result<()> {
    if options.get(name).is_some_and(|before| before != value) {
        return Err(TidemillError::invalid(
            "DUPLICATED_OPTION",
            format!("option '{name}' has one value in OPTIONS and another in {clause}; set it in one place"),
        ));
    }
    options.set(name, value);
    Ok(())
}
