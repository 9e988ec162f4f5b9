//! Spark's data types in DDL: `ts TIMESTAMP, k STRING NOT NULL COMMENT 'x', s STRUCT<a: INT, b: ARRAY<DOUBLE>>`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::SqlDialect;
use super::super::tokens::{SqlText, statements};
use super::cursor::Cursor;
use crate::{Result, SqlError};

/// The key of a column's comment in its field's metadata, as Spark's schemas have it.
pub const COMMENT_KEY: &str = "comment";

/// TIMESTAMP: an instant, microseconds in UTC.
pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

/// The schema in a DDL text such as `ts timestamp, k string`; names keep their spelling.
///
/// # Errors
/// PARSE_SYNTAX_ERROR or UNSUPPORTED_DATATYPE with the position in the text; COLUMN_ALREADY_EXISTS for two columns whose
/// names differ in case at most.
pub fn parse_schema_ddl(ddl: &str) -> Result<SchemaRef> {
    let text = SqlText::new(ddl);
    let parsed = statements(ddl, SqlDialect::Spark)?;
    let tokens: Vec<TokenWithSpan> = match parsed.into_iter().collect::<Vec<_>>().as_mut_slice() {
        [] => Vec::new(),
        [one] => std::mem::take(&mut one.tokens),
        _ => {
            return Err(SqlError::new(
                "PARSE_SYNTAX_ERROR",
                "Syntax error: a schema has no ';'.",
            ));
        }
    };
    let tokens = split_angles(&tokens);
    let mut cursor = Cursor::new(&text, &tokens, &[], SqlDialect::Spark);
    // `STRUCT<…>` around all columns is the same schema.
    if cursor.is_word("STRUCT") && cursor.peek_nth(1).map(|t| &t.token) == Some(&Token::Lt) {
        let data_type = data_type(&mut cursor)?;
        cursor.end()?;
        if let DataType::Struct(fields) = data_type {
            return Ok(Arc::new(Schema::new(fields)));
        }
    }
    let schema = columns(&mut cursor)?;
    cursor.end()?;
    Ok(schema)
}

/// `>>` and `<>` as two tokens each, for nested types.
pub(crate) fn split_angles(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut out = Vec::with_capacity(tokens.len());
    for t in tokens {
        let parts: &[Token] = match t.token {
            Token::ShiftRight => &[Token::Gt, Token::Gt],
            Token::Neq => &[Token::Lt, Token::Gt],
            _ => {
                out.push(t.clone());
                continue;
            }
        };
        out.extend(parts.iter().map(|p| TokenWithSpan::new(p.clone(), t.span)));
    }
    out
}

/// A list of columns without its parentheses.
pub(crate) fn columns(cursor: &mut Cursor<'_>) -> Result<SchemaRef> {
    let mut fields: Vec<Field> = Vec::new();
    loop {
        let place = cursor.location();
        refuse_constraint(cursor)?;
        let field = column(cursor, false)?;
        if let Some(other) = fields
            .iter()
            .find(|f| f.name().to_lowercase() == field.name().to_lowercase())
        {
            return Err(SqlError::new(
                "COLUMN_ALREADY_EXISTS",
                format!(
                    "The column `{}` already exists. Choose another name or rename the existing column.",
                    other.name().to_lowercase()
                ),
            )
            .at(place.line, place.column));
        }
        fields.push(field);
        if !cursor.token(&Token::Comma) {
            return Ok(Arc::new(Schema::new(fields)));
        }
    }
}

/// Refuses a constraint where a column may stand: its words, with what must follow them.
fn refuse_constraint(cursor: &Cursor<'_>) -> Result<()> {
    let is = |n: usize, word: &str| super::super::tokens::is_word(cursor.peek_nth(n), word);
    let opens = |n: usize| cursor.peek_nth(n).map(|t| &t.token) == Some(&Token::LParen);
    let named = is(0, "CONSTRAINT")
        && ["CHECK", "EXPECT", "FOREIGN", "PRIMARY", "UNIQUE"]
            .iter()
            .any(|word| is(2, word));
    let bare = (is(0, "PRIMARY") || is(0, "FOREIGN")) && is(1, "KEY") && opens(2)
        || (is(0, "CHECK") || is(0, "UNIQUE")) && opens(1);
    if named || bare {
        return Err(cursor.here(SqlError::new(
            "UNSUPPORTED_FEATURE",
            "A constraint among the columns of a table is not supported.",
        )));
    }
    Ok(())
}

/// `name type [NOT NULL] [COMMENT 'text']`; with a colon inside STRUCT.
fn column(cursor: &mut Cursor<'_>, in_struct: bool) -> Result<Field> {
    let name = cursor.name("a column's name")?;
    if !cursor.token(&Token::Colon) && !in_struct {
        // Spark allows the colon only inside STRUCT; without it the type follows.
    }
    let data_type = data_type(cursor)?;
    let mut nullable = true;
    let mut comment = None;
    loop {
        if cursor.words(&["NOT", "NULL"]) {
            nullable = false;
        } else if cursor.words(&["COMMENT"]) {
            comment = Some(cursor.string("the comment's text")?);
        } else if [
            "DEFAULT",
            "GENERATED",
            "COLLATE",
            "PRIMARY",
            "CHECK",
            "REFERENCES",
        ]
        .iter()
        .any(|w| cursor.is_word(w))
        {
            let word = cursor.name("a word")?;
            return Err(cursor.here(SqlError::new(
                "UNSUPPORTED_FEATURE.COLUMN_OPTION",
                format!("{} of a column is not supported.", word.to_uppercase()),
            )));
        } else {
            break;
        }
    }
    let field = Field::new(name, data_type, nullable);
    Ok(match comment {
        Some(text) => field.with_metadata([(COMMENT_KEY.to_owned(), text)].into()),
        None => field,
    })
}

/// One type.
pub(crate) fn data_type(cursor: &mut Cursor<'_>) -> Result<DataType> {
    let place = cursor.location();
    let name = cursor.name("a data type")?;
    let upper = name.to_uppercase();
    let simple = match upper.as_str() {
        "BOOLEAN" => DataType::Boolean,
        "TINYINT" | "BYTE" => DataType::Int8,
        "SMALLINT" | "SHORT" => DataType::Int16,
        "INT" | "INTEGER" => DataType::Int32,
        "BIGINT" | "LONG" => DataType::Int64,
        "FLOAT" | "REAL" => DataType::Float32,
        "DOUBLE" => DataType::Float64,
        "STRING" => DataType::Utf8,
        "BINARY" => DataType::Binary,
        "DATE" => DataType::Date32,
        "TIMESTAMP" | "TIMESTAMP_LTZ" => timestamp(),
        "TIMESTAMP_NTZ" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "VOID" | "NULL" => DataType::Null,
        "DECIMAL" | "DEC" | "NUMERIC" => return decimal(cursor),
        "ARRAY" => {
            cursor.expect_token(&Token::Lt)?;
            let element = data_type(cursor)?;
            cursor.expect_token(&Token::Gt)?;
            return Ok(array(element));
        }
        "MAP" => {
            cursor.expect_token(&Token::Lt)?;
            let key = data_type(cursor)?;
            cursor.expect_token(&Token::Comma)?;
            let value = data_type(cursor)?;
            cursor.expect_token(&Token::Gt)?;
            return Ok(map(key, value));
        }
        "STRUCT" => return structure(cursor),
        _ => {
            return Err(SqlError::new(
                "UNSUPPORTED_DATATYPE",
                format!("Unsupported data type \"{upper}\"."),
            )
            .at(place.line, place.column));
        }
    };
    if cursor.peek().map(|t| &t.token) == Some(&Token::LParen) {
        return Err(cursor.here(SqlError::new(
            "DATATYPE_MISSING_SIZE",
            format!("The type {upper} takes no size."),
        )));
    }
    Ok(simple)
}

/// ARRAY of a type, in Spark's layout.
pub(crate) fn array(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

/// MAP of two types, in Spark's layout.
pub(crate) fn map(key: DataType, value: DataType) -> DataType {
    let entries =
        DataType::Struct(vec![Field::new("key", key, false), Field::new("value", value, true)].into());
    DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
}

fn structure(cursor: &mut Cursor<'_>) -> Result<DataType> {
    cursor.expect_token(&Token::Lt)?;
    let mut fields = Vec::new();
    if cursor.token(&Token::Gt) {
        return Ok(DataType::Struct(fields.into()));
    }
    loop {
        fields.push(column(cursor, true)?);
        if !cursor.token(&Token::Comma) {
            break;
        }
    }
    cursor.expect_token(&Token::Gt)?;
    Ok(DataType::Struct(fields.into()))
}

fn decimal(cursor: &mut Cursor<'_>) -> Result<DataType> {
    let (mut precision, mut scale) = (10, 0);
    if cursor.token(&Token::LParen) {
        precision = digits(cursor)?;
        if cursor.token(&Token::Comma) {
            scale = digits(cursor)?;
        }
        cursor.expect_token(&Token::RParen)?;
    }
    if precision > 38 {
        return Err(cursor.here(SqlError::new(
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
            format!("Decimal precision {precision} exceeds max precision 38."),
        )));
    }
    if scale > precision || precision == 0 {
        return Err(cursor.here(SqlError::new(
            "DECIMAL_SCALE_EXCEEDS_PRECISION",
            format!("Decimal scale {scale} cannot be greater than precision {precision}."),
        )));
    }
    let scale = i8::try_from(scale).unwrap_or(i8::MAX);
    Ok(DataType::Decimal128(precision, scale))
}

fn digits(cursor: &mut Cursor<'_>) -> Result<u8> {
    match cursor.peek().map(|t| &t.token) {
        Some(Token::Number(digits, _)) => {
            let value = digits
                .parse()
                .map_err(|_| cursor.expected("a small whole number"))?;
            cursor.next();
            Ok(value)
        }
        _ => Err(cursor.expected("a whole number")),
    }
}
