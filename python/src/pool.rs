//! The threads that bound contributions: one pool per process.
//!
//! A forked process has none of its parent's threads. Work handed to the parent's pool would wait
//! there for ever, so that a new process gets a new pool.

use std::sync::{Arc, Mutex};

use rayon::{ThreadPool, ThreadPoolBuilder};
use voilage_query::QueryError;

static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// The pool of this process, made when it is first needed.
pub(crate) fn of_this_process() -> Result<Arc<ThreadPool>, QueryError> {
    let process = std::process::id();
    let mut pool = POOL.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((owner, pool)) = pool.as_ref()
        && *owner == process
    {
        return Ok(Arc::clone(pool));
    }
    let new = ThreadPoolBuilder::new()
        .thread_name(|index| format!("voilage-bounding-{index}"))
        .build()
        .map_err(|_| QueryError::Bug("no threads for bounding".to_owned()))?;
    let new = Arc::new(new);
    // The parent's threads do not exist here, and nothing may wait for them to end.
    std::mem::forget(pool.replace((process, Arc::clone(&new))));
    Ok(new)
}
