//! The brakes of a project: tables, the ceiling of one question, and the pace. They refuse a charge
//! that would fit the cap, and never lower what was spent.

use chrono::TimeDelta;
use voilage_privacy::{Accountant, Delta, Epsilon, Rho};

use super::accounts::{self, ProjectRow};
use super::chain;
use super::database::Transaction;
use crate::charge::ChargeDetail;
use crate::clock::Timestamp;
use crate::error::LedgerError;
use crate::forbidden::{Forbidden, minute};
use crate::rules::WHOLE;
use crate::units::Units;

/// Significant digits of a quantity in a message.
const DIGITS: usize = 3;

/// Refuses what a rule forbids to be answered, whether it is charged now or was before.
pub(super) fn check_answer(project: &ProjectRow, detail: &ChargeDetail) -> Result<(), LedgerError> {
    check_tables(project, &detail.tables)?;
    let least = project.rules.min_units.unwrap_or(1);
    if detail.min_units.unwrap_or(1) >= least {
        return Ok(());
    }
    let project = project.account.name.clone();
    Err(Forbidden::SmallGroups { project, least, keeps: detail.min_units.unwrap_or(1) }.into())
}

/// Refuses a new charge that a rule of the project forbids.
pub(super) fn check_charge(
    transaction: &dyn Transaction,
    now: Timestamp,
    project: &ProjectRow,
    cost: Units,
) -> Result<(), LedgerError> {
    check_ceiling(project, cost)?;
    check_pace(transaction, now, project, cost)
}

/// A list of tables is a promise about every charge: one that does not say what it reads breaks it.
fn check_tables(project: &ProjectRow, read: &[String]) -> Result<(), LedgerError> {
    let Some(allowed) = &project.rules.tables else { return Ok(()) };
    let unnamed = "(unnamed)".to_owned();
    let stranger = match read {
        [] => Some(&unnamed),
        read => read.iter().find(|table| !allowed.contains(table)),
    };
    match stranger {
        None => Ok(()),
        Some(table) => Err(Forbidden::Table {
            project: project.account.name.clone(),
            table: table.clone(),
            tables: allowed.join(", "),
        }
        .into()),
    }
}

/// A ceiling of one question holds for delta in the proportion in which it stands to the project's
/// epsilon: otherwise a question of hardly any rho could use all of it.
fn check_ceiling(project: &ProjectRow, cost: Units) -> Result<(), LedgerError> {
    let (Some(ceiling), Some(epsilon)) = (project.question_units, &project.rules.question_epsilon)
    else {
        return Ok(());
    };
    let account = &project.account;
    let whole = account.terms.epsilon.units_down();
    let delta = part(account.cap.delta, epsilon.units_down().min(whole), whole)?;
    let accountant = account.accountant;
    let (need, ceiling) = if main(accountant, cost) > ceiling {
        (up(accountant, main(accountant, cost)), down(accountant, ceiling))
    } else if cost.delta > delta {
        (delta_up(cost.delta), delta_down(delta))
    } else {
        return Ok(());
    };
    Err(Forbidden::AboveQuestionCeiling {
        project: account.name.clone(),
        need,
        ceiling,
        epsilon: epsilon.display_down(DIGITS),
    }
    .into())
}

fn check_pace(
    transaction: &dyn Transaction,
    now: Timestamp,
    project: &ProjectRow,
    cost: Units,
) -> Result<(), LedgerError> {
    let Some(pace) = project.rules.pace else { return Ok(()) };
    let account = &project.account;
    let accountant = account.accountant;
    let since = now - TimeDelta::days(pace.days.into());
    let before = spent_before(transaction, account.holder, since)?;
    let recent = account.spent.checked_sub(before)?;
    let room = |cap: i64, recent: i64| -> Result<i64, LedgerError> {
        // A cap that was lowered can leave less room than was used already.
        Ok((part(cap, pace.share.into(), WHOLE.into())? - recent).max(0))
    };
    let of_main = room(main(accountant, account.cap), main(accountant, recent))?;
    let of_delta = room(account.cap.delta, recent.delta)?;
    let (need, room) = if main(accountant, cost) > of_main {
        (up(accountant, main(accountant, cost)), down(accountant, of_main))
    } else if cost.delta > of_delta {
        (delta_up(cost.delta), delta_down(of_delta))
    } else {
        return Ok(());
    };
    let after = match newest_charge(transaction, account.holder)? {
        Some(at) => minute(at + TimeDelta::days(pace.days.into())),
        None => "an administrator has set another pace".to_owned(),
    };
    let (project, pace) = (account.name.clone(), pace.to_string());
    Err(Forbidden::TooFast { project, need, pace, room, after }.into())
}

/// A share of a cap, rounded down.
fn part(cap: i64, share: i64, whole: i64) -> Result<i64, LedgerError> {
    let part = i128::from(cap) * i128::from(share) / i128::from(whole.max(1));
    i64::try_from(part).map_err(|_| LedgerError::Overflow)
}

/// What a project had spent when a moment began.
pub(super) fn spent_before(
    transaction: &dyn Transaction,
    project: i64,
    moment: Timestamp,
) -> Result<Units, LedgerError> {
    let position = last_entry_before(transaction, moment)?;
    let row = transaction.optional(
        "SELECT spent_rho_after, spent_delta_after, spent_epsilon_after FROM charge
         WHERE project = ?1 AND position <= ?2 ORDER BY position DESC LIMIT 1",
        &[project.into(), position.into()],
    )?;
    Ok(row.map(|row| accounts::units(&row, 0)).transpose()?.unwrap_or_default())
}

/// The last entry older than a moment, or 0. Times never fall along the chain, so halving finds it
/// without an index that every charge would have to write.
pub(super) fn last_entry_before(
    transaction: &dyn Transaction,
    moment: Timestamp,
) -> Result<i64, LedgerError> {
    let moment_us = moment.timestamp_micros();
    let (mut older, mut newer) = (0, chain::last(transaction)?.position + 1);
    while newer - older > 1 {
        let middle = older + (newer - older) / 2;
        let row = transaction
            .row("SELECT recorded_us FROM entry WHERE position = ?1", &[middle.into()])?;
        if row.get::<i64>(0)? < moment_us {
            older = middle;
        } else {
            newer = middle;
        }
    }
    Ok(older)
}

fn newest_charge(
    transaction: &dyn Transaction,
    project: i64,
) -> Result<Option<Timestamp>, LedgerError> {
    let row = transaction.optional(
        "SELECT e.recorded_us FROM charge c JOIN entry e ON e.position = c.position
         WHERE c.project = ?1 ORDER BY c.position DESC LIMIT 1",
        &[project.into()],
    )?;
    row.map(|row| chain::timestamp(row.get(0)?)).transpose()
}

/// The sum that a share of the cap is a share of.
pub(super) fn main(accountant: Accountant, units: Units) -> i64 {
    match accountant {
        Accountant::Zcdp => units.rho,
        Accountant::Pure => units.epsilon,
    }
}

fn up(accountant: Accountant, units: i64) -> String {
    match accountant {
        Accountant::Zcdp => format!("rho {}", Rho::from_units(units).display_up(DIGITS)),
        Accountant::Pure => format!("epsilon {}", Epsilon::from_units(units).display_up(DIGITS)),
    }
}

fn down(accountant: Accountant, units: i64) -> String {
    match accountant {
        Accountant::Zcdp => format!("rho {}", Rho::from_units(units).display_down(DIGITS)),
        Accountant::Pure => format!("epsilon {}", Epsilon::from_units(units).display_down(DIGITS)),
    }
}

fn delta_up(units: i64) -> String {
    format!("delta {}", Delta::from_units(units).display_up(DIGITS))
}

fn delta_down(units: i64) -> String {
    format!("delta {}", Delta::from_units(units).display_down(DIGITS))
}
