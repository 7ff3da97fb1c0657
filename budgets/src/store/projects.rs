//! Projects: opened, extended, slowed down, suspended, resumed and closed.

use super::accounts::{self, ProjectRow, accountant_text};
use super::chain::Kind;
use super::database::Transaction;
use super::datasets::{self, open_account};
use super::desk::Desk;
use super::terms::{self, bad_terms, check_day, check_name, check_permit};
use super::{permits, principals};
use crate::account::{ProjectStatus, ProjectTerms};
use crate::act::{CapTerms, Opening};
use crate::error::{LedgerError, Suggestion};
use crate::forbidden::Forbidden;
use crate::rules::ProjectRules;
use crate::units::Units;
use voilage_privacy::{Accountant, Delta, Epsilon};

/// Records a project, its first permit and what is laid down with them; the same again changes nothing.
pub(super) fn open(
    desk: &Desk<'_>,
    terms: &ProjectTerms,
    opening: &Opening,
) -> Result<(), LedgerError> {
    let subject = format!("project {:?}", terms.name);
    check_name(&subject, &terms.name)?;
    check_permit(&subject, &terms.permit)?;
    let granted = terms::grant(&subject, terms.accountant, &terms.epsilon, terms.delta.as_ref())?;
    let dataset = accounts::dataset(desk.transaction, &terms.dataset)?;
    if let Some(existing) = accounts::find_project(desk.transaction, &terms.name)? {
        let differs = terms::opening_difference(desk.transaction, &existing, terms, &granted)?;
        return match differs {
            None => Ok(()),
            Some(differs) => {
                Err(LedgerError::TermsDiffer { what: "project", name: terms.name.clone(), differs })
            }
        };
    }
    let cap = terms::usable_cap(&subject, &granted)?;
    terms::check_under_dataset((&terms.name, terms.accountant), &granted, cap, &dataset.account)?;
    let project = desk.append(Kind::Project, |position| {
        desk.transaction.execute(
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
    open_account(desk.transaction, project, cap)?;
    permits::write(desk, project, &terms.permit, opening.legal_basis)?;
    for person in &opening.persons {
        principals::name_person(desk, project, person, true)?;
    }
    if opening.rules != ProjectRules::default() {
        set_rules(desk, &terms.name, &opening.rules)?;
    }
    if opening.draft {
        write_status(desk, project, "draft")?;
    }
    Ok(())
}

/// Replaces the cap, never below what was spent and never above the dataset's.
pub(super) fn change_cap(desk: &Desk<'_>, name: &str, cap: &CapTerms) -> Result<(), LedgerError> {
    must_not_be_closed(desk.transaction, name)?;
    let project = accounts::project(desk.transaction, name)?;
    let dataset = accounts::dataset_at(desk.transaction, project.dataset)?.account;
    let accountant = project.account.accountant;
    terms::move_cap(desk, &format!("project {name:?}"), &project.account, cap, |granted, units| {
        terms::check_under_dataset((name, accountant), granted, units, &dataset)
    })
}

/// Replaces all rules of a project.
pub(super) fn set_rules(
    desk: &Desk<'_>,
    name: &str,
    rules: &ProjectRules,
) -> Result<(), LedgerError> {
    must_not_be_closed(desk.transaction, name)?;
    let project = accounts::project(desk.transaction, name)?;
    let rules = checked_rules(desk.transaction, &project, rules)?;
    if project.rules == rules {
        return Ok(());
    }
    let question = rules.question_epsilon.as_ref().map(|epsilon| {
        let cap = Units::cap(epsilon, project.account.terms.delta.as_ref());
        (epsilon.units_down(), cap.rho.max(cap.epsilon))
    });
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string());
    let (starts, ends) = (day(rules.starts), day(rules.ends));
    let tables = rules.tables.as_ref().map(|tables| tables.join(","));
    desk.append(Kind::ProjectRules, |position| {
        desk.transaction.execute(
            "INSERT INTO project_rules (position, project, question_epsilon, question_units,
                                        pace_share, pace_days, min_units, starts, ends, tables)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            &[
                position.into(),
                project.account.holder.into(),
                question.map(|pair| pair.0).into(),
                question.map(|pair| pair.1).into(),
                rules.pace.map(|pace| pace.share).into(),
                rules.pace.map(|pace| pace.days).into(),
                rules.min_units.into(),
                starts.as_ref().into(),
                ends.as_ref().into(),
                tables.as_ref().into(),
            ],
        )
    })?;
    Ok(())
}

/// Lets a project ask about a further dataset; doing it again changes nothing.
pub(super) fn give_dataset(
    desk: &Desk<'_>,
    (name, dataset): (&str, &str),
    reason: &str,
) -> Result<(), LedgerError> {
    must_not_be_closed(desk.transaction, name)?;
    let subject = format!("project {name:?}");
    let project = accounts::project(desk.transaction, name)?;
    let dataset = accounts::dataset(desk.transaction, dataset)?;
    let is_given = desk.transaction.exists(
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
    desk.append(Kind::ProjectDataset, |position| {
        desk.transaction.execute(
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

/// Stops a project until it is resumed.
pub(super) fn suspend(desk: &Desk<'_>, name: &str) -> Result<(), LedgerError> {
    must_not_be_closed(desk.transaction, name)?;
    let project = accounts::project(desk.transaction, name)?;
    match project.stopped.as_ref().map(|stopped| stopped.status.as_str()) {
        Some("suspended") => Ok(()),
        Some("draft") => Err(bad_terms(
            &format!("project {name:?}"),
            "it is a draft, which cannot ask anyway",
            &format!("leave it, or close it with `voilage close {name} --reason ..`"),
        )),
        _ => write_status(desk, project.account.holder, "suspended"),
    }
}

/// Opens a draft, or lets a suspended project ask again.
pub(super) fn resume(desk: &Desk<'_>, name: &str) -> Result<(), LedgerError> {
    must_not_be_closed(desk.transaction, name)?;
    let project = accounts::project(desk.transaction, name)?;
    match project.stopped {
        None => Ok(()),
        Some(_) => write_status(desk, project.account.holder, "open"),
    }
}

/// Closes a project for good; closing it again changes nothing.
pub(super) fn close(desk: &Desk<'_>, name: &str, reason: &str) -> Result<(), LedgerError> {
    let project = accounts::project(desk.transaction, name)?;
    if project.closed.is_some() {
        return Ok(());
    }
    desk.append(Kind::Closure, |position| {
        desk.transaction.execute(
            "INSERT INTO closure (position, project, reason) VALUES (?1, ?2, ?3)",
            &[position.into(), project.account.holder.into(), reason.into()],
        )
    })?;
    Ok(())
}

/// Records that working files were deleted, which waits until the project may not ask any more.
pub(super) fn record_purge(desk: &Desk<'_>, name: &str, files: u32) -> Result<(), LedgerError> {
    let project = accounts::project(desk.transaction, name)?;
    match project.status(desk.now)? {
        ProjectStatus::Closed { .. } | ProjectStatus::Expired => {}
        ProjectStatus::Draft
        | ProjectStatus::Suspended { .. }
        | ProjectStatus::NotStarted
        | ProjectStatus::Open => {
            let ends = project.permit(desk.now)?.permit.ends;
            return Err(Forbidden::StillOpen { project: name.to_owned(), ends }.into());
        }
    }
    desk.append(Kind::Purge, |position| {
        desk.transaction.execute(
            "INSERT INTO purge (position, project, files) VALUES (?1, ?2, ?3)",
            &[position.into(), project.account.holder.into(), files.into()],
        )
    })?;
    Ok(())
}

/// Nothing about a closed project changes any more.
pub(super) fn must_not_be_closed(
    transaction: &dyn Transaction,
    name: &str,
) -> Result<(), LedgerError> {
    match accounts::project(transaction, name)?.closed {
        None => Ok(()),
        Some((at, reason)) => {
            Err(LedgerError::Closed { project: name.to_owned(), closed: at.date_naive(), reason })
        }
    }
}

fn write_status(desk: &Desk<'_>, project: i64, status: &str) -> Result<(), LedgerError> {
    desk.append(Kind::ProjectStatus, |position| {
        desk.transaction.execute(
            "INSERT INTO project_status (position, project, status) VALUES (?1, ?2, ?3)",
            &[position.into(), project.into(), status.into()],
        )
    })?;
    Ok(())
}

/// The rules on the ledger's grid, or what is wrong with them.
fn checked_rules(
    transaction: &dyn Transaction,
    project: &ProjectRow,
    rules: &ProjectRules,
) -> Result<ProjectRules, LedgerError> {
    let subject = format!("project {:?}", project.account.name);
    let bad = |why: &str, fix: &str| Err(bad_terms(&subject, why, fix));
    let mut rules = rules.clone();
    if let Some(epsilon) = &rules.question_epsilon {
        let epsilon = Epsilon::from_units(epsilon.units_down());
        let units = Units::cap(&epsilon, project.account.terms.delta.as_ref());
        if units.rho == 0 && units.epsilon == 0 {
            return bad("its ceiling for one question buys no question", "raise it");
        }
        rules.question_epsilon = Some(epsilon);
    }
    if rules.min_units == Some(0) {
        return bad("its smallest group is 0 units", "leave the rule out, or say 1 or more");
    }
    for day in [rules.starts, rules.ends].into_iter().flatten() {
        check_day(&subject, day)?;
    }
    if let (Some(starts), Some(ends)) = (rules.starts, rules.ends)
        && ends < starts
    {
        return bad(
            &format!("it ends on {ends}, before it starts on {starts}"),
            "exchange the two dates",
        );
    }
    let first = project.permits.iter().map(|row| row.permit.starts).min();
    let last = project.permits.iter().map(|row| row.permit.ends).max();
    for (day, what) in [(rules.starts, "first"), (rules.ends, "last")] {
        if let (Some(day), Some(first), Some(last)) = (day, first, last)
            && !(first..=last).contains(&day)
        {
            return bad(
                &format!("its {what} day {day} is outside its permits, {first} to {last}"),
                "choose a day within them, or extend the permit first",
            );
        }
    }
    if let Some(tables) = &mut rules.tables {
        tables.sort();
        tables.dedup();
        check_tables(transaction, &subject, project.dataset, tables)?;
    }
    Ok(rules)
}

fn check_tables(
    transaction: &dyn Transaction,
    subject: &str,
    dataset: i64,
    tables: &[String],
) -> Result<(), LedgerError> {
    if tables.is_empty() {
        return Err(bad_terms(
            subject,
            "its list of tables is empty, so it could ask nothing",
            "name a table, or leave the rule out to allow all",
        ));
    }
    let known: Vec<String> =
        datasets::tables(transaction, dataset)?.into_iter().map(|file| file.table).collect();
    for table in tables {
        check_name(subject, table)?;
        if !known.is_empty() && !known.contains(table) {
            let nearest = Suggestion::nearest(table, known.clone());
            return Err(bad_terms(
                subject,
                &format!("its dataset has no table {table:?}{nearest}"),
                &format!("name some of: {}", known.join(", ")),
            ));
        }
    }
    Ok(())
}

/// The rules in force, read from the row of [`accounts`].
pub(super) fn rules_from(
    (question_epsilon, pace, min_units): (Option<i64>, Option<(u32, u32)>, Option<u32>),
    (starts, ends, tables): (Option<String>, Option<String>, Option<String>),
) -> Result<ProjectRules, LedgerError> {
    let day = |text: Option<String>| {
        let parse = |text: String| text.parse().map_err(|_| LedgerError::altered("a date is none"));
        text.map(parse).transpose()
    };
    let question_epsilon = match question_epsilon {
        Some(units) if units <= 0 => return Err(LedgerError::altered("a ceiling is not positive")),
        units => units.map(Epsilon::from_units),
    };
    Ok(ProjectRules {
        question_epsilon,
        pace: pace.map(|(share, days)| crate::rules::Pace { share, days }),
        min_units,
        starts: day(starts)?,
        ends: day(ends)?,
        tables: tables.map(|tables| tables.split(',').map(str::to_owned).collect()),
    })
}
