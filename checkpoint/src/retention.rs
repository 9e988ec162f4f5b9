//! Which log files exist, repeat and may go: pure rules about numbers and names.

/// Whether a file of a compactible log holds one entry or all so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompactKind {
    /// `<n>`.
    Plain,
    /// `<n>.compact`.
    Compact,
}

impl CompactKind {
    const SUFFIX: &str = ".compact";

    /// The entry and kind that a file name stands for; none for foreign names.
    pub(crate) fn of(name: &str) -> Option<(u64, Self)> {
        let (digits, kind) = match name.strip_suffix(Self::SUFFIX) {
            Some(digits) => (digits, Self::Compact),
            None => (name, Self::Plain),
        };
        Some((crate::BatchId::from_file_name(digits)?.get(), kind))
    }
}

/// The file name of an entry of a compactible log.
pub(crate) fn compact_name(id: u64, kind: CompactKind) -> String {
    match kind {
        CompactKind::Plain => id.to_string(),
        CompactKind::Compact => format!("{id}{}", CompactKind::SUFFIX),
    }
}

/// Whether entry `id` is written as a compact file.
pub(crate) fn is_compaction(id: u64, interval: u64) -> bool {
    id.saturating_add(1).is_multiple_of(interval)
}

/// The interval of an existing log, from its newest compact files (newest first), else the configured one.
///
/// Two files: their difference. One file `c`: the smallest divisor of c+1 that is at least the configured interval
/// and at most half of c+1; c+1 where there is none.
pub(crate) fn compact_interval(configured: u64, newest: &[u64]) -> u64 {
    match newest {
        [] => configured.max(1),
        [only] => {
            let count = only.saturating_add(1);
            let half = count / 2;
            (configured.max(1)..=half)
                .find(|divisor| configured < half && count.is_multiple_of(*divisor))
                .unwrap_or(count)
        }
        [newest, older, ..] => newest.saturating_sub(*older).max(1),
    }
}

/// Below which entry the files are repeated by a compact file and outside the retention, after entry `newest`.
pub(crate) fn superseded_below(newest: u64, interval: u64, min_batches_to_retain: u64) -> Option<u64> {
    let retained_from = newest.checked_add(1)?.checked_sub(min_batches_to_retain)?;
    if interval > retained_from {
        return None;
    }
    let aligned = retained_from - retained_from.checked_rem(interval)?;
    aligned.checked_sub(1)
}

/// Below which batch the offset and commit logs may go when batch `constructed` has just been logged.
pub(crate) fn purge_below(constructed: u64, min_batches_to_retain: u64) -> Option<u64> {
    constructed
        .checked_sub(min_batches_to_retain)
        .filter(|threshold| *threshold > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_an_existing_log_follows_sparks_rule() {
        assert_eq!(compact_interval(10, &[]), 10);
        assert_eq!(compact_interval(10, &[19, 9]), 10);
        assert_eq!(compact_interval(10, &[5, 2]), 3);
        assert_eq!(compact_interval(10, &[8]), 9, "fewer entries than the default");
        assert_eq!(compact_interval(10, &[9]), 10);
        assert_eq!(compact_interval(10, &[14]), 15, "the default is above half of 15");
        assert_eq!(
            compact_interval(10, &[19]),
            20,
            "the default is half of 20, not below it"
        );
        assert_eq!(compact_interval(5, &[19]), 5);
        assert_eq!(compact_interval(3, &[19]), 4);
        assert_eq!(compact_interval(3, &[12]), 13, "13 is prime");
    }

    #[test]
    fn compaction_is_due_when_the_count_is_a_multiple() {
        let due: Vec<u64> = (0..12).filter(|id| is_compaction(*id, 3)).collect();
        assert_eq!(due, [2, 5, 8, 11]);
    }

    #[test]
    fn what_is_superseded_follows_the_newest_entry() {
        assert_eq!(superseded_below(13, 3, 4), Some(8));
        assert_eq!(superseded_below(5, 3, 4), None, "too few entries");
        assert_eq!(superseded_below(6, 3, 4), Some(2));
        assert_eq!(superseded_below(0, 1, 100), None);
    }

    #[test]
    fn one_more_batch_than_asked_for_stays_in_the_logs() {
        assert_eq!(purge_below(8, 3), Some(5));
        assert_eq!(purge_below(13, 4), Some(9));
        assert_eq!(purge_below(3, 3), None);
        assert_eq!(purge_below(2, 3), None);
    }
}
