//! What a question may change about its bounds and its selection of keys, within the policy.

use voilage_budgets::ProjectRules;
use voilage_privacy::quantity::Delta;

use crate::catalogue::{Catalogue, TableOwner};
use crate::door::Parameters;
use crate::error::QueryError;
use crate::ownership::Draft;
use crate::plan::Relation;
use crate::refusal::{Place, Refusal, RefusalCode};
use crate::weights::Weights;

/// Parameters of a question beside its price. None of them is needed.
#[derive(Clone, Debug, Default)]
pub struct AskOptions {
    /// At most so many groups keep a unit's rows, instead of the data holder's number.
    pub max_groups: Option<u32>,
    /// At most so many of a unit's rows are kept in a group, instead of the data holder's number.
    pub max_rows_per_group: Option<u32>,
    /// What learned keys may spend of delta, all of the statement together.
    pub selection_delta: Option<Delta>,
    /// Groups of fewer units are not shown. The project's rule holds even where less is asked for.
    pub min_units: Option<u32>,
    /// Whether to estimate how many units had more groups or rows than are kept. It costs a fifth of what
    /// a column costs.
    pub estimate_cut: bool,
    /// Whether counts are shown as 0 or more, and totals as the sums of their parts, where keys are nested.
    /// It is free: the values as they were drawn are the same question without it.
    pub consistent: bool,
    /// Which columns get more of the loss than others.
    pub weights: Option<Weights>,
}

impl AskOptions {
    /// These options with those that the SQL itself states.
    ///
    /// # Errors
    /// When one is stated in both.
    pub(crate) fn with(&self, parameters: &Parameters) -> Result<Self, Refusal> {
        let max_groups = once(
            "max_groups_contributed",
            self.max_groups,
            parameters.max_groups.map(|bound| (bound.value, bound.place)),
        );
        let max_rows_per_group = once(
            "max_rows_per_group",
            self.max_rows_per_group,
            parameters.max_rows_per_group.map(|bound| (bound.value, bound.place)),
        );
        let delta = once("delta", self.selection_delta.clone(), parameters.delta.clone());
        let min_units = once(
            "min_units",
            self.min_units,
            parameters.min_units.map(|bound| (bound.value, bound.place)),
        )
        .and_then(|units| not_zero("min_units", units));
        let asked = parameters.estimate_cut;
        let given = self.estimate_cut.then_some(true);
        let estimate_cut = once("estimate_cut", given, asked);
        let given = self.consistent.then_some(true);
        let consistent = once("consistent", given, parameters.consistent);
        let weights = once("weights", self.weights.clone(), parameters.weights.clone());
        let bounds = Refusal::both(
            Refusal::both(max_groups, max_rows_per_group),
            Refusal::both(estimate_cut, consistent),
        );
        let rest = Refusal::both(Refusal::both(delta, min_units), weights);
        let (
            ((max_groups, max_rows_per_group), (estimate_cut, consistent)),
            ((selection_delta, min_units), weights),
        ) = Refusal::both(bounds, rest)?;
        Ok(Self {
            max_groups,
            max_rows_per_group,
            selection_delta,
            min_units,
            weights,
            estimate_cut: estimate_cut.unwrap_or(false),
            consistent: consistent.unwrap_or(false),
        })
    }

    /// These options beneath the rules of the project.
    #[must_use]
    pub(crate) fn under(self, rules: &ProjectRules) -> Self {
        Self { min_units: self.min_units.max(rules.min_units), ..self }
    }

    /// Refuses bounds that the data holder's policy does not allow.
    pub(crate) fn check(
        &self,
        catalogue: &Catalogue,
        drafts: &[Draft],
        parameters: &Parameters,
    ) -> Result<(), QueryError> {
        for draft in drafts {
            let limits = Limits::of(catalogue, &draft.input)?;
            let place = |bound: Option<crate::door::Bound>| bound.and_then(|bound| bound.place);
            let groups = within(
                "max_groups_contributed",
                self.max_groups,
                limits.groups,
                place(parameters.max_groups),
            );
            let rows = within(
                "max_rows_per_group",
                self.max_rows_per_group,
                limits.rows,
                place(parameters.max_rows_per_group),
            );
            Refusal::both(groups, rows)?;
        }
        Ok(())
    }
}

/// A parameter stated by the caller or by the SQL, not by both.
fn once<T>(
    name: &str,
    given: Option<T>,
    written: Option<(T, Option<Place>)>,
) -> Result<Option<T>, Refusal> {
    match (given, written) {
        (Some(_), Some((_, place))) => Err(Refusal::new(
            RefusalCode::Parameter,
            name,
            "it is said twice: in OPTIONS and beside the SQL",
            "say it once",
        )
        .at(place)),
        (given, written) => Ok(given.or(written.map(|(value, _)| value))),
    }
}

fn not_zero(name: &str, wanted: Option<u32>) -> Result<Option<u32>, Refusal> {
    match wanted {
        Some(0) => Err(Refusal::new(
            RefusalCode::Parameter,
            format!("{name} = 0"),
            "every group has at least as many",
            format!("write {name} = 1 or more, or leave it out"),
        )),
        Some(_) | None => Ok(wanted),
    }
}

/// How far a question may go: the smallest ceiling of its tables, and never less than what holds
/// without asking.
struct Limits {
    groups: u32,
    rows: u32,
}

impl Limits {
    fn of(catalogue: &Catalogue, input: &Relation) -> Result<Self, QueryError> {
        let mut names = Vec::new();
        crate::analysed::scanned_tables(input, &mut names);
        let (mut groups, mut rows) = ((0, u32::MAX), (0, u32::MAX));
        for name in names {
            if let TableOwner::Unit {
                max_groups,
                max_rows_per_group,
                max_groups_ceiling,
                max_rows_per_group_ceiling,
                ..
            } = &catalogue.table(&name)?.owner
            {
                groups = (groups.0.max(*max_groups), groups.1.min(*max_groups_ceiling));
                rows = (rows.0.max(*max_rows_per_group), rows.1.min(*max_rows_per_group_ceiling));
            }
        }
        Ok(Self { groups: groups.0.max(groups.1), rows: rows.0.max(rows.1) })
    }
}

fn within(
    name: &str,
    wanted: Option<u32>,
    limit: u32,
    place: Option<Place>,
) -> Result<(), Refusal> {
    match wanted {
        Some(0) => Err(Refusal::new(
            RefusalCode::Parameter,
            format!("{name} = 0"),
            "every answer would be empty",
            format!("write {name} = 1 or more"),
        )
        .at(place)),
        Some(wanted) if wanted > limit => Err(Refusal::new(
            RefusalCode::Parameter,
            format!("{name} = {wanted}"),
            format!("the data holder's policy allows at most {limit} for the tables read here"),
            format!("write {name} = {limit} or less, or ask the data holder for a higher ceiling"),
        )
        .at(place)),
        Some(_) | None => Ok(()),
    }
}
