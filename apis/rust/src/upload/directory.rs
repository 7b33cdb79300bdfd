//! The directory that keeps the content of files, each under a random name.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A directory that exists and can be written to.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Takes the directory at `path`, if a file can be made in it: the first upload would be too late
    /// to find out.
    pub fn open(path: &Path) -> io::Result<Self> {
        let directory = Self {
            path: path.to_owned(),
        };
        let (name, _) = directory.create()?;
        directory.remove(&name)?;
        Ok(directory)
    }

    /// Makes an empty file under a new name.
    pub fn create(&self) -> io::Result<(String, File)> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let name = hex::encode(random);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path.join(&name))?;
        Ok((name, file))
    }

    /// Opens the content under a name, which must have `size` octets.
    pub fn read(&self, name: &str, size: u64) -> io::Result<File> {
        let file = File::open(self.path.join(name))?;
        let found = file.metadata()?.len();
        if found == size {
            Ok(file)
        } else {
            Err(io::Error::other(format!(
                "{name} has {found} bytes instead of {size}"
            )))
        }
    }

    /// Removes the content under a name.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }
}

#[cfg(test)]
mod tests;
