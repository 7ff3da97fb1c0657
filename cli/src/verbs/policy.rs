//! `voilage policy`: above which caps two administrators must agree.

use serde_json::json;
use voilage_budgets::{Act, Ceiling, Policy};
use voilage_privacy::{Delta, Epsilon};

use crate::args::admin::{PolicyVerb, ViewArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::decide;

/// Shows or replaces the policy.
pub(super) fn run(verb: &PolicyVerb, console: &mut Console<'_>) -> Result<(), CliError> {
    match verb {
        PolicyVerb::Show(view) => show(view, console),
        PolicyVerb::Set {
            project_epsilon,
            project_delta,
            dataset_epsilon,
            dataset_delta,
            decision,
        } => {
            let policy = Policy {
                project: ceiling(project_epsilon.as_ref(), project_delta.as_ref()),
                dataset: ceiling(dataset_epsilon.as_ref(), dataset_delta.as_ref()),
            };
            decide::run(decision, &Act::SetPolicy { policy }, console)
        }
    }
}

fn ceiling(epsilon: Option<&Epsilon>, delta: Option<&Delta>) -> Option<Ceiling> {
    epsilon
        .zip(delta)
        .map(|(epsilon, delta)| Ceiling { epsilon: epsilon.clone(), delta: delta.clone() })
}

fn show(view: &ViewArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let policy = super::open(&view.hub)?.ledger().policy()?;
    if view.json {
        return present::json(&json!(policy), console);
    }
    let Some(Policy { project, dataset }) = policy else {
        writeln!(
            console.out,
            "no policy: one administrator decides alone. Set one with `voilage policy set \
             --project-epsilon 2 --project-delta 1e-6 --reason ..`"
        )?;
        return Ok(());
    };
    for (what, ceiling) in [("project", project), ("dataset", dataset)] {
        let text = match ceiling {
            Some(ceiling) => format!("two administrators above {ceiling}"),
            None => "no ceiling".to_owned(),
        };
        writeln!(console.out, "{what}  {text}")?;
    }
    writeln!(console.out, "policy   two administrators change it, and who is an administrator")?;
    Ok(())
}
