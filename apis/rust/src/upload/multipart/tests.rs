use proptest::prelude::*;

use super::*;

/// A part as it is read: its two headers and its content.
type Part = (Option<String>, Option<String>, Vec<u8>);

/// Feeds `body` in pieces of these lengths, round and round, and returns the parts.
fn read(body: &[u8], boundary: &str, lengths: &[usize]) -> Result<Vec<Part>, Malformed> {
    let mut parser = Parser::new(boundary.as_bytes());
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = body;
    let mut lengths = lengths.iter().cycle();
    loop {
        match parser.next_event()? {
            Some(Event::Part(headers)) => {
                let text = |header: Option<Vec<u8>>| {
                    header.map(|octets| String::from_utf8_lossy(&octets).into_owned())
                };
                parts.push((
                    text(headers.disposition),
                    text(headers.content_type),
                    Vec::new(),
                ));
            }
            Some(Event::Content(octets)) => {
                assert!(!octets.is_empty());
                parts.last_mut().unwrap().2.extend_from_slice(&octets);
            }
            Some(Event::PartEnd) => {}
            Some(Event::End) => return Ok(parts),
            None if rest.is_empty() => parser.finish(),
            None => {
                let length = (*lengths.next().unwrap()).clamp(1, rest.len());
                parser.feed(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
}

/// Reads the body whole and octet by octet, which must make no difference.
fn parts(body: &[u8]) -> Result<Vec<Part>, Malformed> {
    let whole = read(body, "b", &[usize::MAX]);
    assert_eq!(whole, read(body, "b", &[1]), "{}", body.escape_ascii());
    whole
}

fn contents(body: &str) -> Option<Vec<String>> {
    parts(body.as_bytes()).ok().map(|parts| {
        let content = |part: Part| String::from_utf8(part.2).unwrap();
        parts.into_iter().map(content).collect()
    })
}

#[test]
fn contents_lie_between_delimiters() {
    for (body, expected) in [
        ("--b\r\n\r\nx\r\n--b--", &["x"][..]),
        ("--b\r\n\r\nx\r\n--b--\r\n", &["x"]),
        ("--b\r\n\r\nx\r\n--b-- \t\r\nepilogue", &["x"]),
        ("--b \t\r\n\r\nx\r\n--b\t\r\n\r\ny\r\n--b--", &["x", "y"]),
        (
            "preamble\r\n--bx\r\n--b x\r\n\r\n--b\r\n\r\nx\r\n--b--",
            &["x"],
        ),
        ("\r\n\r\n--b\r\n\r\nx\r\n--b--", &["x"]),
        ("--b\r\n\r\n\r\n--b--", &[""]),
        ("--b\r\n\r\n--b--", &[""]),
        ("--b\r\n\r\n--b\r\n\r\nx\r\n--b--", &["", "x"]),
        ("--b\r\n\r\n--bx\r\n--b--", &["--bx"]),
        (
            "--b\r\n\r\nx\r\n--bx\r\n--b-x\r\n\r\n--b--",
            &["x\r\n--bx\r\n--b-x\r\n"],
        ),
        ("--b\r\n\r\nx\n--b--\r\n--\r\n--b--", &["x\n--b--\r\n--"]),
        ("--b\r\nA: 1\r\n\r\nx\r\n--b--", &["x"]),
        ("--b--", &[]),
    ] {
        let expected = expected.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(contents(body), Some(expected), "{body:?}");
    }
}

#[test]
fn other_bodies_are_malformed() {
    for body in [
        "",
        "--",
        "--b",
        "--b-",
        "--b\r\n",
        "--b\r\n\r\n",
        "--b\r\n\r\nx",
        "--b\r\n\r\nx\r\n--b",
        "--b\r\n\r\nx\r\n--b-",
        "--b\r\n\r\nx\r\n--b\r\n",
        "--b\r\n\r\nx\r\n--b y\r\n\r\n--b--",
        "--b\r\n\r\nx\r\n--b-- y",
        "--b\r\n\r\nx\r\n--b--\r",
        "x--b\r\n\r\nx",
        "--b\r\nno colon\r\n\r\nx\r\n--b--",
        "--b\r\n: x\r\n\r\nx\r\n--b--",
        "--b\r\nA B: x\r\n\r\nx\r\n--b--",
        "--b\r\n A: x\r\n\r\nx\r\n--b--",
        "--b\r\nA: \0\r\n\r\nx\r\n--b--",
        "--b\r\nA: 1",
        "--c\r\n\r\nx\r\n--c--",
    ] {
        assert_eq!(contents(body), None, "{body:?}");
    }
    let long = format!(
        "--b\r\nA: {}\r\n\r\nx\r\n--b--",
        "x".repeat(MAX_HEADER_BYTES)
    );
    assert_eq!(contents(&long), None);
    let blank = format!("--b\r\n\r\nx\r\n--b{}", " ".repeat(3 * MAX_HEADER_BYTES));
    assert_eq!(contents(&blank), None);
}

#[test]
fn of_repeated_headers_the_first_counts() {
    let body =
        b"--b\r\nX: 1\r\ncontent-TYPE:a\r\nContent-Disposition: \tform-data;\r\n\t name=x \r\n\
        Content-Type: b\r\nContent-Disposition: c\r\n\r\nx\r\n--b--";
    let expected = (
        Some("form-data; name=x".to_owned()),
        Some("a".to_owned()),
        b"x".to_vec(),
    );
    assert_eq!(parts(body), Ok(vec![expected]));
}

proptest! {
    #[test]
    fn contents_come_back_however_the_body_is_cut(
        contents in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()], 0..60),
            0..4,
        ),
        lengths in proptest::collection::vec(1_usize..40, 1..5),
    ) {
        let boundary = "a boundary that no content has";
        let mut body = Vec::new();
        for content in &contents {
            body.extend_from_slice(format!("--{boundary}\r\nContent-Type: x\r\n\r\n").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--").as_bytes());
        let read: Vec<Vec<u8>> =
            read(&body, boundary, &lengths).unwrap().into_iter().map(|part| part.2).collect();
        prop_assert_eq!(read, contents);
    }

    #[test]
    fn pieces_make_no_difference(
        body in r"(--b(--)?( |\r\n|-|x)?|\r\n|\r|\n|-|b|A: 1\r\n|x){0,20}",
        lengths in proptest::collection::vec(1_usize..9, 1..4),
    ) {
        let whole = read(body.as_bytes(), "b", &[usize::MAX]);
        prop_assert_eq!(whole, read(body.as_bytes(), "b", &lengths));
    }
}
