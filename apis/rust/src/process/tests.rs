use std::net::TcpStream;
use std::time::Duration;

use super::*;

#[test]
fn many_connections_may_wait_to_be_accepted() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let connected: io::Result<Vec<TcpStream>> = (0..300)
        .map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(500)))
        .collect();
    assert!(connected.is_ok(), "{connected:?}");
}
