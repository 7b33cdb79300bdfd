use proptest::prelude::*;

use super::*;

fn parsed(body: &[u8]) -> Option<[Option<String>; 2]> {
    parse(body, ["a", "b"]).map(|values| values.map(|value| value.map(Cow::into_owned)))
}

fn nested(depth: usize) -> String {
    format!(
        r#"{{"x":{}{}}}"#,
        "[".repeat(depth - 1),
        "]".repeat(depth - 1)
    )
}

#[test]
fn known_members_are_strings_or_null() {
    for (body, values) in [
        (r#"{"a":"x","b":"y"}"#, [Some("x"), Some("y")]),
        ("\t\r\n {\"b\" : \"y\"} ", [None, Some("y")]),
        (r#"{"a":null}"#, [None, None]),
        (r#"{"A":1,"a ":{},"c":[{"a":1,"a":2}]}"#, [None, None]),
        (r#"{"\u0061":"\ud83d\ude00\n"}"#, [Some("😀\n"), None]),
        (
            r#"{"x":1e999,"y":-123456789012345678901234567890}"#,
            [None, None],
        ),
        (r#"{"x":"\u0000","a":"\u0000"}"#, [Some("\0"), None]),
        (r#"{"x":"\ud83d\ude00\\ud800","y":"[[[\"{"}"#, [None, None]),
        (r#"{}"#, [None, None]),
    ] {
        let expected = values.map(|value| value.map(str::to_owned));
        assert_eq!(parsed(body.as_bytes()), Some(expected), "{body}");
    }
}

#[test]
fn everything_else_is_refused() {
    for body in [
        "",
        " ",
        "null",
        "[]",
        "\"a\"",
        "{",
        "{}x",
        "{}{}",
        "{} \u{b}",
        "\u{feff}{}",
        "{'a':1}",
        "{a:1}",
        r#"{"a":"x",}"#,
        r#"{"a":1}"#,
        r#"{"a":true}"#,
        r#"{"a":["x"]}"#,
        r#"{"a":{}}"#,
        r#"{"a":"x","a":"x"}"#,
        r#"{"a":null,"a":"x"}"#,
        r#"{"a":"x","\u0061":"x"}"#,
        r#"{"x":1,"x":2}"#,
        r#"{"x":1,"\u0078":2}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\udc00"}"#,
        r#"{"a":"\ud800x"}"#,
        r#"{"\ud800":1}"#,
        r#"{"x":"\ud800"}"#,
        r#"{"x":"\udfff"}"#,
        r#"{"x":"\ud800\ud800"}"#,
        r#"{"x":"\ud800\n"}"#,
        r#"{"x":"\uD800A"}"#,
        r#"{"x":[{"\udc00":1}]}"#,
        r#"{"x":"\u12"}"#,
        r#"{"x":"\x"}"#,
        "{\"x\":\"\n\"}",
        "{\"x\":\"\u{1}\"}",
        r#"{"x":01}"#,
        r#"{"x":1.}"#,
        r#"{"x":.5}"#,
        r#"{"x":+1}"#,
        r#"{"x":NaN}"#,
        r#"{"x":tru}"#,
    ] {
        assert_eq!(parsed(body.as_bytes()), None, "{body}");
    }
    assert_eq!(parsed(b"{\"x\":\"\xff\"}"), None);
    assert_eq!(parsed(b"{\"a\":\"\xc0\x80\"}"), None);
    assert_eq!(parsed(b"{\"x\":\"\xed\xa0\x80\"}"), None);
}

#[test]
fn nesting_ends_at_thirty_two() {
    assert!(parsed(nested(32).as_bytes()).is_some());
    assert!(parsed(nested(33).as_bytes()).is_none());
    assert!(parsed(nested(30_000).as_bytes()).is_none());
}

proptest! {
    #[test]
    fn any_octets_are_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parsed(&body);
    }

    #[test]
    fn any_json_like_text_is_read_without_a_panic(body in r#"[\{\}\[\]":,\\ud8c0-9e. ]{0,60}"#) {
        let _ = parsed(body.as_bytes());
        let _ = parsed(format!(r#"{{"x":{body}}}"#).as_bytes());
    }

    #[test]
    fn a_string_comes_back_as_it_was(text in any::<String>(), other in any::<String>()) {
        let body = serde_json::json!({ "a": text, "other": other }).to_string();
        prop_assert_eq!(parsed(body.as_bytes()), Some([Some(text), None]));
    }
}
