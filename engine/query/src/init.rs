//! Setting a hub up: its ledger, its first administrator, its datasets and the files they are in.

use std::path::Path;
use std::sync::Arc;

use voilage_budgets::{
    Act, Dataset, DatasetTerms, Decider, Ledger, LedgerError, Mode, Outcome, Principal, Role,
    SystemClock, TableFile,
};

use crate::catalogue::{Catalogue, DatasetEntry, TableFile as ParquetFile};
use crate::error::QueryError;
use crate::holder::{self, HolderKey};
use crate::hub::{self, Hub};

/// What is written beside every decision of `voilage init`.
const REASON: &str = "declared in the hub file, recorded by init";

/// What `voilage init` found and made.
#[derive(Clone, Debug)]
pub struct InitReport {
    /// Where the ledger is, without a password.
    pub ledger: String,
    /// Whether it was created now, or would be.
    pub created: bool,
    /// Who became the first administrator now.
    pub administrator: Option<String>,
    /// The registered datasets.
    pub datasets: Vec<Dataset>,
    /// Datasets whose registration waits for another administrator, each with its proposal.
    pub proposed: Vec<(String, u64)>,
    /// Datasets whose files are not those of their declared version.
    pub changed: Vec<String>,
    /// The checked tables.
    pub tables: Vec<String>,
}

/// Creates or completes a ledger; again it changes nothing.
pub(crate) fn run(path: &Path, wish: Option<&str>, mode: Mode) -> Result<InitReport, QueryError> {
    let catalogue = Catalogue::read(path)?;
    for table in &catalogue.tables {
        ParquetFile::check(table)?;
    }
    let context = crate::session::planning(&catalogue)?;
    hub::runtime()?.block_on(crate::views::register(&context, &catalogue))?;
    let mut report = InitReport {
        ledger: catalogue.ledger.location.to_string(),
        created: false,
        administrator: None,
        datasets: Vec::new(),
        proposed: Vec::new(),
        changed: Vec::new(),
        tables: catalogue.tables.iter().map(|table| table.name.clone()).collect(),
    };
    let clock = Arc::new(SystemClock);
    let ledger = match Ledger::open_at(&catalogue.ledger, clock.clone()) {
        Ok(ledger) => ledger,
        Err(LedgerError::Missing { .. }) => {
            report.created = true;
            match mode {
                Mode::Rehearse => return Ok(report),
                Mode::Record => Ledger::create_at(&catalogue.ledger, clock)?,
            }
        }
        Err(error) => return Err(error.into()),
    };
    let account = holder::account();
    let name = ledger.acting_as(&account, wish)?;
    let setup = Setup { ledger: &ledger, name: &name, mode };
    if ledger.principals()?.is_empty() {
        let principal =
            Principal { name: name.clone(), role: Role::Administrator, account: account.clone() };
        setup.decide(&Act::SetPrincipal { principal })?;
        report.administrator = Some(name.clone());
    }
    let key = key_of(catalogue.ledger.neighbour(), &ledger, mode)?;
    for dataset in &catalogue.datasets {
        setup.dataset(&catalogue, dataset, key.as_ref(), &mut report)?;
    }
    for table in catalogue.tables.iter().filter(|table| table.dataset().is_none()) {
        let Some(key) = &key else { continue };
        let file = key.file_of(table)?;
        let is_same = |one: &TableFile| {
            one.path == file.path
                || (one.key_id == file.key_id && one.fingerprint == file.fingerprint)
        };
        holder::must_be_public(&ledger, table, is_same)?;
    }
    Ok(report)
}

/// The key of an open hub, made now if there was none.
pub(crate) fn key(hub: &Hub) -> Result<HolderKey, QueryError> {
    key_of(hub.catalogue().ledger.neighbour(), hub.ledger(), Mode::Record)?
        .ok_or_else(|| QueryError::bug("a holder's key was not made"))
}

/// Every table of a dataset, as the holder's own audit knows it.
pub(crate) fn fingerprints(
    catalogue: &Catalogue,
    dataset: &str,
    key: &HolderKey,
) -> Result<Vec<TableFile>, QueryError> {
    catalogue.dataset(dataset)?;
    let own = catalogue.tables.iter().filter(|table| table.dataset() == Some(dataset));
    own.map(|table| key.file_of(table)).collect()
}

/// The key of a ledger's fingerprints. A lost one is not replaced silently: copies under another
/// dataset would no longer be found.
fn key_of(path: &Path, ledger: &Ledger, mode: Mode) -> Result<Option<HolderKey>, QueryError> {
    let path = HolderKey::path(path);
    let mut listed = Vec::new();
    for dataset in ledger.datasets()? {
        listed.extend(ledger.tables(&dataset.name)?);
    }
    let unusable = |why: &str| {
        QueryError::input(
            format!(
                "the holder's key {} {why}, and the ledger has fingerprints that only its own can compare",
                path.display()
            ),
            "restore it from your backup",
        )
    };
    match HolderKey::read(&path)? {
        Some(key) if listed.is_empty() || listed.iter().any(|one| one.key_id == key.id()) => {
            return Ok(Some(key));
        }
        Some(_) => return Err(unusable("is another one")),
        None if !listed.is_empty() => return Err(unusable("is missing")),
        None => {}
    }
    match mode {
        Mode::Record => HolderKey::create(&path).map(Some),
        Mode::Rehearse => Ok(None),
    }
}

/// Who sets a ledger up, and whether for real.
struct Setup<'a> {
    ledger: &'a Ledger,
    name: &'a str,
    mode: Mode,
}

impl Setup<'_> {
    fn decide(&self, act: &Act) -> Result<Outcome, QueryError> {
        let by = Decider { principal: self.name, reason: REASON };
        Ok(self.ledger.decide(by, act, self.mode)?)
    }

    /// Registers a dataset, lists its new tables, and says when its files are no longer the declared.
    fn dataset(
        &self,
        catalogue: &Catalogue,
        entry: &DatasetEntry,
        key: Option<&HolderKey>,
        report: &mut InitReport,
    ) -> Result<(), QueryError> {
        let name = &entry.name;
        let files = match key {
            Some(key) => fingerprints(catalogue, name, key)?,
            None => Vec::new(),
        };
        let terms = DatasetTerms {
            name: name.clone(),
            accountant: entry.accountant,
            epsilon: entry.epsilon.clone(),
            delta: entry.delta.clone(),
        };
        let act = Act::RegisterDataset { terms, files: files.clone() };
        let is_known = self.ledger.dataset(name).is_ok();
        if let Outcome::Proposed { proposal } = self.decide(&act)? {
            report.proposed.push((name.clone(), proposal));
            return Ok(());
        }
        if !is_known && self.mode == Mode::Rehearse {
            return Ok(());
        }
        let listed = self.ledger.tables(name)?;
        let is_new = |file: &&TableFile| listed.iter().all(|one| one.table != file.table);
        let new: Vec<TableFile> = files.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            self.decide(&Act::AddTables { dataset: name.clone(), files: new })?;
        }
        let moved =
            |file: &TableFile| listed.iter().any(|one| one.table == file.table && one != file);
        if files.iter().any(moved) {
            report.changed.push(name.clone());
        }
        report.datasets.push(self.ledger.dataset(name)?);
        Ok(())
    }
}
