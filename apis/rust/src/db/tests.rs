use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use sqlx::error::{DatabaseError, ErrorKind};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::*;

/// An error with a SQLSTATE, as PostgreSQL reports it.
#[derive(Debug)]
struct Reported(&'static str);

impl fmt::Display for Reported {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl StdError for Reported {}

impl DatabaseError for Reported {
    fn message(&self) -> &str {
        self.0
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

fn reported(code: &'static str) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Reported(code)))
}

fn lost() -> sqlx::Error {
    io::Error::from(io::ErrorKind::ConnectionReset).into()
}

#[test]
fn postgres_is_away_where_it_says_so_or_says_nothing() {
    for code in ["08006", "53300", "57P01", "57P03"] {
        assert!(DbError::Sent(reported(code)).is_outage(), "{code}");
    }
    assert!(DbError::Sent(lost()).is_outage());
    // A wrong password, say.
    assert!(DbError::NotSent(reported("28P01")).is_outage());

    for code in ["23505", "42P01", "57014"] {
        assert!(!DbError::Sent(reported(code)).is_outage(), "{code}");
    }
}

#[test]
fn only_a_statement_that_was_refused_or_not_sent_is_without_effect() {
    assert!(DbError::NotSent(lost()).is_without_effect());
    assert!(DbError::Sent(reported("23503")).is_without_effect());

    assert!(!DbError::Sent(lost()).is_without_effect());
    assert!(!DbError::Sent(reported("57P01")).is_without_effect());
}

fn options(listener: &TcpListener) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(listener.local_addr().unwrap().port())
        .username("u")
}

#[tokio::test]
async fn a_statement_fails_in_time_while_nobody_answers() {
    // It accepts connections, and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let start = Instant::now();

    let result = Db::new(options(&listener), 1).ping().await;

    assert!(matches!(result, Err(DbError::NotSent(_))));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_connection_that_falls_silent_gives_up_its_place() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let db = Db::new(options(&listener), 1);
    let admit_one = async {
        let (mut client, _) = listener.accept().await.unwrap();
        client.readable().await.unwrap();
        let ready = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
        client.write_all(ready).await.unwrap();
        client
    };

    let (_client, result) = tokio::join!(admit_one, db.execute(|| sqlx::query("SELECT 1")));
    assert!(matches!(result, Err(DbError::Sent(sqlx::Error::Io(_)))));
    assert_eq!(db.pool.size(), 1);

    sleep(RETURN_LIMIT + Duration::from_millis(500)).await;
    assert_eq!(db.pool.size(), 0);
}
