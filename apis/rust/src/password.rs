//! Password hashes: argon2id, stored as PHC strings.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::{Ident, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::prelude::{Engine as _, BASE64_STANDARD_NO_PAD};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// What a stored hash may ask for, so that a damaged one can't take the process down.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_ITERATIONS: u32 = 64;
const MAX_LANES: u32 = 16;

/// Has the parameters of a real hash; nobody knows a password for it.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
    $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A stored hash was no argon2id PHC string, or no hash could be computed.
#[derive(Debug)]
pub struct HashError(String);

impl fmt::Display for HashError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "hashing a password: {}", self.0)
    }
}

impl std::error::Error for HashError {}

fn error(cause: impl fmt::Display) -> HashError {
    HashError(cause.to_string())
}

/// Computes hashes on threads of their own, a bounded number at a time; further callers queue in order.
pub struct Hasher {
    slots: Semaphore,
    workspaces: Arc<Workspaces>,
}

impl Hasher {
    pub fn new(concurrency: usize) -> Self {
        Self {
            slots: Semaphore::new(concurrency),
            workspaces: Arc::default(),
        }
    }

    /// Returns a new PHC string for `password`.
    pub async fn hash(&self, password: String) -> Result<String, HashError> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(error)?;
        let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, None).map_err(error)?;
        let key = self
            .derive(params, password, salt.to_vec(), KEY_BYTES)
            .await?;
        Ok(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={ITERATIONS},p={LANES}${}${}",
            BASE64_STANDARD_NO_PAD.encode(salt),
            BASE64_STANDARD_NO_PAD.encode(key),
        ))
    }

    /// Tells whether `password` belongs to the stored PHC string.
    pub async fn verify(&self, stored: &str, password: String) -> Result<bool, HashError> {
        let hash = PasswordHash::new(stored).map_err(error)?;
        let (params, salt) = read_parameters(&hash)?;
        let expected = hash.hash.ok_or_else(|| error("no hash in the string"))?;
        let key = self.derive(params, password, salt, expected.len()).await?;
        let key = argon2::password_hash::Output::new(&key).map_err(error)?;
        Ok(key == expected) // its comparison takes constant time
    }

    /// Costs what `verify` costs and matches nothing, so that the time of an answer doesn't tell
    /// whether an email is known.
    pub async fn verify_decoy(&self, password: String) -> Result<(), HashError> {
        self.verify(DECOY, password).await.map(|_| ())
    }

    async fn derive(
        &self,
        params: Params,
        password: String,
        salt: Vec<u8>,
        length: usize,
    ) -> Result<Vec<u8>, HashError> {
        let _slot = self.slots.acquire().await.map_err(error)?;
        let workspaces = Arc::clone(&self.workspaces);
        spawn_blocking(move || {
            let mut workspace = workspaces.take(params.block_count());
            let mut key = vec![0; length];
            let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into_with_memory(
                    password.as_bytes(),
                    &salt,
                    &mut key,
                    &mut workspace[..],
                );
            workspaces.give_back(workspace);
            derived.map(|()| key).map_err(error)
        })
        .await
        .map_err(error)?
    }
}

fn read_parameters(hash: &PasswordHash) -> Result<(Params, Vec<u8>), HashError> {
    if hash.algorithm != Ident::new_unwrap("argon2id") || hash.version != Some(19) {
        return Err(error("not argon2id of version 19"));
    }
    let params = Params::try_from(hash).map_err(error)?;
    if params.m_cost() > MAX_MEMORY_KIB
        || params.t_cost() > MAX_ITERATIONS
        || params.p_cost() > MAX_LANES
    {
        return Err(error("parameters that are out of bounds"));
    }
    let salt = hash.salt.ok_or_else(|| error("no salt in the string"))?;
    let mut octets = [0; 64];
    let octets = salt.decode_b64(&mut octets).map_err(error)?;
    Ok((params, octets.to_vec()))
}

/// Memory that is used again: 19 MiB fresh from the kernel take a page fault for each 4 KiB.
#[derive(Default)]
struct Workspaces(Mutex<Vec<Vec<Block>>>);

impl Workspaces {
    fn take(&self, blocks: usize) -> Vec<Block> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match idle.iter().position(|workspace| workspace.len() == blocks) {
            Some(index) => idle.swap_remove(index),
            None => {
                drop(idle);
                vec![Block::default(); blocks]
            }
        }
    }

    /// Keeps the workspaces of the usual size alone: there are never more of them than slots.
    fn give_back(&self, workspace: Vec<Block>) {
        if workspace.len() == MEMORY_KIB as usize {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(workspace);
        }
    }
}

#[cfg(test)]
mod tests;
