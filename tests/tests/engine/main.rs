//! Tests of the whole engine: one binary with a module per subject, so that DataFusion links once.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod administration;
mod aggregates;
mod answers;
mod attacks;
mod bad_input;
mod commands;
mod consistent;
mod corpus;
mod coverage;
mod crash;
mod cut;
mod datasets;
mod declared;
mod demo;
mod distinct;
mod empty_cells;
mod ends;
mod expressions;
mod free;
mod functions;
mod fuzzed;
mod interrupts;
mod keeping;
mod limits;
mod neighbours;
mod ownership;
mod parameters;
mod planning;
mod planted;
mod precision;
mod random_plans;
mod refusals;
mod sets;
mod smallest;
mod sorted;
mod tidy;
mod together;
mod top_up;
mod unusual;
mod weights;

use voilage_query::observer::Unobserved;
use voilage_query::question::SpendOptions;
use voilage_query::{Answer, QueryError, Spend, Study};

fn rho(text: &str) -> Spend {
    Spend::from_options(SpendOptions { rho: Some(text), ..SpendOptions::default() }).unwrap()
}

fn ask(study: &Study, sql: &str, spend: &Spend) -> Result<Answer, QueryError> {
    study.question(sql, spend)?.run(&Unobserved)
}
