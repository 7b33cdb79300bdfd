//! The error answers of the API: RFC 9457 problem documents.

use axum::http::StatusCode;
use bytes::Bytes;
use serde::Serialize;

/// The `Content-Type` of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An answer that reports an error: its status, and its whole document, encoded once.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub body: Bytes,
}

/// What is wrong with one field of a request.
#[derive(Debug, Serialize)]
pub struct FieldError {
    pub field: &'static str,
    pub message: &'static str,
}

macro_rules! problems {
    ($($name:ident: $status:ident $code:literal $title:literal $detail:literal;)*) => {
        $(pub const $name: Problem = Problem {
            status: StatusCode::$status,
            body: Bytes::from_static(concat!(
                r#"{"type":"about:blank","title":""#, $title,
                r#"","status":"#, $code,
                r#","detail":""#, $detail, r#""}"#,
            ).as_bytes()),
        };)*

        #[cfg(test)]
        fn all() -> Vec<(Problem, u16)> {
            vec![$(($name, $code)),*]
        }
    };
}

problems! {
    BAD_JSON: BAD_REQUEST 400 "Bad Request"
        "The request body must be a JSON object whose members have the right types and appear once.";
    BAD_UPLOAD: BAD_REQUEST 400 "Bad Request"
        "The request body must be multipart/form-data with exactly one file, in a part named file.";
    BAD_REQUEST: BAD_REQUEST 400 "Bad Request"
        "The request is not one that this server takes.";
    BAD_TOKEN: UNAUTHORIZED 401 "Unauthorized"
        "A valid access token is required.";
    BAD_LOGIN: UNAUTHORIZED 401 "Unauthorized"
        "The email or the password is wrong.";
    NOT_OWNER: FORBIDDEN 403 "Forbidden"
        "This post belongs to another user.";
    NO_PATH: NOT_FOUND 404 "Not Found"
        "There is nothing at this path.";
    NO_USER: NOT_FOUND 404 "Not Found"
        "There is no such user.";
    NO_POST: NOT_FOUND 404 "Not Found"
        "There is no such post.";
    NO_FILE: NOT_FOUND 404 "Not Found"
        "There is no such file.";
    BAD_METHOD: METHOD_NOT_ALLOWED 405 "Method Not Allowed"
        "This path does not take this method.";
    BODY_TIMEOUT: REQUEST_TIMEOUT 408 "Request Timeout"
        "The request body stopped arriving.";
    USERNAME_TAKEN: CONFLICT 409 "Conflict"
        "The username is taken.";
    EMAIL_TAKEN: CONFLICT 409 "Conflict"
        "The email is taken.";
    JSON_TOO_LARGE: PAYLOAD_TOO_LARGE 413 "Content Too Large"
        "The request body must be at most 65536 bytes.";
    FILE_TOO_LARGE: PAYLOAD_TOO_LARGE 413 "Content Too Large"
        "The file must be at most 2097152 bytes.";
    NOT_JSON: UNSUPPORTED_MEDIA_TYPE 415 "Unsupported Media Type"
        "The request body must be application/json.";
    NOT_MULTIPART: UNSUPPORTED_MEDIA_TYPE 415 "Unsupported Media Type"
        "The request body must be multipart/form-data.";
    NOT_ACCEPTED_FILE: UNSUPPORTED_MEDIA_TYPE 415 "Unsupported Media Type"
        "The file must be a PNG, JPEG, WebP or PDF and declared as what it is.";
    HEAD_TOO_LARGE: REQUEST_HEADER_FIELDS_TOO_LARGE 431 "Request Header Fields Too Large"
        "The head of the request is too large.";
    INTERNAL: INTERNAL_SERVER_ERROR 500 "Internal Server Error"
        "An internal error occurred.";
    UNAVAILABLE: SERVICE_UNAVAILABLE 503 "Service Unavailable"
        "The service is not available at the moment.";
}

/// The problem that lists the fields that break a rule.
pub fn invalid(errors: &[FieldError]) -> serde_json::Result<Problem> {
    #[derive(Serialize)]
    struct Document<'a> {
        r#type: &'static str,
        title: &'static str,
        status: u16,
        detail: &'static str,
        errors: &'a [FieldError],
    }

    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let body = serde_json::to_vec(&Document {
        r#type: "about:blank",
        title: "Unprocessable Content",
        status: status.as_u16(),
        detail: "One or more fields are not valid.",
        errors,
    })?;
    Ok(Problem {
        status,
        body: body.into(),
    })
}

#[cfg(test)]
mod tests;
