//! How much of its sources a batch may take, and whether there is a batch at all: pure functions of what was seen.

use super::stages::SourceOffsets;
use crate::source::ReadLimit;

/// How a trigger treats the limits of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Each source's own limit counts.
    Limited,
    /// Everything there is goes into one batch.
    Unlimited,
}

impl Admission {
    /// The limit for a source whose own is `default`.
    pub(super) fn limit(self, default: ReadLimit) -> ReadLimit {
        match self {
            Self::Limited => default,
            Self::Unlimited => ReadLimit::AllAvailable,
        }
    }
}

/// Whether any source has moved on. A source that has nothing at all has not.
pub(super) fn has_new_data(start: &SourceOffsets, end: &SourceOffsets) -> bool {
    start
        .iter()
        .zip(end)
        .any(|(start, end)| end.is_some() && start != end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidemill_checkpoint::Offset;

    fn offsets(texts: &[Option<&str>]) -> SourceOffsets {
        texts.iter().map(|t| t.map(Offset::new)).collect()
    }

    #[test]
    fn a_batch_needs_at_least_one_source_that_moved() {
        let start = offsets(&[Some("1"), None]);
        assert!(!has_new_data(&start, &start));
        assert!(!has_new_data(&start, &offsets(&[Some("1"), None])));
        assert!(has_new_data(&start, &offsets(&[Some("1"), Some("0")])));
        assert!(has_new_data(&start, &offsets(&[Some("2"), None])));
    }

    #[test]
    fn a_single_batch_ignores_the_limits_of_its_sources() {
        assert_eq!(
            Admission::Limited.limit(ReadLimit::MaxFiles(1)),
            ReadLimit::MaxFiles(1)
        );
        assert_eq!(
            Admission::Unlimited.limit(ReadLimit::MaxFiles(1)),
            ReadLimit::AllAvailable
        );
    }
}
