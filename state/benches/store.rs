//! What a store costs: commits and evictions with few and many keys held, loading, memory.
//!
//! All files are in memory, so no fsync is in the figures, and all work runs on one thread. `cargo bench -p
//! tidemill-state --bench store`; the memory per key is printed by the `load` bench.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use tidemill_checkpoint::testing::in_memory;
use tidemill_checkpoint::{FileManagerRef, InlineBlocking};
use tidemill_state::{
    ExpiryIndex, OperatorId, RowSet, Rows, StateStore, StateStoreConf, StateStoreId, StateStoreMetrics,
    StateStoreSpec, StateStoreVersion, StateStores, TimeField,
};

const FEW: u64 = 50_000;
const MANY: u64 = 5_000_000;
const TOUCHED: u64 = 1_000;

/// A row of one string and, if there is one, a number.
fn row(text: &str, number: Option<u64>) -> Vec<u8> {
    let columns = 1 + usize::from(number.is_some());
    let start = 8 + columns * 8;
    let mut row = vec![0; 8];
    row.extend_from_slice(&((start << 32 | text.len()) as u64).to_le_bytes());
    row.extend(number.into_iter().flat_map(u64::to_le_bytes));
    row.extend_from_slice(text.as_bytes());
    row.resize(row.len().next_multiple_of(8), 0);
    row
}

fn string_key(number: u64) -> Vec<u8> {
    row(&format!("customer {number}"), None)
}

fn number_key(number: u64) -> Vec<u8> {
    count(number)
}

/// A window as key: a name and the window's end.
fn window_key(number: u64) -> Vec<u8> {
    row("device", Some(number))
}

fn count(number: u64) -> Vec<u8> {
    [0_u64.to_le_bytes(), number.to_le_bytes()].concat()
}

fn by_window() -> StateStoreSpec {
    let time = TimeField {
        column: 1,
        column_count: 2,
        nested: None,
    };
    StateStoreSpec {
        expiry: Some(ExpiryIndex::Key(time)),
        ..StateStoreSpec::default()
    }
}

/// A store and where its run stands.
struct Run {
    stores: StateStores,
    spec: StateStoreSpec,
    version: u64,
}

impl Run {
    fn new(manager: FileManagerRef, spec: StateStoreSpec, version: u64) -> Self {
        let mut conf = StateStoreConf::default();
        conf.min_deltas_for_snapshot = 0;
        Self {
            stores: StateStores::new(manager, conf, Arc::new(InlineBlocking)),
            spec,
            version,
        }
    }

    /// A run with one batch done, which put `keys` rows.
    fn holding(manager: FileManagerRef, spec: StateStoreSpec, keys: u64, key: fn(u64) -> Vec<u8>) -> Self {
        let mut run = Self::new(manager, spec, 0);
        run.batch(|store| {
            for number in 0..keys {
                store.put(&key(number), &count(number)).unwrap();
            }
        });
        run
    }

    fn load(&self) -> Box<dyn StateStore> {
        let id = StateStoreId::new(OperatorId(0), 0);
        block_on(self.stores.load(&id, StateStoreVersion(self.version), &self.spec)).unwrap()
    }

    fn batch(&mut self, work: impl FnOnce(&mut dyn StateStore)) -> StateStoreMetrics {
        let mut store = self.load();
        work(store.as_mut());
        self.version += 1;
        block_on(store.commit()).unwrap()
    }
}

/// Numbers spread over those held.
fn spread(held: u64, batch: u64) -> impl Iterator<Item = u64> {
    (0..TOUCHED).map(move |number| (number * (held / TOUCHED) + batch * 7919) % held)
}

fn commit(c: &mut Criterion) {
    let mut group = c.benchmark_group("batch of 1000 updates");
    group.throughput(Throughput::Elements(TOUCHED));
    for held in [FEW, MANY] {
        let mut run = Run::holding(in_memory(), StateStoreSpec::default(), held, string_key);
        group.bench_function(BenchmarkId::new("same size", held), |bencher| {
            bencher.iter(|| {
                let batch = run.version;
                run.batch(|store| {
                    for number in spread(held, batch) {
                        store.put(&string_key(number), &count(batch)).unwrap();
                    }
                })
            });
        });
        group.bench_function(BenchmarkId::new("another size", held), |bencher| {
            bencher.iter(|| {
                let batch = run.version;
                run.batch(|store| {
                    for number in spread(held, batch) {
                        let value = count(batch).repeat(1 + usize::try_from((number + batch) % 4).unwrap());
                        store.put(&string_key(number), &value).unwrap();
                    }
                })
            });
        });
        let mut next = held;
        group.bench_function(BenchmarkId::new("new keys", held), |bencher| {
            bencher.iter(|| {
                let batch = run.version;
                let metrics = run.batch(|store| {
                    for number in next..next + TOUCHED {
                        store.put(&string_key(number), &count(batch)).unwrap();
                        store.remove(&string_key(number - held));
                    }
                });
                next += TOUCHED;
                assert_eq!(metrics.rows_total, held);
            });
        });
    }
}

/// What a stateful aggregation does in a large batch: finds the distinct keys of its rows, reads what is known of them, and
/// puts them all. Keys come in no order.
fn large_batch(c: &mut Criterion) {
    const HELD: u64 = 500_000;
    const ROWS: u64 = 500_000;
    let mut run = Run::holding(in_memory(), StateStoreSpec::default(), 0, number_key);
    let mut group = c.benchmark_group("batch of 500,000 rows of 500,000 keys");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    group.bench_function("intern, get and put", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut taken = Duration::ZERO;
            for _ in 0..iterations {
                let first = run.version * ROWS;
                let mut rows = Rows::default();
                (first..first + ROWS).for_each(|number| rows.push(&number_key(scattered(number) % HELD)));
                let value = count(run.version);
                let start = now();
                run.batch(|store| {
                    let mut set = RowSet::default();
                    set.intern(&rows).unwrap();
                    let mut found = vec![None; set.rows().len()];
                    store.get_batch(&mut set.rows().iter(), &mut |place, handle, _| {
                        found[place] = Some(handle);
                    });
                    let rows = set.rows().iter().zip(found);
                    let mut rows = rows.map(|(key, handle)| (handle, key, value.as_slice()));
                    store.put_batch(&mut rows).unwrap();
                });
                taken += start.elapsed();
            }
            taken
        });
    });
}

/// A number that has nothing of the order of the numbers it is made of.
fn scattered(number: u64) -> u64 {
    let mixed = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

fn evict(c: &mut Criterion) {
    let mut group = c.benchmark_group("batch that closes 1000 windows");
    group.throughput(Throughput::Elements(TOUCHED));
    for held in [FEW, MANY] {
        let mut run = Run::holding(in_memory(), by_window(), held, window_key);
        let mut closed = 0;
        group.bench_function(BenchmarkId::from_parameter(held), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut taken = Duration::ZERO;
                for _ in 0..iterations {
                    let last = i64::try_from(closed + TOUCHED - 1).unwrap();
                    let mut gone = 0;
                    let start = now();
                    run.batch(|store| {
                        let mut each = |_: &[u8], _: &[u8]| {
                            gone += 1;
                            Ok(())
                        };
                        store.expire(last, &mut each).unwrap();
                    });
                    taken += start.elapsed();
                    assert_eq!(gone, TOUCHED);
                    closed += TOUCHED;
                    // As many windows open again.
                    let opened = closed + held - TOUCHED..closed + held;
                    run.batch(|store| {
                        for number in opened {
                            store.put(&window_key(number), &count(number)).unwrap();
                        }
                    });
                }
                taken
            });
        });
    }
}

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load a snapshot");
    group.sample_size(10);
    group.throughput(Throughput::Elements(MANY));
    let cases = [
        (
            "string keys",
            StateStoreSpec::default(),
            string_key as fn(u64) -> Vec<u8>,
        ),
        ("windows", by_window(), window_key),
    ];
    for (name, spec, key) in cases {
        let manager = in_memory();
        let run = Run::holding(Arc::clone(&manager), spec.clone(), MANY, key);
        drop(run.load());
        block_on(run.stores.maintain()).unwrap();
        drop(run);
        let metrics = Run::new(Arc::clone(&manager), spec.clone(), 1).batch(|_| {});
        let rows: u64 = (0..MANY)
            .map(|number| (key(number).len() + count(number).len()) as u64)
            .sum();
        println!(
            "{name}: {MANY} keys, {} bytes of rows, {:.1} bytes a key beyond them",
            rows,
            (metrics.memory_used_bytes - rows) as f64 / MANY as f64
        );
        group.bench_function(name, |bencher| {
            bencher.iter_with_large_drop(|| {
                let run = Run::new(Arc::clone(&manager), spec.clone(), 1);
                let store = run.load();
                assert_eq!(store.len() as u64, MANY);
                store
            });
        });
    }
}

fn now() -> Instant {
    Instant::now()
}

criterion_group!(benches, large_batch, commit, evict, load);
criterion_main!(benches);
