//! The HTTP side: routes, what they share, and the server.

mod auth;
pub mod error;
mod extractor;
mod files;
mod health;
pub mod posts;
mod users;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::serve::{Listener, ListenerExt as _};
use axum::{BoxError, Router};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{signal, SignalKind};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::timeout::TimeoutLayer;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Instrument as _, Level, Span};

use crate::cache::Cache;
use crate::config::Config;
use crate::db::Db;
use crate::password::Hasher;
use auth::Tokens;
use error::Error;

/// How much of a body waits in the kernel, for each connection.
const RECEIVE_BUFFER: u32 = 32 << 10;

/// How many connections wait to be accepted, as in `TcpListener::bind`.
const BACKLOG: u32 = 1024;

const JSON_LIMIT: usize = 64 << 10;

/// How long a request may take, including the time in which its body arrives.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests in flight may take once the process has been told to stop, so that it has ended
/// after 10 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(9);

/// What handlers share.
pub struct ApiContext {
    db: Db,
    cache: Cache,
    hasher: Hasher,
    tokens: Tokens,
    upload_dir: PathBuf,
    writes: TaskTracker,
}

/// The state of the router.
pub type Api = Arc<ApiContext>;

impl ApiContext {
    /// Runs a write to its end, even if the client goes away: a handler is dropped then, which
    /// would leave half of the work undone.
    async fn finish<T: Send + 'static>(
        &self,
        write: impl Future<Output = T> + Send + 'static,
    ) -> T {
        match self.writes.spawn(write.in_current_span()).await {
            Ok(result) => result,
            Err(error) => resume_unwind(error.into_panic()),
        }
    }
}

/// Serves the API until the process is told to stop.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let address = config.services.address;
    let listener = listen(address).await?;
    let cpus = available_parallelism().context("counting the CPUs")?.get();
    let api = Arc::new(ApiContext {
        db: Db::new(config.services.database, config.pool_size),
        cache: Cache::new(config.services.redis),
        hasher: Hasher::new(cpus),
        tokens: Tokens::new(&config.jwt_secret),
        upload_dir: config.upload_dir,
        writes: TaskTracker::new(),
    });

    let stopping = CancellationToken::new();
    tokio::spawn({
        let stopping = stopping.clone();
        async move {
            stop_signal().await;
            stopping.cancel();
        }
    });
    let server = axum::serve(listener, router(Arc::clone(&api)))
        .with_graceful_shutdown(stopping.clone().cancelled_owned());
    tracing::info!(%address, cpus, "listening");
    let finished = async {
        server.await?;
        api.writes.close();
        api.writes.wait().await;
        anyhow::Ok(())
    };
    let overdue = async {
        stopping.cancelled().await;
        sleep(SHUTDOWN_TIMEOUT).await;
    };
    tokio::select! {
        result = finished => result,
        () = overdue => {
            tracing::warn!("stopped before all requests had been answered");
            Ok(())
        }
    }
}

fn router(api: Api) -> Router {
    let layers = ServiceBuilder::new()
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_response(DefaultOnResponse::new().level(Level::INFO))
                // `Error` logs what failed, with its cause.
                .on_failure(()),
        )
        .layer(CatchPanicLayer::custom(|_| Error::Panic.into_response()))
        .layer(HandleErrorLayer::new(|_: BoxError| async {
            Error::refused(StatusCode::REQUEST_TIMEOUT, "The request took too long.")
        }))
        .layer(TimeoutLayer::new(REQUEST_TIMEOUT))
        .layer(DefaultBodyLimit::max(JSON_LIMIT));
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/api/users", post(users::register))
        .route("/api/auth/login", post(users::login))
        .route("/api/users/me", get(users::me))
        .route("/api/users/{id}", get(users::show))
        .route("/api/posts", get(posts::list).post(posts::create))
        .route(
            "/api/posts/{id}",
            get(posts::show).put(posts::update).delete(posts::delete),
        )
        .route(
            "/api/files",
            post(files::upload).layer(DefaultBodyLimit::max(files::FORM_LIMIT)),
        )
        .route("/api/files/{id}", get(files::download))
        .fallback(|| async { Error::NotFound })
        .method_not_allowed_fallback(|| async {
            Error::refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "The path has other methods.",
            )
        })
        .layer(layers)
        .with_state(api)
}

/// What a line in the log says of its request. The query isn't logged: clients put secrets there.
fn span(request: &Request) -> Span {
    tracing::info_span!("request", method = %request.method(), path = request.uri().path())
}

/// Listens at an address, and has small answers sent at once.
pub async fn listen(
    address: SocketAddr,
) -> anyhow::Result<impl Listener<Io = TcpStream, Addr = SocketAddr>> {
    // Each connection and each upload takes a file, and the usual limit is 1,024.
    rlimit::increase_nofile_limit(u64::MAX).context("raising the limit of open files")?;
    let listener = bind(address).with_context(|| format!("cannot listen on {address}"))?;
    Ok(listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!(%error, "TCP_NODELAY can't be set");
        }
    }))
}

/// hyper reads as much as has arrived, up to 400 KiB, and every layer of a slow upload keeps as much.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Waits until the process is told to stop.
pub async fn stop_signal() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
