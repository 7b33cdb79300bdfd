//! The routes of the contract and what they do.

mod failure;
mod fields;
mod health;
mod page;
mod posts;
mod request;
mod respond;
mod trace;
mod uploads;
mod users;

use std::any::Any;
use std::sync::Arc;

use axum::routing::{any, MethodRouter};
use axum::Router;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::level_filters::LevelFilter;

use crate::cache::Cache;
use crate::password::Hasher;
use crate::problem;
use crate::store::Store;
use crate::token::Authority;
use crate::upload::Directory;
use failure::Failure;
use request::PathId;

/// What the routes are made of.
pub struct Services {
    pub store: Store,
    pub cache: Cache,
    pub hasher: Hasher,
    pub tokens: Authority,
    pub uploads: Directory,
}

/// What every handler is given.
type Shared = axum::extract::State<Arc<Services>>;

/// Returns the router of all routes. At the level info it logs requests.
pub fn router(services: Services, log_level: LevelFilter) -> Router {
    let router = Router::new()
        .route("/healthz", allowing("GET, HEAD").get(health::health))
        .route("/readyz", allowing("GET, HEAD").get(health::readiness))
        .route("/api/users", allowing("POST").post(users::register))
        .route("/api/auth/login", allowing("POST").post(users::login))
        .route("/api/users/me", allowing("GET, HEAD").get(users::account))
        .route("/api/users/{id}", allowing_id("GET, HEAD").get(users::user))
        .route(
            "/api/posts",
            allowing("GET, HEAD, POST")
                .get(posts::list)
                .post(posts::create),
        )
        .route(
            "/api/posts/{id}",
            allowing_id("DELETE, GET, HEAD, PUT")
                .get(posts::read)
                .put(posts::update)
                .delete(posts::delete),
        )
        .route("/api/files", allowing("POST").post(uploads::upload))
        .route(
            "/api/files/{id}",
            allowing_id("GET, HEAD").get(uploads::file),
        )
        .fallback(|| async { Failure::Refused(problem::NO_PATH) })
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
            respond::problem(problem::INTERNAL)
        }))
        .with_state(Arc::new(services));
    // Below info the layer would cost time for nothing.
    if log_level >= LevelFilter::INFO {
        router.layer(trace::layer())
    } else {
        router
    }
}

/// A route that takes no method yet: all are answered with a 405 that allows these.
fn allowing(methods: &'static str) -> MethodRouter<Arc<Services>> {
    any(move || async move { respond::method_not_allowed(methods) })
}

/// The same for a path with an id, which must be one.
fn allowing_id(methods: &'static str) -> MethodRouter<Arc<Services>> {
    any(move |_: PathId| async move { respond::method_not_allowed(methods) })
}

#[cfg(test)]
mod tests;
