//! The settings, read from the environment.

use std::env;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;
use sqlx::ConnectOptions;
use tracing::level_filters::LevelFilter;
use url::Url;

/// The settings of the API.
pub struct Config {
    pub services: Services,
    pub jwt_secret: Vec<u8>,
    pub upload_dir: PathBuf,
    pub pool_size: u32,
    pub log_level: LevelFilter,
}

/// The settings that the floors have as well.
pub struct Services {
    pub database: PgConnectOptions,
    pub redis: redis::Client,
    pub address: SocketAddr,
}

/// A variable that is missing or wrong. Its value isn't repeated, as it may be a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0} {1}")]
pub struct ConfigError(&'static str, &'static str);

impl Config {
    /// Reads all settings.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&Env(&|name| env::var_os(name)))
    }

    fn read(env: &Env) -> Result<Self, ConfigError> {
        let secret_rule = "must be text of 32 bytes or more";
        let directory_rule = "must be a directory that can be written to";
        let size_rule = "must be an integer from 1 to 1000";
        let level_rule = "must be error, warn or info";
        Ok(Self {
            services: Services::read(env)?,
            jwt_secret: env.required("JWT_SECRET", secret_rule, jwt_secret)?,
            upload_dir: env.required("UPLOAD_DIR", directory_rule, upload_dir)?,
            pool_size: env
                .optional("DB_POOL_SIZE", size_rule, pool_size)?
                .unwrap_or(32),
            log_level: env
                .optional("LOG_LEVEL", level_rule, log_level)?
                .unwrap_or(LevelFilter::INFO),
        })
    }
}

impl Services {
    /// Reads these settings alone.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&Env(&|name| env::var_os(name)))
    }

    fn read(env: &Env) -> Result<Self, ConfigError> {
        let database_rule = "must be a postgres:// URL with user, host and database";
        let redis_rule = "must be a redis:// URL with a host";
        let host_rule = "must be an IP address";
        let port_rule = "must be an integer from 1 to 65535";
        let host = env.optional("HOST", host_rule, |host| host.parse().ok())?;
        let port = env.optional("PORT", port_rule, port)?;
        Ok(Self {
            database: env.required("DATABASE_URL", database_rule, database)?,
            redis: env.required("REDIS_URL", redis_rule, |url| redis::Client::open(url).ok())?,
            address: SocketAddr::new(
                host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                port.unwrap_or(8080),
            ),
        })
    }
}

/// Where variables are looked up: `env::var_os`, except in tests.
struct Env<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Env<'_> {
    /// Reads a variable. An empty one counts as one that isn't set.
    fn optional<T>(
        &self,
        name: &'static str,
        rule: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        match self.0(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => match value.to_str().and_then(parse) {
                None => Err(ConfigError(name, rule)),
                parsed => Ok(parsed),
            },
        }
    }

    fn required<T>(
        &self,
        name: &'static str,
        rule: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.optional(name, rule, parse)?
            .ok_or(ConfigError(name, "is required"))
    }
}

/// SQLx itself accepts any scheme, and has defaults for what a URL lacks.
fn database(text: &str) -> Option<PgConnectOptions> {
    let url = Url::parse(text).ok()?;
    let is_complete = matches!(url.scheme(), "postgres" | "postgresql")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && !url.username().is_empty()
        && url.path().len() > 1;
    is_complete.then(|| PgConnectOptions::from_url(&url).ok())?
}

fn jwt_secret(text: &str) -> Option<Vec<u8>> {
    (text.len() >= 32).then(|| text.into())
}

fn upload_dir(text: &str) -> Option<PathBuf> {
    let file = tempfile::tempfile_in(text).ok();
    file.map(|_| text.into())
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn pool_size(text: &str) -> Option<u32> {
    text.parse().ok().filter(|size| (1..=1000).contains(size))
}

fn log_level(text: &str) -> Option<LevelFilter> {
    match text {
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
