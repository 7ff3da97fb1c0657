//! What terms must be: names, texts, days, and caps on the ledger's grid.

use chrono::NaiveDate;
use voilage_privacy::{Accountant, Delta, Epsilon};

use super::accounts::{Account, ProjectRow};
use super::chain::Kind;
use super::database::Transaction;
use super::desk::Desk;
use super::{accounts, permits};
use crate::account::{GrantedTerms, ProjectTerms};
use crate::act::CapTerms;
use crate::error::LedgerError;
use crate::permit::Permit;
use crate::units::Units;

const NAME_LENGTH_MAX: usize = 64;
const TEXT_LENGTH_MAX: usize = 1_000;

/// The terms on the ledger's grid, rounded down.
pub(super) fn grant(
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

pub(super) fn usable_cap(subject: &str, granted: &GrantedTerms) -> Result<Units, LedgerError> {
    let cap = Units::cap(&granted.epsilon, granted.delta.as_ref());
    if cap.rho == 0 && cap.epsilon == 0 {
        return Err(bad_terms(subject, &format!("{granted} buys no question"), "grant more"));
    }
    Ok(cap)
}

/// A project has at most the whole cap of its dataset, in an accountant that the dataset admits.
pub(super) fn check_under_dataset(
    (project, accountant): (&str, Accountant),
    granted: &GrantedTerms,
    cap: Units,
    dataset: &Account,
) -> Result<(), LedgerError> {
    if dataset.accountant == Accountant::Pure && accountant == Accountant::Zcdp {
        return Err(bad_terms(
            &format!("project {project:?}"),
            &format!(
                "dataset {:?} is accounted in pure epsilon and admits only pure",
                dataset.name
            ),
            "choose accountant = \"pure\" and remove delta",
        ));
    }
    if cap.in_dataset(accountant, dataset.accountant)?.fits_in(dataset.cap) {
        return Ok(());
    }
    Err(LedgerError::CapAboveDataset {
        project: project.to_owned(),
        asked: granted.to_string(),
        dataset: dataset.name.clone(),
        cap: dataset.terms.to_string(),
    })
}

/// Replaces a cap by another that `check` allows and that is not below what was spent.
pub(super) fn move_cap(
    desk: &Desk<'_>,
    subject: &str,
    account: &Account,
    new: &CapTerms,
    check: impl FnOnce(&GrantedTerms, Units) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let granted = grant(subject, account.accountant, &new.epsilon, new.delta.as_ref())?;
    if granted == account.terms {
        return Ok(());
    }
    let cap = usable_cap(subject, &granted)?;
    check(&granted, cap)?;
    if !account.spent.fits_in(cap) {
        return Err(LedgerError::CapBelowSpent {
            subject: subject.to_owned(),
            asked: granted.to_string(),
            cap: Box::new(account.loss(cap)),
            spent: Box::new(account.loss(account.spent)),
        });
    }
    desk.append(Kind::CapChange, |position| {
        desk.transaction.execute(
            "INSERT INTO cap_change (position, holder, epsilon, delta, cap_rho, cap_delta,
                                     cap_epsilon)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                position.into(),
                account.holder.into(),
                granted.epsilon.units_down().into(),
                granted.delta.as_ref().map(Delta::units_down).into(),
                cap.rho.into(),
                cap.delta.into(),
                cap.epsilon.into(),
            ],
        )
    })?;
    let moved = desk.transaction.execute(
        "UPDATE account SET cap_rho = ?2, cap_delta = ?3, cap_epsilon = ?4
         WHERE holder = ?1
           AND spent_rho <= ?2 AND spent_delta <= ?3 AND spent_epsilon <= ?4",
        &[account.holder.into(), cap.rho.into(), cap.delta.into(), cap.epsilon.into()],
    )?;
    if moved == 1 { Ok(()) } else { Err(LedgerError::Misuse("a cap fell below what was spent")) }
}

/// What differs between a project as it was opened and as somebody would open it again: extensions and
/// rules that were decided since do not count.
pub(super) fn opening_difference(
    transaction: &dyn Transaction,
    project: &ProjectRow,
    asked: &ProjectTerms,
    granted: &GrantedTerms,
) -> Result<Option<String>, LedgerError> {
    if project.dataset_name != asked.dataset {
        return Ok(Some(format!(
            "recorded dataset {}, asked {}",
            project.dataset_name, asked.dataset
        )));
    }
    let first = permits::first_of(transaction, project.account.holder)?;
    if first != asked.permit {
        return Ok(Some(permit_difference(&first, &asked.permit)));
    }
    let row = transaction.row(
        "SELECT epsilon, delta FROM project WHERE position = ?1",
        &[project.account.holder.into()],
    )?;
    let opened = GrantedTerms {
        epsilon: Epsilon::from_units(accounts::quantity(&row, 0)?),
        delta: accounts::optional_quantity(&row, 1)?.map(Delta::from_units),
    };
    let opened = Account { terms: opened, ..project.account.clone() };
    Ok(difference(&opened, asked.accountant, granted))
}

/// What differs between the recorded terms and those asked for now.
pub(super) fn difference(
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

pub(super) fn check_name(subject: &str, name: &str) -> Result<(), LedgerError> {
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

pub(super) fn check_permit(subject: &str, permit: &Permit) -> Result<(), LedgerError> {
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
    check_day(subject, permit.starts)?;
    check_day(subject, permit.ends)
}

/// Years of five digits would not compare as text.
pub(super) fn check_day(subject: &str, day: NaiveDate) -> Result<(), LedgerError> {
    if day.to_string().len() == 10 {
        return Ok(());
    }
    Err(bad_terms(subject, &format!("it has the date {day}"), "use a year between 0 and 9999"))
}

pub(crate) fn check_text(subject: &str, field: &str, text: &str) -> Result<(), LedgerError> {
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
