use super::*;

#[test]
fn a_safe_name_is_kept() {
    let longest = "a".repeat(NAME_LIMIT);
    for name in ["a", "report-2026_01.final.pdf", "-", &longest] {
        assert_eq!(safe_name(name), name);
    }
}

#[test]
fn any_other_name_becomes_safe() {
    let longer = "ä".repeat(NAME_LIMIT + 1);
    let dotted = format!("..{}", "a".repeat(NAME_LIMIT + 1));
    let names = [
        "",
        ".",
        "...",
        ".env",
        "../../etc/passwd",
        "a\"\r\nb",
        "ü.png",
        "\0",
    ];
    for name in names.into_iter().chain([&*longer, &*dotted]) {
        let safe = safe_name(name);
        assert!((1..=NAME_LIMIT).contains(&safe.len()), "{safe}");
        assert!(!safe.starts_with('.'), "{safe}");
        assert!(safe
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)));
    }
}

#[test]
fn a_type_is_known_by_the_first_bytes() {
    let types: [(&[u8], _); 5] = [
        (b"\x89PNG\r\n\x1a\n", Some("image/png")),
        (b"\xff\xd8\xff", Some("image/jpeg")),
        (b"RIFF\0\0\0\0WEBP", Some("image/webp")),
        (b"%PDF-1.7\n", Some("application/pdf")),
        (b"<svg></svg>", None),
    ];
    for (signature, expected) in types {
        assert_eq!(type_of(signature, None), expected);
        assert_eq!(type_of(signature, expected), expected);
        assert_eq!(type_of(&signature[..2], None), None);
    }
}

#[test]
fn a_type_must_be_the_declared_one() {
    let signature = b"\xff\xd8\xff\xe0";
    assert!(type_of(signature, Some("Image/JPEG; q=1")).is_some());
    assert!(type_of(signature, Some("image/png")).is_none());
    assert!(type_of(signature, Some("")).is_none());
}
