//! The cache in Redis.

use std::io;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, FromRedisValue, RedisResult, SetExpiry, SetOptions};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::cooldown::Cooldown;

/// How long a command may take, including the wait for a connection.
const LIMIT: Duration = Duration::from_millis(100);

/// How long sent data may go unacknowledged before the connection is given up.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long reads do without Redis after it failed to answer.
const PAUSE: Duration = Duration::from_millis(250);

/// How long no second failure is logged.
const QUIET: Duration = Duration::from_secs(1);

/// Values in Redis, which may be away: then nothing is found, and nothing is kept.
pub struct Cache {
    client: Client,
    /// A manager connects when it is made, and the API has to start without Redis as well.
    manager: OnceCell<ConnectionManager>,
    pause: Cooldown,
    warning: Cooldown,
}

impl Cache {
    /// Returns a cache that connects when it is first needed.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            manager: OnceCell::new(),
            pause: Cooldown::new(PAUSE),
            warning: Cooldown::new(QUIET),
        }
    }

    /// Returns a value.
    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        if self.pause.is_active() {
            return None;
        }
        self.run(&Cmd::get(key)).await.flatten()
    }

    /// Stores a value for some seconds.
    pub async fn set(&self, key: &str, value: &[u8], seconds: u64) {
        if !self.pause.is_active() {
            let expiry = SetOptions::default().with_expiration(SetExpiry::EX(seconds));
            self.run::<()>(&Cmd::set_options(key, value, expiry)).await;
        }
    }

    /// Removes a value. It is tried even after a failure: a value that stays is served again.
    pub async fn remove(&self, key: &str) {
        self.run::<()>(&Cmd::del(key)).await;
    }

    /// Says whether Redis answers.
    pub async fn ping(&self) -> bool {
        self.run::<()>(&redis::cmd("PING")).await.is_some()
    }

    /// Runs a command. A failure is logged, but not more than once a second.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        match self.query(command).await {
            Ok(value) => Some(value),
            Err(error) => {
                if error.is_io_error() {
                    self.pause.begin();
                }
                if self.warning.begin() {
                    tracing::warn!(%error, "a Redis command failed");
                }
                None
            }
        }
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let query = async {
            let manager = self.manager.get_or_try_init(|| self.connect());
            let mut manager = manager.await?.clone();
            match command.query_async(&mut manager).await {
                // The manager reports a lost connection, or that its last attempt to connect failed,
                // to one command. Only then does it connect, and the next command waits for that.
                Err(error) if error.is_io_error() => command.query_async(&mut manager).await,
                result => result,
            }
        };
        // A command that isn't answered in time isn't sent again.
        timeout(LIMIT, query)
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }

    async fn connect(&self) -> RedisResult<ConnectionManager> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(LIMIT)
            .set_tcp_settings(
                TcpSettings::default()
                    .set_nodelay(true)
                    .set_user_timeout(TCP_USER_TIMEOUT),
            );
        ConnectionManager::new_with_config(self.client.clone(), config).await
    }
}

#[cfg(test)]
mod tests;
