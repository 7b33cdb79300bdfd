use std::path::Path;

use tempfile::TempDir;

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A body that comes in pieces, and fails behind them if it is told to.
struct Pieces {
    pieces: std::vec::IntoIter<Bytes>,
    fails: bool,
}

impl Source for Pieces {
    type Error = &'static str;

    async fn next(&mut self) -> Result<Option<Bytes>, Self::Error> {
        match self.pieces.next() {
            Some(piece) => Ok(Some(piece)),
            None if self.fails => Err("broken"),
            None => Ok(None),
        }
    }
}

fn pieces(body: &[u8], length: usize, fails: bool) -> Pieces {
    let pieces: Vec<Bytes> = body.chunks(length).map(Bytes::copy_from_slice).collect();
    Pieces {
        pieces: pieces.into_iter(),
        fails,
    }
}

fn part(headers: &str, content: &[u8]) -> Vec<u8> {
    [
        &b"--b\r\n"[..],
        headers.as_bytes(),
        b"\r\n",
        content,
        b"\r\n",
    ]
    .concat()
}

fn file(content: &[u8]) -> Vec<u8> {
    part(
        "Content-Disposition: form-data; name=file; filename=a.png\r\n",
        content,
    )
}

fn body(parts: &[Vec<u8>]) -> Vec<u8> {
    [&parts.concat()[..], b"--b--\r\n"].concat()
}

async fn received(body: &[u8]) -> (Result<Received, Refusal<&'static str>>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::open(folder.path()).unwrap();
    let result = receive(pieces(body, 1000, false), b"b", &directory).await;
    (result, folder)
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn a_file_is_stored_under_a_random_name() {
    let note = part("Content-Disposition: form-data; name=note\r\n", b"x");
    let (result, folder) = received(&body(&[note.clone(), file(PNG), note])).await;
    let received = result.unwrap();
    assert_eq!(received.filename, "a.png");
    assert_eq!(received.content_type, "image/png");
    assert_eq!(received.size, 8);
    assert_eq!(
        received.sha256,
        "4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6"
    );
    let stored = std::fs::read(folder.path().join(received.content.name())).unwrap();
    assert_eq!(stored, PNG);
}

#[tokio::test]
async fn a_file_stays_only_if_it_is_kept() {
    let (result, folder) = received(&body(&[file(PNG)])).await;
    drop(result.unwrap());
    assert!(is_empty(folder.path()));
    let (result, folder) = received(&body(&[file(PNG)])).await;
    result.unwrap().content.keep();
    assert!(!is_empty(folder.path()));
}

#[tokio::test]
async fn the_largest_file_is_taken_and_one_octet_more_is_not() {
    let mut content = vec![b'x'; MAX_FILE_BYTES as usize];
    content[..8].copy_from_slice(PNG);
    let (result, folder) = received(&body(&[file(&content)])).await;
    let largest = result.unwrap();
    assert_eq!(largest.size, MAX_FILE_BYTES);
    let stored = std::fs::read(folder.path().join(largest.content.name())).unwrap();
    assert_eq!(stored, content);
    content.push(b'x');
    let (result, folder) = received(&body(&[file(&content)])).await;
    assert!(matches!(result, Err(Refusal::TooLarge)), "{result:?}");
    assert!(is_empty(folder.path()));
}

#[tokio::test]
async fn refused_bodies_leave_nothing_behind() {
    let declared = |content_type: &str| {
        let disposition = "Content-Disposition: form-data; name=file; filename=a.png\r\n";
        part(
            &format!("{disposition}Content-Type: {content_type}\r\n"),
            PNG,
        )
    };
    for (parts, wrong_type) in [
        (vec![], false),
        (vec![part("", PNG)], false),
        (
            vec![part("Content-Disposition: attachment\r\n", PNG)],
            false,
        ),
        (
            vec![part("Content-Disposition: form-data; name=file\r\n", PNG)],
            false,
        ),
        (
            vec![part(
                "Content-Disposition: form-data; name=file; filename=\"\"\r\n",
                PNG,
            )],
            false,
        ),
        (
            vec![part("Content-Disposition: form-data; name=other\r\n", PNG)],
            false,
        ),
        (vec![file(PNG), file(PNG)], false),
        (vec![file(b"plain text that is long enough")], true),
        (vec![file(b"")], true),
        (vec![file(b"text"), file(PNG)], true),
        (vec![declared("image/jpeg")], true),
        (vec![declared("")], true),
    ] {
        let body = body(&parts);
        let (result, folder) = received(&body).await;
        let expected = match result {
            Err(Refusal::WrongType) => wrong_type,
            Err(Refusal::Malformed) => !wrong_type,
            _ => false,
        };
        assert!(expected, "{}: {result:?}", body.escape_ascii());
        assert!(is_empty(folder.path()), "{}", body.escape_ascii());
    }
    for content_type in ["image/png", "IMAGE/PNG ; x=y"] {
        let (result, _folder) = received(&body(&[declared(content_type)])).await;
        assert!(result.is_ok(), "{content_type}: {result:?}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_or_fails_leaves_nothing_behind() {
    let mut content = vec![b'x'; 300_000];
    content[..8].copy_from_slice(PNG);
    let body = file(&content);
    for fails in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path()).unwrap();
        let result = receive(pieces(&body, 1000, fails), b"b", &directory).await;
        let expected = match result {
            Err(Refusal::Malformed) => !fails,
            Err(Refusal::Body(_)) => fails,
            _ => false,
        };
        assert!(expected, "{result:?}");
        assert!(is_empty(folder.path()));
    }
}

#[tokio::test]
async fn a_breach_decides_before_the_body_turns_out_to_be_cut_off() {
    let beginning = file(b"more than twelve octets of text");
    let (result, _) = received(&beginning).await;
    assert!(matches!(result, Err(Refusal::WrongType)), "{result:?}");
    for delimiter in ["--b", "--b-", "--b y\r\n"] {
        let beginning = [&file(b"text")[..], delimiter.as_bytes()].concat();
        let (result, _) = received(&beginning).await;
        assert!(matches!(result, Err(Refusal::WrongType)), "{result:?}");
        let beginning = [&file(PNG)[..], delimiter.as_bytes()].concat();
        let (result, folder) = received(&beginning).await;
        assert!(matches!(result, Err(Refusal::Malformed)), "{result:?}");
        assert!(is_empty(folder.path()));
    }
}
