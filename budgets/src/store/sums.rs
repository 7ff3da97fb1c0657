//! What every account should have spent, added up again from the entries.

use std::collections::BTreeMap;

use super::accounts;
use super::chain;
use super::database::{Row, Transaction};
use super::verify::{PAGE, altered};
use crate::error::LedgerError;
use crate::units::Units;

/// What one account should say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) spent: Units,
    /// How often it moved.
    pub(crate) moves: i64,
    /// Whether a part of it was spent in another branch of the ledger.
    pub(super) recovered: bool,
}

impl Sum {
    pub(crate) fn add(&mut self, cost: Units) -> Result<(), LedgerError> {
        self.spent = self.spent.checked_add(cost)?;
        self.moves += 1;
        Ok(())
    }
}

/// A charge of another branch that counts here.
struct Recovered {
    position: i64,
    project: Option<i64>,
    dataset: i64,
    cost: Units,
    dataset_cost: Units,
}

/// The sums by holder; each charge's running sum is checked on the way.
pub(super) fn recomputed(transaction: &dyn Transaction) -> Result<BTreeMap<i64, Sum>, LedgerError> {
    let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
    let mut recovered = recovered(transaction)?.into_iter().peekable();
    let sql = "SELECT c.position, c.project, p.dataset, c.rho, c.delta, c.epsilon, c.dataset_rho,
                      c.dataset_delta, c.dataset_epsilon, c.spent_rho_after, c.spent_delta_after,
                      c.spent_epsilon_after
               FROM charge c JOIN project p ON p.position = c.project
               WHERE c.position > ?1 ORDER BY c.position LIMIT ?2";
    each(transaction, sql, |row| {
        let position: i64 = row.get(0)?;
        while let Some(earlier) = recovered.next_if(|earlier| earlier.position < position) {
            earlier.add_to(&mut sums)?;
        }
        let project = sums.entry(row.get(1)?).or_default();
        project.add(accounts::units(row, 3)?)?;
        if project.spent != accounts::units(row, 9)? {
            return Err(altered(
                chain::position_u64(position),
                "its running sum is not the sum of its project's charges",
            ));
        }
        sums.entry(row.get(2)?).or_default().add(accounts::units(row, 6)?)
    })?;
    for later in recovered {
        later.add_to(&mut sums)?;
    }
    let sql = "SELECT position, dataset, rho, delta, epsilon FROM charge_share
               WHERE position > ?1 ORDER BY position LIMIT ?2";
    each(transaction, sql, |row| {
        sums.entry(row.get(1)?).or_default().add(accounts::units(row, 2)?)
    })?;
    Ok(sums)
}

impl Recovered {
    fn add_to(&self, sums: &mut BTreeMap<i64, Sum>) -> Result<(), LedgerError> {
        let parts = [(self.project, self.cost), (Some(self.dataset), self.dataset_cost)];
        for (holder, cost) in parts {
            if let Some(holder) = holder
                && cost != Units::default()
            {
                let sum = sums.entry(holder).or_default();
                sum.add(cost)?;
                sum.recovered = true;
            }
        }
        Ok(())
    }
}

fn recovered(transaction: &dyn Transaction) -> Result<Vec<Recovered>, LedgerError> {
    let mut all = Vec::new();
    let sql = "SELECT position, project, dataset, rho, delta, epsilon, dataset_rho, dataset_delta,
                      dataset_epsilon
               FROM recovered_charge WHERE position > ?1 ORDER BY position LIMIT ?2";
    each(transaction, sql, |row| {
        all.push(Recovered {
            position: row.get(0)?,
            project: row.get(1)?,
            dataset: row.get(2)?,
            cost: accounts::units(row, 3)?,
            dataset_cost: accounts::units(row, 6)?,
        });
        Ok(())
    })?;
    Ok(all)
}

/// Calls `take` for every row of a query that begins with a position, page by page.
pub(super) fn each(
    transaction: &dyn Transaction,
    sql: &str,
    take: impl FnMut(&Row) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    each_after(transaction, sql, i64::MIN, take)
}

/// The same, from the first position after `after`.
pub(super) fn each_after(
    transaction: &dyn Transaction,
    sql: &str,
    mut after: i64,
    mut take: impl FnMut(&Row) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    loop {
        let rows = transaction.rows(sql, &[after.into(), PAGE.into()])?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.get(0)?;
        rows.iter().try_for_each(&mut take)?;
    }
}
