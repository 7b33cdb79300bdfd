use std::convert::Infallible;

use futures_util::stream;
use tokio::task::yield_now;

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

/// A form that comes in chunks, as hyper gives them: one for each time that it is asked.
async fn form(chunks: Vec<Vec<u8>>) -> Form {
    let chunks = stream::iter(chunks).then(|chunk| async {
        yield_now().await;
        Ok::<_, Infallible>(chunk)
    });
    let request = Request::builder()
        .header(CONTENT_TYPE, "multipart/form-data; boundary=B")
        .body(Body::from_stream(chunks))
        .unwrap();
    Form::from_request(request, &()).await.unwrap()
}

#[tokio::test]
async fn a_head_has_a_limit_and_content_has_none() {
    let head = b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n";
    let content = vec![vec![b'x'; HEAD_LIMIT]; 3];
    let end = b"\r\n--B--\r\n";
    let whole = [vec![head.to_vec()], content.clone(), vec![end.to_vec()]].concat();
    let mut whole = form(whole).await;
    let mut field = whole.next_field().await.unwrap().unwrap();
    let mut length = 0;
    while let Some(chunk) = field.chunk().await.unwrap() {
        length += chunk.len();
    }
    drop(field);
    assert_eq!(length, 3 * HEAD_LIMIT);
    assert!(whole.next_field().await.unwrap().is_none());

    let end = b"\r\n\r\n\r\n--B--\r\n";
    let long = [vec![b"--B\r\nX: ".to_vec()], content, vec![end.to_vec()]].concat();
    assert!(form(long).await.next_field().await.is_err());
}
