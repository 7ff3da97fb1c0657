//! Registering datasets, opening projects and closing them.

use voilage_privacy::{Accountant, Delta, Epsilon};

use super::accounts::{self, Account, accountant_text};
use super::chain::{self, Kind};
use super::database::Transaction;
use super::random_id::random_id;
use crate::account::{DatasetTerms, GrantedTerms, Permit, ProjectTerms};
use crate::clock::{Clock, Timestamp};
use crate::error::LedgerError;
use crate::units::Units;

const NAME_LENGTH_MAX: usize = 64;
const TEXT_LENGTH_MAX: usize = 1_000;

/// Records a dataset and the first version of its data.
pub(crate) fn register_dataset(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    terms: &DatasetTerms,
) -> Result<(), LedgerError> {
    let subject = format!("dataset {:?}", terms.name);
    check_name(&subject, &terms.name)?;
    let granted = grant(&subject, terms.accountant, &terms.epsilon, terms.delta.as_ref())?;
    if let Some(existing) = accounts::find_dataset(transaction, &terms.name)? {
        return match difference(&existing.account, terms.accountant, &granted) {
            None => Ok(()),
            Some(differs) => {
                Err(LedgerError::TermsDiffer { what: "dataset", name: terms.name.clone(), differs })
            }
        };
    }
    let cap = usable_cap(&subject, &granted)?;
    let at = chain::now(transaction, clock)?;
    let dataset = chain::append(transaction, Kind::Dataset, at, |position| {
        transaction.execute(
            "INSERT INTO dataset (position, name, accountant, epsilon, delta, cap_rho, cap_delta,
                                  cap_epsilon)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &[
                position.into(),
                (&terms.name).into(),
                accountant_text(terms.accountant).into(),
                granted.epsilon.units_down().into(),
                granted.delta.as_ref().map(Delta::units_down).into(),
                cap.rho.into(),
                cap.delta.into(),
                cap.epsilon.into(),
            ],
        )
    })?;
    open_account(transaction, dataset, cap)?;
    declare_data_version(transaction, at, dataset)
}

/// Records a project, its permit and its account.
pub(crate) fn open_project(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    terms: &ProjectTerms,
) -> Result<(), LedgerError> {
    let subject = format!("project {:?}", terms.name);
    check_name(&subject, &terms.name)?;
    check_permit(&subject, &terms.permit)?;
    let granted = grant(&subject, terms.accountant, &terms.epsilon, terms.delta.as_ref())?;
    let dataset = accounts::dataset(transaction, &terms.dataset)?;
    if let Some(existing) = accounts::find_project(transaction, &terms.name)? {
        let differs = if existing.dataset != dataset.account.holder {
            Some(format!("recorded dataset {}, asked {}", existing.dataset_name, terms.dataset))
        } else if existing.permit != terms.permit {
            Some(permit_difference(&existing.permit, &terms.permit))
        } else {
            difference(&existing.account, terms.accountant, &granted)
        };
        return match differs {
            None => Ok(()),
            Some(differs) => {
                Err(LedgerError::TermsDiffer { what: "project", name: terms.name.clone(), differs })
            }
        };
    }
    let cap = usable_cap(&subject, &granted)?;
    check_under_dataset(terms, &granted, cap, &dataset.account)?;
    let at = chain::now(transaction, clock)?;
    let project = chain::append(transaction, Kind::Project, at, |position| {
        transaction.execute(
            "INSERT INTO project (position, name, dataset, accountant, epsilon, delta, cap_rho,
                                  cap_delta, cap_epsilon)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            &[
                position.into(),
                (&terms.name).into(),
                dataset.account.holder.into(),
                accountant_text(terms.accountant).into(),
                granted.epsilon.units_down().into(),
                granted.delta.as_ref().map(Delta::units_down).into(),
                cap.rho.into(),
                cap.delta.into(),
                cap.epsilon.into(),
            ],
        )
    })?;
    open_account(transaction, project, cap)?;
    record_permit(transaction, at, project, &terms.permit)
}

/// Closes a project for good; closing it again changes nothing.
pub(crate) fn close_project(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    name: &str,
    reason: &str,
) -> Result<(), LedgerError> {
    let project = accounts::project(transaction, name)?;
    check_text(&format!("project {name:?}"), "the reason for closing it", reason)?;
    if project.closed.is_some() {
        return Ok(());
    }
    let at = chain::now(transaction, clock)?;
    chain::append(transaction, Kind::Closure, at, |position| {
        transaction.execute(
            "INSERT INTO closure (position, project, reason) VALUES (?1, ?2, ?3)",
            &[position.into(), project.account.holder.into(), reason.into()],
        )
    })?;
    Ok(())
}

/// Lets a project ask about a further dataset; doing it again changes nothing.
pub(crate) fn give_dataset(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    (project, dataset): (&str, &str),
    reason: &str,
) -> Result<(), LedgerError> {
    let subject = format!("project {project:?}");
    let project = accounts::project(transaction, project)?;
    let dataset = accounts::dataset(transaction, dataset)?;
    check_text(&subject, "the reason for giving it a dataset", reason)?;
    let is_given = transaction.exists(
        "SELECT 1 FROM project_dataset WHERE project = ?1 AND dataset = ?2",
        &[project.account.holder.into(), dataset.account.holder.into()],
    )?;
    if is_given || project.dataset == dataset.account.holder {
        return Ok(());
    }
    if dataset.account.accountant == Accountant::Pure
        && project.account.accountant == Accountant::Zcdp
    {
        return Err(bad_terms(
            &subject,
            &format!(
                "dataset {:?} is accounted in pure epsilon and admits only pure projects",
                dataset.account.name
            ),
            "ask about it in a pure project",
        ));
    }
    let at = chain::now(transaction, clock)?;
    chain::append(transaction, Kind::ProjectDataset, at, |position| {
        transaction.execute(
            "INSERT INTO project_dataset (position, project, dataset, reason)
             VALUES (?1, ?2, ?3, ?4)",
            &[
                position.into(),
                project.account.holder.into(),
                dataset.account.holder.into(),
                reason.into(),
            ],
        )
    })?;
    Ok(())
}

fn open_account(transaction: &dyn Transaction, holder: i64, cap: Units) -> Result<(), LedgerError> {
    transaction.execute(
        "INSERT INTO account (holder, cap_rho, cap_delta, cap_epsilon) VALUES (?1, ?2, ?3, ?4)",
        &[holder.into(), cap.rho.into(), cap.delta.into(), cap.epsilon.into()],
    )?;
    Ok(())
}

/// Issues a random id for the data as it is now; it says nothing about the data.
fn declare_data_version(
    transaction: &dyn Transaction,
    at: Timestamp,
    dataset: i64,
) -> Result<(), LedgerError> {
    let version = format!("{:032x}", u128::from_be_bytes(random_id()?));
    chain::append(transaction, Kind::DataVersion, at, |position| {
        transaction.execute(
            "INSERT INTO data_version (position, dataset, version) VALUES (?1, ?2, ?3)",
            &[position.into(), dataset.into(), (&version).into()],
        )
    })?;
    Ok(())
}

fn record_permit(
    transaction: &dyn Transaction,
    at: Timestamp,
    project: i64,
    permit: &Permit,
) -> Result<(), LedgerError> {
    chain::append(transaction, Kind::Permit, at, |position| {
        transaction.execute(
            "INSERT INTO permit (position, project, authority, reference, purpose, starts, ends)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                position.into(),
                project.into(),
                (&permit.authority).into(),
                (&permit.reference).into(),
                (&permit.purpose).into(),
                (&permit.starts.to_string()).into(),
                (&permit.ends.to_string()).into(),
            ],
        )
    })?;
    Ok(())
}

/// The terms on the ledger's grid, rounded down.
fn grant(
    subject: &str,
    accountant: Accountant,
    epsilon: &Epsilon,
    delta: Option<&Delta>,
) -> Result<GrantedTerms, LedgerError> {
    let bad = |why: &str, fix: &str| bad_terms(subject, why, fix);
    match (accountant, delta) {
        (Accountant::Zcdp, None) => {
            return Err(bad(
                "a zcdp budget needs a delta",
                "add one, for example delta = \"1e-6\"",
            ));
        }
        (Accountant::Pure, Some(_)) => {
            return Err(bad(
                "a pure budget has no delta",
                "remove delta, or choose accountant = \"zcdp\"",
            ));
        }
        (Accountant::Zcdp, Some(_)) | (Accountant::Pure, None) => {}
    }
    let epsilon = epsilon.units_down();
    let delta = delta.map(Delta::units_down);
    if epsilon == 0 {
        return Err(bad("its epsilon is below the ledger's smallest, 1e-12", "grant more"));
    }
    if delta == Some(0) {
        return Err(bad("its delta is below the ledger's smallest, 1e-18", "grant more"));
    }
    Ok(GrantedTerms { epsilon: Epsilon::from_units(epsilon), delta: delta.map(Delta::from_units) })
}

fn usable_cap(subject: &str, granted: &GrantedTerms) -> Result<Units, LedgerError> {
    let cap = Units::cap(&granted.epsilon, granted.delta.as_ref());
    if cap.rho == 0 && cap.epsilon == 0 {
        return Err(bad_terms(subject, &format!("{granted} buys no question"), "grant more"));
    }
    Ok(cap)
}

fn check_under_dataset(
    terms: &ProjectTerms,
    granted: &GrantedTerms,
    cap: Units,
    dataset: &Account,
) -> Result<(), LedgerError> {
    if dataset.accountant == Accountant::Pure && terms.accountant == Accountant::Zcdp {
        return Err(bad_terms(
            &format!("project {:?}", terms.name),
            &format!(
                "dataset {:?} is accounted in pure epsilon and admits only pure",
                dataset.name
            ),
            "choose accountant = \"pure\" and remove delta",
        ));
    }
    if cap.in_dataset(terms.accountant, dataset.accountant)?.fits_in(dataset.cap) {
        return Ok(());
    }
    Err(LedgerError::CapAboveDataset {
        project: terms.name.clone(),
        asked: granted.to_string(),
        dataset: dataset.name.clone(),
        cap: dataset.terms.to_string(),
    })
}

/// What differs between the recorded terms and those asked for now.
fn difference(
    recorded: &Account,
    accountant: Accountant,
    granted: &GrantedTerms,
) -> Option<String> {
    (recorded.accountant != accountant || recorded.terms != *granted).then(|| {
        format!(
            "recorded {}, {}; asked {accountant}, {granted}",
            recorded.accountant, recorded.terms
        )
    })
}

fn permit_difference(recorded: &Permit, asked: &Permit) -> String {
    let of = |permit: &Permit| {
        format!(
            "permit {} of {} for {:?} from {} to {}",
            permit.reference, permit.authority, permit.purpose, permit.starts, permit.ends
        )
    };
    format!("recorded {}; asked {}", of(recorded), of(asked))
}

fn check_name(subject: &str, name: &str) -> Result<(), LedgerError> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || !name.chars().all(allowed) {
        return Err(bad_terms(
            subject,
            "this cannot be a name",
            "use 1 to 64 ASCII letters, digits, '-', '_' or '.'",
        ));
    }
    Ok(())
}

fn check_permit(subject: &str, permit: &Permit) -> Result<(), LedgerError> {
    check_text(subject, "the authority of its permit", &permit.authority)?;
    check_text(subject, "the reference of its permit", &permit.reference)?;
    check_text(subject, "the purpose of its permit", &permit.purpose)?;
    if permit.ends < permit.starts {
        return Err(bad_terms(
            subject,
            &format!("its permit ends on {}, before it starts on {}", permit.ends, permit.starts),
            "exchange the two dates",
        ));
    }
    // Years of five digits would not compare as text.
    for day in [permit.starts, permit.ends] {
        if day.to_string().len() != 10 {
            return Err(bad_terms(
                subject,
                &format!("its permit has the date {day}"),
                "use a year between 0 and 9999",
            ));
        }
    }
    Ok(())
}

pub(super) fn check_text(subject: &str, field: &str, text: &str) -> Result<(), LedgerError> {
    if text.trim().is_empty() {
        return Err(bad_terms(subject, &format!("{field} is empty"), "fill it in"));
    }
    if text.len() > TEXT_LENGTH_MAX || text.chars().any(char::is_control) {
        return Err(bad_terms(
            subject,
            &format!("{field} is longer than 1000 bytes or has control characters"),
            "shorten it to one line",
        ));
    }
    Ok(())
}

pub(super) fn bad_terms(subject: &str, why: &str, fix: &str) -> LedgerError {
    LedgerError::BadTerms { subject: subject.to_owned(), why: why.to_owned(), fix: fix.to_owned() }
}
