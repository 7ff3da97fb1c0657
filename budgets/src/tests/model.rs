//! Random operations, against a model that fits in a page.
//!
//! Each case is up to 40 operations by two handles on one file; after each, the ledger and the
//! model agree on the outcome and on what is spent, and at the end the ledger verifies.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ErrorKind;

#[derive(Debug, Clone)]
enum Operation {
    Admit { key: u8, hash: u8, cost: i64, renew: bool },
    Begin { key: u8 },
    Seal { key: u8, attempt: usize, boundary: u32, byte: u8 },
    Read { key: u8, boundary: u32 },
    Day(i64),
    Close,
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = 0..4_u8;
    prop_oneof![
        6 => (key.clone(), 0..8_u8, 1..40_i64, any::<bool>()).prop_map(|(key, hash, cost, renew)| {
            // A question has its price: only some are asked under another.
            let cost = if cost < 34 { 3 + 11 * i64::from(key) } else { cost };
            Operation::Admit { key, hash: hash / 7, cost, renew }
        }),
        5 => key.clone().prop_map(|key| Operation::Begin { key }),
        4 => (key.clone(), 0..4_usize, 0..2_u32, any::<u8>()).prop_map(
            |(key, attempt, boundary, byte)| Operation::Seal { key, attempt, boundary, byte }
        ),
        2 => (key, 0..2_u32).prop_map(|(key, boundary)| Operation::Read { key, boundary }),
        1 => (-200..200_i64).prop_map(Operation::Day),
        1 => Just(Operation::Reopen),
        1 => prop_oneof![9 => Just(Operation::Reopen), 1 => Just(Operation::Close)],
    ]
}

/// What the ledger should hold, for one pure project with a cap of 100 units.
#[derive(Debug, Default)]
struct Model {
    spent: i64,
    closed: bool,
    /// Days after 2026-06-15 of the clock, and of the last entry.
    clock: i64,
    last: i64,
    /// By key: the charges in order, each with its hash.
    charges: BTreeMap<u8, (u8, Vec<Work>)>,
}

#[derive(Debug, Default)]
struct Work {
    cost: i64,
    attempts: u32,
    seals: BTreeMap<u32, u8>,
}

const CAP: i64 = 100;
/// 2026-12-31 is 199 days after 2026-06-15, 2026-01-01 is 165 days before.
const DAYS: std::ops::RangeInclusive<i64> = -165..=199;

impl Model {
    fn now(&self) -> i64 {
        self.clock.max(self.last)
    }

    fn open(&self) -> Result<(), ErrorKind> {
        let open = !self.closed && DAYS.contains(&self.now());
        if open { Ok(()) } else { Err(ErrorKind::PolicyRefused) }
    }

    fn entry(&mut self) {
        self.last = self.now();
    }

    /// Whether it was replayed.
    fn admit(&mut self, key: u8, hash: u8, cost: i64, renew: bool) -> Result<bool, ErrorKind> {
        self.open()?;
        if let Some((bound, works)) = self.charges.get(&key) {
            if *bound != hash {
                return Err(ErrorKind::FixInput);
            }
            let newest = works.last().unwrap();
            if newest.cost != cost {
                return Err(ErrorKind::FixInput);
            }
            if newest.seals.len() == 2 || newest.attempts < 3 {
                self.entry();
                return Ok(true);
            }
            if !renew {
                return Err(ErrorKind::BudgetRefused);
            }
        }
        if self.spent + cost > CAP {
            return Err(ErrorKind::BudgetRefused);
        }
        self.spent += cost;
        self.entry();
        self.charges
            .entry(key)
            .or_insert((hash, Vec::new()))
            .1
            .push(Work { cost, ..Work::default() });
        Ok(false)
    }

    /// The attempt's number.
    fn begin(&mut self, key: u8, index: usize) -> Result<u32, ErrorKind> {
        self.open()?;
        let works = &mut self.charges.get_mut(&key).unwrap().1;
        let newest = index + 1 == works.len();
        let work = &mut works[index];
        if !newest || work.seals.len() == 2 {
            return Err(ErrorKind::TryAgain);
        }
        if work.attempts == 3 {
            return Err(ErrorKind::BudgetRefused);
        }
        work.attempts += 1;
        let number = work.attempts;
        self.entry();
        Ok(number)
    }

    fn seal(
        &mut self,
        (key, index, number): (u8, usize, u32),
        boundary: u32,
        byte: u8,
    ) -> Result<u8, ErrorKind> {
        let works = &mut self.charges.get_mut(&key).unwrap().1;
        let newest = index + 1 == works.len();
        let work = &mut works[index];
        if !newest || work.attempts != number {
            return Err(ErrorKind::TryAgain);
        }
        if let Some(sealed) = work.seals.get(&boundary) {
            return Ok(*sealed);
        }
        work.seals.insert(boundary, byte);
        self.entry();
        Ok(byte)
    }
}

/// The ledger beside its model, with what the ledger handed out by key.
struct Pair {
    fixture: Fixture,
    ledger: Ledger,
    model: Model,
    charges: BTreeMap<u8, Charge>,
    indexes: BTreeMap<u8, usize>,
    attempts: BTreeMap<u8, Vec<(crate::Attempt, usize)>>,
}

impl Pair {
    fn new() -> Self {
        let fixture = Fixture::empty();
        fixture.ledger.register_dataset(&dataset("rand", "1e-9", None)).unwrap();
        fixture.ledger.open_project(&project("p", "1e-10", None)).unwrap();
        let ledger = fixture.reopen();
        let (charges, indexes, attempts) = Default::default();
        Self { fixture, ledger, model: Model::default(), charges, indexes, attempts }
    }

    fn step(&mut self, operation: &Operation) {
        match *operation {
            Operation::Admit { key, hash, cost, renew } => {
                let loss = Loss::Pure { epsilon: Epsilon::from_units(cost) };
                let mut request = self.fixture.request("p", key, loss);
                request.request_hash = [hash; 32];
                request.boundaries = 2;
                request.renew = renew;
                let found = self.ledger.admit(&request);
                let expected = self.model.admit(key, hash, cost, renew);
                if let Err(ErrorKind::BudgetRefused | ErrorKind::PolicyRefused) = expected {
                    // A refusal is recorded, and fixes the day like every entry.
                    self.model.entry();
                }
                assert_eq!(found.as_ref().map(|c| c.replayed).map_err(LedgerError::kind), expected);
                if let Ok(charge) = found {
                    let works = &self.model.charges[&key].1;
                    assert_eq!(charge.attempts, works.last().unwrap().attempts);
                    assert_eq!(charge.sealed, works.last().unwrap().seals.len() == 2);
                    self.indexes.insert(key, works.len() - 1);
                    self.charges.insert(key, charge);
                }
            }
            Operation::Begin { key } => {
                let Some(charge) = self.charges.get(&key) else { return };
                let index = self.indexes[&key];
                let found = self.ledger.begin_attempt(charge);
                let expected = self.model.begin(key, index);
                assert_eq!(
                    found.as_ref().map(crate::Attempt::number).map_err(LedgerError::kind),
                    expected
                );
                if let Ok(attempt) = found {
                    self.attempts.entry(key).or_default().push((attempt, index));
                }
            }
            Operation::Seal { key, attempt, boundary, byte } => {
                let Some((attempt, index)) =
                    self.attempts.get(&key).and_then(|all| all.iter().rev().nth(attempt))
                else {
                    return;
                };
                let found = self.ledger.seal(attempt, boundary, &[byte]);
                let expected = self.model.seal((key, *index, attempt.number()), boundary, byte);
                assert_eq!(found.map_err(|error| error.kind()), expected.map(|byte| vec![byte]));
            }
            Operation::Read { key, boundary } => {
                let Some(charge) = self.charges.get(&key) else { return };
                let work = &self.model.charges[&key].1[self.indexes[&key]];
                let expected = work.seals.get(&boundary).map(|byte| vec![*byte]);
                assert_eq!(self.ledger.sealed(charge, boundary).unwrap(), expected);
            }
            Operation::Day(days) => {
                self.model.clock = days;
                self.fixture.clock.set(noon("2026-06-15") + chrono::TimeDelta::days(days));
            }
            Operation::Close => {
                self.ledger.close_project("p", "done").unwrap();
                if !self.model.closed {
                    self.model.entry();
                }
                self.model.closed = true;
            }
            Operation::Reopen => self.ledger = self.fixture.reopen(),
        }
        let spent = Loss::Pure { epsilon: Epsilon::from_units(self.model.spent) };
        assert_eq!(self.fixture.ledger.project("p").unwrap().spent, spent);
        assert_eq!(self.fixture.ledger.dataset("rand").unwrap().spent, spent);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_is_its_model(operations in proptest::collection::vec(operation(), 1..40)) {
        let mut pair = Pair::new();
        for operation in &operations {
            pair.step(operation);
        }
        pair.fixture.ledger.verify().unwrap();
    }
}
