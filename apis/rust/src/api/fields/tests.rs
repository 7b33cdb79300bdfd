use super::*;

#[test]
fn rules_name_what_is_wrong() {
    const EMAIL_MESSAGE: &str =
        "must be 3 to 254 visible ASCII characters with one @ between others";
    const PASSWORD_MESSAGE: &str = "must be 8 to 72 bytes";
    const TITLE_MESSAGE: &str = "must be 1 to 200 characters";
    const BODY_MESSAGE: &str = "must be 1 to 20000 characters";
    const USERNAME_MESSAGE: &str = "must be 3 to 32 characters of a-z, 0-9 and _";
    for (field, value, message) in [
        (USERNAME, "a_0".to_owned(), None),
        (USERNAME, "A_0".to_owned(), Some(USERNAME_MESSAGE)),
        (USERNAME, "a\0b".to_owned(), Some(USERNAME_MESSAGE)),
        (USERNAME, String::new(), Some(USERNAME_MESSAGE)),
        (EMAIL, "a@b".to_owned(), None),
        (EMAIL, "!#$~@A".to_owned(), None),
        (EMAIL, format!("a@{}", "b".repeat(252)), None),
        (EMAIL, format!("a@{}", "b".repeat(253)), Some(EMAIL_MESSAGE)),
        (EMAIL, String::new(), Some(EMAIL_MESSAGE)),
        (EMAIL, "abc".to_owned(), Some(EMAIL_MESSAGE)),
        (EMAIL, "@ab".to_owned(), Some(EMAIL_MESSAGE)),
        (EMAIL, "ab@".to_owned(), Some(EMAIL_MESSAGE)),
        (EMAIL, "a@@".to_owned(), Some(EMAIL_MESSAGE)),
        (EMAIL, "a@b@c".to_owned(), Some(EMAIL_MESSAGE)),
        (EMAIL, "a @b".to_owned(), Some(EMAIL_MESSAGE)),
        (EMAIL, "a@b\u{7f}".to_owned(), Some(EMAIL_MESSAGE)),
        (EMAIL, "é@b".to_owned(), Some(EMAIL_MESSAGE)),
        (PASSWORD, "12345678".to_owned(), None),
        (PASSWORD, "é".repeat(36), None),
        (PASSWORD, "1234567".to_owned(), Some(PASSWORD_MESSAGE)),
        (PASSWORD, "é".repeat(37), Some(PASSWORD_MESSAGE)),
        (PASSWORD, "\0".to_owned(), Some(NUL)),
        (TITLE, "😀".repeat(200), None),
        (TITLE, "😀".repeat(201), Some(TITLE_MESSAGE)),
        (TITLE, String::new(), Some(TITLE_MESSAGE)),
        (TITLE, format!("\0{}", "x".repeat(300)), Some(NUL)),
        (BODY, " ".to_owned(), None),
        (BODY, "é".repeat(20_000), None),
        (BODY, "é".repeat(20_001), Some(BODY_MESSAGE)),
        (BODY, "a\0".to_owned(), Some(NUL)),
    ] {
        assert_eq!((field.rule)(&value), message, "{} {value:.40?}", field.name);
    }
}

#[test]
fn all_fields_that_break_a_rule_are_listed_in_order() {
    let valid = validate([TITLE, BODY], [Some("t".into()), Some("b".into())]);
    assert_eq!(valid.unwrap(), ["t", "b"]);
    let Err(Failure::Refused(problem)) = validate([TITLE, BODY], [Some("".into()), None]) else {
        panic!("expected a problem");
    };
    assert_eq!(problem.status, 422);
    let text = std::str::from_utf8(&problem.body).unwrap();
    assert!(
        text.ends_with(concat!(
            r#""errors":[{"field":"title","message":"must be 1 to 200 characters"},"#,
            r#"{"field":"body","message":"is required"}]}"#
        )),
        "{text}"
    );
}
