//! The one connection to Redis over which all requests send their commands, and how it is kept.
//!
//! redis-rs has a connection manager. It wants Redis to be there at the start, gives up for good where
//! an attempt to connect fails otherwise than by the network (a Redis that is still loading), and lets
//! requests wait while it connects.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::{MultiplexedConnection, SendError};
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, PushInfo, PushKind, RedisError, RedisResult,
    Value,
};
use tokio::sync::Notify;
use tokio::time::sleep;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long after a failure to connect the next attempt is made.
const CONNECT_INTERVAL: Duration = Duration::from_millis(250);

/// A connection, and what is notified when it has ended.
#[derive(Clone)]
struct Connected {
    connection: MultiplexedConnection,
    ended: Arc<Notify>,
}

type Current = RwLock<Option<Connected>>;

pub struct Link {
    current: Arc<Current>,
}

impl Link {
    pub fn new(client: Client) -> Self {
        let current = Arc::<Current>::default();
        tokio::spawn(keep(client, Arc::clone(&current)));
        Self { current }
    }

    /// Sends a command and returns its answer. Without a connection it fails at once.
    pub async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let current = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(Connected {
            mut connection,
            ended,
        }) = current
        else {
            return Err((ErrorKind::IoError, "there is no connection").into());
        };
        let result = connection.send_packed_command(command).await;
        if result
            .as_ref()
            .is_err_and(RedisError::is_unrecoverable_error)
        {
            ended.notify_one();
        }
        result
    }
}

/// Connects, waits until the connection ends, and starts anew.
async fn keep(client: Client, current: Arc<Current>) {
    let publish = |connected| {
        *current.write().unwrap_or_else(PoisonError::into_inner) = connected;
    };
    loop {
        let ended = Arc::new(Notify::new());
        match connect(&client, Arc::clone(&ended)).await {
            Ok(connection) => {
                publish(Some(Connected {
                    connection,
                    ended: Arc::clone(&ended),
                }));
                ended.notified().await;
                publish(None);
            }
            // Each request that misses Redis meanwhile says so.
            Err(_) => sleep(CONNECT_INTERVAL).await,
        }
    }
}

async fn connect(client: &Client, ended: Arc<Notify>) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(CONNECT_TIMEOUT)
        .set_tcp_settings(TcpSettings::default().set_nodelay(true))
        .set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                ended.notify_one();
            }
            Ok::<_, SendError>(())
        });
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}
