//! Content on its way to the disk.

use std::fs::File;
use std::io::{self, Write as _};

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::Directory;

/// How much is gathered before a thread is asked to write it. Most small files take one such hop.
const PIECE_BYTES: usize = 128 << 10;

/// A content that is on the disk.
pub struct Stored {
    pub content: Provisional,
    pub size: u64,
    pub sha256: String,
}

/// A content that is being written. Dropped before its end, it leaves nothing behind.
pub struct Content {
    directory: Directory,
    gathered: BytesMut,
    size: u64,
    file: Option<Unfinished>,
}

impl Content {
    pub fn new(directory: &Directory) -> Self {
        Self {
            directory: directory.clone(),
            gathered: BytesMut::new(),
            size: 0,
            file: None,
        }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub async fn append(&mut self, octets: &Bytes) -> io::Result<()> {
        self.size += octets.len() as u64;
        self.gathered.extend_from_slice(octets);
        if self.gathered.len() >= PIECE_BYTES {
            self.file = Some(self.write_gathered().await?);
        }
        Ok(())
    }

    pub async fn finish(mut self) -> io::Result<Stored> {
        let Unfinished {
            content, digest, ..
        } = self.write_gathered().await?;
        Ok(Stored {
            content,
            size: self.size,
            sha256: hex::encode(digest.finalize()),
        })
    }

    /// Disks are slow and hashing takes time, so both are left to a thread for such work.
    async fn write_gathered(&mut self) -> io::Result<Unfinished> {
        let octets = self.gathered.split();
        let directory = self.directory.clone();
        let unfinished = self.file.take();
        spawn_blocking(move || {
            let mut unfinished = match unfinished {
                Some(unfinished) => unfinished,
                None => Unfinished::create(directory)?,
            };
            unfinished.file.write_all(&octets)?;
            unfinished.digest.update(&octets);
            Ok(unfinished)
        })
        .await
        .map_err(io::Error::other)?
    }
}

struct Unfinished {
    content: Provisional,
    file: File,
    digest: Sha256,
}

impl Unfinished {
    fn create(directory: Directory) -> io::Result<Self> {
        let (name, file) = directory.create()?;
        Ok(Self {
            content: Provisional {
                directory,
                name,
                kept: false,
            },
            file,
            digest: Sha256::new(),
        })
    }
}

/// A file that is removed when it is dropped, unless it is kept.
#[derive(Debug)]
pub struct Provisional {
    directory: Directory,
    name: String,
    kept: bool,
}

impl Provisional {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Provisional {
    fn drop(&mut self) {
        if !self.kept {
            if let Err(error) = self.directory.remove(&self.name) {
                tracing::error!(%error, "content of no use could not be removed");
            }
        }
    }
}
