//! Ledgers as released versions wrote them: opened, upgraded, and in order.

use super::*;
use crate::store::database::migrations::VERSION;

/// One file per released version, oldest first.
const RELEASED: [(&str, i64); 1] = [(include_str!("released/version-1.sql"), 1)];

#[test]
fn every_released_version_is_upgraded_and_keeps_what_was_spent() {
    for (sql, version) in RELEASED {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger");
        let unchecked = format!("PRAGMA foreign_keys = OFF; {sql}");
        Connection::open(&path).unwrap().execute_batch(&unchecked).unwrap();
        let before: i64 = number(&path, "PRAGMA user_version");
        assert_eq!(before, version);
        let entries = number(&path, "SELECT count(*) FROM entry");
        let head: Vec<u8> = Connection::open(&path)
            .unwrap()
            .query_row("SELECT hash FROM entry ORDER BY position DESC LIMIT 1", [], |row| {
                row.get(0)
            })
            .unwrap();
        let clock = Arc::new(FixedClock::new(noon("2026-06-16")));
        let ledger = Ledger::open(&path, clock.clone()).unwrap();
        assert_eq!(number(&path, "PRAGMA user_version"), VERSION);
        let found = ledger.verify().unwrap();
        assert!(found.entries >= entries.unsigned_abs());
        let kept: Vec<u8> = Connection::open(&path)
            .unwrap()
            .query_row("SELECT hash FROM entry WHERE position = ?1", [entries], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, head, "the old entries are what they were");
        assert_eq!(ledger.project("costs").unwrap().spent, zcdp_with_delta("0.03", "3e-9"));
        assert_eq!(ledger.dataset("rand").unwrap().spent, zcdp_with_delta("0.03", "3e-9"));
        let charges = ledger.charges("costs").unwrap();
        assert_eq!(charges.len(), 3);
        assert_eq!(ledger.sealed(&charges[1].charge, 0).unwrap().unwrap(), [2; 100]);
        // It goes on, and a second opening changes nothing.
        let head = ledger.head().unwrap();
        drop(ledger);
        let ledger = Ledger::open(&path, clock).unwrap();
        assert_eq!(ledger.head().unwrap(), head);
        let request = ChargeRequest {
            project: "costs".to_owned(),
            principal: "ana".to_owned(),
            request_key: RequestKey([9; 32]),
            request_hash: [9; 32],
            loss: zcdp("0.01"),
            plan_hash: [9; 32],
            data_version: ledger.dataset("rand").unwrap().data_version,
            boundaries: 1,
            bounding_key: [9; 16],
            description: "SELECT 1".to_owned(),
            shares: Vec::new(),
            detail: ChargeDetail::default(),
            renew: false,
        };
        ledger.admit(&request).unwrap();
        assert_eq!(ledger.project("costs").unwrap().spent, zcdp_with_delta("0.04", "3e-9"));
        ledger.verify().unwrap();
    }
}

fn number(path: &std::path::Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}
