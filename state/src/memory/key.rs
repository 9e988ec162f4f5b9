//! What tells keys apart: their bytes, and a hash of them.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

/// The hash of some bytes; the same in every run.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Whether two keys are one. State rows are whole words, and few: to compare them here is sooner done than called for.
#[inline]
pub(super) fn is_same(key: &[u8], other: &[u8]) -> bool {
    let (words, rest) = key.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    if words.len() > 8 || !rest.is_empty() {
        return key == other;
    }
    words.len() == other_words.len()
        && other_rest.is_empty()
        && words.iter().zip(other_words).all(|(word, other)| word == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_length_are_compared_as_slices_are() {
        let bytes: Vec<u8> = (0..100).collect();
        for len in 0..bytes.len() {
            let key = &bytes[..len];
            assert!(is_same(key, key.to_vec().as_slice()));
            assert!(!is_same(key, &bytes[..=len]));
            assert!(!is_same(&bytes[..=len], key));
            for place in 0..len {
                let mut other = key.to_vec();
                other[place] ^= 1;
                assert!(!is_same(key, &other), "byte {place} of {len}");
            }
        }
    }
}
