//! The price of a mechanism as the OpenDP library sees it.
//!
//! This is the only file that knows OpenDP. Only its privacy maps are asked, never its samplers.
//! Its maps for noise alone agree with our exact arithmetic up to rounding, which tests demand.
//!
//! Deliberately not asked: its maps for noise with a threshold, whose delta is the probability of
//! exceeding the distance to the threshold while a release needs only to reach it (opendp #2922),
//! and its map for noisy max under range divergence, a quarter of the true cost (opendp #2911).
//!
//! *Source*: Shoemate et al., OpenDP 0.16, `ZExpFamily<1>` and `ZExpFamily<2>`.

use dashu::base::SquareRoot;
use dashu::integer::UBig;
use dashu::rational::RBig;
use opendp::measurements::{NoisePrivacyMap, ZExpFamily};
use opendp::measures::{MaxDivergence, ZeroConcentratedDivergence};
use opendp::metrics::{L1Distance, L2Distance};

use crate::error::PrivacyError;
use crate::mechanism::Noise;
use crate::sensitivity::Sensitivity;

/// Binary places of the Euclidean distance that OpenDP is asked about, when it is not a whole
/// number.
const DISTANCE_PLACES: usize = 64;

/// The concentrated loss of a noise.
///
/// Laplace noise is asked for one group, because OpenDP converts a pure loss over all groups at
/// once: that costs `G` times more than the `G` independent mechanisms do.
pub(crate) fn rho(noise: &Noise, sensitivity: &Sensitivity) -> Result<RBig, PrivacyError> {
    match noise {
        Noise::Gaussian(_) => {
            let distance = square_root_up(sensitivity.l2_squared());
            let map = ZExpFamily::<2> { scale: noise.scale() }
                .noise_privacy_map(&L2Distance::<RBig>::default(), &ZeroConcentratedDivergence)
                .map_err(failed)?;
            exact(map.eval(&distance).map_err(failed)?)
        }
        Noise::Laplace(_) => {
            let per_group = laplace_epsilon(noise, &RBig::from(sensitivity.per_group()))?;
            Ok(per_group.sqr() * RBig::from(sensitivity.max_groups()) / RBig::from(2))
        }
    }
}

/// The pure loss of a noise.
pub(crate) fn epsilon(noise: &Noise, sensitivity: &Sensitivity) -> Result<RBig, PrivacyError> {
    match noise {
        Noise::Gaussian(_) => Err(PrivacyError::NoPurePrice),
        Noise::Laplace(_) => laplace_epsilon(noise, &RBig::from(sensitivity.l1())),
    }
}

fn laplace_epsilon(noise: &Noise, distance: &RBig) -> Result<RBig, PrivacyError> {
    let map = ZExpFamily::<1> { scale: noise.scale() }
        .noise_privacy_map(&L1Distance::<RBig>::default(), &MaxDivergence)
        .map_err(failed)?;
    exact(map.eval(distance).map_err(failed)?)
}

/// The square root, exact where it is whole, else rounded up.
fn square_root_up(square: u128) -> RBig {
    let whole = square.isqrt();
    if whole * whole == square {
        return RBig::from(whole);
    }
    let shifted = UBig::from(square) << (2 * DISTANCE_PLACES);
    RBig::from(shifted.sqrt() + UBig::ONE) / RBig::from(UBig::ONE << DISTANCE_PLACES)
}

fn exact(loss: f64) -> Result<RBig, PrivacyError> {
    RBig::try_from(loss)
        .map_err(|_| PrivacyError::SecondOpinion { reason: "the loss is not finite".to_owned() })
}

fn failed(error: opendp::error::Error) -> PrivacyError {
    PrivacyError::SecondOpinion { reason: error.to_string().chars().take(200).collect() }
}
