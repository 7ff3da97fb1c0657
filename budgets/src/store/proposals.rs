//! What needs two administrators, and how the second one answers.

use super::chain::{self, Kind};
use super::database::{Row, Transaction};
use super::desk::Desk;
use super::{accounts, principals, recover};
use crate::act::{Act, Proposal};
use crate::error::LedgerError;
use crate::policy::{Ceiling, Policy};
use crate::principal::Role;
use voilage_privacy::{Delta, Epsilon};

/// The policy in force; `None` when none was ever set.
pub(crate) fn policy(transaction: &dyn Transaction) -> Result<Option<Policy>, LedgerError> {
    let row = transaction.optional(
        "SELECT project_epsilon, project_delta, dataset_epsilon, dataset_delta
         FROM policy ORDER BY position DESC LIMIT 1",
        &[],
    )?;
    let Some(row) = row else { return Ok(None) };
    let ceiling = |at: usize| -> Result<Option<Ceiling>, LedgerError> {
        Ok(match (row.get::<Option<i64>>(at)?, row.get::<Option<i64>>(at + 1)?) {
            (Some(epsilon), Some(delta)) if epsilon > 0 && delta > 0 => Some(Ceiling {
                epsilon: Epsilon::from_units(epsilon),
                delta: Delta::from_units(delta),
            }),
            (None, None) => None,
            _ => return Err(LedgerError::altered("a policy has half a ceiling")),
        })
    };
    Ok(Some(Policy { project: ceiling(0)?, dataset: ceiling(2)? }))
}

/// Records a policy.
pub(super) fn set_policy(desk: &Desk<'_>, new: &Policy) -> Result<(), LedgerError> {
    // Ceilings round down: a cap on the grid that passes the ceiling passes the stored one.
    let units = |ceiling: &Option<Ceiling>| {
        ceiling.as_ref().map(|one| (one.epsilon.units_down(), one.delta.units_down()))
    };
    let (project, dataset) = (units(&new.project), units(&new.dataset));
    for (epsilon, delta) in [project, dataset].into_iter().flatten() {
        if epsilon == 0 || delta == 0 {
            return Err(LedgerError::BadTerms {
                subject: "the policy".to_owned(),
                why: "a ceiling is below the ledger's smallest unit".to_owned(),
                fix: "raise it".to_owned(),
            });
        }
    }
    let stored = policy(desk.transaction)?;
    let rounded = |pair: Option<(i64, i64)>| {
        pair.map(|(epsilon, delta)| Ceiling {
            epsilon: Epsilon::from_units(epsilon),
            delta: Delta::from_units(delta),
        })
    };
    if stored == Some(Policy { project: rounded(project), dataset: rounded(dataset) }) {
        return Ok(());
    }
    let persons = principals::persons_among(&principals::all(desk.transaction)?);
    if persons < 2 {
        return Err(LedgerError::BadTerms {
            subject: "the policy".to_owned(),
            why: format!(
                "it asks two administrators to agree, and those of the ledger have {persons} account of the \
                 operating system"
            ),
            fix: "make another first, of another account: `voilage principal add NAME --role \
                  administrator --account ACCOUNT --reason ..`"
                .to_owned(),
        });
    }
    desk.append(Kind::Policy, |position| {
        desk.transaction.execute(
            "INSERT INTO policy (position, project_epsilon, project_delta, dataset_epsilon,
                                 dataset_delta)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                position.into(),
                project.map(|pair| pair.0).into(),
                project.map(|pair| pair.1).into(),
                dataset.map(|pair| pair.0).into(),
                dataset.map(|pair| pair.1).into(),
            ],
        )
    })?;
    Ok(())
}

/// Whether an act needs a second administrator, under the policy in force or after a branch was accepted
/// that nobody could list: a dataset that only that branch knew would have its whole cap again.
pub(crate) fn needs_approval(
    transaction: &dyn Transaction,
    act: &Act,
) -> Result<bool, LedgerError> {
    let gives_budget = if let Act::RegisterDataset { terms, .. } = act {
        accounts::find_dataset(transaction, &terms.name)?.is_none()
    } else if let Act::ChangeDatasetCap { dataset, cap } = act {
        accounts::dataset(transaction, dataset)?.account.is_raised_by(cap)
    } else {
        false
    };
    if gives_budget && recover::has_exhausted(transaction)? {
        return Ok(true);
    }
    let Some(policy) = policy(transaction)? else { return Ok(false) };
    let passes = |ceiling: &Option<Ceiling>, epsilon: &Epsilon, delta: Option<&Delta>| {
        ceiling.as_ref().is_some_and(|ceiling| ceiling.is_passed(epsilon, delta))
    };
    Ok(match act {
        Act::RegisterDataset { terms, .. } => {
            accounts::find_dataset(transaction, &terms.name)?.is_none()
                && passes(&policy.dataset, &terms.epsilon, terms.delta.as_ref())
        }
        Act::ChangeDatasetCap { dataset, cap } => {
            let now = accounts::dataset(transaction, dataset)?.account;
            now.is_raised_by(cap) && passes(&policy.dataset, &cap.epsilon, cap.delta.as_ref())
        }
        Act::OpenProject { terms, .. } => {
            accounts::find_project(transaction, &terms.name)?.is_none()
                && passes(&policy.project, &terms.epsilon, terms.delta.as_ref())
        }
        Act::ChangeProjectCap { project, cap } => {
            let now = accounts::project(transaction, project)?.account;
            now.is_raised_by(cap) && passes(&policy.project, &cap.epsilon, cap.delta.as_ref())
        }
        // Who decides, and above what two must agree, is agreed by two as well.
        Act::SetPolicy { policy: new } => *new != policy,
        Act::SetPrincipal { principal } => {
            let before = principals::find(transaction, &principal.name)?;
            let was = before.as_ref().is_some_and(|one| one.role == Role::Administrator);
            before.as_ref() != Some(principal) && (was || principal.role == Role::Administrator)
        }
        Act::RemovePrincipal { name } => {
            principals::find(transaction, name)?.is_some_and(|one| one.role == Role::Administrator)
        }
        Act::AddTables { .. }
        | Act::UpdateDataset { .. }
        | Act::SetRules { .. }
        | Act::GrantPermit { .. }
        | Act::ExtendPermit { .. }
        | Act::NamePerson { .. }
        | Act::GiveDataset { .. }
        | Act::Suspend { .. }
        | Act::Resume { .. }
        | Act::Close { .. }
        | Act::RecordPurge { .. } => false,
    })
}

/// Records a proposal; the same one by the same person that still waits is returned.
pub(super) fn propose(
    desk: &Desk<'_>,
    principal: &str,
    reason: &str,
    act: &Act,
) -> Result<i64, LedgerError> {
    let waiting = open(desk.transaction)?;
    if let Some(same) = waiting.iter().find(|one| one.act == *act && one.principal == principal) {
        return i64::try_from(same.entry).map_err(|_| LedgerError::Overflow);
    }
    let text = serde_json::to_string(act)
        .map_err(|_| LedgerError::Misuse("an act cannot be written down"))?;
    let summary = act.to_string();
    desk.append(Kind::Proposal, |position| {
        desk.transaction.execute(
            "INSERT INTO proposal (position, principal, reason, summary, act)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[position.into(), principal.into(), reason.into(), (&summary).into(), (&text).into()],
        )
    })
}

/// Every proposal that nobody has answered, oldest first.
pub(crate) fn open(transaction: &dyn Transaction) -> Result<Vec<Proposal>, LedgerError> {
    let rows =
        transaction.rows(&format!("{QUERY} WHERE a.position IS NULL ORDER BY p.position"), &[])?;
    rows.iter().map(read).collect()
}

/// The proposal at `position`, if it still waits.
pub(super) fn waiting(
    transaction: &dyn Transaction,
    position: u64,
) -> Result<Proposal, LedgerError> {
    let key = i64::try_from(position).unwrap_or(i64::MAX);
    let row = transaction.optional(&format!("{QUERY} WHERE p.position = ?1"), &[key.into()])?;
    let list = "`voilage approve --list` shows what waits";
    let subject = format!("proposal {position}");
    let Some(row) = row else {
        return Err(LedgerError::BadTerms {
            subject,
            why: "there is none of this number".to_owned(),
            fix: list.to_owned(),
        });
    };
    if let Some(verdict) = row.get::<Option<String>>(5)? {
        return Err(LedgerError::BadTerms {
            subject,
            why: format!("it was {verdict} already"),
            fix: list.to_owned(),
        });
    }
    read(&row)
}

/// Whether whoever answers a proposal made it: by name, or by an account that the proposer has now or had
/// when it was made.
pub(super) fn is_own(
    transaction: &dyn Transaction,
    waiting: &Proposal,
    answering: &str,
) -> Result<bool, LedgerError> {
    if waiting.principal == answering {
        return Ok(true);
    }
    let Some(answering) = principals::find(transaction, answering)? else { return Ok(false) };
    let now = principals::find(transaction, &waiting.principal)?.map(|one| one.account);
    let then = principals::account_at(transaction, &waiting.principal, waiting.entry)?;
    Ok([now, then].contains(&Some(answering.account)))
}

/// Records the second administrator's answer.
pub(super) fn record_answer(
    desk: &Desk<'_>,
    proposal: i64,
    principal: &str,
    verdict: &str,
    reason: &str,
) -> Result<i64, LedgerError> {
    desk.append(Kind::Approval, |position| {
        desk.transaction.execute(
            "INSERT INTO approval (position, proposal, principal, verdict, reason)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[position.into(), proposal.into(), principal.into(), verdict.into(), reason.into()],
        )
    })
}

const QUERY: &str = "
    SELECT p.position, e.recorded_us, p.principal, p.reason, p.act, a.verdict
    FROM proposal p
    JOIN entry e ON e.position = p.position
    LEFT JOIN approval a ON a.proposal = p.position";

fn read(row: &Row) -> Result<Proposal, LedgerError> {
    let act = serde_json::from_str(&row.get::<String>(4)?)
        .map_err(|_| LedgerError::altered("a proposal cannot be read"))?;
    Ok(Proposal {
        entry: chain::position_u64(row.get(0)?),
        at: chain::timestamp(row.get(1)?)?,
        principal: row.get(2)?,
        reason: row.get(3)?,
        act,
    })
}
