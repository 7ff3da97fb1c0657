//! `voilage allocate`: the cheapest prices that give a job's questions the errors they want.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use voilage_privacy::{Accountant, Loss, Rho};
use voilage_query::explanation::ExplainedOutput;
use voilage_query::question::SpendOptions;
use voilage_query::weights::Weights;
use voilage_query::{AskOptions, Explanation, Question, Spend, Study};

use crate::allocation::Wanted;
use crate::args::AllocateArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::job::{Job, JobQuestion, Targets};
use crate::present;
use crate::verbs::budget;

/// The price at which the errors are measured: far from the edges of what samplers hold.
const REFERENCE_SHARE: &str = "1%";
/// Halvings of the last search, each of which prices the question once.
const HALVINGS: u32 = 20;
/// Digits of a price or a weight that is to be written into a file.
const DIGITS: usize = 4;
/// The largest weight that a question may give, and one over the smallest.
const WEIGHT_MAX: f64 = 1_000.0;

/// What was found for one question.
struct Found<'a> {
    name: &'a str,
    question: Question,
    weights: Option<String>,
    /// By which way; nothing for a question that had a price.
    way: Option<&'static str>,
}

/// Finds prices, shows them, and says whether all of it would be let in.
pub(super) fn run(args: &AllocateArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let (job, _) = Job::read(&args.job)?;
    let study = super::open(&args.hub)?.project(&job.project)?;
    let found = job
        .questions
        .iter()
        .map(|asked| one(&study, asked).map_err(|error| error.in_question(&asked.name)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut total = Loss::zero(study.project()?.accountant);
    for one in &found {
        total = total
            .checked_add(one.question.loss())
            .map_err(|error| CliError::Bug(error.to_string()))?;
    }
    if args.json {
        let value = json!({
            "project": job.project,
            "questions": found.iter().map(as_json).collect::<Value>(),
            "together": budget::quantities(&total),
        });
        return present::json(&value, console);
    }
    show(&study, &found, &total, console)
}

fn one<'a>(study: &Study, asked: &'a JobQuestion) -> Result<Found<'a>, CliError> {
    let name = &asked.name;
    let Some(targets) = asked.targets() else {
        let question = study.question_with(&asked.sql, &asked.spend()?, &asked.options()?)?;
        return Ok(Found { name, question, weights: None, way: None });
    };
    if study.project()?.accountant == Accountant::Pure {
        return Err(CliError::input(
            "a pure project adds epsilons and not squares, so no split is better than one price each",
            "give the question an epsilon, and see its error with `voilage explain`",
        ));
    }
    let spend = SpendOptions { epsilon: None, rho: None, share: Some(REFERENCE_SHARE) };
    let reference =
        study.question_with(&asked.sql, &Spend::from_options(spend)?, &asked.options()?)?;
    let targets = by_name(targets, reference.explanation())?;
    let problem = Problem::of(reference.explanation(), &targets)?;
    let split = problem.wanted.cheapest().ok_or_else(|| {
        CliError::input(
            "no split was found: the wanted errors are too far apart",
            "ask for the exact columns in a question of their own",
        )
    })?;
    let weights = problem.weights(&split.losses);
    let options = match &weights {
        Some(weights) => {
            AskOptions { weights: Some(Weights::parse(weights)?), ..AskOptions::default() }
        }
        None => AskOptions::default(),
    };
    // Noise comes on a grid, weights belong to whole columns of the result and learned keys take a part:
    // so what was found is where the search for the price begins.
    let equal = reference_rho(reference.loss()) / split.losses.len() as f64;
    let units = equal * split.losses.iter().sum::<f64>();
    let at = |units: f64| -> Result<Question, CliError> {
        let rho = Rho::from_units(units.ceil().clamp(1.0, 4e18) as i64).display_up(DIGITS);
        let spend = SpendOptions { epsilon: None, rho: Some(&rho), share: None };
        Ok(study.question_with(&asked.sql, &Spend::from_options(spend)?, &options)?)
    };
    let (mut low, mut high) = (units / 16.0, units * 16.0);
    if !keeps(at(high)?.explanation(), &targets) {
        return Err(CliError::input(
            "the wanted errors are smaller than noise on its grid can be",
            "ask for larger errors",
        ));
    }
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        if keeps(at(middle)?.explanation(), &targets) { high = middle } else { low = middle }
    }
    let way = if split.is_closed_form { "closed form" } else { "solver" };
    Ok(Found { name, question: at(high)?, weights, way: Some(way) })
}

/// The wanted error of every aggregate, under the name it has in the query.
fn by_name(
    targets: &Targets,
    explanation: &Explanation,
) -> Result<BTreeMap<String, f64>, CliError> {
    let named = named(explanation);
    let names: Vec<&str> = named.iter().map(|(name, ..)| name.as_str()).collect();
    let mut wanted = BTreeMap::new();
    match targets {
        Targets::Every(error) => {
            wanted.extend(names.iter().map(|name| ((*name).to_owned(), *error)));
        }
        Targets::Named(errors) => {
            wanted.extend(errors.iter().map(|(name, error)| (name.clone(), *error)));
        }
    }
    let unknown = wanted.keys().find(|name| !names.contains(&name.as_str()));
    let missing = names.iter().find(|name| !wanted.contains_key(**name));
    let nonsense = wanted.iter().find(|(_, error)| !(error.is_finite() && **error > 0.0));
    let problem = match (unknown, missing, nonsense) {
        (Some(name), _, _) => format!("it wants an error of {name:?}, which is no aggregate of it"),
        (None, Some(name), _) => format!("it says no error for its aggregate {name:?}"),
        (None, None, Some((name, _))) => format!("the error of {name:?} is not above zero"),
        (None, None, None) => return Ok(wanted),
    };
    let fix = format!("write one number for all, or one for each of: {}", names.join(", "));
    Err(CliError::input(problem, fix))
}

/// The split of one question as a problem of columns and targets.
struct Problem {
    wanted: Wanted,
    /// For each aggregate, its name and its columns.
    outputs: Vec<(String, Vec<usize>)>,
}

impl Problem {
    /// Each column has the loss one at the reference price.
    fn of(explanation: &Explanation, errors: &BTreeMap<String, f64>) -> Result<Self, CliError> {
        let mut columns: Vec<(usize, usize)> = Vec::new();
        let mut targets = Vec::new();
        let mut outputs = Vec::new();
        for (name, boundary, output) in named(explanation) {
            let error = errors.get(&name).copied().unwrap_or(f64::INFINITY);
            let mut target: Vec<(usize, f64)> = Vec::new();
            for part in &output.parts {
                let key = (boundary, part.noisy);
                let at = columns.iter().position(|known| *known == key).unwrap_or_else(|| {
                    columns.push(key);
                    columns.len() - 1
                });
                // Noise that rounds to nothing still needs a price above nothing.
                let square = (part.error_95 / error).powi(2).max(1e-12);
                match target.iter_mut().find(|(column, _)| *column == at) {
                    Some((_, known)) => *known += square,
                    None => target.push((at, square)),
                }
            }
            outputs.push((name, target.iter().map(|(at, _)| *at).collect()));
            targets.push(target);
        }
        if columns.is_empty() {
            return Err(CliError::Bug("a question has no noisy column".to_owned()));
        }
        Ok(Self { wanted: Wanted { columns: columns.len(), targets }, outputs })
    }

    /// The split as weights of the aggregates; nothing where it is equal anyway.
    fn weights(&self, losses: &[f64]) -> Option<String> {
        // What several aggregates share gets the largest of their weights, so each asks for what is its
        // own alone, if it has any.
        let is_own = |column: &usize| {
            self.outputs.iter().filter(|(_, columns)| columns.contains(column)).count() == 1
        };
        let most = |columns: &mut dyn Iterator<Item = &usize>| {
            columns.map(|column| losses[*column]).fold(0.0, f64::max)
        };
        let of = |columns: &[usize]| match most(&mut columns.iter().filter(|one| is_own(one))) {
            0.0 => most(&mut columns.iter()),
            own => own,
        };
        let least = self.outputs.iter().map(|(_, at)| of(at)).fold(f64::INFINITY, f64::min);
        let weights: Vec<(&str, f64)> = self
            .outputs
            .iter()
            .map(|(name, at)| (name.as_str(), (of(at) / least).clamp(1.0, WEIGHT_MAX)))
            .collect();
        let is_equal = weights.iter().all(|(_, weight)| *weight < 1.005);
        let text = weights.iter().map(|(name, weight)| format!("{name} = {weight:.2}"));
        (!is_equal).then(|| text.collect::<Vec<_>>().join(", "))
    }
}

/// Whether every aggregate's error is at most the wanted one, wherever its value lies.
fn keeps(explanation: &Explanation, errors: &BTreeMap<String, f64>) -> bool {
    named(explanation)
        .into_iter()
        .all(|(name, _, output)| errors.get(&name).is_none_or(|wanted| worst(output) <= *wanted))
}

/// The reference price in units.
fn reference_rho(loss: &Loss) -> f64 {
    match loss {
        Loss::Zcdp { rho, .. } => rho.units_down() as f64,
        Loss::Pure { .. } => 0.0,
    }
}

fn show(
    study: &Study,
    found: &[Found<'_>],
    total: &Loss,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut table = present::blank();
    table.set_header(["question", "price", "weights", "error at 95%", "found by"]);
    for one in found {
        let explanation = one.question.explanation();
        let errors: Vec<String> = named(explanation)
            .into_iter()
            .map(|(name, _, output)| format!("{name} +-{:.4}", worst(output)))
            .collect();
        table.add_row([
            one.name.to_owned(),
            present::loss(&explanation.loss),
            one.weights.clone().unwrap_or_default(),
            present::printable(&errors.join(", ")),
            one.way.unwrap_or("its own price").to_owned(),
        ]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    let project = study.project()?;
    writeln!(
        console.out,
        "together {}; project {} has {} left",
        budget::up(total),
        project.name,
        budget::down(&project.left)
    )?;
    for one in found.iter().filter(|one| one.way.is_some()) {
        let rho = one.question.explanation().loss.get("rho").map_or("", String::as_str);
        let weights = one.weights.as_ref().map(|text| format!("\nweights = \"{text}\""));
        let weights = weights.unwrap_or_default();
        writeln!(console.out, "\n# {}: instead of its error\nrho = \"{rho}\"{weights}", one.name)?;
    }
    Ok(())
}

/// Every aggregate with its boundary, under the name of the column that shows it: the first name, where
/// several do, and its own, where none does.
fn named(explanation: &Explanation) -> Vec<(String, usize, &ExplainedOutput)> {
    let mut named = Vec::new();
    for (boundary, explained) in explanation.boundaries.iter().enumerate() {
        for (position, output) in explained.outputs.iter().enumerate() {
            let shown = explanation
                .columns
                .iter()
                .find(|column| (column.boundary, column.output) == (boundary, position));
            let name = shown.map_or(&output.name, |column| &column.name);
            named.push((name.clone(), boundary, output));
        }
    }
    named
}

/// The error of an aggregate, wherever its value lies.
fn worst(output: &ExplainedOutput) -> f64 {
    output.parts.iter().map(|part| part.error_95.powi(2)).sum::<f64>().sqrt()
}

fn as_json(one: &Found<'_>) -> Value {
    let explanation = one.question.explanation();
    let errors =
        named(explanation).into_iter().map(|(name, _, output)| (name, json!(worst(output))));
    json!({
        "question": one.name,
        "loss": explanation.loss,
        "weights": one.weights,
        "error_95": errors.collect::<serde_json::Map<_, _>>(),
        "found_by": one.way,
    })
}
