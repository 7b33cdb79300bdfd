use axum::body::to_bytes;
use serde_json::{json, Value};

use super::*;

fn post(id: i64) -> Post {
    Post {
        id,
        author: Author {
            id: 7,
            username: "anna".into(),
        },
        title: "A \"title\"".into(),
        body: "böse\n".into(),
        version: 3,
        created_at: "2026-01-31T12:00:00Z".parse().unwrap(),
        updated_at: "2026-01-31T13:00:00.120+01:00".parse().unwrap(),
    }
}

#[test]
fn an_entry_is_the_etag_a_newline_and_the_json() {
    let entry = Entry::new(&post(5)).unwrap();

    let stored = std::str::from_utf8(&entry.stored).unwrap();
    let (etag, json) = stored.split_once('\n').unwrap();
    assert_eq!(etag, "\"5-3\"");
    let expected = json!({
        "id": 5, "author": {"id": 7, "username": "anna"}, "title": "A \"title\"",
        "body": "böse\n", "version": 3, "created_at": "2026-01-31T12:00:00.000Z",
        "updated_at": "2026-01-31T12:00:00.120Z",
    });
    assert_eq!(serde_json::from_str::<Value>(json).unwrap(), expected);
}

#[tokio::test]
async fn an_entry_of_others_is_sent_as_it_is() {
    let stored = b"\"5-3\"\n{ \"id\": 5 }".to_vec();
    let entry = Entry::parse(stored).unwrap();
    let response = entry.answer("HIT", &HeaderMap::new());

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[ETAG], "\"5-3\"");
    assert_eq!(response.headers()[X_CACHE], "HIT");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let body = to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(&body[..], b"{ \"id\": 5 }");
}

#[tokio::test]
async fn a_known_post_isnt_sent_again() {
    let entry = Entry::new(&post(5)).unwrap();
    let answer = |etag| {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(etag))]);
        entry.clone().answer("MISS", &headers)
    };

    let response = answer("\"5-3\"");
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(response.headers()[ETAG], "\"5-3\"");
    assert_eq!(answer("\"5-2\"").status(), StatusCode::OK);
}

#[test]
fn what_isnt_an_entry_is_no_entry() {
    for stored in [&b""[..], b"{}", b"\"5-\x01\"\n{}"] {
        assert!(Entry::parse(stored.into()).is_none());
    }
}

#[test]
fn a_page_has_a_next_one_if_there_was_one_post_more() {
    let page = |count| Page::new((1..=count).rev().map(post).collect(), 2);

    assert_eq!(page(0).next_before, None);
    assert_eq!(page(2).next_before, None);
    assert_eq!(page(2).items.len(), 2);
    assert_eq!(page(3).next_before, Some(2));
    assert_eq!(page(3).items.len(), 2);
}

#[test]
fn lengths_are_counted_in_code_points() {
    let is_valid = |title: &str, body: &str| {
        let content = Content {
            title: title.into(),
            body: body.into(),
        };
        content.validate().is_ok()
    };
    let (title, body) = ("ä".repeat(200), "😀".repeat(20_000));
    assert!(is_valid(&title, &body));
    assert!(!is_valid(&(title + "a"), &body));
    assert!(!is_valid("a", &(body + "a")));
    assert!(!is_valid("", "b"));
    assert!(!is_valid("a", ""));
    assert!(!is_valid("\0", "b"));
}

#[test]
fn a_page_query_has_bounds() {
    let is_valid = |query: Value| {
        let query: PageQuery = serde_json::from_value(query).unwrap();
        query.validate().is_ok()
    };
    assert!(is_valid(json!({})));
    assert!(is_valid(json!({"limit": 100, "before": i64::MAX})));
    for query in [
        json!({"limit": 0}),
        json!({"limit": 101}),
        json!({"before": 0}),
    ] {
        assert!(!is_valid(query));
    }
}
