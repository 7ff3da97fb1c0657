//! Top-ups: more precision for a release, paid for by itself.
//!
//! A new release of the same question draws noise of its own around the same bounded answer: the same
//! rows of one data version, the same bounds, and the earlier charge's key `k`, by which each unit's
//! rows and groups are chosen. For fixed `k` each release costs what its noise costs, and the losses
//! add up, whoever knows `k`. What is shown is the mean of all releases, each weighted by the inverse of its
//! variance. With Gaussian noise the weights are the losses paid, so that two steps of `rho` are as
//! exact as their sum at once.
//!
//! Keys that were learned are public once they are released: only they are drawn again, among the
//! groups that each unit keeps of all of its groups, and nothing is selected.

use datafusion::arrow::array::RecordBatch;
use sha2::{Digest, Sha256};
use voilage_budgets::Project;
use voilage_kernels::ranking;
use voilage_privacy::mechanism::{Combined, Noise, Seen};
use voilage_privacy::quantity::{Accountant, Loss};
use voilage_privacy::{PrivacyError, Rational};

use super::sealed::{Chain, Sealed, SealedBoundary};
use super::{Known, ReleaseId};
use crate::analysed::Analysed;
use crate::error::QueryError;
use crate::explanation::{ExplainedTopUp, Explanation};
use crate::hub::Study;
use crate::options::AskOptions;
use crate::ownership::{Draft, DraftColumn, DraftKeys};
use crate::plan::{Boundary, KeyDomain, NoisyColumn, NoisyMeasure, PrivatePlan};
use crate::post;
use crate::price::wanted_rho;
use crate::receipt::ReceiptPart;
use crate::release::Released;
use crate::spend::{Spend, say_once};

/// What a question tops up.
pub(crate) struct TopUp {
    earlier: Chain,
    known: Vec<Known>,
    /// The boundaries with the noise of the means.
    combined: Vec<Boundary>,
    means: Vec<Vec<Combined>>,
}

/// A question that tops up a release, analysed and priced.
pub(crate) struct Prepared {
    pub(crate) asked: Analysed,
    pub(crate) plan: PrivatePlan,
    pub(crate) loss: Loss,
    pub(crate) explanation: Explanation,
    pub(crate) top_up: TopUp,
}

/// Analyses and prices a top-up. Reads no owned row and charges nothing.
pub(crate) fn prepare(
    study: Study,
    sql: &str,
    release: &ReleaseId,
    spend: &Spend,
    options: &AskOptions,
) -> Result<Prepared, QueryError> {
    // The price in the SQL is that of the first release.
    let (mut asked, spend) = Analysed::of(study, sql, options, |_, _| match spend {
        Spend::AsWritten => Err(say_once()),
        Spend::Epsilon(_) | Spend::Rho(_) | Spend::Share(_) => Ok(spend.clone()),
    })?;
    let earlier = earlier(&asked, release)?;
    if asked.options.estimate_cut {
        return Err(another(&earlier, "it estimates who was cut, which only a first release does"));
    }
    if asked.project.accountant == Accountant::Pure {
        return Err(pure(&earlier, &asked.project));
    }
    if !asked.further.is_empty() {
        return Err(refused(
            &earlier,
            "it is about the people of several datasets, whose data have versions of their own",
            "ask that question anew, or ask about each dataset in a question of its own and top that up",
        ));
    }
    if !asked.split.derived.is_empty() {
        return Err(refused(
            &earlier,
            "a part of it reads what another part released, so a second draw would ask another question",
            "ask that question anew at the price that you want",
        ));
    }
    let drafts = std::mem::take(&mut asked.split.drafts);
    if !drafts.iter().all(|draft| draft.input.is_about(&asked.project.dataset)) {
        return Err(refused(
            &earlier,
            "it is about several datasets, each of which would have to pay again",
            "ask that question anew at the price that you want",
        ));
    }
    let sealed = &earlier.last.boundaries;
    if sealed.iter().any(|sealed| sealed.ranking.as_ref() != Some(&ranking())) {
        return Err(refused(
            &earlier,
            "this version of Voilage keeps other rows of a person than the one that released it",
            "ask the question anew at the price that you want",
        ));
    }
    if drafts.len() != sealed.len() {
        return Err(another(&earlier, "it has more or fewer aggregates"));
    }
    let mut former = Vec::with_capacity(drafts.len());
    for (draft, sealed) in drafts.into_iter().zip(sealed) {
        former.push(same(draft, sealed).map_err(|why| another(&earlier, &why))?);
    }
    let (boundaries, loss) =
        again(&former, &earlier, wanted_rho(&asked.project, &spend)?.as_rational())?;
    let top_up = TopUp::new(earlier, &boundaries)?;
    let plan = |boundaries| PrivatePlan {
        version: PrivatePlan::VERSION,
        dataset: asked.project.dataset.clone(),
        boundaries,
        derived: Vec::new(),
    };
    let catalogue = &asked.study.parts().catalogue;
    let explain = |plan: &PrivatePlan| {
        Explanation::new(plan, &loss, &asked.project, catalogue, &asked.options)
    };
    let drawn = plan(boundaries);
    let mut explanation = explain(&plan(top_up.combined.clone()))?;
    for (shown, drawn) in explanation.boundaries.iter_mut().zip(explain(&drawn)?.boundaries) {
        shown.noisy = drawn.noisy;
    }
    explanation.name_columns(&post::traced(&asked.split.above));
    explanation.note_what_is_free(&asked.split.above, asked.options.consistent);
    explanation.top_up = Some(top_up.explained());
    Ok(Prepared { asked, plan: drawn, loss, explanation, top_up })
}

/// The release that is meant, and all that it tops up.
fn earlier(asked: &Analysed, release: &ReleaseId) -> Result<Chain, QueryError> {
    let hub = asked.study.parts();
    let project = &asked.project.name;
    hub.ledger.must_be_named(project, &hub.principal)?;
    let found = hub.ledger.charge(project, release.entry)?;
    let Some(summary) = found else {
        return Err(QueryError::input(
            format!("project {project} has no release {release}"),
            "name a release of this project, by the entry that its answer or receipt shows; only \
             what a project has paid for itself can be topped up",
        ));
    };
    if !summary.charge.sealed {
        return Err(QueryError::input(
            format!("release {release} has no answer yet"),
            "ask its question again: the charge stands and costs nothing more",
        ));
    }
    if summary.charge.data_version != asked.data_version {
        return Err(QueryError::input(
            format!(
                "release {release} cannot be topped up: it is about an earlier version of the data, \
                 and a mean of both would be about neither"
            ),
            "ask the question anew: the new version is a new question",
        ));
    }
    let found = Sealed::read(&hub.ledger, summary)?;
    if !release.names(&found.output_hash) {
        return Err(QueryError::input(
            format!(
                "project {project} has no release {release}: entry {} is another one",
                found.id()
            ),
            format!("if that one is meant, write {}", found.id()),
        ));
    }
    let chain = Chain::of(&hub.ledger, found)?;
    chain.must_have_room()?;
    Ok(chain)
}

/// The boundary as it was sealed, if the draft is the same question with other words at most.
fn same(draft: Draft, sealed: &SealedBoundary) -> Result<Boundary, String> {
    let domain = match &draft.domain {
        DraftKeys::Public(values) => Some(KeyDomain::Public(values.clone())),
        DraftKeys::Learned { selector } => {
            let learned = &sealed.terms["domain"]["learned"];
            let threshold = learned["threshold"].as_i64().map(i128::from);
            let delta = learned["delta"].as_str().map(ToOwned::to_owned);
            threshold.zip(delta).map(|(threshold, delta)| KeyDomain::Learned {
                selector: *selector,
                threshold,
                delta,
            })
        }
    };
    let domain = domain.ok_or("it groups by something else")?;
    if draft.noisy.len() != sealed.noises.len() {
        return Err("it measures something else".to_owned());
    }
    let column = |(column, noise): (&DraftColumn, &Noise)| {
        let sensitivity = draft.sensitivity(column).map_err(|error| error.to_string())?;
        Ok(NoisyColumn { measure: column.measure, sensitivity, noise: *noise })
    };
    let noisy = draft.noisy.iter().zip(&sealed.noises).map(column);
    let noisy = noisy.collect::<Result<Vec<_>, String>>()?;
    let boundary = draft.into_boundary(noisy, domain);
    let written = serde_json::to_string(&boundary).map_err(|error| error.to_string())?;
    if written == sealed.canonical {
        return Ok(boundary);
    }
    Err(difference(&serde_json::from_str(&written).unwrap_or_default(), &sealed.terms))
}

/// In which respect two boundaries differ.
fn difference(asked: &serde_json::Value, sealed: &serde_json::Value) -> String {
    let respects = [
        ("input", "it reads other rows, or what is declared about them has changed"),
        ("keys", "it groups by something else"),
        ("domain", "its groups are others"),
        ("max_groups", "it has another max_groups"),
        ("max_rows_per_group", "it has another max_rows_per_group"),
        ("smallest", "it has another min_units"),
        ("cut", "it estimates who was cut, which only a first release does"),
    ];
    let differs = |(name, _): &&(&str, &str)| asked.get(name) != sealed.get(name);
    let found = respects.iter().find(differs);
    found.map_or("it measures something else", |(_, why)| why).to_owned()
}

/// The boundaries with noise for this much of rho, in the proportions of what was paid first.
fn again(
    former: &[Boundary],
    earlier: &Chain,
    wanted: &Rational,
) -> Result<(Vec<Boundary>, Loss), QueryError> {
    let paid = former.iter().zip(&earlier.first().boundaries).map(|(boundary, sealed)| {
        let columns = boundary.noisy.iter().zip(&sealed.noises);
        columns.map(|(column, noise)| noise.rho(&column.sensitivity)).collect::<Vec<_>>()
    });
    let paid: Vec<Vec<Rational>> = paid.collect();
    let whole = paid.iter().flatten().fold(Rational::ZERO, |sum, rho| sum + rho);
    let mut loss = Loss::zero(Accountant::Zcdp);
    let mut boundaries = former.to_vec();
    for (boundary, paid) in boundaries.iter_mut().zip(&paid) {
        for (column, paid) in boundary.noisy.iter_mut().zip(paid) {
            refuse_searches(earlier, &column.measure)?;
            let share = wanted * paid / &whole;
            column.noise = Noise::gaussian_for_rho(&column.sensitivity, &share)?;
            let cost = column.noise.price(&column.sensitivity, Accountant::Zcdp)?;
            loss = loss.checked_add(&cost).map_err(PrivacyError::from)?;
        }
    }
    Ok((boundaries, loss))
}

fn refuse_searches(earlier: &Chain, measure: &NoisyMeasure) -> Result<(), QueryError> {
    match measure {
        NoisyMeasure::Score { .. } => Err(refused(
            earlier,
            "it holds a quantile, MIN or MAX, which is a search: each search asks about other points, \
             so that two of them have no value in common whose mean could be taken",
            "ask for the quantile anew at a higher price; what stands beside it can be asked and \
             topped up without it",
        )),
        NoisyMeasure::Units { .. }
        | NoisyMeasure::Values { .. }
        | NoisyMeasure::Rows { .. }
        | NoisyMeasure::Sum { .. }
        | NoisyMeasure::Deviations { .. }
        | NoisyMeasure::Squares { .. } => Ok(()),
    }
}

impl TopUp {
    fn new(earlier: Chain, fresh: &[Boundary]) -> Result<Self, QueryError> {
        let first = earlier.first();
        if earlier.iter().any(|one| one.charge.bounding_key != first.charge.bounding_key) {
            return Err(QueryError::bug("a top-up bounded other rows"));
        }
        let known = first.boundaries.iter();
        let known = known.map(|sealed| Known { keys: sealed.keys.clone(), cells: sealed.cells() });
        let known = known.collect();
        let (mut combined, mut means) = (fresh.to_vec(), Vec::with_capacity(fresh.len()));
        for (index, boundary) in combined.iter_mut().enumerate() {
            boundary.seen = seen(boundary, &first.boundaries[index].noises);
            let mut of_columns = Vec::with_capacity(boundary.noisy.len());
            for (position, column) in boundary.noisy.iter_mut().enumerate() {
                let mut noises: Vec<Noise> =
                    earlier.iter().map(|one| one.boundaries[index].noises[position]).collect();
                noises.push(column.noise);
                let mean = Combined::of(&noises).ok_or_else(|| {
                    refused(
                        &earlier,
                        "at its very high price the noise is Laplace noise, and readings with \
                         Laplace noise gain less together than their losses cost",
                        "ask that question anew at the price that you want",
                    )
                })?;
                column.noise = mean.noise();
                of_columns.push(mean);
            }
            means.push(of_columns);
        }
        Ok(Self { earlier, known, combined, means })
    }

    /// What tells this question from others: the release that it tops up.
    pub(crate) fn terms(&self) -> [Vec<u8>; 3] {
        let charge = &self.earlier.last.charge;
        [b"top-up".to_vec(), charge.request_key.0.to_vec(), self.entry().to_be_bytes().to_vec()]
    }

    /// The key by which the earlier releases bounded.
    pub(crate) fn bounding_key(&self) -> [u8; 16] {
        self.earlier.last.charge.bounding_key
    }

    /// The entry that is topped up.
    pub(crate) fn entry(&self) -> u64 {
        self.earlier.last.charge.position
    }

    /// The cells that are drawn again.
    pub(crate) fn known(&self, boundary: u32) -> Result<&Known, QueryError> {
        let known = self.known.get(boundary as usize);
        known.ok_or_else(|| QueryError::bug("a boundary without earlier cells"))
    }

    /// The means of what was released before and now.
    pub(crate) fn combined(
        &self,
        fresh: &[(&Boundary, Released)],
    ) -> Result<Vec<(&Boundary, Released)>, QueryError> {
        let tables = self.combined.iter().zip(&self.means).zip(fresh);
        tables
            .enumerate()
            .map(|(index, ((boundary, means), (_, fresh)))| {
                let earlier: Vec<&SealedBoundary> =
                    self.earlier.iter().map(|one| &one.boundaries[index]).collect();
                let mut table = mean_of(&earlier, fresh, means)?;
                if let Some(smallest) = boundary.smallest {
                    let counts = table.noisy[smallest.counted].iter().enumerate();
                    let shown: Vec<usize> = counts
                        .filter(|(_, count)| **count >= i128::from(smallest.units))
                        .map(|(cell, _)| cell)
                        .collect();
                    table.keep(&shown)?;
                }
                Ok((boundary, table))
            })
            .collect()
    }

    /// The releases before this one, for the receipt.
    pub(crate) fn parts(&self) -> Vec<ReceiptPart> {
        self.earlier.iter().map(Sealed::part).collect()
    }

    fn explained(&self) -> ExplainedTopUp {
        let releases = self.earlier.iter().map(|one| one.id().to_string());
        ExplainedTopUp { releases: releases.collect() }
    }
}

/// How the counts came to be seen that a selection or a smallest group looked at.
fn seen(boundary: &Boundary, first: &[Noise]) -> Option<Seen> {
    let fewest = boundary.smallest.map(|smallest| i128::from(smallest.units));
    let (position, reached) = match (&boundary.domain, boundary.smallest) {
        (KeyDomain::Learned { selector, threshold, .. }, _) => (*selector, *threshold),
        (KeyDomain::Public(_), Some(smallest)) => (smallest.counted, i128::from(smallest.units)),
        (KeyDomain::Public(_), None) => return None,
    };
    Some(Seen { first: *first.get(position)?, reached, fewest })
}

/// A released table as the mean of itself and what it tops up; nothing where a mean cannot be taken.
pub(crate) fn means(
    earlier: &[&SealedBoundary],
    last: &SealedBoundary,
) -> Result<Option<SealedBoundary>, QueryError> {
    let of_column = |position: usize| {
        let all = earlier.iter().chain([&last]);
        let noises = all.map(|one| one.noises.get(position).copied());
        Combined::of(&noises.collect::<Option<Vec<_>>>()?)
    };
    let Some(means) = (0..last.noises.len()).map(of_column).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let (keys, noisy) = (last.keys.clone(), last.noisy.clone());
    let fresh = Released {
        keys,
        noisy,
        seed: last.seed,
        moved: Vec::new(),
        cut: None,
        consistent: Vec::new(),
    };
    let Released { noisy, seed, .. } = mean_of(earlier, &fresh, &means)?;
    let noises = means.iter().map(Combined::noise).collect();
    Ok(Some(SealedBoundary { noises, noisy, seed, ..last.clone() }))
}

fn mean_of(
    earlier: &[&SealedBoundary],
    fresh: &Released,
    means: &[Combined],
) -> Result<Released, QueryError> {
    let differ = || QueryError::bug("a top-up has other cells than what it tops up");
    let same_keys = |keys: &RecordBatch| keys.columns() == fresh.keys.columns();
    if !earlier.iter().all(|one| same_keys(&one.keys)) {
        return Err(differ());
    }
    let mut noisy = Vec::with_capacity(means.len());
    for (position, mean) in means.iter().enumerate() {
        let now = fresh.noisy.get(position).ok_or_else(differ)?;
        let before = earlier.iter().map(|one| one.noisy.get(position));
        let before: Vec<&Vec<i128>> = before.collect::<Option<_>>().ok_or_else(differ)?;
        if before.iter().any(|column| column.len() != now.len()) {
            return Err(differ());
        }
        let cell =
            |cell: usize| mean.value(before.iter().map(|column| column[cell]).chain([now[cell]]));
        noisy.push((0..now.len()).map(cell).collect());
    }
    let mut seed = Sha256::new();
    for part in earlier.iter().map(|one| one.seed).chain([fresh.seed]) {
        seed.update(part);
    }
    let keys = fresh.keys.clone();
    Ok(Released {
        keys,
        noisy,
        seed: seed.finalize().into(),
        moved: Vec::new(),
        cut: None,
        consistent: Vec::new(),
    })
}

fn refused(earlier: &Chain, why: &str, fix: &str) -> QueryError {
    QueryError::input(format!("release {} cannot be topped up: {why}", earlier.last.id()), fix)
}

fn another(earlier: &Chain, why: &str) -> QueryError {
    let asked = &earlier.first().description;
    QueryError::input(
        format!("release {} is not the answer to this question: {why}", earlier.last.id()),
        format!("top it up with its own question and options: {asked}"),
    )
}

fn pure(earlier: &Chain, project: &Project) -> QueryError {
    refused(
        earlier,
        &format!(
            "project {} is pure, where a top-up costs more than it gives: noise falls with the \
             loss, so that two answers of epsilon 0.5 are together less exact than one of epsilon 1",
            project.name
        ),
        "ask the question anew, once, at the epsilon that you need",
    )
}
