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

/// What moves an account beside a charge's own row, in the order of the chain.
struct Move {
    position: i64,
    holder: i64,
    cost: Units,
    /// Spent in another branch of the ledger, whatever the cap here.
    recovered: bool,
}

/// The sums by holder. On the way each charge's running sum is checked, and that every account had room
/// for what was charged to it then, under its cap of then.
pub(super) fn recomputed(transaction: &dyn Transaction) -> Result<BTreeMap<i64, Sum>, LedgerError> {
    let mut sums = Sums { by_holder: BTreeMap::new(), caps: caps(transaction)? };
    let mut moves = moves(transaction)?.into_iter().peekable();
    let sql = "SELECT c.position, c.project, p.dataset, c.rho, c.delta, c.epsilon, c.dataset_rho,
                      c.dataset_delta, c.dataset_epsilon, c.spent_rho_after, c.spent_delta_after,
                      c.spent_epsilon_after
               FROM charge c JOIN project p ON p.position = c.project
               WHERE c.position > ?1 ORDER BY c.position LIMIT ?2";
    each(transaction, sql, |row| {
        let position: i64 = row.get(0)?;
        while let Some(earlier) = moves.next_if(|earlier| earlier.position < position) {
            sums.take(&earlier)?;
        }
        let charged = |holder, cost| Move { position, holder, cost, recovered: false };
        let spent = sums.take(&charged(row.get(1)?, accounts::units(row, 3)?))?;
        if spent != accounts::units(row, 9)? {
            return Err(altered(
                chain::position_u64(position),
                "its running sum is not the sum of its project's charges",
            ));
        }
        sums.take(&charged(row.get(2)?, accounts::units(row, 6)?)).map(drop)
    })?;
    for later in moves {
        sums.take(&later)?;
    }
    Ok(sums.by_holder)
}

struct Sums {
    by_holder: BTreeMap<i64, Sum>,
    /// The caps of each account, each with the entry that gave it, oldest first.
    caps: BTreeMap<i64, Vec<(i64, Units)>>,
}

impl Sums {
    /// Adds a move; returns what its account had spent after it.
    fn take(&mut self, one: &Move) -> Result<Units, LedgerError> {
        let sum = self.by_holder.entry(one.holder).or_default();
        sum.add(one.cost)?;
        sum.recovered |= one.recovered;
        let caps = self.caps.get(&one.holder).map_or(&[][..], Vec::as_slice);
        let cap = caps.iter().rev().find(|(since, _)| *since < one.position).map(|(_, cap)| *cap);
        if !one.recovered && !cap.is_some_and(|cap| sum.spent.fits_in(cap)) {
            return Err(altered(
                chain::position_u64(one.position),
                "its cost did not fit the cap of then",
            ));
        }
        Ok(sum.spent)
    }
}

fn caps(transaction: &dyn Transaction) -> Result<BTreeMap<i64, Vec<(i64, Units)>>, LedgerError> {
    let mut caps: BTreeMap<i64, Vec<(i64, Units)>> = BTreeMap::new();
    let rows = transaction.rows(
        "SELECT position, position, cap_rho, cap_delta, cap_epsilon FROM dataset
         UNION ALL SELECT position, position, cap_rho, cap_delta, cap_epsilon FROM project
         UNION ALL SELECT position, holder, cap_rho, cap_delta, cap_epsilon FROM cap_change
         ORDER BY 1",
        &[],
    )?;
    for row in &rows {
        caps.entry(row.get(1)?).or_default().push((row.get(0)?, accounts::units(row, 2)?));
    }
    Ok(caps)
}

/// What further datasets paid, and what other branches spent.
fn moves(transaction: &dyn Transaction) -> Result<Vec<Move>, LedgerError> {
    let mut all = Vec::new();
    let sql = "SELECT position, project, dataset, rho, delta, epsilon, dataset_rho, dataset_delta,
                      dataset_epsilon
               FROM recovered_charge WHERE position > ?1 ORDER BY position LIMIT ?2";
    each(transaction, sql, |row| {
        let parts: [(Option<i64>, Units); 2] = [
            (row.get(1)?, accounts::units(row, 3)?),
            (Some(row.get(2)?), accounts::units(row, 6)?),
        ];
        for (holder, cost) in parts {
            if let Some(holder) = holder
                && cost != Units::default()
            {
                all.push(Move { position: row.get(0)?, holder, cost, recovered: true });
            }
        }
        Ok(())
    })?;
    let sql = "SELECT position, dataset, rho, delta, epsilon FROM charge_share
               WHERE position > ?1 ORDER BY position LIMIT ?2";
    each(transaction, sql, |row| {
        let (position, holder, cost) = (row.get(0)?, row.get(1)?, accounts::units(row, 2)?);
        all.push(Move { position, holder, cost, recovered: false });
        Ok(())
    })?;
    all.sort_by_key(|one| one.position);
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
