//! Types of files, told by their first octets.

/// How many octets of a content tell its type.
pub const PREFIX_BYTES: usize = 12;

/// Returns the media type that a content with this prefix has, if it is one that is accepted.
pub fn kind_of(prefix: &[u8]) -> Option<&'static str> {
    match prefix {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("application/pdf"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
