//! Views: queries that the data holder has given a name.
//!
//! A view is planned by the same door as a question and put in the place of its name before the
//! analysis, like a common table expression. So it never shows more than the query would, and it
//! is priced by what a question makes of it.

use std::sync::Arc;

use datafusion::datasource::ViewTable;
use datafusion::prelude::SessionContext;

use crate::catalogue::{Catalogue, ViewEntry};
use crate::door;
use crate::error::QueryError;

/// Makes all views known to a session. A view may read tables and other views.
///
/// # Errors
/// When a view is no query over the hub's tables and views, or views read each other in a circle.
pub(crate) async fn register(
    context: &SessionContext,
    catalogue: &Catalogue,
) -> Result<(), QueryError> {
    let mut waiting: Vec<&ViewEntry> = catalogue.views.iter().collect();
    while !waiting.is_empty() {
        let mut failed = Vec::new();
        let before = waiting.len();
        for view in waiting {
            // A view that reads a later one is planned in the next round.
            match door::view(context, catalogue, &view.sql).await {
                Ok(plan) => {
                    let table = Arc::new(ViewTable::new(plan, Some(view.sql.clone())));
                    context.register_table(view.name.as_str(), table).map_err(|_| {
                        QueryError::bug(format!("view {} cannot be registered", view.name))
                    })?;
                }
                Err(refusal) => failed.push((view, refusal)),
            }
        }
        if failed.len() == before
            && let Some((view, refusal)) = failed.first()
        {
            return Err(QueryError::input(
                format!("view {} of dataset {}: {refusal}", view.name, view.dataset),
                format!("correct [datasets.{}.views.{}] in the hub file", view.dataset, view.name),
            ));
        }
        waiting = failed.into_iter().map(|(view, _)| view).collect();
    }
    Ok(())
}
