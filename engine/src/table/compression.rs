//! Compressed files, known by the extension of their names as Hadoop's codecs know them.

use std::io::{BufReader, Read};

use crate::{Result, TidemillError};

/// How many bytes are read from a compressed file at once.
const BUFFER_BYTES: usize = 256 << 10;

/// The plain bytes of a file of this name. Concatenated gzip, bzip2 and zstd streams are read to their end.
///
/// # Errors
/// `UNSUPPORTED_COMPRESSION` for codecs of Hadoop's that are not built.
pub(super) fn plain(name: &str, raw: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let buffered = |raw| BufReader::with_capacity(BUFFER_BYTES, raw);
    Ok(match extension.to_ascii_lowercase().as_str() {
        "gz" => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(raw))),
        "deflate" => Box::new(flate2::bufread::ZlibDecoder::new(buffered(raw))),
        "bz2" => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered(raw))),
        "zst" => {
            let decoder = zstd::stream::read::Decoder::with_buffer(buffered(raw)).map_err(|e| {
                TidemillError::new(
                    crate::ErrorKind::Corrupt,
                    "FAILED_READ_FILE.NO_HINT",
                    e.to_string(),
                )
            })?;
            Box::new(decoder)
        }
        codec @ ("snappy" | "lz4") => {
            return Err(TidemillError::unsupported(
                "UNSUPPORTED_COMPRESSION",
                format!(
                    "{name} is compressed with Hadoop's {codec} codec, which is not supported; use gz, bz2 or zst"
                ),
            ));
        }
        _ => raw,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(name: &str, bytes: Vec<u8>) -> String {
        let mut text = String::new();
        let raw = Box::new(std::io::Cursor::new(bytes));
        plain(name, raw).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn files_are_unpacked_by_their_extension() {
        assert_eq!(read("a.json", b"plain".to_vec()), "plain");
        assert_eq!(read("a.json.gz", gzip("zipped")), "zipped");
        let both = [gzip("one "), gzip("two")].concat();
        assert_eq!(read("a.GZ", both), "one two");
        assert_eq!(read("a.zst", zstd::encode_all(&b"zstd"[..], 1).unwrap()), "zstd");
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(b"bzip").unwrap();
        assert_eq!(read("a.bz2", encoder.finish().unwrap()), "bzip");
    }

    #[test]
    fn a_codec_that_is_not_built_is_named() {
        let error = plain("a.json.snappy", Box::new(std::io::empty())).err().unwrap();
        assert_eq!(error.condition(), "UNSUPPORTED_COMPRESSION");
    }
}
