//! Uploads and downloads.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;

use anyhow::Context as _;
use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::Json;
use futures_util::StreamExt as _;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use tempfile::TempPath;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;
use tokio::task::spawn_blocking;
use tokio_util::io::ReaderStream;

use super::auth::AuthUser;
use super::error::Error;
use super::extractor::Id;
use super::{Api, ApiContext};

/// A form has room for the largest file, and for some text around it.
pub const FORM_LIMIT: usize = FILE_LIMIT + (64 << 10);

const FILE_LIMIT: usize = 2 << 20;
const HEAD_LIMIT: usize = 64 << 10;
const NAME_LIMIT: usize = 100;
const PART_SUFFIX: &str = ".part";
const BUFFER: usize = 64 << 10;

/// How many bytes show the type of a file.
const SIGNATURE_LENGTH: usize = 12;

#[derive(Serialize)]
pub struct Uploaded {
    id: i64,
    filename: String,
    content_type: &'static str,
    size: usize,
    sha256: String,
}

pub async fn upload(
    State(api): State<Api>,
    user: AuthUser,
    mut form: Form,
) -> Result<(StatusCode, Json<Uploaded>), Error> {
    let mut received = None;
    // All parts are read, so that a form that breaks off is noticed.
    while let Some(mut field) = form.next_field().await? {
        let is_file =
            field.name() == Some("file") && field.file_name().is_some_and(|name| !name.is_empty());
        if is_file && received.is_none() {
            received = Some(receive(&api, field).await?);
        } else {
            while field.chunk().await?.is_some() {}
        }
    }
    let file = received.ok_or(Error::refused(
        StatusCode::BAD_REQUEST,
        "The form has no part `file` with a file name.",
    ))?;
    let write = {
        let api = api.clone();
        async move { store(&api, user, file).await }
    };
    let uploaded = api.finish(write).await?;
    Ok((StatusCode::CREATED, Json(uploaded)))
}

/// A form whose parts have heads of a limited length: multer keeps a head in memory until it ends.
/// It looks for the end after each chunk, since hyper gives one for each time that it is asked.
pub struct Form {
    parts: Multipart,
    /// How much more of the body may be read.
    room: Arc<AtomicUsize>,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let room = Arc::new(AtomicUsize::new(0));
        let left = room.clone();
        let request = request.map(|body| {
            Body::from_stream(body.into_data_stream().map(move |chunk| {
                let (chunk, room) = (chunk?, left.load(Relaxed));
                if room == 0 {
                    return Err(axum::Error::new("the head of a part is too long"));
                }
                left.store(room.saturating_sub(chunk.len()), Relaxed);
                Ok(chunk)
            }))
        });
        let parts = Multipart::from_request(request, state).await?;
        Ok(Self { parts, room })
    }
}

impl Form {
    /// Returns the next part. The one before must have been read to its end.
    async fn next_field(&mut self) -> Result<Option<Field<'_>>, Error> {
        self.room.store(HEAD_LIMIT, Relaxed);
        let field = self.parts.next_field().await?;
        self.room.store(usize::MAX, Relaxed);
        Ok(field)
    }
}

/// A file that has arrived. Its content is removed again unless it is stored.
struct Received {
    filename: String,
    content_type: &'static str,
    size: usize,
    sha256: String,
    content: TempPath,
}

async fn receive(api: &ApiContext, mut field: Field<'_>) -> Result<Received, Error> {
    let filename = safe_name(field.file_name().unwrap_or_default());
    let declared = field.content_type().map(str::to_owned);
    let directory = api.upload_dir.clone();
    let (file, content) = spawn_blocking(move || {
        tempfile::Builder::new()
            .prefix("")
            .rand_bytes(32)
            .suffix(PART_SUFFIX)
            .tempfile_in(directory)
    })
    .await
    .context("waiting for a thread")?
    .context("creating a file")?
    .into_parts();
    let mut file = File::from_std(file);
    file.set_max_buf_size(BUFFER);
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut signature = Vec::with_capacity(SIGNATURE_LENGTH);
    while let Some(chunk) = field.chunk().await? {
        size += chunk.len();
        if size > FILE_LIMIT {
            return Err(Error::refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The file is larger than 2 MiB.",
            ));
        }
        signature.extend(chunk.iter().take(SIGNATURE_LENGTH - signature.len()));
        hash.update(&chunk);
        file.write_all(&chunk).await.context("writing a file")?;
    }
    // tokio writes in the background: only this reports the errors of all writes.
    file.flush().await.context("writing a file")?;
    let content_type = type_of(&signature, declared.as_deref()).ok_or(Error::refused(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The file isn't PNG, JPEG, WebP or PDF, or isn't what it is declared to be.",
    ))?;
    Ok(Received {
        filename,
        content_type,
        size,
        sha256: format!("{:x}", hash.finalize()),
        content,
    })
}

/// Keeps the content, then inserts its row. If the row may be there, the content stays.
async fn store(api: &ApiContext, user: AuthUser, file: Received) -> Result<Uploaded, Error> {
    let path = file.content.with_extension("");
    let storage_name = path.file_name().and_then(|name| name.to_str());
    let storage_name = storage_name.context("naming a file")?;
    let kept = path.clone();
    spawn_blocking(move || file.content.persist(kept))
        .await
        .context("waiting for a thread")?
        .context("keeping a file")?;
    let inserted = api
        .db
        .fetch_one(|| {
            sqlx::query_as(
                "INSERT INTO files
                     (owner_id, filename, content_type, size, sha256, storage_name)
                 VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            )
            .bind(user.id)
            .bind(&file.filename)
            .bind(file.content_type)
            .bind(file.size as i64)
            .bind(&file.sha256)
            .bind(storage_name)
        })
        .await;
    match inserted {
        Ok((id,)) => Ok(Uploaded {
            id,
            filename: file.filename,
            content_type: file.content_type,
            size: file.size,
            sha256: file.sha256,
        }),
        Err(error) => {
            if error.is_without_effect() {
                remove(&path).await;
            }
            Err(error.into())
        }
    }
}

async fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path).await {
        tracing::warn!(%error, "an unused file can't be removed");
    }
}

#[derive(FromRow)]
struct Stored {
    filename: String,
    content_type: String,
    size: i64,
    storage_name: String,
}

pub async fn download(State(api): State<Api>, Id(id): Id) -> Result<impl IntoResponse, Error> {
    let stored: Option<Stored> = api
        .db
        .fetch_optional(|| {
            sqlx::query_as(
                "SELECT filename, content_type, size, storage_name FROM files WHERE id = $1",
            )
            .bind(id)
        })
        .await?;
    let stored = stored.ok_or(Error::NotFound)?;
    let content = File::open(api.upload_dir.join(stored.storage_name))
        .await
        .with_context(|| format!("opening file {id}"))?;
    let headers = [
        (CONTENT_TYPE, stored.content_type),
        (CONTENT_LENGTH, stored.size.to_string()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", stored.filename),
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    let body = Body::from_stream(ReaderStream::with_capacity(content, BUFFER));
    Ok((headers, body))
}

/// Turns a client's file name into one that can be shown between quotes in a header.
fn safe_name(given: &str) -> String {
    let name: String = given
        .chars()
        .map(|letter| match letter {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '-' | '_' => letter,
            _ => '_',
        })
        .skip_while(|letter| *letter == '.')
        .take(NAME_LIMIT)
        .collect();
    if name.is_empty() {
        "file".to_owned()
    } else {
        name
    }
}

/// Returns the type of a file by its first bytes, unless it isn't accepted or isn't the declared one.
fn type_of(signature: &[u8], declared: Option<&str>) -> Option<&'static str> {
    let found = match signature {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => "image/webp",
        [b'%', b'P', b'D', b'F', b'-', ..] => "application/pdf",
        _ => return None,
    };
    let matches = |declared: &str| {
        let essence = declared.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(found)
    };
    declared.is_none_or(matches).then_some(found)
}

#[cfg(test)]
mod tests;
