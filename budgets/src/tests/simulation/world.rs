//! Ledgers that are charged, lost and put back, each step compared with the model.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use super::model::{Asked, CAP, Model, remembered};
use super::*;
use crate::store::database::{Row, Transaction, Value};
use crate::store::{admit, seal};
use crate::{Act, Attempt, CapTerms, Decider, Head, Mode, Proof, Recovery};

const PROJECTS: [&str; 2] = ["p", "q"];
const KEYS: u64 = 12;
const BY: Decider<'_> = Decider { principal: "adam", reason: "simulated" };

/// A copy of everything but the keys.
struct Copy {
    path: PathBuf,
    model: Model,
    witness: Vec<u8>,
    seen: Seen,
}

/// What the witness file says.
#[derive(Clone)]
struct Seen {
    head: (u64, String),
    presented: BTreeSet<(u64, String)>,
}

/// A ledger that is not used any more.
struct Lost {
    settings: Settings,
    model: Model,
}

pub(super) struct World {
    random: u64,
    store: Backend,
    fixture: Fixture,
    settings: Settings,
    /// Two processes on one ledger.
    handles: [Ledger; 2],
    model: Model,
    seen: Seen,
    copies: Vec<Copy>,
    lost: Vec<Lost>,
    /// The charge of each answer that left, and its cost.
    told: BTreeMap<u64, i64>,
    /// The receipts that were given out, each once.
    receipts: Vec<Proof>,
    /// What those who ask remember until their process ends.
    charges: BTreeMap<Asked, (Charge, u64)>,
    attempts: Vec<(Asked, u64, Rc<Attempt>)>,
    numbers: u64,
    happened: BTreeMap<&'static str, u32>,
}

impl World {
    pub(super) fn new(store: Backend, seed: u64) -> Self {
        let fixture = store.empty();
        fixture.ledger.register_dataset(&dataset("rand", "1e-9", None)).unwrap();
        for (name, cap) in PROJECTS.iter().zip(["6e-10", "5e-10"]) {
            fixture.ledger.open_project(&project(name, cap, None)).unwrap();
        }
        let mut model = Model::default();
        let head = seen_by(&fixture.settings);
        model.heads.insert(head.clone());
        model.heads.insert(remembered(fixture.ledger.head().unwrap()));
        Self {
            random: seed,
            store,
            settings: fixture.settings.clone(),
            handles: [fixture.reopen(), fixture.reopen()],
            fixture,
            model,
            seen: Seen { head, presented: BTreeSet::new() },
            copies: Vec::new(),
            lost: Vec::new(),
            told: BTreeMap::new(),
            receipts: Vec::new(),
            charges: BTreeMap::new(),
            attempts: Vec::new(),
            numbers: 0,
            happened: BTreeMap::new(),
        }
    }

    pub(super) fn happened(&self) -> &BTreeMap<&'static str, u32> {
        &self.happened
    }

    pub(super) fn verify(&self) {
        self.handles[0].verify().unwrap();
    }

    pub(super) fn step(&mut self) {
        match self.below(100) {
            0..35 => self.admit(),
            35..50 => self.begin(),
            50..70 => self.seal(),
            70..76 => self.read(),
            76..79 => self.suspend_or_resume(),
            79..82 => self.change_cap(),
            82..85 => self.restart(),
            85..90 => self.crash(),
            90..92 => self.crash_before_the_witness(),
            92..95 => self.back_up(),
            95..97 => self.restore(false),
            97..98 => self.restore(true),
            98..99 => self.try_a_lost_one(),
            _ => self.verify(),
        }
        self.compare();
    }

    /// SplitMix64: the whole world follows from its seed.
    fn below(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn has_happened(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    fn handle(&mut self) -> &Ledger {
        let which = self.below(2) as usize;
        &self.handles[which]
    }

    fn asked(&mut self) -> Asked {
        (self.below(2) as usize, self.below(KEYS) as u8)
    }

    /// One that somebody who asks remembers.
    fn remembered_charge(&mut self) -> Option<(Asked, Charge, u64)> {
        let count = self.charges.len() as u64;
        let index = (count > 0).then(|| self.below(count))?;
        let (asked, (charge, number)) = self.charges.iter().nth(index as usize)?;
        Some((*asked, charge.clone(), *number))
    }

    fn remembered_attempt(&mut self) -> Option<(Asked, u64, Rc<Attempt>)> {
        let recent = self.attempts.len().min(6) as u64;
        let back = (recent > 0).then(|| self.below(recent))?;
        self.attempts.iter().rev().nth(back as usize).cloned()
    }

    fn request(&mut self) -> (Asked, i64, ChargeRequest) {
        let asked = self.asked();
        // A question has its price; under another it is another question, which its key is not for.
        let price = 1 + (asked.0 as i64 * 31 + i64::from(asked.1) * 7) % 60;
        let cost = if self.below(12) == 0 { 1 + self.below(60) as i64 } else { price };
        let loss = Loss::Pure { epsilon: Epsilon::from_units(cost) };
        let version = self.handles[0].dataset("rand").unwrap().data_version;
        let mut request = request(PROJECTS[asked.0], asked.1, loss, version);
        request.renew = self.below(2) == 0;
        (asked, cost, request)
    }

    fn admit(&mut self) {
        let (asked, cost, request) = self.request();
        let number = self.number();
        let found = self.handle().admit(&request);
        let expected = self.model.admit(asked, (number, cost), request.renew);
        assert_eq!(
            found.as_ref().map(|charge| charge.replayed).map_err(LedgerError::kind),
            expected
        );
        match found {
            Ok(charge) => {
                self.has_happened(if charge.replayed { "replayed" } else { "charged" });
                let number = self.model.works[&asked].last().unwrap().number;
                self.charges.insert(asked, (charge, number));
            }
            Err(_) => self.has_happened("refused"),
        }
    }

    fn begin(&mut self) {
        let Some((asked, charge, number)) = self.remembered_charge() else { return };
        let found = self.handle().begin_attempt(&charge);
        let expected = self.model.begin(asked, number);
        assert_eq!(found.as_ref().map(Attempt::number).map_err(LedgerError::kind), expected);
        if let Ok(attempt) = found {
            self.attempts.push((asked, number, Rc::new(attempt)));
            self.is_witnessed();
        }
    }

    fn seal(&mut self) {
        let Some((asked, number, attempt)) = self.remembered_attempt() else { return };
        let bytes = [self.below(256) as u8; 8];
        let is_first = self.model.work(asked, number).answer.is_none();
        let found = self.handle().seal(&attempt, 0, &bytes);
        let expected = self.model.seal(asked, (number, attempt.number()), &bytes);
        assert_eq!(found.map_err(|error| error.kind()), expected);
        self.remember_seal(is_first && expected.is_ok());
        self.seen.head = self.witness_head();
        if expected.is_ok() {
            self.is_told(asked, number);
        }
    }

    /// The entry that sealed an answer may be met again in its receipt.
    fn remember_seal(&mut self, is_new: bool) {
        if is_new {
            let seal = remembered(self.handles[0].head().unwrap());
            self.model.seals.insert(seal);
        }
    }

    fn read(&mut self) {
        let Some((asked, charge, number)) = self.remembered_charge() else { return };
        let found = self.handle().sealed(&charge, 0).unwrap();
        assert_eq!(found, self.model.work(asked, number).answer);
        if found.is_some() {
            self.is_told(asked, number);
        }
    }

    /// An answer has left: its witness covers it, and its receipt is in somebody's hands.
    fn is_told(&mut self, asked: Asked, number: u64) {
        self.has_happened("told");
        self.told.insert(number, self.model.work(asked, number).cost);
        let witnessed = self.witness_head();
        self.seen.head = witnessed;
        if let Some((charge, remembered)) = self.charges.get(&asked)
            && *remembered == number
        {
            let receipt = self.handles[0].prove(charge, b"receipt").unwrap();
            assert!(self.seen.head.0 >= receipt.head.position, "an answer left before its witness");
            if self.receipts.iter().all(|given| given.head != receipt.head) {
                self.receipts.push(receipt);
            }
        }
    }

    fn suspend_or_resume(&mut self) {
        let project = self.below(2) as usize;
        let name = PROJECTS[project].to_owned();
        let act = match self.model.suspended[project] {
            true => Act::Resume { project: name },
            false => Act::Suspend { project: name },
        };
        self.handle().decide(BY, &act, Mode::Record).unwrap();
        self.model.suspended[project] ^= true;
        self.is_witnessed();
    }

    fn change_cap(&mut self) {
        let project = self.below(2) as usize;
        let cap = 1 + self.below(CAP as u64 + 100) as i64;
        let terms = CapTerms { epsilon: Epsilon::from_units(cap), delta: None };
        let act = Act::ChangeProjectCap { project: PROJECTS[project].to_owned(), cap: terms };
        let found = self.handle().decide(BY, &act, Mode::Record);
        let expected = self.model.change_cap(project, cap);
        assert_eq!(found.map(drop).map_err(|error| error.kind()), expected, "a cap of {cap}");
        if expected.is_ok() {
            self.is_witnessed();
        }
    }

    /// Both processes end and begin again: those who ask forget what they held.
    fn restart(&mut self) {
        let open = || Ledger::open_at(&self.settings, self.fixture.clock.clone()).unwrap();
        self.handles = [open(), open()];
        self.charges.clear();
        self.attempts.clear();
    }

    /// The process or its connection ends between two statements of a charge, an attempt or a seal,
    /// and the ledger is what the disk holds then. Nothing has happened, for anybody.
    fn crash(&mut self) {
        self.has_happened("crashed");
        let next = self.number();
        let place = self.place(next);
        let (_, _, request) = self.request();
        let attempt = self.remembered_attempt();
        let seals = self.below(2) == 0;
        let statements = self.below(25) as u32;
        let (settings, clock) = (self.settings.clone(), self.fixture.clock.clone());
        let crashed = self.handles[0].write(|transaction| {
            let lose = || lose(&settings, &place);
            let crashing =
                Crashing { inner: transaction, left: Cell::new(statements), lose: &lose };
            let _ = match &attempt {
                Some((.., attempt)) if seals => {
                    seal::seal(&crashing, clock.as_ref(), attempt, 0, b"lost")
                }
                _ => admit::admit(&crashing, clock.as_ref(), &request).map(drop),
            };
            if crashing.left.get() != DONE {
                lose();
            }
            Err::<(), _>(LedgerError::Misuse("a crash was survived"))
        });
        assert!(crashed.is_err());
        if self.store == Backend::Sqlite {
            self.settings.location = place;
        }
        self.restart();
    }

    /// A seal is durable, and the process ends before its witness saw it: nobody was told.
    fn crash_before_the_witness(&mut self) {
        let Some((asked, number, attempt)) = self.remembered_attempt() else { return };
        let bytes = [self.below(256) as u8; 8];
        let clock = self.fixture.clock.clone();
        let is_first = self.model.work(asked, number).answer.is_none();
        let found = self.handles[0]
            .write(|transaction| seal::seal(transaction, clock.as_ref(), &attempt, 0, &bytes));
        let expected = self.model.seal(asked, (number, attempt.number()), &bytes);
        let expected = expected.map(drop);
        assert_eq!(found.map_err(|error| error.kind()), expected);
        self.remember_seal(is_first && expected.is_ok());
        self.restart();
    }

    fn back_up(&mut self) {
        let number = self.number();
        let path = self.fixture.folder.path().join(format!("copy-{number}"));
        self.handle().backup(&path, Mode::Record).unwrap();
        let witness = fs::read(&self.settings.witness).unwrap();
        let (model, seen) = (self.model.clone(), self.seen.clone());
        self.copies.push(Copy { path, model, witness, seen });
    }

    /// A copy takes the place of the ledger; with the whole machine, its witness is old too, and only
    /// a receipt shows that something is missing.
    fn restore(&mut self, whole_machine: bool) {
        let count = self.copies.len() as u64;
        if count == 0 {
            return;
        }
        self.has_happened("restored");
        let index = self.below(count) as usize;
        let number = self.number();
        let place = Settings { location: self.place(number), ..self.settings.clone() };
        let copy = &self.copies[index];
        if whole_machine {
            fs::write(&self.settings.witness, &copy.witness).unwrap();
            self.seen = copy.seen.clone();
        }
        let model = std::mem::replace(&mut self.model, copy.model.clone());
        let clock = self.fixture.clock.clone();
        Ledger::restore(&place, &copy.path, clock, Mode::Record).unwrap().unwrap();
        let settings = std::mem::replace(&mut self.settings, place);
        self.lost.push(Lost { settings, model });
        self.restart();
        if whole_machine && let Some(receipt) = self.shown() {
            self.present(&receipt);
        }
        let missing = self.missing();
        if missing.is_empty() {
            self.handles[1].verify().unwrap();
        } else {
            self.recover(&missing);
        }
    }

    /// One of those who hold a receipt shows it: the newest that is news here, if there is one. A receipt of
    /// an old answer that was read again says nothing about what came after it.
    fn shown(&self) -> Option<Proof> {
        let is_news = |one: &&Proof| !self.model.heads.contains(&remembered(one.head));
        self.receipts.iter().rev().find(is_news).or(self.receipts.last()).copied()
    }

    fn present(&mut self, receipt: &Proof) {
        self.has_happened("presented");
        let head = remembered(receipt.head);
        let presented = self.handles[0].present("receipt", receipt);
        if !self.model.heads.contains(&head) {
            self.seen.presented.insert(head);
        }
        assert_eq!(presented.is_ok(), self.missing().is_empty());
        self.restart();
    }

    /// What was seen outside and this ledger does not explain.
    fn missing(&self) -> Vec<(u64, String)> {
        let seen = std::iter::once(&self.seen.head).chain(&self.seen.presented);
        let mut missing: Vec<_> =
            seen.filter(|head| !self.model.heads.contains(head)).cloned().collect();
        missing.sort();
        missing.dedup();
        missing
    }

    fn recover(&mut self, missing: &[(u64, String)]) {
        self.has_happened("locked");
        let (_, _, request) = self.request();
        for handle in &self.handles {
            let error = handle.admit(&request).unwrap_err();
            assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
        }
        let alone = self.handles[0].recover(BY, &Recovery::default(), Mode::Record).unwrap_err();
        assert!(matches!(alone, LedgerError::Unexplained { .. }), "{alone}");
        let exhaust = self.below(8) == 0;
        let from = if self.below(2) == 0 { 0 } else { self.lost.len() - 1 };
        let named = if exhaust { &[] } else { &self.lost[from..] };
        let recovery = Recovery {
            branches: named.iter().map(|lost| lost.settings.location.clone()).collect(),
            exhaust,
            ..Recovery::default()
        };
        let found = self.handles[0].recover(BY, &recovery, Mode::Record).unwrap();
        let mut heads: Vec<_> = found.missing.iter().map(|one| remembered(one.head)).collect();
        heads.sort();
        assert_eq!(heads, missing);
        let models: Vec<&Model> = named.iter().map(|lost| &lost.model).collect();
        self.numbers += 1;
        self.model.recover(&models, exhaust.then_some(self.numbers));
        self.model.accept(heads);
        self.has_happened("recovered");
        self.restart();
        let head = self.handles[0].head().unwrap();
        self.seen.head = remembered(head);
    }

    /// A ledger that was replaced is opened where it always was.
    fn try_a_lost_one(&mut self) {
        let count = self.lost.len() as u64;
        if count == 0 {
            return;
        }
        let index = self.below(count) as usize;
        let lost = &self.lost[index];
        let ledger = Ledger::open_at(&lost.settings, self.fixture.clock.clone()).unwrap();
        let seen = std::iter::once(&self.seen.head).chain(&self.seen.presented);
        let is_sound = seen.into_iter().all(|head| lost.model.heads.contains(head));
        assert_eq!(ledger.must_be_unlocked().is_ok(), is_sound);
        self.has_happened(if is_sound { "still sound" } else { "kept out" });
    }

    /// A new place for a ledger of the same store.
    fn place(&self, number: u64) -> Location {
        match self.store {
            Backend::Sqlite => {
                Location::File(self.fixture.folder.path().join(format!("ledger-{number}")))
            }
            Backend::Postgres => Cluster::shared().unwrap().new_database(),
        }
    }

    fn witness_head(&self) -> (u64, String) {
        seen_by(&self.settings)
    }

    /// What was told of an attempt or a decision is in the witness: all of the ledger is.
    fn is_witnessed(&mut self) {
        self.seen.head = self.witness_head();
        assert_eq!(self.seen.head, remembered(self.handles[0].head().unwrap()));
    }

    fn compare(&mut self) {
        let head: Head = self.handles[0].head().unwrap();
        self.model.heads.insert(remembered(head));
        // An answer may only leave with a witness that knows of it.
        assert_eq!(self.witness_head(), self.seen.head);
        assert!(self.missing().is_empty());
        let units = |units| Loss::Pure { epsilon: Epsilon::from_units(units) };
        for (index, name) in PROJECTS.iter().enumerate() {
            let spent = self.handles[1].project(name).unwrap().spent;
            assert_eq!(spent, units(self.model.spent(index)), "project {name}");
        }
        let spent = self.model.spent_by_all();
        assert_eq!(self.handles[1].dataset("rand").unwrap().spent, units(spent));
        for (number, cost) in &self.told {
            let is_paid = self.model.counted.get(number).is_some_and(|(_, paid)| paid == cost);
            assert!(is_paid || spent >= CAP, "answer {number} was told and is not paid for");
        }
    }
}

/// How far a ledger's witness says that it has come.
fn seen_by(settings: &Settings) -> (u64, String) {
    let contents = crate::store::witness::Witness::new(&settings.witness).read().unwrap();
    remembered(contents.seen.unwrap().head)
}

/// Statements that are interrupted before one of them.
struct Crashing<'a> {
    inner: &'a dyn Transaction,
    left: Cell<u32>,
    lose: &'a dyn Fn(),
}

/// The crash has come.
const DONE: u32 = u32::MAX;

impl Crashing<'_> {
    fn count(&self) {
        match self.left.get() {
            DONE => {}
            0 => {
                self.left.set(DONE);
                (self.lose)();
            }
            left => self.left.set(left - 1),
        }
    }
}

impl Transaction for Crashing<'_> {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, LedgerError> {
        self.count();
        self.inner.execute(sql, values)
    }

    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, LedgerError> {
        self.count();
        self.inner.rows(sql, values)
    }
}

/// What is left of a ledger whose process ends now: for a file, what the disk holds, which goes on
/// elsewhere; for PostgreSQL, a server that ends the connections.
fn lose(settings: &Settings, place: &Location) {
    match (&settings.location, place) {
        (Location::File(from), Location::File(to)) => {
            for suffix in ["", "-wal"] {
                let named = |path: &PathBuf| {
                    let mut name = path.clone().into_os_string();
                    name.push(suffix);
                    name
                };
                if let Ok(bytes) = fs::read(named(from)) {
                    fs::write(named(to), bytes).unwrap();
                }
            }
        }
        (Location::Postgres(url), _) => {
            let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            client.query(sql, &[]).unwrap();
        }
        (Location::File(_), Location::Postgres(_)) => panic!("a file became a database"),
    }
}
