//! Whether all questions of a job would be let in together, before the first one is charged.

use voilage_privacy::Loss;
use voilage_query::{Question, Study};

use crate::error::CliError;
use crate::job::Job;
use crate::verbs::budget;

/// What would become of one question of a job.
pub(crate) struct Prospect<'a> {
    /// Its name in the job.
    pub(crate) name: &'a str,
    /// Whether its answer, or its charge, is there already.
    pub(crate) is_paid: bool,
    /// Why it would be refused.
    pub(crate) refused: Option<CliError>,
}

/// Asks the ledger about all questions in their order; nothing is charged or recorded.
pub(crate) fn prospects<'a>(
    study: &Study,
    job: &'a Job,
    questions: &[Question],
) -> Result<Vec<Prospect<'a>>, CliError> {
    let outcomes = study.rehearse(questions)?;
    let prospect = |(asked, outcome): (&'a crate::job::JobQuestion, voilage_budgets::Rehearsed)| {
        let is_paid = outcome.as_ref().is_ok_and(|charge| charge.replayed);
        Prospect { name: &asked.name, is_paid, refused: outcome.err().map(CliError::from) }
    };
    Ok(job.questions.iter().zip(outcomes).map(prospect).collect())
}

/// Refuses the whole job when any of its questions would be refused, and says which would not.
///
/// Others may spend in between; then the ledger itself refuses the question that no longer fits.
pub(crate) fn check(
    study: &Study,
    prospects: &[Prospect<'_>],
    questions: &[Question],
) -> Result<(), CliError> {
    let refused: Vec<(&str, &CliError)> =
        prospects.iter().filter_map(|one| Some((one.name, one.refused.as_ref()?))).collect();
    let Some((_, first)) = refused.first() else { return Ok(()) };
    let fitting: Vec<&str> =
        prospects.iter().filter(|one| one.refused.is_none()).map(|one| one.name).collect();
    let project = study.project()?;
    let mut needed = Loss::zero(project.accountant);
    let new = prospects.iter().zip(questions).filter(|(one, _)| !one.is_paid);
    for (_, question) in new {
        needed = needed
            .checked_add(question.loss())
            .map_err(|error| CliError::Bug(error.to_string()))?;
    }
    let reasons: String = refused.iter().map(|(name, why)| format!("\n  {name}: {why}")).collect();
    Err(CliError::Job {
        problem: format!(
            "{} of the job's {} questions would be refused, so none is asked; its new questions need {} \
             together and project {} has {} left{reasons}",
            refused.len(),
            prospects.len(),
            budget::up(&needed),
            project.name,
            budget::down(&project.left),
        ),
        fix: match &fitting[..] {
            [] => {
                "change the questions or their prices; more budget is an administrator's decision"
                    .to_owned()
            }
            fitting => format!(
                "change the refused questions or their prices, or ask only those that fit in this \
                 order: {}; more budget is an administrator's decision",
                fitting.join(", ")
            ),
        },
        kind: first.kind(),
    })
}
