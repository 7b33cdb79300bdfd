//! What can go wrong with a statement, and which failures of PostgreSQL mean what.

use std::fmt;

use sqlx::error::DatabaseError;

/// What a caller tells apart.
#[derive(Debug)]
pub enum StoreError {
    /// There is no such row.
    NotFound,
    /// The row is another user's.
    NotOwner,
    UsernameTaken,
    EmailTaken,
    /// The row refers to a user who doesn't exist.
    NoSuchUser,
    /// PostgreSQL is not available.
    Unavailable(String),
    /// Anything else is unexpected.
    Unexpected(sqlx::Error),
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotFound => formatter.write_str("there is no such row"),
            Self::NotOwner => formatter.write_str("the row is another user's"),
            Self::UsernameTaken => formatter.write_str("the username is taken"),
            Self::EmailTaken => formatter.write_str("the email is taken"),
            Self::NoSuchUser => formatter.write_str("the row refers to a user who doesn't exist"),
            Self::Unavailable(cause) => write!(formatter, "PostgreSQL is not available: {cause}"),
            Self::Unexpected(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(reported) => match known(reported.as_ref()) {
                Some(known) => known,
                None => Self::Unexpected(error),
            },
            sqlx::Error::Io(_) => Self::Unavailable(error.to_string()),
            _ => Self::Unexpected(error),
        }
    }
}

/// SQLSTATE codes, from the appendix of the PostgreSQL manual.
const UNIQUE_VIOLATION: &str = "23505";
const FOREIGN_KEY_VIOLATION: &str = "23503";
const TOO_MANY_CONNECTIONS: &str = "53300";
const CONNECTION_EXCEPTIONS: &str = "08";
/// Shut down, crashed, can't connect now.
const OPERATOR_INTERVENTION: &str = "57P";

fn known(error: &dyn DatabaseError) -> Option<StoreError> {
    match (error.code().as_deref()?, error.constraint()) {
        (UNIQUE_VIOLATION, Some("users_username_key")) => Some(StoreError::UsernameTaken),
        (UNIQUE_VIOLATION, Some("users_email_key")) => Some(StoreError::EmailTaken),
        (FOREIGN_KEY_VIOLATION, _) => Some(StoreError::NoSuchUser),
        (code, _) if is_outage(code) => Some(StoreError::Unavailable(error.to_string())),
        _ => None,
    }
}

fn is_outage(code: &str) -> bool {
    code == TOO_MANY_CONNECTIONS
        || code.starts_with(CONNECTION_EXCEPTIONS)
        || code.starts_with(OPERATOR_INTERVENTION)
}

/// Tells whether a connection is good for more statements after this error.
pub fn leaves_connection_usable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(reported) => !reported.code().is_some_and(|code| is_outage(&code)),
        sqlx::Error::RowNotFound => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
