use super::*;

#[test]
fn ids_are_canonical_and_fit_a_bigint() {
    for (text, id) in [
        ("1", Some(1)),
        ("42", Some(42)),
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("10000000000000000000", None),
        ("0", None),
        ("01", None),
        ("+1", None),
        ("-1", None),
        ("1 ", None),
        ("1.0", None),
        ("abc", None),
        ("", None),
        ("١", None),
    ] {
        assert_eq!(parse_id(text), id, "{text:?}");
    }
}

#[test]
fn usernames_have_three_to_thirty_two_of_a_small_alphabet() {
    assert!(is_username("a_0"));
    assert!(is_username(&"z".repeat(32)));
    for text in ["", "ab", "Abc", "a-b", "abc ", "ábc", &"z".repeat(33)] {
        assert!(!is_username(text), "{text:?}");
    }
}
