//! What the floors have in common. Benchmarks measure the API against them.

use std::collections::HashMap;

use anyhow::Context as _;
use axum::routing::get;
use axum::Router;

use crate::config::Services;
use crate::db::Db;
use crate::http::posts::{select_posts, Entry, Post};
use crate::http::{listen, stop_signal};

/// Every post, by its id.
pub type Entries = HashMap<i64, Entry>;

/// Reads all posts.
pub async fn load(services: &Services) -> anyhow::Result<Entries> {
    let posts: Vec<Post> = Db::new(services.database.clone(), 1)
        .fetch_all(|| sqlx::query_as(select_posts!("ORDER BY posts.id")))
        .await
        .context("reading the posts")?;
    posts
        .iter()
        .map(|post| Ok((post.id, Entry::new(post)?)))
        .collect()
}

/// Serves a router as the API is served, with the routes that say that it is ready.
pub async fn serve(services: &Services, router: Router) -> anyhow::Result<()> {
    let router = router
        .route("/healthz", get(|| async {}))
        .route("/readyz", get(|| async {}));
    axum::serve(listen(services.address).await?, router)
        .with_graceful_shutdown(stop_signal())
        .await?;
    Ok(())
}
