//! The two noise mechanisms, discrete Laplace and discrete Gaussian noise on integers, and the
//! search for quantiles that is made of them.
//!
//! Each mechanism is a folder with a proof note beside the code. Here are the choice of a scale,
//! the price of a scale, and the law of the noise as far as thresholds and intervals need it. Never
//! imported here: anything about data.

mod combined;
pub mod gaussian;
pub mod interval;
pub mod laplace;
mod record;
pub(crate) mod scale;
pub mod search;
mod tail;
#[cfg(test)]
mod tests;

use std::fmt;

use dashu::rational::RBig;

use crate::error::PrivacyError;
use crate::quantity::{Accountant, Delta, Epsilon, Loss, Rho};
use crate::second_opinion;
use crate::sensitivity::Sensitivity;
pub use combined::Combined;
pub use gaussian::DiscreteGaussian;
pub use interval::{Confidence, Intervals, Ratio, Seen, ratio_interval};
pub use laplace::DiscreteLaplace;
pub use search::{Leaves, Quantile, Search, half_width_of_rounds};
pub(crate) use tail::smallest_with_tail_at_most;

/// The noise of one released column.
///
/// *Guarantee*: added to a column of integers with a given [`Sensitivity`], independently per cell,
/// it costs what [`Noise::price`] says. Neighbours differ by one privacy unit with all its rows.
/// The draws are exact; nothing here relies on floating point.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noise {
    /// Probability proportional to `exp(-|x| / scale)`.
    Laplace(DiscreteLaplace),
    /// Probability proportional to `exp(-x^2 / (2*scale^2))`.
    Gaussian(DiscreteGaussian),
}

impl Noise {
    /// The smallest Laplace noise that costs at most `epsilon`.
    ///
    /// *Errors*: [`PrivacyError::NothingToSpend`], [`PrivacyError::ScaleTooLarge`].
    pub fn laplace_for_epsilon(
        sensitivity: &Sensitivity,
        epsilon: &RBig,
    ) -> Result<Self, PrivacyError> {
        refuse_nothing(epsilon)?;
        let noise = DiscreteLaplace::for_scale_at_least(&(RBig::from(sensitivity.l1()) / epsilon))?;
        Self::Laplace(noise).affordable(|noise| noise.charged_epsilon(sensitivity), epsilon)
    }

    /// The smallest Laplace noise that costs at most `rho` of concentrated loss.
    ///
    /// *Errors*: [`PrivacyError::NothingToSpend`], [`PrivacyError::ScaleTooLarge`].
    pub fn laplace_for_rho(sensitivity: &Sensitivity, rho: &RBig) -> Result<Self, PrivacyError> {
        refuse_nothing(rho)?;
        let square = RBig::from(sensitivity.l2_squared()) / (rho * RBig::from(2));
        let noise = DiscreteLaplace::for_square_at_least(&square)?;
        Self::Laplace(noise).affordable(|noise| noise.charged_rho(sensitivity), rho)
    }

    /// The smallest Gaussian noise that costs at most `rho` of concentrated loss.
    ///
    /// *Errors*: [`PrivacyError::NothingToSpend`], [`PrivacyError::ScaleTooLarge`].
    pub fn gaussian_for_rho(sensitivity: &Sensitivity, rho: &RBig) -> Result<Self, PrivacyError> {
        refuse_nothing(rho)?;
        let square = RBig::from(sensitivity.l2_squared()) / (rho * RBig::from(2));
        let noise = DiscreteGaussian::for_variance_at_least(&square)?;
        Self::Gaussian(noise).affordable(|noise| noise.charged_rho(sensitivity), rho)
    }

    /// Laplace or Gaussian noise that costs at most `rho`, whichever has the smaller variance;
    /// Gaussian at a tie.
    ///
    /// *Errors*: [`PrivacyError::NothingToSpend`], [`PrivacyError::ScaleTooLarge`].
    pub fn best_for_rho(sensitivity: &Sensitivity, rho: &RBig) -> Result<Self, PrivacyError> {
        let gaussian = Self::gaussian_for_rho(sensitivity, rho)?;
        let laplace = Self::laplace_for_rho(sensitivity, rho)?;
        Ok(if laplace.std_dev_f64() < gaussian.std_dev_f64() { laplace } else { gaussian })
    }

    /// The exact scale, in grid steps: `b` of Laplace noise, `sigma` of Gaussian noise.
    pub fn scale(&self) -> RBig {
        match self {
            Self::Laplace(laplace) => laplace.scale().to_rational(),
            Self::Gaussian(gaussian) => gaussian.scale().to_rational(),
        }
    }

    /// The name of the law, as plans, receipts and explanations write it.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Laplace(_) => "discrete_laplace",
            Self::Gaussian(_) => "discrete_gaussian",
        }
    }

    /// The standard deviation, in grid steps, for display and comparison.
    pub fn std_dev_f64(&self) -> f64 {
        match self {
            Self::Laplace(laplace) => laplace.std_dev_f64(),
            Self::Gaussian(gaussian) => gaussian.std_dev_f64(),
        }
    }

    /// The concentrated loss of this noise, exactly.
    ///
    /// Gaussian: `G*D^2 / (2*sigma^2)` (Bun & Steinke 2016; Canonne, Kamath & Steinke 2020, Theorem
    /// 4). Laplace: each group is `D/b`-DP, hence `(D/b)^2/2`-zCDP, and at most `G` independent
    /// groups change: `G*(D/b)^2 / 2`.
    pub fn rho(&self, sensitivity: &Sensitivity) -> RBig {
        // Both laws lead to the same formula in their own scale.
        RBig::from(sensitivity.l2_squared()) / (self.scale().sqr() * RBig::from(2))
    }

    /// The pure loss of this noise, `G*D / b`, exactly; nothing for Gaussian noise, which has none.
    pub fn epsilon(&self, sensitivity: &Sensitivity) -> Option<RBig> {
        match self {
            Self::Laplace(_) => Some(RBig::from(sensitivity.l1()) / self.scale()),
            Self::Gaussian(_) => None,
        }
    }

    /// What a release of one column with this noise is charged: the larger of our exact cost and
    /// the second opinion, rounded up to ledger units.
    ///
    /// *Errors*: [`PrivacyError::NoPurePrice`] for Gaussian noise in a pure project;
    /// [`PrivacyError::Quantity`] if the cost does not fit the ledger.
    pub fn price(
        &self,
        sensitivity: &Sensitivity,
        accountant: Accountant,
    ) -> Result<Loss, PrivacyError> {
        match accountant {
            Accountant::Zcdp => {
                let rho = Rho::from_rational(self.charged_rho(sensitivity)?)?.round_up()?;
                Ok(Loss::Zcdp { rho, delta: Delta::zero() })
            }
            Accountant::Pure => {
                let epsilon = Epsilon::from_rational(self.charged_epsilon(sensitivity)?)?;
                Ok(Loss::Pure { epsilon: epsilon.round_up()? })
            }
        }
    }

    /// An upper bound on the probability that a draw is at least `m`.
    ///
    /// The exact tail of the discrete law, rounded up: by less than 1e-9 of itself for scales up to
    /// 4,096, by about `((m/scale)^2 + 1) / (24*scale^2)` of itself above, or `0.4/scale` where `m`
    /// is below the scale.
    pub fn probability_at_least(&self, m: i128) -> RBig {
        self.tail_bounds(m).1
    }

    /// The smallest `w` such that a draw lies within `-w..=w` with at least this confidence.
    pub fn half_width(&self, confidence: &Confidence) -> i128 {
        // P[|X| > w] = 2 * P[X >= w + 1], by symmetry.
        let tail = confidence.miss() / RBig::from(2);
        smallest_with_tail_at_most(self, &tail, 1) - 1
    }

    /// The interval around one released value. For many values, [`Noise::intervals`] does the
    /// common work once.
    ///
    /// *Shape*: `low..=high`, in grid steps.
    pub fn interval(
        &self,
        released: i128,
        confidence: &Confidence,
        truncated_at: Option<i128>,
    ) -> (i128, i128) {
        self.intervals(confidence, truncated_at).around(released)
    }

    /// Prepares intervals around the released values of one column; see [`Intervals`].
    pub fn intervals(&self, confidence: &Confidence, truncated_at: Option<i128>) -> Intervals {
        Intervals::new(*self, confidence, truncated_at)
    }

    /// Lower and upper bounds on the probability that a draw is at least `m`.
    pub(crate) fn tail_bounds(&self, m: i128) -> (RBig, RBig) {
        if m <= 0 {
            let (low, high) = self.tail_bounds(1 - m.max(i128::MIN + 2));
            return (RBig::ONE - high, RBig::ONE - low);
        }
        match self {
            Self::Laplace(laplace) => laplace.positive_tail_bounds(m),
            Self::Gaussian(gaussian) => gaussian.positive_tail_bounds(m),
        }
    }

    fn charged_rho(&self, sensitivity: &Sensitivity) -> Result<RBig, PrivacyError> {
        Ok(self.rho(sensitivity).max(second_opinion::rho(self, sensitivity)?))
    }

    fn charged_epsilon(&self, sensitivity: &Sensitivity) -> Result<RBig, PrivacyError> {
        let exact = self.epsilon(sensitivity).ok_or(PrivacyError::NoPurePrice)?;
        Ok(exact.max(second_opinion::epsilon(self, sensitivity)?))
    }

    /// One step up, if the second opinion rounds the price of the exact answer above the target.
    fn affordable(
        self,
        charged: impl Fn(&Self) -> Result<RBig, PrivacyError>,
        target: &RBig,
    ) -> Result<Self, PrivacyError> {
        if charged(&self)? <= *target {
            return Ok(self);
        }
        match self {
            Self::Laplace(laplace) => Ok(Self::Laplace(laplace.next_up()?)),
            Self::Gaussian(gaussian) => Ok(Self::Gaussian(gaussian.next_up()?)),
        }
    }
}

impl fmt::Debug for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// `discrete_gaussian(scale)`, the scale as an exact fraction.
impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Laplace(laplace) => write!(f, "{}({})", self.family(), laplace.scale()),
            Self::Gaussian(gaussian) => write!(f, "{}({})", self.family(), gaussian.scale()),
        }
    }
}

fn refuse_nothing(target: &RBig) -> Result<(), PrivacyError> {
    if *target > RBig::ZERO { Ok(()) } else { Err(PrivacyError::NothingToSpend) }
}
