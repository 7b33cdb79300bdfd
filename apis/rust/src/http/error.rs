//! What goes wrong, and the problem documents (RFC 9457) that say so.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::Json;
use serde::Serialize;

use crate::cooldown::Cooldown;
use crate::db::DbError;
use crate::password::HashError;

/// The error of every handler and extractor.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong, for the reason given.
    #[error("{1}")]
    Refused(StatusCode, Cow<'static, str>),
    /// 422, with every wrong field.
    #[error("Some fields are missing or out of bounds.")]
    Invalid(#[from] garde::Report),
    /// 401
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 403
    #[error("The post is another user's.")]
    Forbidden,
    /// 404
    #[error("There is nothing at this path.")]
    NotFound,
    /// 503 if PostgreSQL is away, else 500.
    #[error(transparent)]
    Db(DbError),
    /// 503 if too many passwords wait, else 500.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// 500
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
    /// 500. The panic hook has logged it.
    #[error("panic")]
    Panic,
}

impl Error {
    /// A wrong request. 422 is for validation alone, as it names the wrong fields.
    pub fn refused(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let status = match status {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        Self::Refused(status, detail.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(status, _) => *status,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Hash(HashError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Db(error) if error.is_outage() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Db(_) | Self::Hash(_) | Self::Internal(_) | Self::Panic => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// Logs what isn't the client's fault. While PostgreSQL is away or the CPUs are busy, every request
    /// fails for the same reason: one line a second says it.
    pub fn log(&self) {
        static AWAY: LazyLock<Cooldown> = LazyLock::new(|| Cooldown::new(Duration::from_secs(1)));
        static BUSY: LazyLock<Cooldown> = LazyLock::new(|| Cooldown::new(Duration::from_secs(1)));
        let status = self.status();
        let is_logged = match self {
            Self::Panic => false,
            Self::Db(error) if error.is_outage() => AWAY.begin(),
            Self::Hash(HashError::Busy) => BUSY.begin(),
            _ => status.is_server_error(),
        };
        if is_logged {
            tracing::error!(status = status.as_u16(), cause = %self, "request failed");
        }
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("users_username_key") => {
                Self::refused(StatusCode::CONFLICT, "The username is taken.")
            }
            Some("users_email_key") => Self::refused(StatusCode::CONFLICT, "The email is taken."),
            Some("posts_author_id_fkey" | "files_owner_id_fkey") => {
                Self::Unauthorized("The token's user doesn't exist.")
            }
            _ => Self::Db(error),
        }
    }
}

impl From<MultipartError> for Error {
    fn from(error: MultipartError) -> Self {
        // A body that breaks off is a 500 to axum.
        let status = match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::refused(status, error.body_text())
    }
}

macro_rules! from_rejections {
    ($($rejection:ty),*) => {$(
        impl From<$rejection> for Error {
            fn from(rejection: $rejection) -> Self {
                Self::refused(rejection.status(), rejection.body_text())
            }
        }
    )*};
}

from_rejections!(
    JsonRejection,
    MultipartRejection,
    PathRejection,
    QueryRejection
);

#[derive(Serialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct FieldError {
    field: String,
    message: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        self.log();
        let errors = match &self {
            Self::Invalid(report) => report
                .iter()
                .map(|(path, error)| FieldError {
                    field: path.to_string(),
                    message: error.message().to_owned(),
                })
                .collect(),
            _ => Vec::new(),
        };
        let problem = Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            // What went wrong inside isn't the client's business.
            detail: (!status.is_server_error()).then(|| self.to_string()),
            errors,
        };
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, content_type, Json(problem)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests;
