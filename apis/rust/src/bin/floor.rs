//! The least that an axum server does for `GET /api/posts/{id}`: it answers from memory.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::Router;
use fairground::config::Services;
use fairground::floor::{self, Entries};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let services = Services::from_env()?;
    let entries = Arc::new(floor::load(&services).await?);
    let router = Router::new()
        .route("/api/posts/{id}", get(show))
        .with_state(entries);
    floor::serve(&services, router).await
}

async fn show(
    State(entries): State<Arc<Entries>>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let entry = entries.get(&id).ok_or(StatusCode::NOT_FOUND)?;
    Ok(entry.clone().answer("HIT", &headers))
}
