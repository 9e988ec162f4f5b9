//! What is known of a column before its rows are seen.

use arrow::datatypes::{DataType, Field};

use super::super::column::unsupported;
use super::super::encoder::{bitset_bytes, fixed_bytes};
use super::super::row_type::RowType;
use crate::Result;

/// A column, and what is nested in it.
#[derive(Clone, Debug)]
pub(in super::super) struct Node {
    /// Its name; of nested ones the path.
    pub(in super::super) name: String,
    pub(in super::super) row_type: RowType,
    /// The type to decode to.
    pub(in super::super) data_type: DataType,
    /// The same type, not as a dictionary.
    pub(super) plain_type: DataType,
    /// Fields of a struct, the element of an array, key and value of a map.
    pub(super) children: Vec<Node>,
    /// Of a struct: a row of nulls, to stand where the struct is null.
    pub(super) null_row: Vec<u8>,
}

impl Node {
    /// Errors for a type without a place in a row.
    pub(in super::super) fn try_new(field: &Field) -> Result<Self> {
        Self::named(field.name().clone(), field.data_type())
    }

    fn named(name: String, data_type: &DataType) -> Result<Self> {
        let mut plain_type = data_type;
        while let DataType::Dictionary(_, value) = plain_type {
            plain_type = value;
        }
        let child = |suffix: &str, field: &Field| Self::named(format!("{name}.{suffix}"), field.data_type());
        let children = match plain_type {
            DataType::List(element) | DataType::LargeList(element) | DataType::ListView(element) => {
                vec![child("element", element)?]
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) => {
                    let names = ["key", "value"].into_iter().zip(fields);
                    names
                        .map(|(suffix, field)| child(suffix, field))
                        .collect::<Result<_>>()?
                }
                _ => Vec::new(),
            },
            DataType::Struct(fields) => {
                let fields = fields.iter().map(|field| child(field.name(), field));
                fields.collect::<Result<_>>()?
            }
            _ => Vec::new(),
        };
        // After the nested ones, so that the innermost is named.
        let Some(row_type) = RowType::of(data_type) else {
            return Err(unsupported(&name, data_type));
        };
        let mut null_row = Vec::new();
        if let RowType::Struct(_) = row_type {
            null_row = vec![0xff; bitset_bytes(children.len())];
            null_row.resize(fixed_bytes(children.len()), 0);
        }
        Ok(Self {
            name,
            row_type,
            data_type: data_type.clone(),
            plain_type: plain_type.clone(),
            children,
            null_row,
        })
    }
}
