//! Noise as plans and receipts write it: `{"family": "discrete_gaussian", "scale": "3/2"}`.

use dashu::integer::UBig;
use dashu::rational::RBig;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::{DiscreteGaussian, DiscreteLaplace, Noise};

/// Digits of the longest numerator or denominator: both are below `2^64`.
const DIGITS_MAX: usize = 20;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    family: Family,
    scale: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Family {
    DiscreteLaplace,
    DiscreteGaussian,
}

impl Serialize for Noise {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (family, scale) = match self {
            Self::Laplace(laplace) => (Family::DiscreteLaplace, laplace.scale()),
            Self::Gaussian(gaussian) => (Family::DiscreteGaussian, gaussian.scale()),
        };
        Record { family, scale: scale.to_string() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Noise {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::deserialize(deserializer)?;
        let scale = parse_fraction(&record.scale)
            .ok_or_else(|| D::Error::custom("a noise scale is written as digits/digits"))?;
        let noise = match record.family {
            Family::DiscreteLaplace => DiscreteLaplace::with_scale(&scale).map(Self::Laplace),
            Family::DiscreteGaussian => DiscreteGaussian::with_scale(&scale).map(Self::Gaussian),
        };
        noise.map_err(D::Error::custom)
    }
}

fn parse_fraction(text: &str) -> Option<RBig> {
    let (numerator, denominator) = text.split_once('/')?;
    let denominator = parse_digits(denominator)?;
    (denominator != UBig::ZERO).then_some(())?;
    Some(RBig::from_parts(parse_digits(numerator)?.into(), denominator))
}

fn parse_digits(text: &str) -> Option<UBig> {
    let is_plain =
        (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}
