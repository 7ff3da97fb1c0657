//! What one question costs everybody who pays for it: its project, and each dataset it reads.
//!
//! The only room where spent sums move, apart from what is recovered from other branches.

use std::collections::BTreeSet;

use super::accounts::{self, Account, ProjectRow};
use super::chain::{self, Kind};
use super::database::Transaction;
use crate::charge::{ChargeRequest, DatasetShare};
use crate::clock::Timestamp;
use crate::error::LedgerError;
use crate::refusal::Shortfall;
use crate::units::Units;

/// A cost for each account that it touches.
pub(super) struct Bill {
    /// What the project pays: the sum of all shares.
    pub(super) total: Units,
    /// What the project's own dataset pays.
    pub(super) own: Units,
    dataset: Account,
    shares: Vec<Share>,
}

/// What a further dataset pays.
struct Share {
    dataset: Account,
    data_version: String,
    cost: Units,
}

impl Bill {
    /// Prices a request in every accountant; nothing is spent yet.
    pub(super) fn of(
        transaction: &dyn Transaction,
        request: &ChargeRequest,
        project: &ProjectRow,
        dataset: &Account,
    ) -> Result<Self, LedgerError> {
        let accountant = project.account.accountant;
        let mut total = Units::cost(&request.loss)?;
        let own = total.in_dataset(accountant, dataset.accountant)?;
        let mut shares = Vec::with_capacity(request.shares.len());
        let mut seen = BTreeSet::from([dataset.holder]);
        for asked in &request.shares {
            let cost = Units::cost(&asked.loss)?;
            let (dataset, data_version) = given(transaction, project, asked)?;
            if !seen.insert(dataset.holder) {
                return Err(LedgerError::Misuse("a charge names a dataset twice"));
            }
            total = total.checked_add(cost)?;
            let cost = cost.in_dataset(accountant, dataset.accountant)?;
            shares.push(Share { dataset, data_version, cost });
        }
        Ok(Self { total, own, dataset: dataset.clone(), shares })
    }

    /// Spends from every account, or says whose cap does not hold it; then the transaction is undone.
    pub(super) fn pay(
        &self,
        transaction: &dyn Transaction,
        project: &Account,
    ) -> Result<(), LedgerError> {
        let costs = [(&self.dataset, self.own)]
            .into_iter()
            .chain(self.shares.iter().map(|share| (&share.dataset, share.cost)));
        let mut paid = spend(transaction, project, self.total)?;
        for (dataset, cost) in costs.clone() {
            paid = paid && spend(transaction, dataset, cost)?;
        }
        if paid {
            return Ok(());
        }
        for (dataset, cost) in costs {
            let fits = cost.fits_in(dataset.left()?) && self.total.fits_in(project.left()?);
            if !fits {
                let shortfall = Shortfall::between(project, self.total, dataset, cost)?;
                return Err(LedgerError::Budget(Box::new(shortfall)));
            }
        }
        // It would fit what was read, so an account has moved since.
        Err(LedgerError::Busy)
    }

    /// Whether further datasets paid for `charge` what they would pay now.
    pub(super) fn is_recorded(
        &self,
        transaction: &dyn Transaction,
        charge: i64,
    ) -> Result<bool, LedgerError> {
        let rows = transaction.rows(
            "SELECT dataset, data_version, rho, delta, epsilon FROM charge_share
             WHERE charge = ?1 ORDER BY dataset",
            &[charge.into()],
        )?;
        let mut shares: Vec<&Share> = self.shares.iter().collect();
        shares.sort_by_key(|share| share.dataset.holder);
        if rows.len() != shares.len() {
            return Ok(false);
        }
        for (row, share) in rows.iter().zip(shares) {
            let (dataset, version): (i64, String) = (row.get(0)?, row.get(1)?);
            let is_same = dataset == share.dataset.holder
                && version == share.data_version
                && accounts::units(row, 2)? == share.cost;
            if !is_same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Records what further datasets paid for `charge`.
    pub(super) fn record(
        &self,
        transaction: &dyn Transaction,
        now: Timestamp,
        charge: i64,
    ) -> Result<(), LedgerError> {
        for share in &self.shares {
            chain::append(transaction, Kind::ChargeShare, now, |position| {
                transaction.execute(
                    "INSERT INTO charge_share (position, charge, dataset, data_version, rho, delta,
                                               epsilon)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    &[
                        position.into(),
                        charge.into(),
                        share.dataset.holder.into(),
                        (&share.data_version).into(),
                        share.cost.rho.into(),
                        share.cost.delta.into(),
                        share.cost.epsilon.into(),
                    ],
                )
            })?;
        }
        Ok(())
    }
}

/// The further dataset that a request names, if the project may ask about it as it is now.
fn given(
    transaction: &dyn Transaction,
    project: &ProjectRow,
    asked: &DatasetShare,
) -> Result<(Account, String), LedgerError> {
    let (expected, found) = (project.account.accountant, asked.loss.accountant());
    if expected != found {
        let project = project.account.name.clone();
        return Err(LedgerError::WrongAccountant { project, expected, found });
    }
    let row = accounts::dataset(transaction, &asked.dataset)?;
    let is_given = transaction.exists(
        "SELECT 1 FROM project_dataset WHERE project = ?1 AND dataset = ?2",
        &[project.account.holder.into(), row.account.holder.into()],
    )?;
    if !is_given {
        return Err(LedgerError::DatasetNotGiven {
            project: project.account.name.clone(),
            dataset: asked.dataset.clone(),
        });
    }
    if row.data_version != asked.data_version {
        return Err(LedgerError::DataMoved { dataset: row.account.name });
    }
    Ok((row.account, row.data_version))
}

/// Adds a cost to an account if its cap allows it: one conditional statement decides, and only for the
/// account as it was read.
///
/// A cap less a cost cannot overflow, because neither is negative.
fn spend(
    transaction: &dyn Transaction,
    account: &Account,
    cost: Units,
) -> Result<bool, LedgerError> {
    let changed = transaction.execute(
        "UPDATE account
         SET spent_rho = spent_rho + ?3,
             spent_delta = spent_delta + ?4,
             spent_epsilon = spent_epsilon + ?5,
             sequence = sequence + 1
         WHERE holder = ?1
           AND sequence = ?2
           AND spent_rho <= cap_rho - ?3
           AND spent_delta <= cap_delta - ?4
           AND spent_epsilon <= cap_epsilon - ?5",
        &[
            account.holder.into(),
            account.sequence.into(),
            cost.rho.into(),
            cost.delta.into(),
            cost.epsilon.into(),
        ],
    )?;
    Ok(changed == 1)
}
