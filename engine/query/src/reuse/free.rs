//! Free answers: what follows from a release of the same project, offered beside the price of a fresh
//! one and taken only on request.

use std::fmt;

use datafusion::logical_expr::LogicalPlan;
use serde::Serialize;
use voilage_budgets::{ChargeDetail, Revisit};

use super::cube::{Derived, Missing, derive, groups_asked};
use super::sealed::{Chain, Sealed, SealedBoundary};
use super::top_up::means;
use crate::analysed::Analysed;
use crate::answer::Answer;
use crate::error::QueryError;
use crate::execute::Files;
use crate::explanation::{self, Explanation, significant};
use crate::holder;
use crate::hub::Study;
use crate::options::AskOptions;
use crate::plan::Boundary;
use crate::post::{self, Traced};
use crate::receipt::{Receipt, ReceiptPart};
use crate::release::Released;
use crate::session;

/// So many of a project's releases are looked through, the newest first.
const SEARCHED_MAX: usize = 128;

/// Whether a question follows from what its project has released.
pub enum Free {
    /// It does.
    Offered(Box<Offer>),
    /// It does not, and why.
    No {
        /// The reason, for the release that comes nearest.
        why: String,
    },
}

/// A free answer that may be taken.
pub struct Offer {
    /// What people may know before they take it.
    pub terms: OfferTerms,
    study: Study,
    sql: String,
    above: LogicalPlan,
    files: Files,
    tables: Vec<(Boundary, Released)>,
    source: Sealed,
    combined: Vec<ReceiptPart>,
}

/// A free answer in words and numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfferTerms {
    /// The release that it follows from.
    pub release: String,
    /// How its rows were bounded.
    pub note: String,
    /// The columns of the result that are released values or sums of them.
    pub columns: Vec<OfferedColumn>,
}

/// A column of a free answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfferedColumn {
    /// Its name in the result.
    pub name: String,
    /// Half the width of its 95% interval; of a mean for a group of 1,000 rows.
    pub error_95: f64,
    /// The same of a fresh answer, where a price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_error_95: Option<f64>,
}

/// `from release 17-1a2b3c4d: n +-120 instead of +-40; bounded at the cube's level ..`
impl fmt::Display for OfferTerms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "from release {}", self.release)?;
        for (position, column) in self.columns.iter().enumerate() {
            let before = if position == 0 { ":" } else { "," };
            write!(out, "{before} {} +-{}", column.name, significant(column.error_95))?;
            if let Some(fresh) = column.fresh_error_95 {
                write!(out, " instead of +-{}", significant(fresh))?;
            }
        }
        write!(out, "; {}", self.note)
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Offer").field("terms", &self.terms).finish_non_exhaustive()
    }
}

/// What answers all boundaries of a question.
struct Found {
    source: Sealed,
    combined: Vec<ReceiptPart>,
    derived: Vec<Derived>,
}

impl Found {
    fn noise(&self) -> f64 {
        self.derived.iter().map(Derived::noise).sum()
    }
}

/// Looks for a release that a question follows from, the one with the least noise. Reads no owned row,
/// charges nothing, and shows no released value.
pub(crate) fn search(study: Study, sql: &str, options: &AskOptions) -> Result<Free, QueryError> {
    let (asked, ()) = Analysed::of(study, sql, options, |_, _| Ok(()))?;
    if asked.options.estimate_cut || asked.options.consistent {
        return Ok(Free::No { why: Missing::Options.to_string() });
    }
    if !asked.split.derived.is_empty() {
        return Ok(Free::No { why: Missing::Adaptive.to_string() });
    }
    if !asked.split.drafts.iter().all(|draft| draft.input.is_about(&asked.project.dataset)) {
        return Ok(Free::No { why: Missing::Rows.to_string() });
    }
    let ledger = &asked.study.parts().ledger;
    ledger.must_be_named(&asked.project.name, &asked.study.parts().principal)?;
    let mut best: Option<Found> = None;
    let mut nearest = Missing::Release;
    let charges = ledger.charges(&asked.project.name)?;
    let usable = charges.into_iter().rev().filter(|summary| {
        summary.charge.sealed && summary.charge.data_version == asked.data_version
    });
    for summary in usable.take(SEARCHED_MAX) {
        if ledger.is_shared(&summary.charge)? {
            continue;
        }
        match found(&asked, Chain::of(ledger, Sealed::read(ledger, summary)?)?)? {
            Ok(found) if best.as_ref().is_none_or(|best| found.noise() < best.noise()) => {
                best = Some(found);
            }
            Ok(_) => {}
            Err(missing) => nearest = nearest.max(missing),
        }
    }
    match best {
        Some(found) => Offer::new(asked, found).map(|offer| Free::Offered(Box::new(offer))),
        None => Ok(Free::No { why: nearest.to_string() }),
    }
}

/// Answers every boundary of a question from one release, or says what is missing.
fn found(asked: &Analysed, chain: Chain) -> Result<Result<Found, Missing>, QueryError> {
    let mut cubes = Vec::with_capacity(chain.last.boundaries.len());
    for index in 0..chain.last.boundaries.len() {
        cubes.push(mean_of(&chain, index)?);
    }
    let mut derived = Vec::with_capacity(asked.split.drafts.len());
    for draft in &asked.split.drafts {
        let max_groups = groups_asked(draft, asked.options.max_groups);
        let mut best: Result<Derived, Missing> = Err(Missing::Rows);
        for cube in cubes.iter().flatten() {
            best = match (best, derive(draft, max_groups, cube)?) {
                (Ok(best), Ok(other)) if best.noise() <= other.noise() => Ok(best),
                (_, Ok(other)) => Ok(other),
                (Ok(best), Err(_)) => Ok(best),
                (Err(best), Err(other)) => Err(best.max(other)),
            };
        }
        match best {
            Ok(found) => derived.push(found),
            Err(missing) => return Ok(Err(missing)),
        }
    }
    let combined = chain.before_last().map(Sealed::part).collect();
    Ok(Ok(Found { source: chain.last, combined, derived }))
}

/// A boundary of a release, as the mean of what it tops up; nothing where means cannot be taken.
fn mean_of(chain: &Chain, index: usize) -> Result<Option<SealedBoundary>, QueryError> {
    let last = &chain.last.boundaries[index];
    let parts: Vec<&SealedBoundary> =
        chain.before_last().filter_map(|one| one.boundaries.get(index)).collect();
    if parts.is_empty() {
        return Ok(Some(last.clone()));
    }
    means(&parts, last)
}

impl Offer {
    fn new(asked: Analysed, found: Found) -> Result<Self, QueryError> {
        let catalogue = &asked.study.parts().catalogue;
        let drafts = asked.split.drafts.into_iter().zip(found.derived);
        let mut tables = Vec::new();
        let mut note = "the cells are those of the release, bounded as they are there".to_owned();
        let mut outputs = Vec::new();
        for (draft, derived) in drafts {
            let Derived { noisy, table, cells_added } = derived;
            let domain = draft.public_domain().ok_or_else(|| QueryError::bug("no public keys"))?;
            if cells_added > 1 {
                note = format!(
                    "{cells_added} released cells are added for each group: bounded at the cube's \
                     level, so that more rows of a person may count than in a fresh answer"
                );
            }
            let boundary = draft.into_boundary(noisy, domain);
            outputs.push(explanation::outputs(&boundary, catalogue)?);
            tables.push((boundary, table));
        }
        let column = |traced: Traced| {
            let output = outputs.get(traced.boundary)?.get(traced.output)?;
            let (name, error_95) = (traced.name, output.error_95);
            Some(OfferedColumn { name, error_95, fresh_error_95: None })
        };
        let columns = post::traced(&asked.split.above).into_iter().filter_map(column).collect();
        Ok(Self {
            terms: OfferTerms { release: found.source.id().to_string(), note, columns },
            study: asked.study,
            sql: asked.sql,
            above: asked.split.above,
            files: asked.files,
            tables,
            source: found.source,
            combined: found.combined,
        })
    }

    /// Says beside each column how exact a fresh answer would be.
    pub(crate) fn compare(&mut self, fresh: &Explanation) {
        for column in &mut self.terms.columns {
            let known = fresh.columns.iter().find(|known| known.name == column.name);
            let boundary = known.and_then(|known| fresh.boundaries.get(known.boundary));
            let output =
                known.zip(boundary).and_then(|(at, boundary)| boundary.outputs.get(at.output));
            column.fresh_error_95 = output.map(|output| output.error_95);
        }
    }

    /// Takes the free answer: checked and logged as a replay of its release.
    ///
    /// *Guarantee*: nothing is charged, no owned row is read, and nothing is drawn.
    ///
    /// # Errors
    /// When the project, its permit or its members do not allow a replay, or the data has a new
    /// version by now.
    pub fn run(&self) -> Result<Answer, QueryError> {
        let hub = self.study.parts();
        if self.study.project()?.rules.min_units.is_some() {
            return Err(QueryError::Policy {
                problem: format!(
                    "project {} has a smallest group by now, and a free answer leaves none out",
                    self.study.name()
                ),
                fix: "ask the question anew at a price".to_owned(),
            });
        }
        let boundaries = self.tables.iter().map(|(boundary, _)| boundary);
        let tables = holder::protected_tables(&hub.catalogue, boundaries);
        let charge = hub.ledger.revisit(&Revisit {
            project: self.study.name().to_owned(),
            principal: hub.principal.clone(),
            entry: self.source.charge.position,
            description: format!("free: {}", self.sql),
            detail: ChargeDetail { tables, ..ChargeDetail::default() },
        })?;
        let context = session::planning(&hub.catalogue)?;
        let released: Vec<(&Boundary, Released)> =
            self.tables.iter().map(|(boundary, table)| (boundary, table.clone())).collect();
        let running = post::run(&context, &hub.catalogue, &self.files, &self.above, &released);
        let shown = hub.block_on(running)?;
        let columns = self.tables.iter().flat_map(|(boundary, _)| explanation::noisy(boundary));
        let mut receipt = Receipt::of(&charge, columns.collect(), self.source.output_hash.clone());
        receipt.combined.clone_from(&self.combined);
        receipt.derived = Some(self.terms.note.clone());
        let receipt = receipt.proved(&hub.ledger, &charge)?;
        let (table, intervals) = (shown.table, shown.intervals);
        Ok(Answer { table, intervals, cut: Vec::new(), receipt, replayed: true })
    }
}
