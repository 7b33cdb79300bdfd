//! What a connection is doing, as far as its time-outs are concerned.

use std::sync::atomic::{AtomicU32, AtomicU8, Ordering};

/// Shared by the stream of a connection, which keeps the time-outs, and by what answers its requests,
/// which knows when one begins and ends. One task polls both, so no order of memory is at stake.
#[derive(Debug, Default)]
pub struct Phase {
    step: AtomicU8,
    requests: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// No request is in hand, and the last one, if there was any, had no body: what was read behind
    /// its head is the begin of the next.
    Waiting,
    /// No request is in hand, and the last one had a body.
    WaitingBehindBody,
    /// A request is being answered.
    Answering,
}

impl Phase {
    pub fn step(&self) -> Step {
        match self.step.load(Ordering::Relaxed) {
            0 => Step::Waiting,
            1 => Step::WaitingBehindBody,
            _ => Step::Answering,
        }
    }

    /// How many requests have begun.
    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    pub fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.step.store(Step::Answering as u8, Ordering::Relaxed);
    }

    pub fn end(&self, had_body: bool) {
        let step = if had_body {
            Step::WaitingBehindBody
        } else {
            Step::Waiting
        };
        self.step.store(step as u8, Ordering::Relaxed);
    }
}
