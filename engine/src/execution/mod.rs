//! The story of one batch.
//!
//! A run of a query is a loop over batches, each in five steps, and each step consumes the value of the one before:
//! nothing can run unlogged or be committed unexecuted.
//!
//! 1. `construct`: every source is asked for its newest offset under its read limit. Is there anything new, the batch
//!    gets its number, its range per source, and its clock: a [`ConstructedBatch`](stages::ConstructedBatch).
//! 2. `log`: `offsets/N` is created. Was it there already, another run works on this checkpoint, and this one stops
//!    before it has written anything: a [`LoggedBatch`](stages::LoggedBatch). Only now do the sources hear that batch
//!    N-1 is done, and old log entries are purged.
//! 3. `plan`: the sources give the tables of their ranges, and the analysed plan is bound to them:
//!    a [`PlannedBatch`](stages::PlannedBatch).
//! 4. `run`: the sink pulls the plan's streams, and stateful operators commit version N+1 of their state:
//!    an [`ExecutedBatch`](stages::ExecutedBatch).
//! 5. `commit`: the watermark moves by the event times seen, and `commits/N` is created: a [`CommittedBatch`](stages::CommittedBatch), whose end is the next one's start.
//!    Meanwhile the next batch goes through step 1, and its plan is bound (`look_ahead`); it is logged after this commit.
//!
//! What a crash leaves behind, and what the next start (`recover`) makes of it:
//!
//! | stopped after | durable | on restart |
//! |---|---|---|
//! | 1 | perhaps a source's own log entry, even before the commit of the batch before | same start; a logged file entry is the next batch's, others may join |
//! | 2, 3 | `offsets/N` | batch N again: same ranges, watermark, timestamp and confs, from the log |
//! | 4 partly | `offsets/N`, some state N+1, part of the sink | batch N again from state N, which rewrites N+1; the sink ignores or replaces what it holds of it |
//! | 4 | `offsets/N`, state N+1, sink N | batch N again; the sink knows the number |
//! | 5 | `commits/N` | batch N+1 |
//!
//! Confs: the first entry of a checkpoint freezes seventeen of them; a later run takes them from the newest entry.

mod admission;
mod async_progress;
mod commit;
mod connect;
mod construct;
mod input_rows;
mod log;
mod look_ahead;
mod micro_batch;
mod once_table;
mod operator_progress;
mod plan;
mod read_ahead;
mod recover;
mod run;
mod stages;
mod state_check;
mod state_conf;
mod stateful;
mod stream_execution;
mod trigger_executor;

#[cfg(test)]
mod tests;

pub(crate) use async_progress::AsyncProgressTracking;
pub(crate) use connect::{SinkRequest, resolve_source};
pub(crate) use operator_progress::StatefulProgress;
pub(crate) use stream_execution::{CheckpointRequest, StartRequest, start};
