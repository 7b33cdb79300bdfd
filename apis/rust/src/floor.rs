//! The least that an axum server can do for `GET /api/posts/{id}`: it answers with the same octets and
//! headers as the API on a cache hit, from memory. It runs on the API's own server settings, and
//! benchmarks measure the API against it. It is no part of the API.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::Router;
use tokio::net::TcpListener;

use crate::cache::Entry;
use crate::config::FloorConfig;
use crate::identifier::parse_id;
use crate::process::{affine_cpus, fail, listen, runtime, stop_signal, CONFIGURATION, FAILURE};
use crate::store::Store;
use crate::{server, view};

const PAGE_SIZE: usize = 1000;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const HIT: HeaderValue = HeaderValue::from_static("HIT");

type Answers = HashMap<i64, Entry>;

/// Serves until a signal, and returns the exit code.
pub fn run() -> ExitCode {
    match FloorConfig::read(|name| std::env::var_os(name)) {
        Ok(config) => match serve(config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(FAILURE, error),
        },
        Err(errors) => fail(CONFIGURATION, errors),
    }
}

fn serve(config: FloorConfig) -> Result<(), Box<dyn std::error::Error>> {
    runtime(affine_cpus()?)?.block_on(answer(config))
}

async fn answer(config: FloorConfig) -> Result<(), Box<dyn std::error::Error>> {
    let stop = stop_signal()?;
    let answers = load(&Store::new(config.database, 1)).await?;
    let router = Router::new()
        .route("/readyz", get(|| async {}))
        .route("/api/posts/{id}", get(post))
        .with_state(Arc::new(answers));
    let listener = TcpListener::from_std(listen(config.address)?)?;
    server::serve(listener, router, stop).await;
    Ok(())
}

async fn post(State(answers): State<Arc<Answers>>, target: Uri) -> Response {
    let (_, id) = target.path().rsplit_once('/').unwrap_or_default();
    let Some(entry) = parse_id(id).and_then(|id| answers.get(&id)) else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let mut response = Response::new(Body::from(entry.body.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ETAG, entry.etag.clone());
    headers.insert(X_CACHE, HIT);
    response
}

/// Reads all posts, page by page.
async fn load(store: &Store) -> Result<Answers, Box<dyn std::error::Error>> {
    let mut answers = Answers::new();
    let mut before = None;
    loop {
        let rows = store.posts(before, PAGE_SIZE as i64).await?;
        for row in &rows {
            let post = row.post()?;
            before = Some(post.id);
            let entry =
                Entry::split(&view::encode_entry(&post)?).ok_or("an entry has a newline")?;
            answers.insert(post.id, entry);
        }
        if rows.len() < PAGE_SIZE {
            return Ok(answers);
        }
    }
}
