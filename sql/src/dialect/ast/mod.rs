//! AST.
use datafusion::sql::sqlparser::ast::Query;

use super::SqlSettings;
use crate::Result;

pub(crate) fn rewrite(_query: &mut Query, _settings: &SqlSettings) -> Result<()> {
    Ok(())
}

pub(crate) fn output_names(_query: &Query, _tables: &[Vec<String>]) -> Option<Vec<Option<String>>> {
    None
}
