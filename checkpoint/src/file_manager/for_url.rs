//! From a URL to its file manager: `file`, `memory`, and the clouds behind their features.

use std::sync::Arc;

use object_store::ObjectStoreScheme;
use url::Url;

use super::{Blocking, CheckpointFileManager, LocalFileManager, ObjectStoreFileManager};
use crate::error::{CheckpointError, Result};

/// The file manager of the folder at `url`.
///
/// `file:///…` is a local folder. `s3://`, `gs://`, `az://` (and object_store's other spellings of them) need the
/// features `aws`, `gcp`, `azure`; `options` are object_store's configuration keys (`aws_region` …), unknown ones
/// are passed over, and nothing is read from the environment. `memory:///…` is a new, empty store at each call.
pub fn file_manager_for_url(
    url: &Url,
    options: impl IntoIterator<Item = (String, String)>,
    blocking: Arc<dyn Blocking>,
) -> Result<Arc<dyn CheckpointFileManager>> {
    let unsupported = |reason: String| CheckpointError::UnsupportedStore {
        location: url.to_string(),
        reason,
    };
    let (scheme, _) = ObjectStoreScheme::parse(url).map_err(|error| unsupported(error.to_string()))?;
    let feature = match scheme {
        ObjectStoreScheme::Local => {
            let root = url.to_file_path().map_err(|()| {
                unsupported("it names no local folder; write file:/// and an absolute path".to_owned())
            })?;
            return Ok(Arc::new(LocalFileManager::new(root, blocking)));
        }
        ObjectStoreScheme::Memory => None,
        ObjectStoreScheme::AmazonS3 => (!cfg!(feature = "aws")).then_some("aws"),
        ObjectStoreScheme::GoogleCloudStorage => (!cfg!(feature = "gcp")).then_some("gcp"),
        ObjectStoreScheme::MicrosoftAzure => (!cfg!(feature = "azure")).then_some("azure"),
        _ => {
            return Err(unsupported(
                "only file, memory, S3, GCS and Azure can hold one".to_owned(),
            ));
        }
    };
    if let Some(feature) = feature {
        return Err(unsupported(format!(
            "this build has no support for {}; build it with the feature '{feature}'",
            url.scheme()
        )));
    }
    let (store, prefix) =
        object_store::parse_url_opts(url, options).map_err(|error| unsupported(error.to_string()))?;
    Ok(Arc::new(ObjectStoreFileManager::new(Arc::from(store), prefix)))
}
