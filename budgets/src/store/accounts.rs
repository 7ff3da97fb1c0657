//! Reading datasets and projects, with their running sums.

use voilage_privacy::{Accountant, Delta, Epsilon, Loss};

use super::database::{Row, Transaction};
use super::permits::{self, PermitRow};
use super::{chain, principals, projects};
use crate::account::{Dataset, GrantedTerms, Project, ProjectStatus};
use crate::act::CapTerms;
use crate::clock::Timestamp;
use crate::error::{LedgerError, Suggestion};
use crate::forbidden::Forbidden;
use crate::permit::Permit;
use crate::rules::ProjectRules;
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

/// The columns of [`Account::read`], for a table `t` joined with `account a` and [`CAP_CHANGE`].
const ACCOUNT_COLUMNS: &str = "t.position, t.name, t.accountant, coalesce(k.epsilon, t.epsilon), \
     coalesce(k.delta, t.delta), a.cap_rho, a.cap_delta, a.cap_epsilon, a.spent_rho, \
     a.spent_delta, a.spent_epsilon, a.sequence";
/// The terms that were granted last.
const CAP_CHANGE: &str = "LEFT JOIN cap_change k ON k.position = \
     (SELECT max(l.position) FROM cap_change l WHERE l.holder = t.position)";
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

    /// Whether a new cap would be above this one in any part.
    pub(crate) fn is_raised_by(&self, cap: &CapTerms) -> bool {
        cap.epsilon > self.terms.epsilon || cap.delta > self.terms.delta
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
    /// In the order of granting; at least one.
    pub(crate) permits: Vec<PermitRow>,
    /// Since when and why it may not ask, if it is a draft or suspended.
    pub(crate) stopped: Option<Stopped>,
    /// When and why it was closed.
    pub(crate) closed: Option<(Timestamp, String)>,
    pub(crate) rules: ProjectRules,
    /// The ceiling of one question, in the project's accountant.
    pub(crate) question_units: Option<i64>,
}

/// The status of a project that an administrator holds back.
#[derive(Debug, Clone)]
pub(crate) struct Stopped {
    /// `draft` or `suspended`.
    pub(crate) status: String,
    pub(crate) since: Timestamp,
    pub(crate) reason: String,
}

impl ProjectRow {
    /// The permit in force, or the nearest one.
    pub(crate) fn permit(&self, now: Timestamp) -> Result<&PermitRow, LedgerError> {
        permits::in_force(&self.permits, now.date_naive())
    }

    pub(crate) fn status(&self, now: Timestamp) -> Result<ProjectStatus, LedgerError> {
        let today = now.date_naive();
        let permit = &self.permit(now)?.permit;
        let starts = self.rules.starts.map_or(permit.starts, |day| day.max(permit.starts));
        let ends = self.rules.ends.map_or(permit.ends, |day| day.min(permit.ends));
        if let Some((at, reason)) = &self.closed {
            return Ok(ProjectStatus::Closed { at: *at, reason: reason.clone() });
        }
        Ok(match &self.stopped {
            Some(stopped) if stopped.status == "draft" => ProjectStatus::Draft,
            Some(Stopped { since, reason, .. }) => {
                ProjectStatus::Suspended { since: *since, reason: reason.clone() }
            }
            None if today < starts => ProjectStatus::NotStarted,
            None if today > ends => ProjectStatus::Expired,
            None => ProjectStatus::Open,
        })
    }

    /// Refuses whatever a project may not do today, be it new or a replay.
    pub(crate) fn must_be_open(&self, now: Timestamp) -> Result<(), LedgerError> {
        let project = self.account.name.clone();
        let permit = self.permit(now)?;
        let Permit { authority, reference, starts, ends, .. } = permit.permit.clone();
        let today = now.date_naive();
        match self.status(now)? {
            ProjectStatus::Open => Ok(()),
            ProjectStatus::Draft => Err(Forbidden::Draft { project }.into()),
            ProjectStatus::Suspended { since, reason } => {
                Err(Forbidden::Suspended { project, since: since.date_naive(), reason }.into())
            }
            ProjectStatus::Closed { at, reason } => {
                Err(LedgerError::Closed { project, closed: at.date_naive(), reason })
            }
            ProjectStatus::NotStarted | ProjectStatus::Expired if permit.covers(today) => {
                let starts = self.rules.starts.unwrap_or(starts);
                let ends = self.rules.ends.unwrap_or(ends);
                Err(Forbidden::OutsideDates { project, starts, ends, today }.into())
            }
            ProjectStatus::NotStarted => {
                Err(LedgerError::NotStarted { project, authority, reference, starts, ends, today })
            }
            ProjectStatus::Expired => {
                Err(LedgerError::Expired { project, authority, reference, starts, ends, today })
            }
        }
    }

    pub(crate) fn to_public(
        &self,
        transaction: &dyn Transaction,
        now: Timestamp,
    ) -> Result<Project, LedgerError> {
        let account = &self.account;
        let permit = self.permit(now)?;
        Ok(Project {
            name: account.name.clone(),
            dataset: self.dataset_name.clone(),
            accountant: account.accountant,
            terms: account.terms.clone(),
            cap: account.loss(account.cap),
            spent: account.loss(account.spent),
            left: account.loss(account.left()?),
            status: self.status(now)?,
            permit: permit.permit.clone(),
            legal_basis: permit.basis,
            permits: self.permits.iter().map(PermitRow::to_public).collect(),
            rules: self.rules.clone(),
            persons: principals::persons(transaction, account.holder)?,
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
    let row = transaction.optional(&sql, &[name.into()])?;
    row.map(|row| read_project(transaction, &row)).transpose()
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
    let rows = transaction.rows(&project_query("ORDER BY t.position"), &[])?;
    rows.iter().map(|row| read_project(transaction, row)).collect()
}

fn dataset_query(end: &str) -> String {
    format!(
        "SELECT {ACCOUNT_COLUMNS},
                (SELECT v.version FROM data_version v WHERE v.dataset = t.position
                 ORDER BY v.position DESC LIMIT 1)
         FROM dataset t JOIN account a ON a.holder = t.position {CAP_CHANGE} {end}"
    )
}

fn read_dataset(row: &Row) -> Result<DatasetRow, LedgerError> {
    Ok(DatasetRow { account: Account::read(row)?, data_version: row.get(ACCOUNT_COLUMN_COUNT)? })
}

fn project_query(end: &str) -> String {
    format!(
        "SELECT {ACCOUNT_COLUMNS}, t.dataset, d.name, e.recorded_us, c.reason,
                s.status, f.recorded_us, n.reason,
                r.question_epsilon, r.question_units, r.pace_share, r.pace_days, r.min_units,
                r.starts, r.ends, r.tables
         FROM project t
         JOIN account a ON a.holder = t.position
         JOIN dataset d ON d.position = t.dataset
         {CAP_CHANGE}
         LEFT JOIN closure c ON c.project = t.position
         LEFT JOIN entry e ON e.position = c.position
         LEFT JOIN project_status s ON s.position = (SELECT max(l.position) FROM project_status l
                                                     WHERE l.project = t.position)
         LEFT JOIN entry f ON f.position = s.position
         LEFT JOIN decision n ON n.entry = s.position
         LEFT JOIN project_rules r ON r.position = (SELECT max(l.position) FROM project_rules l
                                                    WHERE l.project = t.position)
         {end}"
    )
}

fn read_project(transaction: &dyn Transaction, row: &Row) -> Result<ProjectRow, LedgerError> {
    let at = |offset| ACCOUNT_COLUMN_COUNT + offset;
    let account = Account::read(row)?;
    let closed_us: Option<i64> = row.get(at(2))?;
    let closed = match (closed_us, row.get::<Option<String>>(at(3))?) {
        (Some(us), Some(reason)) => Some((chain::timestamp(us)?, reason)),
        _ => None,
    };
    let status: Option<String> = row.get(at(4))?;
    let stopped = match (status, row.get::<Option<i64>>(at(5))?) {
        (Some(status), Some(us)) if status != "open" => Some(Stopped {
            status,
            since: chain::timestamp(us)?,
            reason: row.get::<Option<String>>(at(6))?.unwrap_or_default(),
        }),
        _ => None,
    };
    let pace = row.get::<Option<u32>>(at(9))?.zip(row.get::<Option<u32>>(at(10))?);
    let rules = projects::rules_from(
        (row.get(at(7))?, pace, row.get(at(11))?),
        (row.get(at(12))?, row.get(at(13))?, row.get(at(14))?),
    )?;
    Ok(ProjectRow {
        permits: permits::of_project(transaction, account.holder)?,
        account,
        dataset: row.get(at(0))?,
        dataset_name: row.get(at(1))?,
        stopped,
        closed,
        rules,
        question_units: row.get(at(8))?,
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
pub(super) fn quantity(row: &Row, column: usize) -> Result<i64, LedgerError> {
    let units: i64 = row.get(column)?;
    if units < 0 {
        return Err(LedgerError::altered("a quantity is negative"));
    }
    Ok(units)
}

pub(super) fn optional_quantity(row: &Row, column: usize) -> Result<Option<i64>, LedgerError> {
    match row.get::<Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => quantity(row, column).map(Some),
    }
}

pub(super) fn accountant(row: &Row, column: usize) -> Result<Accountant, LedgerError> {
    match row.get::<String>(column)?.as_str() {
        "zcdp" => Ok(Accountant::Zcdp),
        "pure" => Ok(Accountant::Pure),
        _ => Err(LedgerError::altered("an accountant is unknown")),
    }
}

/// The name an accountant has in the ledger's file.
/// The names of the datasets that a project was given beside its own.
pub(crate) fn given_datasets(
    transaction: &dyn Transaction,
    project: i64,
) -> Result<Vec<String>, LedgerError> {
    let rows = transaction.rows(
        "SELECT d.name FROM project_dataset g JOIN dataset d ON d.position = g.dataset
         WHERE g.project = ?1",
        &[project.into()],
    )?;
    let mut names: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    names.sort();
    Ok(names)
}

pub(crate) fn accountant_text(accountant: Accountant) -> &'static str {
    match accountant {
        Accountant::Zcdp => "zcdp",
        Accountant::Pure => "pure",
    }
}
