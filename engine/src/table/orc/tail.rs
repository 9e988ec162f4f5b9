//! The end of an ORC file: postscript and footer, checked before the decoder sees them.
//!
//! The decoder gets them anew, without the statistics: it would read those of every stripe, and nothing here asks for
//! them.

use std::io::Read;

use bytes::Bytes;
use datafusion::error::Result as DataFusionResult;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use orc_rust::compression::{Compression, Decompressor};
use orc_rust::proto::r#type::Kind;
use orc_rust::proto::{CalendarKind, CompressionKind, Footer, PostScript, Type};
use orc_rust::reader::metadata::{FileMetadata, read_metadata};
use prost::Message;

use super::{damaged, decoded_elsewhere};
use crate::{Result, TidemillError};

/// So many bytes of the end are read at first.
const TAIL_BYTES: u64 = 16 << 10;

/// The greatest length that the header of a chunk can say, rounded down.
const MAX_CHUNK_BYTES: usize = 1 << 22;

/// What a file says of itself.
#[derive(Debug)]
pub(super) struct OrcTail {
    /// As the decoder knows it.
    pub(super) metadata: FileMetadata,
    /// The types in the order of their column ids; the first is the struct of all columns.
    pub(super) types: Vec<Type>,
    /// Whether days before October 1582 are counted in the Julian calendar.
    pub(super) julian: bool,
    /// The size of the file.
    pub(super) size_bytes: u64,
}

impl OrcTail {
    /// Reads it; the file is not empty.
    ///
    /// # Errors
    /// When the file is no ORC file, is encrypted, or has an unknown codec.
    pub(super) async fn fetch(store: &dyn ObjectStore, file: &ObjectMeta) -> DataFusionResult<Self> {
        let size = file.size;
        let read = size.min(TAIL_BYTES);
        let mut tail = store.get_range(&file.location, size - read..size).await?;
        let needed = needed_bytes(&tail)?;
        if needed > size {
            return Err(damaged("its footer is longer than the file").into());
        }
        if needed > read {
            tail = store.get_range(&file.location, size - needed..size).await?;
        }
        Ok(decoded_elsewhere(move || Self::parse(&tail, size)).await?)
    }

    fn parse(tail: &Bytes, size_bytes: u64) -> Result<Self> {
        let (postscript, rest) = split(tail)?;
        let footer_bytes = usize::try_from(postscript.footer_length()).unwrap_or(usize::MAX);
        let start = rest
            .checked_sub(footer_bytes)
            .ok_or_else(|| damaged("its footer is cut off"))?;
        // The codec as the decoder knows it, from a file without columns.
        let root = Type {
            kind: Some(Kind::Struct.into()),
            ..Type::default()
        };
        let nothing = Footer {
            types: vec![root],
            ..Footer::default()
        };
        let compression = decoders_metadata(&postscript, &nothing)?.compression();
        let footer = Footer::decode(unpacked(tail.slice(start..rest), compression)?.as_slice())
            .map_err(|e| damaged(format!("its footer cannot be read: {e}")))?;
        if footer.encryption.is_some() {
            return Err(TidemillError::unsupported(
                "UNSUPPORTED_ORC_FILE",
                "The ORC file has encrypted columns, which are not supported.",
            ));
        }
        check_types(&footer.types)?;
        let stripped = Footer {
            statistics: Vec::new(),
            metadata: Vec::new(),
            ..footer
        };
        Ok(Self {
            metadata: decoders_metadata(&postscript, &stripped)?,
            julian: stripped.calendar() != CalendarKind::ProlepticGregorian,
            types: stripped.types,
            size_bytes,
        })
    }
}

/// The postscript and where it begins.
fn split(tail: &Bytes) -> Result<(PostScript, usize)> {
    let invalid = || damaged("Invalid postscript");
    let (length, rest) = tail.split_last().ok_or_else(invalid)?;
    let start = rest.len().checked_sub(usize::from(*length)).ok_or_else(invalid)?;
    let postscript = PostScript::decode(rest.get(start..).unwrap_or_default()).map_err(|_| invalid())?;
    if postscript.magic.as_deref() != Some("ORC") {
        return Err(invalid());
    }
    if CompressionKind::try_from(postscript.compression.unwrap_or_default()).is_err() {
        return Err(TidemillError::unsupported(
            "UNSUPPORTED_COMPRESSION",
            format!(
                "The ORC file is compressed with codec number {}, which is not supported; use zstd, zlib, snappy, lz4, \
                 lzo or none.",
                postscript.compression.unwrap_or_default()
            ),
        ));
    }
    Ok((postscript, start))
}

/// How many bytes of a file's end are its footer and what follows.
fn needed_bytes(tail: &Bytes) -> Result<u64> {
    let (postscript, start) = split(tail)?;
    let after = (tail.len() - start) as u64;
    postscript
        .footer_length()
        .checked_add(after)
        .ok_or_else(|| damaged("its footer is longer than the file"))
}

/// What the decoder makes of a footer.
fn decoders_metadata(postscript: &PostScript, footer: &Footer) -> Result<FileMetadata> {
    let compressed = postscript.compression() != CompressionKind::None;
    let footer = framed(footer.encode_to_vec(), compressed);
    let postscript = PostScript {
        footer_length: Some(footer.len() as u64),
        metadata_length: Some(0),
        stripe_statistics_length: None,
        ..postscript.clone()
    };
    let postscript = postscript.encode_to_vec();
    let length = u8::try_from(postscript.len()).map_err(damaged)?;
    let mut file = Bytes::from([footer, postscript, vec![length]].concat());
    read_metadata(&mut file).map_err(damaged)
}

/// Bytes in the chunks of a compressed file, none of them compressed.
pub(super) fn framed(bytes: Vec<u8>, compressed: bool) -> Vec<u8> {
    if !compressed {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len() + 3);
    for chunk in bytes.chunks(MAX_CHUNK_BYTES) {
        // Twice the length in three bytes; the lowest bit says that the chunk is as it is.
        let header = (chunk.len() as u32) << 1 | 1;
        out.extend(header.to_le_bytes().into_iter().take(3));
        out.extend_from_slice(chunk);
    }
    out
}

/// The plain bytes of a footer.
pub(super) fn unpacked(bytes: Bytes, compression: Option<Compression>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    Decompressor::new(bytes, compression, Vec::new())
        .read_to_end(&mut out)
        .map_err(damaged)?;
    Ok(out)
}

/// The types are a tree whose root is a struct: each is named as part of one type before it.
fn check_types(types: &[Type]) -> Result<()> {
    if types.first().is_none_or(|root| root.kind() != Kind::Struct) {
        return Err(damaged("its root type is no struct"));
    }
    if let Some(unknown) = types
        .iter()
        .find(|t| Kind::try_from(t.kind.unwrap_or_default()).is_err())
    {
        return Err(TidemillError::unsupported(
            "UNSUPPORTED_ORC_FILE",
            format!(
                "The ORC file has a type with number {}, which is not supported.",
                unknown.kind.unwrap_or_default()
            ),
        ));
    }
    let parts: usize = types.iter().map(|t| t.subtypes.len()).sum();
    let in_order = types.iter().enumerate().all(|(id, t)| {
        let named = t.kind() != Kind::Struct || t.field_names.len() == t.subtypes.len();
        named
            && t.subtypes
                .iter()
                .all(|part| (id + 1..types.len()).contains(&(*part as usize)))
    });
    match in_order && parts + 1 == types.len() {
        true => Ok(()),
        false => Err(damaged("its types are no tree")),
    }
}
