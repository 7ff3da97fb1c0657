//! Reading charges.

use super::accounts::{self, ProjectRow};
use super::chain;
use super::database::{Row, Transaction};
use crate::charge::{Charge, ChargeId, ChargeRequest, ChargeSummary, RequestKey};
use crate::error::LedgerError;
use crate::units::Units;

/// A charge as stored, with what has happened to it since.
#[derive(Debug, Clone)]
pub(crate) struct ChargeRow {
    pub(crate) position: i64,
    pub(crate) request_key: [u8; 32],
    pub(crate) request_hash: [u8; 32],
    plan_hash: [u8; 32],
    data_version: String,
    pub(crate) boundaries: u32,
    bounding_key: [u8; 16],
    cost: Units,
    spent_after: Units,
    recorded_us: i64,
    pub(crate) attempts: u32,
    seals: u32,
    principal: String,
    description: String,
    permit_reference: String,
    replays: u32,
    /// The project's cap when it was charged: a receipt says the same for ever.
    cap: Units,
}

const QUERY: &str = "
    SELECT c.position, c.request_key, c.request_hash, c.plan_hash, c.data_version, c.boundaries,
           c.bounding_key, c.rho, c.delta, c.epsilon, c.spent_rho_after, c.spent_delta_after,
           c.spent_epsilon_after, e.recorded_us,
           (SELECT count(*) FROM attempt a WHERE a.charge = c.position),
           (SELECT count(*) FROM seal s WHERE s.charge = c.position),
           c.principal, c.description, p.reference,
           (SELECT count(*) FROM replay r WHERE r.charge = c.position),
           coalesce(k.cap_rho, j.cap_rho), coalesce(k.cap_delta, j.cap_delta),
           coalesce(k.cap_epsilon, j.cap_epsilon)
    FROM charge c
    JOIN entry e ON e.position = c.position
    JOIN permit p ON p.position = c.permit
    JOIN project j ON j.position = c.project
    LEFT JOIN cap_change k ON k.position = (SELECT max(l.position) FROM cap_change l
                                            WHERE l.holder = c.project
                                              AND l.position < c.position)";

impl ChargeRow {
    fn read(row: &Row) -> Result<Self, LedgerError> {
        Ok(Self {
            position: row.get(0)?,
            request_key: row.get(1)?,
            request_hash: row.get(2)?,
            plan_hash: row.get(3)?,
            data_version: row.get(4)?,
            boundaries: row.get(5)?,
            bounding_key: row.get(6)?,
            cost: accounts::units(row, 7)?,
            spent_after: accounts::units(row, 10)?,
            recorded_us: row.get(13)?,
            attempts: row.get(14)?,
            seals: row.get(15)?,
            principal: row.get(16)?,
            description: row.get(17)?,
            permit_reference: row.get(18)?,
            replays: row.get(19)?,
            cap: accounts::units(row, 20)?,
        })
    }

    /// Whether a request is the one that was charged: all that its key stands for, and what it costs.
    pub(super) fn is_of(&self, request: &ChargeRequest, total: Units) -> bool {
        self.request_hash == request.request_hash
            && self.plan_hash == request.plan_hash
            && self.data_version == request.data_version
            && self.boundaries == request.boundaries
            && self.cost == total
    }

    /// Whether every boundary has its answer.
    pub(crate) fn is_sealed(&self) -> bool {
        self.seals >= self.boundaries
    }

    pub(crate) fn to_public(
        &self,
        project: &ProjectRow,
        replayed: bool,
    ) -> Result<Charge, LedgerError> {
        let account = &project.account;
        Ok(Charge {
            id: ChargeId(self.position),
            request_key: RequestKey(self.request_key),
            plan_hash: self.plan_hash,
            project: account.name.clone(),
            dataset: project.dataset_name.clone(),
            loss: account.loss(self.cost),
            boundaries: self.boundaries,
            bounding_key: self.bounding_key,
            data_version: self.data_version.clone(),
            charged_at: chain::timestamp(self.recorded_us)?,
            position: chain::position_u64(self.position),
            spent_after: account.loss(self.spent_after),
            cap: account.loss(self.cap),
            left_after: account.loss(self.cap.checked_sub(self.spent_after)?),
            permit_reference: self.permit_reference.clone(),
            replayed,
            sealed: self.is_sealed(),
            attempts: self.attempts,
        })
    }

    fn summary(&self, project: &ProjectRow) -> Result<ChargeSummary, LedgerError> {
        Ok(ChargeSummary {
            charge: self.to_public(project, true)?,
            principal: self.principal.clone(),
            description: self.description.clone(),
            replays: self.replays,
        })
    }
}

/// The charge at `position`, if there is one.
pub(crate) fn find(
    transaction: &dyn Transaction,
    position: i64,
) -> Result<Option<ChargeRow>, LedgerError> {
    let sql = format!("{QUERY} WHERE c.position = ?1");
    transaction.optional(&sql, &[position.into()])?.as_ref().map(ChargeRow::read).transpose()
}

/// The charge at `position`.
pub(crate) fn at(transaction: &dyn Transaction, position: i64) -> Result<ChargeRow, LedgerError> {
    let sql = format!("{QUERY} WHERE c.position = ?1");
    ChargeRow::read(&transaction.row(&sql, &[position.into()])?)
}

/// The newest charge of a project under a request key: an older one has been renewed.
pub(crate) fn newest(
    transaction: &dyn Transaction,
    project: i64,
    request_key: &RequestKey,
) -> Result<Option<ChargeRow>, LedgerError> {
    let sql = format!(
        "{QUERY} WHERE c.project = ?1 AND c.request_key = ?2 ORDER BY c.position DESC LIMIT 1"
    );
    let row = transaction.optional(&sql, &[project.into(), (&request_key.0).into()])?;
    row.as_ref().map(ChargeRow::read).transpose()
}

/// The charge of a project at an entry, if this project has one there.
pub(crate) fn of_project_at(
    transaction: &dyn Transaction,
    project: &ProjectRow,
    entry: u64,
) -> Result<Option<ChargeSummary>, LedgerError> {
    let Ok(position) = i64::try_from(entry) else { return Ok(None) };
    let sql = format!("{QUERY} WHERE c.project = ?1 AND c.position = ?2");
    let row = transaction.optional(&sql, &[project.account.holder.into(), position.into()])?;
    row.as_ref().map(|row| ChargeRow::read(row)?.summary(project)).transpose()
}

/// All charges of a project, oldest first.
pub(crate) fn of_project(
    transaction: &dyn Transaction,
    project: &ProjectRow,
) -> Result<Vec<ChargeSummary>, LedgerError> {
    let sql = format!("{QUERY} WHERE c.project = ?1 ORDER BY c.position");
    let rows = transaction.rows(&sql, &[project.account.holder.into()])?;
    rows.iter().map(|row| ChargeRow::read(row)?.summary(project)).collect()
}
