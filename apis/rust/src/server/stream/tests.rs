use tokio::io::{duplex, AsyncWriteExt as _};

use super::*;

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// Reads a request that comes in these pieces, answers it, and returns how long the connection stays
/// open behind it.
async fn open_for(pieces: &[&[u8]]) -> Duration {
    let (mut client, server) = duplex(1024);
    let phase = Arc::new(Phase::default());
    let mut stream = LimitedStream::new(server, Arc::clone(&phase));
    let mut scratch = [0; 1024];
    for piece in pieces {
        client.write_all(piece).await.unwrap();
        assert_eq!(stream.read(&mut scratch).await.unwrap(), piece.len());
    }
    phase.begin();
    phase.end(false);
    let answered = Instant::now();
    let error = stream.read(&mut scratch).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    answered.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_behind_a_head_whatever_reads_it_came_in() {
    for cut in 1..HEAD.len() {
        let (first, second) = HEAD.split_at(cut);
        assert_eq!(open_for(&[first, second]).await.as_secs(), 60, "{cut}");
    }
    let octets: Vec<&[u8]> = HEAD.chunks(1).collect();
    assert_eq!(open_for(&octets).await.as_secs(), 60);
    assert_eq!(open_for(&[HEAD]).await.as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_head_runs_where_it_has_begun_behind_another() {
    let next = b"GET / HTTP/1.1\r\nHost: x\r\n\r";
    for length in 1..=next.len() {
        let begun = [HEAD, &next[..length]].concat();
        assert_eq!(open_for(&[&begun]).await.as_secs(), 10, "{length}");
        let (first, second) = begun.split_at(HEAD.len() - 1);
        assert_eq!(open_for(&[first, second]).await.as_secs(), 10, "{length}");
    }
}
