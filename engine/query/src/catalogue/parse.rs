//! The grammar of `hub.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use voilage_budgets::Settings;
use voilage_privacy::quantity::{Accountant, Delta, Epsilon};

use super::path::{self, KeyPath, UnitTerms};
use super::{Catalogue, ColumnEntry, DatasetEntry, Declared, TableEntry, TableOwner, ViewEntry};
use crate::error::QueryError;
use crate::execute::Resources;
use crate::plan::{Type, Value};
use crate::spend::{Spend, SpendOptions};

/// A listed text may have so many bytes: lists are codes, and stand in plans.
const LISTED_BYTES_MAX: usize = 4_096;
/// A list may have so many values: as many as there may be public groups.
const LISTED_MAX: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubFile {
    hub: HubSection,
    #[serde(default)]
    datasets: BTreeMap<String, DatasetSection>,
    #[serde(default)]
    public: BTreeMap<String, PublicTableSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubSection {
    /// A path or a `postgres://` URL.
    ledger: String,
    witness: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(default = "memory_mib")]
    memory_mib: u64,
    spill: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatasetSection {
    #[serde(default)]
    description: String,
    #[serde(default = "person")]
    unit_kind: String,
    #[serde(default = "zcdp")]
    accountant: Accountant,
    cap: CapSection,
    default_spend: Option<SpendSection>,
    #[serde(default)]
    tables: BTreeMap<String, UnitTableSection>,
    #[serde(default)]
    views: BTreeMap<String, ViewSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewSection {
    sql: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CapSection {
    epsilon: String,
    delta: Option<String>,
}

/// Exactly one of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpendSection {
    epsilon: Option<String>,
    rho: Option<String>,
    share: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitTableSection {
    file: PathBuf,
    unit: toml::Value,
    max_groups: u32,
    max_rows_per_group: u32,
    max_groups_ceiling: Option<u32>,
    max_rows_per_group_ceiling: Option<u32>,
    #[serde(default)]
    sorted_by_unit: bool,
    columns: BTreeMap<String, ColumnSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicTableSection {
    file: PathBuf,
    provenance: String,
    columns: BTreeMap<String, ColumnSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnSection {
    r#type: Type,
    bounds: Option<[toml::Value; 2]>,
    values: Option<Vec<toml::Value>>,
    source: Option<String>,
}

fn memory_mib() -> u64 {
    Resources::DEFAULT_MEMORY_MIB
}

fn person() -> String {
    "person".into()
}

fn zcdp() -> Accountant {
    Accountant::Zcdp
}

impl Catalogue {
    /// Reads a hub file. Paths in it are relative to the file.
    ///
    /// # Errors
    /// When the file is missing, is not TOML of the hub's grammar, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, QueryError> {
        let bytes = std::fs::read(path).map_err(|error| {
            QueryError::input(
                format!("cannot read the hub file {}: {error}", path.display()),
                "name an existing hub file with --hub PATH",
            )
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count();
            QueryError::input(
                format!("the hub file {} is not UTF-8 text, from line {line} on", path.display()),
                "save it as UTF-8",
            )
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).map_err(|error| in_file(path, error))
    }

    /// Reads the text of a hub file whose paths are relative to `folder`.
    ///
    /// # Errors
    /// When the text is not TOML of the hub's grammar, or contradicts itself.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, QueryError> {
        let file: HubFile = toml::from_str(text).map_err(|error| {
            QueryError::input(
                error.to_string().trim_end().to_owned(),
                "see examples/hub.toml for every key that a hub file may have",
            )
        })?;
        let mut datasets = Vec::new();
        let mut tables = Vec::new();
        let mut views = Vec::new();
        for (name, section) in file.datasets {
            check_name("dataset", &name)?;
            datasets.push(dataset_entry(&name, &section)?);
            let mut owned = Vec::new();
            for (table, section) in section.tables {
                owned.push(unit_table(&name, table, section, folder)?);
            }
            path::resolve(&mut owned)?;
            refuse_units_of_two_types(&owned)?;
            tables.extend(owned);
            for (view, section) in section.views {
                check_name("view", &view)?;
                let ViewSection { sql, description } = section;
                views.push(ViewEntry { name: view, dataset: name.clone(), sql, description });
            }
        }
        for (table, section) in file.public {
            tables.push(public_table(table, section, folder)?);
        }
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        views.sort_by(|a, b| a.name.cmp(&b.name));
        refuse_twice(&tables)?;
        refuse_names_twice(&tables, &views)?;
        let memory_mib = file.hub.memory_mib;
        if memory_mib < Resources::MEMORY_MIB_MIN {
            let least = Resources::MEMORY_MIB_MIN;
            return Err(QueryError::input(
                format!("memory_mib is {memory_mib}, and executions need at least {least}"),
                format!("write memory_mib = {least} or more, or leave it out"),
            ));
        }
        let HubSection { ledger, witness, key, spill, .. } = file.hub;
        let ledger = Settings::parse(&ledger, witness.as_deref(), key.as_deref(), folder);
        let beside = || {
            let mut name = ledger.neighbour().as_os_str().to_owned();
            name.push(".spill");
            name.into()
        };
        let spill = spill.map_or_else(beside, |spill| folder.join(spill));
        Ok(Self { ledger, memory_mib, spill, datasets, tables, views })
    }
}

fn in_file(path: &Path, error: QueryError) -> QueryError {
    match error {
        QueryError::Input { problem, fix } => {
            QueryError::Input { problem: format!("{}: {problem}", path.display()), fix }
        }
        other => other,
    }
}

fn dataset_entry(name: &str, section: &DatasetSection) -> Result<DatasetEntry, QueryError> {
    let quantity = |error: voilage_privacy::quantity::QuantityError| {
        QueryError::input(
            format!("dataset {name}: cap: {error}"),
            "write for example cap = { epsilon = \"10\", delta = \"1e-6\" }",
        )
    };
    let epsilon = Epsilon::parse(&section.cap.epsilon).map_err(quantity)?;
    let delta = section.cap.delta.as_deref().map(Delta::parse).transpose().map_err(quantity)?;
    match (section.accountant, &delta) {
        (Accountant::Zcdp, None) => Err(QueryError::input(
            format!("dataset {name} has accountant zcdp and a cap without delta"),
            "write for example cap = { epsilon = \"10\", delta = \"1e-6\" }",
        )),
        (Accountant::Pure, Some(_)) => Err(QueryError::input(
            format!("dataset {name} has accountant pure and a cap with delta"),
            "leave delta out, or take accountant = \"zcdp\"",
        )),
        (Accountant::Zcdp, Some(_)) | (Accountant::Pure, None) => Ok(DatasetEntry {
            name: name.to_owned(),
            description: section.description.clone(),
            unit_kind: section.unit_kind.clone(),
            accountant: section.accountant,
            epsilon,
            delta,
            default_spend: section
                .default_spend
                .as_ref()
                .map(|spend| default_spend(name, spend))
                .transpose()?,
        }),
    }
}

fn default_spend(dataset: &str, section: &SpendSection) -> Result<Spend, QueryError> {
    let fix = "write for example default_spend = { share = \"1%\" }";
    let spend = Spend::from_options(SpendOptions {
        epsilon: section.epsilon.as_deref(),
        rho: section.rho.as_deref(),
        share: section.share.as_deref(),
    });
    let problem = match spend {
        Ok(Spend::AsWritten) => "it says nothing".to_owned(),
        Ok(spend) => return Ok(spend),
        Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
    };
    Err(QueryError::input(format!("dataset {dataset}: default_spend: {problem}"), fix))
}

/// A ceiling that is not declared is the bound itself: questions may only lower it.
fn ceiling(table: &str, key: &str, bound: u32, ceiling: Option<u32>) -> Result<u32, QueryError> {
    match ceiling {
        Some(ceiling) if ceiling < bound => Err(QueryError::input(
            format!("table {table}: {key}_ceiling is {ceiling}, below {key} = {bound}"),
            format!("write {key}_ceiling = {bound} or more, or leave it out"),
        )),
        ceiling => Ok(ceiling.unwrap_or(bound)),
    }
}

fn unit_table(
    dataset: &str,
    name: String,
    section: UnitTableSection,
    folder: &Path,
) -> Result<TableEntry, QueryError> {
    check_name("table", &name)?;
    for (key, value) in
        [("max_groups", section.max_groups), ("max_rows_per_group", section.max_rows_per_group)]
    {
        if value == 0 {
            return Err(QueryError::input(
                format!("table {name}: {key} is 0, so every answer would be empty"),
                format!("write {key} = 1 or more"),
            ));
        }
    }
    let columns = columns(&name, section.columns)?;
    let (column, path) = match UnitTerms::parse(&name, &section.unit)? {
        UnitTerms::Column(unit) => (unit_column(&name, &unit, &columns)?, None),
        // The column is added once the path is resolved.
        UnitTerms::Path(path) => (columns.len(), Some(path)),
    };
    let max_groups_ceiling =
        ceiling(&name, "max_groups", section.max_groups, section.max_groups_ceiling)?;
    let max_rows_per_group_ceiling = ceiling(
        &name,
        "max_rows_per_group",
        section.max_rows_per_group,
        section.max_rows_per_group_ceiling,
    )?;
    Ok(TableEntry {
        file: folder.join(&section.file),
        owner: TableOwner::Unit {
            dataset: dataset.to_owned(),
            column,
            path,
            max_groups: section.max_groups,
            max_rows_per_group: section.max_rows_per_group,
            max_groups_ceiling,
            max_rows_per_group_ceiling,
            sorted_by_unit: section.sorted_by_unit,
        },
        name,
        columns,
    })
}

/// The position of the column that names the unit: exactly as it is in the file.
fn unit_column(table: &str, unit: &str, columns: &[ColumnEntry]) -> Result<usize, QueryError> {
    let Some(column) = columns.iter().position(|column| column.name == unit) else {
        return Err(QueryError::input(
            format!("table {table}: the unit column {unit} is not among its columns"),
            format!("add `{unit} = {{ type = \"int64\" }}` to its columns"),
        ));
    };
    match columns[column].kind {
        Type::Int64 | Type::Text => {}
        Type::Bool | Type::Float64 | Type::Date | Type::Timestamp => {
            return Err(QueryError::input(
                format!("table {table}: the unit column {unit} cannot name units"),
                "a unit column has type int64 or utf8",
            ));
        }
    }
    if columns[column].declared != Declared::Nothing {
        return Err(QueryError::input(
            format!("table {table}: the unit column {unit} has bounds or values"),
            "declare only its type: a list of units would say who is in the data",
        ));
    }
    Ok(column)
}

fn public_table(
    name: String,
    section: PublicTableSection,
    folder: &Path,
) -> Result<TableEntry, QueryError> {
    check_name("table", &name)?;
    if section.provenance.trim().is_empty() {
        return Err(QueryError::input(
            format!("public table {name} does not say where it comes from"),
            "write provenance = \"...\": a public table tells nothing about the units",
        ));
    }
    Ok(TableEntry {
        file: folder.join(&section.file),
        owner: TableOwner::Public { provenance: section.provenance },
        columns: columns(&name, section.columns)?,
        name,
    })
}

fn columns(
    table: &str,
    sections: BTreeMap<String, ColumnSection>,
) -> Result<Vec<ColumnEntry>, QueryError> {
    sections
        .into_iter()
        .map(|(name, section)| {
            let declared = declared(&section).map_err(|(problem, fix)| {
                QueryError::input(format!("column {table}.{name}: {problem}"), fix)
            })?;
            check_name("column", &name)?;
            Ok(ColumnEntry { name, kind: section.r#type, declared, source: section.source })
        })
        .collect()
}

fn declared(section: &ColumnSection) -> Result<Declared, (String, String)> {
    match (&section.bounds, &section.values) {
        (None, None) => Ok(Declared::Nothing),
        (Some(_), Some(_)) => Err((
            "has bounds and values".into(),
            "keep values where the list is short, bounds otherwise".into(),
        )),
        (Some([lower, upper]), None) => {
            let fix = match section.r#type {
                Type::Int64 => "write for example bounds = [\"0\", \"5000\"], whole numbers",
                Type::Float64 => "write for example bounds = [\"0\", \"5000\"]",
                Type::Date => "write for example bounds = [\"2015-01-01\", \"2024-12-31\"]",
                Type::Timestamp => {
                    "write for example bounds = [\"2015-01-01\", \"2024-12-31 23:59:59\"]"
                }
                Type::Bool | Type::Text => {
                    let problem = "has bounds but is neither number nor date".to_owned();
                    return Err((problem, "remove bounds, or list values".into()));
                }
            };
            let end = |value: &toml::Value| {
                let kind = section.r#type;
                bound(kind, value).ok_or((problem(kind), fix.to_owned()))
            };
            let (lower, upper) = (end(lower)?, end(upper)?);
            if lower >= upper {
                return Err(("the lower bound is not below the upper one".into(), fix.into()));
            }
            Ok(Declared::Bounds { lower, upper })
        }
        (None, Some(values)) => {
            if values.len() > LISTED_MAX {
                return Err((
                    format!(
                        "lists {} values, and keys of more than {LISTED_MAX} are not public",
                        values.len()
                    ),
                    "leave the list out: such keys are learned from the data, at a price".into(),
                ));
            }
            let mut list = values
                .iter()
                .map(|value| key(section.r#type, value))
                .collect::<Option<Vec<Value>>>()
                .ok_or((
                    "a listed value is not of the column's type".to_owned(),
                    "list integers, text or booleans of the column's type".to_owned(),
                ))?;
            let long =
                |value: &Value| matches!(value, Value::Text(text) if text.len() > LISTED_BYTES_MAX);
            if list.iter().any(long) {
                return Err((
                    format!("a listed value has more than {LISTED_BYTES_MAX} bytes"),
                    "list short codes".into(),
                ));
            }
            let length = list.len();
            list.sort();
            list.dedup();
            if list.is_empty() || list.len() != length {
                return Err((
                    "the list of values is empty or names one twice".into(),
                    "list each possible value once".into(),
                ));
            }
            Ok(Declared::Values(list))
        }
    }
}

fn problem(kind: Type) -> String {
    match kind {
        Type::Float64 => "a bound is not a finite number".to_owned(),
        other => format!("a bound is no {}", other.name()),
    }
}

/// A bound is written as text, or as a TOML number, date or local time.
fn bound(kind: Type, value: &toml::Value) -> Option<Value> {
    match (kind, value) {
        (Type::Int64, toml::Value::Integer(integer)) => Some(Value::Int(*integer)),
        (Type::Int64, toml::Value::Float(_)) => None,
        (Type::Float64, toml::Value::Integer(integer)) => Some(Value::float(*integer as f64)),
        (Type::Float64, toml::Value::Float(float)) => {
            float.is_finite().then(|| Value::float(*float))
        }
        (Type::Int64, toml::Value::String(text)) => {
            plain(text).then(|| text.parse().ok().map(Value::Int)).flatten()
        }
        (Type::Float64, toml::Value::String(text)) => {
            let float: f64 = if plain(text) { text.parse().ok()? } else { return None };
            float.is_finite().then(|| Value::float(float))
        }
        (Type::Date | Type::Timestamp, toml::Value::String(text)) => Value::parse(kind, text),
        (Type::Date | Type::Timestamp, toml::Value::Datetime(moment))
            if moment.offset.is_none() =>
        {
            Value::parse(kind, &moment.to_string())
        }
        _ => None,
    }
}

/// A decimal number as everybody writes it: no names for infinity, no digits of other scripts.
fn plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
}

fn key(kind: Type, value: &toml::Value) -> Option<Value> {
    match (kind, value) {
        (Type::Int64, toml::Value::Integer(integer)) => Some(Value::Int(*integer)),
        (Type::Text, toml::Value::String(text)) => Some(Value::Text(text.clone())),
        (Type::Bool, toml::Value::Boolean(truth)) => Some(Value::Bool(*truth)),
        _ => None,
    }
}

/// Names are plain lower-case words, so that no two of them look alike or clash with the engine's.
fn check_name(what: &str, name: &str) -> Result<(), QueryError> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if name.is_empty() || name.len() > 63 || !plain || name.starts_with("__") {
        return Err(QueryError::input(
            format!("{what} name {name:?} is not allowed"),
            "use 1 to 63 lower-case letters, digits and _, not starting with __",
        ));
    }
    Ok(())
}

/// The same people never appear in two datasets: one file has one owner, and a table one name.
fn refuse_twice(tables: &[TableEntry]) -> Result<(), QueryError> {
    for (index, table) in tables.iter().enumerate() {
        for other in &tables[..index] {
            if other.name == table.name {
                return Err(QueryError::input(
                    format!("two tables of the hub are called {}", table.name),
                    "give each table a name of its own",
                ));
            }
            if same_file(&other.file, &table.file) && unit_of(other) != unit_of(table) {
                return Err(QueryError::input(
                    format!(
                        "tables {} and {} read one file under different datasets or units",
                        other.name, table.name
                    ),
                    "declare a file once: its people have one lifetime cap",
                ));
            }
        }
    }
    Ok(())
}

/// Whose rows a table holds: the dataset, the unit column's name, and the path to it.
fn unit_of(table: &TableEntry) -> Option<(&str, &str, Option<&KeyPath>)> {
    match &table.owner {
        TableOwner::Public { .. } => None,
        TableOwner::Unit { dataset, column, path, .. } => {
            Some((dataset, &table.columns[*column].name, path.as_ref()))
        }
    }
}

/// One person has one id, so that rows of two tables can be put together.
fn refuse_units_of_two_types(tables: &[TableEntry]) -> Result<(), QueryError> {
    let kind = |table: &TableEntry| table.unit_column().map(|unit| table.columns[unit].kind);
    for pair in tables.windows(2) {
        if kind(&pair[0]) != kind(&pair[1]) {
            return Err(QueryError::input(
                format!(
                    "tables {} and {} name the units of one dataset by different types",
                    pair[0].name, pair[1].name
                ),
                "write the unit column of one of them with the other's type",
            ));
        }
    }
    Ok(())
}

fn refuse_names_twice(tables: &[TableEntry], views: &[ViewEntry]) -> Result<(), QueryError> {
    for (index, view) in views.iter().enumerate() {
        let taken = tables.iter().any(|table| table.name == view.name)
            || views[..index].iter().any(|other| other.name == view.name);
        if taken {
            return Err(QueryError::input(
                format!("the view {} is called like another table or view", view.name),
                "give each table and view a name of its own",
            ));
        }
    }
    Ok(())
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}
