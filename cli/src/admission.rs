//! Whether the questions of a job fit what is left together, before the first one is charged.

use voilage_budgets::{ATTEMPTS_MAX, ChargeSummary, Dataset, Project};
use voilage_privacy::{Loss, QuantityError};
use voilage_query::{Question, Study};

use crate::error::CliError;
use crate::job::Job;

/// Digits of a quantity in a message.
const DIGITS: usize = 3;

/// Refuses the whole job when its new questions do not fit the project's or the dataset's budget, and
/// says which would fit in their order.
///
/// Others may spend in between; then the ledger itself refuses the question that no longer fits.
pub(crate) fn check(
    study: &Study,
    job: &Job,
    questions: &[Question],
    renew: bool,
) -> Result<(), CliError> {
    let project = study.project()?;
    let ledger = study.hub().ledger();
    let dataset = ledger.dataset(&project.dataset)?;
    let charges = ledger.charges(&project.name)?;
    let mut sum = Loss::zero(project.accountant);
    let mut new = 0;
    let mut fitting = Vec::new();
    let mut fits = Loss::zero(project.accountant);
    for (asked, question) in job.questions.iter().zip(questions) {
        let cost = rounded_up(question.loss()).map_err(|error| bug(&error))?;
        if !is_paid(&charges, question.sql(), &cost, &dataset.data_version, renew) {
            sum = sum.checked_add(&cost).map_err(|error| bug(&error))?;
            new += 1;
            let with = fits.checked_add(&cost).map_err(|error| bug(&error))?;
            if shortage(&with, &project.left).is_none() && shortage(&with, &dataset.left).is_none()
            {
                fits = with;
                fitting.push(asked.name.as_str());
            }
        }
    }
    refuse_overspending(&project, &dataset, &sum, (new, &fitting))
}

fn is_paid(
    charges: &[ChargeSummary],
    sql: &str,
    cost: &Loss,
    data_version: &str,
    renew: bool,
) -> bool {
    charges.iter().any(|summary| {
        let charge = &summary.charge;
        let used_up = !charge.sealed && charge.attempts >= ATTEMPTS_MAX;
        summary.description == sql
            && charge.loss == *cost
            && charge.data_version == data_version
            && !(renew && used_up)
    })
}

fn refuse_overspending(
    project: &Project,
    dataset: &Dataset,
    sum: &Loss,
    (new, fitting): (usize, &[&str]),
) -> Result<(), CliError> {
    let shortages = [
        (format!("project {:?}", project.name), shortage(sum, &project.left)),
        (format!("dataset {:?}", dataset.name), shortage(sum, &dataset.left)),
    ];
    let Some((holder, Some(short))) = shortages.into_iter().find(|(_, short)| short.is_some())
    else {
        return Ok(());
    };
    Err(CliError::Budget {
        problem: format!(
            "the job's {new} new questions need {} {} together and {holder} has {} left",
            short.quantity, short.need, short.left
        ),
        fix: match fitting {
            [] => "give the questions smaller shares; more budget is an administrator's decision"
                .to_owned(),
            fitting => format!(
                "give the questions smaller shares, or ask only those that fit in this order: {}; \
                 more budget is an administrator's decision",
                fitting.join(", ")
            ),
        },
    })
}

struct Shortage {
    quantity: &'static str,
    need: String,
    left: String,
}

/// A pure project on a zcdp dataset pays it in another currency, one charge at a time; there the
/// ledger alone decides.
fn shortage(need: &Loss, left: &Loss) -> Option<Shortage> {
    let short = |quantity, need: String, left: String| Some(Shortage { quantity, need, left });
    match (need, left) {
        (Loss::Zcdp { rho, .. }, Loss::Zcdp { rho: left, .. }) if rho > left => {
            short("rho", rho.display_up(DIGITS), left.display_down(DIGITS))
        }
        (Loss::Zcdp { delta, .. }, Loss::Zcdp { delta: left, .. }) if delta > left => {
            short("delta", delta.display_up(DIGITS), left.display_down(DIGITS))
        }
        (Loss::Pure { epsilon }, Loss::Pure { epsilon: left }) if epsilon > left => {
            short("epsilon", epsilon.display_up(DIGITS), left.display_down(DIGITS))
        }
        _ => None,
    }
}

/// The cost as the ledger holds it: on its grid, rounded up.
fn rounded_up(loss: &Loss) -> Result<Loss, QuantityError> {
    Ok(match loss {
        Loss::Zcdp { rho, delta } => Loss::Zcdp { rho: rho.round_up()?, delta: delta.round_up()? },
        Loss::Pure { epsilon } => Loss::Pure { epsilon: epsilon.round_up()? },
    })
}

fn bug(error: &QuantityError) -> CliError {
    CliError::Bug(error.to_string())
}
