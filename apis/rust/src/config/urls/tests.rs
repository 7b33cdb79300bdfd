use super::*;

#[test]
fn postgres_urls_name_user_host_and_database() {
    let options = parse_postgres("postgres://us%40er:p%2Fw@127.0.0.1:5433/da%74a").unwrap();
    assert_eq!(options.get_username(), "us@er");
    assert_eq!(options.get_host(), "127.0.0.1");
    assert_eq!(options.get_port(), 5433);
    assert_eq!(options.get_database(), Some("data"));
    assert!(matches!(options.get_ssl_mode(), PgSslMode::Disable));
    let options = parse_postgres("postgresql://u@[::1]/d?sslmode=disable").unwrap();
    assert_eq!((options.get_host(), options.get_port()), ("::1", 5432));
    for text in [
        "",
        "postgres",
        "postgres://",
        "postgres://host/database",
        "postgres://:password@host/database",
        "postgres://user@/database",
        "postgres://user@host",
        "postgres://user@host/",
        "postgres://user:%zz@host/database",
        "postgres://user:%ff@host/database",
        "postgres://user@host:x/database",
        "postgres://user@host:65536/database",
        "POSTGRE://user@host/database",
        "mysql://user@host/database",
        " postgres://user@host/database",
        "postgres:user@host/database",
    ] {
        assert!(parse_postgres(text).is_none(), "{text}");
    }
}

#[test]
fn postgres_urls_tell_also_what_libpq_takes_from_the_environment() {
    for (text, password) in [
        ("postgres://user@host/database", ""),
        ("postgres://user:@host/database", ""),
        ("postgres://user:p%2Fw@host/database", "p/w"),
    ] {
        let options = parse_postgres(text).unwrap();
        assert_eq!(options.get_application_name(), Some("fairground"));
        // sqlx shows a password nowhere else.
        let shown = format!("{options:?}");
        let expected = format!("password: Some({password:?})");
        assert!(shown.contains(&expected), "{text}: {shown}");
    }
}

#[test]
fn redis_urls_name_a_host() {
    let info = |text| parse_redis(text).map(|client| client.get_connection_info().clone());
    let whole = info("redis://us%65r:p%40ss@host:6380/3").unwrap();
    assert_eq!(whole.addr, ConnectionAddr::Tcp("host".to_owned(), 6380));
    assert_eq!(whole.redis.db, 3);
    assert_eq!(whole.redis.username.as_deref(), Some("user"));
    assert_eq!(whole.redis.password.as_deref(), Some("p@ss"));
    for text in ["redis://host", "redis://host/", "redis://:@host:6379/0"] {
        let least = info(text).unwrap();
        assert_eq!(least.addr, ConnectionAddr::Tcp("host".to_owned(), 6379));
        assert_eq!((least.redis.db, least.redis.password), (0, None), "{text}");
    }
    for text in [
        "",
        "redis://",
        "redis://:password@",
        "redis:///0",
        "rediss://host",
        "http://host",
        "redis://host/x",
        "redis://host/-1",
        "redis://host/0/1",
        "redis://host:x",
        "redis://:%zz@host",
    ] {
        assert!(info(text).is_none(), "{text}");
    }
}
