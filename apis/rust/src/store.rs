//! Users, posts and files in PostgreSQL.
//!
//! Every method is one statement on one connection, outside of a transaction; `update_post` and
//! `delete_post` take a second one to tell why nothing was changed.

mod error;
mod pool;
mod rows;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::Row as _;

pub use error::StoreError;
pub use rows::{AccountRow, CredentialsRow, FileRow, PostRow, UserRow};

use pool::Pool;

/// What PostgreSQL fills in of a post that is written.
pub struct Written {
    pub id: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Written {
    fn read(id: i64, row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id,
            version: row.try_get("version")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// A file that is to be recorded.
pub struct NewFile<'a> {
    pub owner_id: i64,
    pub filename: &'a str,
    pub content_type: &'a str,
    pub size: i64,
    pub sha256: &'a str,
    pub storage_name: &'a str,
}

/// Reads the columns of a `PostRow`; what follows says of which posts.
macro_rules! select_posts {
    ($rest:literal) => {
        concat!(
            "SELECT posts.id, users.id, users.username, posts.title, posts.body,
                    posts.version, posts.created_at, posts.updated_at
             FROM posts JOIN users ON users.id = posts.author_id ",
            $rest
        )
    };
}

pub struct Store {
    pool: Pool,
}

type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// Returns a store over a new pool. It connects when a connection is first needed, so PostgreSQL
    /// may be away. It must be called within a runtime.
    pub fn new(options: PgConnectOptions, pool_size: usize) -> Self {
        Self {
            pool: Pool::new(options, pool_size),
        }
    }

    /// Succeeds if PostgreSQL answers.
    pub async fn ping(&self) -> Result<()> {
        self.pool
            .fetch_one(sqlx::query("SELECT 1"))
            .await
            .map(|_| ())
    }

    /// Inserts a user and returns its id and the time of its creation.
    pub async fn create_user(
        &self,
        username: &str,
        email: &str,
        password_hash: &str,
    ) -> Result<(i64, DateTime<Utc>)> {
        let insert = sqlx::query(
            "INSERT INTO users (username, email, password_hash) VALUES ($1, $2, $3)
             RETURNING id, created_at",
        )
        .bind(username)
        .bind(email)
        .bind(password_hash);
        let row = self.pool.fetch_one(insert).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// Returns what a login with this address, in lower case, is checked against.
    pub async fn credentials(&self, email: &str) -> Result<Option<CredentialsRow>> {
        let select = sqlx::query("SELECT id, username, password_hash FROM users WHERE email = $1")
            .bind(email);
        Ok(self.pool.fetch_optional(select).await?.map(CredentialsRow))
    }

    /// Returns what a user may know of itself.
    pub async fn account(&self, id: i64) -> Result<Option<AccountRow>> {
        let select =
            sqlx::query("SELECT id, username, email, created_at FROM users WHERE id = $1").bind(id);
        Ok(self.pool.fetch_optional(select).await?.map(AccountRow))
    }

    /// Returns what all may know of a user.
    pub async fn user(&self, id: i64) -> Result<Option<UserRow>> {
        let select =
            sqlx::query("SELECT id, username, created_at FROM users WHERE id = $1").bind(id);
        Ok(self.pool.fetch_optional(select).await?.map(UserRow))
    }

    /// Returns up to `limit` posts with the highest ids, highest first, of those below `before`.
    pub async fn posts(&self, before: Option<i64>, limit: i64) -> Result<Vec<PostRow>> {
        let select = match before {
            Some(before) => sqlx::query(select_posts!(
                "WHERE posts.id < $1 ORDER BY posts.id DESC LIMIT $2"
            ))
            .bind(before),
            None => sqlx::query(select_posts!("ORDER BY posts.id DESC LIMIT $1")),
        };
        let rows = self.pool.fetch_all(select.bind(limit)).await?;
        Ok(rows.into_iter().map(PostRow).collect())
    }

    pub async fn post(&self, id: i64) -> Result<Option<PostRow>> {
        let select = sqlx::query(select_posts!("WHERE posts.id = $1")).bind(id);
        Ok(self.pool.fetch_optional(select).await?.map(PostRow))
    }

    pub async fn create_post(&self, author_id: i64, title: &str, body: &str) -> Result<Written> {
        let insert = sqlx::query(
            "INSERT INTO posts (author_id, title, body) VALUES ($1, $2, $3)
             RETURNING id, version, created_at, updated_at",
        )
        .bind(author_id)
        .bind(title)
        .bind(body);
        let row = self.pool.fetch_one(insert).await?;
        Ok(Written::read(row.try_get("id")?, &row)?)
    }

    /// Changes a post of this author. It fails where there is none, or where it is another author's.
    pub async fn update_post(
        &self,
        id: i64,
        author_id: i64,
        title: &str,
        body: &str,
    ) -> Result<Written> {
        let update = sqlx::query(
            "UPDATE posts SET title = $3, body = $4, version = version + 1, updated_at = now()
             WHERE id = $1 AND author_id = $2 RETURNING version, created_at, updated_at",
        )
        .bind(id)
        .bind(author_id)
        .bind(title)
        .bind(body);
        match self.pool.fetch_optional(update).await? {
            Some(row) => Ok(Written::read(id, &row)?),
            None => Err(self.why_unchanged(id).await),
        }
    }

    /// Deletes a post of this author. It fails as `update_post`.
    pub async fn delete_post(&self, id: i64, author_id: i64) -> Result<()> {
        let delete = sqlx::query("DELETE FROM posts WHERE id = $1 AND author_id = $2")
            .bind(id)
            .bind(author_id);
        match self.pool.execute(delete).await? {
            0 => Err(self.why_unchanged(id).await),
            _ => Ok(()),
        }
    }

    async fn why_unchanged(&self, id: i64) -> StoreError {
        let select = sqlx::query("SELECT id FROM posts WHERE id = $1").bind(id);
        match self.pool.fetch_optional(select).await {
            Ok(Some(_)) => StoreError::NotOwner,
            Ok(None) => StoreError::NotFound,
            Err(error) => error,
        }
    }

    /// Inserts a file and returns its id.
    pub async fn create_file(&self, file: &NewFile<'_>) -> Result<i64> {
        let insert = sqlx::query(
            "INSERT INTO files (owner_id, filename, content_type, size, sha256, storage_name)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        )
        .bind(file.owner_id)
        .bind(file.filename)
        .bind(file.content_type)
        .bind(file.size)
        .bind(file.sha256)
        .bind(file.storage_name);
        Ok(self.pool.fetch_one(insert).await?.try_get(0)?)
    }

    pub async fn file(&self, id: i64) -> Result<Option<FileRow>> {
        let select = sqlx::query(
            "SELECT filename, content_type, size, storage_name FROM files WHERE id = $1",
        )
        .bind(id);
        Ok(self.pool.fetch_optional(select).await?.map(FileRow))
    }
}
