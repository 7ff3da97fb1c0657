//! What is worth knowing before paying, from public parameters alone.

use super::{ExplainedBoundary, ExplainedOutput, Explanation};
use crate::options::AskOptions;

/// Public cells beyond this number are mostly noise in most data.
const CELLS_MANY: u64 = 1_000;

/// An error of a mean beyond this share of its range says little.
const ERROR_SHARE_LARGE: f64 = 0.25;

pub(super) fn of(explanation: &Explanation, options: &AskOptions, affordable: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if !affordable {
        warnings.push("the project's budget does not suffice for this question".to_owned());
    }
    let learned = |boundary: &ExplainedBoundary| boundary.keys.kind == "learned";
    if options.selection_delta.is_some() && !explanation.boundaries.iter().any(learned) {
        warnings.push("no keys are learned, so the stated delta is not spent".to_owned());
    }
    for boundary in &explanation.boundaries {
        let cells = boundary.keys.cells.as_deref().and_then(|cells| cells.parse::<u64>().ok());
        if let Some(cells) = cells.filter(|cells| *cells > CELLS_MANY) {
            warnings.push(format!(
                "{cells} cells are shown whether or not they hold anybody: coarser keys have less \
                 noise for their content"
            ));
        }
        warnings.extend(boundary.outputs.iter().filter_map(wide));
    }
    warnings
}

/// A mean whose error is a large part of its range.
fn wide(output: &ExplainedOutput) -> Option<String> {
    let range = output.range.as_ref().filter(|_| output.kind == "mean")?;
    let end = |text: &Option<String>| text.as_ref()?.parse::<f64>().ok();
    let width = end(&range.upper)? - end(&range.lower)?;
    (output.error_95 > width * ERROR_SHARE_LARGE).then(|| {
        format!(
            "{}: its expected error is more than a quarter of its range even in a group of 1,000; \
             spend more, or ask for fewer columns",
            output.name
        )
    })
}
