//! What the planner of one statement sees of the session: its functions, planners and options.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, Result as DataFusionResult, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};

use super::functions::{self, Functions};
use super::types::SparkTypes;
use super::{SqlDialect, SqlSettings, analyzer};

/// The planner's view of a session, for one statement.
pub(crate) struct StatementContext<'a> {
    state: &'a SessionState,
    dialect: SqlDialect,
    functions: Functions,
    expr_planners: Vec<Arc<dyn ExprPlanner>>,
    relation_planners: Vec<Arc<dyn RelationPlanner>>,
}

impl<'a> StatementContext<'a> {
    /// The context of a statement whose relations this planner answers.
    pub(crate) fn new(
        state: &'a SessionState,
        settings: &SqlSettings,
        relations: Arc<dyn RelationPlanner>,
    ) -> Self {
        let mut expr_planners: Vec<Arc<dyn ExprPlanner>> = Vec::new();
        if settings.dialect == SqlDialect::Spark {
            expr_planners.push(Arc::new(analyzer::SparkExprPlanner::new(settings)));
        }
        expr_planners.extend(state.expr_planners().iter().cloned());
        let mut relation_planners = vec![relations];
        relation_planners.extend(state.relation_planners().iter().cloned());
        Self {
            state,
            dialect: settings.dialect,
            functions: functions::of(settings),
            expr_planners,
            relation_planners,
        }
    }

    fn is_spark(&self) -> bool {
        self.dialect == SqlDialect::Spark
    }
}

impl ContextProvider for StatementContext<'_> {
    fn get_table_source(&self, name: TableReference) -> DataFusionResult<Arc<dyn TableSource>> {
        // Every table was answered by its number before; what comes here is a CTE, which the caller tries first.
        Err(DataFusionError::Plan(format!("table '{name}' not found")))
    }

    fn get_table_function_source(
        &self,
        name: &str,
        args: Vec<Expr>,
    ) -> DataFusionResult<Arc<dyn TableSource>> {
        let function = self
            .state
            .table_functions()
            .get(name)
            .ok_or_else(|| DataFusionError::Plan(format!("table function '{name}' not found")))?;
        let provider = function.create_table_provider_with_args(
            datafusion::catalog::TableFunctionArgs::new(&args, self.state),
        )?;
        Ok(provider_as_source(provider))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> DataFusionResult<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.expr_planners
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        &self.relation_planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        self.is_spark()
            .then(|| Arc::new(SparkTypes) as Arc<dyn TypePlanner>)
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.functions
            .scalar(name)
            .or_else(|| self.state.scalar_functions().get(name).cloned())
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.functions
            .higher_order(name)
            .or_else(|| self.state.higher_order_functions().get(name).cloned())
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.functions
            .aggregate(name)
            .or_else(|| self.state.aggregate_functions().get(name).cloned())
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        match self.dialect {
            SqlDialect::Spark => self.functions.window(name),
            SqlDialect::DataFusion => self.state.window_functions().get(name).cloned(),
        }
    }

    fn get_variable_type(&self, _variable_names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
