use super::*;

fn read(changes: &[(&str, &str)]) -> Result<Config, String> {
    let uploads = tempfile::tempdir().unwrap();
    let given = [
        ("DATABASE_URL", "postgres://u:p%40ss@127.0.0.1:5433/d"),
        ("REDIS_URL", "redis://:secret@127.0.0.1:6380/2"),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("UPLOAD_DIR", uploads.path().to_str().unwrap()),
    ];
    let variables = [&given[..], changes].concat();
    let lookup = |name: &str| {
        let variable = variables.iter().rev().find(|(known, _)| *known == name);
        variable.map(|(_, value)| value.into())
    };
    Config::read(&Env(&lookup)).map_err(|error| error.to_string())
}

#[test]
fn what_may_be_left_out_has_a_default() {
    let config = read(&[("PORT", "")]).ok().unwrap();

    assert_eq!(config.services.address, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.pool_size, 32);
    assert_eq!(config.log_level, LevelFilter::INFO);
}

#[test]
fn all_that_is_given_is_read() {
    let changes = [
        ("HOST", "::1"),
        ("PORT", "1"),
        ("DB_POOL_SIZE", "1000"),
        ("LOG_LEVEL", "warn"),
    ];
    let config = read(&changes).ok().unwrap();

    assert_eq!(config.services.address, "[::1]:1".parse().unwrap());
    assert_eq!(config.services.database.get_port(), 5433);
    assert_eq!(config.services.database.get_database(), Some("d"));
    assert_eq!(config.services.redis.get_connection_info().redis.db, 2);
    assert_eq!(config.pool_size, 1000);
    assert_eq!(config.log_level, LevelFilter::WARN);
}

#[test]
fn a_wrong_value_is_refused_by_name_and_never_shown() {
    let wrong = [
        ("DATABASE_URL", "planted"),
        ("DATABASE_URL", "mysql://u:planted@127.0.0.1/d"),
        ("DATABASE_URL", "postgres://u:planted@/d"),
        ("DATABASE_URL", "postgres://:planted@127.0.0.1/d"),
        ("DATABASE_URL", "postgres://u:planted@127.0.0.1/"),
        ("REDIS_URL", "planted:6379"),
        ("REDIS_URL", "rediss://:planted@127.0.0.1"),
        ("JWT_SECRET", "planted"),
        ("UPLOAD_DIR", "/planted"),
        ("UPLOAD_DIR", "/proc"),
        ("HOST", "planted"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("DB_POOL_SIZE", "0"),
        ("DB_POOL_SIZE", "1001"),
        ("LOG_LEVEL", "debug"),
        ("DATABASE_URL", ""),
        ("REDIS_URL", ""),
        ("JWT_SECRET", ""),
        ("UPLOAD_DIR", ""),
    ];
    for (name, value) in wrong {
        let message = read(&[(name, value)]).err().expect(value);
        assert!(message.starts_with(name), "{message}");
        assert!(!message.contains("planted"), "{message}");
    }
}
