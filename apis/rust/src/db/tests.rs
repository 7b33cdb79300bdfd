use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use sqlx::error::{DatabaseError, ErrorKind};

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

#[tokio::test(start_paused = true)]
async fn a_statement_fails_in_time_while_nobody_answers() {
    // It accepts connections, and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port);
    let start = Instant::now();

    let result = Db::new(options, 1).ping().await;

    assert!(matches!(result, Err(DbError::NotSent(_))));
    assert!(start.elapsed() <= LIMIT + Duration::from_millis(10));
}
