//! What a ledger should hold, in sets and maps.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ATTEMPTS_MAX, ErrorKind, Head};

/// The lifetime cap of the dataset, in units of epsilon.
pub(super) const CAP: i64 = 1_000;
/// The caps of both projects at first.
const CAPS: [i64; 2] = [600, 500];

/// Which question: its project and its key.
pub(super) type Asked = (usize, u8);

/// One ledger of the world. Cloning it is what a backup does.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    /// Everything that counts, by a number of its own: the project if one pays, and the cost.
    pub(super) counted: BTreeMap<u64, (Option<usize>, i64)>,
    /// The charges that a question finds here, the newest last.
    pub(super) works: BTreeMap<Asked, Vec<Work>>,
    raised: [i64; 2],
    pub(super) suspended: [bool; 2],
    /// The ends of the chain after each operation, and those of other branches that were accepted.
    pub(super) heads: BTreeSet<(u64, String)>,
    /// The entries that sealed an answer, and the accepted ones: those whom a recovery takes over.
    pub(super) seals: BTreeSet<(u64, String)>,
}

/// A charge with what has become of it.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) number: u64,
    pub(super) cost: i64,
    pub(super) attempts: u32,
    pub(super) answer: Option<Vec<u8>>,
}

/// An end of a chain, as the model remembers it.
pub(super) fn remembered(head: Head) -> (u64, String) {
    (head.position, head.hash.to_string())
}

impl Model {
    pub(super) fn spent(&self, project: usize) -> i64 {
        self.counted
            .values()
            .filter(|(payer, _)| *payer == Some(project))
            .map(|(_, cost)| cost)
            .sum()
    }

    pub(super) fn spent_by_all(&self) -> i64 {
        self.counted.values().map(|(_, cost)| cost).sum()
    }

    pub(super) fn cap(&self, project: usize) -> i64 {
        CAPS[project] + self.raised[project]
    }

    /// Whether the new cap holds what was spent.
    pub(super) fn change_cap(&mut self, project: usize, cap: i64) -> Result<(), ErrorKind> {
        if cap < self.spent(project) || cap > CAP {
            return Err(ErrorKind::FixInput);
        }
        self.raised[project] = cap - CAPS[project];
        Ok(())
    }

    /// Whether a charge is found; a new one has the number and the cost given.
    pub(super) fn admit(
        &mut self,
        asked: Asked,
        (number, cost): (u64, i64),
        renew: bool,
    ) -> Result<bool, ErrorKind> {
        if self.suspended[asked.0] {
            return Err(ErrorKind::PolicyRefused);
        }
        if let Some(newest) = self.works.get(&asked).and_then(|works| works.last()) {
            if newest.cost != cost {
                return Err(ErrorKind::FixInput);
            }
            if newest.answer.is_some() || newest.attempts < ATTEMPTS_MAX {
                return Ok(true);
            }
            if !renew {
                return Err(ErrorKind::BudgetRefused);
            }
        }
        let fits =
            self.spent(asked.0) + cost <= self.cap(asked.0) && self.spent_by_all() + cost <= CAP;
        if !fits {
            return Err(ErrorKind::BudgetRefused);
        }
        self.counted.insert(number, (Some(asked.0), cost));
        let work = Work { number, cost, attempts: 0, answer: None };
        self.works.entry(asked).or_default().push(work);
        Ok(false)
    }

    /// The attempt's number, for the charge with the number given.
    pub(super) fn begin(&mut self, asked: Asked, number: u64) -> Result<u32, ErrorKind> {
        if self.suspended[asked.0] {
            return Err(ErrorKind::PolicyRefused);
        }
        let newest = self.newest(asked);
        if newest.number != number || newest.answer.is_some() {
            return Err(ErrorKind::TryAgain);
        }
        if newest.attempts == ATTEMPTS_MAX {
            return Err(ErrorKind::BudgetRefused);
        }
        newest.attempts += 1;
        Ok(newest.attempts)
    }

    /// What is sealed then: the first answer.
    pub(super) fn seal(
        &mut self,
        asked: Asked,
        (number, attempt): (u64, u32),
        bytes: &[u8],
    ) -> Result<Vec<u8>, ErrorKind> {
        let newest = self.newest(asked);
        if newest.number != number || newest.attempts != attempt {
            return Err(ErrorKind::TryAgain);
        }
        Ok(newest.answer.get_or_insert_with(|| bytes.to_vec()).clone())
    }

    pub(super) fn work(&self, asked: Asked, number: u64) -> &Work {
        self.works[&asked].iter().find(|work| work.number == number).unwrap()
    }

    /// Takes over what another branch counts; or what is left, when nobody can list it.
    pub(super) fn recover(&mut self, branches: &[&Self], exhaust: Option<u64>) {
        for branch in branches {
            self.counted.extend(&branch.counted);
            self.accept(branch.seals.iter().cloned().collect());
        }
        let left = CAP - self.spent_by_all();
        if let Some(number) = exhaust.filter(|_| left > 0) {
            self.counted.insert(number, (None, left));
        }
    }

    /// What was seen of another branch is no reason to lock any more.
    pub(super) fn accept(&mut self, heads: Vec<(u64, String)>) {
        self.heads.extend(heads.iter().cloned());
        self.seals.extend(heads);
    }

    fn newest(&mut self, asked: Asked) -> &mut Work {
        self.works.get_mut(&asked).unwrap().last_mut().unwrap()
    }
}
