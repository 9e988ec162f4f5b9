//! `st.field`, `f(x).field`, `arr[0]`, `m['key']`: fields are found without regard to case, indices start at 0.

use arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, DFSchema, Result as DataFusionResult, ScalarValue, TableReference};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::planner::RawFieldAccessExpr;
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess};

use super::super::SqlSettings;
use super::super::functions::element;
use crate::SqlError;

/// Plans an access to a part of a value.
pub(super) fn plan(
    raw: RawFieldAccessExpr,
    schema: &DFSchema,
    settings: &SqlSettings,
) -> DataFusionResult<Expr> {
    let RawFieldAccessExpr { field_access, expr } = raw;
    let data_type = expr.get_type(schema)?;
    match field_access {
        GetFieldAccess::NamedStructField {
            name: ScalarValue::Utf8(Some(name)),
        } => match &data_type {
            DataType::Map(..) => Ok(element::index(
                expr,
                Expr::Literal(ScalarValue::Utf8(Some(name)), None),
                settings,
            )),
            _ => Ok(field_of(expr, &data_type, &name)?),
        },
        GetFieldAccess::ListIndex { key } => match &data_type {
            DataType::List(_) | DataType::Map(..) => Ok(element::index(expr, *key, settings)),
            other => Err(no_part(other).into()),
        },
        _ => Err(SqlError::new(
            "UNSUPPORTED_FEATURE",
            "A range of an array's elements is not supported in the spark dialect.",
        )
        .into()),
    }
}

/// Plans `column.a.b` whose column is known.
pub(super) fn nested(
    field: &Field,
    qualifier: Option<&TableReference>,
    names: &[String],
) -> DataFusionResult<Expr> {
    let mut expr = Expr::Column(Column::new(qualifier.cloned(), field.name()));
    let mut data_type = field.data_type().clone();
    for name in names {
        expr = field_of(expr, &data_type, name)?;
        data_type = match &data_type {
            DataType::Struct(fields) => find(fields.iter().map(|f| f.as_ref()), name)?.data_type().clone(),
            other => other.clone(),
        };
    }
    Ok(expr)
}

fn field_of(expr: Expr, data_type: &DataType, name: &str) -> Result<Expr, SqlError> {
    match data_type {
        DataType::Struct(fields) => {
            let field = find(fields.iter().map(|f| f.as_ref()), name)?;
            Ok(get_field(expr, field.name().as_str()))
        }
        other => Err(no_part(other)),
    }
}

/// The field of this name in any case.
fn find<'a>(fields: impl Iterator<Item = &'a Field>, name: &str) -> Result<&'a Field, SqlError> {
    let wanted = name.to_lowercase();
    let mut all = Vec::new();
    let mut found = None;
    for field in fields {
        all.push(format!("`{}`", field.name()));
        if field.name().to_lowercase() == wanted {
            if found.is_some() {
                return Err(SqlError::new(
                    "AMBIGUOUS_REFERENCE_TO_FIELDS",
                    format!("Ambiguous reference to the field `{name}`."),
                ));
            }
            found = Some(field);
        }
    }
    found.ok_or_else(|| {
        SqlError::new(
            "FIELD_NOT_FOUND",
            format!("No such struct field `{name}` in {}.", all.join(", ")),
        )
    })
}

fn no_part(data_type: &DataType) -> SqlError {
    SqlError::new(
        "INVALID_EXTRACT_BASE_FIELD_TYPE",
        format!("Can't extract a value from {data_type}. Need a complex type [STRUCT, ARRAY, MAP]."),
    )
}
