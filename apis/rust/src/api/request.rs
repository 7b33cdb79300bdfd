//! What is read of a request: ids in paths, tokens, media types, bodies.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::failure::Failure;
use super::fields::{validate, Field};
use super::Services;
use crate::identifier::parse_id;
use crate::json_object;
use crate::problem::{self, Problem};
use crate::token::Caller;

const MAX_JSON_BYTES: u64 = 64 << 10;

/// How long a body may stop arriving.
const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The id at the end of a path, as it was sent: axum's own extractor would decode it.
pub struct PathId(pub i64);

impl<S: Sync> FromRequestParts<S> for PathId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let (_, last) = parts.uri.path().rsplit_once('/').unwrap_or_default();
        parse_id(last).map(Self).ok_or(problem::NO_PATH.into())
    }
}

impl FromRequestParts<Arc<Services>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        services: &Arc<Services>,
    ) -> Result<Self, Failure> {
        bearer_token(&parts.headers)
            .and_then(|token| services.tokens.verify(token, SystemTime::now()))
            .ok_or(problem::BAD_TOKEN.into())
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = only(headers, AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then(|| token.trim_start_matches(' '))
}

/// Returns the value of a field that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The headers and the body of a request, neither copied.
pub struct Whole(pub HeaderMap, pub Body);

impl<S: Sync> FromRequest<S> for Whole {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        Ok(Self(parts.headers, body))
    }
}

/// Returns the one Content-Type, if it is `media_type` whatever its parameters.
pub fn content_type<'h>(headers: &'h HeaderMap, media_type: &str) -> Option<&'h [u8]> {
    let value = only(headers, CONTENT_TYPE)?.as_bytes();
    let named = value.split(|octet| *octet == b';').next()?;
    named
        .trim_ascii()
        .eq_ignore_ascii_case(media_type.as_bytes())
        .then_some(value)
}

/// Reads a JSON body, which `read_fields` takes apart.
pub async fn read_json(headers: &HeaderMap, body: Body) -> Result<Bytes, Failure> {
    content_type(headers, "application/json").ok_or(problem::NOT_JSON)?;
    let read = gather(LimitedBody::new(body, MAX_JSON_BYTES)).await;
    read.map_err(|error| {
        error
            .problem(problem::JSON_TOO_LARGE, problem::BAD_JSON)
            .into()
    })
}

/// Returns the fields of a JSON body that keep their rules. Texts in which nothing is escaped aren't
/// copied out of it.
pub fn read_fields<const N: usize>(
    body: &[u8],
    fields: [Field; N],
) -> Result<[Cow<'_, str>; N], Failure> {
    let values =
        json_object::parse(body, fields.map(|field| field.name)).ok_or(problem::BAD_JSON)?;
    validate(fields, values)
}

/// Reads a body to its end. Most often it comes in one piece, which is not copied.
async fn gather(mut body: LimitedBody) -> Result<Bytes, BodyError> {
    let Some(first) = body.next().await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = body.next().await? else {
        return Ok(first);
    };
    let mut octets = BytesMut::from(first);
    octets.extend_from_slice(&second);
    while let Some(more) = body.next().await? {
        octets.extend_from_slice(&more);
    }
    Ok(octets.freeze())
}

/// Why a body wasn't read to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError {
    TooLarge,
    /// It stopped arriving.
    Idle,
    /// Its framing is malformed, or it was cut off.
    Broken,
}

impl BodyError {
    pub fn problem(self, too_large: Problem, malformed: Problem) -> Problem {
        match self {
            Self::TooLarge => too_large,
            Self::Idle => problem::BODY_TIMEOUT,
            Self::Broken => malformed,
        }
    }
}

/// A body that fails when it is too large, or stops arriving.
pub struct LimitedBody {
    body: Body,
    left: u64,
    exceeded: bool,
}

impl LimitedBody {
    pub fn new(body: Body, limit: u64) -> Self {
        Self {
            body,
            left: limit,
            exceeded: false,
        }
    }

    /// Tells whether a Content-Length passes the limit.
    pub fn is_too_large(&self) -> bool {
        self.body.size_hint().lower() > self.left
    }

    /// Returns the next piece. One that passes the limit is cut there, and the call behind it fails.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        if self.exceeded || self.is_too_large() {
            return Err(BodyError::TooLarge);
        }
        loop {
            let Ok(frame) = timeout(BODY_IDLE_TIMEOUT, self.body.frame()).await else {
                return Err(BodyError::Idle);
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|_| BodyError::Broken)?;
            let Ok(mut octets) = frame.into_data() else {
                continue; // trailers
            };
            if octets.len() as u64 > self.left {
                self.exceeded = true;
                if self.left == 0 {
                    return Err(BodyError::TooLarge);
                }
                octets.truncate(self.left as usize);
            }
            self.left -= octets.len() as u64;
            if !octets.is_empty() {
                return Ok(Some(octets));
            }
        }
    }
}

#[cfg(test)]
mod tests;
