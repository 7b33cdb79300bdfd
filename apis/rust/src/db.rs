//! The pool of connections to PostgreSQL.

use std::future::Future;
use std::io;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{Connection, FromRow, PgPool, Postgres};
use tokio::time::{timeout, timeout_at, Instant};

/// How long a statement may take, including the wait for a connection.
const LIMIT: Duration = Duration::from_millis(2200);

/// How long to wait for a connection before asking for another one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection that goes back to the pool may take to show that it works.
const RETURN_LIMIT: Duration = Duration::from_secs(1);

const CACHED_PLAN_CHANGED: &str = "0A000";

/// A statement that returns rows, with its parameters.
pub type Select<'q, T> = QueryAs<'q, Postgres, T, PgArguments>;

/// A statement that returns none, with its parameters.
pub type Command<'q> = Query<'q, Postgres, PgArguments>;

/// What a row is read into.
pub trait Row: for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// A statement that failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// There was no connection to send it on.
    #[error("no connection to PostgreSQL: {0}")]
    NotSent(#[source] sqlx::Error),
    /// It was sent. Unless PostgreSQL itself refused it, it may have been carried out.
    #[error(transparent)]
    Sent(#[from] sqlx::Error),
}

/// The database. A clone shares the pool.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// Returns a pool that connects when a statement needs it, so PostgreSQL may be away.
    pub fn new(options: PgConnectOptions, size: u32) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        Self { pool }
    }

    /// Runs a statement and returns its rows.
    pub async fn fetch_all<'q, T: Row>(
        &self,
        select: impl Fn() -> Select<'q, T>,
    ) -> Result<Vec<T>, DbError> {
        let deadline = Instant::now() + LIMIT;
        let Lease(connection) = &mut self.lease(deadline).await?;
        let run = async {
            let rows = select().fetch_all(&mut **connection).await;
            if is_plan_stale(&rows) {
                connection.clear_cached_statements().await?;
                return select().fetch_all(&mut **connection).await;
            }
            rows
        };
        Ok(in_time(deadline, run).await?)
    }

    /// Runs a statement and returns its only row, if there is one.
    pub async fn fetch_optional<'q, T: Row>(
        &self,
        select: impl Fn() -> Select<'q, T>,
    ) -> Result<Option<T>, DbError> {
        Ok(self.fetch_all(select).await?.pop())
    }

    /// Runs a statement and returns its only row.
    pub async fn fetch_one<'q, T: Row>(
        &self,
        select: impl Fn() -> Select<'q, T>,
    ) -> Result<T, DbError> {
        let row = self.fetch_optional(select).await?;
        Ok(row.ok_or(sqlx::Error::RowNotFound)?)
    }

    /// Runs a statement and returns how many rows it changed.
    pub async fn execute<'q>(&self, command: impl Fn() -> Command<'q>) -> Result<u64, DbError> {
        let deadline = Instant::now() + LIMIT;
        let Lease(connection) = &mut self.lease(deadline).await?;
        let run = async {
            let done = command().execute(&mut **connection).await;
            if is_plan_stale(&done) {
                connection.clear_cached_statements().await?;
                return command().execute(&mut **connection).await;
            }
            done
        };
        Ok(in_time(deadline, run).await?.rows_affected())
    }

    /// Succeeds if PostgreSQL answers: SQLx pings a connection before it hands it out.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.lease(Instant::now() + LIMIT).await.map(drop)
    }

    /// Where PostgreSQL admits fewer connections than the pool wants, SQLx goes on trying to open
    /// another one for as long as it waits, and doesn't look at those that come back in that time.
    /// So it is asked again and again.
    async fn lease(&self, deadline: Instant) -> Result<Lease, DbError> {
        let acquire = async {
            loop {
                match self.pool.acquire().await {
                    Err(sqlx::Error::PoolTimedOut) => continue,
                    result => return result.map(Lease),
                }
            }
        };
        timeout_at(deadline, acquire)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(DbError::NotSent)
    }
}

/// A connection that goes back to the pool. SQLx pings it first, without a time limit: one whose
/// packets are lost would keep its place for minutes (<https://github.com/launchbadge/sqlx/issues/4349>).
/// What can be given a limit isn't documented, so the version of SQLx is an exact one.
struct Lease(PoolConnection<Postgres>);

impl Drop for Lease {
    fn drop(&mut self) {
        tokio::spawn(timeout(RETURN_LIMIT, self.0.return_to_pool()));
    }
}

/// SQLx has no time limit for a statement.
async fn in_time<T>(
    deadline: Instant,
    statement: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    timeout_at(deadline, statement)
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// Says whether a migration has changed the type of a column, so that PostgreSQL has refused to run
/// the old plan. SQLx would go on using it.
fn is_plan_stale<T>(result: &sqlx::Result<T>) -> bool {
    let code = result.as_ref().err().and_then(code);
    code.as_deref() == Some(CACHED_PLAN_CHANGED)
}

impl DbError {
    /// The name of the constraint that was violated.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Sent(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// Says whether PostgreSQL is away, rather than displeased.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Sent(sqlx::Error::Io(_)) => true,
            // Connection exceptions, too many connections, and an operator's intervention.
            Self::Sent(error) => code(error).is_some_and(|code| {
                code.starts_with("08") || code == "53300" || code.starts_with("57P")
            }),
        }
    }

    /// Says whether it is certain that the statement changed nothing.
    pub fn is_without_effect(&self) -> bool {
        match self {
            Self::NotSent(_) => true,
            Self::Sent(error) => matches!(error, sqlx::Error::Database(_)) && !self.is_outage(),
        }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}

#[cfg(test)]
mod tests;
