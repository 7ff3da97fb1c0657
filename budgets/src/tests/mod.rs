//! Tests of the whole ledger on real files, with a clock that stands still.

mod charging;
mod crash;
mod files;
mod messages;
mod model;
mod race;
mod tamper;
mod terms;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use rusqlite::Connection;
use tempfile::TempDir;
use voilage_privacy::{Accountant, Delta, Epsilon, Loss, Rho};

use crate::{
    Charge, ChargeRequest, DatasetTerms, FixedClock, Ledger, LedgerError, Permit, ProjectTerms,
    RequestKey, Timestamp,
};

/// A ledger in a folder of its own.
struct Fixture {
    folder: TempDir,
    clock: Arc<FixedClock>,
    ledger: Ledger,
}

impl Fixture {
    /// A ledger without datasets, on 2026-06-15.
    fn empty() -> Self {
        Self::empty_on("2026-06-15")
    }

    fn empty_on(date: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(FixedClock::new(noon(date)));
        let ledger = Ledger::create(folder.path().join("ledger"), clock.clone()).unwrap();
        Self { folder, clock, ledger }
    }

    /// A zcdp dataset `rand` (8, 1e-6) with the zcdp project `costs` (2, 1e-6) and the pure
    /// project `counts` (1).
    fn new() -> Self {
        let fixture = Self::empty();
        fixture.ledger.register_dataset(&dataset("rand", "8", Some("1e-6"))).unwrap();
        fixture.ledger.open_project(&project("costs", "2", Some("1e-6"))).unwrap();
        fixture.ledger.open_project(&project("counts", "1", None)).unwrap();
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    /// Another handle on the same file.
    fn reopen(&self) -> Ledger {
        Ledger::open(self.path(), self.clock.clone()).unwrap()
    }

    /// A connection that is not ours.
    fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn today(&self, date: &str) {
        self.clock.set(noon(date));
    }

    fn request(&self, project: &str, key: u8, loss: Loss) -> ChargeRequest {
        ChargeRequest {
            project: project.to_owned(),
            principal: "ana".to_owned(),
            request_key: RequestKey([key; 32]),
            request_hash: [key; 32],
            loss,
            plan_hash: [7; 32],
            data_version: self.ledger.dataset("rand").unwrap().data_version,
            boundaries: 1,
            bounding_key: [key; 16],
            description: "SELECT count(*) FROM rand_hie".to_owned(),
            renew: false,
        }
    }

    fn admit(&self, project: &str, key: u8, loss: Loss) -> Result<Charge, LedgerError> {
        self.ledger.admit(&self.request(project, key, loss))
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
