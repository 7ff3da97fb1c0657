//! The report of a job: one self-contained HTML page, a pure function of plain structs.
//!
//! Never imported here: Arrow, the engine, files. What is written is all that was given: no time,
//! no path, no network, no script.

pub mod chart;
mod html;
pub mod number;

pub use chart::Bar;
pub use html::html;

/// Everything a report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The project that paid.
    pub project: String,
    /// The dataset asked about.
    pub dataset: String,
    /// The reference of the permit.
    pub permit: String,
    /// In the order of asking.
    pub questions: Vec<ReportQuestion>,
}

/// One question with its answer and its price.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportQuestion {
    /// Its name in the job.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// As it was asked.
    pub sql: String,
    /// The answer.
    pub table: Table,
    /// What was charged, such as "rho 0.01, delta 1e-9".
    pub loss: String,
    /// The loss as a share of the project's budget.
    pub share: String,
    /// What was left of it after this charge.
    pub left: String,
    /// The position of the charge in the ledger's chain.
    pub charge: u64,
    /// The hash of what was released.
    pub output_hash: String,
}

/// A released table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows: one cell per column.
    pub rows: Vec<Vec<Cell>>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether it has 95% intervals.
    pub has_interval: bool,
    /// Whether it holds numbers.
    pub is_number: bool,
}

/// One value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The value as it is without an interval; empty for NULL.
    pub text: String,
    /// The value, if it is a number.
    pub value: Option<f64>,
    /// The ends of its 95% interval.
    pub interval: Option<(f64, f64)>,
}

impl Cell {
    /// The value, and its interval in brackets, with the digits that mean something.
    pub fn shown(&self) -> (String, Option<String>) {
        match (self.value, self.interval) {
            (Some(value), Some((low, high))) => {
                let [value, low, high] = number::with_interval(value, low, high);
                (value, Some(format!("[{low}, {high}]")))
            }
            _ => (self.text.clone(), None),
        }
    }
}

impl Table {
    /// What a chart shows: the first column with intervals, labelled by the columns before it that
    /// have none.
    ///
    /// *Shape*: the name of the measure and a bar per row; nothing if no column has an interval.
    pub fn bars(&self) -> Option<(&str, Vec<Bar>)> {
        let measure = self.columns.iter().position(|column| column.has_interval)?;
        let keys: Vec<usize> =
            (0..self.columns.len()).filter(|at| !self.columns[*at].has_interval).collect();
        let before = keys.iter().copied().filter(|at| *at < measure).collect::<Vec<_>>();
        let keys = if before.is_empty() { keys } else { before };
        let bar = |row: &Vec<Cell>| {
            let cell = row.get(measure)?;
            let label: Vec<&str> =
                keys.iter().filter_map(|at| row.get(*at)).map(|key| key.text.as_str()).collect();
            let label = if label.is_empty() { "all".to_owned() } else { label.join(", ") };
            Some(Bar { label, value: cell.value?, interval: cell.interval })
        };
        Some((&self.columns[measure].name, self.rows.iter().filter_map(bar).collect()))
    }
}

/// `text` as HTML and SVG show it, in content and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No page may hold them, and no text should.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' => {
                escaped.push('\u{fffd}');
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
