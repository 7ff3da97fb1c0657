//! Where budgets stand: rates, promises and proposals, as sums over charges.

use chrono::TimeDelta;
use voilage_privacy::Loss;

use super::accounts::{self, Account};
use super::database::Transaction;
use super::{brakes, chain, proposals};
use crate::act::{Act, Proposal};
use crate::clock::{Clock, Timestamp};
use crate::error::LedgerError;
use crate::standing::{DatasetStanding, ProjectStanding, RATE_DAYS_MAX};
use crate::units::Units;

/// Where a project stands.
pub(crate) fn project(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    name: &str,
) -> Result<ProjectStanding, LedgerError> {
    let now = chain::now(transaction, clock)?;
    let account = accounts::project(transaction, name)?.account;
    let (rate_days, since) = window(transaction, now, account.holder)?;
    let before = brakes::spent_before(transaction, account.holder, since)?;
    let recent = account.spent.checked_sub(before)?;
    let concerns = |act: &Act| match act {
        Act::ChangeProjectCap { project, .. } => project == name,
        Act::OpenProject { terms, .. } => terms.name == name,
        _ => false,
    };
    Ok(ProjectStanding {
        days_left: days_left(&account, recent, rate_days)?,
        rate_days,
        recent: account.loss(recent),
        waiting: waiting(transaction, concerns)?,
    })
}

/// Where a dataset stands, over all its projects.
pub(crate) fn dataset(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    name: &str,
) -> Result<DatasetStanding, LedgerError> {
    let now = chain::now(transaction, clock)?;
    let dataset = accounts::dataset(transaction, name)?.account;
    let (rate_days, since) = window(transaction, now, dataset.holder)?;
    let position = brakes::last_entry_before(transaction, since)?;
    let row = transaction.row(
        "SELECT CAST(coalesce(sum(c.dataset_rho), 0) AS BIGINT),
                CAST(coalesce(sum(c.dataset_delta), 0) AS BIGINT),
                CAST(coalesce(sum(c.dataset_epsilon), 0) AS BIGINT)
         FROM charge c JOIN project p ON p.position = c.project
         WHERE p.dataset = ?1 AND c.position > ?2",
        &[dataset.holder.into(), position.into()],
    )?;
    let recent = accounts::units(&row, 0)?;
    let mut promised = Units::default();
    let mut names = Vec::new();
    for project in accounts::projects(transaction)? {
        if project.dataset != dataset.holder {
            continue;
        }
        names.push(project.account.name.clone());
        let left = project.account.left()?;
        // In one charge: many small ones of a pure project would cost a zcdp dataset less.
        if project.closed.is_none() && left != Units::default() {
            let left = left.in_dataset(project.account.accountant, dataset.accountant)?;
            promised = promised.checked_add(left)?;
        }
    }
    let concerns = |act: &Act| match act {
        Act::ChangeDatasetCap { dataset, .. } => dataset == name,
        Act::RegisterDataset { terms, .. } => terms.name == name,
        Act::OpenProject { terms, .. } => terms.dataset == name,
        Act::ChangeProjectCap { project, .. } => names.contains(project),
        _ => false,
    };
    Ok(DatasetStanding {
        days_left: days_left(&dataset, recent, rate_days)?,
        rate_days,
        recent: dataset.loss(recent),
        promised: dataset.loss(promised),
        waiting: waiting(transaction, concerns)?,
    })
}

/// How many days the rate of a budget looks back, and since when: not further than it is old.
fn window(
    transaction: &dyn Transaction,
    now: Timestamp,
    holder: i64,
) -> Result<(u32, Timestamp), LedgerError> {
    let row =
        transaction.row("SELECT recorded_us FROM entry WHERE position = ?1", &[holder.into()])?;
    let age = (now - chain::timestamp(row.get(0)?)?).num_days() + 1;
    let days =
        u32::try_from(age.clamp(1, RATE_DAYS_MAX.into())).map_err(|_| LedgerError::Overflow)?;
    Ok((days, now - TimeDelta::days(days.into())))
}

fn waiting(
    transaction: &dyn Transaction,
    concerns: impl Fn(&Act) -> bool,
) -> Result<Vec<Proposal>, LedgerError> {
    let mut proposals = proposals::open(transaction)?;
    proposals.retain(|proposal| concerns(&proposal.act));
    Ok(proposals)
}

/// Whole days, rounded down, until the scarcer sum is used up at the rate of the last days.
fn days_left(account: &Account, recent: Units, rate_days: u32) -> Result<Option<u64>, LedgerError> {
    let left = account.left()?;
    let days = |left: i64, recent: i64| {
        (recent > 0).then(|| i128::from(left) * i128::from(rate_days) / i128::from(recent))
    };
    let scarcest = match account.loss(left) {
        Loss::Zcdp { .. } => {
            [days(left.rho, recent.rho), days(left.delta, recent.delta)].into_iter().flatten().min()
        }
        Loss::Pure { .. } => days(left.epsilon, recent.epsilon),
    };
    Ok(scarcest.map(|days| u64::try_from(days).unwrap_or(u64::MAX)))
}
