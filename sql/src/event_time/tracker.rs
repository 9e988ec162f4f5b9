//! From the event times of each batch to the watermark of the next: pure, as Spark computes it.
//!
//! Each watermark operator has the greatest (event time - delay) of this run; the global watermark is the least (or the
//! greatest) of them. An operator that has seen no data counts as 0, so under the `min` policy a silent input holds the
//! watermark back. Neither an operator's watermark nor the global one ever decreases. What the operators had seen is lost with
//! a run: after a restart only the recorded global watermark is left, as the floor.

use std::fmt;
use std::str::FromStr;

use super::EventTimeStats;
use crate::SqlError;

/// How the watermarks of several operators make one (`spark.sql.streaming.multipleWatermarkPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MultipleWatermarkPolicy {
    /// The slowest operator's.
    #[default]
    Min,
    /// The fastest operator's: rows of slower ones may be late.
    Max,
}

impl FromStr for MultipleWatermarkPolicy {
    type Err = SqlError;

    fn from_str(text: &str) -> Result<Self, SqlError> {
        match text.to_ascii_lowercase().as_str() {
            "min" => Ok(Self::Min),
            "max" => Ok(Self::Max),
            _ => Err(SqlError::new(
                "INVALID_CONF_VALUE",
                format!(
                    "The value '{text}' in the config \"spark.sql.streaming.multipleWatermarkPolicy\" is invalid: use 'min' or 'max'."
                ),
            )),
        }
    }
}

impl fmt::Display for MultipleWatermarkPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Min => "min",
            Self::Max => "max",
        })
    }
}

/// The watermarks of one run of a query.
#[derive(Clone, Debug)]
pub struct WatermarkTracker {
    policy: MultipleWatermarkPolicy,
    operators: Vec<Operator>,
    global_ms: i64,
}

#[derive(Clone, Copy, Debug)]
struct Operator {
    delay_ms: i64,
    watermark_ms: Option<i64>,
}

impl WatermarkTracker {
    /// A tracker for a run: the delays (ms) by operator number, and the watermark (ms) that the checkpoint recorded, 0 for
    /// a new one.
    pub fn new(policy: MultipleWatermarkPolicy, delays_ms: Vec<i64>, recovered_ms: i64) -> Self {
        Self {
            policy,
            operators: delays_ms
                .into_iter()
                .map(|delay_ms| Operator {
                    delay_ms,
                    watermark_ms: None,
                })
                .collect(),
            global_ms: recovered_ms,
        }
    }

    /// The global watermark, ms.
    pub fn current_ms(&self) -> i64 {
        self.global_ms
    }

    /// Takes a batch's statistics by operator number, and gives the global watermark (ms) for the next batch.
    pub fn advance(&mut self, stats: &[(usize, EventTimeStats)]) -> i64 {
        for (number, stats) in stats {
            let Some(operator) = self.operators.get_mut(*number) else {
                continue;
            };
            if stats.count == 0 {
                continue;
            }
            let seen = stats.max_ms.saturating_sub(operator.delay_ms);
            operator.watermark_ms = Some(operator.watermark_ms.map_or(seen, |known| known.max(seen)));
        }
        let watermarks = self
            .operators
            .iter()
            .map(|operator| operator.watermark_ms.unwrap_or(0));
        let chosen = match self.policy {
            MultipleWatermarkPolicy::Min => watermarks.min(),
            MultipleWatermarkPolicy::Max => watermarks.max(),
        };
        self.global_ms = self.global_ms.max(chosen.unwrap_or(self.global_ms));
        self.global_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(operator: usize, max_ms: i64) -> (usize, EventTimeStats) {
        let mut stats = EventTimeStats::default();
        stats.add_micros(Some(max_ms * 1000));
        (operator, stats)
    }

    fn tracker(policy: MultipleWatermarkPolicy, delays: &[i64], recovered: i64) -> WatermarkTracker {
        WatermarkTracker::new(policy, delays.to_vec(), recovered)
    }

    #[test]
    fn the_watermark_is_the_greatest_event_time_less_the_delay_and_never_decreases() {
        let mut tracker = tracker(MultipleWatermarkPolicy::Min, &[10_000], 0);
        assert_eq!(tracker.advance(&[seen(0, 12_000)]), 2_000);
        assert_eq!(tracker.advance(&[(0, EventTimeStats::default())]), 2_000);
        assert_eq!(tracker.advance(&[]), 2_000);
        assert_eq!(tracker.advance(&[seen(0, 31_000)]), 21_000);
        assert_eq!(tracker.advance(&[seen(0, 5_000)]), 21_000);
        assert_eq!(tracker.current_ms(), 21_000);
    }

    #[test]
    fn a_silent_operator_holds_the_least_at_zero_but_not_the_greatest() {
        let mut min = tracker(MultipleWatermarkPolicy::Min, &[0, 5_000], 0);
        let mut max = tracker(MultipleWatermarkPolicy::Max, &[0, 5_000], 0);
        assert_eq!(min.advance(&[seen(0, 60_000)]), 0);
        assert_eq!(max.advance(&[seen(0, 60_000)]), 60_000);
        assert_eq!(min.advance(&[seen(1, 40_000)]), 35_000);
        assert_eq!(max.advance(&[seen(1, 40_000)]), 60_000);
        assert_eq!(min.advance(&[seen(1, 90_000)]), 60_000);
        assert_eq!(max.advance(&[seen(1, 90_000)]), 85_000);
    }

    #[test]
    fn after_a_restart_the_recorded_watermark_is_the_floor_until_every_operator_has_data() {
        let mut tracker = tracker(MultipleWatermarkPolicy::Min, &[0, 0], 10_000);
        assert_eq!(tracker.advance(&[seen(0, 50_000)]), 10_000);
        assert_eq!(tracker.advance(&[seen(1, 8_000)]), 10_000);
        assert_eq!(tracker.advance(&[seen(1, 40_000)]), 40_000);
    }

    #[test]
    fn times_before_the_epoch_and_nulls_leave_the_watermark_at_zero() {
        let mut tracker = tracker(MultipleWatermarkPolicy::Min, &[10_000], 0);
        assert_eq!(tracker.advance(&[seen(0, -5_000)]), 0);
        let mut nulls = EventTimeStats::default();
        nulls.add_nulls(3);
        assert_eq!(tracker.advance(&[(0, nulls)]), 0);
        assert_eq!(tracker.advance(&[seen(0, 4_000)]), 0);
        assert_eq!(tracker.advance(&[seen(0, 11_000)]), 1_000);
    }

    #[test]
    fn a_query_without_watermarks_keeps_what_the_checkpoint_records() {
        let mut tracker = tracker(MultipleWatermarkPolicy::Max, &[], 7);
        assert_eq!(tracker.advance(&[]), 7);
    }

    #[test]
    fn the_policy_is_read_as_sparks_without_regard_to_case() {
        assert_eq!("MAX".parse(), Ok(MultipleWatermarkPolicy::Max));
        assert_eq!("min".parse(), Ok(MultipleWatermarkPolicy::Min));
        let error = "mean".parse::<MultipleWatermarkPolicy>().unwrap_err();
        assert_eq!(error.condition, "INVALID_CONF_VALUE");
    }
}
