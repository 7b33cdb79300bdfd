use super::*;

const ONCE: &str = "must be given only once";
const LIMIT: &str = "must be an integer from 1 to 100";
const BEFORE: &str = "must be an id";

#[test]
fn queries_are_read_as_they_are_sent() {
    for (query, limit, before) in [
        ("", 20, None),
        ("limit=20", 20, None),
        ("limit=1", 1, None),
        ("limit=100&before=9223372036854775807", 100, Some(i64::MAX)),
        ("before=5&&x&x=1&LIMIT=0&limit%3D=7", 20, Some(5)),
    ] {
        let expected = PageQuery { limit, before };
        assert_eq!(PageQuery::parse(query).unwrap(), expected, "{query}");
    }
    assert!(PageQuery::parse("x=1&limit=20").unwrap().is_first());
    assert!(!PageQuery::parse("limit=19").unwrap().is_first());
    assert!(!PageQuery::parse("before=1").unwrap().is_first());
}

#[test]
fn a_breach_names_its_fields_in_order() {
    for (query, errors) in [
        ("limit=0", &[("limit", LIMIT)][..]),
        ("limit=101", &[("limit", LIMIT)]),
        ("limit=010", &[("limit", LIMIT)]),
        ("limit=%32", &[("limit", LIMIT)]),
        ("limit=+5", &[("limit", LIMIT)]),
        ("limit=", &[("limit", LIMIT)]),
        ("limit", &[("limit", LIMIT)]),
        ("limit=5;before=1", &[("limit", LIMIT)]),
        ("limit=99999999999999999999", &[("limit", LIMIT)]),
        ("limit=5&limit=5", &[("limit", ONCE)]),
        ("before=0", &[("before", BEFORE)]),
        ("before=9223372036854775808", &[("before", BEFORE)]),
        ("before=x&limit=x", &[("limit", LIMIT), ("before", BEFORE)]),
        (
            "before=1&before=1&limit=0",
            &[("limit", LIMIT), ("before", ONCE)],
        ),
    ] {
        let Err(Failure::Refused(problem)) = PageQuery::parse(query) else {
            panic!("{query}: expected a problem");
        };
        let errors: Vec<FieldError> = errors
            .iter()
            .map(|&(field, message)| FieldError { field, message })
            .collect();
        assert_eq!(
            problem.body,
            problem::invalid(&errors).unwrap().body,
            "{query}"
        );
    }
}
