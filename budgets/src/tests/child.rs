//! Processes of their own: a test runs this test binary again, for itself alone, and is told there that
//! it is the child.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

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

/// One of several processes that work on the ledger of a fixture, with its number.
pub(super) fn on_ledger(test: &str, fixture: &Fixture, version: &str, number: u8) -> Child {
    let ledger = match &fixture.settings.location {
        Location::File(path) => path.to_str().unwrap().to_owned(),
        Location::Postgres(url) => url.clone(),
    };
    let witness = fixture.settings.witness.to_str().unwrap();
    let job = format!("{ledger}\n{witness}\n{version}\n{number}");
    of(test, &job).stdout(Stdio::piped()).spawn().unwrap()
}

/// What such a process was given: the ledger, opened for itself, the data version and its number.
pub(super) fn opened(job: &str) -> (Ledger, String, u8) {
    let lines: Vec<&str> = job.lines().collect();
    let [ledger, witness, version, number] = lines[..] else { panic!("{job}") };
    let beside = Settings::beside(Path::new(witness.trim_end_matches(".witness")));
    let location = Location::parse(ledger, Path::new("/"));
    let settings = Settings { location, ..beside };
    let clock = Arc::new(FixedClock::new(noon("2026-06-15")));
    let ledger = Ledger::open_at(&settings, clock).unwrap();
    (ledger, version.to_owned(), number.parse().unwrap())
}

/// How often the processes wrote this line, once all of them have ended well.
pub(super) fn lines_of(processes: Vec<Child>, line: &str) -> usize {
    let lines = |process: Child| {
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        text.lines().filter(|written| written.ends_with(line)).count()
    };
    processes.into_iter().map(lines).sum()
}

/// A question of a thousandth of the budget, known by its key.
pub(super) fn a_thousandth(version: &str, key: [u8; 32]) -> ChargeRequest {
    ChargeRequest {
        project: "costs".to_owned(),
        principal: "ana".to_owned(),
        request_key: RequestKey(key),
        request_hash: key,
        loss: pure("0.001"),
        plan_hash: [7; 32],
        data_version: version.to_owned(),
        boundaries: 1,
        bounding_key: [7; 16],
        description: "SELECT count(*) FROM rand_hie".to_owned(),
        shares: Vec::new(),
        detail: ChargeDetail::default(),
        renew: false,
    }
}
