//! axum's extractors, with this API's errors.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::StatusCode;
use axum::Json;
use garde::Validate;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::Error;

/// An id in the path. No row has one below 1.
pub struct Id(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(id) = Path::<i64>::from_request_parts(parts, state).await?;
        if id < 1 {
            return Err(Error::NotFound);
        }
        Ok(Self(id))
    }
}

/// Query parameters that keep their rules.
pub struct ValidQuery<T>(pub T);

impl<T, S> FromRequestParts<S> for ValidQuery<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let query = Query::<T>::from_request_parts(parts, state).await?;
        query.validate()?;
        Ok(Self(query.0))
    }
}

/// A JSON object whose members keep their rules.
pub struct ValidJson<T>(pub T);

impl<T, S> FromRequest<S> for ValidJson<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        // serde would also take an array for a struct.
        let Json(members) = Json::<Map<String, Value>>::from_request(request, state).await?;
        let value: T = serde_json::from_value(members.into())
            .map_err(|error| Error::refused(StatusCode::BAD_REQUEST, error.to_string()))?;
        value.validate()?;
        Ok(Self(value))
    }
}

/// Refuses U+0000, which PostgreSQL can't store.
pub fn no_nul(text: &str, _: &()) -> garde::Result {
    if text.contains('\0') {
        Err(garde::Error::new("must not contain U+0000"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
