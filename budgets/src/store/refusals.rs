//! Refused questions: an auditor sees what was asked and not answered, and why.

use super::chain::{self, Kind};
use super::database::{Transaction, Value};
use crate::charge::{ChargeRequest, DoorRefusal};
use crate::clock::Clock;
use crate::error::{ErrorKind, LedgerError};

/// Longest text of a question or a message that a refusal keeps.
const TEXT_LENGTH_MAX: usize = 4_000;

/// Whether an error is a decision about the question: one of budget, permit, membership or rules.
pub(crate) fn is_decision(error: &LedgerError) -> bool {
    match error.kind() {
        ErrorKind::BudgetRefused | ErrorKind::PolicyRefused => true,
        ErrorKind::FixInput | ErrorKind::TryAgain | ErrorKind::Bug => false,
    }
}

/// Records that a question was refused.
pub(crate) fn record(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    request: &ChargeRequest,
    error: &LedgerError,
) -> Result<(), LedgerError> {
    let question = [&request.project, &request.principal, &request.description];
    record_text(transaction, clock, question.map(String::as_str), error)
}

/// Records that a question was refused: project, principal and the question as asked.
pub(crate) fn record_text(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    question: [&str; 3],
    error: &LedgerError,
) -> Result<(), LedgerError> {
    let now = chain::now(transaction, clock)?;
    let code = error.refusal_code();
    let [project, principal, description] = question.map(shortened);
    let message = shortened(&error.to_string());
    chain::append(transaction, Kind::Refusal, now, |position| {
        transaction.execute(
            "INSERT INTO refusal (position, project, principal, code, message, description)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                position.into(),
                (&project).into(),
                (&principal).into(),
                code.into(),
                (&message).into(),
                (&description).into(),
            ],
        )
    })?;
    Ok(())
}

/// Records that a question was refused before it had a plan or a price.
pub(crate) fn record_at_door(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    refusal: &DoorRefusal<'_>,
) -> Result<(), LedgerError> {
    let now = chain::now(transaction, clock)?;
    let texts =
        [refusal.project, refusal.principal, refusal.code, refusal.message, refusal.description];
    let texts = texts.map(shortened);
    chain::append(transaction, Kind::Refusal, now, |position| {
        let mut values = vec![position.into()];
        values.extend(texts.iter().map(Value::from));
        transaction.execute(
            "INSERT INTO refusal (position, project, principal, code, message, description)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &values,
        )
    })?;
    Ok(())
}

/// A refused text may be anything; the ledger keeps its beginning, without what a database refuses.
fn shortened(text: &str) -> String {
    let kept = text.chars().filter(|letter| *letter != '\0');
    let mut short: String = kept.clone().take(TEXT_LENGTH_MAX).collect();
    if kept.count() > TEXT_LENGTH_MAX {
        short.push('…');
    }
    short
}
