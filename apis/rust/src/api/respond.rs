//! Answers. Those with a body get their length from it.

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;

use super::failure::Failure;
use crate::problem::{self, Problem};
use crate::view;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static(problem::MEDIA_TYPE);
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

pub fn with_body(status: StatusCode, content_type: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Sends a JSON document that is encoded already.
pub fn json(status: StatusCode, document: Bytes) -> Response {
    with_body(status, JSON, Body::from(document))
}

/// Sends a document of the module `view`.
pub fn view(status: StatusCode, document: &impl Serialize) -> Result<Response, Failure> {
    Ok(json(status, view::encode(document)?))
}

/// Sends the document of something that was made, and where it is.
pub fn created(location: String, document: &impl Serialize) -> Result<Response, Failure> {
    let mut response = view(StatusCode::CREATED, document)?;
    let location = HeaderValue::try_from(location).map_err(Failure::internal)?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub fn problem(problem: Problem) -> Response {
    let mut response = with_body(problem.status, PROBLEM, Body::from(problem.body));
    if problem.status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, BEARER);
    }
    response
}

pub fn method_not_allowed(methods: &'static str) -> Response {
    let mut response = problem(problem::BAD_METHOD);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(methods));
    response
}
