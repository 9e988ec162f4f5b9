//! What every [`CheckpointFileManager`] promises, as one check that a test runs on an empty root.

use bytes::Bytes;

use super::{CheckpointFileManager, Creation};
use crate::Result;

/// Runs the whole suite on an empty root; the first broken promise comes back as its description.
pub async fn check(manager: &dyn CheckpointFileManager) -> Result<(), String> {
    reading(manager).await?;
    creating(manager).await?;
    replacing(manager).await?;
    deleting(manager).await?;
    listing(manager).await?;
    paths(manager).await
}

fn ok<T>(what: &str, result: Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{what}: {error}"))
}

fn expect(holds: bool, promise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(promise.to_owned()) }
}

async fn read(manager: &dyn CheckpointFileManager, path: &str) -> Result<Option<Bytes>, String> {
    ok("read", manager.read(path).await)
}

async fn reading(manager: &dyn CheckpointFileManager) -> Result<(), String> {
    expect(
        read(manager, "none").await?.is_none(),
        "a missing file reads as none",
    )?;
    expect(
        read(manager, "no/such/folder").await?.is_none(),
        "a file in a missing folder reads as none",
    )?;
    let listing = ok("list", manager.list("no/such").await)?;
    expect(listing.is_empty(), "a missing folder lists as empty")
}

async fn creating(manager: &dyn CheckpointFileManager) -> Result<(), String> {
    let path = "create/in/new/folder";
    let first = ok("create", manager.create(path, Bytes::from_static(b"first")).await)?;
    expect(
        first == Creation::Created,
        "a new file is created, with its folders",
    )?;
    let second = ok(
        "create",
        manager.create(path, Bytes::from_static(b"second")).await,
    )?;
    expect(
        second == Creation::AlreadyExists,
        "a second create finds the first",
    )?;
    let content = read(manager, path).await?;
    expect(
        content.as_deref() == Some(b"first".as_slice()),
        "a second create changes nothing",
    )?;
    let empty = ok("create", manager.create("create/empty", Bytes::new()).await)?;
    expect(empty == Creation::Created, "an empty file can be created")?;
    let content = read(manager, "create/empty").await?;
    expect(
        content.as_deref() == Some(b"".as_slice()),
        "an empty file is there and empty",
    )
}

async fn replacing(manager: &dyn CheckpointFileManager) -> Result<(), String> {
    for content in [&b"one"[..], b"two", b""] {
        ok(
            "replace",
            manager.replace("replace/file", Bytes::from_static(content)).await,
        )?;
        let found = read(manager, "replace/file").await?;
        expect(found.as_deref() == Some(content), "replace makes and overwrites")?;
    }
    Ok(())
}

async fn deleting(manager: &dyn CheckpointFileManager) -> Result<(), String> {
    ok("delete", manager.delete("delete/none").await)?;
    for path in ["delete/7", "delete/.7.crc"] {
        ok("replace", manager.replace(path, Bytes::from_static(b"x")).await)?;
    }
    ok("delete", manager.delete("delete/7").await)?;
    expect(
        read(manager, "delete/7").await?.is_none(),
        "a deleted file is gone",
    )?;
    expect(
        read(manager, "delete/.7.crc").await?.is_none(),
        "the hidden checksum goes with its file",
    )?;
    let again = ok(
        "create",
        manager.create("delete/7", Bytes::from_static(b"y")).await,
    )?;
    expect(again == Creation::Created, "a deleted file can be created again")
}

async fn listing(manager: &dyn CheckpointFileManager) -> Result<(), String> {
    for path in ["list/1", "list/22", "list/folder/3"] {
        ok("replace", manager.replace(path, Bytes::from_static(b"abc")).await)?;
    }
    let mut found: Vec<(String, bool, u64)> = ok("list", manager.list("list").await)?
        .into_iter()
        .map(|file| (file.name, file.is_dir, file.size_bytes))
        .collect();
    found.sort();
    let expected = [("1", false, 3), ("22", false, 3), ("folder", true, 0)];
    expect(
        found == expected.map(|(name, is_dir, size_bytes)| (name.to_owned(), is_dir, size_bytes)),
        "a listing has the files and folders of one level, with sizes, and no temporary ones",
    )?;
    let root = ok("list", manager.list("").await)?;
    expect(
        root.iter().any(|file| file.name == "list" && file.is_dir),
        "the empty path lists the root",
    )
}

async fn paths(manager: &dyn CheckpointFileManager) -> Result<(), String> {
    for path in ["", "../outside", "a//b", "/absolute", "a/."] {
        expect(manager.read(path).await.is_err(), "a path cannot leave the root")?;
    }
    expect(
        manager.describe("offsets/3").contains("offsets/3"),
        "messages name the path",
    )
}
