//! Registration, login, and users.

use std::time::SystemTime;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::failure::Failure;
use super::fields::{EMAIL, PASSWORD, USERNAME};
use super::request::{read_fields, read_json, PathId, Whole};
use super::{respond, Shared};
use crate::problem;
use crate::store::StoreError;
use crate::token::{self, Caller};
use crate::view::{AccessToken, Account, Timestamp};

pub async fn register(
    State(services): Shared,
    Whole(headers, body): Whole,
) -> Result<Response, Failure> {
    let json = read_json(&headers, body).await?;
    let [username, email, password] = read_fields(&json, [USERNAME, EMAIL, PASSWORD])?;
    let email = email.to_ascii_lowercase();
    let hash = services
        .hasher
        .hash(password.into_owned())
        .await
        .map_err(Failure::internal)?;
    let created = services.store.create_user(&username, &email, &hash).await;
    let (id, created_at) = created.map_err(|error| match error {
        StoreError::UsernameTaken => problem::USERNAME_TAKEN.into(),
        StoreError::EmailTaken => problem::EMAIL_TAKEN.into(),
        other => Failure::from(other),
    })?;
    respond::created(
        format!("/api/users/{id}"),
        &Account {
            id,
            username: &username,
            email: &email,
            created_at: Timestamp(created_at),
        },
    )
}

pub async fn login(
    State(services): Shared,
    Whole(headers, body): Whole,
) -> Result<Response, Failure> {
    let json = read_json(&headers, body).await?;
    let [email, password] = read_fields(&json, [EMAIL, PASSWORD])?;
    let email = email.to_ascii_lowercase();
    let password = password.into_owned();
    let Some(credentials) = services.store.credentials(&email).await? else {
        let verified = services.hasher.verify_decoy(password).await;
        verified.map_err(Failure::internal)?;
        return Err(problem::BAD_LOGIN.into());
    };
    let verified = services
        .hasher
        .verify(credentials.password_hash()?, password)
        .await;
    if !verified.map_err(Failure::internal)? {
        return Err(problem::BAD_LOGIN.into());
    }
    let access_token = services
        .tokens
        .issue(
            credentials.id()?,
            credentials.username()?,
            SystemTime::now(),
        )
        .map_err(Failure::internal)?;
    respond::view(
        StatusCode::OK,
        &AccessToken {
            access_token: &access_token,
            token_type: "Bearer",
            expires_in: token::LIFETIME.as_secs(),
        },
    )
}

pub async fn account(State(services): Shared, caller: Caller) -> Result<Response, Failure> {
    let account = services.store.account(caller.id).await?;
    let account = account.ok_or(problem::BAD_TOKEN)?;
    respond::view(StatusCode::OK, &account.account()?)
}

pub async fn user(State(services): Shared, PathId(id): PathId) -> Result<Response, Failure> {
    let user = services.store.user(id).await?;
    let user = user.ok_or(problem::NO_USER)?;
    respond::view(StatusCode::OK, &user.user()?)
}
