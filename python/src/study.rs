//! A project as an analyst sees it: its budget, its tables, and the place to ask questions.

use pyo3::prelude::*;
use serde_json::{Value, json};
use voilage_budgets::{ChargeSummary, Project};
use voilage_privacy::Loss;
use voilage_query::catalogue::{ColumnEntry, Declared, TableEntry, TableOwner};
use voilage_query::plan::Type;
use voilage_query::question::SpendOptions;
use voilage_query::{DescribedView, ReleaseId, Spend, ViewRows};

use crate::errors::raise;
use crate::json::{from_engine, to_python};
use crate::query::Query;

/// One project of a hub.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Study(voilage_query::Study);

impl Study {
    pub(crate) fn new(study: voilage_query::Study) -> Self {
        Self(study)
    }
}

#[pymethods]
impl Study {
    /// The project's name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The budget as the ledger has it now; every quantity is a decimal string.
    fn budget(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let read = || {
            let project = self.0.project()?;
            let ledger = self.0.hub().ledger();
            let affordable = ledger.affordable_epsilon(self.0.name())?;
            Ok::<_, voilage_query::QueryError>((
                budget(&project, &affordable.to_string()),
                ledger.charges(self.0.name())?,
            ))
        };
        let (mut content, charges) = py.detach(read).map_err(raise)?;
        content["charges"] = charges.iter().map(charge).collect();
        to_python(py, &content)
    }

    /// The tables that the project may ask about, with what is declared about their columns.
    fn schema(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let project = py.detach(|| self.0.project()).map_err(raise)?;
        let catalogue = self.0.hub().catalogue();
        let own =
            |table: &&TableEntry| table.dataset().is_none_or(|dataset| dataset == project.dataset);
        let mut tables: Vec<Value> =
            catalogue.tables.iter().filter(own).map(table).collect::<PyResult<_>>()?;
        for one in py.detach(|| self.0.views()).map_err(raise)? {
            tables.push(view(&one)?);
        }
        to_python(py, &Value::Array(tables))
    }

    /// Analyses and prices a question, or with `release` more precision for that answer of it. Reads
    /// no owned row and charges nothing.
    #[pyo3(signature = (sql, *, epsilon=None, rho=None, share=None, release=None))]
    fn sql(
        &self,
        py: Python<'_>,
        sql: &str,
        epsilon: Option<&str>,
        rho: Option<&str>,
        share: Option<&str>,
        release: Option<&str>,
    ) -> PyResult<Query> {
        py.detach(|| {
            let spend = Spend::from_options(SpendOptions { epsilon, rho, share })?;
            let release = release.map(ReleaseId::parse).transpose()?;
            Query::prepare(&self.0, sql, spend, release)
        })
        .map_err(raise)
    }
}

fn budget(project: &Project, affordable: &str) -> Value {
    json!({
        "project": project.name,
        "dataset": project.dataset,
        "accountant": project.accountant.to_string(),
        "epsilon": project.terms.epsilon.to_string(),
        "delta": project.terms.delta.as_ref().map(ToString::to_string),
        "status": project.status.to_string(),
        "cap": quantities(&project.cap),
        "spent": quantities(&project.spent),
        "left": quantities(&project.left),
        "affordable_epsilon": affordable,
        "permit": {
            "authority": project.permit.authority,
            "reference": project.permit.reference,
            "purpose": project.permit.purpose,
            "starts": project.permit.starts.to_string(),
            "ends": project.permit.ends.to_string(),
        },
    })
}

fn charge(summary: &ChargeSummary) -> Value {
    let charge = &summary.charge;
    json!({
        "entry": charge.position,
        "charged_at": charge.charged_at.to_rfc3339(),
        "loss": quantities(&charge.loss),
        "spent_after": quantities(&charge.spent_after),
        "replays": summary.replays,
        "question": summary.description,
    })
}

fn quantities(loss: &Loss) -> Value {
    match loss {
        Loss::Zcdp { rho, delta } => json!({ "rho": rho.to_string(), "delta": delta.to_string() }),
        Loss::Pure { epsilon } => json!({ "epsilon": epsilon.to_string() }),
    }
}

fn table(entry: &TableEntry) -> PyResult<Value> {
    let columns: Vec<Value> = entry.columns.iter().map(column).collect::<PyResult<_>>()?;
    let mut content = json!({ "name": entry.name, "columns": columns });
    match &entry.owner {
        TableOwner::Public { provenance } => {
            content["rows"] = json!("public");
            content["provenance"] = json!(provenance);
        }
        TableOwner::Unit { dataset, max_groups, max_rows_per_group, .. } => {
            let unit = entry.unit_column().map(|unit| entry.columns[unit].name.as_str());
            content["rows"] = json!("people");
            content["dataset"] = json!(dataset);
            content["unit"] = json!(unit);
            content["max_groups"] = json!(max_groups);
            content["max_rows_per_group"] = json!(max_rows_per_group);
        }
    }
    Ok(content)
}

fn column(entry: &ColumnEntry) -> PyResult<Value> {
    declaration(&entry.name, entry.kind, &entry.declared, entry.source.as_deref())
}

fn declaration(
    name: &str,
    kind: Type,
    declared: &Declared,
    source: Option<&str>,
) -> PyResult<Value> {
    Ok(json!({
        "name": name,
        "type": kind.name(),
        "declared": from_engine("a declaration", serde_json::to_value(declared))?,
        "source": source,
    }))
}

fn view(view: &DescribedView) -> PyResult<Value> {
    let columns: Vec<Value> = view
        .columns
        .iter()
        .map(|one| declaration(&one.name, one.kind, &one.declared, one.source.as_deref()))
        .collect::<PyResult<_>>()?;
    let mut content = json!({ "name": view.name, "view": view.description, "columns": columns });
    match &view.rows {
        ViewRows::People { unit, max_groups, max_rows_per_group } => {
            content["rows"] = json!("people");
            content["unit"] = json!(unit);
            content["max_groups"] = json!(max_groups);
            content["max_rows_per_group"] = json!(max_rows_per_group);
        }
        ViewRows::Released => content["rows"] = json!("released"),
        ViewRows::Public => content["rows"] = json!("public"),
        ViewRows::Refused(why) => {
            content["rows"] = json!("refused");
            content["refused"] = json!(why);
        }
    }
    Ok(content)
}
