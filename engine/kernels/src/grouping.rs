//! The rows of one partition brought together unit by unit: a table numbers the units, and each
//! row is copied once to where its unit's rows lie.

use std::hash::BuildHasher;

use crate::KernelError;
use crate::settle::Part;
use crate::store::{Shape, wide};

/// The table starts with so many places.
const FIRST_SLOTS: usize = 1 << 10;

/// The rows of a partition, unit by unit. Memory is used again for the next partition.
#[derive(Default)]
pub(crate) struct Grouping {
    numbers: UnitNumbers,
    /// Where each unit's rows end, unit by unit. *Units*: rows.
    ends: Vec<u32>,
    /// The number of each row's unit, in order of arrival.
    unit_of: Vec<u32>,
    /// Keys and values.
    words: Vec<u32>,
    width: usize,
}

/// The rows of one unit: keys and values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitRows<'a> {
    words: &'a [u32],
    width: usize,
}

impl<'a> UnitRows<'a> {
    pub(crate) fn new(words: &'a [u32], width: usize) -> Self {
        Self { words, width }
    }

    /// The record of a row, without its unit.
    #[inline]
    pub(crate) fn record(&self, row: u32) -> &'a [u32] {
        &self.words[row as usize * self.width..][..self.width]
    }

    /// The keys of all rows.
    #[inline]
    pub(crate) fn keys(&self, shape: &Shape) -> impl ExactSizeIterator<Item = u64> {
        self.words.chunks_exact(self.width).map(|record| shape.key(record))
    }
}

/// Distinct units of 64 bits, numbered in order of arrival and compared by value.
#[derive(Default)]
struct UnitNumbers {
    /// One more than the number of a unit, 0 for a free place; a power of two, at most half full.
    slots: Vec<u32>,
    units: Vec<u64>,
}

impl UnitNumbers {
    fn clear(&mut self) {
        let slots = self.slots.len().max(FIRST_SLOTS);
        self.slots.clear();
        self.slots.resize(slots, 0);
        self.units.clear();
    }

    #[inline]
    fn number(&mut self, unit: u64, hasher: &impl BuildHasher) -> u32 {
        let mask = self.slots.len() - 1;
        // The first bits of the hash are the same in a partition; the last ones are not.
        let mut place = hasher.hash_one(unit.cast_signed()) as usize & mask;
        loop {
            match self.slots[place] {
                0 => break,
                number if self.units[number as usize - 1] == unit => return number - 1,
                _ => place = (place + 1) & mask,
            }
        }
        self.units.push(unit);
        self.slots[place] = self.units.len() as u32;
        if 2 * self.units.len() > self.slots.len() {
            self.grow(hasher);
        }
        self.units.len() as u32 - 1
    }

    #[cold]
    fn grow(&mut self, hasher: &impl BuildHasher) {
        let mask = 2 * self.slots.len() - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, 0);
        for (number, &unit) in (1..).zip(&self.units) {
            let mut place = hasher.hash_one(unit.cast_signed()) as usize & mask;
            while self.slots[place] != 0 {
                place = (place + 1) & mask;
            }
            self.slots[place] = number;
        }
    }
}

impl Grouping {
    /// Takes in a partition. Where units have numbers already, there is one list of them for each
    /// part, and `numbered` units in all.
    ///
    /// *Errors*: more rows than can be numbered; numbers that nothing has, from damaged storage.
    pub(crate) fn fill(
        &mut self,
        shape: &Shape,
        parts: &[Part],
        hasher: &impl BuildHasher,
        numbered: Option<(&[Vec<u32>], usize)>,
    ) -> Result<(), KernelError> {
        let rows = parts.iter().map(|part| part.segment.words()).sum::<usize>() / shape.words;
        let limit = u64::from(u32::MAX);
        if rows as u64 >= limit {
            return Err(KernelError::TooLarge { what: "rows of one part", limit });
        }
        self.width = shape.row_words;
        self.unit_of.clear();
        self.unit_of.reserve(rows);
        self.numbers.clear();
        self.ends.clear();
        match numbered {
            Some((lists, units)) => {
                for (part, list) in parts.iter().zip(lists) {
                    let chunks = part.segment.chunks.iter();
                    for record in chunks.flat_map(|chunk| chunk.chunks_exact(shape.words)) {
                        let number = list.get(record[shape.row_words] as usize);
                        self.unit_of.push(*number.ok_or_else(damaged)?);
                    }
                }
                self.ends.resize(units, 0);
            }
            None => {
                for chunk in parts.iter().flat_map(|part| &part.segment.chunks) {
                    for record in chunk.chunks_exact(shape.words) {
                        let unit = wide(record, shape.row_words);
                        self.unit_of.push(self.numbers.number(unit, hasher));
                    }
                }
                self.ends.resize(self.numbers.units.len(), 0);
            }
        }
        self.unit_of.iter().for_each(|&unit| self.ends[unit as usize] += 1);
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        // Every unit's end is its start now, and moves on with each of its rows.
        self.words.resize(rows * self.width, 0);
        match self.width {
            1 => self.gather::<1>(shape, parts),
            2 => self.gather::<2>(shape, parts),
            3 => self.gather::<3>(shape, parts),
            4 => self.gather::<4>(shape, parts),
            _ => self.gather::<0>(shape, parts),
        }
    }

    /// Copies each row, under the common number of its key, behind those of its unit that are there.
    /// `WIDTH` is the width where it is small, and 0 elsewhere: short copies of a fixed length are
    /// a few instructions, any other is a call.
    fn gather<const WIDTH: usize>(
        &mut self,
        shape: &Shape,
        parts: &[Part],
    ) -> Result<(), KernelError> {
        let width = if WIDTH == 0 { self.width } else { WIDTH };
        let mut units = self.unit_of.as_slice();
        for (part, chunk) in
            parts.iter().flat_map(|part| part.segment.chunks.iter().map(move |chunk| (part, chunk)))
        {
            let (here, later) = units.split_at(chunk.len() / shape.words);
            units = later;
            for (record, &unit) in chunk.chunks_exact(shape.words).zip(here) {
                let end = &mut self.ends[unit as usize];
                let row = &mut self.words[*end as usize * width..][..width];
                *end += 1;
                row.copy_from_slice(&record[..width]);
                if let Some(keys) = &part.keys {
                    row[0] = *keys.get(row[0] as usize).ok_or_else(damaged)?;
                }
            }
        }
        Ok(())
    }

    /// The units and their rows, in no particular order. Units that have numbers come as these.
    pub(crate) fn units(&self) -> impl Iterator<Item = (u64, UnitRows<'_>)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).enumerate().map(|(number, (start, &end))| {
            let unit = self.numbers.units.get(number).copied().unwrap_or(number as u64);
            let words = &self.words[start as usize * self.width..end as usize * self.width];
            (unit, UnitRows::new(words, self.width))
        })
    }
}

fn damaged() -> KernelError {
    KernelError::Spill { detail: "its rows name a unit or a key that is not there".to_owned() }
}
