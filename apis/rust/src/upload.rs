//! Receiving files as multipart/form-data, and keeping their content in one directory.

mod boundary;
mod content;
mod directory;
mod disposition;
mod kind;
mod multipart;
mod name;
mod receive;

pub use boundary::boundary_of;
pub use directory::Directory;
pub use receive::{receive, Refusal, Source};

/// Limits of an upload, in octets.
pub const MAX_FILE_BYTES: u64 = 2 << 20;
pub const MAX_BODY_BYTES: u64 = MAX_FILE_BYTES + (64 << 10);
