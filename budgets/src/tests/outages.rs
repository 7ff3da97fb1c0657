//! Databases that are locked, full, or gone: a clear error, nothing lost, and asking again completes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::ErrorKind;
use crate::store::admit;

/// Asking again finds or makes the charge, once.
fn completes(fixture: &Fixture, request: &ChargeRequest) {
    let again = || match fixture.ledger.admit(request) {
        // A connection notices that it is lost when it is used, and is renewed at the next use.
        Err(LedgerError::ConnectionLost { .. }) => fixture.ledger.admit(request),
        other => other,
    };
    again().unwrap();
    assert!(again().unwrap().replayed);
    assert_eq!(fixture.reopen().project("costs").unwrap().spent, zcdp("0.01"));
    fixture.reopen().verify().unwrap();
}

#[test]
fn a_database_that_somebody_else_locks_is_busy() {
    each_store(|store| {
        let fixture = store.with_projects();
        let request = fixture.request("costs", 1, zcdp("0.01"));
        // Twenty seconds are the ledger's patience, not the test's.
        let hurry = match store {
            Backend::Sqlite => "PRAGMA busy_timeout = 50",
            Backend::Postgres => "SELECT set_config('lock_timeout', '50ms', false)",
        };
        fixture.ledger.writer().with_store(|store| {
            let transaction: &dyn crate::store::database::Transaction = store;
            transaction.rows(hurry, &[]).unwrap();
        });
        let refused = || {
            let error = fixture.ledger.admit(&request).unwrap_err();
            assert!(matches!(error, LedgerError::Busy), "{error}");
            assert_eq!(error.kind(), ErrorKind::TryAgain);
        };
        match &fixture.settings.location {
            Location::File(_) => {
                let other = fixture.raw();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                refused();
                other.execute_batch("ROLLBACK").unwrap();
            }
            Location::Postgres(url) => {
                let mut other = postgres::Client::connect(url, postgres::NoTls).unwrap();
                let mut held = other.transaction().unwrap();
                held.execute("SELECT 1 FROM voilage.identity FOR UPDATE", &[]).unwrap();
                refused();
                held.rollback().unwrap();
            }
        }
        completes(&fixture, &request);
    });
}

/// What PostgreSQL says of itself when a disk is full or fails, or when it is told to stop; for a file
/// `faults.rs` lets every call fail.
#[test]
fn a_server_that_fails_in_the_middle_of_a_charge_undoes_it() {
    if Cluster::shared().is_none() {
        return;
    }
    for (code, is_expected) in [
        ("53100", (|error| matches!(error, LedgerError::Disk { .. })) as fn(&LedgerError) -> bool),
        ("58030", |error| matches!(error, LedgerError::Disk { .. })),
        ("57P01", |error| matches!(error, LedgerError::ConnectionLost { .. })),
        ("40P01", |error| matches!(error, LedgerError::Busy)),
        ("XX001", |error| matches!(error, LedgerError::Altered { .. })),
    ] {
        let fixture = Backend::Postgres.with_projects();
        let request = fixture.request("costs", 1, zcdp("0.01"));
        // A function of the test's raises what the server would.
        let Location::Postgres(url) = &fixture.settings.location else { panic!() };
        let mut other = postgres::Client::connect(url, postgres::NoTls).unwrap();
        let fails = format!(
            "CREATE FUNCTION public.fails() RETURNS int LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = '{code}'; END $$"
        );
        other.batch_execute(&fails).unwrap();
        let failed = fixture.ledger.write(|transaction| {
            admit::admit(transaction, fixture.clock.as_ref(), &request)?;
            transaction.rows("SELECT public.fails()", &[]).map(drop)
        });
        let error = failed.unwrap_err();
        assert!(is_expected(&error), "{code}: {error}");
        let charges = fixture.reopen().charges("costs").unwrap();
        assert!(charges.is_empty(), "{code}: half a charge");
        completes(&fixture, &request);
    }
}

/// A server of a cluster whose first one was stopped.
struct Server(Child);

impl Server {
    fn start(cluster: &Cluster) -> Self {
        let script = r#"
            as=
            if [ "$(id -u)" -eq 0 ]; then
                user=nobody
                if id postgres >/dev/null 2>&1; then user=postgres; fi
                as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
            fi
            cd "$2"
            # Its writer is dead, and still a child of the script that nobody asked about.
            rm -f "$2/data/postmaster.pid"
            exec $as "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c logging_collector=off 2>&1"#;
        let mut child = Command::new("sh")
            .args(["-c", script, "restart"])
            .args([&cluster::binaries().unwrap(), &cluster.folder])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_ready = |line: &String| line.contains("ready to accept connections");
        assert!(lines.map_while(Result::ok).any(|line| is_ready(&line)), "it did not start again");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The cluster's folder goes with its script; what is left of the server must go before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The whole server is gone in the middle of a charge and comes back.
#[test]
fn a_server_that_is_stopped_in_the_middle_of_a_charge_forgets_it() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = TempDir::new().unwrap();
    let beside = Settings::beside(&folder.path().join("ledger"));
    let settings = Settings { location: cluster.new_database(), ..beside };
    let clock = Arc::new(FixedClock::new(noon("2026-06-15")));
    let ledger = Ledger::create_at(&settings, clock.clone()).unwrap();
    let fixture = Fixture { folder, settings, clock, ledger }.with_projects();
    let kept = fixture.request("costs", 7, zcdp("0.02"));
    fixture.ledger.admit(&kept).unwrap();
    let request = fixture.request("costs", 1, zcdp("0.01"));
    let pid = std::fs::read_to_string(cluster.folder.join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().to_owned();
    let lost: Result<(), LedgerError> = fixture.ledger.write(|transaction| {
        admit::admit(transaction, fixture.clock.as_ref(), &request)?;
        // At once, as when a machine loses its power.
        assert!(Command::new("kill").args(["-QUIT", &pid]).status().unwrap().success());
        loop {
            transaction.rows("SELECT 1", &[])?;
        }
    });
    let error = lost.unwrap_err();
    assert!(matches!(error, LedgerError::ConnectionLost { .. }), "{error}");
    let error = fixture.ledger.admit(&request).unwrap_err();
    assert!(matches!(error, LedgerError::ConnectionLost { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    let _server = Server::start(&cluster);
    let again = || match fixture.ledger.admit(&request) {
        Err(LedgerError::ConnectionLost { .. }) => fixture.ledger.admit(&request),
        other => other,
    };
    assert!(!again().unwrap().replayed, "the charge was there after all");
    assert_eq!(fixture.reopen().project("costs").unwrap().spent, zcdp("0.03"));
    fixture.reopen().verify().unwrap();
}
