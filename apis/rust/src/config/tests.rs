use super::*;

/// A whole environment, with these variables instead of its own.
fn read(folder: &Path, changes: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let given = |name: &str| {
        let usual = match name {
            "DATABASE_URL" => "postgres://fairground:pass@127.0.0.1:5433/fairground",
            "REDIS_URL" => "redis://:pass@127.0.0.1:6380/0",
            "JWT_SECRET" => "0123456789abcdef0123456789abcdef",
            "UPLOAD_DIR" => folder.to_str().unwrap(),
            _ => "",
        };
        let changed = changes.iter().find(|(changed, _)| *changed == name);
        Some(OsString::from(changed.map_or(usual, |(_, value)| value)))
    };
    Config::read(given).map_err(|error| error.0)
}

#[test]
fn an_environment_that_is_whole_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = read(folder.path(), &[]).unwrap();
    assert_eq!(config.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.pool_size, 32);
    assert_eq!(config.log_level, LevelFilter::INFO);
    assert_eq!(config.jwt_secret, b"0123456789abcdef0123456789abcdef");
    let changes = [
        ("HOST", "::1"),
        ("PORT", "65535"),
        ("DB_POOL_SIZE", "1000"),
        ("LOG_LEVEL", "warn"),
    ];
    let config = read(folder.path(), &changes).unwrap();
    assert_eq!(config.address.to_string(), "[::1]:65535");
    assert_eq!(config.pool_size, 1000);
    assert_eq!(config.log_level, LevelFilter::WARN);
}

#[test]
fn missing_variables_are_named_in_order() {
    let errors = Config::read(|_| None).err().unwrap();
    assert_eq!(
        errors.to_string(),
        "DATABASE_URL: is required\nREDIS_URL: is required\nJWT_SECRET: is required\n\
         UPLOAD_DIR: is required"
    );
}

#[test]
fn a_wrong_value_is_told_but_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, message) in [
        (
            "DATABASE_URL",
            "mysql://u@h/d",
            "must be a postgres:// URL with user, host and database",
        ),
        (
            "REDIS_URL",
            "rediss://h",
            "must be a redis:// URL with a host",
        ),
        (
            "JWT_SECRET",
            "0123456789abcdef0123456789abcde",
            "must be at least 32 bytes",
        ),
        ("HOST", "localhost", "must be an IP address"),
        ("HOST", "[::1]", "must be an IP address"),
        ("HOST", "127.0.0.1 ", "must be an IP address"),
        ("PORT", "0", "must be an integer from 1 to 65535"),
        ("PORT", "65536", "must be an integer from 1 to 65535"),
        ("PORT", "+80", "must be an integer from 1 to 65535"),
        ("PORT", "080", "must be an integer from 1 to 65535"),
        ("PORT", " 80", "must be an integer from 1 to 65535"),
        (
            "UPLOAD_DIR",
            "/nonexistent",
            "must be a directory that can be written to",
        ),
        ("DB_POOL_SIZE", "1001", "must be an integer from 1 to 1000"),
        ("DB_POOL_SIZE", "x", "must be an integer from 1 to 1000"),
        ("LOG_LEVEL", "INFO", "must be error, warn or info"),
        ("LOG_LEVEL", "debug", "must be error, warn or info"),
    ] {
        let errors = read(folder.path(), &[(name, value)]).err();
        assert_eq!(
            errors,
            Some(vec![format!("{name}: {message}")]),
            "{name}={value}"
        );
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let changes = [
        ("LOG_LEVEL", "x"),
        ("PORT", "x"),
        ("HOST", "x"),
        ("JWT_SECRET", "x"),
    ];
    let errors = read(folder.path(), &changes).err().unwrap();
    let names: Vec<&str> = errors
        .iter()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(names, ["JWT_SECRET", "HOST", "PORT", "LOG_LEVEL"]);
}

#[test]
fn the_floor_reads_what_it_needs() {
    let lookup = |name: &str| match name {
        "DATABASE_URL" => Some(OsString::from("postgres://u:p@h/d")),
        "PORT" => Some(OsString::from("81")),
        _ => None,
    };
    let config = FloorConfig::read(lookup).unwrap();
    assert_eq!(config.address.to_string(), "127.0.0.1:81");
}
