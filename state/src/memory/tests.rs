//! The map against a plain one, and what its parts promise on their own.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::VersionedMap;
use super::arena::{Arena, Flags};
use super::testing::{Column, key, name_of, prefix, row, spec, time_of, value};
use crate::error::{Result, StateError};
use crate::store::{ExpiryIndex, StateStoreSpec, TimeField};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Operation {
    Put(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Expire(i64),
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    ("[ab]{0,10}", 0..3_i64).prop_map(|(name, number)| key(&name, number))
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let values = (prop::option::of(-5..40_i64), vec(any::<u8>(), 0..30));
    vec(
        prop_oneof![
            6 => (keys(), values).prop_map(|(key, (time, payload))| Operation::Put(key, value(time, &payload))),
            3 => keys().prop_map(Operation::Remove),
            1 => (-5..40_i64).prop_map(Operation::Expire),
        ],
        0..30,
    )
}

fn expire_model(model: &mut Model, bound: i64) -> Vec<Vec<u8>> {
    let mut gone: Vec<_> = model
        .iter()
        .filter_map(|(key, value)| Some((time_of(value).filter(|time| *time <= bound)?, key.clone())))
        .collect();
    gone.sort();
    for (_, key) in &gone {
        model.remove(key);
    }
    gone.into_iter().map(|(_, key)| key).collect()
}

fn apply(map: &mut VersionedMap, model: &mut Model, operation: &Operation) {
    match operation {
        Operation::Put(key, value) => {
            map.put(key, value).unwrap();
            model.insert(key.clone(), value.clone());
        }
        Operation::Remove(key) => assert_eq!(map.remove(key), model.remove(key).is_some()),
        Operation::Expire(bound) => {
            let before = model.clone();
            let mut gone = Vec::new();
            let mut times = Vec::new();
            map.expire(*bound, &mut |key, value| {
                assert_eq!(before.get(key).map(Vec::as_slice), Some(value));
                times.push(time_of(value));
                gone.push(key.to_vec());
                Ok(())
            })
            .unwrap();
            assert!(times.is_sorted());
            let mut expected = expire_model(model, *bound);
            gone.sort();
            expected.sort();
            assert_eq!(gone, expected);
        }
    }
    assert_eq!(map.len(), model.len());
}

fn check(map: &VersionedMap, model: &Model) {
    let rows: Model = map
        .rows()
        .map(|row| (row.key.to_vec(), row.value.to_vec()))
        .collect();
    assert_eq!(&rows, model);
    assert_eq!(map.rows().count(), model.len());
    for (key, value) in model {
        assert_eq!(map.get(key), Some(value.as_slice()));
    }
    for name in ["", "a", "b", "ab", "ba", "aab", "absent"] {
        let mut found = Model::new();
        map.prefix_scan(&prefix(name), &mut |key, value| {
            assert!(found.insert(key.to_vec(), value.to_vec()).is_none());
            Ok(())
        })
        .unwrap();
        let expected = model
            .iter()
            .filter(|(key, _)| name_of(key) == name.as_bytes())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        assert_eq!(found, expected, "prefix {name:?}");
    }
}

/// The changes, each key once, make the new content of the old.
fn check_changes(map: &mut VersionedMap, committed: &Model, model: &Model) {
    let mut changed = committed.clone();
    let mut seen = Model::new();
    map.seal(&mut |key, value| {
        assert!(seen.insert(key.to_vec(), Vec::new()).is_none(), "a key twice");
        match value {
            Some(value) => {
                changed.insert(key.to_vec(), value.to_vec());
            }
            None => assert!(changed.remove(key).is_some(), "removes what was not there"),
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(&changed, model);
}

proptest! {
    #[test]
    fn a_map_is_a_plain_map_through_every_batch(
        batches in vec((operations(), any::<bool>(), any::<bool>()), 0..20),
    ) {
        let mut map = VersionedMap::new(&spec());
        let mut committed = Model::new();
        for (operations, is_sealed, commits) in &batches {
            let mut model = committed.clone();
            for operation in operations {
                apply(&mut map, &mut model, operation);
            }
            check(&map, &model);
            if *is_sealed {
                check_changes(&mut map, &committed, &model);
            }
            if *commits {
                map.settle();
                committed = model;
            } else {
                map.roll_back();
            }
            check(&map, &committed);
            prop_assert_eq!(map.touched_len(), 0);
        }
        let mut model = committed.clone();
        apply(&mut map, &mut model, &Operation::Expire(i64::MAX));
        check(&map, &model);
    }

    #[test]
    fn a_loaded_map_holds_what_the_last_records_say(operations in operations()) {
        let mut map = VersionedMap::new(&spec());
        let mut model = Model::new();
        for operation in operations {
            match operation {
                Operation::Put(key, value) => {
                    map.load_put(&key, &value).unwrap();
                    model.insert(key, value);
                }
                Operation::Remove(key) => {
                    map.load_remove(&key);
                    model.remove(&key);
                }
                Operation::Expire(_) => {}
            }
        }
        map.finish_load().unwrap();
        check(&map, &model);
        apply(&mut map, &mut model.clone(), &Operation::Expire(20));
        map.roll_back();
        check(&map, &model);
        apply(&mut map, &mut model, &Operation::Expire(20));
        check(&map, &model);
    }

    #[test]
    fn prefixes_are_found_by_content_for_every_kind_of_column(
        long in prop_oneof![any::<i64>(), Just(16 << 32), Just(40 << 32), Just(48 << 32)],
        text in prop::option::of("[a-c]{0,12}"),
        decimal in prop::option::of(vec(1..9_u8, 1..16)),
        nested in prop::option::of(any::<i64>()),
        last in prop::option::of("[a-c]{0,12}"),
    ) {
        let leading = || {
            vec![
                Column::Long(long),
                text.as_ref().map_or(Column::Null, |text| Column::Bytes(text.as_bytes())),
                Column::Decimal(decimal.as_deref()),
                nested.map_or(Column::Null, |nested| Column::Struct(vec![Column::Long(nested), Column::Null])),
            ]
        };
        let key = |leading: Vec<Column<'_>>| {
            let mut columns = leading;
            columns.push(last.as_ref().map_or(Column::Null, |last| Column::Bytes(last.as_bytes())));
            columns.push(Column::Long(7));
            row(&columns)
        };
        let mut map = VersionedMap::new(&StateStoreSpec {
            prefix_columns: 4,
            key_columns: 6,
            prefix_variable_columns: vec![1, 2, 3],
            ..StateStoreSpec::default()
        });
        let wanted = key(leading());
        let mut others = Vec::new();
        for column in 0..4 {
            let mut other = leading();
            other[column] = match &other[column] {
                Column::Null | Column::Decimal(None) => Column::Bytes(b"0123456789abcdef"),
                Column::Long(long) => Column::Long(long ^ 1),
                Column::Bytes(_) => Column::Bytes(b"something else"),
                Column::Decimal(Some(_)) => Column::Decimal(None),
                Column::Struct(_) => Column::Null,
            };
            others.push(key(other));
        }
        for key in others.iter().chain([&wanted]) {
            map.put(key, &[]).unwrap();
        }
        let mut found = Vec::new();
        map.prefix_scan(&row(&leading()), &mut |key, _| {
            found.push(key.to_vec());
            Ok(())
        }).unwrap();
        prop_assert_eq!(found, vec![wanted]);
    }
}

/// Keys as a query has them: some text and nothing else.
fn numbered(number: u64) -> Vec<u8> {
    row(&[Column::Bytes(format!("key number {number}").as_bytes())])
}

#[test]
fn many_keys_come_and_go_and_their_memory_goes_with_them() {
    let mut map = VersionedMap::new(&StateStoreSpec::default());
    let small = map.allocated_bytes();
    for round in 0..3_u64 {
        for number in 0..60_000 {
            map.put(&numbered(number), &number.to_le_bytes()).unwrap();
        }
        map.settle();
        for number in 0..60_000 {
            let bytes = (number + round).to_le_bytes().repeat(2);
            map.put(&numbered(number), &bytes).unwrap();
        }
        assert_eq!(map.len(), 60_000);
        map.settle();
        let full = map.allocated_bytes();
        assert!(full > 60_000 * 32 && full < 60_000 * 160, "{full}");
        for number in 0..60_000 {
            let bytes = (number + round).to_le_bytes().repeat(2);
            assert_eq!(map.get(&numbered(number)), Some(bytes.as_slice()));
        }
        for number in (0..60_000).filter(|number| number % 1000 != 7) {
            assert!(map.remove(&numbered(number)));
        }
        map.settle();
        assert_eq!(map.len(), 60);
        assert!(
            map.allocated_bytes() < full / 4,
            "{} of {full}",
            map.allocated_bytes()
        );
        for number in 0..60_000 {
            assert_eq!(map.get(&numbered(number)).is_some(), number % 1000 == 7);
        }
    }
    assert!(small < 2000);
}

#[test]
fn a_batch_that_rewrites_everything_leaves_bounded_garbage() {
    let mut map = VersionedMap::new(&StateStoreSpec::default());
    let mut most = 0;
    for round in 0..40 {
        for number in 0..5_000_u64 {
            map.put(
                &numbered(number),
                &vec![1; 8 * (1 + usize::try_from((number + round) % 5).unwrap())],
            )
            .unwrap();
        }
        map.settle();
        most = most.max(map.allocated_bytes());
    }
    assert!(most < 4 * map.live_bytes(), "{most} for {}", map.live_bytes());
}

#[test]
fn rows_larger_than_a_chunk_are_held_too() {
    let mut map = VersionedMap::new(&StateStoreSpec::default());
    let large = vec![7; 3 << 20];
    map.put(&numbered(1), &large).unwrap();
    map.put(&numbered(2), b"8 bytes!").unwrap();
    map.settle();
    map.put(&numbered(1), &large[..1 << 20]).unwrap();
    assert_eq!(map.get(&numbered(1)), Some(&large[..1 << 20]));
    map.roll_back();
    assert_eq!(map.get(&numbered(1)), Some(large.as_slice()));
    assert_eq!(map.get(&numbered(2)), Some(b"8 bytes!".as_slice()));
    map.remove(&numbered(1));
    map.settle();
    assert!(map.allocated_bytes() < 2 << 20);
}

#[test]
fn the_empty_row_is_a_key_like_any_other() {
    let mut map = VersionedMap::new(&StateStoreSpec::default());
    map.put(&[], &[]).unwrap();
    assert_eq!(map.get(&[]), Some([].as_slice()));
    map.settle();
    map.put(&[], b"12345678").unwrap();
    map.roll_back();
    assert_eq!(map.get(&[]), Some([].as_slice()));
    assert!(map.remove(&[]));
    assert_eq!(map.get(&[]), None);
}

#[test]
fn windows_in_keys_expire_by_their_end_and_null_ones_never() {
    let mut map = VersionedMap::new(&StateStoreSpec {
        expiry: Some(ExpiryIndex::Key(TimeField {
            column: 1,
            column_count: 2,
            nested: Some((1, 2)),
        })),
        ..StateStoreSpec::default()
    });
    let window = |start: i64, end: Option<i64>| {
        let end = end.map_or(Column::Null, Column::Long);
        row(&[
            Column::Bytes(b"key"),
            Column::Struct(vec![Column::Long(start), end]),
        ])
    };
    let no_window = row(&[Column::Bytes(b"key"), Column::Null]);
    for key in [
        &window(0, Some(10)),
        &window(10, Some(20)),
        &window(0, None),
        &no_window,
    ] {
        map.put(key, &[]).unwrap();
    }
    let mut gone = Vec::new();
    map.expire(10, &mut |key, _| {
        gone.push(key.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(gone, [window(0, Some(10))]);
    assert_eq!(map.len(), 3);
}

#[test]
fn a_row_that_the_visitor_refuses_stays() {
    let mut map = VersionedMap::new(&spec());
    for time in 0..5 {
        map.put(&key("a", time), &value(Some(time), b"")).unwrap();
    }
    let mut seen = 0;
    let result = map.expire(10, &mut |_, _| {
        seen += 1;
        if seen == 3 {
            Err(StateError::WorkDropped)
        } else {
            Ok(())
        }
    });
    assert!(matches!(result, Err(StateError::WorkDropped)));
    assert_eq!(map.len(), 3);
    assert!(map.get(&key("a", 2)).is_some());
}

#[test]
fn what_the_spec_does_not_ask_for_is_an_error() {
    let mut map = VersionedMap::new(&StateStoreSpec::default());
    let mut ignore = |_: &[u8], _: &[u8]| -> Result<()> { Ok(()) };
    assert!(matches!(
        map.expire(0, &mut ignore),
        Err(StateError::NoIndex { .. })
    ));
    assert!(matches!(
        map.prefix_scan(&[], &mut ignore),
        Err(StateError::NoIndex { .. })
    ));
}

#[test]
fn a_row_without_the_time_is_refused_and_changes_nothing() {
    let mut map = VersionedMap::new(&spec());
    let result = map.put(&key("a", 1), &[0; 8]);
    assert!(
        matches!(
            result,
            Err(StateError::RowWithoutIndexColumns { row_bytes: 8, .. })
        ),
        "{result:?}"
    );
    assert_eq!(map.len(), 0);
    assert_eq!(map.touched_len(), 0);
}

#[test]
fn a_value_or_key_beyond_the_limits_is_refused() {
    let mut arena = Arena::default();
    let long = vec![0; 1 << 28];
    let result = arena.insert(&long, &[], Flags::default());
    assert!(matches!(result, Err(StateError::RowTooLarge { .. })));
}
