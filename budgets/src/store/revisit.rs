//! Letting a question read what was released before.

use super::accounts;
use super::admit::replay;
use super::brakes;
use super::chain;
use super::charges;
use super::database::Transaction;
use super::principals;
use crate::charge::{Charge, ChargeId};
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::revisit::Revisit;

/// Checks what a replay of the release would be checked for, and records one.
pub(crate) fn revisit(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    asked: &Revisit,
) -> Result<Charge, LedgerError> {
    let now = chain::now(transaction, clock)?;
    let project = accounts::project(transaction, &asked.project)?;
    project.must_be_open(now)?;
    let holder = project.account.holder;
    principals::must_be_named(transaction, holder, &project.account.name, &asked.principal)?;
    brakes::check_answer(&project, &asked.detail)?;
    let found = charges::of_project_at(transaction, &project, asked.entry)?;
    let Some(release) = found.filter(|found| found.charge.sealed) else {
        return Err(LedgerError::Misuse("a release was read that its project does not have"));
    };
    if is_shared(transaction, release.charge.id)? {
        return Err(LedgerError::Misuse("a release about several datasets was read as one"));
    }
    let dataset = accounts::dataset_at(transaction, project.dataset)?;
    if release.charge.data_version != dataset.data_version {
        return Err(LedgerError::DataMoved { dataset: dataset.account.name });
    }
    let row = charges::at(transaction, release.charge.id.0)?;
    replay(transaction, now, &asked.principal, &project, &row)
}

/// Whether further datasets paid for a charge.
pub(crate) fn is_shared(
    transaction: &dyn Transaction,
    charge: ChargeId,
) -> Result<bool, LedgerError> {
    transaction.exists("SELECT 1 FROM charge_share WHERE charge = ?1", &[charge.0.into()])
}
