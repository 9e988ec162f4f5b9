//! Random batches: every retained version is what a plain map says, whatever ended the run.

use std::sync::Arc;

use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager, in_memory};
use tidemill_checkpoint::{FileManagerRef, InlineBlocking};

use super::{Model, conf, content, load, stores};
use crate::conf::{CompressionCodec, StateStoreConf};
use crate::error::StateError;
use crate::memory::testing::{key, time_of, value};
use crate::provider::StateStores;
use crate::store::StateStore;

#[derive(Clone, Debug)]
enum Operation {
    Put(i64, Option<i64>, Vec<u8>),
    Remove(i64),
    Expire(i64),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Abort,
    Drop,
}

#[derive(Clone, Debug)]
struct Batch {
    operations: Vec<Operation>,
    end: End,
    maintains: bool,
    restarts: bool,
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let operation = prop_oneof![
        6 => (0..12_i64, prop::option::of(0..30_i64), vec(any::<u8>(), 0..20))
            .prop_map(|(number, time, payload)| Operation::Put(number, time, payload)),
        3 => (0..12_i64).prop_map(Operation::Remove),
        1 => (0..30_i64).prop_map(Operation::Expire),
    ];
    let end = prop_oneof![8 => Just(End::Commit), 1 => Just(End::Abort), 1 => Just(End::Drop)];
    let batch = (
        vec(operation, 0..12),
        end,
        prop::bool::weighted(0.4),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(operations, end, maintains, restarts)| Batch {
            operations,
            end,
            maintains,
            restarts,
        });
    vec(batch, 0..25)
}

fn run(store: &mut dyn StateStore, model: &mut Model, operations: &[Operation]) {
    for operation in operations {
        match operation {
            Operation::Put(number, time, payload) => {
                let (key, value) = (key("n", *number), value(*time, payload));
                store.put(&key, &value).unwrap();
                model.insert(key, value);
            }
            Operation::Remove(number) => {
                let key = key("n", *number);
                assert_eq!(store.remove(&key), model.remove(&key).is_some());
            }
            Operation::Expire(bound) => {
                let mut gone = 0;
                store
                    .expire(*bound, &mut |_, _| {
                        gone += 1;
                        Ok(())
                    })
                    .unwrap();
                let before = model.len();
                model.retain(|_, value| time_of(value).is_none_or(|time| time > *bound));
                assert_eq!(before - model.len(), gone);
            }
        }
    }
    assert_eq!(&content(store), model);
}

fn any_codec() -> impl Strategy<Value = (CompressionCodec, bool)> {
    let codec = prop::sample::select(vec![
        CompressionCodec::Lz4,
        CompressionCodec::Zstd,
        CompressionCodec::Snappy,
        CompressionCodec::Lzf,
    ]);
    (codec, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_retained_version_is_what_its_batch_left(
        (compression, row_checksum) in any_codec(),
        batches in batches(),
    ) {
        let conf = StateStoreConf { compression, row_checksum, ..conf() };
        let manager = in_memory();
        let start = || StateStores::new(Arc::clone(&manager), conf.clone(), Arc::new(InlineBlocking));
        let mut stores = start();
        let mut versions = vec![Model::new()];
        for batch in &batches {
            let newest = versions.len() as u64 - 1;
            let mut model = versions.last().unwrap().clone();
            let mut store = load(&stores, newest).unwrap();
            prop_assert_eq!(content(store.as_ref()), model.clone());
            run(store.as_mut(), &mut model, &batch.operations);
            if batch.maintains {
                block_on(stores.maintain()).unwrap();
            }
            match batch.end {
                End::Commit => {
                    let metrics = block_on(store.commit()).unwrap();
                    prop_assert_eq!(metrics.rows_total, model.len() as u64);
                    versions.push(model);
                }
                End::Abort => store.abort(),
                End::Drop => drop(store),
            }
            if batch.restarts {
                stores = start();
            }
        }
        let retained = versions.len().saturating_sub(4);
        for (version, expected) in versions.iter().enumerate().skip(retained) {
            let store = load(&start(), version as u64).unwrap();
            prop_assert_eq!(&content(store.as_ref()), expected, "version {}", version);
        }
    }

    #[test]
    fn a_crash_at_any_write_leaves_every_version_whole(
        nth in 0..30_u64,
        after in any::<bool>(),
        batches in batches(),
    ) {
        let manager = in_memory();
        let moment = if after { FaultMoment::After } else { FaultMoment::Before };
        let faulty: FileManagerRef = Arc::new(FaultyFileManager::failing(Arc::clone(&manager), nth, moment));
        let mut stores = stores(&faulty);
        let mut versions = vec![Model::new()];
        for batch in &batches {
            let newest = versions.len() as u64 - 1;
            let committed = versions.last().unwrap().clone();
            let mut model = committed.clone();
            let mut done = false;
            for attempt in 0..2 {
                model.clone_from(&committed);
                let mut store = load(&stores, newest).unwrap();
                prop_assert_eq!(&content(store.as_ref()), &committed, "attempt {}", attempt);
                run(store.as_mut(), &mut model, &batch.operations);
                let maintained = if batch.maintains { block_on(stores.maintain()) } else { Ok(()) };
                let committed_now = block_on(store.commit());
                if let Err(error) = &committed_now {
                    prop_assert!(matches!(error, StateError::CannotCommit { .. }), "{}", error);
                }
                if maintained.is_err() || committed_now.is_err() {
                    // The process is gone, and the next one runs the batch again.
                    stores = super::stores(&manager);
                    continue;
                }
                done = true;
                break;
            }
            prop_assert!(done);
            versions.push(model);
        }
        let retained = versions.len().saturating_sub(4);
        for (version, expected) in versions.iter().enumerate().skip(retained) {
            let store = load(&super::stores(&manager), version as u64).unwrap();
            prop_assert_eq!(&content(store.as_ref()), expected, "version {}", version);
        }
    }
}
