use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use axum::Router;
use tower::ServiceExt as _;

use super::*;

#[tokio::test]
async fn an_id_is_an_integer_from_1_to_the_largest() {
    let router: Router =
        Router::new().route("/{id}", get(|Id(id): Id| async move { id.to_string() }));
    let status = async |id: &str| {
        let request = Request::get(format!("/{id}")).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    };

    for id in ["1", "9223372036854775807"] {
        assert_eq!(status(id).await, StatusCode::OK, "{id}");
    }
    for id in ["0", "-1"] {
        assert_eq!(status(id).await, StatusCode::NOT_FOUND, "{id}");
    }
    for id in ["9223372036854775808", "1.0", "one"] {
        assert_eq!(status(id).await, StatusCode::BAD_REQUEST, "{id}");
    }
}
