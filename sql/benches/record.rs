//! How fast flat JSON becomes Arrow.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs
)]
use std::hint::black_box;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidemill_sql::record::{JsonDecoder, JsonReadOptions, RecordDecoder};

fn flat_json(c: &mut Criterion) {
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("user", DataType::Utf8, true),
        Field::new(
            "ts",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
        Field::new("amount", DataType::Float64, true),
        Field::new("page", DataType::Utf8, true),
    ]));
    let mut text = String::new();
    for i in 0..100_000 {
        let second = i % 60;
        text.push_str(&format!(
            "{{\"id\":{i},\"user\":\"user-{}\",\"ts\":\"2024-01-01T00:00:{second:02}.123Z\",\
             \"amount\":{}.25,\"page\":\"https://example.org/products/{i}/reviews\"}}\n",
            i % 1000,
            i % 500
        ));
    }
    let mut group = c.benchmark_group("record");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.sample_size(10);
    group.bench_function("flat_json_decode", |b| {
        b.iter(|| {
            let options = JsonReadOptions::from_options(&|_: &str| None, "UTC").expect("defaults are valid");
            let mut decoder = JsonDecoder::new(schema.clone(), options).expect("all types are supported");
            let mut rest = text.as_bytes();
            while !rest.is_empty() {
                let used = decoder.decode(rest, true).expect("permissive");
                rest = &rest[used..];
                while let Some(batch) = decoder.flush().expect("batch") {
                    black_box(batch);
                }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, flat_json);
criterion_main!(benches);
