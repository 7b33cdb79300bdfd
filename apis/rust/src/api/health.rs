//! Whether the process lives, and whether it can work.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use tokio::time::timeout;

use super::failure::{log_outage, Failure};
use super::{respond, Shared};
use crate::store::StoreError;
use crate::view::Readiness;

/// How long PostgreSQL has to answer; Redis has the time of any operation of the cache.
const POSTGRES_TIMEOUT: Duration = Duration::from_secs(2);

pub async fn health() -> Response {
    respond::json(StatusCode::OK, Bytes::from_static(br#"{"status":"ok"}"#))
}

pub async fn readiness(State(services): Shared) -> Result<Response, Failure> {
    let (postgres, redis) = tokio::join!(
        timeout(POSTGRES_TIMEOUT, services.store.ping()),
        services.cache.ping(),
    );
    let postgres =
        postgres.unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned())));
    let causes: Vec<String> = [
        postgres.as_ref().err().map(ToString::to_string),
        redis
            .as_ref()
            .err()
            .map(|error| format!("Redis is not available: {error}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let status = if causes.is_empty() {
        StatusCode::OK
    } else {
        log_outage(&causes.join("; "));
        StatusCode::SERVICE_UNAVAILABLE
    };
    let word = |up| if up { "up" } else { "down" };
    respond::view(
        status,
        &Readiness {
            postgres: word(postgres.is_ok()),
            redis: word(redis.is_ok()),
        },
    )
}
