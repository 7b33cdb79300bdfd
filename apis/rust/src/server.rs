//! The HTTP/1.1 server of the contract: its limits, and its orderly end. The API and the benchmark
//! floor share it.
//!
//! It stands in for `axum::serve`, which has no time-outs and no limits of its own.

mod guard;
mod phase;
mod stream;
mod watched;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use guard::Guard;
use phase::Phase;
use stream::LimitedStream;

/// How much of a head is buffered before it is refused. What is read at once comes on top of it, see
/// [`stream::HEAD_READ_BYTES`], which makes 20 KiB.
const HEAD_BYTES: usize = 16 << 10;

/// How long what is in flight may take at the end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait where the kernel has no more descriptors or memory for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until `stop` is done. Then it stops accepting and waits for what is in
/// flight; what isn't finished after ten seconds is cut off with the runtime.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let stopping = CancellationToken::new();
    let connections = TaskTracker::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(answer(stream, router.clone(), stopping.clone()));
                }
                Err(error) => recover(&error).await,
            },
            () = &mut stop => break,
        }
    }
    // Who has connected before the end may have sent a request already.
    while let Some(Ok((stream, _))) = listener.accept().now_or_never() {
        connections.spawn(answer(stream, router.clone(), stopping.clone()));
    }
    drop(listener);
    stopping.cancel();
    connections.close();
    if timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!("requests in flight are cut off");
    }
}

/// A client that has gone again is no fault; anything else is likely to fail again at once.
async fn recover(error: &io::Error) {
    if matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    ) {
        return;
    }
    tracing::error!(%error, "accepting a connection");
    sleep(ACCEPT_PAUSE).await;
}

async fn answer(stream: TcpStream, router: Router, stopping: CancellationToken) {
    // Without it answers are only slower.
    let _ = stream.set_nodelay(true);
    let phase = Arc::new(Phase::default());
    let stream = LimitedStream::new(stream, Arc::clone(&phase));
    let connection = http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        // A request is answered also where its client has closed its own half of the connection; and a
        // change that has begun isn't cut off because nobody waits for it.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), Guard::new(router, phase));
    let mut connection = pin!(connection);
    // An error is the client's: it went away, was too slow, or spoke no HTTP.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

#[cfg(test)]
mod tests;
