//! Posts, by way of the cache.

use axum::extract::{Request, State};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::Response;

use super::failure::Failure;
use super::fields::{BODY, TITLE};
use super::page::PageQuery;
use super::request::{read_fields, read_json, PathId, Whole};
use super::{respond, Shared};
use crate::cache::Entry;
use crate::problem;
use crate::store::{StoreError, Written};
use crate::token::Caller;
use crate::view::{self, Author, Page, Post, Timestamp};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const HIT: HeaderValue = HeaderValue::from_static("HIT");
const MISS: HeaderValue = HeaderValue::from_static("MISS");

pub async fn list(State(services): Shared, target: Uri) -> Result<Response, Failure> {
    let query = PageQuery::parse(target.query().unwrap_or_default())?;
    if query.is_first() {
        if let Some(page) = services.cache.first_page().await {
            return Ok(respond::json(StatusCode::OK, page));
        }
    }
    // One more than asked for tells whether there is a next page.
    let limit = query.limit as i64 + 1;
    let rows = services.store.posts(query.before, limit).await?;
    let posts = rows
        .iter()
        .map(|row| row.post())
        .collect::<sqlx::Result<Vec<Post>>>()?;
    let page = view::encode_page(&Page::of(&posts, query.limit))?;
    if query.is_first() {
        services.cache.set_first_page(&page).await;
    }
    Ok(respond::json(StatusCode::OK, page))
}

pub async fn read(
    State(services): Shared,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Failure> {
    if let Some(entry) = services.cache.post(id).await {
        return Ok(answer(entry, HIT, request.headers()));
    }
    let row = services.store.post(id).await?.ok_or(problem::NO_POST)?;
    let value = view::encode_entry(&row.post()?)?;
    services.cache.set_post(id, &value).await;
    let entry = Entry::split(&value).ok_or_else(|| Failure::internal("an entry has a newline"))?;
    Ok(answer(entry, MISS, request.headers()))
}

fn answer(entry: Entry, cache: HeaderValue, headers: &HeaderMap) -> Response {
    let mut response = if is_known(headers, entry.etag.as_bytes()) {
        respond::empty(StatusCode::NOT_MODIFIED)
    } else {
        respond::json(StatusCode::OK, entry.body)
    };
    response.headers_mut().insert(ETAG, entry.etag);
    response.headers_mut().insert(X_CACHE, cache);
    response
}

/// Tells whether the fields of If-None-Match name `etag`, by the weak comparison of RFC 9110,
/// section 8.8.3.2.
fn is_known(headers: &HeaderMap, etag: &[u8]) -> bool {
    let fields = headers.get_all(IF_NONE_MATCH);
    let mut elements = fields
        .iter()
        .flat_map(|field| field.as_bytes().split(|octet| *octet == b','))
        .map(<[u8]>::trim_ascii);
    let Some(first) = elements.next() else {
        return false;
    };
    let matches = |element: &[u8]| element.strip_prefix(b"W/").unwrap_or(element) == etag;
    match elements.next() {
        None => first == b"*" || matches(first),
        Some(second) => matches(first) || matches(second) || elements.any(matches),
    }
}

pub async fn create(
    State(services): Shared,
    caller: Caller,
    Whole(headers, body): Whole,
) -> Result<Response, Failure> {
    let json = read_json(&headers, body).await?;
    let [title, body] = read_fields(&json, [TITLE, BODY])?;
    let created = services.store.create_post(caller.id, &title, &body).await;
    let written = created.map_err(|error| match error {
        StoreError::NoSuchUser => problem::BAD_TOKEN.into(),
        other => Failure::from(other),
    })?;
    let post = post_of(&caller, &title, &body, &written);
    respond::created(format!("/api/posts/{}", post.id), &post)
}

pub async fn update(
    State(services): Shared,
    PathId(id): PathId,
    caller: Caller,
    Whole(headers, body): Whole,
) -> Result<Response, Failure> {
    let json = read_json(&headers, body).await?;
    let [title, body] = read_fields(&json, [TITLE, BODY])?;
    let updated = services
        .store
        .update_post(id, caller.id, &title, &body)
        .await;
    let written = forget(&services.cache, id, updated).await?;
    respond::view(StatusCode::OK, &post_of(&caller, &title, &body, &written))
}

pub async fn delete(
    State(services): Shared,
    PathId(id): PathId,
    caller: Caller,
) -> Result<Response, Failure> {
    let deleted = services.store.delete_post(id, caller.id).await;
    forget(&services.cache, id, deleted).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

/// Drops a post from the cache behind a statement that changed it. One that failed for an unknown
/// reason may have been committed all the same.
async fn forget<T>(
    cache: &crate::cache::Cache,
    id: i64,
    changed: Result<T, StoreError>,
) -> Result<T, Failure> {
    match &changed {
        Err(StoreError::NotFound) => return Err(problem::NO_POST.into()),
        Err(StoreError::NotOwner) => return Err(problem::NOT_OWNER.into()),
        _ => cache.delete_post(id).await,
    }
    Ok(changed?)
}

fn post_of<'a>(caller: &'a Caller, title: &'a str, body: &'a str, written: &Written) -> Post<'a> {
    Post {
        id: written.id,
        author: Author {
            id: caller.id,
            username: &caller.name,
        },
        title,
        body,
        version: written.version,
        created_at: Timestamp(written.created_at),
        updated_at: Timestamp(written.updated_at),
    }
}

#[cfg(test)]
mod tests;
