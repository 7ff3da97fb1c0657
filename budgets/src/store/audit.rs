//! Reading the ledger as an auditor does: entry by entry, each with what it means.

use sha2::{Digest, Sha256};
use voilage_privacy::{Delta, Epsilon, Rho};

use super::accounts::{self, accountant};
use super::chain::{self, Entry, Kind};
use super::database::{Cell, Row, Transaction};
use crate::audit::{AuditEntry, AuditFilter};
use crate::error::{LedgerError, Place};

/// Columns that no audit shows: the key of the bounding hash belongs to nobody, requests are known by
/// their charge, and units of loss are shown as quantities.
const HIDDEN: &[&str] = &["bounding_key", "request_key", "request_hash", "ledger_id"];

/// The entries that a filter lets through, oldest first.
pub(crate) fn entries(
    transaction: &dyn Transaction,
    filter: &AuditFilter,
) -> Result<Vec<AuditEntry>, LedgerError> {
    if let Some(project) = &filter.project {
        accounts::project(transaction, project)?;
    }
    let after = i64::try_from(filter.after).unwrap_or(i64::MAX);
    let rows = transaction.rows(
        "SELECT position, kind, recorded_us, hash FROM entry WHERE position > ?1 ORDER BY position",
        &[after.into()],
    )?;
    let mut entries = Vec::new();
    for row in &rows {
        let entry = described(transaction, &Entry::read(row)?, filter)?;
        if filter.project.is_none() || entry.project == filter.project {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The hash over all sealed answers of a charge, as its receipt states it; `None` until all are sealed.
pub(crate) fn output_hash(
    transaction: &dyn Transaction,
    charge: i64,
) -> Result<Option<String>, LedgerError> {
    let boundaries: i64 = transaction
        .row("SELECT boundaries FROM charge WHERE position = ?1", &[charge.into()])?
        .get(0)?;
    let rows = transaction.rows(
        "SELECT b.bytes FROM seal s JOIN sealed_bytes b ON b.seal = s.position
         WHERE s.charge = ?1 ORDER BY s.boundary",
        &[charge.into()],
    )?;
    if (rows.len() as i64) < boundaries {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    for row in &rows {
        let bytes: Vec<u8> = row.get(0)?;
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(&bytes);
    }
    Ok(Some(hex(&hash.finalize())))
}

fn described(
    transaction: &dyn Transaction,
    entry: &Entry,
    filter: &AuditFilter,
) -> Result<AuditEntry, LedgerError> {
    let position = entry.position;
    let kind = Kind::from_table(&entry.kind).ok_or_else(|| LedgerError::Altered {
        place: Place::Entry(chain::position_u64(position)),
        what: "it is of an unknown kind".to_owned(),
    })?;
    let mut shown = AuditEntry {
        entry: chain::position_u64(position),
        at: chain::timestamp(entry.recorded_us)?,
        kind: kind.table(),
        decision: "recorded".to_owned(),
        principal: None,
        dataset: None,
        project: None,
        permit: None,
        description: None,
        reason: None,
        refers_to: None,
        plan_hash: None,
        data_version: None,
        tables: None,
        mechanisms: None,
        bounds: None,
        loss: None,
        output_hash: None,
        fingerprint: None,
        hash: chain::stored_hash(entry)?,
    };
    match kind {
        Kind::Charge => charge(transaction, position, &mut shown)?,
        Kind::Replay | Kind::Attempt | Kind::Seal | Kind::ChargeDetail => {
            of_charge(transaction, kind, position, &mut shown)?;
        }
        Kind::Refusal => refusal(transaction, position, &mut shown)?,
        Kind::Proposal => proposal(transaction, position, &mut shown)?,
        Kind::Approval => approval(transaction, position, &mut shown)?,
        Kind::Decision => decision(transaction, position, &mut shown)?,
        Kind::TableFile => table_file(transaction, position, filter, &mut shown)?,
        _ => plain(transaction, kind, position, &mut shown)?,
    }
    signed(transaction, position, &mut shown)?;
    Ok(shown)
}

fn charge(
    transaction: &dyn Transaction,
    position: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction.row(
        "SELECT c.principal, p.name, d.name, m.reference, c.description, c.plan_hash,
                c.data_version, p.accountant, c.rho, c.delta, c.epsilon, x.tables, x.mechanisms,
                x.bounds
         FROM charge c
         JOIN project p ON p.position = c.project
         JOIN dataset d ON d.position = p.dataset
         JOIN permit m ON m.position = c.permit
         LEFT JOIN charge_detail x ON x.charge = c.position
         WHERE c.position = ?1",
        &[position.into()],
    )?;
    shown.decision = "charged".to_owned();
    shown.principal = row.get(0)?;
    shown.project = row.get(1)?;
    shown.dataset = row.get(2)?;
    shown.permit = row.get(3)?;
    shown.description = row.get(4)?;
    shown.plan_hash = Some(hex(&row.get::<[u8; 32]>(5)?));
    shown.data_version = row.get(6)?;
    shown.loss = Some(accounts::units(&row, 8)?.to_loss(accountant(&row, 7)?));
    shown.tables = row.get(11)?;
    shown.mechanisms = row.get(12)?;
    shown.bounds = row.get(13)?;
    shown.output_hash = output_hash(transaction, position)?;
    Ok(())
}

fn of_charge(
    transaction: &dyn Transaction,
    kind: Kind,
    position: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction.row(
        &format!("SELECT charge FROM {} WHERE position = ?1", kind.table()),
        &[position.into()],
    )?;
    let paid: i64 = row.get(0)?;
    let row = transaction.row(
        "SELECT c.principal, p.name, d.name, m.reference, c.data_version
         FROM charge c
         JOIN project p ON p.position = c.project
         JOIN dataset d ON d.position = p.dataset
         JOIN permit m ON m.position = c.permit
         WHERE c.position = ?1",
        &[paid.into()],
    )?;
    shown.refers_to = Some(chain::position_u64(paid));
    shown.principal = row.get(0)?;
    shown.project = row.get(1)?;
    shown.dataset = row.get(2)?;
    shown.permit = row.get(3)?;
    shown.data_version = row.get(4)?;
    if kind == Kind::Replay {
        let row = transaction
            .row("SELECT principal FROM replay WHERE position = ?1", &[position.into()])?;
        shown.principal = row.get(0)?;
        shown.decision = "replayed".to_owned();
    }
    if kind == Kind::Seal {
        shown.output_hash = output_hash(transaction, paid)?;
    }
    Ok(())
}

fn refusal(
    transaction: &dyn Transaction,
    position: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction.row(
        "SELECT r.project, d.name, r.principal, r.code, r.message, r.description
         FROM refusal r
         LEFT JOIN project p ON p.name = r.project
         LEFT JOIN dataset d ON d.position = p.dataset
         WHERE r.position = ?1",
        &[position.into()],
    )?;
    shown.decision = "refused".to_owned();
    shown.project = row.get(0)?;
    shown.dataset = row.get(1)?;
    shown.principal = row.get(2)?;
    let (code, message): (String, String) = (row.get(3)?, row.get(4)?);
    shown.reason = Some(format!("{code}: {message}"));
    shown.description = row.get(5)?;
    Ok(())
}

fn proposal(
    transaction: &dyn Transaction,
    position: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction.row(
        "SELECT principal, reason, summary FROM proposal WHERE position = ?1",
        &[position.into()],
    )?;
    shown.decision = "proposed".to_owned();
    shown.principal = row.get(0)?;
    shown.reason = row.get(1)?;
    shown.description = row.get(2)?;
    Ok(())
}

fn approval(
    transaction: &dyn Transaction,
    position: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction.row(
        "SELECT a.verdict, a.principal, a.reason, a.proposal, p.summary
         FROM approval a JOIN proposal p ON p.position = a.proposal WHERE a.position = ?1",
        &[position.into()],
    )?;
    shown.decision = row.get(0)?;
    shown.principal = row.get(1)?;
    shown.reason = row.get(2)?;
    shown.refers_to = Some(chain::position_u64(row.get(3)?));
    shown.description = row.get(4)?;
    Ok(())
}

fn decision(
    transaction: &dyn Transaction,
    position: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction.row(
        "SELECT entry, principal, reason FROM decision WHERE position = ?1",
        &[position.into()],
    )?;
    shown.refers_to = Some(chain::position_u64(row.get(0)?));
    shown.principal = row.get(1)?;
    shown.reason = row.get(2)?;
    Ok(())
}

fn table_file(
    transaction: &dyn Transaction,
    position: i64,
    filter: &AuditFilter,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction.row(
        "SELECT d.name, v.version, t.name, t.path, t.fingerprint
         FROM table_file t
         JOIN data_version v ON v.position = t.data_version
         JOIN dataset d ON d.position = v.dataset
         WHERE t.position = ?1",
        &[position.into()],
    )?;
    shown.dataset = row.get(0)?;
    shown.data_version = row.get(1)?;
    shown.tables = row.get(2)?;
    if filter.with_fingerprints {
        shown.description = row.get(3)?;
        shown.fingerprint = Some(hex(&row.get::<[u8; 32]>(4)?));
    }
    Ok(())
}

/// Any other entry: its columns by name, with datasets and projects named.
fn plain(
    transaction: &dyn Transaction,
    kind: Kind,
    position: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let sql = format!("SELECT {} FROM {} WHERE position = ?1", kind.columns(), kind.table());
    let row = transaction.row(&sql, &[position.into()])?;
    let columns: Vec<&str> = kind.columns().split(',').map(str::trim).collect();
    let mut parts = Vec::new();
    for (column, cell) in columns.iter().zip(row.cells()) {
        match (*column, cell) {
            ("project", Cell::Integer(holder)) => name_project(transaction, *holder, shown)?,
            ("dataset", Cell::Integer(holder)) => {
                shown.dataset = name_of(transaction, "dataset", *holder)?;
            }
            ("holder", Cell::Integer(holder)) => {
                shown.dataset = name_of(transaction, "dataset", *holder)?;
                if shown.dataset.is_none() {
                    name_project(transaction, *holder, shown)?;
                }
            }
            ("permit", Cell::Integer(permit)) => {
                name_permit(transaction, *permit, shown)?;
            }
            ("version", Cell::Text(_)) => {}
            (hidden, _) if HIDDEN.contains(&hidden) => {}
            (_, Cell::Null | Cell::Blob(_) | Cell::Foreign) => {}
            (_, Cell::Integer(value)) => {
                parts.push(format!("{column} {}", readable(column, *value)))
            }
            (_, Cell::Text(value)) => {
                parts.push(format!("{column} {}", String::from_utf8_lossy(value)));
            }
        }
    }
    named(kind, &row, shown)?;
    shown.description = (!parts.is_empty()).then(|| parts.join(", "));
    Ok(())
}

/// A number as people read it: quantities of privacy loss are stored in units.
fn readable(column: &str, value: i64) -> String {
    match column.rsplit('_').next() {
        Some("rho") if value >= 0 => Rho::from_units(value).to_string(),
        Some("delta") if value >= 0 => Delta::from_units(value).to_string(),
        Some("epsilon") if value >= 0 => Epsilon::from_units(value).to_string(),
        _ => value.to_string(),
    }
}

/// The kinds whose own row names what they concern.
fn named(kind: Kind, row: &Row, shown: &mut AuditEntry) -> Result<(), LedgerError> {
    match kind {
        Kind::Dataset => shown.dataset = row.get(0)?,
        Kind::Project => shown.project = row.get(0)?,
        Kind::Permit => shown.permit = row.get(2)?,
        Kind::DataVersion => shown.data_version = row.get(1)?,
        _ => {}
    }
    Ok(())
}

fn name_permit(
    transaction: &dyn Transaction,
    permit: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction
        .row("SELECT project, reference FROM permit WHERE position = ?1", &[permit.into()])?;
    shown.permit = row.get(1)?;
    name_project(transaction, row.get(0)?, shown)
}

fn name_project(
    transaction: &dyn Transaction,
    holder: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction.optional(
        "SELECT p.name, d.name FROM project p JOIN dataset d ON d.position = p.dataset
         WHERE p.position = ?1",
        &[holder.into()],
    )?;
    if let Some(row) = row {
        shown.project = row.get(0)?;
        shown.dataset = row.get(1)?;
    }
    Ok(())
}

fn name_of(
    transaction: &dyn Transaction,
    table: &str,
    position: i64,
) -> Result<Option<String>, LedgerError> {
    let sql = format!("SELECT name FROM {table} WHERE position = ?1");
    transaction.optional(&sql, &[position.into()])?.map(|row| row.get(0)).transpose()
}

/// Who decided an entry and why, where a decision stands behind it.
fn signed(
    transaction: &dyn Transaction,
    position: i64,
    shown: &mut AuditEntry,
) -> Result<(), LedgerError> {
    let row = transaction
        .optional("SELECT principal, reason FROM decision WHERE entry = ?1", &[position.into()])?;
    if let Some(row) = row {
        shown.decision = "decided".to_owned();
        shown.principal = row.get(0)?;
        shown.reason = row.get(1)?;
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
