//! An answer as people see it: plain cells for the report and a table for the terminal.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::presets::NOTHING;
use comfy_table::{Cell as TerminalCell, CellAlignment, Table as TerminalTable, TableComponent};
use serde_json::Value;
use voilage_privacy::{Delta, Epsilon, Rho};
use voilage_query::Answer;

use crate::console::Console;
use crate::error::CliError;
use crate::report::{Cell, Column, Table, number};

/// Digits of a quantity of privacy loss as people see it; receipts have it exactly.
const LOSS_DIGITS: usize = 4;

/// The released table of `answer` in plain cells.
pub(crate) fn table(answer: &Answer) -> Result<Table, CliError> {
    let schema = answer.table.schema();
    let mut table = Table { columns: Vec::new(), rows: Vec::new() };
    table.rows.resize_with(answer.table.num_rows(), Vec::new);
    for (position, array) in answer.table.columns().iter().enumerate() {
        let interval = answer.intervals.get(position).and_then(Option::as_ref);
        table.columns.push(Column {
            name: schema.field(position).name().clone(),
            has_interval: interval.is_some(),
            is_number: array.data_type().is_numeric(),
        });
        for (row, mut cell) in plain_cells(array)?.into_iter().enumerate() {
            cell.interval = interval.and_then(|interval| {
                let is_known = interval.low.is_valid(row) && interval.high.is_valid(row);
                is_known.then(|| (interval.low.value(row), interval.high.value(row)))
            });
            table.rows[row].push(cell);
        }
    }
    Ok(table)
}

/// The table with its intervals as `value  [low, high]`.
pub(crate) fn terminal(table: &Table) -> String {
    let mut shown = blank();
    let aligned = |text: String, column: &Column| {
        let side = if column.is_number { CellAlignment::Right } else { CellAlignment::Left };
        TerminalCell::new(printable(&text)).set_alignment(side)
    };
    shown.set_header(table.columns.iter().map(|column| aligned(column.name.clone(), column)));
    for row in &table.rows {
        shown.add_row(table.columns.iter().zip(row).map(|(column, cell)| {
            let text = match cell.shown() {
                (value, Some(interval)) => format!("{value}  {interval}"),
                (value, None) => value,
            };
            aligned(text, column)
        }));
    }
    shown.trim_fmt()
}

/// A loss as one line, rounded up: `rho 0.01235, delta 1e-9`. What costs nothing is left out.
pub(crate) fn loss(parts: &BTreeMap<String, String>) -> String {
    let up = |name: &str, exact: &String| {
        let shown = match name {
            "rho" => Rho::parse(exact).map(|rho| rho.display_up(LOSS_DIGITS)),
            "delta" => Delta::parse(exact).map(|delta| delta.display_up(LOSS_DIGITS)),
            _ => Epsilon::parse(exact).map(|epsilon| epsilon.display_up(LOSS_DIGITS)),
        };
        shown.unwrap_or_else(|_| exact.clone())
    };
    let spent = parts.iter().filter(|(_, exact)| *exact != "0");
    let mut parts: Vec<_> =
        spent.map(|(name, exact)| format!("{name} {}", up(name, exact))).collect();
    // The main quantity first: rho before delta.
    parts.reverse();
    parts.join(", ")
}

/// A table for the terminal with a rule below its head and no other lines.
pub(crate) fn blank() -> TerminalTable {
    let mut table = TerminalTable::new();
    table.load_preset(NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    table
}

fn plain_cells(array: &ArrayRef) -> Result<Vec<Cell>, CliError> {
    let bug = |error: arrow::error::ArrowError| CliError::Bug(error.to_string());
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options).map_err(bug)?;
    let numbers = match array.data_type().is_numeric() {
        true => Some(cast(array, &DataType::Float64).map_err(bug)?),
        false => None,
    };
    let is_floating = array.data_type().is_floating();
    let cell = |row: usize| {
        if array.is_null(row) {
            return Ok(Cell::default());
        }
        let value =
            numbers.as_ref().map(|numbers| numbers.as_primitive::<Float64Type>().value(row));
        let text = match value {
            Some(value) if is_floating => number::plain(value),
            _ => formatter.value(row).try_to_string().map_err(bug)?,
        };
        Ok(Cell { text, value, interval: None })
    };
    (0..array.len()).map(cell).collect()
}

/// A value for programs, on the output.
pub(crate) fn json(value: &Value, console: &mut Console<'_>) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| CliError::Bug(format!("a value has no JSON: {error}")))?;
    writeln!(console.out, "{text}")?;
    Ok(())
}

/// Text that cannot move the cursor or change the colours of a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
