use futures_util::stream;

use super::*;
use crate::api::fields::{BODY, TITLE};

fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
    let fields = fields.iter().cloned();
    fields
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
}

#[test]
fn a_token_follows_the_scheme_and_spaces() {
    let token = |values: &[&'static str]| {
        let fields: Vec<_> = values.iter().map(|value| (AUTHORIZATION, *value)).collect();
        bearer_token(&headers(&fields)).map(str::to_owned)
    };
    for value in ["Bearer t.t", "bearer t.t", "BEARER   t.t"] {
        assert_eq!(token(&[value]).as_deref(), Some("t.t"), "{value}");
    }
    for values in [
        &[][..],
        &[""],
        &["Bearer"],
        &["t.t"],
        &["Token t.t"],
        &["Bearer\tt.t"],
        &["Bearer t.t", "Bearer t.t"],
    ] {
        assert_eq!(token(values), None, "{values:?}");
    }
}

#[test]
fn a_content_type_is_there_once_and_compared_without_parameters() {
    let is_json = |values: &[&'static str]| {
        let fields: Vec<_> = values.iter().map(|value| (CONTENT_TYPE, *value)).collect();
        content_type(&headers(&fields), "application/json").is_some()
    };
    for value in [
        "application/json",
        "Application/JSON \t; charset=x",
        "application/json;;",
    ] {
        assert!(is_json(&[value]), "{value}");
    }
    for values in [
        &[][..],
        &[""],
        &["application/jsonp"],
        &["application/json, text/plain"],
        &["text/json"],
        &["application/json", "application/json"],
    ] {
        assert!(!is_json(values), "{values:?}");
    }
}

/// A body of unknown length that comes in these pieces.
fn chunked(pieces: &[&'static [u8]]) -> Body {
    let pieces: Vec<_> = pieces
        .iter()
        .map(|piece| Ok::<_, Infallible>(*piece))
        .collect();
    Body::from_stream(stream::iter(pieces))
}

async fn read(body: Body, limit: u64) -> (Vec<u8>, Option<BodyError>) {
    let mut body = LimitedBody::new(body, limit);
    let mut octets = Vec::new();
    loop {
        match body.next().await {
            Ok(Some(piece)) => octets.extend_from_slice(&piece),
            Ok(None) => return (octets, None),
            Err(error) => return (octets, Some(error)),
        }
    }
}

#[test]
fn texts_lie_in_the_body_unless_something_in_them_is_escaped() {
    let fields = [TITLE, BODY];
    let [title, body] = read_fields(br#"{"title":"a","body":"b\n"}"#, fields).unwrap();
    assert!(matches!(title, Cow::Borrowed("a")));
    assert_eq!(body, "b\n");
}

#[tokio::test]
async fn a_body_is_cut_off_at_its_limit() {
    let pieces: &[&[u8]] = &[b"abc", b"", b"def"];
    assert_eq!(read(chunked(pieces), 6).await, (b"abcdef".to_vec(), None));
    let cut = (b"abcde".to_vec(), Some(BodyError::TooLarge));
    assert_eq!(read(chunked(pieces), 5).await, cut);
    let cut = (b"abc".to_vec(), Some(BodyError::TooLarge));
    assert_eq!(read(chunked(pieces), 3).await, cut);
    let told = (Vec::new(), Some(BodyError::TooLarge));
    assert_eq!(
        read(Body::from("abcdef"), 5).await,
        told,
        "by its length, unread"
    );
    assert_eq!(read(Body::empty(), 5).await, (Vec::new(), None));
}

#[tokio::test(start_paused = true)]
async fn a_body_may_stop_for_ten_seconds() {
    let slow = |pause: u64| {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            (sent < 5).then_some((Ok::<_, Infallible>("x"), sent + 1))
        }))
    };
    assert_eq!(read(slow(9_900), 10).await, (b"xxxxx".to_vec(), None));
    assert_eq!(
        read(slow(10_100), 10).await,
        (Vec::new(), Some(BodyError::Idle))
    );
}

#[tokio::test]
async fn a_body_that_breaks_is_told_from_one_that_ends() {
    let pieces = [Ok("abc"), Err(std::io::Error::other("broken"))];
    let broken = (b"abc".to_vec(), Some(BodyError::Broken));
    assert_eq!(
        read(Body::from_stream(stream::iter(pieces)), 10).await,
        broken
    );
}
