//! From a physical plan into the kernel: every partition of the scan has a task and a lane.

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use tokio::task::JoinSet;
use voilage_kernels::{Bounder, BoundingPlan, KernelError, Lane, Memory, PartialState, Spill};

use super::Failure;
use super::resources::Resources;
use super::spill::SpillFolder;

/// Reads all rows of a plan and bounds them. Tasks end with the future, finished or not, and with
/// them what they have spilled.
pub(super) async fn bounded(
    plan: Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    bounding: BoundingPlan,
    resources: &Resources,
    folder: &Arc<SpillFolder>,
) -> Result<PartialState, Failure> {
    let spill: Arc<dyn Spill> = Arc::clone(folder) as _;
    let memory = Memory { limit_bytes: Some(resources.rows_bytes()), spill: Some(spill) };
    let bounder = Bounder::with_memory(bounding, plan.schema(), memory).map_err(kernel)?;
    let mut tasks = JoinSet::new();
    for partition in 0..plan.output_partitioning().partition_count() {
        let lane = bounder.lane().map_err(kernel)?;
        let (plan, context) = (Arc::clone(&plan), Arc::clone(context));
        tasks.spawn(filled(lane, plan, partition, context));
    }
    let mut lanes = Vec::with_capacity(tasks.len());
    while let Some(ended) = tasks.join_next().await {
        let died = |_| Failure::Data("a task of the scan died".to_owned());
        lanes.push(ended.map_err(died)??);
    }
    bounder.finish(lanes).map_err(kernel)
}

async fn filled(
    mut lane: Lane,
    plan: Arc<dyn ExecutionPlan>,
    partition: usize,
    context: Arc<TaskContext>,
) -> Result<Lane, Failure> {
    let mut stream = plan.execute(partition, context).map_err(data)?;
    while let Some(batch) = stream.next().await {
        lane.push(&batch.map_err(data)?).map_err(kernel)?;
    }
    Ok(lane)
}

pub(super) fn data(error: DataFusionError) -> Failure {
    Failure::Data(error.to_string())
}

pub(super) fn kernel(error: KernelError) -> Failure {
    Failure::Data(error.to_string())
}
