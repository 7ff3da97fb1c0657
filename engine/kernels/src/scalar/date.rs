//! Dates and timestamps: parts, truncation, differences and shifts. Out of range is NULL.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};

use super::argument::{Argument, Texts, each, exactly};
use super::calendar::{DAY, civil, days, iso_week, month_length, weekday};
use crate::KernelError;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// A part of a date or timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    IsoYear,
    Quarter,
    Month,
    Week,
    Day,
    DayOfYear,
    DayOfWeek,
    IsoDayOfWeek,
    Hour,
    Minute,
    Second,
}

impl Part {
    fn parse(name: &str) -> Option<Self> {
        let known = [
            ("year", Self::Year),
            ("isoyear", Self::IsoYear),
            ("quarter", Self::Quarter),
            ("month", Self::Month),
            ("week", Self::Week),
            ("day", Self::Day),
            ("doy", Self::DayOfYear),
            ("dow", Self::DayOfWeek),
            ("isodow", Self::IsoDayOfWeek),
            ("hour", Self::Hour),
            ("minute", Self::Minute),
            ("second", Self::Second),
        ];
        known.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, part)| *part)
    }
}

/// A moment: a day and the microseconds since its midnight.
#[derive(Clone, Copy)]
struct Moment {
    day: i64,
    clock: i64,
}

/// Dates or timestamps by row, as moments.
enum Moments<'a> {
    Dates(super::argument::Values<'a, Date32Type>),
    Timestamps(super::argument::Values<'a, TimestampMicrosecondType>),
}

impl<'a> Moments<'a> {
    fn of(argument: &'a Argument) -> Result<Self, KernelError> {
        if *argument.kind() == DataType::Date32 {
            return argument.values::<Date32Type>().map(Self::Dates);
        }
        argument.values::<TimestampMicrosecondType>().map(Self::Timestamps)
    }

    fn get(&self, row: usize) -> Option<Moment> {
        match self {
            Self::Dates(dates) => Some(Moment { day: i64::from(dates.get(row)?), clock: 0 }),
            Self::Timestamps(stamps) => {
                let micros = stamps.get(row)?;
                Some(Moment { day: micros.div_euclid(DAY), clock: micros.rem_euclid(DAY) })
            }
        }
    }
}

/// The part named by each row; a constant name is read once.
fn parts<'a>(names: Texts<'a>, constant: bool) -> impl Fn(usize) -> Option<Part> + 'a {
    let once = if constant { names.get(0).and_then(Part::parse) } else { None };
    move |row| if constant { once } else { Part::parse(names.get(row)?) }
}

fn parts_of(argument: &Argument) -> Result<impl Fn(usize) -> Option<Part> + '_, KernelError> {
    Ok(parts(argument.texts()?, argument.is_constant()))
}

/// A number read off the calendar or the clock; NULL for an unknown part.
pub(super) fn part(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [name, when] = exactly(arguments)?;
    let (part, moments) = (parts_of(name)?, Moments::of(when)?);
    Ok(each::<Int64Type>(rows, |row| {
        let Moment { day, clock } = moments.get(row)?;
        let (year, month, day_of_month) = civil(day);
        Some(match part(row)? {
            Part::Year => year,
            Part::IsoYear => iso_week(day).0,
            Part::Quarter => (month + 2) / 3,
            Part::Month => month,
            Part::Week => iso_week(day).1,
            Part::Day => day_of_month,
            Part::DayOfYear => day - days(year, 1, 1) + 1,
            Part::DayOfWeek => (weekday(day) + 1) % 7,
            Part::IsoDayOfWeek => weekday(day) + 1,
            Part::Hour => clock / HOUR,
            Part::Minute => clock % HOUR / MINUTE,
            Part::Second => clock % MINUTE / SECOND,
        })
    }))
}

/// The beginning of the part that a moment lies in, of the moment's own type.
pub(super) fn trunc(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [name, when] = exactly(arguments)?;
    let (part, moments) = (parts_of(name)?, Moments::of(when)?);
    let beginning = |row: usize| {
        let Moment { day, clock } = moments.get(row)?;
        let (year, month, day_of_month) = civil(day);
        let midnight = |day| Some(Moment { day, clock: 0 });
        match part(row)? {
            Part::Year => midnight(days(year, 1, 1)),
            Part::IsoYear => {
                let january = days(iso_week(day).0, 1, 4);
                midnight(january - weekday(january))
            }
            Part::Quarter => midnight(days(year, (month - 1) / 3 * 3 + 1, 1)),
            Part::Month => midnight(day - day_of_month + 1),
            Part::Week => midnight(day - weekday(day)),
            Part::Day => midnight(day),
            Part::Hour => Some(Moment { day, clock: clock - clock % HOUR }),
            Part::Minute => Some(Moment { day, clock: clock - clock % MINUTE }),
            Part::Second => Some(Moment { day, clock: clock - clock % SECOND }),
            Part::DayOfYear | Part::DayOfWeek | Part::IsoDayOfWeek => None,
        }
    };
    Ok(match &moments {
        Moments::Dates(_) => {
            each::<Date32Type>(rows, |row| i32::try_from(beginning(row)?.day).ok())
        }
        Moments::Timestamps(_) => each::<TimestampMicrosecondType>(rows, |row| {
            let Moment { day, clock } = beginning(row)?;
            day.checked_mul(DAY)?.checked_add(clock)
        }),
    })
}

/// The days from the second date to the first.
pub(super) fn days_between(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [later, earlier] = exactly(arguments)?;
    let (later, earlier) = (later.values::<Date32Type>()?, earlier.values::<Date32Type>()?);
    Ok(each::<Int64Type>(rows, |row| {
        Some(i64::from(later.get(row)?) - i64::from(earlier.get(row)?))
    }))
}

/// How many beginnings of a part lie between two moments; negative where they are reversed.
pub(super) fn difference(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [name, from, to] = exactly(arguments)?;
    let (part, from, to) = (parts_of(name)?, Moments::of(from)?, Moments::of(to)?);
    Ok(each::<Int64Type>(rows, |row| {
        let (from, to, part) = (from.get(row)?, to.get(row)?, part(row)?);
        index(part, to)?.checked_sub(index(part, from)?)
    }))
}

/// The number of a moment's part, counted without gaps.
fn index(part: Part, Moment { day, clock }: Moment) -> Option<i64> {
    let (year, month, _) = civil(day);
    let within = |length: i64| day.checked_mul(DAY / length)?.checked_add(clock / length);
    match part {
        Part::Year => Some(year),
        Part::IsoYear => Some(iso_week(day).0),
        Part::Quarter => Some(year * 4 + (month - 1) / 3),
        Part::Month => Some(year * 12 + month),
        Part::Week => Some((day - weekday(day) + 3).div_euclid(7)),
        Part::Day => Some(day),
        Part::Hour => within(HOUR),
        Part::Minute => within(MINUTE),
        Part::Second => within(SECOND),
        Part::DayOfYear | Part::DayOfWeek | Part::IsoDayOfWeek => None,
    }
}

/// A day shifted by months, its day of the month cut to the new month's length.
fn shifted(day: i64, months: i64) -> Option<i64> {
    let (year, month, day_of_month) = civil(day);
    let months = year * 12 + month - 1 + i64::from(i32::try_from(months).ok()?);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    Some(days(year, month, day_of_month.min(month_length(year, month))))
}

/// A date shifted by months and then by days.
pub(super) fn shift_date(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [date, months, days] = exactly(arguments)?;
    let date = date.values::<Date32Type>()?;
    let (months, days) = (months.values::<Int64Type>()?, days.values::<Int64Type>()?);
    Ok(each::<Date32Type>(rows, |row| {
        let day = shifted(i64::from(date.get(row)?), months.get(row)?)?;
        i32::try_from(day.checked_add(days.get(row)?)?).ok()
    }))
}

/// A timestamp shifted by months, then days, then microseconds.
pub(super) fn shift_timestamp(
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let [stamp, months, days, micros] = exactly(arguments)?;
    let stamp = stamp.values::<TimestampMicrosecondType>()?;
    let (months, days) = (months.values::<Int64Type>()?, days.values::<Int64Type>()?);
    let micros = micros.values::<Int64Type>()?;
    Ok(each::<TimestampMicrosecondType>(rows, |row| {
        let stamp = stamp.get(row)?;
        let day = shifted(stamp.div_euclid(DAY), months.get(row)?)?;
        let midnight = i128::from(day.checked_add(days.get(row)?)?) * i128::from(DAY);
        let clock = i128::from(stamp.rem_euclid(DAY)) + i128::from(micros.get(row)?);
        i64::try_from(midnight + clock).ok()
    }))
}
