//! Many random questions, each compared on neighbours.

use std::fmt;

use voilage_query::{QueryError, Spend};

use crate::chance::Chance;
use crate::neighbourhood::{CHANGES, Neighbourhood};
use crate::plans;

/// So many questions share one set of hubs, whose caps would not hold more learned keys.
const QUESTIONS_PER_HUB: u64 = 80;

/// So many neighbours of each question are asked.
const NEIGHBOURS: usize = 4;

/// What came of many random questions.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Questions that were answered and compared.
    pub answered: u64,
    /// Questions that were refused.
    pub refused: u64,
    /// Seeds with what was wrong.
    pub wrong: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answered, refused, wrong } = self;
        writeln!(out, "{answered} answered, {refused} refused, {} wrong", wrong.len())?;
        wrong.iter().try_for_each(|wrong| writeln!(out, "{wrong}"))
    }
}

/// Asks the questions of `count` seeds from `first` on; `progress` is told after each set of hubs.
pub fn run(first: u64, count: u64, mut progress: impl FnMut(&Outcome)) -> Outcome {
    let mut outcome = Outcome::default();
    let mut hubs = None;
    for number in 0..count {
        if number % QUESTIONS_PER_HUB == 0 {
            if number > 0 {
                progress(&outcome);
            }
            hubs = None;
        }
        let neighbourhood =
            hubs.get_or_insert_with(|| Neighbourhood::build(plans::HUB, "hostile", &CHANGES));
        one(neighbourhood, first + number, &mut outcome);
    }
    outcome
}

fn one(neighbourhood: &Neighbourhood, seed: u64, outcome: &mut Outcome) {
    let sql = plans::question(seed);
    let mut chance = Chance::new(!seed);
    let chosen: Vec<usize> = (0..NEIGHBOURS).map(|_| chance.below(CHANGES.len())).collect();
    let compared =
        neighbourhood.compare_some(&sql, &Spend::AsWritten, |index| chosen.contains(&index));
    match compared {
        Ok(violations) => {
            outcome.answered += 1;
            let report = |violation| format!("seed {seed}: {sql}\n  {violation}");
            outcome.wrong.extend(violations.into_iter().map(report));
        }
        Err(QueryError::Refused(_)) => outcome.refused += 1,
        Err(error) => outcome.wrong.push(format!("seed {seed}: {sql}\n  {error}")),
    }
}
