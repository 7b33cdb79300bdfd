//! Registration, login, and users.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use axum::Json;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::auth::{AuthUser, LIFETIME};
use super::error::Error;
use super::extractor::{no_nul, Id, ValidJson};
use super::posts::rfc3339_millis;
use super::Api;

// A member that is missing is empty, so that validation names it together with all others.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct Registration {
    #[garde(custom(is_username))]
    username: String,
    #[garde(length(chars, max = 254), custom(is_email))]
    email: String,
    #[garde(length(bytes, min = 8, max = 72), custom(no_nul))]
    password: String,
}

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct Credentials {
    #[garde(length(chars, max = 254), custom(is_email))]
    email: String,
    #[garde(length(bytes, min = 8, max = 72), custom(no_nul))]
    password: String,
}

fn is_username(text: &str, _: &()) -> garde::Result {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if (3..=32).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(())
    } else {
        Err(garde::Error::new("must be 3 to 32 of a-z, 0-9 and _"))
    }
}

fn is_email(text: &str, _: &()) -> garde::Result {
    let has_both_parts = text.split_once('@').is_some_and(|(user, domain)| {
        !user.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    let is_odd = |letter: char| letter.is_whitespace() || letter.is_control();
    if has_both_parts && !text.contains(is_odd) {
        Ok(())
    } else {
        Err(garde::Error::new("must be an email address"))
    }
}

/// What a user sees of itself.
#[derive(Serialize, FromRow)]
pub struct Account {
    id: i64,
    username: String,
    email: String,
    #[serde(serialize_with = "rfc3339_millis")]
    created_at: DateTime<Utc>,
}

/// What all see of a user.
#[derive(Serialize, FromRow)]
pub struct Profile {
    id: i64,
    username: String,
    #[serde(serialize_with = "rfc3339_millis")]
    created_at: DateTime<Utc>,
}

#[derive(Serialize)]
pub struct AccessToken {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

pub async fn register(
    State(api): State<Api>,
    ValidJson(user): ValidJson<Registration>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Account>), Error> {
    let email = user.email.to_lowercase();
    let hash = api.hasher.hash(user.password).await?;
    let (id, created_at) = api
        .db
        .fetch_one(|| {
            sqlx::query_as(
                "INSERT INTO users (username, email, password_hash) VALUES ($1, $2, $3)
                 RETURNING id, created_at",
            )
            .bind(&user.username)
            .bind(&email)
            .bind(&hash)
        })
        .await?;
    let account = Account {
        id,
        username: user.username,
        email,
        created_at,
    };
    let location = [(LOCATION, format!("/api/users/{id}"))];
    Ok((StatusCode::CREATED, location, Json(account)))
}

#[derive(FromRow)]
struct Stored {
    id: i64,
    username: String,
    password_hash: String,
}

pub async fn login(
    State(api): State<Api>,
    ValidJson(credentials): ValidJson<Credentials>,
) -> Result<Json<AccessToken>, Error> {
    let email = credentials.email.to_lowercase();
    let user: Option<Stored> = api
        .db
        .fetch_optional(|| {
            sqlx::query_as("SELECT id, username, password_hash FROM users WHERE email = $1")
                .bind(&email)
        })
        .await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let is_right = api.hasher.verify(credentials.password, hash).await?;
    let user = user
        .filter(|_| is_right)
        .ok_or(Error::Unauthorized("The email or the password is wrong."))?;
    Ok(Json(AccessToken {
        access_token: api.tokens.issue(user.id, &user.username)?,
        token_type: "Bearer",
        expires_in: LIFETIME,
    }))
}

pub async fn me(State(api): State<Api>, user: AuthUser) -> Result<Json<Account>, Error> {
    let account: Option<Account> = api
        .db
        .fetch_optional(|| {
            sqlx::query_as("SELECT id, username, email, created_at FROM users WHERE id = $1")
                .bind(user.id)
        })
        .await?;
    account
        .map(Json)
        .ok_or(Error::Unauthorized("The token's user doesn't exist."))
}

pub async fn show(State(api): State<Api>, Id(id): Id) -> Result<Json<Profile>, Error> {
    let profile: Option<Profile> = api
        .db
        .fetch_optional(|| {
            sqlx::query_as("SELECT id, username, created_at FROM users WHERE id = $1").bind(id)
        })
        .await?;
    profile.map(Json).ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests;
