//! How fast rows of state are encoded, decoded and hashed, on one core.
//!
//! `cargo bench -p tidemill-state --bench codec`: rows of (string, window struct, two longs), 96 bytes each on
//! average, in batches of 8192; then the same with nulls, with strings as views, and the hash of their key.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench stops when it cannot run"
)]

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, StructArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidemill_state::{Rows, StateRowCodec, normalize_keys, state_partitions};

const ROWS: i64 = 8192;
const MINUTE_US: i64 = 60_000_000;

fn fields(text: &DataType) -> Fields {
    let timestamp = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let window = vec![
        Field::new("start", timestamp(), true),
        Field::new("end", timestamp(), true),
    ];
    vec![
        Field::new("key", text.clone(), true),
        Field::new("window", DataType::Struct(window.into()), true),
        Field::new("count", DataType::Int64, true),
        Field::new("sum", DataType::Int64, true),
    ]
    .into()
}

/// Keys of 11 to 44 bytes; every `null_every`th key and sum is null.
fn columns(fields: &Fields, null_every: i64) -> Vec<ArrayRef> {
    let is_valid = |row: i64| row % null_every != null_every - 1;
    let text = |row: i64| {
        let tail = "customer/region/product/variant-x";
        format!("k{row:010}{}", &tail[..usize::try_from(row * 7919 % 34).unwrap()])
    };
    let keys = StringArray::from_iter((0..ROWS).map(|row| is_valid(row).then(|| text(row))));
    let start: TimestampMicrosecondArray = (0..ROWS).map(|row| Some(row / 100 * MINUTE_US)).collect();
    let end: TimestampMicrosecondArray = (0..ROWS).map(|row| Some((row / 100 + 1) * MINUTE_US)).collect();
    let bounds: Vec<ArrayRef> = vec![
        Arc::new(start.with_timezone("UTC")),
        Arc::new(end.with_timezone("UTC")),
    ];
    let DataType::Struct(window) = fields[1].data_type() else {
        return Vec::new();
    };
    let counts = Int64Array::from_iter((0..ROWS).map(Some));
    let sums = Int64Array::from_iter((0..ROWS).map(|row| is_valid(row).then_some(row * 31)));
    vec![
        cast(&keys, fields[0].data_type()).unwrap(),
        Arc::new(StructArray::new(window.clone(), bounds, None)),
        Arc::new(counts),
        Arc::new(sums),
    ]
}

fn codec(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(ROWS.unsigned_abs()));
    for (name, text, null_every) in [
        ("plain", DataType::Utf8, ROWS + 1),
        ("nulls", DataType::Utf8, 10),
        ("views", DataType::Utf8View, ROWS + 1),
    ] {
        let fields = fields(&text);
        let columns = columns(&fields, null_every);
        let codec = StateRowCodec::try_new(&fields).unwrap();
        let row_count = columns[0].len();
        let mut rows = Rows::default();
        group.bench_function(format!("encode/{name}"), |b| {
            b.iter(|| {
                rows.clear();
                codec.encode(black_box(&columns), row_count, &mut rows).unwrap();
            });
        });
        let bytes: usize = rows.iter().map(<[u8]>::len).sum();
        println!("{name}: {} bytes a row", bytes / rows.len());
        group.bench_function(format!("decode/{name}"), |b| {
            b.iter(|| black_box(codec.decode(black_box(&rows).iter()).unwrap()));
        });
        let keys = &columns[..2];
        let partitions = NonZeroU32::new(200).unwrap();
        group.bench_function(format!("partitions/{name}"), |b| {
            b.iter(|| black_box(state_partitions(black_box(keys), row_count, partitions).unwrap()));
        });
        group.bench_function(format!("normalize/{name}"), |b| {
            b.iter(|| black_box(keys.iter().map(normalize_keys).collect::<Vec<_>>()));
        });
    }
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
