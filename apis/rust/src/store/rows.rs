//! Rows as they came from PostgreSQL, read where they lie: texts aren't copied out of them.

use sqlx::postgres::PgRow;
use sqlx::{Result, Row as _};

use crate::view::{Account, Author, Post, Timestamp, User};

/// id, username, password_hash
pub struct CredentialsRow(pub(super) PgRow);

impl CredentialsRow {
    pub fn id(&self) -> Result<i64> {
        self.0.try_get(0)
    }

    pub fn username(&self) -> Result<&str> {
        self.0.try_get(1)
    }

    pub fn password_hash(&self) -> Result<&str> {
        self.0.try_get(2)
    }
}

/// id, username, email, created_at
pub struct AccountRow(pub(super) PgRow);

impl AccountRow {
    pub fn account(&self) -> Result<Account<'_>> {
        Ok(Account {
            id: self.0.try_get(0)?,
            username: self.0.try_get(1)?,
            email: self.0.try_get(2)?,
            created_at: Timestamp(self.0.try_get(3)?),
        })
    }
}

/// id, username, created_at
pub struct UserRow(pub(super) PgRow);

impl UserRow {
    pub fn user(&self) -> Result<User<'_>> {
        Ok(User {
            id: self.0.try_get(0)?,
            username: self.0.try_get(1)?,
            created_at: Timestamp(self.0.try_get(2)?),
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
