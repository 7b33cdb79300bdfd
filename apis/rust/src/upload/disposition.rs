//! The header `Content-Disposition` of a part.

/// The parameters of a part that count. What isn't given is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Disposition {
    pub name: Vec<u8>,
    pub filename: Vec<u8>,
}

/// Reads `form-data` with its parameters, or returns `None` where the header isn't of that form.
pub fn parse_disposition(header: &[u8]) -> Option<Disposition> {
    let end = header
        .iter()
        .position(|octet| *octet == b';')
        .unwrap_or(header.len());
    let (kind, mut rest) = header.split_at(end);
    if !trim_blanks(kind).eq_ignore_ascii_case(b"form-data") {
        return None;
    }
    let mut name = None;
    let mut filename = None;
    while !trim_blanks(rest).is_empty() {
        let (key, value, behind) = next_parameter(rest)?;
        if key.eq_ignore_ascii_case(b"name") {
            name.get_or_insert(value);
        } else if key.eq_ignore_ascii_case(b"filename") {
            filename.get_or_insert(value);
        }
        rest = behind;
    }
    Some(Disposition {
        name: name.unwrap_or_default(),
        filename: filename.unwrap_or_default(),
    })
}

/// Strips spaces and tabs from both ends.
pub fn trim_blanks(text: &[u8]) -> &[u8] {
    let start = skip_blanks(text);
    let end = start
        .iter()
        .rposition(|octet| !is_blank(*octet))
        .map_or(0, |last| last + 1);
    &start[..end]
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|octet| is_blank(**octet)).count();
    &text[blanks..]
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Reads one `;name=value` from the front: the name, the value, and what is behind it.
fn next_parameter(text: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let text = skip_blanks(skip_blanks(text).strip_prefix(b";")?);
    let end = text
        .iter()
        .position(|octet| matches!(octet, b'=' | b';' | b'"' | b' ' | b'\t'))?;
    if end == 0 || text[end] != b'=' {
        return None;
    }
    let (key, value) = (&text[..end], &text[end + 1..]);
    if let Some(quoted) = value.strip_prefix(b"\"") {
        let (value, rest) = unquote(quoted)?;
        return Some((key, value, rest));
    }
    let end = value
        .iter()
        .position(|octet| matches!(octet, b';' | b' ' | b'\t'))
        .unwrap_or(value.len());
    Some((key, value[..end].to_vec(), &value[end..]))
}

/// Reads a quoted string behind its first quote, in which a backslash stands for the character
/// behind it: the string, and what is behind it.
pub fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut octets = text;
    loop {
        match octets {
            [b'"', rest @ ..] => return Some((value, rest)),
            [b'\\', escaped, rest @ ..] => {
                value.push(*escaped);
                octets = rest;
            }
            [b'\\'] | [] => return None,
            [octet, rest @ ..] => {
                value.push(*octet);
                octets = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests;
