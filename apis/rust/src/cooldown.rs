//! A time that follows an event.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A period that begins with an event. Events within it don't prolong it.
pub struct Cooldown {
    period: Duration,
    created: Instant,
    /// In milliseconds since `created`.
    ends: AtomicU64,
}

impl Cooldown {
    /// Returns one that isn't under way.
    pub fn new(period: Duration) -> Self {
        Self {
            period,
            created: Instant::now(),
            ends: AtomicU64::new(0),
        }
    }

    /// Says whether the period is under way.
    pub fn is_active(&self) -> bool {
        self.ends.load(Ordering::Relaxed) > self.now()
    }

    /// Begins the period, and says whether it was this call that began it.
    pub fn begin(&self) -> bool {
        let now = self.now();
        let end = now + self.period.as_millis() as u64;
        self.ends
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |ends| {
                (ends <= now).then_some(end)
            })
            .is_ok()
    }

    fn now(&self) -> u64 {
        self.created.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests;
