//! Taking over what other branches of a ledger spent: the common beginning plus the charges of every
//! branch, because all of them were answered.

use voilage_privacy::Accountant;

use super::accounts::{self, Account};
use super::chain::{self, EntryHash, Head, Kind};
use super::database::{Row, Transaction};
use super::datasets::{self, OfBranch};
use super::desk::Desk;
use super::guard::{self, Guard, UNKNOWN, UNLISTED, Unexplained};
use super::principals;
use super::sums;
use super::terms::check_text;
use super::verify::altered;
use super::witness::Contents;
use crate::clock::{Clock, Timestamp};
use crate::error::LedgerError;
use crate::principal::Decider;
use crate::recovery::{Branch, Missing, RecoveredCharge};
use crate::units::Units;

/// What a branch spent and this ledger has not recorded.
#[derive(Clone)]
pub(crate) struct BranchCharge {
    origin_position: i64,
    origin_hash: [u8; 32],
    /// The position of the project that paid, where it was opened in the common beginning.
    project: Option<i64>,
    dataset: String,
    dataset_accountant: String,
    cost: Units,
    dataset_cost: Units,
}

/// The last entry that two ledgers have in common, by halving: an equal hash means an equal beginning.
pub(crate) fn common_position(
    ours: &dyn Transaction,
    theirs: &dyn Transaction,
) -> Result<i64, LedgerError> {
    let same = |position: i64| -> Result<bool, LedgerError> {
        let (one, other) = (chain::hash_at(ours, position)?, chain::hash_at(theirs, position)?);
        Ok(one.is_some() && one == other)
    };
    let end = |transaction| chain::last(transaction).map(|entry| entry.position);
    let (mut low, mut high) = (0, end(ours)?.min(end(theirs)?));
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if same(middle)? { low = middle } else { high = middle - 1 }
    }
    Ok(low)
}

/// Everything a branch spent after `common`.
pub(crate) fn spent_after(
    branch: &dyn Transaction,
    common: i64,
) -> Result<Vec<BranchCharge>, LedgerError> {
    // What the branch itself recovered keeps its origin, so that it counts once wherever it is met.
    let sql = "
        SELECT x.position, e.hash, x.origin_position, x.origin_hash, x.project, d.name, d.accountant,
               x.rho, x.delta, x.epsilon, x.dataset_rho, x.dataset_delta, x.dataset_epsilon
        FROM (SELECT c.position, CAST(NULL AS bigint) AS origin_position,
                     CAST(NULL AS bytea) AS origin_hash, c.project, p.dataset, c.rho, c.delta,
                     c.epsilon, c.dataset_rho, c.dataset_delta, c.dataset_epsilon
              FROM charge c JOIN project p ON p.position = c.project
              UNION ALL
              SELECT s.position, CAST(NULL AS bigint), CAST(NULL AS bytea), CAST(NULL AS bigint),
                     s.dataset, 0, 0, 0, s.rho, s.delta, s.epsilon
              FROM charge_share s
              UNION ALL
              SELECT r.position, r.origin_position, r.origin_hash, r.project, r.dataset,
                     r.rho, r.delta, r.epsilon, r.dataset_rho, r.dataset_delta, r.dataset_epsilon
              FROM recovered_charge r) x
        JOIN entry e ON e.position = x.position
        JOIN dataset d ON d.position = x.dataset
        WHERE x.position > ?1 ORDER BY x.position LIMIT ?2";
    let mut charges = Vec::new();
    sums::each_after(branch, sql, common, |row| {
        charges.push(BranchCharge::read(row, common)?);
        Ok(())
    })?;
    Ok(charges)
}

impl BranchCharge {
    fn read(row: &Row, common: i64) -> Result<Self, LedgerError> {
        let project: Option<i64> = row.get(4)?;
        Ok(Self {
            origin_position: row.get::<Option<i64>>(2)?.map_or_else(|| row.get(0), Ok)?,
            origin_hash: row.get::<Option<[u8; 32]>>(3)?.map_or_else(|| row.get(1), Ok)?,
            project: project.filter(|position| *position <= common),
            dataset: row.get(5)?,
            dataset_accountant: row.get(6)?,
            cost: accounts::units(row, 7)?,
            dataset_cost: accounts::units(row, 10)?,
        })
    }

    fn origin(&self) -> (i64, &[u8; 32]) {
        (self.origin_position, &self.origin_hash)
    }

    /// What people are shown of it.
    pub(crate) fn to_public(&self) -> RecoveredCharge {
        let is_pure = self.dataset_accountant == accounts::accountant_text(Accountant::Pure);
        let accountant = if is_pure { Accountant::Pure } else { Accountant::Zcdp };
        RecoveredCharge {
            entry: chain::position_u64(self.origin_position),
            dataset: self.dataset.clone(),
            loss: self.dataset_cost.to_loss(accountant),
        }
    }

    /// Whether this ledger counts the charge already: as its own, or from an earlier recovery.
    fn is_known(&self, transaction: &dyn Transaction) -> Result<bool, LedgerError> {
        let origin = &[self.origin_position.into(), (&self.origin_hash).into()];
        Ok(transaction.exists("SELECT 1 FROM entry WHERE position = ?1 AND hash = ?2", origin)?
            || transaction.exists(
                "SELECT 1 FROM recovered_charge
                 WHERE origin_position = ?1 AND origin_hash = ?2",
                origin,
            )?)
    }
}

/// What a recovery would find: what was seen outside, which branch explains it, and what they spent.
pub(crate) struct Survey {
    pub(crate) missing: Vec<Missing>,
    pub(crate) is_witness_missing: bool,
    pub(crate) charges: Vec<BranchCharge>,
    /// The entries that sealed the branches' answers, and what the branches accepted: each may stand in a
    /// receipt.
    sealed: Vec<Head>,
    /// Whether a branch accepted one that nobody could list.
    is_unlisted: bool,
    /// The datasets that only branches know.
    datasets: Vec<OfBranch>,
}

/// Compares this ledger with what was seen of it and with its branches; changes nothing.
///
/// The snapshots of all of them were begun after the witness was read.
pub(crate) fn survey(
    transaction: &dyn Transaction,
    (guard, contents): (&Guard, &Contents),
    (branches, receipts): (&[Branch], &[Head]),
) -> Result<Survey, LedgerError> {
    let Unexplained { missing, is_witness_missing } =
        guard.unexplained(transaction, contents, receipts)?;
    let mut missing: Vec<Missing> = missing
        .into_iter()
        .map(|(seen_by, head)| Missing { seen_by, head, explained_by: None })
        .collect();
    let mut charges: Vec<BranchCharge> = Vec::new();
    let (mut sealed, mut datasets) = (Vec::new(), Vec::<OfBranch>::new());
    let mut is_unlisted = false;
    for branch in branches {
        let store: &dyn Transaction = branch.store.as_ref();
        for one in missing.iter_mut().filter(|one| one.explained_by.is_none()) {
            if guard::explains(store, &one.head)? {
                one.explained_by = Some(branch.location.clone());
            }
        }
        let common = common_position(transaction, store)?;
        for charge in spent_after(store, common)? {
            let is_met = charges.iter().any(|met| met.origin() == charge.origin());
            if !is_met && !charge.is_known(transaction)? {
                charges.push(charge);
            }
        }
        for dataset in datasets::registered_after(store, common)? {
            let is_met = datasets.iter().any(|met| met.name == dataset.name);
            if !is_met && accounts::find_dataset(transaction, &dataset.name)?.is_none() {
                datasets.push(dataset);
            }
        }
        is_unlisted |= has_exhausted(store)?;
        for head in sealed_after(store, common)? {
            let is_met = sealed.contains(&head) || missing.iter().any(|one| one.head == head);
            if !is_met && !guard::explains(transaction, &head)? {
                sealed.push(head);
            }
        }
    }
    Ok(Survey { missing, is_witness_missing, charges, sealed, is_unlisted, datasets })
}

/// The entries after `common` that sealed a branch's answers, and those that it accepted.
fn sealed_after(branch: &dyn Transaction, common: i64) -> Result<Vec<Head>, LedgerError> {
    let sql = "
        SELECT x.position, x.seen, x.hash
        FROM (SELECT s.position, s.position AS seen, e.hash
              FROM seal s JOIN entry e ON e.position = s.position
              UNION ALL
              SELECT r.position, r.witness_position, r.witness_hash
              FROM recovery r WHERE r.witness_position > 0) x
        WHERE x.position > ?1 ORDER BY x.position LIMIT ?2";
    let mut heads = Vec::new();
    sums::each_after(branch, sql, common, |row| {
        let hash = EntryHash::from_bytes(row.get(2)?);
        heads.push(Head { position: chain::position_u64(row.get(1)?), hash });
        Ok(())
    })?;
    Ok(heads)
}

/// An administrator's decision: one row for each head that is accepted, and the first of them. Then the
/// datasets that only branches knew.
pub(crate) fn begin(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    by: Decider<'_>,
    found: &Survey,
) -> Result<(i64, Timestamp), LedgerError> {
    let subject = "this recovery";
    check_text(subject, "the administrator", by.principal)?;
    check_text(subject, "the reason", by.reason)?;
    principals::must_administer(transaction, by.principal, "recover the ledger")?;
    let at = chain::now(transaction, clock)?;
    let accepted = found.missing.iter().map(|one| one.head).chain(found.sealed.iter().copied());
    let mut first = None;
    for head in accepted {
        let decision = decide(transaction, at, by, head)?;
        first = first.or(Some(decision));
    }
    let decision = match first {
        Some(decision) => decision,
        None => decide(transaction, at, by, UNKNOWN)?,
    };
    if found.is_unlisted {
        decide(transaction, at, by, UNLISTED)?;
    }
    let desk = Desk::new(transaction, clock)?;
    found.datasets.iter().try_for_each(|dataset| datasets::adopt(&desk, dataset))?;
    Ok((decision, at))
}

fn decide(
    transaction: &dyn Transaction,
    at: Timestamp,
    by: Decider<'_>,
    head: Head,
) -> Result<i64, LedgerError> {
    let seen = i64::try_from(head.position).map_err(|_| LedgerError::Overflow)?;
    chain::append(transaction, Kind::Recovery, at, |position| {
        transaction.execute(
            "INSERT INTO recovery (position, administrator, reason, witness_position, witness_hash)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                position.into(),
                by.principal.into(),
                by.reason.into(),
                seen.into(),
                head.hash.as_bytes().into(),
            ],
        )
    })
}

/// Counts what branches spent here, each charge once.
pub(crate) fn take_over(
    transaction: &dyn Transaction,
    (recovery, at): (i64, Timestamp),
    charges: &[BranchCharge],
) -> Result<(), LedgerError> {
    for charge in charges {
        let Some(row) = accounts::find_dataset(transaction, &charge.dataset)? else {
            return Err(LedgerError::Misuse("a branch spent from a dataset that it does not have"));
        };
        let dataset = row.account;
        let origin = Some((charge.origin_position, &charge.origin_hash));
        let is_same = accounts::accountant_text(dataset.accountant) == charge.dataset_accountant;
        // What was spent in another accountant cannot be added here: it counts as everything.
        let dataset_cost = if is_same { charge.dataset_cost } else { dataset.left()? };
        let costs = [charge.cost, dataset_cost];
        record(transaction, (recovery, at), origin, (charge.project, &dataset), costs)?;
    }
    Ok(())
}

/// Whether a branch was accepted that nobody could list: it may have had datasets and caps of its own.
pub(crate) fn has_exhausted(transaction: &dyn Transaction) -> Result<bool, LedgerError> {
    transaction.exists(
        "SELECT 1 FROM recovery WHERE witness_position = 0 AND witness_hash = ?1
         UNION ALL
         SELECT 1 FROM recovered_charge WHERE origin_position IS NULL LIMIT 1",
        &[UNLISTED.hash.as_bytes().into()],
    )
}

/// Fills every dataset up to its cap, for a branch that nobody can list; returns their names.
pub(crate) fn exhaust(
    transaction: &dyn Transaction,
    by: Decider<'_>,
    decision: (i64, Timestamp),
) -> Result<Vec<String>, LedgerError> {
    decide(transaction, decision.1, by, UNLISTED)?;
    let mut names = Vec::new();
    for row in accounts::datasets(transaction)? {
        let left = row.account.left()?;
        if left != Units::default() {
            record(transaction, decision, None, (None, &row.account), [Units::default(), left])?;
        }
        names.push(row.account.name);
    }
    Ok(names)
}

fn record(
    transaction: &dyn Transaction,
    (recovery, at): (i64, Timestamp),
    origin: Option<(i64, &[u8; 32])>,
    (project, dataset): (Option<i64>, &Account),
    [cost, dataset_cost]: [Units; 2],
) -> Result<(), LedgerError> {
    let (origin_position, origin_hash) = origin.unzip();
    chain::append(transaction, Kind::RecoveredCharge, at, |position| {
        transaction.execute(
            "INSERT INTO recovered_charge (position, recovery, origin_position, origin_hash, project,
                                           dataset, rho, delta, epsilon, dataset_rho, dataset_delta,
                                           dataset_epsilon)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            &[
                position.into(),
                recovery.into(),
                origin_position.into(),
                origin_hash.into(),
                project.into(),
                dataset.holder.into(),
                cost.rho.into(),
                cost.delta.into(),
                cost.epsilon.into(),
                dataset_cost.rho.into(),
                dataset_cost.delta.into(),
                dataset_cost.epsilon.into(),
            ],
        )
    })?;
    if let Some(project) = project {
        add(transaction, project, cost)?;
    }
    add(transaction, dataset.holder, dataset_cost)
}

/// Adds what was spent elsewhere, whatever the cap: it cannot be unspent.
fn add(transaction: &dyn Transaction, holder: i64, cost: Units) -> Result<(), LedgerError> {
    if cost == Units::default() {
        return Ok(());
    }
    let changed = transaction.execute(
        "UPDATE account
         SET spent_rho = spent_rho + ?2,
             spent_delta = spent_delta + ?3,
             spent_epsilon = spent_epsilon + ?4,
             sequence = sequence + 1
         WHERE holder = ?1",
        &[holder.into(), cost.rho.into(), cost.delta.into(), cost.epsilon.into()],
    )?;
    if changed == 1 {
        Ok(())
    } else {
        Err(altered(chain::position_u64(holder), "its account is missing"))
    }
}
