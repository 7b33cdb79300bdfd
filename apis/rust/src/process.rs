//! The process: its settings, its threads, its beginning and its end.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{signal, SignalKind};

use crate::api::{self, Services};
use crate::cache::Cache;
use crate::config::Config;
use crate::logging;
use crate::password::Hasher;
use crate::server;
use crate::store::Store;
use crate::token::Authority;

/// Exit codes of the contract.
pub(crate) const FAILURE: u8 = 1;
pub(crate) const CONFIGURATION: u8 = 2;

/// How many connections wait to be accepted; the kernel's own limit, `somaxconn`, is 4096 as well. A
/// client that finds no place tries again only after a second.
const BACKLOG: i32 = 4096;

/// Serves until a signal, and returns the exit code.
pub fn run() -> ExitCode {
    let config = match Config::read(|name| std::env::var_os(name)) {
        Ok(config) => config,
        Err(errors) => return fail(CONFIGURATION, errors),
    };
    let listener = match listen(config.address) {
        Ok(listener) => listener,
        Err(error) => {
            let address = config.address;
            return fail(FAILURE, format!("cannot listen on {address}: {error}"));
        }
    };
    match serve(config, listener) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILURE, error),
    }
}

/// Writes each line of a message to standard error.
pub(crate) fn fail(code: u8, message: impl Display) -> ExitCode {
    for line in message.to_string().lines() {
        eprintln!("fairground: {line}");
    }
    ExitCode::from(code)
}

fn serve(
    config: Config,
    listener: std::net::TcpListener,
) -> Result<(), Box<dyn std::error::Error>> {
    logging::install(config.log_level)?;
    let cpus = affine_cpus()?;
    let runtime = runtime(cpus)?;
    runtime.block_on(async {
        let stop = stop_signal()?;
        let listener = TcpListener::from_std(listener)?;
        let router = api::router(
            Services {
                store: Store::new(config.database, config.pool_size),
                cache: Cache::new(config.redis),
                hasher: Hasher::new(cpus),
                tokens: Authority::new(&config.jwt_secret),
                uploads: config.uploads,
            },
            config.log_level,
        );
        tracing::info!(address = %config.address, cpus, "listening");
        server::serve(listener, router, stop).await;
        io::Result::Ok(())
    })?;
    // Hashes that nobody waits for any more would hold up the end.
    runtime.shutdown_background();
    Ok(())
}

/// Binds before there is a runtime, so that a failure is told apart from all others.
pub(crate) fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    // Listening once more changes the backlog, which is 128 in the standard library.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// How many CPUs the affinity mask has. `available_parallelism` would also heed a quota.
pub(crate) fn affine_cpus() -> io::Result<usize> {
    let mask = rustix::thread::sched_getaffinity(None)?;
    Ok(mask.count() as usize)
}

/// One thread for each CPU. A single one needs no scheduler that hands tasks from thread to thread.
pub(crate) fn runtime(cpus: usize) -> io::Result<Runtime> {
    if cpus == 1 {
        Builder::new_current_thread().enable_all().build()
    } else {
        Builder::new_multi_thread()
            .worker_threads(cpus)
            .enable_all()
            .build()
    }
}

/// Is done at SIGTERM or SIGINT. Called within a runtime.
pub(crate) fn stop_signal() -> io::Result<impl std::future::Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests;
