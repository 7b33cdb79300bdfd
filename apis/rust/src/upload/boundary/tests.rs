use super::*;

fn parsed(content_type: &str) -> Option<String> {
    boundary_of(content_type.as_bytes()).map(|boundary| String::from_utf8(boundary).unwrap())
}

#[test]
fn boundaries_are_tokens_or_quoted_strings() {
    let longest = "b".repeat(70);
    for (content_type, boundary) in [
        ("multipart/form-data; boundary=abc", "abc"),
        ("multipart/form-data;boundary=\"a b\"", "a b"),
        ("multipart/form-data ; BOUNDARY=abc", "abc"),
        ("multipart/form-data; charset=utf-8; boundary=abc", "abc"),
        ("multipart/form-data; boundary=abc;", "abc"),
        ("multipart/form-data;; boundary=abc ; ", "abc"),
        (r#"multipart/form-data; boundary="a\"b""#, "a\"b"),
        (
            &format!("multipart/form-data; boundary={longest}"),
            &longest,
        ),
    ] {
        assert_eq!(
            parsed(content_type).as_deref(),
            Some(boundary),
            "{content_type}"
        );
    }
}

#[test]
fn everything_else_is_no_boundary() {
    for content_type in [
        "multipart/form-data",
        "multipart/form-data;",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"abc",
        "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=a/b",
        "multipart/form-data; boundary= abc",
        "multipart/form-data; boundary=a; boundary=a",
        "multipart/form-data; x; boundary=abc",
        &format!("multipart/form-data; boundary={}", "b".repeat(71)),
    ] {
        assert_eq!(parsed(content_type), None, "{content_type}");
    }
}
