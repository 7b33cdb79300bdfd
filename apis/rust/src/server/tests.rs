use std::time::Instant;

use axum::extract::Request;
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// A server with a route that answers at once, one that takes its time, and one that reads a body.
struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

async fn start() -> Server {
    let router = Router::new()
        .route("/", get(|| async { "answer" }))
        .route(
            "/slow",
            get(|| async {
                sleep(Duration::from_millis(300)).await;
                "late answer"
            }),
        )
        .route(
            "/body",
            post(|request: Request| async move {
                let body = request.into_body().collect().await.unwrap();
                body.to_bytes().len().to_string()
            }),
        )
        .route("/unread", post(|| async { "unread" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(serve(listener, router, async {
        let _ = stopped.await;
    }));
    Server {
        address,
        stop,
        serving,
    }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends octets on a connection of their own and returns all that comes back until it is closed.
    async fn exchange(&self, octets: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(octets).await.unwrap();
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    read.expect("the connection is closed").unwrap();
    String::from_utf8(answer).unwrap()
}

fn statuses(answers: &str) -> Vec<&str> {
    answers
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &answers[at + 9..at + 12])
        .collect()
}

const CLOSE: &str = "Connection: close\r\n\r\n";

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start().await;
    let requests =
        format!("GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n{CLOSE}");
    let answers = server.exchange(requests.as_bytes()).await;
    assert_eq!(statuses(&answers), ["200", "200"]);
    assert!(answers.find("late answer").unwrap() < answers.rfind("\r\n\r\nanswer").unwrap());
    assert_eq!(
        answers.matches("x-content-type-options: nosniff").count(),
        2
    );
}

#[tokio::test]
async fn a_request_is_answered_where_the_client_has_closed_its_half() {
    let server = start().await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    assert!(rest(&mut stream).await.ends_with("late answer"));
}

#[tokio::test]
async fn a_connection_that_closes_behind_an_unread_body_says_so() {
    let server = start().await;
    let mut stream = server.connect().await;
    let head = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
    stream.write_all(head).await.unwrap();
    assert!(rest(&mut stream).await.contains("connection: close\r\n"));

    let mut stream = server.connect().await;
    for _ in 0..2 {
        let request = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345";
        stream.write_all(request).await.unwrap();
        let mut answer = [0; 512];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = std::str::from_utf8(&answer[..length]).unwrap();
        assert_eq!(statuses(answer), ["200"]);
        assert!(!answer.contains("connection:"), "{answer}");
    }
}

#[tokio::test]
async fn targets_in_other_forms_are_refused() {
    let server = start().await;
    for target in ["GET http://x/", "OPTIONS *", "CONNECT x:80"] {
        let request =
            format!("{target} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n{CLOSE}");
        let answers = server.exchange(request.as_bytes()).await;
        assert_eq!(statuses(&answers), ["400"], "{target}");
    }
}

#[tokio::test]
async fn octets_smuggled_in_a_body_get_no_answer() {
    let server = start().await;
    let smuggled = format!("GET / HTTP/1.1\r\nHost: x\r\n{CLOSE}");
    let length = 5 + smuggled.len();
    for lengths in [
        "Transfer-Encoding: chunked".to_owned(),
        "Content-Length: 5\r\nTransfer-Encoding: chunked".to_owned(),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
    ] {
        let request =
            format!("POST /body HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}");
        let answers = server.exchange(request.as_bytes()).await;
        assert_eq!(statuses(&answers).len(), 1, "{lengths}: {answers}");
    }
}

#[tokio::test]
async fn heads_have_a_limit() {
    let server = start().await;
    let head = |size: usize| {
        let rest = format!("GET / HTTP/1.1\r\nHost: x\r\nX: \r\n{CLOSE}");
        let padding = "x".repeat(size - rest.len());
        rest.replace("X: ", &format!("X: {padding}"))
    };
    assert_eq!(
        statuses(&server.exchange(head(16 << 10).as_bytes()).await),
        ["200"]
    );
    // Also behind another request, when hyper may have read much of it at once.
    let first = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let answers = server
        .exchange((first.to_owned() + &head((20 << 10) + 1)).as_bytes())
        .await;
    let [_, refused] = statuses(&answers)[..] else {
        panic!("{answers}")
    };
    assert!(refused.starts_with('4'), "{answers}");
    let fields = (0..62)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect::<Vec<_>>()
        .concat();
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}{CLOSE}");
    assert_eq!(statuses(&server.exchange(many.as_bytes()).await), ["200"]);
}

#[tokio::test]
async fn an_answer_reaches_a_client_that_is_still_sending() {
    let server = start().await;
    let mut stream = server.connect().await;
    let head = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    stream.write_all(&vec![b'x'; 3_000_000]).await.unwrap();
    assert!(rest(&mut stream).await.ends_with("unread"));
}

/// The time for which the connection stays open, which is real: sockets don't heed a paused clock.
async fn open_for(stream: &mut TcpStream) -> Duration {
    let start = Instant::now();
    let mut answer = Vec::new();
    let closed = timeout(Duration::from_secs(15), stream.read_to_end(&mut answer)).await;
    let _ = closed.expect("the connection is closed");
    start.elapsed()
}

#[tokio::test]
async fn a_head_has_ten_seconds_however_it_comes() {
    let server = start().await;
    let (mut whole, mut behind) = (server.connect().await, server.connect().await);
    whole.write_all(b"GET / HTTP/1.1\r\nHost").await.unwrap();
    behind
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
        .await
        .unwrap();
    let (mut reading, mut trickle) = whole.into_split();
    let trickling = tokio::spawn(async move {
        while trickle.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let start = Instant::now();
    let mut answer = Vec::new();
    let (_, waited) = tokio::join!(
        timeout(Duration::from_secs(15), reading.read_to_end(&mut answer)),
        open_for(&mut behind),
    );
    for waited in [start.elapsed(), waited] {
        assert!((9.0..13.0).contains(&waited.as_secs_f64()), "{waited:?}");
    }
    trickling.await.unwrap();
}

#[tokio::test]
async fn what_is_in_flight_is_finished_and_the_idle_are_closed() {
    let server = start().await;
    let (mut idle, mut busy) = (server.connect().await, server.connect().await);
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 8];
    idle.read_exact(&mut first).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(100)).await;
    let address = server.address;
    server.stop.send(()).unwrap();
    assert!(rest(&mut idle).await.ends_with("answer"));
    assert!(rest(&mut busy).await.ends_with("late answer"));
    drop((idle, busy));
    timeout(Duration::from_secs(5), server.serving)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
