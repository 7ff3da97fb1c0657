//! `voilage principal`: who may ask, decide and look.

use serde_json::json;
use voilage_budgets::{Act, Principal, Role};

use crate::args::admin::{PrincipalVerb, RoleName, ViewArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::decide;

/// Shows or changes principals.
pub(super) fn run(verb: &PrincipalVerb, console: &mut Console<'_>) -> Result<(), CliError> {
    match verb {
        PrincipalVerb::List(view) => list(view, console),
        PrincipalVerb::Add { name, role, account, decision } => {
            let principal = Principal {
                name: name.clone(),
                role: (*role).into(),
                account: account.clone().unwrap_or_else(|| name.clone()),
            };
            decide::run(decision, &Act::SetPrincipal { principal }, console)
        }
        PrincipalVerb::Remove { name, decision } => {
            decide::run(decision, &Act::RemovePrincipal { name: name.clone() }, console)
        }
    }
}

fn list(view: &ViewArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&view.hub)?;
    let principals = hub.ledger().principals()?;
    if view.json {
        let as_json = |one: &Principal| json!({ "name": one.name, "role": one.role.word(), "account": one.account });
        return present::json(&principals.iter().map(as_json).collect(), console);
    }
    if principals.is_empty() {
        writeln!(
            console.out,
            "nobody is known, so everybody may ask and decide; `voilage init` makes you administrator"
        )?;
        return Ok(());
    }
    let mut table = present::blank();
    table.set_header(["name", "role", "account"]);
    for one in &principals {
        table.add_row([one.name.clone(), one.role.to_string(), one.account.clone()]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    writeln!(console.out, "you act as {}", present::printable(hub.principal()))?;
    Ok(())
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Analyst => Self::Analyst,
            RoleName::Administrator => Self::Administrator,
            RoleName::Auditor => Self::Auditor,
            RoleName::Job => Self::Job,
        }
    }
}
