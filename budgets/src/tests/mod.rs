//! Tests of the whole ledger on real databases, with a clock that stands still.
//!
//! What every store must do is tested by `each_store`, which runs one test on SQLite and on PostgreSQL.

mod admission;
mod arithmetic;
mod backup;
mod charging;
mod child;
mod cluster;
mod crash;
mod decisions;
mod faults;
mod files;
mod flat;
mod live;
mod messages;
mod model;
mod outages;
mod processes;
mod race;
mod recovery;
mod released;
mod revisit;
mod rollback;
mod simulation;
mod stores;
mod tamper;
mod terms;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use rusqlite::Connection;
use tempfile::TempDir;
use voilage_privacy::{Accountant, Delta, Epsilon, Loss, Rho};

use crate::store::chain::{self, Kind};
use crate::{
    Charge, ChargeDetail, ChargeRequest, DatasetShare, DatasetTerms, FixedClock, Ledger,
    LedgerError, Location, Permit, ProjectTerms, RequestKey, Settings, Timestamp,
};
use cluster::Cluster;

/// What a ledger lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    fn with_projects(self) -> Fixture {
        Fixture::on(self, "2026-06-15").with_projects()
    }

    fn full(self) -> Fixture {
        let fixture = self.with_projects();
        for key in 1..=3 {
            let charge = fixture.admit("costs", key, zcdp_with_delta("0.01", "1e-9")).unwrap();
            let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
            fixture.ledger.seal(&attempt, 0, &[key; 100]).unwrap();
        }
        fixture.admit("costs", 1, zcdp_with_delta("0.01", "1e-9")).unwrap();
        fixture.ledger.close_project("counts", "done").unwrap();
        fixture.ledger.register_dataset(&dataset("omop", "1", Some("1e-6"))).unwrap();
        fixture.ledger.give_dataset("costs", "omop", "both are asked").unwrap();
        let mut request = fixture.request("costs", 4, zcdp("0.001"));
        request.shares = vec![DatasetShare {
            dataset: "omop".to_owned(),
            data_version: fixture.ledger.dataset("omop").unwrap().data_version,
            loss: zcdp("0.001"),
        }];
        fixture.ledger.admit(&request).unwrap();
        fixture.record_decisions();
        fixture.record_recovery();
        fixture.ledger.verify().unwrap();
        fixture
    }

    fn empty(self) -> Fixture {
        Fixture::on(self, "2026-06-15")
    }
}

/// Runs one test on each store; where PostgreSQL is not installed, the output says so.
fn each_store(test: impl Fn(Backend)) {
    test(Backend::Sqlite);
    if Cluster::shared().is_some() {
        test(Backend::Postgres);
    }
}

/// A ledger of its own.
struct Fixture {
    folder: TempDir,
    settings: Settings,
    clock: Arc<FixedClock>,
    ledger: Ledger,
}

impl Fixture {
    /// A ledger without datasets, on 2026-06-15.
    fn empty() -> Self {
        Backend::Sqlite.empty()
    }

    /// A ledger without datasets.
    fn on(backend: Backend, date: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(FixedClock::new(noon(date)));
        let mut settings = Settings::beside(&folder.path().join("ledger"));
        if backend == Backend::Postgres {
            settings.location = Cluster::shared().unwrap().new_database();
        }
        let ledger = Ledger::create_at(&settings, clock.clone()).unwrap();
        Self { folder, settings, clock, ledger }
    }

    /// A zcdp dataset `rand` (8, 1e-6) with the zcdp project `costs` (2, 1e-6) and the pure
    /// project `counts` (1).
    fn new() -> Self {
        Backend::Sqlite.with_projects()
    }

    fn with_projects(self) -> Self {
        self.ledger.register_dataset(&dataset("rand", "8", Some("1e-6"))).unwrap();
        self.ledger.open_project(&project("costs", "2", Some("1e-6"))).unwrap();
        self.ledger.open_project(&project("counts", "1", None)).unwrap();
        self
    }

    /// A ledger file with one of everything.
    fn full() -> Self {
        Backend::Sqlite.full()
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// The rows of a recovery, as they are written.
    fn record_recovery(&self) {
        let rows = [
            (Kind::Recovery, "'adam', 'two copies', 9, ?2"),
            (
                Kind::RecoveredCharge,
                "(SELECT max(position) FROM recovery), 9, ?2,
                 (SELECT max(position) FROM project), (SELECT max(position) FROM dataset),
                 0, 0, 0, 0, 0, 0",
            ),
        ];
        for (kind, values) in rows {
            let (table, columns) = (kind.table(), kind.columns());
            let sql = format!("INSERT INTO {table} (position, {columns}) VALUES (?1, {values})");
            self.ledger
                .write(|transaction| {
                    chain::append(transaction, kind, noon("2026-06-15"), |position| {
                        transaction.execute(&sql, &[position.into(), (&[7; 32]).into()])
                    })
                })
                .unwrap();
        }
    }

    /// Another handle on the same ledger.
    fn reopen(&self) -> Ledger {
        Ledger::open_at(&self.settings, self.clock.clone()).unwrap()
    }

    /// A copy of the ledger's files as they are now, in a folder of its own, under the same witness.
    fn copied(&self) -> (TempDir, Settings) {
        let folder = TempDir::new().unwrap();
        for name in ["ledger", "ledger-wal"] {
            if let Ok(bytes) = std::fs::read(self.folder.path().join(name)) {
                std::fs::write(folder.path().join(name), bytes).unwrap();
            }
        }
        let location = Location::File(folder.path().join("ledger"));
        (folder, Settings { location, ..self.settings.clone() })
    }

    /// A connection that is not ours.
    fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn today(&self, date: &str) {
        self.clock.set(noon(date));
    }

    fn request(&self, project: &str, key: u8, loss: Loss) -> ChargeRequest {
        request(project, key, loss, self.ledger.dataset("rand").unwrap().data_version)
    }

    fn admit(&self, project: &str, key: u8, loss: Loss) -> Result<Charge, LedgerError> {
        self.ledger.admit(&self.request(project, key, loss))
    }
}

/// A question about a version of the data.
fn request(project: &str, key: u8, loss: Loss, data_version: String) -> ChargeRequest {
    ChargeRequest {
        project: project.to_owned(),
        principal: "ana".to_owned(),
        request_key: RequestKey([key; 32]),
        request_hash: [key; 32],
        loss,
        plan_hash: [7; 32],
        data_version,
        boundaries: 1,
        bounding_key: [key; 16],
        description: "SELECT count(*) FROM rand_hie".to_owned(),
        shares: Vec::new(),
        detail: ChargeDetail::default(),
        renew: false,
    }
}

fn dataset(name: &str, epsilon: &str, delta: Option<&str>) -> DatasetTerms {
    DatasetTerms {
        name: name.to_owned(),
        accountant: accountant(delta),
        epsilon: Epsilon::parse(epsilon).unwrap(),
        delta: delta.map(|delta| Delta::parse(delta).unwrap()),
    }
}

/// A project on `rand` with a permit for the year 2026.
fn project(name: &str, epsilon: &str, delta: Option<&str>) -> ProjectTerms {
    ProjectTerms {
        name: name.to_owned(),
        dataset: "rand".to_owned(),
        accountant: accountant(delta),
        epsilon: Epsilon::parse(epsilon).unwrap(),
        delta: delta.map(|delta| Delta::parse(delta).unwrap()),
        permit: Permit {
            authority: "Findata".to_owned(),
            reference: "THL/1/2026".to_owned(),
            purpose: "costs of care".to_owned(),
            starts: day("2026-01-01"),
            ends: day("2026-12-31"),
        },
    }
}

fn accountant(delta: Option<&str>) -> Accountant {
    if delta.is_some() { Accountant::Zcdp } else { Accountant::Pure }
}

fn zcdp(rho: &str) -> Loss {
    Loss::Zcdp { rho: Rho::parse(rho).unwrap(), delta: Delta::zero() }
}

fn zcdp_with_delta(rho: &str, delta: &str) -> Loss {
    Loss::Zcdp { rho: Rho::parse(rho).unwrap(), delta: Delta::parse(delta).unwrap() }
}

fn pure(epsilon: &str) -> Loss {
    Loss::Pure { epsilon: Epsilon::parse(epsilon).unwrap() }
}

fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}

fn noon(date: &str) -> Timestamp {
    day(date).and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap()).and_utc()
}
