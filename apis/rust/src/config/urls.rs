//! The URLs of PostgreSQL and Redis.

use percent_encoding::percent_decode_str;
use redis::{Client, ConnectionAddr, ConnectionInfo, ProtocolVersion, RedisConnectionInfo};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

const POSTGRES_PORT: u16 = 5432;
const REDIS_PORT: u16 = 6379;

/// Reads `postgres://user:password@host:port/database`. A query is ignored: it could only ask for TLS.
pub fn parse_postgres(text: &str) -> Option<PgConnectOptions> {
    let url = parse(text)?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return None;
    }
    let user = decode(url.username())?;
    let database = decode(url.path().strip_prefix('/')?)?;
    if user.is_empty() || database.is_empty() {
        return None;
    }
    // All that matters without TLS is set, lest it be taken from libpq's variables. PGOPTIONS is taken
    // all the same: sqlx can add to it, but not drop it.
    Some(
        PgConnectOptions::new_without_pgpass()
            .host(&host(&url)?)
            .port(url.port().unwrap_or(POSTGRES_PORT))
            .username(&user)
            .password(&decode(url.password().unwrap_or_default())?)
            .database(&database)
            .application_name(env!("CARGO_PKG_NAME"))
            .ssl_mode(PgSslMode::Disable),
    )
}

/// Reads `redis://[user]:password@host:port/number`.
pub fn parse_redis(text: &str) -> Option<Client> {
    let url = parse(text)?;
    if url.scheme() != "redis" {
        return None;
    }
    let number = match url.path() {
        "" | "/" => 0,
        path => path.strip_prefix('/')?.parse::<u32>().ok()?,
    };
    let username = decode(url.username())?;
    let password = match url.password() {
        Some(password) => Some(decode(password)?),
        None => None,
    };
    Client::open(ConnectionInfo {
        addr: ConnectionAddr::Tcp(host(&url)?, url.port().unwrap_or(REDIS_PORT)),
        redis: RedisConnectionInfo {
            db: i64::from(number),
            username: (!username.is_empty()).then_some(username),
            password: password.filter(|password| !password.is_empty()),
            // Tells of a connection that has ended.
            protocol: ProtocolVersion::RESP3,
        },
    })
    .ok()
}

/// Refuses what the URL standard would mend: blanks around a URL, line breaks in it.
fn parse(text: &str) -> Option<Url> {
    let is_clean = text.bytes().all(|octet| octet > b' ' && octet != 0x7F);
    Url::parse(text).ok().filter(|_| is_clean)
}

fn host(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    decode(address.unwrap_or(host))
}

/// Decodes percent-encoding, of which nothing may be malformed.
fn decode(text: &str) -> Option<String> {
    let is_wellformed = text.split('%').skip(1).all(|escaped| {
        let digits = escaped.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !is_wellformed {
        return None;
    }
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(|decoded| decoded.into_owned())
}

#[cfg(test)]
mod tests;
