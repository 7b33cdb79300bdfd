//! The JSON documents that the API answers with. Equal documents are equal octets: members in the
//! order of the contract, no whitespace, nothing escaped that need not be.

mod timestamp;

use bytes::Bytes;
use serde::Serialize;

pub use timestamp::Timestamp;

/// What suffices for a post besides its texts, with the tag before it, and for a page besides its posts.
const POST_BYTES: usize = 288;
const PAGE_BYTES: usize = 64;

/// The public view of a user.
#[derive(Serialize)]
pub struct User<'a> {
    pub id: i64,
    pub username: &'a str,
    pub created_at: Timestamp,
}

/// A user's view of itself.
#[derive(Serialize)]
pub struct Account<'a> {
    pub id: i64,
    pub username: &'a str,
    pub email: &'a str,
    pub created_at: Timestamp,
}

/// The user within a post.
#[derive(Serialize)]
pub struct Author<'a> {
    pub id: i64,
    pub username: &'a str,
}

#[derive(Serialize)]
pub struct Post<'a> {
    pub id: i64,
    pub author: Author<'a>,
    pub title: &'a str,
    pub body: &'a str,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Post<'_> {
    /// The strong entity tag.
    pub fn etag(&self) -> String {
        format!("\"{}-{}\"", self.id, self.version)
    }

    /// How many octets suffice for it, unless something in its texts is escaped.
    fn room(&self) -> usize {
        POST_BYTES + self.title.len() + self.body.len()
    }
}

/// One page of posts, newest first.
#[derive(Serialize)]
pub struct Page<'a> {
    pub items: &'a [Post<'a>],
    pub next_before: Option<i64>,
}

impl<'a> Page<'a> {
    /// The first `limit` of `posts`. One post more tells that there is a next page.
    pub fn of(posts: &'a [Post<'a>], limit: usize) -> Self {
        match posts.get(limit) {
            Some(_) => Self {
                items: &posts[..limit],
                next_before: posts[..limit].last().map(|post| post.id),
            },
            None => Self {
                items: posts,
                next_before: None,
            },
        }
    }
}

#[derive(Serialize)]
pub struct File<'a> {
    pub id: i64,
    pub filename: &'a str,
    pub content_type: &'a str,
    pub size: u64,
    pub sha256: &'a str,
}

/// The answer to a login.
#[derive(Serialize)]
pub struct AccessToken<'a> {
    pub access_token: &'a str,
    pub token_type: &'static str,
    pub expires_in: u64,
}

/// Which services answer.
#[derive(Serialize)]
pub struct Readiness {
    pub postgres: &'static str,
    pub redis: &'static str,
}

/// Returns the JSON of a document of this module.
pub fn encode(document: &impl Serialize) -> serde_json::Result<Bytes> {
    serde_json::to_vec(document).map(Bytes::from)
}

/// Returns the JSON of a page. There is room for all of it from the start: it may be long.
pub fn encode_page(page: &Page<'_>) -> serde_json::Result<Bytes> {
    let items: usize = page.items.iter().map(Post::room).sum();
    let mut json = Vec::with_capacity(PAGE_BYTES + items);
    serde_json::to_writer(&mut json, page)?;
    Ok(Bytes::from(json))
}

/// Returns what is kept in Redis for a post, which is also what is sent: the tag, a newline, the JSON.
pub fn encode_entry(post: &Post<'_>) -> serde_json::Result<Bytes> {
    let mut entry = Vec::with_capacity(post.room());
    entry.extend_from_slice(post.etag().as_bytes());
    entry.push(b'\n');
    serde_json::to_writer(&mut entry, post)?;
    Ok(Bytes::from(entry))
}

#[cfg(test)]
mod tests;
