//! What a query with state takes from its checkpoint's schema files, and the check of a run's first plan against them.

use tidemill_checkpoint::{BatchId, CheckpointLocation, FileManagerRef};
use tidemill_sql::{IncrementalExecution, StatefulOperator};
use tidemill_state::{
    OperatorStateMetadata, StateError, StateSchema, StateStoreId, StateStoreMetadata,
    check_key_or_write_schema, check_operators, check_or_write_schema, read_all, read_schema,
    with_stored_nullability, write_operator_metadata,
};

use super::state_conf::state_layout;
use crate::{Conf, ErrorKind, Result, TidemillError};

/// Gives deduplications the order of key columns that the checkpoint has, where that is not the query's.
pub(super) async fn order_keys(
    incremental: &mut IncrementalExecution,
    files: &FileManagerRef,
    conf: &Conf,
) -> Result<()> {
    if conf.get_bool("spark.sql.dropDuplicates.deterministicKeyOrder.enabled")? {
        return Ok(());
    }
    for operator in incremental.deduplications() {
        let stored = read_schema(files.as_ref(), operator, StateStoreId::DEFAULT_STORE).await?;
        let names: Option<Vec<String>> =
            stored.map(|schema| schema.key.iter().map(|key| key.name().clone()).collect());
        incremental.order_keys_as_stored(operator, names.as_deref())?;
    }
    Ok(())
}

/// What is compared, and by which rules.
#[derive(Debug)]
pub(super) struct StateCheck {
    files: FileManagerRef,
    configured_partitions: u32,
    /// Whether the state's columns are nullable whatever the query's are; else they are as the schema file says.
    always_nullable: bool,
    /// Whether a schema that does not fit is an error.
    compare_schemas: bool,
}

impl StateCheck {
    /// By these confs.
    pub(super) fn new(files: FileManagerRef, conf: &Conf) -> Result<Self> {
        Ok(Self {
            files,
            configured_partitions: state_layout(conf)?.partitions.get(),
            always_nullable: conf
                .get_bool("spark.sql.streaming.statefulOperator.alwaysNullableOutput.enabled")?,
            compare_schemas: conf.get_bool("spark.sql.streaming.stateStore.stateSchemaCheck")?,
        })
    }

    /// How many state partitions the checkpoint has; an operator without keys uses one of them.
    pub(super) const fn configured_partitions(&self) -> u32 {
        self.configured_partitions
    }

    /// Before the first batch of a run.
    ///
    /// # Errors
    /// Other operators than the checkpoint's, a state folder that is gone, a schema that does not fit.
    pub(super) async fn run(&self, operators: &[StatefulOperator], batch: BatchId) -> Result<()> {
        let found = read_all(self.files.as_ref()).await?;
        let mut named: Vec<_> = operators.iter().map(|o| (o.id, o.name)).collect();
        if batch > BatchId::FIRST {
            check_operators(&named, &found)?;
            self.check_folders(operators).await?;
        } else {
            // A crash may have left the metadata of some operators unwritten; what is there must fit.
            named.retain(|(id, _)| found.iter().any(|f| f.operator_id == *id));
            check_operators(&named, &found)?;
        }
        let metadata: Vec<_> = operators.iter().map(|o| self.metadata(o)).collect();
        write_operator_metadata(self.files.as_ref(), &metadata).await?;
        for operator in operators {
            self.check_schema(operator).await?;
        }
        Ok(())
    }

    async fn check_schema(&self, operator: &StatefulOperator) -> Result<()> {
        let (files, store) = (self.files.as_ref(), StateStoreId::DEFAULT_STORE);
        let schema: StateSchema = if self.always_nullable {
            operator.schema.clone()
        } else {
            with_stored_nullability(files, operator.id, store, &operator.schema).await?
        };
        let checked = if operator.name == "dedupe" {
            check_key_or_write_schema(files, operator.id, store, &schema).await
        } else {
            check_or_write_schema(files, operator.id, store, &schema).await
        };
        match checked {
            Err(
                error @ (StateError::KeySchemaNotCompatible { .. }
                | StateError::ValueSchemaNotCompatible { .. }),
            ) if !self.compare_schemas => {
                log::warn!("going on, because the check of state schemas is switched off: {error}");
                Ok(())
            }
            checked => checked.map(drop).map_err(Into::into),
        }
    }

    /// A query that went on must have its state: an operator without its folder was not there before, or lost it.
    async fn check_folders(&self, operators: &[StatefulOperator]) -> Result<()> {
        let state = CheckpointLocation::STATE;
        let folders = self.files.list(state).await?;
        for operator in operators {
            let name = operator.id.0.to_string();
            if !folders.iter().any(|folder| folder.is_dir && folder.name == name) {
                return Err(TidemillError::new(
                    ErrorKind::Corrupt,
                    "STREAMING_STATEFUL_OPERATOR_MISSING_STATE_DIRECTORY",
                    format!(
                        "Cannot restart streaming query with stateful operator {} ({}) because its state directory {} \
                         is empty or missing. Restore it from a copy, or start the query with a new checkpointLocation.",
                        operator.id.0,
                        operator.name,
                        self.files.describe(&format!("{state}/{name}"))
                    ),
                ));
            }
        }
        Ok(())
    }

    fn metadata(&self, operator: &StatefulOperator) -> OperatorStateMetadata {
        let store = StateStoreMetadata::new(StateStoreId::DEFAULT_STORE, 0, self.configured_partitions);
        OperatorStateMetadata::new(operator.id, operator.name, vec![store])
    }
}
