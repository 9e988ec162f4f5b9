//! Compression of text part files, by the names Spark knows.

use std::io::{self, Write};

use bzip2::write::BzEncoder;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::PartOutput;
use crate::{Result, TidemillError};

/// How the bytes of a JSON, CSV or text file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextCodec {
    None,
    Gzip,
    Bzip2,
    Deflate,
    Zstd,
}

impl TextCodec {
    /// By Spark's short name, or Hadoop's class name.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Self::None,
            "gzip" | "org.apache.hadoop.io.compress.gzipcodec" => Self::Gzip,
            "bzip2" | "org.apache.hadoop.io.compress.bzip2codec" => Self::Bzip2,
            "deflate" | "org.apache.hadoop.io.compress.deflatecodec" => Self::Deflate,
            "zstd" | "zstandard" | "org.apache.hadoop.io.compress.zstandardcodec" => Self::Zstd,
            "lz4" | "snappy" => {
                return Err(TidemillError::unsupported(
                    "UNSUPPORTED_OPTION_VALUE",
                    format!(
                        "the codec '{name}' is not implemented for text files; use gzip, bzip2, deflate or zstd"
                    ),
                ));
            }
            _ => {
                return Err(TidemillError::invalid(
                    "CODEC_SHORT_NAME_NOT_FOUND",
                    format!(
                        "Cannot find a short name for the codec {name}; known are none, uncompressed, gzip, bzip2, \
                         deflate, zstd."
                    ),
                ));
            }
        })
    }

    /// What Hadoop appends to the file's name.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Bzip2 => ".bz2",
            Self::Deflate => ".deflate",
            Self::Zstd => ".zst",
        }
    }

    /// Begins a compressed file.
    pub(crate) fn open(self, output: PartOutput) -> io::Result<CompressedOutput> {
        Ok(match self {
            Self::None => CompressedOutput::None(output),
            Self::Gzip => CompressedOutput::Gzip(GzEncoder::new(output, flate2::Compression::default())),
            Self::Bzip2 => CompressedOutput::Bzip2(BzEncoder::new(output, bzip2::Compression::default())),
            Self::Deflate => {
                CompressedOutput::Deflate(ZlibEncoder::new(output, flate2::Compression::default()))
            }
            Self::Zstd => CompressedOutput::Zstd(zstd::stream::write::Encoder::new(output, 0)?),
        })
    }
}

/// A part file behind its compression.
pub(crate) enum CompressedOutput {
    None(PartOutput),
    Gzip(GzEncoder<PartOutput>),
    Bzip2(BzEncoder<PartOutput>),
    Deflate(ZlibEncoder<PartOutput>),
    Zstd(zstd::stream::write::Encoder<'static, PartOutput>),
}

impl CompressedOutput {
    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::None(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
            Self::Bzip2(out) => out.write_all(bytes),
            Self::Deflate(out) => out.write_all(bytes),
            Self::Zstd(out) => out.write_all(bytes),
        }
    }

    /// Writes the codec's end and gives the file back.
    pub(crate) fn finish(self) -> io::Result<PartOutput> {
        match self {
            Self::None(out) => Ok(out),
            Self::Gzip(out) => out.finish(),
            Self::Bzip2(out) => out.finish(),
            Self::Deflate(out) => out.finish(),
            Self::Zstd(out) => out.finish(),
        }
    }
}
