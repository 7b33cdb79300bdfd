use chrono::DateTime;

use super::*;

fn time(text: &str) -> Timestamp {
    Timestamp(DateTime::parse_from_rfc3339(text).unwrap().to_utc())
}

fn post(id: i64, title: &str) -> Post<'_> {
    Post {
        id,
        author: Author {
            id: 3,
            username: "ada",
        },
        title,
        body: "b",
        version: 2,
        created_at: time("2026-01-31T12:00:00Z"),
        updated_at: time("2026-01-31T12:00:00.5Z"),
    }
}

fn encoded(document: &impl Serialize) -> String {
    String::from_utf8(encode(document).unwrap().to_vec()).unwrap()
}

#[test]
fn members_come_in_the_order_of_the_contract() {
    assert_eq!(
        encoded(&post(7, "t")),
        r#"{"id":7,"author":{"id":3,"username":"ada"},"title":"t","body":"b","version":2,"created_at":"2026-01-31T12:00:00.000Z","updated_at":"2026-01-31T12:00:00.500Z"}"#
    );
    assert_eq!(post(7, "t").etag(), r#""7-2""#);
    let entry = encode_entry(&post(7, "t")).unwrap();
    assert!(entry.starts_with(b"\"7-2\"\n{\"id\":7,"));
}

#[test]
fn strings_are_escaped_only_where_they_must_be() {
    let title = "\" \\ \u{8} \t \n \u{c} \r \0 \u{1} \u{1f} \u{7f} / < > & é \u{2028} 😀";
    let escaped = r#"\" \\ \b \t \n \f \r \u0000 \u0001 \u001f "#;
    let plain = "\u{7f} / < > & é \u{2028} 😀";
    let json = encoded(&post(1, title));
    assert!(
        json.contains(&format!(r#""title":"{escaped}{plain}""#)),
        "{json}"
    );
}

#[test]
fn a_page_tells_whether_there_is_more() {
    let posts = [post(9, "a"), post(7, "b"), post(5, "c")];
    let ids = |page: &Page| page.items.iter().map(|post| post.id).collect::<Vec<_>>();
    let page = Page::of(&posts, 2);
    assert_eq!((ids(&page), page.next_before), (vec![9, 7], Some(7)));
    let page = Page::of(&posts, 3);
    assert_eq!((ids(&page), page.next_before), (vec![9, 7, 5], None));
    assert_eq!(
        encode_page(&Page::of(&[], 20)).unwrap(),
        r#"{"items":[],"next_before":null}"#
    );
}

#[test]
fn a_document_fits_in_the_room_that_is_made_for_it() {
    let widest = Post {
        id: i64::MAX,
        author: Author {
            id: i64::MAX,
            username: &"a".repeat(32),
        },
        version: i64::MAX,
        ..post(1, "t")
    };
    assert!(encode_entry(&widest).unwrap().len() <= widest.room());
    let posts = [widest];
    let page = Page {
        items: &posts,
        next_before: Some(i64::MAX),
    };
    let json = encode_page(&page).unwrap();
    assert_eq!(json, encode(&page).unwrap());
    assert!(json.len() <= PAGE_BYTES + posts[0].room());
}
