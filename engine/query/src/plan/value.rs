//! Types and constants of the private plan.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::scalar::ScalarValue;
use serde::{Deserialize, Serialize};
use voilage_kernels::scalar::{Argument, cast};

/// The types that columns have once a scan has brought them into canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// True or false.
    Bool,
    /// Signed 64-bit integers; a file may hold narrower ones.
    #[serde(alias = "int32", alias = "int16", alias = "int8")]
    Int64,
    /// IEEE doubles; a file may hold floats.
    #[serde(alias = "float32")]
    Float64,
    /// Unicode text.
    #[serde(rename = "utf8")]
    Text,
    /// Days.
    Date,
    /// Microseconds without a time zone.
    Timestamp,
}

impl Type {
    /// The Arrow type of the canonical form.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }

    /// The canonical type of this exact Arrow type, if it has one.
    pub fn from_arrow(arrow: &DataType) -> Option<Self> {
        [Self::Bool, Self::Int64, Self::Float64, Self::Text, Self::Date, Self::Timestamp]
            .into_iter()
            .find(|kind| kind.arrow() == *arrow)
    }

    /// Whether a file column of this Arrow type may be declared as this type.
    ///
    /// Only conversions that keep every value are accepted, so that the scan is total.
    pub fn reads(self, file: &DataType) -> bool {
        match self {
            Self::Bool => *file == DataType::Boolean,
            Self::Int64 => {
                use DataType::{Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32};
                matches!(file, Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32)
            }
            Self::Float64 => {
                matches!(file, DataType::Float16 | DataType::Float32 | DataType::Float64)
            }
            Self::Text => match file {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
                DataType::Dictionary(_, value) => self.reads(value),
                _ => false,
            },
            Self::Date => *file == DataType::Date32,
            Self::Timestamp => matches!(file, DataType::Timestamp(_, None)),
        }
    }

    /// The name used in hub files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::Text => "utf8",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
        }
    }

    /// Whether sums and means exist.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int64 | Self::Float64)
    }
}

/// A constant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// SQL NULL of a type.
    Null(Type),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double. Serialised by its bits, because a canonical form must not round.
    Float(#[serde(serialize_with = "bits")] f64),
    /// Text.
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01.
    Timestamp(i64),
}

fn bits<S: serde::Serializer>(value: &f64, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&format!("{:016x}", value.to_bits()))
}

impl Value {
    /// The constant's type.
    pub fn kind(&self) -> Type {
        match self {
            Self::Null(kind) => *kind,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int64,
            Self::Float(_) => Type::Float64,
            Self::Text(_) => Type::Text,
            Self::Date(_) => Type::Date,
            Self::Timestamp(_) => Type::Timestamp,
        }
    }

    /// The constant for DataFusion.
    pub fn scalar(&self) -> ScalarValue {
        match self {
            Self::Null(Type::Bool) => ScalarValue::Boolean(None),
            Self::Null(Type::Int64) => ScalarValue::Int64(None),
            Self::Null(Type::Float64) => ScalarValue::Float64(None),
            Self::Null(Type::Text) => ScalarValue::Utf8(None),
            Self::Null(Type::Date) => ScalarValue::Date32(None),
            Self::Null(Type::Timestamp) => ScalarValue::TimestampMicrosecond(None, None),
            Self::Bool(truth) => ScalarValue::Boolean(Some(*truth)),
            Self::Int(integer) => ScalarValue::Int64(Some(*integer)),
            Self::Float(float) => ScalarValue::Float64(Some(*float)),
            Self::Text(text) => ScalarValue::Utf8(Some(text.clone())),
            Self::Date(days) => ScalarValue::Date32(Some(*days)),
            Self::Timestamp(micros) => ScalarValue::TimestampMicrosecond(Some(*micros), None),
        }
    }

    /// The constant of DataFusion's literal, cast to its canonical type without loss.
    pub fn from_scalar(scalar: &ScalarValue) -> Option<Self> {
        let kind = Type::from_arrow(&scalar.data_type()).or_else(|| match scalar.data_type() {
            file if Type::Int64.reads(&file) => Some(Type::Int64),
            file if Type::Float64.reads(&file) => Some(Type::Float64),
            file if Type::Text.reads(&file) => Some(Type::Text),
            _ => None,
        })?;
        let canonical = scalar.cast_to(&kind.arrow()).ok()?;
        Some(match canonical {
            ScalarValue::Boolean(value) => value.map_or(Self::Null(kind), Self::Bool),
            ScalarValue::Int64(value) => value.map_or(Self::Null(kind), Self::Int),
            ScalarValue::Float64(value) => value.map_or(Self::Null(kind), Self::float),
            ScalarValue::Utf8(value) => value.map_or(Self::Null(kind), Self::Text),
            ScalarValue::Date32(value) => value.map_or(Self::Null(kind), Self::Date),
            ScalarValue::TimestampMicrosecond(value, None) => {
                value.map_or(Self::Null(kind), Self::Timestamp)
            }
            _ => return None,
        })
    }

    /// The number, for bounds.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(integer) => Some(*integer as f64),
            Self::Float(float) => Some(*float),
            Self::Null(_) | Self::Bool(_) | Self::Text(_) | Self::Date(_) | Self::Timestamp(_) => {
                None
            }
        }
    }

    /// A date or timestamp as it is written in SQL; none for other types and far years.
    fn as_text(&self) -> Option<String> {
        let argument = Argument::constant(self.scalar().to_array().ok()?).ok()?;
        let text = cast(&argument, &Type::Text.arrow(), 1).ok()?;
        let text = text.as_any().downcast_ref::<StringArray>()?;
        (!text.is_null(0)).then(|| text.value(0).to_owned())
    }

    /// A constant read from text, as a cast reads it; none where it has no such value.
    pub fn parse(kind: Type, text: &str) -> Option<Self> {
        let text: ArrayRef = Arc::new(StringArray::from(vec![text]));
        let value = cast(&Argument::constant(text).ok()?, &kind.arrow(), 1).ok()?;
        let value = ScalarValue::try_from_array(&value, 0).ok()?;
        Self::from_scalar(&value).filter(|value| !matches!(value, Self::Null(_)))
    }

    /// A double as it may stand below the boundary: neither NaN nor -0.0.
    pub fn float(float: f64) -> Self {
        if float.is_nan() { Self::Null(Type::Float64) } else { Self::Float(float + 0.0) }
    }

    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) => 1,
            Self::Float(_) => 2,
            Self::Text(_) => 3,
            Self::Date(_) => 4,
            Self::Timestamp(_) => 5,
            Self::Null(_) => 6,
        }
    }
}

/// A total order: values of one type by size, NULL last.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) | (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Null(a), Self::Null(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(_) => write!(out, "NULL"),
            Self::Bool(truth) => write!(out, "{truth}"),
            Self::Int(integer) => write!(out, "{integer}"),
            Self::Float(float) => write!(out, "{float}"),
            Self::Text(text) => write!(out, "'{text}'"),
            Self::Date(_) | Self::Timestamp(_) => match self.as_text() {
                Some(text) => out.write_str(&text),
                // Years that no calendar date is written with.
                None => write!(out, "{:?}", self.scalar()),
            },
        }
    }
}
