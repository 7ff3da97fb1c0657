//! A small repeatable generator for test data and random plans. It never makes noise.

/// Where choices come from.
#[derive(Clone, Debug)]
pub enum Chance {
    /// SplitMix64 (Steele, Lea & Flood 2014): the same sequence for the same seed, on every
    /// machine.
    Seeded(u64),
    /// The bytes of a fuzzer, one per choice; zeros after their end.
    Given(Vec<u8>),
}

impl Chance {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self::Seeded(seed)
    }

    /// The choices that these bytes make.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self::Given(bytes.iter().rev().copied().collect())
    }

    fn bits(&mut self) -> u64 {
        match self {
            Self::Seeded(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            }
            Self::Given(bytes) => bytes.pop().map_or(0, u64::from),
        }
    }

    /// A number below `limit`, which is above 0. The bias of the remainder is of no matter here.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the items.
    pub fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}
