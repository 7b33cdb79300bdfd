//! The routes while PostgreSQL and Redis are away: what is refused before either is asked.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::*;
use crate::logging::tests::logged;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// A router over services that aren't there: nothing listens on the port of the discard service.
fn offline() -> (Router, tempfile::TempDir) {
    with_postgres_at(9)
}

fn with_postgres_at(port: u16) -> (Router, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .ssl_mode(sqlx::postgres::PgSslMode::Disable);
    let services = Services {
        store: Store::new(options, 2),
        cache: Cache::new(redis::Client::open("redis://127.0.0.1:9/0").unwrap()),
        hasher: Hasher::new(1),
        tokens: Authority::new(SECRET),
        uploads: Directory::open(folder.path()).unwrap(),
    };
    (router(services, LevelFilter::INFO), folder)
}

async fn answer(request: Request<Body>) -> (Response<()>, String) {
    let (router, _folder) = offline();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let octets = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(octets.to_vec()).unwrap();
    (Response::from_parts(parts, ()), text)
}

fn request(method: &str, path: &str, fields: &[(&str, &str)], body: &'static str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).unwrap()
}

fn bearer() -> String {
    let token = Authority::new(SECRET).issue(1, "ada", SystemTime::now());
    format!("Bearer {}", token.unwrap())
}

fn header<'r>(response: &'r Response<()>, name: &str) -> Option<&'r str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn paths_match_octet_for_octet() {
    for path in [
        "/",
        "/api",
        "/healthz/",
        "//healthz",
        "/Healthz",
        "/%68ealthz",
        "/api/users/0",
        "/api/users/01",
        "/api/users/%31",
        "/api/users/me/",
        "/api/users/ME",
        "/api/users/9223372036854775808",
        "/api/posts/",
        "/api/posts/abc",
        "/api/posts/1/",
        "/api/posts/1/2",
        "/api/posts/{id}",
        "/api/posts/../posts/1",
        "/api/files/-1",
    ] {
        for method in ["GET", "PATCH", "DELETE"] {
            let (response, body) = answer(request(method, path, &[], "")).await;
            assert_eq!(response.status(), 404, "{method} {path}");
            assert_eq!(body, problem::NO_PATH.body, "{method} {path}");
            assert_eq!(header(&response, "allow"), None, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn other_methods_are_told_which_ones_there_are() {
    for (path, allowed) in [
        ("/healthz", "GET, HEAD"),
        ("/readyz?x", "GET, HEAD"),
        ("/api/users", "POST"),
        ("/api/users/me", "GET, HEAD"),
        ("/api/users/1", "GET, HEAD"),
        ("/api/auth/login", "POST"),
        ("/api/posts", "GET, HEAD, POST"),
        ("/api/posts/1", "DELETE, GET, HEAD, PUT"),
        ("/api/files", "POST"),
        ("/api/files/1", "GET, HEAD"),
    ] {
        for method in ["PATCH", "OPTIONS", "TRACE", "get", "X"] {
            let (response, body) = answer(request(method, path, &[], "")).await;
            assert_eq!(response.status(), 405, "{method} {path}");
            assert_eq!(header(&response, "allow"), Some(allowed), "{method} {path}");
            assert_eq!(body, problem::BAD_METHOD.body, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (response, body) = answer(request("HEAD", "/healthz", &[], "")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-length"), Some("15"));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(body, "");
}

#[tokio::test]
async fn the_first_breach_decides() {
    let bearer = bearer();
    let authorized = ("authorization", &bearer[..]);
    let json = ("content-type", "application/json");
    let form = ("content-type", "multipart/form-data; boundary=b");
    for (method, path, fields, body, problem) in [
        ("POST", "/api/posts", &[][..], "", &problem::BAD_TOKEN),
        ("POST", "/api/files", &[form], "", &problem::BAD_TOKEN),
        ("PUT", "/api/posts/1", &[json], "{}", &problem::BAD_TOKEN),
        ("DELETE", "/api/posts/1", &[], "", &problem::BAD_TOKEN),
        ("GET", "/api/users/me", &[], "", &problem::BAD_TOKEN),
        ("POST", "/api/posts", &[authorized], "", &problem::NOT_JSON),
        ("POST", "/api/users", &[], "{", &problem::NOT_JSON),
        ("POST", "/api/users", &[json], "{", &problem::BAD_JSON),
        (
            "POST",
            "/api/files",
            &[authorized, json],
            "",
            &problem::NOT_MULTIPART,
        ),
        (
            "POST",
            "/api/files",
            &[authorized, form],
            "",
            &problem::BAD_UPLOAD,
        ),
        ("GET", "/api/users/1", &[], "", &problem::UNAVAILABLE),
        ("GET", "/api/posts/1", &[], "", &problem::UNAVAILABLE),
        (
            "DELETE",
            "/api/posts/1",
            &[authorized],
            "",
            &problem::UNAVAILABLE,
        ),
    ] {
        let (response, text) = answer(request(method, path, fields, body)).await;
        assert_eq!(text, problem.body, "{method} {path}");
        assert_eq!(response.status(), problem.status, "{method} {path}");
        let challenge = (problem.status == 401).then_some("Bearer");
        assert_eq!(
            header(&response, "www-authenticate"),
            challenge,
            "{method} {path}"
        );
    }
    let (response, _) = answer(request("POST", "/api/users", &[json], "{}")).await;
    assert_eq!(response.status(), 422);
}

#[tokio::test]
async fn large_bodies_are_refused_by_their_length() {
    let large = "x".repeat(65_537);
    let request = Request::post("/api/users")
        .header("content-type", "application/json")
        .body(Body::from(large))
        .unwrap();
    let (response, body) = answer(request).await;
    assert_eq!(response.status(), 413);
    assert_eq!(body, problem::JSON_TOO_LARGE.body);
}

#[tokio::test]
async fn readiness_tells_what_is_away() {
    let (response, body) = answer(request("GET", "/readyz", &[], "")).await;
    assert_eq!(response.status(), 503);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(body, r#"{"postgres":"down","redis":"down"}"#);
}

#[test]
fn unreadiness_is_logged_with_its_cause() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // The log takes one outage a second, which may be another test's.
    let errors = (0..100)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(100));
            let mut lines = logged(|| {
                runtime.block_on(answer(request("GET", "/readyz", &[], "")));
            });
            lines.retain(|line| line["level"] == "error");
            lines
        })
        .find(|errors| !errors.is_empty())
        .expect("an outage is logged");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["message"], "service unavailable");
    let cause = errors[0]["error"].as_str().unwrap();
    for service in ["PostgreSQL is not available: ", "Redis is not available: "] {
        assert!(cause.contains(service), "{cause}");
    }
}

#[tokio::test]
async fn an_upload_that_gets_no_row_leaves_no_content() {
    let bearer = bearer();
    let upload = || {
        let fields = [
            ("authorization", &bearer[..]),
            ("content-type", "multipart/form-data; boundary=b"),
        ];
        let body = concat!(
            "--b\r\nContent-Disposition: form-data; name=file; filename=a.pdf\r\n\r\n",
            "%PDF-1.7 and more\r\n--b--\r\n",
        );
        request("POST", "/api/files", &fields, body)
    };
    let postgres = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (router, folder) = with_postgres_at(postgres.local_addr().unwrap().port());
    let content = || {
        let entry = std::fs::read_dir(folder.path()).unwrap().next();
        entry.map(|entry| entry.unwrap().path())
    };

    let abandoned = tokio::spawn(router.clone().oneshot(upload()));
    let _silent = postgres.accept().await.unwrap();
    assert!(content().is_some());
    abandoned.abort();
    assert!(abandoned.await.unwrap_err().is_cancelled());
    assert_eq!(content(), None);

    for is_gone_already in [false, true] {
        let refused = tokio::spawn(router.clone().oneshot(upload()));
        let connection = postgres.accept().await.unwrap();
        if is_gone_already {
            std::fs::remove_file(content().unwrap()).unwrap();
        }
        drop(connection);
        assert_eq!(refused.await.unwrap().unwrap().status(), 503);
        assert_eq!(content(), None);
    }
}
