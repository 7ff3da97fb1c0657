//! The permits of a project: granted one after the other, extended, never overlapping.

use chrono::NaiveDate;

use super::chain::{self, Kind};
use super::database::{Row, Transaction};
use super::desk::Desk;
use super::terms::{bad_terms, check_day, check_permit};
use crate::error::{LedgerError, Suggestion};
use crate::permit::{GrantedPermit, LegalBasis, Permit};

/// A permit as it stands.
#[derive(Debug, Clone)]
pub(crate) struct PermitRow {
    pub(crate) position: i64,
    /// With its last day as extended.
    pub(crate) permit: Permit,
    pub(crate) basis: LegalBasis,
    extended: bool,
}

impl PermitRow {
    pub(crate) fn covers(&self, day: NaiveDate) -> bool {
        self.permit.starts <= day && day <= self.permit.ends
    }

    pub(crate) fn to_public(&self) -> GrantedPermit {
        GrantedPermit {
            entry: chain::position_u64(self.position),
            permit: self.permit.clone(),
            legal_basis: self.basis,
            extended: self.extended,
        }
    }
}

/// The permit in force on a day; without one the next to begin, or else the last that ended.
pub(crate) fn in_force(permits: &[PermitRow], day: NaiveDate) -> Result<&PermitRow, LedgerError> {
    let next = || {
        let later = permits.iter().filter(|row| row.permit.starts > day);
        later.min_by_key(|row| row.permit.starts)
    };
    let last = || permits.iter().max_by_key(|row| row.permit.ends);
    permits
        .iter()
        .find(|row| row.covers(day))
        .or_else(next)
        .or_else(last)
        .ok_or_else(|| LedgerError::altered("a project has no permit"))
}

/// Every permit of a project, in the order of granting.
pub(crate) fn of_project(
    transaction: &dyn Transaction,
    project: i64,
) -> Result<Vec<PermitRow>, LedgerError> {
    let rows = transaction.rows(
        "SELECT p.position, p.authority, p.reference, p.purpose, p.starts, p.ends, x.ends, b.basis
         FROM permit p
         LEFT JOIN permit_extension x ON x.position = (SELECT max(l.position)
                                                       FROM permit_extension l
                                                       WHERE l.permit = p.position)
         LEFT JOIN permit_basis b ON b.permit = p.position
         WHERE p.project = ?1 ORDER BY p.position",
        &[project.into()],
    )?;
    rows.iter().map(read).collect()
}

/// The permit under which a project was opened, with its days as they were then.
pub(super) fn first_of(transaction: &dyn Transaction, project: i64) -> Result<Permit, LedgerError> {
    let row = transaction.row(
        "SELECT position, authority, reference, purpose, starts, ends, NULL, NULL FROM permit
         WHERE project = ?1 ORDER BY position LIMIT 1",
        &[project.into()],
    )?;
    Ok(read(&row)?.permit)
}

/// Records a permit, for days that no other permit of the project covers.
pub(super) fn grant(
    desk: &Desk<'_>,
    (project, name): (i64, &str),
    permit: &Permit,
    basis: LegalBasis,
) -> Result<(), LedgerError> {
    let subject = format!("project {name:?}");
    check_permit(&subject, permit)?;
    for other in of_project(desk.transaction, project)? {
        if other.permit == *permit && other.basis == basis {
            return Ok(());
        }
        if other.permit.reference == permit.reference {
            return Err(bad_terms(
                &subject,
                &format!("it has a permit {} already, with other terms", permit.reference),
                &format!(
                    "move its last day with `voilage permit extend {name} {} --until .. --reason ..`",
                    permit.reference
                ),
            ));
        }
        refuse_overlap(&subject, &other, permit.starts, permit.ends)?;
    }
    write(desk, project, permit, basis)
}

/// Moves the last day of a permit further away.
pub(super) fn extend(
    desk: &Desk<'_>,
    (project, name): (i64, &str),
    reference: &str,
    ends: NaiveDate,
) -> Result<(), LedgerError> {
    let subject = format!("project {name:?}");
    check_day(&subject, ends)?;
    let permits = of_project(desk.transaction, project)?;
    let Some(row) = permits.iter().find(|row| row.permit.reference == reference) else {
        let known = permits.iter().map(|row| row.permit.reference.clone());
        let nearest = Suggestion::nearest(reference, known.clone());
        return Err(bad_terms(
            &subject,
            &format!("it has no permit {reference}{nearest}"),
            &format!("its permits are {}", known.collect::<Vec<_>>().join(", ")),
        ));
    };
    if ends == row.permit.ends {
        return Ok(());
    }
    if ends < row.permit.ends {
        return Err(bad_terms(
            &subject,
            &format!("permit {reference} runs to {}, and {ends} is earlier", row.permit.ends),
            &format!(
                "give a later day; to stop the project, run `voilage suspend {name} --reason ..`"
            ),
        ));
    }
    for other in permits.iter().filter(|other| other.position != row.position) {
        refuse_overlap(&subject, other, row.permit.starts, ends)?;
    }
    desk.append(Kind::PermitExtension, |position| {
        desk.transaction.execute(
            "INSERT INTO permit_extension (position, permit, ends) VALUES (?1, ?2, ?3)",
            &[position.into(), row.position.into(), (&ends.to_string()).into()],
        )
    })?;
    Ok(())
}

/// Writes a permit and its basis.
pub(super) fn write(
    desk: &Desk<'_>,
    project: i64,
    permit: &Permit,
    basis: LegalBasis,
) -> Result<(), LedgerError> {
    let (starts, ends) = (permit.starts.to_string(), permit.ends.to_string());
    let recorded = desk.append(Kind::Permit, |position| {
        desk.transaction.execute(
            "INSERT INTO permit (position, project, authority, reference, purpose, starts, ends)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                position.into(),
                project.into(),
                (&permit.authority).into(),
                (&permit.reference).into(),
                (&permit.purpose).into(),
                (&starts).into(),
                (&ends).into(),
            ],
        )
    })?;
    if basis == LegalBasis::Unstated {
        return Ok(());
    }
    desk.append(Kind::PermitBasis, |position| {
        desk.transaction.execute(
            "INSERT INTO permit_basis (position, permit, basis) VALUES (?1, ?2, ?3)",
            &[position.into(), recorded.into(), basis.word().into()],
        )
    })?;
    Ok(())
}

fn refuse_overlap(
    subject: &str,
    other: &PermitRow,
    starts: NaiveDate,
    ends: NaiveDate,
) -> Result<(), LedgerError> {
    let Permit { reference, starts: first, ends: last, .. } = &other.permit;
    if ends < *first || *last < starts {
        return Ok(());
    }
    let fix = match last.succ_opt() {
        Some(day) if starts <= *last && starts >= *first => format!("let it start on {day}"),
        _ => "choose days that no other permit covers".to_owned(),
    };
    Err(bad_terms(
        subject,
        &format!(
            "{starts} to {ends} overlaps its permit {reference}, which runs from {first} to {last}"
        ),
        &fix,
    ))
}

fn read(row: &Row) -> Result<PermitRow, LedgerError> {
    let day = |text: String| {
        text.parse::<NaiveDate>().map_err(|_| LedgerError::altered("a date is none"))
    };
    let extension: Option<String> = row.get(6)?;
    let basis: Option<String> = row.get(7)?;
    let extended = extension.is_some();
    let basis = match basis {
        None => LegalBasis::Unstated,
        Some(word) => LegalBasis::ALL
            .into_iter()
            .find(|known| known.word() == word)
            .ok_or_else(|| LedgerError::altered("a legal basis is unknown"))?,
    };
    Ok(PermitRow {
        position: row.get(0)?,
        permit: Permit {
            authority: row.get(1)?,
            reference: row.get(2)?,
            purpose: row.get(3)?,
            starts: day(row.get(4)?)?,
            ends: day(match extension {
                Some(ends) => ends,
                None => row.get(5)?,
            })?,
        },
        basis,
        extended,
    })
}
