//! A statement that has been analysed: everything that is free and needs no price.

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use voilage_budgets::Project;

use crate::catalogue::ViewEntry;
use crate::door::{Asked, Parameters};
use crate::error::{QueryError, Refusal, RefusalCode};
use crate::execute::Files;
use crate::holder;
use crate::hub::{HubParts, Study};
use crate::options::AskOptions;
use crate::ownership::{self, Draft, Split};
use crate::plan::{Node, Relation};
use crate::post;
use crate::spend::Spend;
use crate::{door, remedy, session, views};

/// What a statement asks, before anything is said about noise. Nothing has been read or charged.
pub(crate) struct Analysed {
    pub(crate) study: Study,
    pub(crate) sql: String,
    pub(crate) project: Project,
    pub(crate) data_version: String,
    /// The further datasets that the statement reads, each with the version of its data.
    pub(crate) further: Vec<(String, String)>,
    /// The options beside the SQL together with those in it.
    pub(crate) options: AskOptions,
    pub(crate) split: Split,
    pub(crate) files: Files,
    pub(crate) views: Vec<ViewEntry>,
}

impl Analysed {
    /// Analyses a statement. What it may cost is read by `price`, from the SQL's own parameters and
    /// the dataset's default, before the statement is looked into.
    ///
    /// # Errors
    /// All refusals of the query together, or what is wrong with a file or the price.
    pub(crate) fn of<P>(
        study: Study,
        sql: &str,
        options: &AskOptions,
        price: impl FnOnce(&Parameters, Option<&Spend>) -> Result<P, QueryError>,
    ) -> Result<(Self, P), QueryError> {
        let hub = Arc::clone(study.parts());
        let project = hub.ledger.project(study.name())?;
        // Before the files are looked at: an update in between is found when the question is charged.
        let data_version = hub.ledger.dataset(&project.dataset)?.data_version;
        let context = session::planning(&hub.catalogue)?;
        hub.block_on(views::register(&context, &hub.catalogue))?;
        let remedied = |error| remedied(&hub, &context, &project, options, sql, error);
        let Asked { plan, parameters, views } = hub
            .block_on(door::plan(&context, &hub.catalogue, sql))
            .map_err(|refusal| remedied(refusal.into()))?;
        let default = hub.catalogue.dataset(&project.dataset)?.default_spend.as_ref();
        let price = price(&parameters, default)?;
        let options = options.with(&parameters)?.under(&project.rules);
        let given = hub.ledger.given_datasets(&project.name)?;
        let datasets = (project.dataset.as_str(), given.as_slice());
        let mut split =
            ownership::split(&hub.catalogue, datasets, &plan, &options).map_err(remedied)?;
        if split.drafts.is_empty() {
            return Err(Refusal::new(
                RefusalCode::Statement,
                "the query",
                "it reads no protected table, so there is nothing to answer privately",
                "ask about a table of the project's dataset",
            )
            .into());
        }
        options.check(&hub.catalogue, &split.drafts, &parameters)?;
        parameters.check_keys(&split.drafts)?;
        for public in split.derived.iter().map(|table| &table.plan).chain([&split.above]) {
            post::check_ends(public)?;
        }
        if let Some(weights) = &options.weights {
            let place = parameters.weights.as_ref().and_then(|(_, place)| *place);
            weights.weigh(&mut split).map_err(|refusal| refusal.at(place))?;
        }
        let public = split.derived.iter().map(|table| &table.plan).chain([&split.above]);
        let further = further_datasets(&hub, &split.drafts, &project.dataset)?;
        let files = checked_files(&hub, &split.drafts, public)?;
        let sql = sql.to_owned();
        Ok((
            Self { study, sql, project, data_version, further, options, split, files, views },
            price,
        ))
    }
}

/// The datasets beside the project's own whose people the statement is about.
fn further_datasets(
    hub: &HubParts,
    drafts: &[Draft],
    own: &str,
) -> Result<Vec<(String, String)>, QueryError> {
    let mut names = Vec::new();
    for draft in drafts {
        let name =
            draft.input.dataset().ok_or_else(|| QueryError::bug("nobody owns a boundary"))?;
        if name != own && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    let versioned = |name: String| {
        let version = hub.ledger.dataset(&name)?.data_version;
        Ok((name, version))
    };
    names.into_iter().map(versioned).collect()
}

/// Refusals with a statement that is not refused, if their remedies make one.
fn remedied(
    hub: &HubParts,
    context: &SessionContext,
    project: &Project,
    options: &AskOptions,
    sql: &str,
    error: QueryError,
) -> QueryError {
    let QueryError::Refused(refusals) = error else { return error };
    let accepted = |candidate: &str| -> Result<bool, QueryError> {
        let Asked { plan, parameters, .. } =
            hub.block_on(door::plan(context, &hub.catalogue, candidate))?;
        let options = options.with(&parameters)?.under(&project.rules);
        let given = hub.ledger.given_datasets(&project.name)?;
        let datasets = (project.dataset.as_str(), given.as_slice());
        let split = ownership::split(&hub.catalogue, datasets, &plan, &options)?;
        options.check(&hub.catalogue, &split.drafts, &parameters)?;
        parameters.check_keys(&split.drafts)?;
        Ok(!split.drafts.is_empty())
    };
    let is_accepted = |candidate: &str| accepted(candidate).is_ok_and(|accepted| accepted);
    QueryError::Refused(remedy::with_example(sql, refusals, is_accepted))
}

/// Opens and checks the file of every table that the statement reads, before anything is charged.
fn checked_files<'a>(
    hub: &HubParts,
    drafts: &[Draft],
    public: impl Iterator<Item = &'a LogicalPlan>,
) -> Result<Files, QueryError> {
    let mut names = Vec::new();
    for draft in drafts {
        scanned_tables(&draft.input, &mut names);
    }
    for plan in public {
        names.extend(post::public_tables(plan)?);
    }
    names.sort();
    names.dedup();
    let check = |name: String| {
        let table = hub.catalogue.table(&name)?;
        let path = holder::must_be_declared(&hub.ledger, table)?;
        let file = crate::catalogue::TableFile::check_at(table, &path)?;
        Ok((name, file))
    };
    names.into_iter().map(check).collect()
}

/// The tables that a relation scans, one name for each time.
pub(crate) fn scanned_tables(relation: &Relation, names: &mut Vec<String>) {
    if let Node::Scan { table, .. } | Node::Path { table, .. } = &relation.node {
        names.push(table.clone());
    }
    for input in relation.inputs() {
        scanned_tables(input, names);
    }
}
