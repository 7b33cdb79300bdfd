use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

async fn listen() -> (TcpListener, Cache) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    (listener, Cache::new(Client::open(url).unwrap()))
}

/// Accepts a connection, and answers the two commands that redis-rs sends first.
async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut connection, _) = listener.accept().await.unwrap();
    connection.write_all(b"+OK\r\n+OK\r\n").await.unwrap();
    connection
}

/// Accepts a connection, and closes it once it has answered a command.
async fn answer(listener: &TcpListener, command: &str, reply: &[u8]) {
    let mut connection = accept(listener).await;
    let mut sent = Vec::new();
    while !String::from_utf8_lossy(&sent).contains(command) {
        assert_ne!(connection.read_buf(&mut sent).await.unwrap(), 0);
    }
    connection.write_all(reply).await.unwrap();
}

#[tokio::test]
async fn a_command_that_isnt_answered_is_sent_once() {
    let (listener, cache) = listen().await;

    let (mut connection, value) = tokio::join!(accept(&listener), cache.get("key"));
    assert_eq!(value, None);

    drop(cache);
    let mut sent = String::new();
    connection.read_to_string(&mut sent).await.unwrap();
    assert_eq!(sent.matches("GET").count(), 1);
}

#[tokio::test]
async fn a_lost_connection_is_replaced_for_the_next_command() {
    let (listener, cache) = listen().await;

    let ping = answer(&listener, "PING", b"+PONG\r\n");
    let ((), is_up) = tokio::join!(ping, cache.ping());
    assert!(is_up);

    let del = answer(&listener, "DEL", b":1\r\n");
    let removed = async { tokio::join!(del, cache.remove("key")) };
    assert!(timeout(Duration::from_secs(5), removed).await.is_ok());
}
