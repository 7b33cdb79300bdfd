//! Password hashes.

use std::panic::resume_unwind;
use std::sync::Arc;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{self, SaltString};
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How many hashes may wait for each CPU.
const QUEUE_PER_CPU: usize = 32;

/// Costs what a user's hash costs, and belongs to no password.
const NOBODYS_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
    $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("too many passwords wait to be hashed")]
    Busy,
    #[error("hashing a password: {0}")]
    Failed(password_hash::Error),
}

/// Hashes passwords on threads of their own: one at a time for each CPU, while a few others wait.
pub struct Hasher {
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Hasher {
    /// Returns a hasher for that many CPUs.
    pub fn new(cpus: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(cpus)),
            waiting: Semaphore::new(cpus * QUEUE_PER_CPU),
        }
    }

    /// Returns a new hash of a password, as a PHC string.
    pub async fn hash(&self, password: String) -> Result<String, HashError> {
        self.run(move || {
            let salt = SaltString::generate(&mut OsRng);
            let hash = Argon2::default().hash_password(password.as_bytes(), &salt)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Says whether a password belongs to a stored hash. Without a hash it takes as long.
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, HashError> {
        self.run(move || {
            let hash = PasswordHash::new(stored.as_deref().unwrap_or(NOBODYS_HASH))?;
            match Argon2::default().verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(stored.is_some()),
                Err(password_hash::Error::Password) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// A caller that goes away while it waits gives up its place. Once the work runs, the permit is
    /// the work's own: it isn't stopped when the caller goes away.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> password_hash::Result<T> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = self.waiting.try_acquire().map_err(|_| HashError::Busy)?;
        let running = Arc::clone(&self.running);
        let permit = running.acquire_owned().await.expect("it isn't closed");
        drop(place);
        let task = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match task.await {
            Ok(result) => result.map_err(HashError::Failed),
            Err(error) => resume_unwind(error.into_panic()),
        }
    }
}

#[cfg(test)]
mod tests;
