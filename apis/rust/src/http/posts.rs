//! Posts, and their cache.

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::Json;
use chrono::{DateTime, SecondsFormat, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize, Serializer};
use sqlx::FromRow;

use super::auth::AuthUser;
use super::error::Error;
use super::extractor::{no_nul, Id, ValidJson, ValidQuery};
use super::{Api, ApiContext};

const DEFAULT_LIMIT: i64 = 20;
const FIRST_PAGE: &str = "posts:first";
const FIRST_PAGE_SECONDS: u64 = 5;
const POST_SECONDS: u64 = 600;
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

// A member that is missing is empty, so that validation names it together with all others.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct Content {
    #[garde(length(chars, min = 1, max = 200), custom(no_nul))]
    title: String,
    #[garde(length(chars, min = 1, max = 20_000), custom(no_nul))]
    body: String,
}

#[derive(Deserialize, Validate)]
pub struct PageQuery {
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "default_limit")]
    limit: i64,
    #[garde(range(min = 1))]
    before: Option<i64>,
}

fn default_limit() -> i64 {
    DEFAULT_LIMIT
}

/// A post, as a row and as JSON.
#[derive(Serialize, FromRow)]
pub struct Post {
    pub id: i64,
    #[sqlx(flatten)]
    author: Author,
    title: String,
    body: String,
    version: i64,
    #[serde(serialize_with = "rfc3339_millis")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339_millis")]
    updated_at: DateTime<Utc>,
}

#[derive(Serialize, FromRow)]
struct Author {
    #[sqlx(rename = "author_id")]
    id: i64,
    username: String,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Post>,
    next_before: Option<i64>,
}

impl Page {
    /// The first `limit` of these posts. One post more says that others follow.
    fn new(mut items: Vec<Post>, limit: usize) -> Self {
        let has_next = items.len() > limit;
        items.truncate(limit);
        let next_before = items.last().map(|post| post.id).filter(|_| has_next);
        Self { items, next_before }
    }
}

/// Selects the columns of a `Post`.
macro_rules! select_posts {
    ($rest:literal) => {
        concat!(
            "SELECT posts.id, users.id AS author_id, users.username, posts.title, posts.body,
                    posts.version, posts.created_at, posts.updated_at
             FROM posts JOIN users ON users.id = posts.author_id ",
            $rest
        )
    };
}
pub(crate) use select_posts;

/// A post in the cache: its ETag, a newline, its JSON. It is sent as it is stored.
#[derive(Clone)]
pub struct Entry {
    pub stored: Bytes,
    etag: HeaderValue,
    json: Bytes,
}

impl Entry {
    /// The key of a post.
    pub fn key(id: i64) -> String {
        format!("post:{id}")
    }

    /// Returns the entry of a post.
    pub fn new(post: &Post) -> anyhow::Result<Self> {
        let mut stored = format!("\"{}-{}\"\n", post.id, post.version).into_bytes();
        serde_json::to_writer(&mut stored, post).context("writing a post")?;
        Self::parse(stored).context("reading a post that was just written")
    }

    /// Reads what is stored, unless it isn't an entry.
    pub fn parse(stored: Vec<u8>) -> Option<Self> {
        let stored = Bytes::from(stored);
        let newline = stored.iter().position(|byte| *byte == b'\n')?;
        let etag = HeaderValue::from_maybe_shared(stored.slice(..newline)).ok()?;
        let json = stored.slice(newline + 1..);
        Some(Self { stored, etag, json })
    }

    /// Answers a request for the post.
    pub fn answer(self, x_cache: &'static str, request: &HeaderMap) -> Response {
        let is_known = request.get(IF_NONE_MATCH) == Some(&self.etag);
        let headers = [
            (ETAG, self.etag),
            (X_CACHE, HeaderValue::from_static(x_cache)),
        ];
        if is_known {
            (StatusCode::NOT_MODIFIED, headers).into_response()
        } else {
            (headers, json(self.json)).into_response()
        }
    }
}

fn json(text: impl IntoResponse) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], text)
}

pub async fn list(
    State(api): State<Api>,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Response, Error> {
    let is_first = query.limit == DEFAULT_LIMIT && query.before.is_none();
    if is_first {
        if let Some(page) = api.cache.get(FIRST_PAGE).await {
            return Ok(json(page).into_response());
        }
    }
    let posts = api
        .db
        .fetch_all(|| {
            let select = match query.before {
                Some(before) => sqlx::query_as(select_posts!(
                    "WHERE posts.id < $1 ORDER BY posts.id DESC LIMIT $2"
                ))
                .bind(before),
                None => sqlx::query_as(select_posts!("ORDER BY posts.id DESC LIMIT $1")),
            };
            select.bind(query.limit + 1)
        })
        .await?;
    let page = serde_json::to_vec(&Page::new(posts, query.limit as usize))
        .context("writing a page of posts")?;
    if is_first {
        api.cache.set(FIRST_PAGE, &page, FIRST_PAGE_SECONDS).await;
    }
    Ok(json(page).into_response())
}

pub async fn show(
    State(api): State<Api>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let key = Entry::key(id);
    if let Some(entry) = api.cache.get(&key).await.and_then(Entry::parse) {
        return Ok(entry.answer("HIT", &headers));
    }
    let post: Option<Post> = api
        .db
        .fetch_optional(|| sqlx::query_as(select_posts!("WHERE posts.id = $1")).bind(id))
        .await?;
    let entry = Entry::new(&post.ok_or(Error::NotFound)?)?;
    api.cache.set(&key, &entry.stored, POST_SECONDS).await;
    Ok(entry.answer("MISS", &headers))
}

pub async fn create(
    State(api): State<Api>,
    user: AuthUser,
    ValidJson(content): ValidJson<Content>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Post>), Error> {
    let (id, version, created_at, updated_at) = api
        .db
        .fetch_one(|| {
            sqlx::query_as(
                "INSERT INTO posts (author_id, title, body) VALUES ($1, $2, $3)
                 RETURNING id, version, created_at, updated_at",
            )
            .bind(user.id)
            .bind(&content.title)
            .bind(&content.body)
        })
        .await?;
    let post = Post {
        id,
        author: user.into(),
        title: content.title,
        body: content.body,
        version,
        created_at,
        updated_at,
    };
    let location = [(LOCATION, format!("/api/posts/{id}"))];
    Ok((StatusCode::CREATED, location, Json(post)))
}

pub async fn update(
    State(api): State<Api>,
    Id(id): Id,
    user: AuthUser,
    ValidJson(content): ValidJson<Content>,
) -> Result<Json<Post>, Error> {
    let write = {
        let api = api.clone();
        async move {
            let updated = api
                .db
                .fetch_optional(|| {
                    sqlx::query_as(
                        "UPDATE posts
                         SET title = $3, body = $4, version = version + 1, updated_at = now()
                         WHERE id = $1 AND author_id = $2
                         RETURNING version, created_at, updated_at",
                    )
                    .bind(id)
                    .bind(user.id)
                    .bind(&content.title)
                    .bind(&content.body)
                })
                .await;
            // An error may hide a commit.
            if !matches!(updated, Ok(None)) {
                api.cache.remove(&Entry::key(id)).await;
            }
            match updated? {
                Some((version, created_at, updated_at)) => Ok(Json(Post {
                    id,
                    author: user.into(),
                    title: content.title,
                    body: content.body,
                    version,
                    created_at,
                    updated_at,
                })),
                None => Err(why_not_written(&api, id).await),
            }
        }
    };
    api.finish(write).await
}

pub async fn delete(
    State(api): State<Api>,
    Id(id): Id,
    user: AuthUser,
) -> Result<StatusCode, Error> {
    let write = {
        let api = api.clone();
        async move {
            let deleted = api
                .db
                .execute(|| {
                    sqlx::query("DELETE FROM posts WHERE id = $1 AND author_id = $2")
                        .bind(id)
                        .bind(user.id)
                })
                .await;
            // An error may hide a commit.
            if !matches!(deleted, Ok(0)) {
                api.cache.remove(&Entry::key(id)).await;
            }
            match deleted? {
                0 => Err(why_not_written(&api, id).await),
                _ => Ok(StatusCode::NO_CONTENT),
            }
        }
    };
    api.finish(write).await
}

/// Says why a statement found no post of this user.
async fn why_not_written(api: &ApiContext, id: i64) -> Error {
    let post: Result<Option<(i64,)>, _> = api
        .db
        .fetch_optional(|| sqlx::query_as("SELECT id FROM posts WHERE id = $1").bind(id))
        .await;
    match post {
        Ok(Some(_)) => Error::Forbidden,
        Ok(None) => Error::NotFound,
        Err(error) => error.into(),
    }
}

impl From<AuthUser> for Author {
    fn from(user: AuthUser) -> Self {
        Self {
            id: user.id,
            username: user.name,
        }
    }
}

/// Writes a time as in `2026-01-31T12:00:00.000Z`.
pub fn rfc3339_millis<S: Serializer>(
    time: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests;
