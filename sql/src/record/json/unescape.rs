//! The text of a JSON string with escapes.

/// Appends the text of a validated string. A lone surrogate becomes `?`, as in Spark.
pub(crate) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some(letter) = escape.get(1) else { return };
        let mut used = 2;
        match letter {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => used = unicode(escape, out),
            other => out.push(*other),
        }
        rest = escape.get(used..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The UTF-16 unit of the `\uXXXX` at the start.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Appends the character of one `\uXXXX`, or of a pair; returns the bytes read.
fn unicode(escape: &[u8], out: &mut Vec<u8>) -> usize {
    let first = unit(escape).unwrap_or(u32::from(b'?'));
    if let 0xd800..0xdc00 = first
        && let Some(second @ 0xdc00..0xe000) = escape.get(6..).and_then(unit)
        && let Some(c) = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        return 12;
    }
    let c = char::from_u32(first).unwrap_or('?');
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    6
}
