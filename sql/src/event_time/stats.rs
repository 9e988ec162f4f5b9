//! What a watermark operator saw of event time in one batch.

/// Count, least, greatest and sum of the event times that passed one watermark operator.
///
/// Times are ms since the epoch, floored from µs. As in Spark a null event time counts as 0, which cannot raise a watermark:
/// that starts at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTimeStats {
    /// How many rows, null event times included.
    pub count: u64,
    /// The greatest event time, ms; `i64::MIN` without a row.
    pub max_ms: i64,
    /// The least event time, ms; `i64::MAX` without a row.
    pub min_ms: i64,
    /// The sum of the event times, ms.
    pub sum_ms: i128,
}

impl Default for EventTimeStats {
    fn default() -> Self {
        Self {
            count: 0,
            max_ms: i64::MIN,
            min_ms: i64::MAX,
            sum_ms: 0,
        }
    }
}

impl EventTimeStats {
    /// Counts one row's event time, µs since the epoch.
    pub fn add_micros(&mut self, micros: Option<i64>) {
        let ms = micros.map_or(0, |micros| micros.div_euclid(1000));
        self.count += 1;
        self.max_ms = self.max_ms.max(ms);
        self.min_ms = self.min_ms.min(ms);
        self.sum_ms += i128::from(ms);
    }

    /// Counts rows whose event times (µs) are all there.
    pub fn add_all_micros(&mut self, micros: &[i64]) {
        let (Some(min), Some(max)) = (micros.iter().min(), micros.iter().max()) else {
            return;
        };
        self.max_ms = self.max_ms.max(max.div_euclid(1000));
        self.min_ms = self.min_ms.min(min.div_euclid(1000));
        self.count += micros.len() as u64;
        self.sum_ms += micros
            .iter()
            .map(|micros| i128::from(micros.div_euclid(1000)))
            .sum::<i128>();
    }

    /// Counts rows without an event time.
    pub fn add_nulls(&mut self, count: u64) {
        if count > 0 {
            self.count += count;
            self.max_ms = self.max_ms.max(0);
            self.min_ms = self.min_ms.min(0);
        }
    }

    /// The two together.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.max_ms = self.max_ms.max(other.max_ms);
        self.min_ms = self.min_ms.min(other.min_ms);
        self.sum_ms += other.sum_ms;
    }

    /// The average event time, ms, cut towards zero; `None` without a row.
    pub fn avg_ms(&self) -> Option<i64> {
        if self.count == 0 {
            return None;
        }
        i64::try_from(self.sum_ms / i128::from(self.count)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_counts_as_zero() {
        let mut stats = EventTimeStats::default();
        stats.add_micros(None);
        assert_eq!(
            (stats.count, stats.max_ms, stats.min_ms, stats.avg_ms()),
            (1, 0, 0, Some(0))
        );
        stats.add_micros(Some(-2_500));
        stats.add_micros(Some(-7_000));
        assert_eq!((stats.count, stats.max_ms, stats.min_ms), (3, 0, -7));
        assert_eq!(stats.avg_ms(), Some(-3));
    }

    #[test]
    fn rows_counted_together_or_apart_give_the_same() {
        let times = [5_999, -1, 62_000_000, 0];
        let mut apart = EventTimeStats::default();
        times.iter().for_each(|t| apart.add_micros(Some(*t)));
        apart.add_micros(None);
        let mut together = EventTimeStats::default();
        together.add_all_micros(&times[..2]);
        together.add_nulls(1);
        let mut rest = EventTimeStats::default();
        rest.add_all_micros(&times[2..]);
        together.merge(&rest);
        together.merge(&EventTimeStats::default());
        assert_eq!(together, apart);
        assert_eq!((apart.min_ms, apart.max_ms), (-1, 62_000));
    }
}
