//! `listagg`: the texts of a group joined, in the order of the rows or of another column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::cast::{as_list_array, as_string_array, as_struct_array};
use datafusion::common::{Result, ScalarValue};

use super::checked::{offsets, strings};
use super::fold::{Fold, Rows, column};
use super::values::{array_of, value_at};

/// How the texts are ordered; by themselves where the type is that of NULL.
#[derive(Clone, Debug)]
pub(super) struct TextOrder {
    /// The type of the column that orders.
    pub(super) data_type: DataType,
    /// Whether the greatest comes first.
    pub(super) descending: bool,
}

/// The texts joined.
#[derive(Debug)]
pub(super) struct ListAgg {
    /// What stands between two texts.
    pub(super) delimiter: String,
    /// The order; that of the rows without one.
    pub(super) order: Option<TextOrder>,
}

/// A text, and what orders it.
type Text = (String, ScalarValue);

/// The fields of a text with what orders it.
pub(super) fn ordered_fields(ordering: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("value", DataType::Utf8, true),
        Field::new("sortOrder", ordering.clone(), true),
    ])
}

impl ListAgg {
    /// The order by another column than the texts, which is then kept with them.
    fn other_order(&self) -> Option<&TextOrder> {
        self.order
            .as_ref()
            .filter(|order| order.data_type != DataType::Null)
    }
}

impl Fold for ListAgg {
    type Group = Vec<Text>;

    fn empty(&self) -> Self::Group {
        Vec::new()
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let texts = as_string_array(column(values, 0)?)?;
        let orderings = match self.other_order() {
            Some(_) => Some(column(values, 2)?),
            None => None,
        };
        rows.each(texts.nulls(), |row, group| {
            let ordering = match orderings {
                Some(orderings) => value_at(orderings, row)?,
                None => ScalarValue::Null,
            };
            groups[group].push((texts.value(row).to_owned(), ordering));
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let lists = as_list_array(column(states, 0)?)?;
        rows.each(lists.nulls(), |row, group| {
            let items = lists.value(row);
            let (texts, orderings) = match self.other_order() {
                Some(_) => {
                    let pairs = as_struct_array(&items)?;
                    (Arc::clone(pairs.column(0)), Some(Arc::clone(pairs.column(1))))
                }
                None => (items, None),
            };
            let texts = texts.as_string::<i32>();
            for at in 0..texts.len() {
                let ordering = match &orderings {
                    Some(orderings) => value_at(orderings, at)?,
                    None => ScalarValue::Null,
                };
                groups[group].push((texts.value(at).to_owned(), ordering));
            }
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        let texts = groups.iter().flatten().map(|(text, _)| Some(text.as_str()));
        let mut items: ArrayRef = Arc::new(strings(texts)?);
        if let Some(order) = self.other_order() {
            let orderings = groups.iter().flatten().map(|(_, o)| o.clone());
            let orderings = array_of(orderings, &order.data_type)?;
            let fields = ordered_fields(&order.data_type);
            items = Arc::new(StructArray::try_new(fields, vec![items, orderings], None)?);
        }
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        let offsets = offsets(groups.iter().map(Vec::len))?;
        Ok(vec![Arc::new(ListArray::try_new(field, offsets, items, None)?)])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        let joined = groups.into_iter().map(|mut group| {
            if let Some(order) = &self.order {
                let by_text = order.data_type == DataType::Null;
                let least_first = |(s, a): &Text, (t, b): &Text| {
                    if by_text {
                        return s.cmp(t);
                    }
                    // Null is the least.
                    let nulls = b.is_null().cmp(&a.is_null());
                    nulls.then(a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal))
                };
                group.sort_by(|a, b| {
                    if order.descending {
                        least_first(b, a)
                    } else {
                        least_first(a, b)
                    }
                });
            }
            let texts: Vec<&str> = group.iter().map(|(text, _)| text.as_str()).collect();
            (!texts.is_empty()).then(|| texts.join(&self.delimiter))
        });
        let joined: Vec<Option<String>> = joined.collect();
        Ok(Arc::new(strings(joined.iter().map(Option::as_deref))?))
    }

    fn heap_bytes(&self, group: &Self::Group) -> usize {
        group.iter().map(|(t, o)| t.capacity() + o.size()).sum()
    }

    fn has_heap(&self) -> bool {
        true
    }
}
