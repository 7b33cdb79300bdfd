//! The two kinds of names of the contract: ids and usernames.

/// Reads an id: a decimal from 1 to 2⁶³−1 without sign or leading zero.
pub fn parse_id(text: &str) -> Option<i64> {
    let octets = text.as_bytes();
    let canonical =
        matches!(octets, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    if canonical {
        text.parse().ok()
    } else {
        None
    }
}

/// Tells whether `text` is 3 to 32 of a–z, 0–9 and the underscore.
pub fn is_username(text: &str) -> bool {
    (3..=32).contains(&text.len())
        && text
            .bytes()
            .all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests;
