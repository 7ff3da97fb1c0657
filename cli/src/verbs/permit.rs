//! `voilage permit`: who allowed a study, until when, and whom it names.

use serde_json::{Value, json};
use voilage_budgets::{Act, GrantedPermit, LegalBasis, Permit};

use crate::args::admin::{BasisName, PermitArgs, PermitVerb, PersonArgs, ViewArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::decide;

/// Shows or changes permits.
pub(super) fn run(verb: &PermitVerb, console: &mut Console<'_>) -> Result<(), CliError> {
    match verb {
        PermitVerb::List { project, view } => list(project, view, console),
        PermitVerb::Grant { project, permit, decision } => {
            let act = Act::GrantPermit {
                project: project.clone(),
                permit: as_permit(permit),
                legal_basis: permit.legal_basis.into(),
            };
            decide::run(decision, &act, console)
        }
        PermitVerb::Extend { project, reference, until, decision } => {
            let act = Act::ExtendPermit {
                project: project.clone(),
                reference: reference.clone(),
                ends: *until,
            };
            decide::run(decision, &act, console)
        }
        PermitVerb::Name(args) => name(args, true, console),
        PermitVerb::Unname(args) => name(args, false, console),
    }
}

/// A permit as the ledger takes it.
pub(super) fn as_permit(args: &PermitArgs) -> Permit {
    Permit {
        authority: args.authority.clone(),
        reference: args.reference.clone(),
        purpose: args.purpose.clone(),
        starts: args.starts,
        ends: args.ends,
    }
}

/// A permit for programs.
pub(super) fn as_json(granted: &GrantedPermit) -> Value {
    let permit = &granted.permit;
    json!({
        "entry": granted.entry,
        "authority": permit.authority,
        "reference": permit.reference,
        "purpose": permit.purpose,
        "legal_basis": granted.legal_basis.word(),
        "starts": permit.starts.to_string(),
        "ends": permit.ends.to_string(),
        "extended": granted.extended,
    })
}

fn name(args: &PersonArgs, may_ask: bool, console: &mut Console<'_>) -> Result<(), CliError> {
    let act =
        Act::NamePerson { project: args.project.clone(), principal: args.person.clone(), may_ask };
    decide::run(&args.decision, &act, console)
}

fn list(project: &str, view: &ViewArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let project = super::open(&view.hub)?.ledger().project(project)?;
    if view.json {
        return present::json(&project.permits.iter().map(as_json).collect(), console);
    }
    let mut table = present::blank();
    table.set_header(["reference", "authority", "legal basis", "starts", "ends", "purpose"]);
    for granted in &project.permits {
        let permit = &granted.permit;
        let extended = if granted.extended { " (extended)" } else { "" };
        table.add_row([
            permit.reference.clone(),
            permit.authority.clone(),
            granted.legal_basis.to_string(),
            permit.starts.to_string(),
            format!("{}{extended}", permit.ends),
            permit.purpose.clone(),
        ]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    Ok(())
}

impl From<BasisName> for LegalBasis {
    fn from(name: BasisName) -> Self {
        match name {
            BasisName::DataPermit => Self::DataPermit,
            BasisName::DataRequest => Self::DataRequest,
            BasisName::OtherLaw => Self::OtherLaw,
            BasisName::Unstated => Self::Unstated,
        }
    }
}
