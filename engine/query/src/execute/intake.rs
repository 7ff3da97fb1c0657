//! From a physical plan into the kernel: every partition of the scan has a task and a lane.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use tokio::task::JoinSet;
use voilage_kernels::{
    Bounder, BoundingPlan, KernelError, Lane, Memory, PartialState, SortedLane, Spill,
};

use super::Failure;
use super::resources::Resources;
use super::spill::SpillFolder;

/// Reads all rows of a plan and bounds them. Tasks end with the future, finished or not, and with
/// them what they have spilled.
///
/// Rows that are said to be sorted by unit are streamed; where that turns out to be wrong, they are
/// read again. Both ways give the same totals.
pub(super) async fn bounded(
    plan: Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    bounding: BoundingPlan,
    resources: &Resources,
    folder: &Arc<SpillFolder>,
    sorted: bool,
) -> Result<PartialState, Failure> {
    let spill: Arc<dyn Spill> = Arc::clone(folder) as _;
    let memory = Memory { limit_bytes: Some(resources.rows_bytes()), spill: Some(spill) };
    let bounder = |plan: &Arc<dyn ExecutionPlan>, bounding: BoundingPlan| {
        Bounder::with_memory(bounding, plan.schema(), memory.clone()).map_err(kernel)
    };
    if sorted && keeps_order(&plan) {
        let bounder = bounder(&plan, bounding.clone())?;
        match read(&plan, context, || bounder.sorted_lane(), SortedLane::push).await {
            Ok(lanes) => match bounder.finish_sorted(lanes) {
                Err(KernelError::Unsorted) => {}
                state => return state.map_err(kernel),
            },
            Err(Ended::Unsorted) => {}
            Err(Ended::Failed(failure)) => return Err(failure),
        }
    }
    // A plan remembers which files its partitions have taken: without this, the second reading would
    // find those gone that the first one took.
    let plan = reset_plan_states(plan).map_err(data)?;
    let bounder = bounder(&plan, bounding)?;
    match read(&plan, context, || bounder.lane(), Lane::push).await {
        Ok(lanes) => bounder.finish(lanes).map_err(kernel),
        Err(Ended::Unsorted) => Err(kernel(KernelError::Unsorted)),
        Err(Ended::Failed(failure)) => Err(failure),
    }
}

/// Why reading ended early.
enum Ended {
    Unsorted,
    Failed(Failure),
}

impl From<KernelError> for Ended {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Unsorted => Self::Unsorted,
            other => Self::Failed(kernel(other)),
        }
    }
}

/// Whether rows leave a plan in the order in which each of its partitions reads them. Other plans
/// could only be found out to be unsorted.
fn keeps_order(plan: &Arc<dyn ExecutionPlan>) -> bool {
    const KEEPING: [&str; 5] = [
        "DataSourceExec",
        "FilterExec",
        "ProjectionExec",
        "CoalesceBatchesExec",
        "CooperativeExec",
    ];
    KEEPING.contains(&plan.name()) && plan.children().into_iter().all(keeps_order)
}

/// All rows of a plan, each partition on a task and in a lane of its own.
async fn read<L: Send + 'static>(
    plan: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    lane: impl Fn() -> Result<L, KernelError>,
    push: fn(&mut L, &RecordBatch) -> Result<(), KernelError>,
) -> Result<Vec<L>, Ended> {
    let mut tasks = JoinSet::new();
    for partition in 0..plan.output_partitioning().partition_count() {
        let (lane, plan, context) = (lane()?, Arc::clone(plan), Arc::clone(context));
        tasks.spawn(filled(lane, push, plan, partition, context));
    }
    let mut lanes = Vec::with_capacity(tasks.len());
    while let Some(ended) = tasks.join_next().await {
        let died = |_| Ended::Failed(Failure::Data("a task of the scan died".to_owned()));
        lanes.push(ended.map_err(died)??);
    }
    Ok(lanes)
}

async fn filled<L>(
    mut lane: L,
    push: fn(&mut L, &RecordBatch) -> Result<(), KernelError>,
    plan: Arc<dyn ExecutionPlan>,
    partition: usize,
    context: Arc<TaskContext>,
) -> Result<L, Ended> {
    let failed = |error| Ended::Failed(data(error));
    let mut stream = plan.execute(partition, context).map_err(failed)?;
    while let Some(batch) = stream.next().await {
        push(&mut lane, &batch.map_err(failed)?)?;
    }
    Ok(lane)
}

pub(super) fn data(error: DataFusionError) -> Failure {
    Failure::Data(error.to_string())
}

pub(super) fn kernel(error: KernelError) -> Failure {
    Failure::Data(error.to_string())
}
