//! An answer for people to read, as text and as HTML.

use arrow::array::{Array, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use pyo3::prelude::*;
use voilage_query::{Answer, Interval, QueryError, Receipt};

use crate::errors::raise;

/// Rows shown at most; the table itself has them all.
const ROWS_MAX: usize = 40;

/// The cells and the footer of an answer.
pub(crate) struct Rendering {
    names: Vec<String>,
    numeric: Vec<bool>,
    columns: Vec<Vec<String>>,
    rows: usize,
    footer: Vec<String>,
}

impl Rendering {
    /// Formats an answer's first rows with their intervals and what it cost.
    pub(crate) fn of(answer: &Answer) -> PyResult<Self> {
        let table = &answer.table;
        let rows = table.num_rows().min(ROWS_MAX);
        let mut columns = Vec::with_capacity(table.num_columns());
        for (position, array) in table.columns().iter().enumerate() {
            let interval = answer.intervals.get(position).and_then(Option::as_ref);
            columns.push(column(array.as_ref(), interval, rows)?);
        }
        let mut footer = Vec::new();
        if table.num_rows() > rows {
            footer.push(format!("... and {} more rows", table.num_rows() - rows));
        }
        if answer.intervals.iter().any(Option::is_some) {
            footer.push("[95% interval for the noise around the bounded answer]".to_owned());
        }
        footer.push(cost(&answer.receipt, answer.replayed));
        let schema = table.schema();
        Ok(Self {
            names: schema.fields().iter().map(|field| printable(field.name())).collect(),
            numeric: schema.fields().iter().map(|field| field.data_type().is_numeric()).collect(),
            columns,
            rows,
            footer,
        })
    }

    /// A plain table and its footer.
    pub(crate) fn text(&self) -> String {
        let widths: Vec<usize> = self
            .names
            .iter()
            .zip(&self.columns)
            .map(|(name, cells)| {
                cells.iter().chain([name]).map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut lines = vec![self.line(&self.names.iter().collect::<Vec<_>>(), &widths)];
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        lines.push(rule.join("  "));
        for row in 0..self.rows {
            let cells: Vec<&String> = self.columns.iter().map(|cells| &cells[row]).collect();
            lines.push(self.line(&cells, &widths));
        }
        lines.extend(self.footer.iter().cloned());
        lines.join("\n")
    }

    /// An HTML table whose caption is the footer.
    pub(crate) fn html(&self) -> String {
        let mut html = "<table class=\"voilage-result\">\n".to_owned();
        let caption: Vec<String> = self.footer.iter().map(|line| escape(line)).collect();
        html.push_str(&format!(
            "<caption style=\"caption-side: bottom; text-align: left\">{}</caption>\n",
            caption.join("<br>")
        ));
        let names: Vec<&String> = self.names.iter().collect();
        html.push_str(&format!("<thead>{}</thead>\n<tbody>\n", self.html_row("th", &names)));
        for row in 0..self.rows {
            let cells: Vec<&String> = self.columns.iter().map(|cells| &cells[row]).collect();
            html.push_str(&self.html_row("td", &cells));
            html.push('\n');
        }
        html.push_str("</tbody>\n</table>");
        html
    }

    fn line(&self, cells: &[&String], widths: &[usize]) -> String {
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .zip(&self.numeric)
            .map(
                |((cell, width), numeric)| {
                    if *numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                },
            )
            .collect();
        padded.join("  ").trim_end().to_owned()
    }

    fn html_row(&self, tag: &str, cells: &[&String]) -> String {
        let cells: String = cells
            .iter()
            .zip(&self.numeric)
            .map(|(cell, numeric)| {
                let side = if *numeric { "right" } else { "left" };
                format!("<{tag} style=\"text-align: {side}\">{}</{tag}>", escape(cell))
            })
            .collect();
        format!("<tr>{cells}</tr>")
    }
}

/// The text with the characters that mean something in HTML replaced.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn column(array: &dyn Array, interval: Option<&Interval>, rows: usize) -> PyResult<Vec<String>> {
    let values = values(array, rows)?;
    let Some(interval) = interval else { return Ok(values) };
    let places = if array.data_type().is_floating() { places(&interval.high) } else { 0 };
    let with_interval = |(row, value): (usize, String)| {
        if interval.low.is_null(row) || interval.high.is_null(row) {
            return value;
        }
        let (low, high) = (interval.low.value(row), interval.high.value(row));
        format!("{value} [{low:.places$}, {high:.places$}]")
    };
    Ok(values.into_iter().enumerate().map(with_interval).collect())
}

fn values(array: &dyn Array, rows: usize) -> PyResult<Vec<String>> {
    if *array.data_type() == DataType::Float64 {
        let floats = array.as_primitive::<Float64Type>();
        let places = places(floats);
        let show = |row| {
            if floats.is_null(row) {
                "NULL".to_owned()
            } else {
                format!("{:.places$}", floats.value(row))
            }
        };
        return Ok((0..rows).map(show).collect());
    }
    let unprintable = |_| raise(QueryError::Bug("a column of an answer cannot be printed".into()));
    let options = FormatOptions::default().with_null("NULL");
    let formatter = ArrayFormatter::try_new(array, &options).map_err(unprintable)?;
    (0..rows)
        .map(|row| formatter.value(row).try_to_string().map_err(unprintable))
        .map(|cell| cell.map(|cell| printable(&cell)))
        .collect()
}

/// Decimal places that suit the size of a column's numbers.
fn places(floats: &Float64Array) -> usize {
    let largest = floats.iter().flatten().map(f64::abs).fold(0.0, f64::max);
    match largest {
        size if size >= 1000.0 => 1,
        size if size >= 1.0 => 2,
        _ => 4,
    }
}

fn printable(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn cost(receipt: &Receipt, replayed: bool) -> String {
    let loss: Vec<String> =
        receipt.loss.iter().map(|(name, amount)| format!("{name} {amount}")).collect();
    let Receipt { project, share, left, .. } = receipt;
    let price = format!("{share} of {project}'s budget ({})", loss.join(", "));
    if replayed {
        format!("replayed: nothing charged; it cost {price} once, which left {left}")
    } else {
        format!("cost: {price}; left: {left}")
    }
}
