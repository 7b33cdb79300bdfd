//! The parameter `boundary` of a request's `Content-Type`.

use super::disposition::{trim_blanks, unquote};

/// From RFC 2046, section 5.1.1.
const MAX_BYTES: usize = 70;

/// Returns the boundary that a `Content-Type` names, if its parameters are well-formed and it names
/// one of 1 to 70 characters, once.
pub fn boundary_of(content_type: &[u8]) -> Option<Vec<u8>> {
    let start = content_type.iter().position(|octet| *octet == b';')?;
    let mut rest = &content_type[start..];
    let mut boundary = None;
    loop {
        rest = trim_blanks(rest);
        if rest.is_empty() {
            break;
        }
        rest = trim_blanks(rest.strip_prefix(b";")?);
        if rest.is_empty() || rest[0] == b';' {
            continue; // RFC 9110, section 5.6.6, allows for parameters that aren't there
        }
        let (key, value, behind) = parameter(rest)?;
        if key.eq_ignore_ascii_case(b"boundary") && boundary.replace(value).is_some() {
            return None;
        }
        rest = behind;
    }
    boundary.filter(|boundary| (1..=MAX_BYTES).contains(&boundary.len()))
}

fn parameter(text: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let (key, rest) = token(text)?;
    let rest = rest.strip_prefix(b"=")?;
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let (value, rest) = unquote(quoted)?;
        return Some((key, value, rest));
    }
    let (value, rest) = token(rest)?;
    Some((key, value.to_vec(), rest))
}

/// Reads a token of RFC 2045, section 5.1, from the front.
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text
        .iter()
        .position(|octet| !octet.is_ascii_graphic() || br#"()<>@,;:\"/[]?="#.contains(octet))
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests;
