//! What an endpoint fails with, and the answer to it.

use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Duration;

use axum::response::{IntoResponse, Response};

use super::respond;
use crate::logging::Limiter;
use crate::problem::{self, Problem};
use crate::store::StoreError;

/// Keeps services that are away from filling the log.
static OUTAGES: LazyLock<Limiter> = LazyLock::new(|| Limiter::new(Duration::from_secs(1)));

#[derive(Debug)]
pub enum Failure {
    Refused(Problem),
    /// PostgreSQL is not available.
    Unavailable(StoreError),
    /// Anything unexpected. The cause goes to the log and never to the client.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error),
            other => Self::internal(other),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        respond::problem(match self {
            Self::Refused(problem) => problem,
            Self::Unavailable(error) => {
                log_outage(&error);
                problem::UNAVAILABLE
            }
            Self::Internal(cause) => {
                tracing::error!(error = %chain(cause.as_ref()), "internal error");
                problem::INTERNAL
            }
        })
    }
}

/// Logs why a request is answered with a 503, unless another was logged within the last second.
pub fn log_outage(cause: &dyn Display) {
    if OUTAGES.passes() {
        tracing::error!(error = %cause, "service unavailable");
    }
}

/// Writes an error together with what caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> impl Display {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
