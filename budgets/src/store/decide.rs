//! Carrying out what administrators decide: one act, one transaction, one recorded decision.

use super::database::Transaction;
use super::desk::Desk;
use super::terms::{bad_terms, check_text};
use super::{accounts, chain, datasets, permits, principals, projects, proposals};
use crate::act::{Act, Outcome, Verdict};
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::forbidden::Forbidden;
use crate::principal::{Decider, Principal, Role};

/// Carries an act out, or proposes it to another administrator where policy asks for two.
pub(crate) fn decide(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    by: Decider<'_>,
    act: &Act,
) -> Result<Outcome, LedgerError> {
    principals::must_administer(transaction, by.principal, &act.to_string())?;
    check_text(&format!("the decision to {act}"), "its reason", by.reason)?;
    let desk = Desk::new(transaction, clock)?;
    if proposals::needs_approval(transaction, act)? {
        let proposal = proposals::propose(&desk, by.principal, by.reason, act)?;
        return Ok(Outcome::Proposed { proposal: chain::position_u64(proposal) });
    }
    carry_out(&desk, act, by)?;
    desk.sign(by)
}

/// Answers another administrator's proposal; an approval carries it out.
pub(crate) fn answer(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    by: Decider<'_>,
    (proposal, verdict): (u64, Verdict),
) -> Result<Outcome, LedgerError> {
    let what = match verdict {
        Verdict::Approve => format!("approve proposal {proposal}"),
        Verdict::Reject => format!("reject proposal {proposal}"),
    };
    principals::must_administer(transaction, by.principal, &what)?;
    check_text(&format!("the decision to {what}"), "its reason", by.reason)?;
    let waiting = proposals::waiting(transaction, proposal)?;
    let key = i64::try_from(waiting.entry).map_err(|_| LedgerError::Overflow)?;
    let desk = Desk::new(transaction, clock)?;
    match verdict {
        // Whoever made it may take it back, but not wave it through, under this name or another.
        Verdict::Approve if proposals::is_own(transaction, &waiting, by.principal)? => {
            let mut others = principals::administrators(transaction)?;
            others.retain(|name| name != by.principal);
            Err(Forbidden::OwnProposal {
                proposal,
                principal: by.principal.to_owned(),
                whom: others.join(", "),
            }
            .into())
        }
        Verdict::Approve => {
            // A proposer who has lost the role since proposes nothing any more.
            let what = format!("stand by proposal {proposal}");
            principals::must_administer(transaction, &waiting.principal, &what)?;
            let entry = proposals::record_answer(&desk, key, by.principal, "approved", by.reason)?;
            let agreed = desk.under_proposal(key);
            let proposer = Decider { principal: &waiting.principal, reason: &waiting.reason };
            carry_out(&agreed, &waiting.act, proposer)?;
            agreed.sign(proposer)?;
            Ok(Outcome::Done { entry: chain::position_u64(entry) })
        }
        Verdict::Reject => {
            let entry = proposals::record_answer(&desk, key, by.principal, "rejected", by.reason)?;
            Ok(Outcome::Done { entry: chain::position_u64(entry) })
        }
    }
}

/// Writes the rows of an act.
pub(crate) fn carry_out(desk: &Desk<'_>, act: &Act, by: Decider<'_>) -> Result<(), LedgerError> {
    let transaction = desk.transaction;
    let holder = |project: &str| -> Result<i64, LedgerError> {
        Ok(accounts::project(transaction, project)?.account.holder)
    };
    match act {
        Act::RegisterDataset { terms, files } => datasets::register(desk, terms, files),
        Act::AddTables { dataset, files } => datasets::add_tables(desk, dataset, files),
        Act::UpdateDataset { dataset, files } => datasets::update(desk, dataset, files),
        Act::ChangeDatasetCap { dataset, cap } => datasets::change_cap(desk, dataset, cap),
        Act::OpenProject { terms, opening } => projects::open(desk, terms, opening),
        Act::ChangeProjectCap { project, cap } => projects::change_cap(desk, project, cap),
        Act::SetRules { project, rules } => projects::set_rules(desk, project, rules),
        Act::GrantPermit { project, permit, legal_basis } => {
            projects::must_not_be_closed(transaction, project)?;
            permits::grant(desk, (holder(project)?, project), permit, *legal_basis)
        }
        Act::ExtendPermit { project, reference, ends } => {
            projects::must_not_be_closed(transaction, project)?;
            permits::extend(desk, (holder(project)?, project), reference, *ends)
        }
        Act::NamePerson { project, principal, may_ask } => {
            principals::name_person(desk, holder(project)?, principal, *may_ask)
        }
        Act::GiveDataset { project, dataset } => {
            projects::give_dataset(desk, (project, dataset), by.reason)
        }
        Act::Suspend { project } => projects::suspend(desk, project),
        Act::Resume { project } => projects::resume(desk, project),
        Act::Close { project } => projects::close(desk, project, by.reason),
        Act::SetPrincipal { principal } => {
            first_administers(transaction, principal)?;
            keep_administrators(transaction, &principal.name, Some(principal))?;
            principals::set(desk, principal)
        }
        Act::RemovePrincipal { name } => {
            keep_administrators(transaction, name, None)?;
            principals::remove(desk, name)
        }
        Act::SetPolicy { policy } => proposals::set_policy(desk, policy),
        Act::RecordPurge { project, files } => projects::record_purge(desk, project, *files),
    }
}

/// Whoever is known first decides who comes next; anybody else would lock everybody out.
fn first_administers(
    transaction: &dyn Transaction,
    principal: &Principal,
) -> Result<(), LedgerError> {
    if principal.role == Role::Administrator || !principals::is_open_house(transaction)? {
        return Ok(());
    }
    Err(bad_terms(
        &format!("principal {:?}", principal.name),
        "the first principal of a ledger must be an administrator, or nobody could add another",
        "run `voilage init`, which adds you as administrator, then add this one",
    ))
}

/// A ledger with principals has an administrator, and one with a policy has two persons: a second name
/// of one account is no second person.
fn keep_administrators(
    transaction: &dyn Transaction,
    changing: &str,
    becomes: Option<&Principal>,
) -> Result<(), LedgerError> {
    let is_administrator = |one: &Principal| one.role == Role::Administrator;
    if !principals::find(transaction, changing)?.as_ref().is_some_and(is_administrator) {
        return Ok(());
    }
    let mut after = principals::all(transaction)?;
    let before = principals::persons_among(&after);
    after.retain(|one| one.name != changing);
    after.extend(becomes.cloned());
    let needed = if proposals::policy(transaction)?.is_some() { 2 } else { 1 };
    let count = principals::persons_among(&after);
    if count >= needed.min(before) {
        return Ok(());
    }
    Err(Forbidden::LastAdministrators { principal: changing.to_owned(), count: before, needed }
        .into())
}
