//! Processes of their own: a test runs this test binary again, for itself alone, and is told there that
//! it is the child.

use std::process::Command;

/// Holds what the child is to do.
const JOB: &str = "VOILAGE_CHILD_JOB";

/// A process that runs the test called `test` with a job.
pub(super) fn of(test: &str, job: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture", "--test-threads", "1"]).env(JOB, job);
    child
}

/// The job, in a child.
#[expect(clippy::disallowed_methods, reason = "a child has no other arguments than the harness's")]
pub(super) fn job() -> Option<String> {
    std::env::var(JOB).ok()
}
