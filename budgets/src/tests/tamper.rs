//! Edits behind the ledger's back: `verify` names what is wrong.

use super::*;
use crate::store::chain::{self, Entry};
use crate::{EntryHash, ErrorKind, Place};

/// Runs `sql` as somebody who knows SQLite: without triggers, checks or references.
fn edit(fixture: &Fixture, sql: &str) {
    let raw = fixture.raw();
    let triggers: Vec<(String, String)> = raw
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    raw.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    for (name, _) in &triggers {
        raw.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    raw.execute_batch(sql).unwrap();
    // Whoever edits well puts the triggers back.
    for (_, create) in &triggers {
        raw.execute_batch(create).unwrap();
    }
}

fn verify(fixture: &Fixture) -> (Place, String) {
    let error = fixture.ledger.verify().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bug);
    match error {
        LedgerError::Altered { place, what } => (place, what),
        other => panic!("{other}"),
    }
}

fn first(fixture: &Fixture, table: &str) -> u64 {
    let sql = format!("SELECT min(position) FROM {table}");
    fixture.raw().query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
}

#[test]
fn every_column_of_every_row_is_covered() {
    let columns: Vec<(Kind, String)> = {
        let fixture = Fixture::full();
        let raw = fixture.raw();
        Kind::ALL
            .into_iter()
            .flat_map(|kind| {
                let mut statement =
                    raw.prepare("SELECT name FROM pragma_table_info(?1) WHERE NOT pk").unwrap();
                let names: Vec<String> = statement
                    .query_map([kind.table()], |row| row.get(0))
                    .unwrap()
                    .collect::<Result<_, _>>()
                    .unwrap();
                assert_eq!(names.join(", "), kind.columns(), "{kind:?}");
                names.into_iter().map(move |name| (kind, name))
            })
            .collect()
    };
    assert_eq!(columns.len(), 137);
    let fixture = Fixture::full();
    for (kind, column) in columns {
        let table = kind.table();
        let position = first(&fixture, table);
        let raw = fixture.raw();
        raw.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            .unwrap();
        raw.execute_batch(&format!("DROP TRIGGER {table}_no_update")).unwrap();
        let value: rusqlite::types::Value = raw
            .query_row(
                &format!("SELECT {column} FROM {table} WHERE position = ?1"),
                [position as i64],
                |row| row.get(0),
            )
            .unwrap();
        let set = format!("UPDATE {table} SET {column} = ?1 WHERE position = {position}");
        let other: rusqlite::types::Value = match &value {
            rusqlite::types::Value::Integer(number) => (number + 1).into(),
            rusqlite::types::Value::Text(text) => format!("{text}x").into(),
            rusqlite::types::Value::Blob(bytes) => {
                bytes.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>().into()
            }
            rusqlite::types::Value::Null => 1.into(),
            other => panic!("{other:?}"),
        };
        raw.execute(&set, [&other]).unwrap();
        let (place, what) = verify(&fixture);
        assert_eq!(place, Place::Entry(position), "{table}.{column}: {what}");
        raw.execute(&set, [&value]).unwrap();
        // Put back as it was, the row is in order again, and only the trigger is missing.
        assert_eq!(verify(&fixture).1, format!("its {table}_no_update is missing or was changed"));
        let create = format!(
            "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}\n\
             BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        );
        raw.execute_batch(&create).unwrap();
        fixture.ledger.verify().unwrap();
    }
}

#[test]
fn an_edited_entry_is_named() {
    for change in ["recorded_us = recorded_us + 1", "kind = 'replay'", "hash = zeroblob(32)"] {
        let fixture = Fixture::full();
        edit(&fixture, &format!("UPDATE entry SET {change} WHERE position = 5"));
        assert_eq!(verify(&fixture).0, Place::Entry(5), "{change}");
    }
}

#[test]
fn a_deleted_row_is_named() {
    for table in ["charge", "attempt", "seal", "replay", "closure", "permit"] {
        let fixture = Fixture::full();
        let position = first(&fixture, table);
        edit(&fixture, &format!("DELETE FROM {table} WHERE position = {position}"));
        assert_eq!(
            verify(&fixture),
            (Place::Entry(position), format!("its {table} row is missing"))
        );
    }
}

#[test]
fn a_deleted_entry_is_named() {
    let fixture = Fixture::full();
    let position = first(&fixture, "charge");
    edit(
        &fixture,
        &format!(
            "DELETE FROM entry WHERE position = {position};
             DELETE FROM charge WHERE position = {position}"
        ),
    );
    assert_eq!(verify(&fixture), (Place::Entry(position), "it is missing".to_owned()));
}

#[test]
fn swapped_rows_are_named() {
    let fixture = Fixture::full();
    let position = first(&fixture, "charge");
    edit(
        &fixture,
        &format!(
            "UPDATE charge SET position = -1 WHERE position = {position};
             UPDATE charge SET position = {position} WHERE position = {position} + 3;
             UPDATE charge SET position = {position} + 3 WHERE position = -1"
        ),
    );
    assert_eq!(verify(&fixture).0, Place::Entry(position));
}

/// Whoever also computes the edited entry's new hash is caught at the next entry, which was
/// hashed over the old one.
#[test]
fn an_edited_row_with_a_new_hash_breaks_the_next_entry() {
    let fixture = Fixture::full();
    let position = i64::try_from(first(&fixture, "charge")).unwrap();
    edit(&fixture, &format!("UPDATE charge SET principal = 'eve' WHERE position = {position}"));
    let raw = fixture.raw();
    let entry = |position: i64| {
        let sql = "SELECT position, kind, recorded_us, hash FROM entry WHERE position = ?1";
        fixture
            .ledger
            .read(|transaction| Entry::read(&transaction.row(sql, &[position.into()])?))
            .unwrap()
    };
    let before = chain::stored_hash(&entry(position - 1)).unwrap();
    let recorded_us = entry(position).recorded_us;
    let hash = fixture.ledger.read(|transaction| {
        chain::entry_hash(transaction, &before, Kind::Charge, position, recorded_us)
    });
    raw.execute_batch("DROP TRIGGER entry_no_update").unwrap();
    raw.execute(
        "UPDATE entry SET hash = ?1 WHERE position = ?2",
        (hash.unwrap().unwrap().as_bytes(), position),
    )
    .unwrap();
    assert_eq!(verify(&fixture).0, Place::Entry(position.unsigned_abs() + 1));
}

/// The encoding is a format: the expected hash was computed outside this code, from DESIGN.md.
#[test]
fn the_encoding_of_an_entry_stays_what_it_is() {
    let fixture = Fixture::full();
    let at = noon("2026-06-15").timestamp_micros();
    let hash = fixture.ledger.writer().with_store(|store| {
        store
            .execute("CREATE TEMP TABLE permit AS SELECT * FROM main.permit LIMIT 1", &[])
            .unwrap();
        store.execute("UPDATE temp.permit SET position = 1, project = 4", &[]).unwrap();
        chain::entry_hash(store, &EntryHash::BEFORE_ALL, Kind::Permit, 1, at)
    });
    assert_eq!(
        hash.unwrap().unwrap().to_string(),
        "ba43d042e02e86b11c2d7f3e239b6411b73cbd1c8f9540a0424de01c65ed4c18"
    );
}

#[test]
fn edited_and_missing_answers_are_named_and_never_returned() {
    for change in [
        "UPDATE sealed_bytes SET bytes = x'00' WHERE seal = ",
        "DELETE FROM sealed_bytes WHERE seal = ",
    ] {
        let fixture = Fixture::full();
        let charge = fixture.ledger.charges("costs").unwrap().remove(0).charge;
        let position = first(&fixture, "seal");
        edit(&fixture, &format!("{change}{position}"));
        assert_eq!(verify(&fixture).0, Place::Entry(position));
        let error = fixture.ledger.sealed(&charge, 0).unwrap_err();
        assert!(matches!(error, LedgerError::Altered { .. }), "{error}");
    }
}

#[test]
fn edited_sums_and_caps_are_found() {
    for (change, what) in [
        ("spent_rho = 0", "what dataset \"rand\" spent is not the sum of its charges"),
        (
            "spent_delta = spent_delta + 1",
            "what dataset \"rand\" spent is not the sum of its charges",
        ),
        ("cap_rho = cap_rho * 2", "the cap of dataset \"rand\" is not the granted one"),
    ] {
        let fixture = Fixture::full();
        edit(&fixture, &format!("UPDATE account SET {change}"));
        assert_eq!(verify(&fixture), (Place::Elsewhere, what.to_owned()));
    }
    let fixture = Fixture::full();
    edit(&fixture, "DELETE FROM account");
    assert_eq!(verify(&fixture).1, "the account of dataset \"rand\" is missing");
}

#[test]
fn rows_that_no_entry_vouches_for_are_found() {
    let fixture = Fixture::full();
    edit(&fixture, "INSERT INTO closure VALUES (1000, 4, 'forged')");
    assert_eq!(verify(&fixture), (Place::Elsewhere, "a closure row has no entry".to_owned()));
    let fixture = Fixture::full();
    edit(&fixture, "INSERT INTO sealed_bytes VALUES (1000, x'00')");
    assert_eq!(verify(&fixture), (Place::Elsewhere, "an answer has no seal".to_owned()));
}

#[test]
fn a_changed_schema_is_found() {
    let fixture = Fixture::full();
    fixture.raw().execute_batch("DROP TRIGGER account_never_falls").unwrap();
    assert_eq!(verify(&fixture).1, "its account_never_falls is missing or was changed");
    let fixture = Fixture::full();
    fixture
        .raw()
        .execute_batch(
            "CREATE TRIGGER later AFTER INSERT ON seal BEGIN DELETE FROM sealed_bytes; END",
        )
        .unwrap();
    assert_eq!(verify(&fixture).1, "it has a later that does not belong to it");
}

/// A tail that was cut off cleanly leaves a chain in order; only a head that was kept outside shows it.
/// The witness keeps that of the last answer.
#[test]
fn a_cut_tail_verifies_but_not_against_a_kept_head() {
    let fixture = Fixture::full();
    let kept = fixture.ledger.head().unwrap();
    let last = first(&fixture, "recovered_charge");
    edit(
        &fixture,
        &format!(
            "DELETE FROM recovered_charge WHERE position = {last};
             DELETE FROM entry WHERE position = {last}"
        ),
    );
    let found = fixture.ledger.verify().unwrap();
    assert_ne!(found.head, kept);
    assert_eq!(found.head.position + 1, kept.position);
}

/// A name that only looks reserved: `_` stands for any character in a pattern.
#[test]
fn a_trigger_with_a_name_like_a_reserved_one_is_found() {
    let fixture = Fixture::new();
    let raw = fixture.raw();
    raw.execute_batch(
        "CREATE TRIGGER sqliteXevil AFTER INSERT ON charge BEGIN SELECT 1; END;
         CREATE VIEW sqlite0view AS SELECT 1;",
    )
    .unwrap();
    let (place, what) = verify(&fixture);
    assert_eq!(place, Place::Elsewhere);
    assert!(what.contains("sqlite"), "{what}");
}

/// After a recovery more may be spent than the cap; a charge that nobody had room for stands out all the
/// same.
#[test]
fn a_charge_past_the_cap_is_found_behind_a_recovery() {
    let fixture = Fixture::new();
    fixture.admit("costs", 1, zcdp("0.01")).unwrap();
    let raw = fixture.raw();
    raw.execute_batch("CREATE TABLE kept AS SELECT sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap();
    let triggers: Vec<String> = raw
        .prepare("SELECT sql FROM kept")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let without_triggers = |sql: &str, then: &dyn Fn()| {
        let names = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
        let names: Vec<String> = raw
            .prepare(names)
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for name in names {
            raw.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
        }
        then();
        raw.execute_batch(sql).unwrap();
        for create in &triggers {
            raw.execute_batch(create).unwrap();
        }
    };
    raw.execute_batch("DROP TABLE kept").unwrap();
    let append = |kind: Kind, sql: &str| {
        fixture
            .ledger
            .write(|transaction| {
                chain::append(transaction, kind, noon("2026-06-15"), |position| {
                    transaction.execute(sql, &[position.into()])
                })
            })
            .unwrap();
    };
    // Another branch spent all that this one has left, and as much again.
    let dataset = "(SELECT max(position) FROM dataset)";
    without_triggers(
        &format!(
            "UPDATE account SET spent_rho = spent_rho + 2 * cap_rho, sequence = sequence + 1
             WHERE holder = {dataset}"
        ),
        &|| {
            append(
                Kind::Recovery,
                "INSERT INTO recovery (position, administrator, reason, witness_position, witness_hash)
                 VALUES (?1, 'adam', 'two copies', 9, zeroblob(32))",
            );
            append(
                Kind::RecoveredCharge,
                &format!(
                    "INSERT INTO recovered_charge (position, recovery, origin_position, origin_hash,
                                                   dataset, rho, delta, epsilon, dataset_rho,
                                                   dataset_delta, dataset_epsilon)
                     SELECT ?1, (SELECT max(position) FROM recovery), 9, zeroblob(32), position, 0, 0, 0,
                            2 * cap_rho, 0, 0 FROM dataset WHERE position = {dataset}"
                ),
            );
        },
    );
    fixture.ledger.verify().unwrap();
    // Then somebody writes a charge into the chain, hash, sums and all.
    let columns = Kind::Charge.columns();
    let copied = columns.replace("spent_rho_after,", "spent_rho_after + rho,");
    without_triggers(
        "UPDATE account SET spent_rho = spent_rho + (SELECT rho FROM charge LIMIT 1),
                            sequence = sequence + 1
         WHERE holder IN (SELECT project FROM charge UNION SELECT max(position) FROM dataset)",
        &|| {
            append(
                Kind::Charge,
                &format!(
                    "INSERT INTO charge (position, {columns}) SELECT ?1, {copied} FROM charge LIMIT 1"
                ),
            );
        },
    );
    let (place, what) = verify(&fixture);
    assert_eq!(place, Place::Entry(fixture.ledger.head().unwrap().position), "{what}");
    assert!(what.contains("cap of then"), "{what}");
}
