//! How much one boundary may need while it is computed: all of it known from the question alone, and
//! refused before anything is paid for.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Aggregate;

use super::{Draft, DraftKeys};
use crate::door::place_of;
use crate::error::{Place, Refusal, RefusalCode};
use crate::execute::Measures;
use crate::plan::Written;

/// So many expressions may give text for the rows of one boundary: a batch of rows may hold one text
/// of 64 KiB for each at the same time.
const TEXTS_MAX: usize = 32;

/// All conditions of a boundary may have so many parts once they are written out.
const CONDITION_PARTS_MAX: usize = 20_000;

/// So many totals may be kept for one group. A quantile keeps up to 256.
const MEASURES_MAX: usize = 8_192;

/// So many totals may be kept for all public keys together: 64 MiB of them.
const CELLS_MAX: usize = 1 << 22;

/// Refuses a boundary that would need too much.
pub(super) fn check(draft: &Draft, aggregate: &Aggregate) -> Result<(), Refusal> {
    let place = place(aggregate).unwrap_or(Place::In("SELECT"));
    let Written { condition_parts, texts } = Written::of(&draft.input, &draft.keys, &draft.values);
    let refused = |subject: &str, why: String, fix: &str| {
        Err(Refusal::new(RefusalCode::Expression, subject, why, fix).at(place))
    };
    if texts > TEXTS_MAX {
        return refused(
            "the rows of this aggregate",
            format!(
                "{texts} functions, CASEs and casts give text for each row, more than {TEXTS_MAX} \
                 that a batch of rows has room for"
            ),
            "compute a text once in a subquery in FROM, use its column, and test it with IN (..) \
             instead of many =",
        );
    }
    if condition_parts > CONDITION_PARTS_MAX {
        return refused(
            "the conditions below this aggregate",
            format!(
                "with the columns of subqueries written out they have more than \
                 {CONDITION_PARTS_MAX} parts"
            ),
            "test a computed column once, with IN (..) or BETWEEN, or ask fewer things at a time",
        );
    }
    let measures =
        1 + Measures::count(draft.noisy.iter().map(|noisy| noisy.measure), &draft.values);
    if measures > MEASURES_MAX {
        return refused(
            "this aggregate",
            format!("it keeps {measures} totals for each group, more than {MEASURES_MAX}"),
            "ask for fewer quantiles in one SELECT: each keeps up to 256 totals",
        );
    }
    if let DraftKeys::Public(values) = &draft.domain {
        let cells: usize = values.iter().map(Vec::len).product();
        if cells.saturating_mul(measures) > CELLS_MAX {
            return refused(
                "this aggregate",
                format!(
                    "{cells} public keys with {measures} totals each are more than {CELLS_MAX}"
                ),
                "group by fewer keys, or ask for fewer quantiles in one SELECT",
            );
        }
    }
    Ok(())
}

/// Where the aggregate stands, or else what it reads.
fn place(aggregate: &Aggregate) -> Option<Place> {
    let mut exprs = aggregate.aggr_expr.iter().chain(&aggregate.group_expr);
    let mut found = exprs.find_map(place_of);
    let walked = aggregate.input.apply(|node| {
        if found.is_none() {
            node.apply_expressions(|expr| {
                found = found.or_else(|| place_of(expr));
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(if found.is_none() { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    walked.ok().and(found)
}
