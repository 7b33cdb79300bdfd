use super::*;

#[test]
fn types_are_told_by_their_first_octets() {
    for (prefix, kind) in [
        (&b"\x89PNG\r\n\x1a\n"[..], Some("image/png")),
        (b"\x89PNG\r\n\x1a", None),
        (b"\xff\xd8\xff", Some("image/jpeg")),
        (b"\xff\xd8", None),
        (b"RIFF\0\0\0\0WEBP", Some("image/webp")),
        (b"RIFF\0\0\0\0WEB", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"%PDF-1.7", Some("application/pdf")),
        (b"%PDF", None),
        (b" %PDF-", None),
        (b"GIF89a", None),
        (b"", None),
    ] {
        assert_eq!(kind_of(prefix), kind, "{prefix:?}");
    }
}
