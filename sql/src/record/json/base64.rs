//! BINARY values in JSON: base64 with padding, blanks allowed between groups of four.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// Appends the bytes of `text`; appends nothing and returns none if malformed.
pub(crate) fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let decoded = if text.iter().any(|b| *b <= b' ') {
        ENGINE.decode_vec(compact(text)?, out)
    } else {
        ENGINE.decode_vec(text, out)
    };
    if decoded.is_err() {
        out.truncate(start);
        return None;
    }
    Some(())
}

/// The text without the blanks between groups; none if there are blanks inside one.
fn compact(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if *byte > b' ' {
            out.push(*byte);
        } else if out.len() % 4 != 0 {
            return None;
        }
    }
    Some(out)
}

/// Appends `bytes` as base64.
pub(crate) fn encode(bytes: &[u8], out: &mut String) {
    ENGINE.encode_string(bytes, out);
}
