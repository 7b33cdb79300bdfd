use super::*;

fn split(value: &'static [u8]) -> Option<(Vec<u8>, Bytes)> {
    Entry::split(&Bytes::from_static(value))
        .map(|entry| (entry.etag.as_bytes().to_vec(), entry.body))
}

#[test]
fn an_entry_is_a_tag_a_newline_and_the_rest() {
    let expected = (b"\"1-2\"".to_vec(), Bytes::from_static(b"{\n}"));
    assert_eq!(split(b"\"1-2\"\n{\n}"), Some(expected));
    assert_eq!(split(b"\"1-2\"{}"), None);
    assert_eq!(split(b""), None);
    assert_eq!(split(b"\0\n{}"), None);
}

#[tokio::test]
async fn without_redis_everything_is_a_miss() {
    // Nothing listens on the port of the discard service.
    let cache = Cache::new(Client::open("redis://127.0.0.1:9/0").unwrap());
    assert!(cache.post(1).await.is_none());
    assert!(cache.first_page().await.is_none());
    assert!(cache.ping().await.is_err());
    cache.set_post(1, b"x").await;
    cache.delete_post(1).await;
}
