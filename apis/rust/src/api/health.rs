//! Whether the process lives, and whether it can work.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use tokio::time::timeout;

use super::failure::Failure;
use super::{respond, Shared};
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
    let postgres = matches!(postgres, Ok(Ok(())));
    let status = if postgres && redis {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let word = |up| if up { "up" } else { "down" };
    respond::view(
        status,
        &Readiness {
            postgres: word(postgres),
            redis: word(redis),
        },
    )
}
