//! Which columns get more of a question's loss than others.
//!
//! Without weights every noisy column gets the same. A weight belongs to a column of the query, by
//! its name there, and holds for everything noisy that the column is computed from; what several columns
//! share gets the largest of their weights. Weights change how the price is split, never the price.

use voilage_privacy::Rational;
use voilage_privacy::quantity::Rho;

use crate::error::{QueryError, Refusal, RefusalCode};
use crate::ownership::Split;
use crate::post;

/// The largest weight, and one over it the smallest: beyond, a column would be noise alone.
const WEIGHT_MAX: u32 = 1_000;

const EXAMPLE: &str = "write for example weights = 'n = 2, cost = 1'";

/// The weights of some columns; all others have 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights(Vec<(String, Rational)>);

impl Weights {
    /// Reads weights such as `n = 2, cost = 0.5`.
    ///
    /// # Errors
    /// When it is not a list of names with plain decimals between 0.001 and 1,000, each name once.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Self::read(text).map_err(QueryError::from)
    }

    pub(crate) fn read(text: &str) -> Result<Self, Refusal> {
        let mut weights: Vec<(String, Rational)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').ok_or_else(|| {
                refuse(
                    "weights",
                    "a part of it is not name = number".to_owned(),
                    EXAMPLE.to_owned(),
                )
            })?;
            let (name, weight) = (name.trim().trim_matches('"').to_owned(), weight.trim());
            if name.is_empty() || weights.iter().any(|(known, _)| same(known, &name)) {
                let why = "each column has one weight, under its name".to_owned();
                return Err(refuse(&format!("weights of {name:?}"), why, EXAMPLE.to_owned()));
            }
            let most = Rational::from(WEIGHT_MAX);
            // The grammar of losses: plain digits, read exactly.
            let weight = Rho::parse(weight).map(|weight| weight.as_rational().clone());
            match weight {
                Ok(weight) if weight <= most && weight >= Rational::ONE / &most => {
                    weights.push((name, weight));
                }
                Ok(_) | Err(_) => {
                    let why = "it is not a plain number between 0.001 and 1000".to_owned();
                    return Err(refuse(&format!("the weight of {name}"), why, EXAMPLE.to_owned()));
                }
            }
        }
        Ok(Self(weights))
    }

    /// Says how much of the loss each noisy column of a statement gets.
    ///
    /// # Errors
    /// A name that no column with a released value has.
    pub(crate) fn weigh(&self, split: &mut Split) -> Result<(), Refusal> {
        let plans = split.derived.iter().map(|table| &table.plan).chain([&split.above]);
        let named: Vec<post::Traced> = plans.flat_map(post::named).collect();
        for (name, _) in &self.0 {
            if !named.iter().any(|column| same(&column.name, name)) {
                let mut names: Vec<&str> =
                    named.iter().map(|column| column.name.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                let why = "no column of this name shows a released value as it is".to_owned();
                let fix = format!("use some of: {}", names.join(", "));
                return Err(refuse(&format!("the weight of {name}"), why, fix));
            }
        }
        for (index, draft) in split.drafts.iter_mut().enumerate() {
            let weight = |output: usize| {
                let of_output =
                    |column: &&post::Traced| (column.boundary, column.output) == (index, output);
                let given = named.iter().filter(of_output).filter_map(|column| {
                    let known = self.0.iter().find(|(name, _)| same(name, &column.name));
                    known.map(|(_, weight)| weight.clone())
                });
                given.max().unwrap_or(Rational::ONE)
            };
            let mut weights: Vec<Option<Rational>> = vec![None; draft.noisy.len()];
            for (position, output) in draft.outputs.iter().enumerate() {
                let weight = weight(position);
                for noisy in output.noisy() {
                    let known = weights[noisy].take();
                    weights[noisy] = known.max(Some(weight.clone()));
                }
            }
            let or_one = |weight: Option<Rational>| weight.unwrap_or(Rational::ONE);
            draft.weights = weights.into_iter().map(or_one).collect();
        }
        Ok(())
    }
}

fn same(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

fn refuse(subject: &str, why: String, fix: String) -> Refusal {
    Refusal::new(RefusalCode::Parameter, subject, why, fix)
}
