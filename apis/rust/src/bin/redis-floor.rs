//! The least that an axum server does for `GET /api/posts/{id}` with Redis: it answers with what the
//! API's own client fetches.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::Router;
use fairground::cache::Cache;
use fairground::config::Services;
use fairground::floor::{self, Entries};
use fairground::http::posts::Entry;
use redis::Cmd;

struct Floor {
    cache: Cache,
    entries: Entries,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let services = Services::from_env()?;
    let entries = floor::load(&services).await?;
    let cache = Cache::new(services.redis.clone());
    let floor = Arc::new(Floor { cache, entries });
    for entry in &floor.entries {
        let stored = floor.store(entry).await;
        anyhow::ensure!(stored.is_some(), "Redis doesn't take the posts");
    }
    let router = Router::new()
        .route("/api/posts/{id}", get(show))
        .with_state(floor);
    floor::serve(&services, router).await
}

async fn show(
    State(floor): State<Arc<Floor>>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    if let Some(entry) = floor
        .cache
        .get(&Entry::key(id))
        .await
        .and_then(Entry::parse)
    {
        return Ok(entry.answer("HIT", &headers));
    }
    let entry = floor.entries.get_key_value(&id);
    let entry = entry.ok_or(StatusCode::NOT_FOUND)?;
    floor.store(entry).await;
    Ok(entry.1.clone().answer("MISS", &headers))
}

impl Floor {
    /// Stores a post, without expiry, unless it is there.
    async fn store(&self, (id, entry): (&i64, &Entry)) -> Option<()> {
        let set = Cmd::set_nx(Entry::key(*id), &*entry.stored);
        self.cache.run(&set).await
    }
}
