//! Access tokens: JWTs signed with HS256.
//!
//! jsonwebtoken signs and compares. Its decoding isn't used: it is strict about members of the header
//! that the contract doesn't look at, and lenient about how the numbers of claims are written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::prelude::{Engine as _, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{crypto, Algorithm, DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::identifier::{is_username, parse_id};

/// How long an issued token is valid.
pub const LIFETIME: Duration = Duration::from_secs(3600);

const ISSUER: &str = "fairground";
const AUDIENCE: &str = "fairground-api";

/// `{"alg":"HS256","typ":"JWT"}`, encoded.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Whom a token speaks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Caller {
    pub id: i64,
    pub name: String,
}

/// Issues and verifies tokens under one secret, without any state.
pub struct Authority {
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Authority {
    pub fn new(secret: &[u8]) -> Self {
        Self {
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
        }
    }

    /// Returns a token for a user, valid from `now`.
    pub fn issue(
        &self,
        id: i64,
        name: &str,
        now: SystemTime,
    ) -> jsonwebtoken::errors::Result<String> {
        let issued_at = seconds(now);
        let claims = serde_json::to_vec(&IssuedClaims {
            sub: &id.to_string(),
            name,
            iat: issued_at,
            exp: issued_at + LIFETIME.as_secs() as i64,
            iss: ISSUER,
            aud: AUDIENCE,
        })?;
        let mut token = format!("{HEADER}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
        let signature = crypto::sign(token.as_bytes(), &self.signing, Algorithm::HS256)?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// Returns whom `token` speaks for, or `None` where it is refused.
    pub fn verify(&self, token: &str, now: SystemTime) -> Option<Caller> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        // It compares the canonical encoding of the signature, in constant time.
        let genuine = crypto::verify(
            signature,
            signed.as_bytes(),
            &self.verifying,
            Algorithm::HS256,
        );
        if !genuine.ok()? || !names_hs256(header) {
            return None;
        }
        read_claims(&decode(payload)?, seconds(now))
    }
}

#[derive(Serialize)]
struct IssuedClaims<'a> {
    sub: &'a str,
    name: &'a str,
    iat: i64,
    exp: i64,
    iss: &'a str,
    aud: &'a str,
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}

/// Decodes unpadded base64url; the engine refuses padding and bits that are left over.
fn decode(part: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn names_hs256(header: &str) -> bool {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
    }

    header == HEADER
        || decode(header).is_some_and(|json| {
            serde_json::from_str::<Object<Header>>(&json)
                .is_ok_and(|Object(header)| header.alg == "HS256")
        })
}

fn read_claims(json: &str, now: i64) -> Option<Caller> {
    #[derive(Deserialize)]
    struct Claims<'a> {
        sub: String,
        name: String,
        #[serde(borrow)]
        iat: &'a RawValue,
        #[serde(borrow)]
        exp: &'a RawValue,
        #[serde(borrow)]
        nbf: Option<&'a RawValue>,
        iss: String,
        aud: Audience,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }

    let Object(claims) = serde_json::from_str::<Object<Claims>>(json).ok()?;
    let id = parse_id(&claims.sub)?;
    integer(claims.iat)?;
    let is_current = integer(claims.exp)? > now
        && match claims.nbf {
            Some(not_before) => integer(not_before)? <= now,
            None => true,
        };
    let is_ours = claims.iss == ISSUER
        && match claims.aud {
            Audience::One(audience) => audience == AUDIENCE,
            Audience::Many(audiences) => audiences.iter().any(|audience| audience == AUDIENCE),
        };
    (is_current && is_ours && is_username(&claims.name)).then_some(Caller {
        id,
        name: claims.name,
    })
}

/// Reads a number as it is written: one with a fraction or an exponent is no integer.
fn integer(raw: &RawValue) -> Option<i64> {
    raw.get().parse().ok()
}

/// A struct that is written as an object: serde also takes an array for one.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<Self::Value, A::Error> {
                T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests;
