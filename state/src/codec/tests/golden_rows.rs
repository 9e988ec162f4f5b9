//! Rows out of checkpoints that Spark 4.3.0 wrote, with the state partition each was found in.

use std::num::NonZeroU32;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::*;
use crate::state_partitions;

/// `spark.sql.shuffle.partitions` of those checkpoints.
const PARTITIONS: NonZeroU32 = NonZeroU32::new(3).unwrap();

fn fields(types: &[DataType]) -> Fields {
    let field =
        |(index, data_type): (usize, &DataType)| Field::new(format!("c{index}"), data_type.clone(), true);
    types.iter().enumerate().map(field).collect()
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn bytes(row: &str) -> Vec<u8> {
    let words = words(row).concat();
    let byte = |at: usize| u8::from_str_radix(&words[at..at + 2], 16).unwrap();
    (0..words.len()).step_by(2).map(byte).collect()
}

/// The rows decode, encode to the same bytes, and as keys belong to these partitions.
fn check_rows(types: &[DataType], rows: &[&str], partitions: Option<&[u32]>) {
    let codec = StateRowCodec::try_new(&fields(types)).unwrap();
    let rows: Vec<_> = rows.iter().map(|row| bytes(row)).collect();
    let columns = codec.decode(rows.iter().map(Vec::as_slice)).unwrap();
    let mut again = Rows::default();
    codec.encode(&columns, rows.len(), &mut again).unwrap();
    assert!(again.iter().eq(rows.iter()));
    if let Some(partitions) = partitions {
        assert_eq!(
            state_partitions(&columns, rows.len(), PARTITIONS).unwrap(),
            partitions
        );
    }
}

#[test]
fn keys_of_all_types_are_read_and_belong_to_their_partitions() {
    let types = [
        DataType::Utf8,
        DataType::Int32,
        DataType::Int64,
        DataType::Date32,
        timestamp(),
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Decimal128(10, 2),
        DataType::Decimal128(30, 5),
        DataType::Struct(fields(&[DataType::Int32, DataType::Utf8])),
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Float32,
        DataType::Float64,
        DataType::Binary,
    ];
    let rows = [
        "00 0800000080 00 f90fa5d4e8 344d 007bdfad461006 e039e5ad461006 7d 0b00000088 1800000098 00 01 ffff \
         0000c03f 000000000000d0bf 03000000b0 6b6579316b657931 01056e0f36a6443d e2af41 02 01 00 414243",
        "ff7f 00 00 00 00 00 00 00 0000000080 00 00 00 00 00 00 00 00 00",
        "00 0c00000080 01 f91f4aa9d101 354d 40bdeead461006 207cf4ad461006 e1 0b00000090 20000000a0 01 02 feff \
         00004040 000000000000e0bf 03000000c0 6b6579326b657932 6b657932 01056e0f36a6443d e2af42 00 02 0200000018 \
         6232 414243",
        "00 1000000080 02 f92fef7dba02 364d 80fffdad461006 60be03ae461006 4501 0b00000090 20000000a0 00 03 fdff \
         00009040 000000000000e8bf 03000000c0 6b6579336b657933 6b6579336b657933 01056e0f36a6443d e2af43 00 03 \
         0200000018 6233 414243",
        "00 0400000080 ffffffff f9ffffffffffffff 334d c038d0ad461006 a0f7d5ad461006 19 0b00000088 2000000098 01 \
         00 00 00 00 01000000b8 6b657930 01056e0f36a6443d e2af40 00 00 0200000018 6230 00",
        "fb7f 00 00 05 00 00 00 00 0000000080 00 00 00 00 00 00 00 00 00",
    ];
    check_rows(&types, &rows, Some(&[0, 0, 1, 1, 2, 2]));
}

#[test]
fn window_keys_are_read_and_belong_to_their_partitions() {
    let types = [
        DataType::Struct(fields(&[timestamp(), timestamp()])),
        DataType::Utf8,
    ];
    let rows = [
        "00 1800000018 0400000030 00 004d5211d70d06 80e3ea11d70d06 65646765",
        "00 1800000018 0100000030 00 007a8312d70d06 80101c13d70d06 62",
        "00 1800000018 0100000030 00 00202110d70d06 80b6b910d70d06 61",
        "02 1800000018 00 00 007a8312d70d06 80101c13d70d06",
    ];
    check_rows(&types, &rows, Some(&[1, 1, 2, 1]));
}

#[test]
fn aggregation_buffers_are_read() {
    let types = [
        DataType::Int64,
        DataType::Int64,
        DataType::Int64,
        DataType::Decimal128(20, 2),
        DataType::Boolean,
    ];
    let rows = [
        "00 02 00 f21f4aa9d101 0200000030 00 00fa 00",
        "06 01 00 00 0100000030 01 00 00",
        "00 01 ffffffffffffffff f9ffffffffffffff 0100000030 00 19 00",
    ];
    check_rows(&types, &rows, None);
}
