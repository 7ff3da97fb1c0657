//! Datasets: registered once under one cap, updated by new versions, never under a second cap.

use super::accounts::{self, accountant_text};
use super::chain::Kind;
use super::database::Transaction;
use super::desk::Desk;
use super::random_id::random_id;
use super::terms::{self, check_name};
use crate::account::DatasetTerms;
use crate::act::{CapTerms, TableFile};
use crate::error::LedgerError;
use crate::units::Units;
use voilage_privacy::Delta;

/// Records a dataset, the first version of its data and the files it is in.
pub(super) fn register(
    desk: &Desk<'_>,
    terms: &DatasetTerms,
    files: &[TableFile],
) -> Result<(), LedgerError> {
    let subject = format!("dataset {:?}", terms.name);
    check_name(&subject, &terms.name)?;
    let granted = terms::grant(&subject, terms.accountant, &terms.epsilon, terms.delta.as_ref())?;
    if let Some(existing) = accounts::find_dataset(desk.transaction, &terms.name)? {
        return match terms::difference(&existing.account, terms.accountant, &granted) {
            None => Ok(()),
            Some(differs) => {
                Err(LedgerError::TermsDiffer { what: "dataset", name: terms.name.clone(), differs })
            }
        };
    }
    let cap = terms::usable_cap(&subject, &granted)?;
    let dataset = desk.append(Kind::Dataset, |position| {
        let delta = granted.delta.as_ref().map(Delta::units_down);
        insert(
            desk.transaction,
            position,
            (&terms.name, accountant_text(terms.accountant)),
            (granted.epsilon.units_down(), delta, cap),
        )
    })?;
    open_account(desk.transaction, dataset, cap)?;
    let version = declare_version(desk, dataset)?;
    record_files(desk, dataset, version, files)
}

/// A dataset that another branch of the ledger registered, under the cap in force there.
pub(super) struct OfBranch {
    pub(super) name: String,
    accountant: String,
    epsilon: i64,
    delta: Option<i64>,
    cap: Units,
    files: Vec<TableFile>,
}

/// The datasets that a branch registered after an entry.
pub(super) fn registered_after(
    branch: &dyn Transaction,
    common: i64,
) -> Result<Vec<OfBranch>, LedgerError> {
    let rows = branch.rows(
        "SELECT d.name, d.accountant, coalesce(k.epsilon, d.epsilon), coalesce(k.delta, d.delta),
                coalesce(k.cap_rho, d.cap_rho), coalesce(k.cap_delta, d.cap_delta),
                coalesce(k.cap_epsilon, d.cap_epsilon), d.position
         FROM dataset d
         LEFT JOIN cap_change k ON k.position = (SELECT max(l.position) FROM cap_change l
                                                 WHERE l.holder = d.position)
         WHERE d.position > ?1 ORDER BY d.position",
        &[common.into()],
    )?;
    let read = |row: &super::database::Row| -> Result<OfBranch, LedgerError> {
        Ok(OfBranch {
            name: row.get(0)?,
            accountant: row.get(1)?,
            epsilon: row.get(2)?,
            delta: row.get(3)?,
            cap: accounts::units(row, 4)?,
            files: tables(branch, row.get(7)?)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Records a dataset of another branch with its files, so that what was spent there has an account.
///
/// The files are not compared with those of other datasets: both caps were spent from already.
pub(super) fn adopt(desk: &Desk<'_>, found: &OfBranch) -> Result<(), LedgerError> {
    let dataset = desk.append(Kind::Dataset, |position| {
        insert(
            desk.transaction,
            position,
            (&found.name, &found.accountant),
            (found.epsilon, found.delta, found.cap),
        )
    })?;
    open_account(desk.transaction, dataset, found.cap)?;
    let version = declare_version(desk, dataset)?;
    found.files.iter().try_for_each(|file| record_file(desk, version, file))
}

/// Lists tables that the current version of a dataset does not list yet.
pub(super) fn add_tables(
    desk: &Desk<'_>,
    name: &str,
    files: &[TableFile],
) -> Result<(), LedgerError> {
    let dataset = accounts::dataset(desk.transaction, name)?.account.holder;
    let version = current_version(desk.transaction, dataset)?;
    let listed = tables(desk.transaction, dataset)?;
    let new: Vec<TableFile> = files
        .iter()
        .filter(|file| listed.iter().all(|one| one.table != file.table))
        .cloned()
        .collect();
    record_files(desk, dataset, version, &new)
}

/// Issues a new version: what was released about the old one counts on, under the same cap.
pub(super) fn update(desk: &Desk<'_>, name: &str, files: &[TableFile]) -> Result<(), LedgerError> {
    let dataset = accounts::dataset(desk.transaction, name)?.account.holder;
    let version = declare_version(desk, dataset)?;
    record_files(desk, dataset, version, files)
}

/// Replaces the lifetime cap, never below what was spent.
pub(super) fn change_cap(desk: &Desk<'_>, name: &str, cap: &CapTerms) -> Result<(), LedgerError> {
    let account = accounts::dataset(desk.transaction, name)?.account;
    let subject = format!("dataset {name:?}");
    terms::move_cap(desk, &subject, &account, cap, |_, _| Ok(()))
}

/// The tables of the current version of a dataset, with their files.
pub(crate) fn tables(
    transaction: &dyn Transaction,
    dataset: i64,
) -> Result<Vec<TableFile>, LedgerError> {
    let rows = transaction.rows(
        "SELECT name, path, key_id, fingerprint FROM table_file
         WHERE data_version = (SELECT max(position) FROM data_version WHERE dataset = ?1)
         ORDER BY position",
        &[dataset.into()],
    )?;
    let read = |row: &super::database::Row| -> Result<TableFile, LedgerError> {
        Ok(TableFile {
            table: row.get(0)?,
            path: row.get(1)?,
            key_id: row.get(2)?,
            fingerprint: row.get(3)?,
        })
    };
    rows.iter().map(read).collect()
}

fn insert(
    transaction: &dyn Transaction,
    position: i64,
    (name, accountant): (&str, &str),
    (epsilon, delta, cap): (i64, Option<i64>, Units),
) -> Result<u64, LedgerError> {
    transaction.execute(
        "INSERT INTO dataset (position, name, accountant, epsilon, delta, cap_rho, cap_delta,
                              cap_epsilon)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            position.into(),
            name.into(),
            accountant.into(),
            epsilon.into(),
            delta.into(),
            cap.rho.into(),
            cap.delta.into(),
            cap.epsilon.into(),
        ],
    )
}

pub(super) fn open_account(
    transaction: &dyn Transaction,
    holder: i64,
    cap: Units,
) -> Result<(), LedgerError> {
    transaction.execute(
        "INSERT INTO account (holder, cap_rho, cap_delta, cap_epsilon) VALUES (?1, ?2, ?3, ?4)",
        &[holder.into(), cap.rho.into(), cap.delta.into(), cap.epsilon.into()],
    )?;
    Ok(())
}

fn current_version(transaction: &dyn Transaction, dataset: i64) -> Result<i64, LedgerError> {
    transaction
        .row(
            "SELECT position FROM data_version WHERE dataset = ?1 ORDER BY position DESC LIMIT 1",
            &[dataset.into()],
        )?
        .get(0)
}

/// Issues a random id for the data as it is now; it says nothing about the data.
fn declare_version(desk: &Desk<'_>, dataset: i64) -> Result<i64, LedgerError> {
    let version = format!("{:032x}", u128::from_be_bytes(random_id()?));
    desk.append(Kind::DataVersion, |position| {
        desk.transaction.execute(
            "INSERT INTO data_version (position, dataset, version) VALUES (?1, ?2, ?3)",
            &[position.into(), dataset.into(), (&version).into()],
        )
    })
}

fn record_files(
    desk: &Desk<'_>,
    dataset: i64,
    version: i64,
    files: &[TableFile],
) -> Result<(), LedgerError> {
    for file in files {
        refuse_elsewhere(desk.transaction, dataset, file)?;
        record_file(desk, version, file)?;
    }
    Ok(())
}

fn record_file(desk: &Desk<'_>, version: i64, file: &TableFile) -> Result<(), LedgerError> {
    desk.append(Kind::TableFile, |position| {
        desk.transaction.execute(
            "INSERT INTO table_file (position, data_version, name, path, key_id, fingerprint)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                position.into(),
                version.into(),
                (&file.table).into(),
                (&file.path).into(),
                (&file.key_id).into(),
                (&file.fingerprint).into(),
            ],
        )
    })?;
    Ok(())
}

/// The same people never have two caps: not the same file, and not a copy of it.
fn refuse_elsewhere(
    transaction: &dyn Transaction,
    dataset: i64,
    file: &TableFile,
) -> Result<(), LedgerError> {
    let found = transaction.optional(
        "SELECT t.name, d.name
         FROM table_file t
         JOIN data_version v ON v.position = t.data_version
         JOIN dataset d ON d.position = v.dataset
         WHERE v.dataset <> ?1
           AND ((t.key_id = ?2 AND t.fingerprint = ?3)
                OR (t.path = ?4 AND v.position = (SELECT max(l.position) FROM data_version l
                                                  WHERE l.dataset = v.dataset)))
         ORDER BY t.position LIMIT 1",
        &[dataset.into(), (&file.key_id).into(), (&file.fingerprint).into(), (&file.path).into()],
    )?;
    let Some(found) = found else { return Ok(()) };
    Err(LedgerError::SameData {
        table: file.table.clone(),
        other_table: found.get(0)?,
        other_dataset: found.get(1)?,
    })
}
