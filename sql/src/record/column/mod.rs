//! Growable columns of every Spark type, which can take back what they were given.
//!
//! Arrow's own builders cannot be cut short; a record that turns out bad half way must leave no trace.

mod finish;

use arrow::array::{BooleanBufferBuilder, NullBufferBuilder};
use arrow::datatypes::{DataType, Field, TimeUnit};

/// A column being filled.
pub(crate) struct Column {
    pub(crate) data: Data,
    validity: NullBufferBuilder,
    data_type: DataType,
    /// Set when the bytes did not fit 32-bit offsets; `finish` then fails.
    overflow: bool,
}

/// The values, by type.
pub(crate) enum Data {
    Null,
    Boolean(BooleanBufferBuilder),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    /// Unscaled values, with precision and scale.
    Decimal(Vec<i128>, u8, i8),
    Date(Vec<i32>),
    /// Microseconds since the epoch.
    Timestamp(Vec<i64>),
    /// Local microseconds.
    TimestampNtz(Vec<i64>),
    String(Bytes),
    Binary(Bytes),
    List(Vec<i32>, Box<Column>),
    /// Offsets, keys, values.
    Map(Vec<i32>, Box<Column>, Box<Column>),
    Struct(Vec<Column>, NameIndex),
}

/// Variable-length values: end offsets (with a leading 0) and the bytes.
pub(crate) struct Bytes {
    pub(crate) offsets: Vec<i32>,
    pub(crate) values: Vec<u8>,
}

impl Bytes {
    fn new() -> Self {
        Self {
            offsets: vec![0],
            values: Vec::new(),
        }
    }
}

/// Finds a field of a struct by name: first where it is expected, then by hash.
pub(crate) struct NameIndex {
    names: Vec<Box<[u8]>>,
    by_name: std::collections::HashMap<Box<[u8]>, usize>,
}

impl NameIndex {
    /// An index of these names; of equal names the first counts.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<Box<[u8]>> = names.map(|n| n.as_bytes().into()).collect();
        let mut by_name = std::collections::HashMap::new();
        for (i, name) in names.iter().enumerate() {
            by_name.entry(name.clone()).or_insert(i);
        }
        Self { names, by_name }
    }

    /// The position of `name`, looked for at `hint` first.
    #[inline]
    pub(crate) fn find(&self, name: &[u8], hint: usize) -> Option<usize> {
        match self.names.get(hint) {
            Some(expected) if **expected == *name => Some(hint),
            _ => self.by_name.get(name).copied(),
        }
    }
}

impl Column {
    /// An empty column of this type; none if the type is not one of Spark's.
    pub(crate) fn new(data_type: &DataType) -> Option<Self> {
        let data = match data_type {
            DataType::Null => Data::Null,
            DataType::Boolean => Data::Boolean(BooleanBufferBuilder::new(0)),
            DataType::Int8 => Data::Int8(Vec::new()),
            DataType::Int16 => Data::Int16(Vec::new()),
            DataType::Int32 => Data::Int32(Vec::new()),
            DataType::Int64 => Data::Int64(Vec::new()),
            DataType::Float32 => Data::Float32(Vec::new()),
            DataType::Float64 => Data::Float64(Vec::new()),
            DataType::Decimal128(p, s) => Data::Decimal(Vec::new(), *p, *s),
            DataType::Date32 => Data::Date(Vec::new()),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => Data::Timestamp(Vec::new()),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Data::TimestampNtz(Vec::new()),
            DataType::Utf8 => Data::String(Bytes::new()),
            DataType::Binary => Data::Binary(Bytes::new()),
            DataType::List(element) => Data::List(vec![0], Box::new(Self::new(element.data_type())?)),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) => match fields.as_ref() {
                    [key, value] if key.data_type() == &DataType::Utf8 => Data::Map(
                        vec![0],
                        Box::new(Self::new(key.data_type())?),
                        Box::new(Self::new(value.data_type())?),
                    ),
                    _ => return None,
                },
                _ => return None,
            },
            DataType::Struct(fields) => {
                let children = fields
                    .iter()
                    .map(|f| Self::new(f.data_type()))
                    .collect::<Option<_>>()?;
                Data::Struct(
                    children,
                    NameIndex::new(fields.iter().map(|f| Field::name(f).as_str())),
                )
            }
            _ => return None,
        };
        Some(Self {
            data,
            validity: NullBufferBuilder::new(0),
            data_type: data_type.clone(),
            overflow: false,
        })
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.validity.len()
    }

    /// Marks the value just pushed to `data` as present.
    #[inline]
    pub(crate) fn mark_valid(&mut self) {
        self.validity.append_non_null();
    }

    /// Appends bytes to a STRING or BINARY column; they must be UTF-8 for STRING.
    #[inline]
    pub(crate) fn append_bytes(&mut self, bytes: &[u8]) {
        if let Data::String(b) | Data::Binary(b) = &mut self.data {
            b.values.extend_from_slice(bytes);
        }
        self.end_bytes();
    }

    /// Ends a value whose bytes were pushed to `data` directly.
    #[inline]
    pub(crate) fn end_bytes(&mut self) {
        if let Data::String(b) | Data::Binary(b) = &mut self.data {
            let start = b.offsets.last().copied().unwrap_or(0);
            match i32::try_from(b.values.len()) {
                Ok(end) => b.offsets.push(end),
                Err(_) => {
                    b.values.truncate(start as usize);
                    b.offsets.push(start);
                    self.overflow = true;
                }
            }
        }
        self.mark_valid();
    }

    /// Appends a null.
    pub(crate) fn append_null(&mut self) {
        match &mut self.data {
            Data::Null => {}
            Data::Boolean(v) => v.append(false),
            Data::Int8(v) => v.push(0),
            Data::Int16(v) => v.push(0),
            Data::Int32(v) | Data::Date(v) => v.push(0),
            Data::Int64(v) | Data::Timestamp(v) | Data::TimestampNtz(v) => v.push(0),
            Data::Float32(v) => v.push(0.0),
            Data::Float64(v) => v.push(0.0),
            Data::Decimal(v, _, _) => v.push(0),
            Data::String(b) | Data::Binary(b) => {
                let end = b.offsets.last().copied().unwrap_or(0);
                b.offsets.push(end);
            }
            Data::List(offsets, _) | Data::Map(offsets, _, _) => {
                let end = offsets.last().copied().unwrap_or(0);
                offsets.push(end);
            }
            Data::Struct(children, _) => children.iter_mut().for_each(Self::append_null),
        }
        self.validity.append_null();
    }

    /// Ends a list or map whose children were just filled.
    pub(crate) fn end_list(&mut self) {
        if let Data::List(offsets, child) | Data::Map(offsets, child, _) = &mut self.data {
            match i32::try_from(child.len()) {
                Ok(end) => offsets.push(end),
                Err(_) => {
                    self.overflow = true;
                    let end = offsets.last().copied().unwrap_or(0);
                    offsets.push(end);
                }
            }
        }
        self.mark_valid();
    }

    /// Forgets all values from `len` on.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        match &mut self.data {
            Data::Null => {}
            Data::Boolean(v) => v.truncate(len),
            Data::Int8(v) => v.truncate(len),
            Data::Int16(v) => v.truncate(len),
            Data::Int32(v) | Data::Date(v) => v.truncate(len),
            Data::Int64(v) | Data::Timestamp(v) | Data::TimestampNtz(v) => v.truncate(len),
            Data::Float32(v) => v.truncate(len),
            Data::Float64(v) => v.truncate(len),
            Data::Decimal(v, _, _) => v.truncate(len),
            Data::String(b) | Data::Binary(b) => {
                b.offsets.truncate(len + 1);
                b.values.truncate(b.offsets.last().copied().unwrap_or(0) as usize);
            }
            Data::List(offsets, child) => {
                offsets.truncate(len + 1);
                child.truncate(offsets.last().copied().unwrap_or(0) as usize);
            }
            Data::Map(offsets, keys, values) => {
                offsets.truncate(len + 1);
                let end = offsets.last().copied().unwrap_or(0) as usize;
                keys.truncate(end);
                values.truncate(end);
            }
            Data::Struct(children, _) => children.iter_mut().for_each(|c| c.truncate(len)),
        }
        self.validity.truncate(len);
    }
}
