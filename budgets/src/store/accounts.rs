//! Reading datasets and projects, with their running sums.

use voilage_privacy::{Accountant, Delta, Epsilon, Loss};

use super::chain;
use super::database::{Row, Transaction};
use crate::account::{Dataset, GrantedTerms, Permit, Project, ProjectStatus};
use crate::clock::Timestamp;
use crate::error::{LedgerError, Suggestion};
use crate::units::Units;

/// What datasets and projects have in common: terms, a cap and a sum.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The position of the entry that opened it.
    pub(crate) holder: i64,
    pub(crate) name: String,
    pub(crate) accountant: Accountant,
    pub(crate) terms: GrantedTerms,
    pub(crate) cap: Units,
    pub(crate) spent: Units,
    /// How often it has moved.
    pub(crate) sequence: i64,
}

/// The columns of [`Account::read`], for a table `t` joined with `account a`.
const ACCOUNT_COLUMNS: &str = "t.position, t.name, t.accountant, t.epsilon, t.delta, a.cap_rho, \
     a.cap_delta, a.cap_epsilon, a.spent_rho, a.spent_delta, a.spent_epsilon, \
     a.sequence";
const ACCOUNT_COLUMN_COUNT: usize = 12;

impl Account {
    fn read(row: &Row) -> Result<Self, LedgerError> {
        Ok(Self {
            holder: row.get(0)?,
            name: row.get(1)?,
            accountant: accountant(row, 2)?,
            terms: GrantedTerms {
                epsilon: Epsilon::from_units(quantity(row, 3)?),
                delta: optional_quantity(row, 4)?.map(Delta::from_units),
            },
            cap: units(row, 5)?,
            spent: units(row, 8)?,
            sequence: row.get(11)?,
        })
    }

    /// Nothing where another branch has spent more than the cap.
    pub(crate) fn left(&self) -> Result<Units, LedgerError> {
        self.cap.saturating_sub(self.spent)
    }

    pub(crate) fn loss(&self, units: Units) -> Loss {
        units.to_loss(self.accountant)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct DatasetRow {
    pub(crate) account: Account,
    pub(crate) data_version: String,
}

impl DatasetRow {
    pub(crate) fn to_public(&self) -> Result<Dataset, LedgerError> {
        let account = &self.account;
        Ok(Dataset {
            name: account.name.clone(),
            accountant: account.accountant,
            terms: account.terms.clone(),
            cap: account.loss(account.cap),
            spent: account.loss(account.spent),
            left: account.loss(account.left()?),
            data_version: self.data_version.clone(),
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ProjectRow {
    pub(crate) account: Account,
    pub(crate) dataset: i64,
    pub(crate) dataset_name: String,
    pub(crate) permit_position: i64,
    pub(crate) permit: Permit,
    /// When and why it was closed.
    pub(crate) closed: Option<(Timestamp, String)>,
}

impl ProjectRow {
    pub(crate) fn status(&self, now: Timestamp) -> ProjectStatus {
        let today = now.date_naive();
        match &self.closed {
            Some((at, reason)) => ProjectStatus::Closed { at: *at, reason: reason.clone() },
            None if today < self.permit.starts => ProjectStatus::NotStarted,
            None if today > self.permit.ends => ProjectStatus::Expired,
            None => ProjectStatus::Open,
        }
    }

    /// Refuses whatever a project may not do today, be it new or a replay.
    pub(crate) fn must_be_open(&self, now: Timestamp) -> Result<(), LedgerError> {
        let project = self.account.name.clone();
        let Permit { authority, reference, starts, ends, .. } = self.permit.clone();
        let today = now.date_naive();
        match self.status(now) {
            ProjectStatus::Open => Ok(()),
            ProjectStatus::Closed { at, reason } => {
                Err(LedgerError::Closed { project, closed: at.date_naive(), reason })
            }
            ProjectStatus::NotStarted => {
                Err(LedgerError::NotStarted { project, authority, reference, starts, ends, today })
            }
            ProjectStatus::Expired => {
                Err(LedgerError::Expired { project, authority, reference, starts, ends, today })
            }
        }
    }

    pub(crate) fn to_public(&self, now: Timestamp) -> Result<Project, LedgerError> {
        let account = &self.account;
        Ok(Project {
            name: account.name.clone(),
            dataset: self.dataset_name.clone(),
            accountant: account.accountant,
            terms: account.terms.clone(),
            cap: account.loss(account.cap),
            spent: account.loss(account.spent),
            left: account.loss(account.left()?),
            status: self.status(now),
            permit: self.permit.clone(),
        })
    }
}

/// The dataset called `name`, if there is one.
pub(crate) fn find_dataset(
    transaction: &dyn Transaction,
    name: &str,
) -> Result<Option<DatasetRow>, LedgerError> {
    let sql = dataset_query("WHERE t.name = ?1");
    transaction.optional(&sql, &[name.into()])?.as_ref().map(read_dataset).transpose()
}

/// The dataset called `name`, or an error with the nearest name.
pub(crate) fn dataset(
    transaction: &dyn Transaction,
    name: &str,
) -> Result<DatasetRow, LedgerError> {
    find_dataset(transaction, name)?.map_or_else(
        || {
            let nearest = Suggestion::nearest(name, names(transaction, "dataset")?);
            Err(LedgerError::UnknownDataset { name: name.to_owned(), nearest })
        },
        Ok,
    )
}

/// The dataset that was registered at `position`.
pub(crate) fn dataset_at(
    transaction: &dyn Transaction,
    position: i64,
) -> Result<DatasetRow, LedgerError> {
    let sql = dataset_query("WHERE t.position = ?1");
    read_dataset(&transaction.row(&sql, &[position.into()])?)
}

/// Every dataset, in the order of registration.
pub(crate) fn datasets(transaction: &dyn Transaction) -> Result<Vec<DatasetRow>, LedgerError> {
    transaction.rows(&dataset_query("ORDER BY t.position"), &[])?.iter().map(read_dataset).collect()
}

/// The project called `name`, if there is one.
pub(crate) fn find_project(
    transaction: &dyn Transaction,
    name: &str,
) -> Result<Option<ProjectRow>, LedgerError> {
    let sql = project_query("WHERE t.name = ?1");
    transaction.optional(&sql, &[name.into()])?.as_ref().map(read_project).transpose()
}

/// The project called `name`, or an error with the nearest name.
pub(crate) fn project(
    transaction: &dyn Transaction,
    name: &str,
) -> Result<ProjectRow, LedgerError> {
    find_project(transaction, name)?.map_or_else(
        || {
            let nearest = Suggestion::nearest(name, names(transaction, "project")?);
            Err(LedgerError::UnknownProject { name: name.to_owned(), nearest })
        },
        Ok,
    )
}

/// Every project, in the order of opening.
pub(crate) fn projects(transaction: &dyn Transaction) -> Result<Vec<ProjectRow>, LedgerError> {
    transaction.rows(&project_query("ORDER BY t.position"), &[])?.iter().map(read_project).collect()
}

fn dataset_query(end: &str) -> String {
    format!(
        "SELECT {ACCOUNT_COLUMNS},
                (SELECT v.version FROM data_version v WHERE v.dataset = t.position
                 ORDER BY v.position DESC LIMIT 1)
         FROM dataset t JOIN account a ON a.holder = t.position {end}"
    )
}

fn read_dataset(row: &Row) -> Result<DatasetRow, LedgerError> {
    Ok(DatasetRow { account: Account::read(row)?, data_version: row.get(ACCOUNT_COLUMN_COUNT)? })
}

fn project_query(end: &str) -> String {
    format!(
        "SELECT {ACCOUNT_COLUMNS}, t.dataset, d.name, p.position, p.authority, p.reference,
                p.purpose, p.starts, p.ends, e.recorded_us, c.reason
         FROM project t
         JOIN account a ON a.holder = t.position
         JOIN dataset d ON d.position = t.dataset
         JOIN permit p ON p.position = (SELECT max(l.position) FROM permit l
                                        WHERE l.project = t.position)
         LEFT JOIN closure c ON c.project = t.position
         LEFT JOIN entry e ON e.position = c.position
         {end}"
    )
}

fn read_project(row: &Row) -> Result<ProjectRow, LedgerError> {
    let at = |offset| ACCOUNT_COLUMN_COUNT + offset;
    let closed_us: Option<i64> = row.get(at(8))?;
    let closed = match (closed_us, row.get::<Option<String>>(at(9))?) {
        (Some(us), Some(reason)) => Some((chain::timestamp(us)?, reason)),
        _ => None,
    };
    Ok(ProjectRow {
        account: Account::read(row)?,
        dataset: row.get(at(0))?,
        dataset_name: row.get(at(1))?,
        permit_position: row.get(at(2))?,
        permit: Permit {
            authority: row.get(at(3))?,
            reference: row.get(at(4))?,
            purpose: row.get(at(5))?,
            starts: date(row, at(6))?,
            ends: date(row, at(7))?,
        },
        closed,
    })
}

fn names(transaction: &dyn Transaction, table: &str) -> Result<Vec<String>, LedgerError> {
    let rows = transaction.rows(&format!("SELECT name FROM {table}"), &[])?;
    let mut names: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    names.sort();
    Ok(names)
}

/// The three sums in the columns from `first` on.
pub(crate) fn units(row: &Row, first: usize) -> Result<Units, LedgerError> {
    Ok(Units {
        rho: quantity(row, first)?,
        delta: quantity(row, first + 1)?,
        epsilon: quantity(row, first + 2)?,
    })
}

/// A quantity in units; an edited file may hold a negative one, which no type of ours does.
fn quantity(row: &Row, column: usize) -> Result<i64, LedgerError> {
    let units: i64 = row.get(column)?;
    if units < 0 {
        return Err(LedgerError::altered("a quantity is negative"));
    }
    Ok(units)
}

fn optional_quantity(row: &Row, column: usize) -> Result<Option<i64>, LedgerError> {
    match row.get::<Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => quantity(row, column).map(Some),
    }
}

fn accountant(row: &Row, column: usize) -> Result<Accountant, LedgerError> {
    match row.get::<String>(column)?.as_str() {
        "zcdp" => Ok(Accountant::Zcdp),
        "pure" => Ok(Accountant::Pure),
        _ => Err(LedgerError::altered("an accountant is unknown")),
    }
}

/// The name an accountant has in the ledger's file.
pub(crate) fn accountant_text(accountant: Accountant) -> &'static str {
    match accountant {
        Accountant::Zcdp => "zcdp",
        Accountant::Pure => "pure",
    }
}

fn date(row: &Row, column: usize) -> Result<chrono::NaiveDate, LedgerError> {
    row.get::<String>(column)?.parse().map_err(|_| LedgerError::altered("a date is none"))
}
