//! Whether the API and its services work.

use axum::extract::State;
use axum::http::StatusCode;
use axum::Json;
use serde_json::{json, Value};

use super::error::Error;
use super::Api;

pub async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

pub async fn readyz(State(api): State<Api>) -> (StatusCode, Json<Value>) {
    let (postgres, redis) = tokio::join!(api.db.ping(), api.cache.ping());
    let postgres = postgres.map_err(|error| Error::from(error).log()).is_ok();
    let status = if postgres && redis {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let word = |is_up| if is_up { "up" } else { "down" };
    let services = json!({"postgres": word(postgres), "redis": word(redis)});
    (status, Json(services))
}
