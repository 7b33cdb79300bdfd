use sqlx::postgres::PgSslMode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{unbounded_channel, UnboundedSender};
use tokio::time::Instant;

use super::*;

/// Lets a client in and answers each of its messages that wants an answer: all that a ping takes. It
/// sends the time of each.
async fn answer_pings(mut client: TcpStream, pings: UnboundedSender<Instant>) {
    const AUTHENTICATED: &[u8] = b"R\0\0\0\x08\0\0\0\0";
    const READY: &[u8] = b"Z\0\0\0\x05I";
    let startup_length = client.read_u32().await.unwrap();
    let mut body = vec![0; startup_length as usize - 4];
    client.read_exact(&mut body).await.unwrap();
    client.write_all(AUTHENTICATED).await.unwrap();
    client.write_all(READY).await.unwrap();
    while let Ok(b'Q' | b'S') = client.read_u8().await {
        let length = client.read_u32().await.unwrap();
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await.unwrap();
        client.write_all(READY).await.unwrap();
        let _ = pings.send(Instant::now());
    }
}

#[tokio::test]
async fn an_idle_pool_is_looked_at_in_each_interval() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(listener.local_addr().unwrap().port())
        .ssl_mode(PgSslMode::Disable);
    let (sender, mut pings) = unbounded_channel();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        answer_pings(client, sender).await;
    });
    let pool = Pool::new(options, 1);
    let lease = Lease::acquire(&pool.connections).await.unwrap();
    lease.settle(Ok(())).unwrap();

    let mut last = pings.recv().await.unwrap();
    let mut shortest = Duration::MAX;
    for _ in 0..5 {
        let next = pings.recv().await.unwrap();
        shortest = shortest.min(next - last);
        last = next;
    }
    assert!(shortest < WATCH_INTERVAL * 3 / 2, "{shortest:?}");
}
