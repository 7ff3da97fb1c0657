//! The only door through which time enters the ledger.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// A moment, in UTC.
pub type Timestamp = DateTime<Utc>;

/// Tells the time; given to a ledger when it is opened.
pub trait Clock: Send + Sync {
    /// The present moment as this clock sees it.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that may read the clock")]
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

/// A clock that stands still until it is set: for tests.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
