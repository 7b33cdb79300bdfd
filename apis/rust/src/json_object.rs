//! JSON bodies of the contract: objects whose known members are strings.
//!
//! serde's derived structs stop at the first wrong type and let repeated unknown members pass, so
//! the object is read by a visitor of its own.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::Deserializer as _;

/// How deep arrays and objects may nest, the outermost counting as 1.
const MAX_DEPTH: usize = 32;

/// Reads `body` and returns the values of the known members, in the order of `names`; `None` stands
/// for one that is missing or null. Every breach is one and the same 400, so none is told apart.
pub fn parse<'b, const N: usize>(
    body: &'b [u8],
    names: [&str; N],
) -> Option<[Option<Cow<'b, str>>; N]> {
    // serde_json doesn't look into the strings that it skips.
    let text = std::str::from_utf8(body).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = (&mut deserializer)
        .deserialize_map(ObjectVisitor { names })
        .ok()?;
    deserializer.end().ok()?;
    (!members.skipped || is_acceptable(text)).then_some(members.values)
}

struct Members<'b, const N: usize> {
    values: [Option<Cow<'b, str>>; N],
    /// Whether there were members whose values nobody has looked into.
    skipped: bool,
}

struct ObjectVisitor<'n, const N: usize> {
    names: [&'n str; N],
}

impl<'b, const N: usize> Visitor<'b> for ObjectVisitor<'_, N> {
    type Value = Members<'b, N>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = std::array::from_fn(|_| None);
        let mut known = [false; N];
        let mut others = HashSet::new();
        while let Some(Text(name)) = map.next_key()? {
            let first = match self.names.iter().position(|known| *known == name) {
                Some(index) => {
                    values[index] = map.next_value::<Option<Text>>()?.map(|Text(text)| text);
                    !std::mem::replace(&mut known[index], true)
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                    others.insert(name)
                }
            };
            if !first {
                return Err(A::Error::custom("a member appears twice"));
            }
        }
        Ok(Members {
            values,
            skipped: !others.is_empty(),
        })
    }
}

/// A string, borrowed where nothing in it is escaped.
struct Text<'b>(Cow<'b, str>);

impl<'b> serde::Deserialize<'b> for Text<'b> {
    fn deserialize<D: serde::Deserializer<'b>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'b> Visitor<'b> for TextVisitor {
            type Value = Text<'b>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'b str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

/// Tells whether `text`, which is valid JSON, nests no deeper than allowed and pairs its escaped
/// surrogates: what serde_json lets pass in a value that it skips.
fn is_acceptable(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut leading = false;
    let mut octets = text.as_bytes();
    while let [octet, rest @ ..] = octets {
        octets = rest;
        let unpaired = leading;
        leading = false;
        match octet {
            b'\\' if in_string => {
                let surrogate = match rest {
                    [b'u', digits @ ..] => {
                        octets = &digits[4..];
                        Surrogate::of(&digits[..4])
                    }
                    _ => {
                        octets = &rest[1..];
                        Surrogate::No
                    }
                };
                match (unpaired, surrogate) {
                    (false, Surrogate::Leading) => leading = true,
                    (false, Surrogate::No) | (true, Surrogate::Trailing) => {}
                    _ => return false,
                }
                continue;
            }
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
        if unpaired || depth > MAX_DEPTH {
            return false;
        }
    }
    true
}

enum Surrogate {
    No,
    Leading,
    Trailing,
}

impl Surrogate {
    fn of(digits: &[u8]) -> Self {
        match digits {
            [b'd' | b'D', b'8' | b'9' | b'a' | b'A' | b'b' | b'B', ..] => Self::Leading,
            [b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..] => Self::Trailing,
            _ => Self::No,
        }
    }
}

#[cfg(test)]
mod tests;
