use std::io;

use axum::body::to_bytes;
use serde_json::{json, Value};

use super::*;

async fn answer(error: Error) -> (StatusCode, Response, Value) {
    let response = error.into_response();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let problem = serde_json::from_slice(&body).unwrap();
    (
        parts.status,
        Response::from_parts(parts, body.into()),
        problem,
    )
}

#[tokio::test]
async fn a_wrong_request_gets_a_problem_document() {
    let error = Error::refused(StatusCode::CONFLICT, "The username is taken.");
    let (status, response, problem) = answer(error).await;

    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let expected = json!({
        "type": "about:blank", "title": "Conflict", "status": 409,
        "detail": "The username is taken.",
    });
    assert_eq!(problem, expected);
}

#[tokio::test]
async fn each_wrong_field_is_named() {
    let mut report = garde::Report::new();
    for field in ["title", "body"] {
        let error = garde::Error::new("must be longer");
        report.append(garde::Path::new(field), error);
    }
    let (status, _, problem) = answer(report.into()).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected = json!([
        {"field": "title", "message": "must be longer"},
        {"field": "body", "message": "must be longer"},
    ]);
    assert_eq!(problem["errors"], expected);
}

#[tokio::test]
async fn a_401_has_a_challenge() {
    let (status, response, _) = answer(Error::Unauthorized("No token.")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
}

#[tokio::test]
async fn what_is_away_gives_503_and_what_is_broken_500_without_a_cause() {
    let lost = || sqlx::Error::Io(io::ErrorKind::ConnectionReset.into());
    let errors: [(Error, StatusCode); 6] = [
        (
            DbError::NotSent(sqlx::Error::PoolTimedOut).into(),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (
            DbError::Sent(lost()).into(),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (HashError::Busy.into(), StatusCode::SERVICE_UNAVAILABLE),
        (
            DbError::Sent(sqlx::Error::ColumnNotFound("x".into())).into(),
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
        (
            anyhow::anyhow!("secret").into(),
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
        (Error::Panic, StatusCode::INTERNAL_SERVER_ERROR),
    ];
    for (error, expected) in errors {
        let (status, _, problem) = answer(error).await;
        assert_eq!(status, expected);
        assert_eq!(problem["detail"], Value::Null);
    }
}
