//! An explanation as text for a terminal.

use std::fmt;

use crate::receipt::ReceiptColumn;

use super::{ExplainedBoundary, ExplainedKeys, ExplainedRange, ExplainedTable, Explanation};

/// A list of values is printed up to this length; JSON has all of them.
const VALUES_PRINTED_MAX: usize = 8;

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |fields: &std::collections::BTreeMap<String, String>| {
            fields.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>()
        };
        let Self { project, dataset, unit, accountant, .. } = self;
        writeln!(
            out,
            "project {project} on dataset {dataset}, {accountant}; protects each {unit}"
        )?;
        writeln!(out, "cost    {} of the budget ({})", self.share, fields(&self.loss).join(", "))?;
        write!(out, "left    {} afterwards", self.left_after)?;
        if self.left.is_empty() {
            writeln!(out)?;
        } else {
            writeln!(out, " ({})", fields(&self.left).join(", "))?;
        }
        if let Some(top_up) = &self.top_up {
            let releases = top_up.releases.join(", ");
            writeln!(out, "top-up  of {releases}: errors below are those of all draws together")?;
        }
        for view in &self.views {
            let one_line = view.sql.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(out, "view    {}: {one_line}", view.name)?;
        }
        for (index, boundary) in self.boundaries.iter().enumerate() {
            writeln!(out, "private aggregate {}", index + 1)?;
            write_boundary(out, boundary, unit)?;
        }
        for warning in &self.warnings {
            writeln!(out, "warning {warning}")?;
        }
        for note in &self.notes {
            writeln!(out, "note    {note}")?;
        }
        Ok(())
    }
}

fn write_boundary(
    out: &mut fmt::Formatter<'_>,
    boundary: &ExplainedBoundary,
    unit: &str,
) -> fmt::Result {
    for table in &boundary.tables {
        writeln!(out, "  reads   {}", table_text(table))?;
    }
    for earlier in &boundary.released {
        writeln!(out, "  reads   what private aggregate {} releases", earlier + 1)?;
    }
    writeln!(out, "  keys    {}", keys_text(&boundary.keys))?;
    for key in &boundary.keys.columns {
        writeln!(out, "  key     {}", range_text(key))?;
    }
    let of = boundary.keys.cells.as_ref().map_or(String::new(), |cells| format!(" of {cells}"));
    writeln!(
        out,
        "  bounds  each {unit}: {}{of} groups ({}), {} rows in each ({})",
        boundary.max_groups,
        boundary.max_groups_source,
        boundary.max_rows_per_group,
        boundary.max_rows_per_group_source
    )?;
    for range in boundary.outputs.iter().filter_map(|output| output.range.as_ref()) {
        writeln!(out, "  values  {}", range_text(range))?;
    }
    write_noise(out, &boundary.noisy)?;
    for output in &boundary.outputs {
        let (name, note) = (&output.name, &output.note);
        writeln!(out, "  error   {name}: +-{} at 95% {note}", significant(output.error_95))?;
    }
    Ok(())
}

/// A line for each noisy column; the rounds of one search, which have the same noise, share one.
fn write_noise(out: &mut fmt::Formatter<'_>, columns: &[ReceiptColumn]) -> fmt::Result {
    let search = |column: &ReceiptColumn| {
        let (what, _) = column.measure.rsplit_once(", round ")?;
        Some((what.to_owned(), column.scale.clone(), column.sensitivity.clone()))
    };
    let together =
        |a: &ReceiptColumn, b: &ReceiptColumn| search(a).is_some_and(|one| Some(one) == search(b));
    for rounds in columns.chunk_by(together) {
        let [first, ..] = rounds else { continue };
        let (what, each) = match search(first) {
            Some((what, ..)) => (what, format!(", in each of {} rounds", rounds.len())),
            None => (first.measure.clone(), String::new()),
        };
        writeln!(
            out,
            "  noise   {what}: {}, scale {}, sensitivity {}{each}",
            first.mechanism, first.scale, first.sensitivity
        )?;
    }
    Ok(())
}

fn table_text(table: &ExplainedTable) -> String {
    match (&table.unit_column, &table.provenance) {
        (Some(unit), _) => format!("{} by its unit {unit}", table.name),
        (None, Some(provenance)) => format!("{}, public: {provenance}", table.name),
        (None, None) => table.name.clone(),
    }
}

fn keys_text(keys: &ExplainedKeys) -> String {
    let mut text = keys.kind.clone();
    if let Some(cells) = &keys.cells {
        text += &format!(", {cells} cells");
    }
    text += &format!(": {}", keys.why);
    if let (Some(threshold), Some(delta)) = (&keys.threshold, &keys.delta) {
        text += &format!(
            "; a key appears when its noisy count of units reaches {threshold}, which spends \
             delta {delta}"
        );
    }
    if let (Some(units), Some(source)) = (keys.min_units, &keys.min_units_source) {
        text += &match keys.threshold {
            Some(_) => format!(", and when it has at least {units} units ({source})"),
            None => format!(
                "; shown where the noisy count of units reaches {units} ({source}): the true one \
                 may be below"
            ),
        };
    }
    text
}

fn range_text(range: &ExplainedRange) -> String {
    let mut text = match (&range.values, &range.lower, &range.upper) {
        (_, Some(lower), Some(upper)) => format!("{}: [{lower}, {upper}]", range.name),
        (_, Some(lower), None) => format!("{}: from {lower} up", range.name),
        (_, None, Some(upper)) => format!("{}: up to {upper}", range.name),
        (Some(values), _, _) if values.is_empty() => format!("{}: no value", range.name),
        (Some(values), _, _) if values.len() <= VALUES_PRINTED_MAX => {
            format!("{}: {}", range.name, values.join(", "))
        }
        (Some(values), _, _) => format!("{}: {} values", range.name, values.len()),
        (None, None, None) => format!("{}: anything", range.name),
    };
    if range.nullable {
        text += " or NULL";
    }
    for source in &range.sources {
        text += &format!("; {} has {}", source.column, source.declared);
        if let Some(words) = &source.source {
            text += &format!(" ({words})");
        }
    }
    text
}

/// Four significant digits, or all digits of a whole number.
pub(crate) fn significant(number: f64) -> String {
    if number.fract() == 0.0 || !number.is_finite() {
        return format!("{number}");
    }
    let digits = (3 - number.abs().log10().floor() as i32).clamp(0, 12);
    format!("{number:.0$}", digits as usize)
}
