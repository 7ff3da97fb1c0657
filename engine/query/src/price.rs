//! From sensitivities and a wanted loss to noise, and from the noise to the loss really charged.
//!
//! The wanted loss is split over all noisy columns of the statement, the rounds of a search counting as
//! one column together: equally, or by the weights that the question names. This never looks at the
//! data. What is charged is recomputed from the scales that will be drawn.

use std::collections::BTreeMap;

use voilage_budgets::Project;
use voilage_privacy::conversion::ZcdpCap;
use voilage_privacy::mechanism::Noise;
use voilage_privacy::quantity::{Accountant, Delta, Epsilon, Loss, Rho};
use voilage_privacy::selection::KeySelection;
use voilage_privacy::sensitivity::{Sensitivity, SensitivityTerms};
use voilage_privacy::{PrivacyError, Rational};

use crate::error::{Place, QueryError, Refusal, RefusalCode};
use crate::options::AskOptions;
use crate::ownership::{Draft, DraftKeys};
use crate::plan::{Boundary, CutNoise, KeyDomain, NoisyColumn, PrivatePlan};
use crate::spend::{Spend, say_once};

/// One part in so many of the project's delta for key selection pays for one release.
const SELECTION_SHARE: u32 = 100;

/// The priced plan and what the ledger must be asked for.
pub(crate) struct Priced {
    pub(crate) plan: PrivatePlan,
    pub(crate) loss: Loss,
    /// The part of it that each dataset's people pay: what its own boundaries cost.
    pub(crate) by_dataset: BTreeMap<String, Loss>,
}

/// Chooses the noise of every column.
///
/// # Errors
/// When the wanted loss is not understood in the project's accountant, a pure project asks for
/// learned keys, or a scale lies outside what the exact samplers hold.
pub(crate) fn price(
    drafts: Vec<Draft>,
    project: &Project,
    spend: &Spend,
    options: &AskOptions,
) -> Result<Priced, QueryError> {
    let shares = drafts
        .iter()
        .flat_map(|draft| (0..draft.noisy.len()).map(|position| draft.share(position)));
    let estimates = if options.estimate_cut { 2 * drafts.len() } else { 0 };
    let columns = shares.fold(cut_share() * Rational::from(estimates), |sum, share| sum + share);
    let budget = match project.accountant {
        Accountant::Zcdp => wanted_rho(project, spend)?.as_rational().clone(),
        Accountant::Pure => wanted_epsilon(project, spend)?.as_rational().clone(),
    };
    let each = budget / columns;
    let learned = drafts.iter().filter(|draft| draft.is_learned()).count();
    let selection = Selection { project, wanted: options.selection_delta.as_ref(), learned };
    let mut loss = Loss::zero(project.accountant);
    let mut by_dataset: BTreeMap<String, Loss> = BTreeMap::new();
    let mut boundaries = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let dataset = draft.input.dataset();
        let dataset = dataset.ok_or_else(|| QueryError::bug("nobody owns a boundary"))?.to_owned();
        let (mut boundary, mut cost) = boundary(draft, project, &each, &selection)?;
        if options.estimate_cut {
            let (cut, each) = cut(project, &(&each * cut_share()))?;
            boundary.cut = Some(cut);
            for _ in 0..2 {
                cost = cost.checked_add(&each).map_err(PrivacyError::from)?;
            }
        }
        loss = loss.checked_add(&cost).map_err(PrivacyError::from)?;
        let share = by_dataset.entry(dataset).or_insert_with(|| Loss::zero(project.accountant));
        *share = share.checked_add(&cost).map_err(PrivacyError::from)?;
        boundaries.push(boundary);
    }
    let plan = PrivatePlan {
        version: PrivatePlan::VERSION,
        dataset: project.dataset.clone(),
        boundaries,
        derived: Vec::new(),
    };
    Ok(Priced { plan, loss, by_dataset })
}

/// How much of one column's loss an estimate of who was cut gets: it need not be exact, because a
/// bound is wrong only where it cuts many.
fn cut_share() -> Rational {
    Rational::ONE / Rational::from(10)
}

/// The noise of each of the two estimates of how many units were cut, and what one costs.
fn cut(project: &Project, budget: &Rational) -> Result<(CutNoise, Loss), QueryError> {
    let sensitivity = Sensitivity::new(SensitivityTerms { max_groups: 1, per_group: 1 })?;
    let noise = match project.accountant {
        Accountant::Zcdp => Noise::best_for_rho(&sensitivity, budget)?,
        Accountant::Pure => Noise::laplace_for_epsilon(&sensitivity, budget)?,
    };
    let cost = noise.price(&sensitivity, project.accountant)?;
    Ok((CutNoise { sensitivity, noise }, cost))
}

fn boundary(
    draft: Draft,
    project: &Project,
    each: &Rational,
    selection: &Selection<'_>,
) -> Result<(Boundary, Loss), QueryError> {
    let mut loss = Loss::zero(project.accountant);
    let mut noisy = Vec::with_capacity(draft.noisy.len());
    for (position, column) in draft.noisy.iter().enumerate() {
        let sensitivity = draft.sensitivity(column)?;
        let budget = each * draft.share(position);
        let noise = match project.accountant {
            Accountant::Zcdp => Noise::best_for_rho(&sensitivity, &budget)?,
            Accountant::Pure => Noise::laplace_for_epsilon(&sensitivity, &budget)?,
        };
        let cost = noise.price(&sensitivity, project.accountant)?;
        loss = loss.checked_add(&cost).map_err(PrivacyError::from)?;
        noisy.push(NoisyColumn { measure: column.measure, sensitivity, noise });
    }
    let domain = match &draft.domain {
        DraftKeys::Public(values) => KeyDomain::Public(values.clone()),
        DraftKeys::Learned { selector } => {
            let selector = *selector;
            let budget = selection.delta()?;
            let noise = &noisy[selector].noise;
            let min_units = draft.smallest.map_or(1, |smallest| smallest.units);
            let selection = KeySelection::for_delta(noise, draft.max_groups, &budget)?
                .with_min_units(min_units);
            let cost = Loss::Zcdp { rho: Rho::zero(), delta: selection.delta.clone() };
            loss = loss.checked_add(&cost).map_err(PrivacyError::from)?;
            KeyDomain::Learned {
                selector,
                threshold: selection.threshold,
                delta: selection.delta.display_up(3),
            }
        }
    };
    Ok((draft.into_boundary(noisy, domain), loss))
}

/// What a statement of a zcdp project may cost.
pub(crate) fn wanted_rho(project: &Project, spend: &Spend) -> Result<Rho, QueryError> {
    let cap = cap_rho(project)?;
    let rho = match spend {
        Spend::Epsilon(epsilon) => {
            let delta = project.terms.delta.as_ref().ok_or_else(no_delta)?;
            ZcdpCap::from_epsilon_delta(epsilon, delta).rho
        }
        Spend::Rho(rho) => rho.clone(),
        Spend::AsWritten => return Err(say_once()),
        Spend::Share(share) => {
            Rho::from_rational(cap.as_rational() * share).map_err(PrivacyError::from)?.round_down()
        }
    };
    if rho.is_zero() {
        return Err(QueryError::input(
            "the wanted loss is smaller than the ledger's unit",
            "ask for a larger epsilon, rho or share",
        ));
    }
    Ok(rho)
}

fn wanted_epsilon(project: &Project, spend: &Spend) -> Result<Epsilon, QueryError> {
    match spend {
        Spend::Epsilon(epsilon) => Ok(epsilon.clone()),
        Spend::AsWritten => Err(say_once()),
        Spend::Rho(_) => Err(QueryError::input(
            format!("project {} is pure, so rho means nothing there", project.name),
            "say epsilon",
        )),
        Spend::Share(share) => {
            let whole = project.terms.epsilon.as_rational();
            Ok(Epsilon::from_rational(whole * share).map_err(PrivacyError::from)?.round_down())
        }
    }
}

fn cap_rho(project: &Project) -> Result<Rho, QueryError> {
    match &project.cap {
        Loss::Zcdp { rho, .. } => Ok(rho.clone()),
        Loss::Pure { .. } => Err(no_delta()),
    }
}

fn no_delta() -> QueryError {
    QueryError::bug("a zcdp project without delta")
}

/// What the selection of learned keys may spend.
struct Selection<'a> {
    project: &'a Project,
    /// What the question asks for, all of its boundaries together.
    wanted: Option<&'a Delta>,
    /// The boundaries that learn their keys.
    learned: usize,
}

impl Selection<'_> {
    /// The delta of one boundary.
    fn delta(&self) -> Result<Delta, QueryError> {
        let Loss::Zcdp { delta, .. } = &self.project.cap else {
            return Err(Refusal::new(
                RefusalCode::Keys,
                "GROUP BY a column without declared values",
                "learned keys cost delta, and a pure project has none",
                "group by columns with declared values, or ask in a zcdp project",
            )
            .at(Place::In("GROUP BY"))
            .into());
        };
        let share = match self.wanted {
            Some(wanted) => wanted.as_rational() / Rational::from(self.learned.max(1) as u64),
            None => delta.as_rational() / Rational::from(SELECTION_SHARE),
        };
        Ok(Delta::from_rational(share).map_err(PrivacyError::from)?)
    }
}
