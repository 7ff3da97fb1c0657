//! Who is known, and what their role allows.

use std::collections::BTreeSet;

use super::chain::Kind;
use super::database::{Row, Transaction};
use super::desk::Desk;
use super::terms::{check_name, check_text};
use crate::error::{LedgerError, Suggestion};
use crate::forbidden::Forbidden;
use crate::principal::{Principal, Role};

/// Everyone who has a role now, by name.
pub(crate) fn all(transaction: &dyn Transaction) -> Result<Vec<Principal>, LedgerError> {
    let rows = transaction.rows(&query("role <> 'none'"), &[])?;
    let mut principals: Vec<Principal> = rows.iter().map(read).collect::<Result<_, _>>()?;
    principals.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(principals)
}

/// Whether anybody was ever made a principal: a ledger without one lets everybody in.
pub(crate) fn is_open_house(transaction: &dyn Transaction) -> Result<bool, LedgerError> {
    Ok(!transaction.exists("SELECT 1 FROM principal LIMIT 1", &[])?)
}

/// The principal called `name`, if they have a role.
pub(crate) fn find(
    transaction: &dyn Transaction,
    name: &str,
) -> Result<Option<Principal>, LedgerError> {
    let sql = query("role <> 'none' AND name = ?1");
    transaction.optional(&sql, &[name.into()])?.as_ref().map(read).transpose()
}

/// The principal called `name`, or a refusal with the nearest name.
pub(crate) fn known(transaction: &dyn Transaction, name: &str) -> Result<Principal, LedgerError> {
    if let Some(principal) = find(transaction, name)? {
        return Ok(principal);
    }
    let names = all(transaction)?.into_iter().map(|principal| principal.name);
    let nearest = Suggestion::nearest(name, names);
    Err(Forbidden::UnknownPrincipal { name: name.to_owned(), nearest }.into())
}

/// Refuses whoever may not decide; in a ledger without principals everybody may.
pub(crate) fn must_administer(
    transaction: &dyn Transaction,
    name: &str,
    what: &str,
) -> Result<(), LedgerError> {
    if is_open_house(transaction)? {
        return Ok(());
    }
    let principal = known(transaction, name)?;
    match principal.role {
        Role::Administrator => Ok(()),
        role @ (Role::Analyst | Role::Auditor | Role::Job) => Err(Forbidden::Role {
            principal: principal.name,
            role,
            needed: "an administrator",
            what: what.to_owned(),
            whom: administrators(transaction)?.join(", "),
        }
        .into()),
    }
}

/// Refuses whoever may not ask questions of a project.
pub(crate) fn must_be_named(
    transaction: &dyn Transaction,
    project: i64,
    project_name: &str,
    name: &str,
) -> Result<(), LedgerError> {
    if is_open_house(transaction)? {
        return Ok(());
    }
    let principal = known(transaction, name)?;
    if !principal.role.may_ask() {
        return Err(Forbidden::Role {
            principal: principal.name,
            role: principal.role,
            needed: "an analyst, an administrator or a job",
            what: format!("ask questions of project {project_name:?}"),
            whom: administrators(transaction)?.join(", "),
        }
        .into());
    }
    let is_open = !transaction
        .exists("SELECT 1 FROM member WHERE project = ?1 LIMIT 1", &[project.into()])?;
    if is_open || is_named(transaction, project, name)? {
        return Ok(());
    }
    Err(Forbidden::NotNamed { project: project_name.to_owned(), principal: name.to_owned() }.into())
}

/// Whether the latest word about a person is that they may ask.
pub(crate) fn is_named(
    transaction: &dyn Transaction,
    project: i64,
    name: &str,
) -> Result<bool, LedgerError> {
    let latest = transaction.optional(
        &format!(
            "SELECT m.may_ask FROM member m WHERE m.project = ?1 AND m.principal = ?2 AND {SAME_PERSON}
             ORDER BY m.position DESC LIMIT 1"
        ),
        &[project.into(), name.into()],
    )?;
    Ok(latest.map(|row| row.get::<bool>(0)).transpose()?.unwrap_or(false))
}

/// Everyone a project names, by name; empty when it names nobody and answers every principal.
pub(crate) fn persons(
    transaction: &dyn Transaction,
    project: i64,
) -> Result<Vec<String>, LedgerError> {
    let rows = transaction.rows(
        &format!(
            "SELECT m.principal FROM member m
             WHERE m.project = ?1 AND m.may_ask = 1
               AND m.position = (SELECT max(l.position) FROM member l
                                 WHERE l.project = m.project AND l.principal = m.principal)
               AND {SAME_PERSON}"
        ),
        &[project.into()],
    )?;
    let mut names: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    names.sort();
    Ok(names)
}

/// Whoever got a name after it was taken away, or after another account had it, is somebody else: a word
/// about the name counts when it is younger than that.
const SAME_PERSON: &str = "
    m.position > coalesce(
        (SELECT min(a.position) FROM principal a
         WHERE a.name = m.principal
           AND a.position > (SELECT max(o.position) FROM principal o
                             WHERE o.name = m.principal
                               AND (o.role = 'none'
                                    OR o.account <> (SELECT n.account FROM principal n
                                                     WHERE n.name = m.principal
                                                     ORDER BY n.position DESC LIMIT 1)))),
        (SELECT max(r.position) FROM principal r WHERE r.name = m.principal AND r.role = 'none'),
        0)";

/// Records what somebody may do from now on.
pub(super) fn set(desk: &Desk<'_>, principal: &Principal) -> Result<(), LedgerError> {
    let subject = format!("principal {:?}", principal.name);
    check_name(&subject, &principal.name)?;
    check_text(&subject, "the account", &principal.account)?;
    if find(desk.transaction, &principal.name)?.as_ref() == Some(principal) {
        return Ok(());
    }
    write(desk, &principal.name, principal.role.word(), &principal.account)
}

/// Takes every right from somebody.
pub(super) fn remove(desk: &Desk<'_>, name: &str) -> Result<(), LedgerError> {
    let principal = known(desk.transaction, name)?;
    write(desk, name, "none", &principal.account)
}

/// Records whether a person may ask.
pub(super) fn name_person(
    desk: &Desk<'_>,
    project: i64,
    name: &str,
    may_ask: bool,
) -> Result<(), LedgerError> {
    if may_ask && !is_open_house(desk.transaction)? {
        let principal = known(desk.transaction, name)?;
        if !principal.role.may_ask() {
            return Err(LedgerError::BadTerms {
                subject: format!("principal {name:?}"),
                why: format!("a permit names who may ask, and an {} never asks", principal.role),
                fix: format!("give {name} the role analyst first, or name somebody else"),
            });
        }
    }
    if is_named(desk.transaction, project, name)? == may_ask {
        return Ok(());
    }
    desk.append(Kind::Member, |position| {
        desk.transaction.execute(
            "INSERT INTO member (position, project, principal, may_ask) VALUES (?1, ?2, ?3, ?4)",
            &[position.into(), project.into(), name.into(), i64::from(may_ask).into()],
        )
    })?;
    Ok(())
}

/// The names of those who decide.
pub(super) fn administrators(transaction: &dyn Transaction) -> Result<Vec<String>, LedgerError> {
    let all = all(transaction)?;
    let administrators = all.into_iter().filter(|one| one.role == Role::Administrator);
    Ok(administrators.map(|one| one.name).collect())
}

/// How many persons decide among these principals: those of one account are one.
pub(super) fn persons_among(principals: &[Principal]) -> usize {
    let administrators = principals.iter().filter(|one| one.role == Role::Administrator);
    administrators.map(|one| one.account.as_str()).collect::<BTreeSet<_>>().len()
}

/// The account of a principal when an entry was written.
pub(super) fn account_at(
    transaction: &dyn Transaction,
    name: &str,
    entry: u64,
) -> Result<Option<String>, LedgerError> {
    let entry = i64::try_from(entry).map_err(|_| LedgerError::Overflow)?;
    let row = transaction.optional(
        "SELECT account FROM principal WHERE name = ?1 AND position < ?2
         ORDER BY position DESC LIMIT 1",
        &[name.into(), entry.into()],
    )?;
    row.map(|row| row.get(0)).transpose()
}

fn write(desk: &Desk<'_>, name: &str, role: &str, account: &str) -> Result<(), LedgerError> {
    desk.append(Kind::Principal, |position| {
        desk.transaction.execute(
            "INSERT INTO principal (position, name, role, account) VALUES (?1, ?2, ?3, ?4)",
            &[position.into(), name.into(), role.into(), account.into()],
        )
    })?;
    Ok(())
}

fn query(which: &str) -> String {
    format!(
        "SELECT name, role, account FROM principal p
         WHERE position = (SELECT max(l.position) FROM principal l WHERE l.name = p.name)
           AND {which}"
    )
}

fn read(row: &Row) -> Result<Principal, LedgerError> {
    let role: String = row.get(1)?;
    let role = Role::ALL
        .into_iter()
        .find(|known| known.word() == role)
        .ok_or_else(|| LedgerError::altered("a role is unknown"))?;
    Ok(Principal { name: row.get(0)?, role, account: row.get(2)? })
}
