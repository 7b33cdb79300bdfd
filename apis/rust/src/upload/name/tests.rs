use proptest::prelude::*;

use super::*;

#[test]
fn names_are_made_safe() {
    for (given, safe) in [
        ("../../etc/passwd", "passwd"),
        (r"C:\temp\a b.png", "a_b.png"),
        (".htaccess", "htaccess"),
        ("…é…png", "_png"),
        ("Zoë (1).jpg", "Zo_1_.jpg"),
        ("..", "file"),
        ("", "file"),
        ("a/", "file"),
        ("a/..\\", "file"),
        ("._x", "_x"),
        ("…..a", "_..a"),
        ("a\"b\r\nc\0", "a_b_c_"),
        ("a-_.Z9", "a-_.Z9"),
        ("__", "__"),
    ] {
        assert_eq!(safe_name(given.as_bytes()), safe, "{given:?}");
    }
    assert_eq!(safe_name(b"\xff\xfe.png"), "_.png");
    assert_eq!(safe_name(&[b'x'; 101]), "x".repeat(100));
    assert_eq!(
        safe_name(&[&b"."[..], &[b'y'; 101]].concat()),
        "y".repeat(100)
    );
}

proptest! {
    #[test]
    fn every_name_is_safe(given in proptest::collection::vec(any::<u8>(), 0..300)) {
        let name = safe_name(&given);
        prop_assert!((1..=100).contains(&name.len()));
        prop_assert!(!name.starts_with('.'));
        let safe = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
        prop_assert!(name.chars().all(safe));
        prop_assert_eq!(safe_name(name.as_bytes()), name);
    }
}
