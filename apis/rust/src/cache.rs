//! Posts in Redis. Nothing but `ping` fails: Redis being away or slow is a miss, and one warning a
//! second.

mod link;

use std::time::Duration;

use axum::http::HeaderValue;
use bytes::Bytes;
use redis::{Client, Cmd, RedisResult, Value};
use tokio::time::timeout;

use crate::logging::Limiter;
use link::Link;

/// How long an operation may take.
const OPERATION_TIMEOUT: Duration = Duration::from_millis(50);
const WARNING_INTERVAL: Duration = Duration::from_secs(1);

const POST_SECONDS: u64 = 600;
const FIRST_PAGE_SECONDS: u64 = 5;
const FIRST_PAGE: &str = "posts:first";

/// A post as it is sent, with its entity tag.
pub struct Entry {
    pub etag: HeaderValue,
    pub body: Bytes,
}

impl Entry {
    /// Splits what is kept in Redis, a tag, a newline and the JSON, without copying any of it. Other
    /// values are none of this API's.
    pub fn split(value: &Bytes) -> Option<Self> {
        let newline = memchr::memchr(b'\n', value)?;
        Some(Self {
            etag: HeaderValue::from_maybe_shared(value.slice(..newline)).ok()?,
            body: value.slice(newline + 1..),
        })
    }
}

pub struct Cache {
    link: Link,
    warnings: Limiter,
}

impl Cache {
    /// Returns a cache that connects by itself, so Redis may be away. It must be called within a
    /// runtime.
    pub fn new(client: Client) -> Self {
        Self {
            link: Link::new(client),
            warnings: Limiter::new(WARNING_INTERVAL),
        }
    }

    /// Succeeds if Redis answers. Whoever asks tells what came of it, so nothing is logged here.
    pub async fn ping(&self) -> RedisResult<()> {
        self.attempt(&redis::cmd("PING")).await.map(|_| ())
    }

    pub async fn post(&self, id: i64) -> Option<Entry> {
        Entry::split(&self.get(&post_key(id)).await?)
    }

    /// Stores the value that `Entry::split` takes apart.
    pub async fn set_post(&self, id: i64, value: &[u8]) {
        self.set(&post_key(id), value, POST_SECONDS).await;
    }

    pub async fn delete_post(&self, id: i64) {
        self.run("DEL", redis::cmd("DEL").arg(post_key(id))).await;
    }

    pub async fn first_page(&self) -> Option<Bytes> {
        self.get(FIRST_PAGE).await
    }

    pub async fn set_first_page(&self, page: &[u8]) {
        self.set(FIRST_PAGE, page, FIRST_PAGE_SECONDS).await;
    }

    async fn get(&self, key: &str) -> Option<Bytes> {
        match self.run("GET", redis::cmd("GET").arg(key)).await? {
            Value::BulkString(octets) => Some(Bytes::from(octets)),
            _ => None,
        }
    }

    async fn set(&self, key: &str, value: &[u8], seconds: u64) {
        let mut command = redis::cmd("SET");
        command.arg(key).arg(value).arg("EX").arg(seconds);
        self.run("SET", &command).await;
    }

    async fn run(&self, name: &str, command: &Cmd) -> Option<Value> {
        self.attempt(command)
            .await
            .inspect_err(|error| {
                if self.warnings.passes() {
                    tracing::warn!(command = name, %error, "Redis is passed over");
                }
            })
            .ok()
    }

    async fn attempt(&self, command: &Cmd) -> RedisResult<Value> {
        match timeout(OPERATION_TIMEOUT, self.link.send(command)).await {
            Ok(result) => result.and_then(Value::extract_error),
            Err(elapsed) => Err(std::io::Error::from(elapsed).into()),
        }
    }
}

fn post_key(id: i64) -> String {
    format!("post:{id}")
}

#[cfg(test)]
mod tests;
