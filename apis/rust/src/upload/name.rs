//! Safe file names.

const MAX_BYTES: usize = 100;

/// Turns the file name that a client gave into one that is safe to show, and to put between quotes
/// in a header. It is never used as a path.
pub fn safe_name(given: &[u8]) -> String {
    let start = given
        .iter()
        .rposition(|octet| matches!(octet, b'/' | b'\\'))
        .map_or(0, |separator| separator + 1);
    let mut name = String::new();
    let mut replaced = false;
    for octet in &given[start..] {
        let safe = octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_');
        if safe {
            name.push(char::from(*octet));
        } else if !replaced {
            name.push('_');
        }
        replaced = !safe;
    }
    let undotted = name.trim_start_matches('.');
    let shown = &undotted[..undotted.len().min(MAX_BYTES)];
    if shown.is_empty() {
        "file".to_owned()
    } else {
        shown.to_owned()
    }
}

#[cfg(test)]
mod tests;
