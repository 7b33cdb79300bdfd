//! Rows as they came from PostgreSQL, read where they lie: texts aren't copied out of them.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Result, Row as _};

use crate::view::{Account, Author, Post, Timestamp, User};

/// id, username, email, password_hash, created_at
pub struct UserRow(pub(super) PgRow);

impl UserRow {
    pub fn id(&self) -> Result<i64> {
        self.0.try_get(0)
    }

    pub fn username(&self) -> Result<&str> {
        self.0.try_get(1)
    }

    pub fn password_hash(&self) -> Result<&str> {
        self.0.try_get(3)
    }

    pub fn user(&self) -> Result<User<'_>> {
        Ok(User {
            id: self.id()?,
            username: self.username()?,
            created_at: Timestamp(self.0.try_get(4)?),
        })
    }

    pub fn account(&self) -> Result<Account<'_>> {
        Ok(Account {
            id: self.id()?,
            username: self.username()?,
            email: self.0.try_get(2)?,
            created_at: Timestamp(self.0.try_get::<DateTime<Utc>, _>(4)?),
        })
    }
}

/// posts.id, users.id, users.username, title, body, version, posts.created_at, updated_at
pub struct PostRow(pub(super) PgRow);

impl PostRow {
    pub fn post(&self) -> Result<Post<'_>> {
        Ok(Post {
            id: self.0.try_get(0)?,
            author: Author {
                id: self.0.try_get(1)?,
                username: self.0.try_get(2)?,
            },
            title: self.0.try_get(3)?,
            body: self.0.try_get(4)?,
            version: self.0.try_get(5)?,
            created_at: Timestamp(self.0.try_get(6)?),
            updated_at: Timestamp(self.0.try_get(7)?),
        })
    }
}

/// filename, content_type, size, storage_name
pub struct FileRow(pub(super) PgRow);

impl FileRow {
    pub fn filename(&self) -> Result<&str> {
        self.0.try_get(0)
    }

    pub fn content_type(&self) -> Result<&str> {
        self.0.try_get(1)
    }

    pub fn size(&self) -> Result<i64> {
        self.0.try_get(2)
    }

    pub fn storage_name(&self) -> Result<&str> {
        self.0.try_get(3)
    }
}
