//! The settings of the API, read from the environment.

mod urls;

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use sqlx::postgres::PgConnectOptions;
use tracing::level_filters::LevelFilter;

use crate::upload::Directory;

/// The validated settings of one API process.
pub struct Config {
    pub database: PgConnectOptions,
    pub redis: redis::Client,
    pub jwt_secret: Vec<u8>,
    pub address: SocketAddr,
    pub uploads: Directory,
    pub pool_size: usize,
    pub log_level: LevelFilter,
}

/// The subset that the benchmark floor uses.
pub struct FloorConfig {
    pub database: PgConnectOptions,
    pub address: SocketAddr,
}

/// What is wrong with the environment, one line for each variable. No value is repeated, since most of
/// them may hold a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads all settings. `lookup` is `std::env::var_os` but in tests.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let database = reader.database();
        let redis = reader.redis();
        let jwt_secret = reader.secret();
        let address = reader.address();
        let uploads = reader.uploads();
        let pool_size = reader.integer("DB_POOL_SIZE", 32, 1000);
        let log_level = reader.log_level();
        match (
            database, redis, jwt_secret, address, uploads, pool_size, log_level,
        ) {
            (
                Some(database),
                Some(redis),
                Some(jwt_secret),
                Some(address),
                Some(uploads),
                Some(pool_size),
                Some(log_level),
            ) => Ok(Self {
                database,
                redis,
                jwt_secret,
                address,
                uploads,
                pool_size: usize::from(pool_size),
                log_level,
            }),
            _ => Err(ConfigError(reader.errors)),
        }
    }
}

impl FloorConfig {
    /// Reads the variables of the floor; the others are ignored.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        match (reader.database(), reader.address()) {
            (Some(database), Some(address)) => Ok(Self { database, address }),
            _ => Err(ConfigError(reader.errors)),
        }
    }
}

/// Collects every error, so that one start shows all that is wrong. Each method returns `None` where
/// it has noted one.
struct Reader<L> {
    lookup: L,
    errors: Vec<String>,
}

impl<L: Fn(&str) -> Option<OsString>> Reader<L> {
    fn new(lookup: L) -> Self {
        Self {
            lookup,
            errors: Vec::new(),
        }
    }

    /// Treats an empty variable as one that is not set.
    fn octets(&self, name: &str) -> Option<Vec<u8>> {
        (self.lookup)(name)
            .map(OsString::into_vec)
            .filter(|value| !value.is_empty())
    }

    fn fail<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.errors.push(format!("{name}: {message}"));
        None
    }

    /// Reads a variable that has to be set; `parse` returns `None` for a wrong value.
    fn required<T>(
        &mut self,
        name: &str,
        message: &str,
        parse: impl FnOnce(Vec<u8>) -> Option<T>,
    ) -> Option<T> {
        match self.octets(name) {
            None => self.fail(name, "is required"),
            Some(value) => parse(value).or_else(|| self.fail(name, message)),
        }
    }

    /// Reads a variable that may be left out; `parse` returns `None` for a wrong value.
    fn optional<T>(
        &mut self,
        name: &str,
        message: &str,
        unset: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        match self.octets(name) {
            None => Some(unset),
            Some(value) => std::str::from_utf8(&value)
                .ok()
                .and_then(parse)
                .or_else(|| self.fail(name, message)),
        }
    }

    fn database(&mut self) -> Option<PgConnectOptions> {
        let message = "must be a postgres:// URL with user, host and database";
        self.required("DATABASE_URL", message, |value| {
            urls::parse_postgres(std::str::from_utf8(&value).ok()?)
        })
    }

    fn redis(&mut self) -> Option<redis::Client> {
        self.required("REDIS_URL", "must be a redis:// URL with a host", |value| {
            urls::parse_redis(std::str::from_utf8(&value).ok()?)
        })
    }

    fn secret(&mut self) -> Option<Vec<u8>> {
        self.required("JWT_SECRET", "must be at least 32 bytes", |value| {
            (value.len() >= 32).then_some(value)
        })
    }

    fn address(&mut self) -> Option<SocketAddr> {
        let host = self.optional(
            "HOST",
            "must be an IP address",
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            |value| value.parse().ok(),
        );
        let port = self.integer("PORT", 8080, u16::MAX);
        Some(SocketAddr::new(host?, port?))
    }

    fn uploads(&mut self) -> Option<Directory> {
        let message = "must be a directory that can be written to";
        self.required("UPLOAD_DIR", message, |value| {
            Directory::open(Path::new(&OsString::from_vec(value))).ok()
        })
    }

    /// Reads a decimal from 1 to `high` without sign or leading zero.
    fn integer(&mut self, name: &str, unset: u16, high: u16) -> Option<u16> {
        let message = format!("must be an integer from 1 to {high}");
        self.optional(name, &message, unset, |value| {
            let number: u16 = value.parse().ok()?;
            ((1..=high).contains(&number) && number.to_string() == value).then_some(number)
        })
    }

    fn log_level(&mut self) -> Option<LevelFilter> {
        self.optional(
            "LOG_LEVEL",
            "must be error, warn or info",
            LevelFilter::INFO,
            |value| match value {
                "error" => Some(LevelFilter::ERROR),
                "warn" => Some(LevelFilter::WARN),
                "info" => Some(LevelFilter::INFO),
                _ => None,
            },
        )
    }
}

#[cfg(test)]
mod tests;
