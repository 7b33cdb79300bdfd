//! The fields of JSON bodies and their rules.

use std::borrow::Cow;

use super::failure::Failure;
use crate::identifier::is_username;
use crate::problem::{self, FieldError};

/// A member of a JSON body: its name, and what is wrong with a value.
#[derive(Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    rule: fn(&str) -> Option<&'static str>,
}

pub const USERNAME: Field = Field {
    name: "username",
    rule: username_rule,
};
pub const EMAIL: Field = Field {
    name: "email",
    rule: email_rule,
};
pub const PASSWORD: Field = Field {
    name: "password",
    rule: password_rule,
};
pub const TITLE: Field = Field {
    name: "title",
    rule: title_rule,
};
pub const BODY: Field = Field {
    name: "body",
    rule: body_rule,
};

/// Returns the values, or the problem that lists all fields that break their rule, in their order.
pub fn validate<const N: usize>(
    fields: [Field; N],
    values: [Option<Cow<'_, str>>; N],
) -> Result<[Cow<'_, str>; N], Failure> {
    let errors: Vec<FieldError> = fields
        .iter()
        .zip(&values)
        .filter_map(|(field, value)| {
            let message = match value {
                None => Some("is required"),
                Some(value) => (field.rule)(value),
            };
            message.map(|message| FieldError {
                field: field.name,
                message,
            })
        })
        .collect();
    if errors.is_empty() {
        Ok(values.map(Option::unwrap_or_default))
    } else {
        Err(problem::invalid(&errors)?.into())
    }
}

/// The one character that PostgreSQL can't store in a text.
const NUL: &str = "must not contain U+0000";

fn username_rule(text: &str) -> Option<&'static str> {
    (!is_username(text)).then_some("must be 3 to 32 characters of a-z, 0-9 and _")
}

fn email_rule(text: &str) -> Option<&'static str> {
    let mut at = text.match_indices('@').map(|(index, _)| index);
    let acceptable = (3..=254).contains(&text.len())
        && text.bytes().all(|octet| octet.is_ascii_graphic())
        && at
            .next()
            .is_some_and(|index| index > 0 && index + 1 < text.len())
        && at.next().is_none();
    (!acceptable).then_some("must be 3 to 254 visible ASCII characters with one @ between others")
}

fn password_rule(text: &str) -> Option<&'static str> {
    if text.contains('\0') {
        Some(NUL)
    } else if !(8..=72).contains(&text.len()) {
        Some("must be 8 to 72 bytes")
    } else {
        None
    }
}

fn title_rule(text: &str) -> Option<&'static str> {
    text_rule(text, 200, "must be 1 to 200 characters")
}

fn body_rule(text: &str) -> Option<&'static str> {
    text_rule(text, 20_000, "must be 1 to 20000 characters")
}

fn text_rule(text: &str, most: usize, message: &'static str) -> Option<&'static str> {
    if text.contains('\0') {
        Some(NUL)
    } else if text.is_empty() || text.chars().count() > most {
        Some(message)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
