//! The two managers against the contract, and what only one of them has.

use std::path::Path as FsPath;
use std::sync::Arc;

use ::object_store::memory::InMemory;
use ::object_store::path::Path;
use ::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use url::Url;

use super::*;
use crate::{CheckpointError, CheckpointErrorKind};

fn local(root: &FsPath) -> LocalFileManager {
    LocalFileManager::new(root, Arc::new(InlineBlocking))
}

fn names(folder: &FsPath) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn put(path: &FsPath, content: &[u8]) {
    use std::io::Write;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .unwrap();
    file.write_all(content).unwrap();
}

#[tokio::test]
async fn a_local_folder_keeps_the_contract_without_fsync_too() {
    let root = tempfile::tempdir().unwrap();
    let files =
        LocalFileManager::with_fsync(root.path().join("not/yet"), Arc::new(InlineBlocking), Fsync::Off);
    conformance::check(&files).await.unwrap();
}

#[tokio::test]
async fn a_local_folder_keeps_the_contract() {
    let root = tempfile::tempdir().unwrap();
    conformance::check(&local(&root.path().join("not/yet")))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_memory_store_keeps_the_contract_with_and_without_a_prefix() {
    for prefix in ["", "a/checkpoint"] {
        let manager = ObjectStoreFileManager::new(Arc::new(InMemory::new()), Path::from(prefix));
        conformance::check(&manager).await.unwrap();
    }
}

#[tokio::test]
async fn creating_removes_an_orphan_checksum_and_leaves_no_temporary_file() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("commits/.3.crc"), b"crc\0");
    let created = local(root.path())
        .create("commits/3", Bytes::from_static(b"v1"))
        .await
        .unwrap();
    assert_eq!(created, Creation::Created);
    assert_eq!(names(&root.path().join("commits")), ["3"]);
}

#[tokio::test]
async fn losing_the_race_leaves_the_winners_files_alone() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("commits/3"), b"winner");
    put(&root.path().join("commits/.3.crc"), b"crc\0");
    let created = local(root.path())
        .create("commits/3", Bytes::from_static(b"loser"))
        .await
        .unwrap();
    assert_eq!(created, Creation::AlreadyExists);
    assert_eq!(names(&root.path().join("commits")), [".3.crc", "3"]);
    assert_eq!(std::fs::read(root.path().join("commits/3")).unwrap(), b"winner");
}

#[tokio::test]
async fn replacing_removes_a_stale_checksum() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("state/1.delta"), b"old");
    put(&root.path().join("state/.1.delta.crc"), b"crc\0");
    local(root.path())
        .replace("state/1.delta", Bytes::from_static(b"new"))
        .await
        .unwrap();
    assert_eq!(names(&root.path().join("state")), ["1.delta"]);
}

#[tokio::test]
async fn of_many_creators_exactly_one_wins() {
    let root = tempfile::tempdir().unwrap();
    let winners = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|racer: u8| {
                let manager = local(root.path());
                scope.spawn(move || {
                    futures::executor::block_on(manager.create("offsets/0", Bytes::from(vec![racer; 64])))
                        .unwrap()
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .filter(|creation| *creation == Creation::Created)
            .count()
    });
    assert_eq!(winners, 1);
    let content = std::fs::read(root.path().join("offsets/0")).unwrap();
    assert_eq!(content.len(), 64);
    assert!(
        content.iter().all(|byte| *byte == content[0]),
        "the winner's content is whole"
    );
    assert_eq!(names(&root.path().join("offsets")), ["0"]);
}

#[tokio::test]
async fn a_folder_that_was_deleted_meanwhile_is_made_again() {
    let root = tempfile::tempdir().unwrap();
    let manager = local(root.path());
    let _ = manager
        .create("offsets/0", Bytes::from_static(b"a"))
        .await
        .unwrap();
    std::fs::remove_dir_all(root.path().join("offsets")).unwrap();
    let created = manager
        .create("offsets/1", Bytes::from_static(b"b"))
        .await
        .unwrap();
    assert_eq!(created, Creation::Created);
}

#[tokio::test]
async fn a_lock_has_one_holder_and_is_free_when_the_holder_is_gone() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("metadata"), b"{}");
    let first = local(root.path()).lock("metadata").await.unwrap();
    assert!(matches!(first, CheckpointLock::Held(_)));
    let second = local(root.path()).lock("metadata").await.unwrap();
    assert!(matches!(second, CheckpointLock::Busy));
    drop(first);
    let third = local(root.path()).lock("metadata").await.unwrap();
    assert!(matches!(third, CheckpointLock::Held(_)));
}

#[tokio::test]
async fn an_object_store_says_that_it_has_no_locks() {
    let manager = ObjectStoreFileManager::new(Arc::new(InMemory::new()), Path::default());
    let lock = manager.lock("metadata").await.unwrap();
    assert!(matches!(lock, CheckpointLock::Unsupported));
}

#[tokio::test]
async fn an_unreadable_path_is_an_error_that_names_it() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("offsets"), b"a file, not a folder");
    let error = local(root.path())
        .create("offsets/0", Bytes::from_static(b"v1"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("offsets/0"), "{error}");
    assert_eq!(error.kind(), CheckpointErrorKind::Retry);
}

/// A store that answers a conditional put as a backend without one does.
#[derive(Debug)]
struct Unconditional(InMemory);

impl std::fmt::Display for Unconditional {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unconditional")
    }
}

#[async_trait]
impl ObjectStore for Unconditional {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> ::object_store::Result<PutResult> {
        if options.mode == PutMode::Create {
            return Err(Error::NotImplemented {
                operation: "put_opts".to_owned(),
                implementer: "Unconditional".to_owned(),
            });
        }
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> ::object_store::Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> ::object_store::Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, ::object_store::Result<Path>>,
    ) -> BoxStream<'static, ::object_store::Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, ::object_store::Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> ::object_store::Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> ::object_store::Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_store_without_conditional_create_is_refused_with_the_remedy() {
    let manager = ObjectStoreFileManager::new(Arc::new(Unconditional(InMemory::new())), Path::from("c"));
    let error = manager
        .create("offsets/0", Bytes::from_static(b"v1"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, CheckpointError::UnsupportedStore { .. }),
        "{error}"
    );
    assert_eq!(error.kind(), CheckpointErrorKind::Unsupported);
    assert!(error.to_string().contains("conditional put"), "{error}");
}

#[tokio::test]
async fn a_url_gives_the_manager_of_its_scheme() {
    let root = tempfile::tempdir().unwrap();
    let url = Url::from_directory_path(root.path()).unwrap();
    let manager = file_manager_for_url(&url, [], Arc::new(InlineBlocking)).unwrap();
    let _ = manager
        .create("metadata", Bytes::from_static(b"{}"))
        .await
        .unwrap();
    assert_eq!(names(root.path()), ["metadata"]);

    let memory = Url::parse("memory:///checkpoint").unwrap();
    let manager = file_manager_for_url(&memory, [], Arc::new(InlineBlocking)).unwrap();
    conformance::check(manager.as_ref()).await.unwrap();
}

#[test]
fn a_url_that_no_manager_serves_is_refused_with_the_reason() {
    let url = Url::parse("ftp://host/checkpoint").unwrap();
    let error = file_manager_for_url(&url, [], Arc::new(InlineBlocking)).unwrap_err();
    assert!(
        matches!(error, CheckpointError::UnsupportedStore { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("ftp://host/checkpoint"), "{error}");

    #[cfg(not(feature = "aws"))]
    {
        let url = Url::parse("s3://bucket/checkpoint").unwrap();
        let error = file_manager_for_url(&url, [], Arc::new(InlineBlocking)).unwrap_err();
        assert!(error.to_string().contains("feature 'aws'"), "{error}");
    }
}

/// The bucket that `tests/run` serves on loopback, if it does.
#[cfg(feature = "aws")]
fn s3(folder: &str) -> Option<Arc<dyn CheckpointFileManager>> {
    let Ok(endpoint) = std::env::var("TIDEMILL_S3_ENDPOINT") else {
        eprintln!("left out: TIDEMILL_S3_ENDPOINT names no S3 server; tests/run starts one");
        return None;
    };
    let options = [
        ("aws_endpoint", endpoint.as_str()),
        ("aws_allow_http", "true"),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "key"),
        ("aws_secret_access_key", "secret"),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let url = Url::parse(&format!("s3://bucket/{folder}")).unwrap();
    Some(file_manager_for_url(&url, options, Arc::new(InlineBlocking)).unwrap())
}

#[cfg(feature = "aws")]
#[tokio::test]
async fn an_s3_bucket_keeps_the_contract() {
    if let Some(manager) = s3("a/checkpoint") {
        conformance::check(manager.as_ref()).await.unwrap();
    }
}

#[cfg(feature = "aws")]
#[tokio::test]
async fn of_many_creators_in_an_s3_bucket_exactly_one_wins() {
    let Some(manager) = s3("race") else {
        return;
    };
    for entry in 0..5 {
        let path = format!("offsets/{entry}");
        let creators = (0..8_u8).map(|creator| manager.create(&path, Bytes::copy_from_slice(&[creator])));
        let creations = futures::future::try_join_all(creators).await.unwrap();
        let created: Vec<_> = (0_u8..)
            .zip(creations)
            .filter(|(_, creation)| *creation == Creation::Created)
            .collect();
        let [(winner, _)] = created.as_slice() else {
            panic!("{created:?}");
        };
        assert_eq!(manager.read(&path).await.unwrap().unwrap(), [*winner].as_slice());
    }
}
