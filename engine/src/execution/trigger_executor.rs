//! Runs triggers until the run is over: as fast as possible, at an interval, once, or for what is there at the start.

use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;

use super::admission::Admission;
use super::look_ahead::PIPELINING;
use super::micro_batch::{MicroBatchExecution, TriggerOutcome};
use crate::query::{Ending, StopRequest};
use crate::{Result, Trigger};

impl MicroBatchExecution {
    /// Runs the trigger to its end.
    pub(super) async fn run_to_end(&mut self, trigger: Trigger) -> Result<Ending> {
        match trigger {
            Trigger::ProcessingTime(interval) => self.run_at_interval(interval).await,
            Trigger::Once => self.run_once().await,
            Trigger::AvailableNow => self.run_available().await,
        }
    }

    fn told_to_stop(&self) -> bool {
        self.query.stop_requested() != StopRequest::None
    }

    async fn run_at_interval(&mut self, interval: Duration) -> Result<Ending> {
        self.looks_ahead = interval.is_zero() && self.conf.get_bool(PIPELINING)?;
        let polling = Duration::from_millis(self.conf.get_duration_ms("spark.sql.streaming.pollingDelay")?);
        while !self.told_to_stop() {
            let due_ms = next_trigger_ms(self.clock.now_ms(), interval);
            let outcome = self.run_trigger(Admission::Limited).await?;
            if outcome == TriggerOutcome::Aborted || self.told_to_stop() {
                break;
            }
            match due_ms {
                Some(due_ms) => self.wait_until(due_ms).await,
                None if outcome == TriggerOutcome::NoData => self.wait_for_data(polling).await,
                None => {}
            }
        }
        Ok(Ending::Stopped)
    }

    /// A pending batch counts as the one.
    async fn run_once(&mut self) -> Result<Ending> {
        if self.told_to_stop() {
            return Ok(Ending::Stopped);
        }
        let outcome = self.run_trigger(Admission::Unlimited).await?;
        Ok(ending_after(outcome))
    }

    async fn run_available(&mut self) -> Result<Ending> {
        if self.told_to_stop() {
            return Ok(Ending::Stopped);
        }
        let pending = self.position.pending.is_some();
        if pending && self.run_trigger(Admission::Limited).await? == TriggerOutcome::Aborted {
            return Ok(Ending::Stopped);
        }
        if !self.freeze_sources().await? {
            log::warn!(
                "query {}: a source cannot fix its end for trigger available-now; the query runs a single batch",
                self.query.identity()
            );
            return if pending {
                Ok(Ending::Finished)
            } else {
                self.run_once().await
            };
        }
        // Not before the sources have their end.
        self.looks_ahead = self.conf.get_bool(PIPELINING)?;
        while !self.told_to_stop() {
            match self.run_trigger(Admission::Limited).await? {
                TriggerOutcome::Batch => {}
                TriggerOutcome::NoData => return Ok(Ending::Finished),
                TriggerOutcome::Aborted => break,
            }
        }
        Ok(Ending::Stopped)
    }

    /// Whether every source will not pass its present end.
    async fn freeze_sources(&self) -> Result<bool> {
        let mut all = true;
        for open in &self.sources {
            all &= self.abortable(open.source.prepare_for_available_now()).await?;
        }
        Ok(all)
    }

    /// Waits for the next multiple of the interval; when it has passed already, the next trigger is due at once.
    async fn wait_until(&self, due_ms: i64) {
        let left_ms = due_ms.saturating_sub(self.clock.now_ms());
        let Ok(left_ms @ 1..) = u64::try_from(left_ms) else {
            log::warn!(
                "query {}: the current batch is falling behind: the trigger interval was exceeded by {} ms",
                self.query.identity(),
                left_ms.unsigned_abs()
            );
            return;
        };
        self.query.set_message("Waiting for next trigger");
        tokio::select! {
            () = self.query.wait_for_stop(StopRequest::Finish) => {}
            () = self.clock.sleep(Duration::from_millis(left_ms)) => {}
        }
    }

    async fn wait_for_data(&self, polling: Duration) {
        let hints = self.sources.iter().map(|open| open.source.wait_for_data());
        // Never empty: `select_all` panics without a future.
        let hints = hints.chain(std::iter::once(futures::future::pending().boxed()));
        tokio::select! {
            () = self.query.wait_for_stop(StopRequest::Finish) => {}
            () = self.clock.sleep(polling) => {}
            _ = select_all(hints) => {}
        }
    }
}

fn ending_after(outcome: TriggerOutcome) -> Ending {
    match outcome {
        TriggerOutcome::Batch | TriggerOutcome::NoData => Ending::Finished,
        TriggerOutcome::Aborted => Ending::Stopped,
    }
}

/// The next multiple of the interval since the epoch after `now_ms`; none without an interval.
fn next_trigger_ms(now_ms: i64, interval: Duration) -> Option<i64> {
    let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    if interval_ms == 0 {
        return None;
    }
    now_ms
        .div_euclid(interval_ms)
        .checked_add(1)?
        .checked_mul(interval_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_fall_on_multiples_of_the_interval_since_the_epoch() {
        let five = Duration::from_secs(5);
        assert_eq!(next_trigger_ms(12_001, five), Some(15_000));
        assert_eq!(next_trigger_ms(15_000, five), Some(20_000));
        assert_eq!(next_trigger_ms(0, five), Some(5_000));
        assert_eq!(next_trigger_ms(7, Duration::ZERO), None);
    }
}
