//! What a checkpoint says about its stateful operators: `state/<operator>/_metadata`.
//!
//! Version 1 is one file, version 2 one file per start of the query, of which the newest counts. An operator
//! without metadata is left out: Spark goes on without it too.

use serde::{Deserialize, Serialize};
use tidemill_checkpoint::{
    BatchId, CheckpointError, CheckpointFileManager, CheckpointLocation, parse_json, parse_versioned,
};

use crate::{OperatorId, Result, StateError};

const EXPECTED: &str = "a version line and a JSON object with operatorInfo and stateStoreInfo";

/// One store of a stateful operator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StateStoreMetadata {
    /// `default`, or a name of the operator's choice.
    pub store_name: String,
    /// How many leading key columns a prefix scan may give; 0 for none.
    pub num_cols_prefix_key: u32,
    /// The configured number of state partitions; informative, the offset log decides.
    pub num_partitions: u32,
    /// Version 2: the schema files, as absolute URIs, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state_schema_file_paths: Vec<String>,
}

impl StateStoreMetadata {
    /// A store of version 1.
    pub fn new(store_name: impl Into<String>, num_cols_prefix_key: u32, num_partitions: u32) -> Self {
        Self {
            store_name: store_name.into(),
            num_cols_prefix_key,
            num_partitions,
            state_schema_file_paths: Vec::new(),
        }
    }
}

/// One stateful operator of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperatorStateMetadata {
    /// Its number, from the output side.
    pub operator_id: OperatorId,
    /// Spark's name of the operator: `stateStoreSave`, `dedupe` …
    pub operator_name: String,
    /// Its stores.
    pub stores: Vec<StateStoreMetadata>,
    /// Version 2: what the operator itself wrote down, JSON text.
    pub properties_json: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    operator_info: OperatorInfo,
    state_store_info: Vec<StateStoreMetadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator_properties_json: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperatorInfo {
    operator_id: u32,
    operator_name: String,
}

impl OperatorStateMetadata {
    /// An operator of version 1.
    pub fn new(
        operator_id: OperatorId,
        operator_name: impl Into<String>,
        stores: Vec<StateStoreMetadata>,
    ) -> Self {
        Self {
            operator_id,
            operator_name: operator_name.into(),
            stores,
            properties_json: None,
        }
    }

    /// The content of a file of version 1; `path` is for messages.
    fn format_v1(&self, path: &str) -> Result<String> {
        if self.properties_json.is_some() {
            return Err(StateError::Checkpoint(CheckpointError::NotInVersion {
                path: path.to_owned(),
                version: 1,
                what: "the properties of an operator".to_owned(),
            }));
        }
        let file = File {
            operator_info: OperatorInfo {
                operator_id: self.operator_id.0,
                operator_name: self.operator_name.clone(),
            },
            state_store_info: self.stores.clone(),
            operator_properties_json: None,
        };
        let json =
            serde_json::to_string(&file).map_err(|error| CheckpointError::io("encode", path, error))?;
        Ok(format!("v1\n{json}"))
    }

    /// Reads a metadata file of version `expected_version`; `path` is for messages.
    fn parse(path: &str, content: &[u8], expected_version: u32) -> Result<Self> {
        let (version, body) = parse_versioned(path, content, 2, EXPECTED)?;
        if version != expected_version {
            return Err(StateError::Checkpoint(CheckpointError::VersionMismatch {
                path: path.to_owned(),
                supported: expected_version,
                found: u64::from(version),
            }));
        }
        let file: File = parse_json(path, body.unwrap_or_default(), EXPECTED)?;
        Ok(Self {
            operator_id: OperatorId(file.operator_info.operator_id),
            operator_name: file.operator_info.operator_name,
            stores: file.state_store_info,
            properties_json: file.operator_properties_json,
        })
    }
}

/// Writes the metadata of operators that have none yet, as version 1; what is there stays as it is.
///
/// # Errors
/// An operator with properties, which only version 2 has a place for.
pub async fn write_operator_metadata(
    manager: &dyn CheckpointFileManager,
    operators: &[OperatorStateMetadata],
) -> Result<()> {
    for operator in operators {
        let folder = metadata_folder(u64::from(operator.operator_id.0));
        if read_newest(manager, &folder).await?.is_some() {
            continue;
        }
        let path = format!("{folder}/metadata");
        let content = operator.format_v1(&manager.describe(&path))?;
        let created = manager.create(&path, content.into()).await?;
        created.or_concurrent(&manager.describe(&path))?;
    }
    Ok(())
}

fn metadata_folder(operator: u64) -> String {
    format!("{}/{operator}/_metadata", CheckpointLocation::STATE)
}

/// The metadata of all stateful operators of a checkpoint, by operator id; none for a stateless query.
pub async fn read_all(manager: &dyn CheckpointFileManager) -> Result<Vec<OperatorStateMetadata>> {
    let mut operators: Vec<u64> = manager
        .list(CheckpointLocation::STATE)
        .await?
        .iter()
        .filter(|folder| folder.is_dir)
        .filter_map(|folder| BatchId::from_file_name(&folder.name))
        .map(BatchId::get)
        .collect();
    operators.sort_unstable();
    let mut found = Vec::new();
    for operator in operators {
        let folder = metadata_folder(operator);
        if let Some(metadata) = read_newest(manager, &folder).await? {
            found.push(metadata);
        }
    }
    Ok(found)
}

async fn read_newest(
    manager: &dyn CheckpointFileManager,
    folder: &str,
) -> Result<Option<OperatorStateMetadata>> {
    let newest = manager
        .list(&format!("{folder}/v2"))
        .await?
        .iter()
        .filter(|file| !file.is_dir)
        .filter_map(|file| BatchId::from_file_name(&file.name))
        .max();
    let (path, version) = match newest {
        Some(batch) => (format!("{folder}/v2/{batch}"), 2),
        None => (format!("{folder}/metadata"), 1),
    };
    match manager.read(&path).await? {
        Some(content) => OperatorStateMetadata::parse(&manager.describe(&path), &content, version).map(Some),
        None => Ok(None),
    }
}

/// Compares the stateful operators of a plan with those of its checkpoint: ids and names must be equal.
///
/// A checkpoint without any metadata fits every plan, as in Spark: it may be new, or older than the metadata.
pub fn check_operators(plan: &[(OperatorId, &str)], found: &[OperatorStateMetadata]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let mut in_plan: Vec<(OperatorId, &str)> = plan.to_vec();
    let mut in_metadata: Vec<(OperatorId, &str)> = found
        .iter()
        .map(|operator| (operator.operator_id, operator.operator_name.as_str()))
        .collect();
    in_plan.sort_unstable();
    in_metadata.sort_unstable();
    if in_plan == in_metadata {
        return Ok(());
    }
    Err(StateError::OperatorsDoNotMatch {
        in_metadata: listed(&in_metadata),
        in_plan: listed(&in_plan),
    })
}

fn listed(operators: &[(OperatorId, &str)]) -> String {
    let listed: Vec<String> = operators
        .iter()
        .map(|(OperatorId(id), name)| format!("(OperatorId: {id} -> OperatorName: {name})"))
        .collect();
    listed.join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidemill_checkpoint::testing::in_memory;

    use super::*;

    const V1: &str = "v1\n{\"operatorInfo\":{\"operatorId\":0,\"operatorName\":\"stateStoreSave\"},\"stateStoreInfo\":[{\"storeName\":\"default\",\"numColsPrefixKey\":0,\"numPartitions\":3}]}";
    const V2: &str = "v2\n{\"operatorInfo\":{\"operatorId\":1,\"operatorName\":\"transformWithStateInPandasExec\"},\"stateStoreInfo\":[{\"storeName\":\"default\",\"numColsPrefixKey\":0,\"numPartitions\":3,\"stateSchemaFilePaths\":[\"file:/c/state/0/_stateSchema/default/0_x\"]}],\"operatorPropertiesJson\":\"{\\\"timeMode\\\":\\\"NoTime\\\"}\"}";

    async fn with(files: &[(&str, &str)]) -> Arc<dyn CheckpointFileManager> {
        let manager = in_memory();
        for (path, content) in files {
            manager.replace(path, (*content).to_owned().into()).await.unwrap();
        }
        manager
    }

    #[tokio::test]
    async fn both_versions_are_read_and_the_newest_start_counts() {
        let older = V2.replace("NoTime", "EventTime");
        let manager = with(&[
            ("state/0/_metadata/metadata", V1),
            ("state/0/0/1.delta", "x"),
            ("state/1/_metadata/v2/0", &older),
            ("state/1/_metadata/v2/10", V2),
            ("state/1/_metadata/v2/.10.crc", "x"),
            ("state/2/0/1.delta", "an operator without metadata"),
        ])
        .await;
        let found = read_all(manager.as_ref()).await.unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|o| (o.operator_id.0, o.operator_name.as_str()))
            .collect();
        assert_eq!(
            names,
            [(0, "stateStoreSave"), (1, "transformWithStateInPandasExec")]
        );
        assert_eq!(found[0].stores[0].num_partitions, 3);
        assert_eq!(
            found[1].properties_json.as_deref(),
            Some("{\"timeMode\":\"NoTime\"}")
        );
        assert_eq!(found[1].stores[0].state_schema_file_paths.len(), 1);
    }

    #[tokio::test]
    async fn metadata_is_written_once_with_sparks_bytes() {
        let manager = with(&[("state/1/_metadata/v2/0", V2)]).await;
        let store = || StateStoreMetadata::new("default", 0, 3);
        let mut operators = [
            OperatorStateMetadata::new(OperatorId(0), "stateStoreSave", vec![store()]),
            OperatorStateMetadata::new(OperatorId(1), "dedupe", vec![store()]),
        ];
        write_operator_metadata(manager.as_ref(), &operators)
            .await
            .unwrap();
        let written = manager.read("state/0/_metadata/metadata").await.unwrap();
        assert_eq!(written.unwrap(), V1);
        // What another version says already stays the only word.
        assert!(
            manager
                .read("state/1/_metadata/metadata")
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(read_all(manager.as_ref()).await.unwrap()[0], operators[0]);
        operators[0].operator_name = "dedupe".to_owned();
        write_operator_metadata(manager.as_ref(), &operators)
            .await
            .unwrap();
        assert_eq!(
            read_all(manager.as_ref()).await.unwrap()[0].operator_name,
            "stateStoreSave"
        );
    }

    #[tokio::test]
    async fn properties_have_no_place_in_version_1() {
        let manager = with(&[]).await;
        let mut operator = OperatorStateMetadata::new(OperatorId(0), "transformWithStateExec", Vec::new());
        operator.properties_json = Some("{}".to_owned());
        let error = write_operator_metadata(manager.as_ref(), &[operator])
            .await
            .unwrap_err();
        assert_eq!(error.condition(), "CHECKPOINT_NOT_IN_VERSION");
    }

    #[tokio::test]
    async fn a_stateless_query_is_refused_on_a_stateful_checkpoint() {
        let manager = with(&[("state/0/_metadata/metadata", V1)]).await;
        let found = read_all(manager.as_ref()).await.unwrap();
        check_operators(&[(OperatorId(0), "stateStoreSave")], &found).unwrap();
        for plan in [
            &[][..],
            &[(OperatorId(0), "dedupe")],
            &[(OperatorId(1), "stateStoreSave")],
        ] {
            let error = check_operators(plan, &found).unwrap_err();
            assert_eq!(
                error.condition(),
                "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA"
            );
            assert!(
                error
                    .to_string()
                    .contains("metadata: [(OperatorId: 0 -> OperatorName: stateStoreSave)]"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_checkpoint_without_metadata_fits_every_plan() {
        let found = read_all(with(&[]).await.as_ref()).await.unwrap();
        assert!(found.is_empty());
        check_operators(&[(OperatorId(0), "dedupe")], &found).unwrap();
    }

    #[tokio::test]
    async fn damaged_metadata_names_its_path() {
        for (content, condition) in [
            ("", "CHECKPOINT_FILE_EMPTY"),
            ("v1", "CHECKPOINT_FILE_TORN"),
            ("v1\n{\"operatorInfo\":{\"oper", "CHECKPOINT_FILE_TORN"),
            ("v1\n{}", "CHECKPOINT_FILE_MALFORMED"),
            ("v2\n{}", "INVALID_LOG_VERSION.EXACT_MATCH_VERSION"),
            ("v3\n{}", "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION"),
        ] {
            let manager = with(&[("state/0/_metadata/metadata", content)]).await;
            let error = read_all(manager.as_ref()).await.unwrap_err();
            assert_eq!(error.condition(), condition, "{content}");
            assert!(
                error.to_string().contains("state/0/_metadata/metadata"),
                "{error}"
            );
        }
    }
}
