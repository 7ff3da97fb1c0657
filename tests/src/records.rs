//! Synthetic records for any hub file: ordinary people, and people that are hard on an engine.
//!
//! Columns get their values from what the catalogue declares about them, so that a hub's own
//! questions find something; hostile people get whatever the declarations forbid.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use voilage_query::Catalogue;
use voilage_query::catalogue::{ColumnEntry, Declared, TableEntry};
use voilage_query::plan::{Type, Value};

use crate::chance::Chance;

/// A row: one value per column of its table, in the catalogue's order.
pub type Row = Vec<Value>;

/// The rows of every table.
#[derive(Clone, Debug, Default)]
pub struct Records {
    tables: BTreeMap<String, Vec<Row>>,
}

/// What the values of a person are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As declared.
    Ordinary,
    /// As declared, the same in every row.
    Repeated,
    /// Each row in another group, most of them in groups that nobody else is in.
    Sweep,
    /// NaN in every double, NULL elsewhere.
    NotANumber,
    /// NULL in every column.
    Null,
    /// Plus infinity, and the largest integers and dates.
    Huge,
    /// Minus infinity, and the smallest integers and dates.
    Tiny,
    /// Minus zero, subnormal doubles, -1, empty text.
    Small,
    /// The bounds themselves, and the last of the listed values.
    Bounds,
    /// Just outside the bounds; values that are not listed.
    Outside,
    /// All of the above, mixed.
    Mixed,
}

const TEXTS: [&str; 6] = ["alpha", "beta", "gamma", "fever", "Covid-19", "x"];
const HOSTILE_TEXTS: [&str; 7] =
    ["", " ", "NaN", "1e309", "\u{0}", "\u{1F9EC}\u{0301}", "'; DROP TABLE person; --"];

impl Records {
    /// So many ordinary people with zero to four rows in each table of `dataset`, and rows for the
    /// public tables.
    pub fn ordinary(catalogue: &Catalogue, dataset: &str, people: i64) -> Self {
        let mut records = Self::default();
        for table in &catalogue.tables {
            records.tables.entry(table.name.clone()).or_default();
        }
        for table in catalogue.tables.iter().filter(|table| table.dataset().is_none()) {
            let mut chance = Chance::new(7);
            for row in 0..12 {
                let row = (0..table.columns.len())
                    .map(|column| public_value(&table.columns[column], row, &mut chance))
                    .collect();
                records.tables.entry(table.name.clone()).or_default().push(row);
            }
        }
        for person in 1..=people {
            let mut chance = Chance::new(person as u64);
            let tables = catalogue.tables.iter().filter(|t| t.dataset() == Some(dataset));
            for table in tables {
                let rows = if person % 5 == 0 { 4 } else { chance.below(4) };
                records.append(table, person, Manner::Ordinary, rows, &mut chance);
            }
        }
        records
    }

    /// Adds rows of one person to every table of a dataset.
    pub fn add(
        &mut self,
        catalogue: &Catalogue,
        dataset: &str,
        person: i64,
        manner: Manner,
        rows: usize,
    ) {
        let mut chance = Chance::new(person.unsigned_abs() ^ 0x5eed);
        for table in catalogue.tables.iter().filter(|table| table.dataset() == Some(dataset)) {
            self.append(table, person, manner, rows, &mut chance);
        }
    }

    /// Removes one person from every table of a dataset.
    pub fn remove(&mut self, catalogue: &Catalogue, dataset: &str, person: i64) {
        for table in catalogue.tables.iter().filter(|table| table.dataset() == Some(dataset)) {
            let Some(unit) = table.unit_column() else { continue };
            let rows = self.tables.entry(table.name.clone()).or_default();
            rows.retain(|row| row[unit] != Value::Int(person));
        }
    }

    fn append(
        &mut self,
        table: &TableEntry,
        person: i64,
        manner: Manner,
        rows: usize,
        chance: &mut Chance,
    ) {
        let unit = table.unit_column();
        for number in 0..rows {
            let mut steady = Chance::new(person.unsigned_abs());
            let chance = if manner == Manner::Repeated { &mut steady } else { &mut *chance };
            let row = table
                .columns
                .iter()
                .enumerate()
                .map(|(position, column)| match Some(position) == unit {
                    true => Value::Int(person),
                    false => value(column, manner, number, chance),
                })
                .collect();
            self.tables.entry(table.name.clone()).or_default().push(row);
        }
    }

    /// Writes every table's Parquet file, in the order of rows given.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn write(&self, catalogue: &Catalogue) {
        for table in &catalogue.tables {
            let rows = &self.tables[&table.name];
            let columns = table.columns.iter().enumerate().map(|(position, column)| {
                let values: Vec<&Value> = rows.iter().map(|row| &row[position]).collect();
                (column.name.clone(), array(column.kind, &values), true)
            });
            let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
            std::fs::create_dir_all(table.file.parent().unwrap()).unwrap();
            let file = File::create(&table.file).unwrap();
            let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
        }
    }
}

fn array(kind: Type, values: &[&Value]) -> ArrayRef {
    let int = |value: &&Value| match value {
        Value::Int(number) | Value::Timestamp(number) => Some(*number),
        _ => None,
    };
    match kind {
        Type::Bool => Arc::new(
            values
                .iter()
                .map(|value| if let Value::Bool(truth) = value { Some(*truth) } else { None })
                .collect::<BooleanArray>(),
        ),
        Type::Int64 => Arc::new(values.iter().map(int).collect::<Int64Array>()),
        Type::Float64 => Arc::new(
            values
                .iter()
                .map(|value| if let Value::Float(number) = value { Some(*number) } else { None })
                .collect::<Float64Array>(),
        ),
        Type::Text => Arc::new(
            values
                .iter()
                .map(|value| if let Value::Text(text) = value { Some(text.as_str()) } else { None })
                .collect::<StringArray>(),
        ),
        Type::Date => Arc::new(
            values
                .iter()
                .map(|value| if let Value::Date(days) = value { Some(*days) } else { None })
                .collect::<Date32Array>(),
        ),
        Type::Timestamp => Arc::new(values.iter().map(int).collect::<TimestampMicrosecondArray>()),
    }
}

fn public_value(column: &ColumnEntry, row: usize, chance: &mut Chance) -> Value {
    match column.kind {
        Type::Int64 => Value::Int(row as i64 + 1),
        Type::Text => Value::Text(TEXTS[row % TEXTS.len()].to_owned()),
        Type::Bool | Type::Float64 | Type::Date | Type::Timestamp => ordinary(column, chance),
    }
}

fn value(column: &ColumnEntry, manner: Manner, row: usize, chance: &mut Chance) -> Value {
    match manner {
        Manner::Ordinary | Manner::Repeated => ordinary(column, chance),
        Manner::Sweep => swept(column, row),
        Manner::NotANumber => match column.kind {
            Type::Float64 => Value::Float(f64::NAN),
            kind => Value::Null(kind),
        },
        Manner::Null => Value::Null(column.kind),
        Manner::Huge => extreme(column.kind, true),
        Manner::Tiny => extreme(column.kind, false),
        Manner::Small => small(column.kind, row),
        Manner::Bounds => at_bounds(column, row, 0.0),
        Manner::Outside => at_bounds(column, row, 1.0),
        Manner::Mixed => {
            const MANNERS: [Manner; 9] = [
                Manner::Ordinary,
                Manner::Sweep,
                Manner::NotANumber,
                Manner::Null,
                Manner::Huge,
                Manner::Tiny,
                Manner::Small,
                Manner::Bounds,
                Manner::Outside,
            ];
            let manner = MANNERS[chance.below(MANNERS.len())];
            value(column, manner, row, chance)
        }
    }
}

fn ordinary(column: &ColumnEntry, chance: &mut Chance) -> Value {
    if chance.percent(8) {
        return Value::Null(column.kind);
    }
    match &column.declared {
        Declared::Values(values) => values[chance.below(values.len())].clone(),
        Declared::Bounds { .. } => {
            let (lower, upper) = bounds(column).unwrap();
            let number = lower + (upper - lower) * chance.below(1_001) as f64 / 1_000.0;
            number_of(column.kind, number)
        }
        Declared::Nothing => match column.kind {
            Type::Bool => Value::Bool(chance.percent(50)),
            Type::Int64 => Value::Int(1 + chance.below(8) as i64),
            Type::Float64 => Value::Float(chance.below(100) as f64 / 8.0 - 5.0),
            Type::Text => Value::Text(TEXTS[chance.below(TEXTS.len())].to_owned()),
            Type::Date => Value::Date(14_000 + chance.below(6_000) as i32),
            Type::Timestamp => {
                Value::Timestamp((14_000 + chance.below(6_000) as i64) * 86_400_000_000)
            }
        },
    }
}

/// The declared bounds as numbers, of dates as days.
fn bounds(column: &ColumnEntry) -> Option<(f64, f64)> {
    let Declared::Bounds { lower, upper } = &column.declared else { return None };
    let number = |value: &Value| match value {
        Value::Date(days) => Some(f64::from(*days)),
        Value::Timestamp(micros) => Some(*micros as f64),
        other => other.as_number(),
    };
    Some((number(lower)?, number(upper)?))
}

fn number_of(kind: Type, number: f64) -> Value {
    match kind {
        Type::Int64 => Value::Int(number as i64),
        Type::Date => Value::Date(number as i32),
        Type::Timestamp => Value::Timestamp(number as i64),
        Type::Float64 | Type::Bool | Type::Text => Value::Float(number),
    }
}

fn swept(column: &ColumnEntry, row: usize) -> Value {
    if let Declared::Values(values) = &column.declared
        && row < values.len()
    {
        return values[row].clone();
    }
    match column.kind {
        Type::Bool => Value::Bool(row.is_multiple_of(2)),
        Type::Int64 => Value::Int(row as i64),
        Type::Float64 => Value::Float(row as f64),
        Type::Text => Value::Text(format!("only here {row}")),
        Type::Date => Value::Date(row as i32 * 31),
        Type::Timestamp => Value::Timestamp(row as i64 * 86_400_000_000 * 31),
    }
}

fn extreme(kind: Type, high: bool) -> Value {
    match kind {
        Type::Bool => Value::Bool(high),
        Type::Int64 => Value::Int(if high { i64::MAX } else { i64::MIN }),
        Type::Float64 => Value::Float(if high { f64::INFINITY } else { f64::NEG_INFINITY }),
        Type::Text => Value::Text(if high { "\u{10FFFF}".repeat(300) } else { String::new() }),
        Type::Date => Value::Date(if high { i32::MAX } else { i32::MIN }),
        Type::Timestamp => Value::Timestamp(if high { i64::MAX } else { i64::MIN }),
    }
}

fn small(kind: Type, row: usize) -> Value {
    match kind {
        Type::Bool => Value::Bool(false),
        Type::Int64 => Value::Int(row as i64 % 3 - 1),
        Type::Float64 => {
            Value::Float([-0.0, f64::MIN_POSITIVE / 2.0, -f64::MIN_POSITIVE, 1e308][row % 4])
        }
        Type::Text => Value::Text(HOSTILE_TEXTS[row % HOSTILE_TEXTS.len()].to_owned()),
        Type::Date => Value::Date(row as i32 % 3 - 1),
        Type::Timestamp => Value::Timestamp(row as i64 % 3 - 1),
    }
}

fn at_bounds(column: &ColumnEntry, row: usize, beyond: f64) -> Value {
    if let Some((lower, upper)) = bounds(column) {
        let number = if row.is_multiple_of(2) { lower - beyond } else { upper + beyond };
        return number_of(column.kind, number);
    }
    match (&column.declared, column.kind) {
        (Declared::Values(values), _) if beyond == 0.0 => values[values.len() - 1].clone(),
        (_, Type::Int64) => Value::Int(-7 - row as i64),
        (_, Type::Text) => Value::Text(HOSTILE_TEXTS[row % HOSTILE_TEXTS.len()].to_owned()),
        (_, kind) => small(kind, row),
    }
}
