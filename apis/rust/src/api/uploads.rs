//! Files: sent by one, read by all.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio_util::io::ReaderStream;

use super::failure::Failure;
use super::request::{content_type, BodyError, LimitedBody, PathId, Whole};
use super::{respond, Shared};
use crate::problem;
use crate::store::{NewFile, StoreError};
use crate::token::Caller;
use crate::upload::{boundary_of, receive, Refusal, Source, MAX_BODY_BYTES};
use crate::view;

/// How much of a file is read at a time.
const PIECE_BYTES: usize = 64 << 10;

pub async fn upload(
    State(services): Shared,
    caller: Caller,
    Whole(headers, body): Whole,
) -> Result<Response, Failure> {
    let media_type = content_type(&headers, "multipart/form-data").ok_or(problem::NOT_MULTIPART)?;
    let body = LimitedBody::new(body, MAX_BODY_BYTES);
    if body.is_too_large() {
        return Err(problem::FILE_TOO_LARGE.into());
    }
    let boundary = boundary_of(media_type).ok_or(problem::BAD_UPLOAD)?;
    let received = receive(body, &boundary, &services.uploads)
        .await
        .map_err(refusal)?;
    let file = NewFile {
        owner_id: caller.id,
        filename: &received.filename,
        content_type: received.content_type,
        size: received.size as i64,
        sha256: &received.sha256,
        storage_name: received.content.name(),
    };
    let id = match services.store.create_file(&file).await {
        Ok(id) => id,
        Err(error) => {
            // Whether it can be removed changes nothing in the answer.
            let _ = spawn_blocking(move || drop(received.content)).await;
            return Err(match error {
                StoreError::NoSuchUser => problem::BAD_TOKEN.into(),
                other => other.into(),
            });
        }
    };
    received.content.keep();
    respond::view(
        StatusCode::CREATED,
        &view::File {
            id,
            filename: &received.filename,
            content_type: received.content_type,
            size: received.size,
            sha256: &received.sha256,
        },
    )
}

fn refusal(refusal: Refusal<BodyError>) -> Failure {
    match refusal {
        Refusal::Malformed => problem::BAD_UPLOAD.into(),
        Refusal::WrongType => problem::NOT_ACCEPTED_FILE.into(),
        Refusal::TooLarge => problem::FILE_TOO_LARGE.into(),
        Refusal::Body(error) => error
            .problem(problem::FILE_TOO_LARGE, problem::BAD_UPLOAD)
            .into(),
        Refusal::Disk(error) => Failure::internal(error),
    }
}

impl Source for LimitedBody {
    type Error = BodyError;

    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        LimitedBody::next(self).await
    }
}

pub async fn file(
    State(services): Shared,
    PathId(id): PathId,
    method: Method,
) -> Result<Response, Failure> {
    let row = services.store.file(id).await?.ok_or(problem::NO_FILE)?;
    let (name, size) = (row.storage_name()?.to_owned(), row.size()?);
    let directory = services.uploads.clone();
    let content = spawn_blocking(move || directory.read(&name, size as u64))
        .await
        .map_err(Failure::internal)?
        .map_err(Failure::internal)?;
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        let content = tokio::fs::File::from_std(content);
        Body::from_stream(ReaderStream::with_capacity(content, PIECE_BYTES))
    };
    let media_type = HeaderValue::try_from(row.content_type()?).map_err(Failure::internal)?;
    let disposition = format!("attachment; filename=\"{}\"", row.filename()?);
    let mut response = respond::with_body(StatusCode::OK, media_type, body);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::try_from(disposition).map_err(Failure::internal)?,
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    Ok(response)
}
