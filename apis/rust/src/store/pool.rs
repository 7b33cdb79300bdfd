//! A pool of connections to PostgreSQL.
//!
//! sqlx has one, but it sends a Sync and waits for its answer each time a connection is given back,
//! on a task that it spawns for that. deadpool spares both, and its hooks suffice for the rest.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deadpool::managed::{
    self, Metrics, Object, PoolConfig, PoolError, QueueMode, RecycleError, RecycleResult,
};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Connection as _, Postgres};
use tokio::time::{interval, timeout, MissedTickBehavior};

use super::error::{leaves_connection_usable, StoreError};

/// How long a request waits for a connection, be it for a free one or for a new one to be made.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// How often an idle pool looks whether PostgreSQL is still there.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

type Statement<'q> = Query<'q, Postgres, PgArguments>;

pub struct Pool {
    connections: managed::Pool<Connector>,
}

impl Pool {
    pub fn new(options: PgConnectOptions, size: usize) -> Self {
        let mut config = PoolConfig::new(size);
        // The connection used last has its statements and buffers warm.
        config.queue_mode = QueueMode::Lifo;
        let connections = managed::Pool::builder(Connector {
            options: options.disable_statement_logging(),
            epoch: AtomicU64::new(0),
            used: AtomicBool::new(false),
        })
        .config(config)
        .build()
        .expect("a pool without time-outs of its own needs no runtime");
        tokio::spawn(watch(connections.clone()));
        Self { connections }
    }

    pub async fn fetch_one(&self, statement: Statement<'_>) -> Result<PgRow, StoreError> {
        let mut lease = Lease::acquire(&self.connections).await?;
        let result = statement.fetch_one(lease.connection()).await;
        lease.settle(result)
    }

    pub async fn fetch_optional(
        &self,
        statement: Statement<'_>,
    ) -> Result<Option<PgRow>, StoreError> {
        let mut lease = Lease::acquire(&self.connections).await?;
        let result = statement.fetch_optional(lease.connection()).await;
        lease.settle(result)
    }

    pub async fn fetch_all(&self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        let mut lease = Lease::acquire(&self.connections).await?;
        let result = statement.fetch_all(lease.connection()).await;
        lease.settle(result)
    }

    /// Returns the number of rows that the statement touched.
    pub async fn execute(&self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let mut lease = Lease::acquire(&self.connections).await?;
        let result = statement.execute(lease.connection()).await;
        lease.settle(result.map(|done| done.rows_affected()))
    }
}

/// Looks at an idle pool, so that a restart of PostgreSQL is noticed also where no request comes that
/// would. One connection stands for all: what ends it has most likely ended the others.
async fn watch(connections: managed::Pool<Connector>) {
    let mut ticks = interval(WATCH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let was_used = connections.manager().used.swap(false, Ordering::Relaxed);
        if was_used || connections.status().available == 0 || connections.status().size == 0 {
            continue;
        }
        if let Ok(mut lease) = Lease::acquire(&connections).await {
            let result = lease.connection().ping().await;
            // A failure has no other effect than the one it has on the pool.
            let _ = lease.settle(result);
            // A look is no use that would spare the next one.
            connections.manager().used.store(false, Ordering::Relaxed);
        }
    }
}

/// Makes connections, and tells which of them are still good.
struct Connector {
    options: PgConnectOptions,
    /// Counts the connections that turned out to be dead. All that were made before are suspect then,
    /// and replaced: after a restart of PostgreSQL a pool is full of dead ones.
    epoch: AtomicU64,
    /// Whether a statement has succeeded lately.
    used: AtomicBool,
}

struct Connection {
    postgres: PgConnection,
    epoch: u64,
    /// Whether nothing is left of a statement that failed or was abandoned.
    usable: bool,
}

impl managed::Manager for Connector {
    type Type = Connection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Connection, sqlx::Error> {
        // Read before: what fails meanwhile may have been this connection's PostgreSQL.
        let epoch = self.epoch.load(Ordering::Acquire);
        Ok(Connection {
            postgres: self.options.connect().await?,
            epoch,
            usable: true,
        })
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if connection.usable && connection.epoch == self.epoch.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(RecycleError::message("it may be dead"))
        }
    }
}

/// A connection that is taken from the pool. Given back without having been settled, because the
/// request ended in the middle of a statement, it is replaced.
struct Lease<'p> {
    connections: &'p managed::Pool<Connector>,
    taken: Object<Connector>,
}

impl<'p> Lease<'p> {
    async fn acquire(connections: &'p managed::Pool<Connector>) -> Result<Self, StoreError> {
        let mut taken = match timeout(ACQUIRE_TIMEOUT, connections.get()).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(PoolError::Backend(error))) => {
                return Err(StoreError::Unavailable(error.to_string()))
            }
            Ok(Err(error)) => return Err(StoreError::Unavailable(error.to_string())),
            Err(_) => {
                return Err(StoreError::Unavailable(
                    "no connection became free in time".to_owned(),
                ))
            }
        };
        taken.usable = false;
        Ok(Self { connections, taken })
    }

    fn connection(&mut self) -> &mut PgConnection {
        &mut self.taken.postgres
    }

    fn settle<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        let manager = self.connections.manager();
        match &result {
            Ok(_) => {
                self.taken.usable = true;
                manager.used.store(true, Ordering::Relaxed);
            }
            Err(error) if leaves_connection_usable(error) => self.taken.usable = true,
            Err(_) => {
                // Only the first of those that die together makes the others suspect.
                let _ = manager.epoch.compare_exchange(
                    self.taken.epoch,
                    self.taken.epoch + 1,
                    Ordering::AcqRel,
                    Ordering::Acquire,
                );
                drop(Object::take(self.taken));
            }
        }
        Ok(result?)
    }
}

#[cfg(test)]
mod tests;
