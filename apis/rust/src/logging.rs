//! The log of the contract: one JSON object a line, on standard output.

use std::fmt::{self, Write as _};
use std::io;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::view::Timestamp;

/// Logs events of this crate at `level` and above, and panics.
pub fn install(level: LevelFilter) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
    // Libraries have formats of their own, and may log what the contract forbids.
    let own = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    let layer = JsonLines { output: io::stdout };
    tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(layer.with_filter(own)),
    )?;
    panic::set_hook(Box::new(|panic| {
        // Without its payload, which may quote what a client sent.
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
    Ok(())
}

/// Lets through one event in an interval.
pub struct Limiter {
    interval: Duration,
    start: Instant,
    /// Milliseconds from the start until which nothing passes.
    closed_until: AtomicU64,
}

impl Limiter {
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            start: Instant::now(),
            closed_until: AtomicU64::new(0),
        }
    }

    /// Tells whether the event passes; then none does until the interval is over.
    pub fn passes(&self) -> bool {
        let now = self.start.elapsed().as_millis() as u64;
        let reopened = now + self.interval.as_millis() as u64;
        self.closed_until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |closed_until| {
                (closed_until <= now).then_some(reopened)
            })
            .is_ok()
    }
}

/// Writes each event as a line: time, level, its fields, and those of the spans around it.
struct JsonLines<F> {
    output: F,
}

impl<S, F, W> Layer<S> for JsonLines<F>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    F: Fn() -> W + 'static,
    W: io::Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut members = Members::default();
            attributes.record(&mut members);
            span.extensions_mut().insert(members);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Members::default();
        line.0.push_str("{\"time\":");
        line.push_text(&Timestamp(Utc::now()).to_string());
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        line.member("level").push_text(&level);
        event.record(&mut line);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(members) = span.extensions().get::<Members>() {
                line.0.push_str(&members.0);
            }
        }
        line.0.push_str("}\n");
        // Nobody is left to tell that the log can't be written.
        let _ = (self.output)().write_all(line.0.as_bytes());
    }
}

/// Members of a JSON object, each with a comma before it.
#[derive(Default)]
struct Members(String);

impl Members {
    fn member(&mut self, name: &str) -> &mut Self {
        self.0.push(',');
        self.push_text(name);
        self.0.push(':');
        self
    }

    fn push_text(&mut self, text: &str) {
        // Writing a string into a string can't fail.
        self.0
            .push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name()).push_text(value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let _ = write!(self.member(field.name()).0, "{value}");
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        let _ = write!(self.member(field.name()).0, "{value}");
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let number = serde_json::Number::from_f64(value)
            .map_or_else(|| "null".to_owned(), |number| number.to_string());
        self.member(field.name()).0.push_str(&number);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        let _ = write!(self.member(field.name()).0, "{value}");
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name()).push_text(&format!("{value:?}"));
    }
}

#[cfg(test)]
pub mod tests;
