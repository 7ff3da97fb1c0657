//! Letting a question in, or finding the charge it has.

use super::accounts::{self, ProjectRow};
use super::bill::Bill;
use super::chain::{self, Kind};
use super::charges::{self, ChargeRow};
use super::database::Transaction;
use super::{brakes, principals};
use crate::charge::{ATTEMPTS_MAX, Charge, ChargeDetail, ChargeRequest};
use crate::clock::{Clock, Timestamp};
use crate::error::LedgerError;
use crate::units::Units;

/// Charges a question, or finds the charge it already has.
///
/// The caller holds the write lock (BEGIN IMMEDIATE) and commits; until then nothing has happened.
pub(crate) fn admit(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    request: &ChargeRequest,
) -> Result<Charge, LedgerError> {
    let now = chain::now(transaction, clock)?;
    let project = accounts::project(transaction, &request.project)?;
    project.must_be_open(now)?;
    let holder = project.account.holder;
    principals::must_be_named(transaction, holder, &project.account.name, &request.principal)?;
    let dataset = accounts::dataset_at(transaction, project.dataset)?;
    check(request, &project)?;
    brakes::check_answer(&project, &request.detail)?;
    if request.data_version != dataset.data_version {
        return Err(LedgerError::DataMoved { dataset: dataset.account.name });
    }
    let bill = Bill::of(transaction, request, &project, &dataset.account)?;
    if let Some(existing) = charges::newest(transaction, holder, &request.request_key)? {
        let is_same = existing.is_of(request, bill.total)
            && bill.is_recorded(transaction, existing.position)?;
        if !is_same {
            return Err(LedgerError::KeyReused {
                project: project.account.name,
                entry: chain::position_u64(existing.position),
            });
        }
        if existing.is_sealed() || existing.attempts < ATTEMPTS_MAX {
            return replay(transaction, now, &request.principal, &project, &existing);
        }
        if !request.renew {
            return Err(attempts_used_up(&existing));
        }
    }
    charge(transaction, now, request, &project, &bill)
}

/// Every attempt of `charge` was begun, and its answer is not there.
pub(crate) fn attempts_used_up(charge: &ChargeRow) -> LedgerError {
    LedgerError::AttemptsUsedUp {
        entry: chain::position_u64(charge.position),
        attempts: ATTEMPTS_MAX,
    }
}

fn check(request: &ChargeRequest, project: &ProjectRow) -> Result<(), LedgerError> {
    if request.boundaries == 0 {
        return Err(LedgerError::Misuse("a charge covers no boundary"));
    }
    let (expected, found) = (project.account.accountant, request.loss.accountant());
    if expected != found {
        let project = project.account.name.clone();
        return Err(LedgerError::WrongAccountant { project, expected, found });
    }
    Ok(())
}

/// Records that a charged question was asked again, which costs nothing.
pub(super) fn replay(
    transaction: &dyn Transaction,
    now: Timestamp,
    principal: &String,
    project: &ProjectRow,
    existing: &ChargeRow,
) -> Result<Charge, LedgerError> {
    chain::append(transaction, Kind::Replay, now, |position| {
        transaction.execute(
            "INSERT INTO replay (position, charge, principal) VALUES (?1, ?2, ?3)",
            &[position.into(), existing.position.into(), principal.into()],
        )
    })?;
    existing.to_public(project, true)
}

fn charge(
    transaction: &dyn Transaction,
    now: Timestamp,
    request: &ChargeRequest,
    project: &ProjectRow,
    bill: &Bill,
) -> Result<Charge, LedgerError> {
    let account = &project.account;
    brakes::check_charge(transaction, now, project, bill.total)?;
    bill.pay(transaction, account)?;
    let spent_after = account.spent.checked_add(bill.total)?;
    let permit = project.permit(now)?.position;
    let position = chain::append(transaction, Kind::Charge, now, |position| {
        insert(
            transaction,
            (position, permit),
            request,
            project,
            [bill.total, bill.own, spent_after],
        )
    })?;
    bill.record(transaction, now, position)?;
    record_detail(transaction, now, position, &request.detail)?;
    charges::at(transaction, position)?.to_public(project, false)
}

/// Says how the answer comes about, in the transaction of its charge.
fn record_detail(
    transaction: &dyn Transaction,
    now: Timestamp,
    charge: i64,
    detail: &ChargeDetail,
) -> Result<(), LedgerError> {
    if *detail == ChargeDetail::default() {
        return Ok(());
    }
    let tables = detail.tables.join(",");
    chain::append(transaction, Kind::ChargeDetail, now, |position| {
        transaction.execute(
            "INSERT INTO charge_detail (position, charge, tables, mechanisms, bounds)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                position.into(),
                charge.into(),
                (&tables).into(),
                (&detail.mechanisms).into(),
                (&detail.bounds).into(),
            ],
        )
    })?;
    Ok(())
}

fn insert(
    transaction: &dyn Transaction,
    (position, permit): (i64, i64),
    request: &ChargeRequest,
    project: &ProjectRow,
    [cost, dataset_cost, spent_after]: [Units; 3],
) -> Result<u64, LedgerError> {
    transaction.execute(
        "INSERT INTO charge (position, project, permit, principal, request_key, request_hash,
                                 plan_hash, data_version, boundaries, bounding_key, description,
                                 rho, delta, epsilon, dataset_rho, dataset_delta, dataset_epsilon,
                                 spent_rho_after, spent_delta_after, spent_epsilon_after)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                     ?18, ?19, ?20)",
        &[
            position.into(),
            project.account.holder.into(),
            permit.into(),
            (&request.principal).into(),
            (&request.request_key.0).into(),
            (&request.request_hash).into(),
            (&request.plan_hash).into(),
            (&request.data_version).into(),
            request.boundaries.into(),
            (&request.bounding_key).into(),
            (&request.description).into(),
            cost.rho.into(),
            cost.delta.into(),
            cost.epsilon.into(),
            dataset_cost.rho.into(),
            dataset_cost.delta.into(),
            dataset_cost.epsilon.into(),
            spent_after.rho.into(),
            spent_after.delta.into(),
            spent_after.epsilon.into(),
        ],
    )
}
