//! The query of a list.

use super::failure::Failure;
use crate::identifier::parse_id;
use crate::problem::{self, FieldError};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// Which posts a list asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct PageQuery {
    pub limit: usize,
    pub before: Option<i64>,
}

impl PageQuery {
    /// Reads a query string as it was sent: nothing in it is decoded.
    pub fn parse(query: &str) -> Result<Self, Failure> {
        let mut errors = Vec::new();
        let limit = parameter(
            query,
            "limit",
            "must be an integer from 1 to 100",
            parse_limit,
            &mut errors,
        );
        let before = parameter(query, "before", "must be an id", parse_id, &mut errors);
        if errors.is_empty() {
            Ok(Self {
                limit: limit.unwrap_or(DEFAULT_LIMIT),
                before,
            })
        } else {
            Err(problem::invalid(&errors)?.into())
        }
    }

    /// Tells whether this is the page that is cached.
    pub fn is_first(&self) -> bool {
        self.limit == DEFAULT_LIMIT && self.before.is_none()
    }
}

fn parse_limit(text: &str) -> Option<usize> {
    let limit = usize::try_from(parse_id(text)?).ok()?;
    (limit <= MAX_LIMIT).then_some(limit)
}

fn parameter<T>(
    query: &str,
    field: &'static str,
    message: &'static str,
    parse: impl Fn(&str) -> Option<T>,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let mut values = query
        .split('&')
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .filter_map(|(name, value)| (name == field).then_some(value));
    let value = values.next()?;
    let (parsed, message) = match values.next() {
        Some(_) => (None, "must be given only once"),
        None => (parse(value), message),
    };
    if parsed.is_none() {
        errors.push(FieldError { field, message });
    }
    parsed
}

#[cfg(test)]
mod tests;
