//! Access tokens, and the users that they speak for.

use anyhow::Context as _;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::RequestPartsExt as _;
use axum_extra::headers::authorization::Bearer;
use axum_extra::headers::Authorization;
use axum_extra::TypedHeader;
use jsonwebtoken::{
    get_current_timestamp, Algorithm, DecodingKey, EncodingKey, Header, Validation,
};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::Api;

/// How many seconds a token is valid.
pub const LIFETIME: u64 = 3600;

const ISSUER: &str = "fairground";
const AUDIENCE: &str = "fairground-api";

/// The user whose token came with the request. As a parameter of a handler it makes the route
/// answer 401 to all others.
#[derive(Debug, PartialEq)]
pub struct AuthUser {
    pub id: i64,
    pub name: String,
}

/// Issues and verifies tokens: JWTs that are signed with HS256.
pub struct Tokens {
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
    validation: Validation,
}

#[derive(Serialize)]
struct Issued<'a> {
    sub: String,
    name: &'a str,
    iat: u64,
    exp: u64,
    iss: &'a str,
    aud: &'a str,
}

/// The claims that aren't checked by jsonwebtoken itself.
#[derive(Deserialize)]
struct Verified {
    sub: String,
    name: String,
    exp: u64,
}

impl Tokens {
    /// Returns the issuer for a secret.
    pub fn new(secret: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        Self {
            encoding_key: EncodingKey::from_secret(secret),
            decoding_key: DecodingKey::from_secret(secret),
            validation,
        }
    }

    /// Returns a token for a user, valid from now.
    pub fn issue(&self, id: i64, name: &str) -> anyhow::Result<String> {
        let now = get_current_timestamp();
        let claims = Issued {
            sub: id.to_string(),
            name,
            iat: now,
            exp: now + LIFETIME,
            iss: ISSUER,
            aud: AUDIENCE,
        };
        jsonwebtoken::encode(&Header::default(), &claims, &self.encoding_key)
            .context("signing a token")
    }

    /// Returns the user that a token speaks for, unless it isn't valid.
    pub fn verify(&self, token: &str) -> Option<AuthUser> {
        let token =
            jsonwebtoken::decode::<Verified>(token, &self.decoding_key, &self.validation).ok()?;
        let Verified { sub, name, exp } = token.claims;
        // jsonwebtoken accepts it for the second of its expiry.
        if exp <= get_current_timestamp() {
            return None;
        }
        let id = sub.parse().ok().filter(|id| *id > 0)?;
        Some(AuthUser { id, name })
    }
}

impl FromRequestParts<Api> for AuthUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let authorization = parts.extract::<TypedHeader<Authorization<Bearer>>>().await;
        authorization
            .ok()
            .and_then(|TypedHeader(Authorization(bearer))| api.tokens.verify(bearer.token()))
            .ok_or(Error::Unauthorized("A valid bearer token is needed."))
    }
}

#[cfg(test)]
mod tests;
