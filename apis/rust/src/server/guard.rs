//! What HTTP asks for before and behind the routes, and hyper leaves open.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{ready, Context, Poll};

use axum::body::Body;
use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::routing::future::RouteFuture;
use axum::Router;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tower::Service as _;

use super::phase::Phase;
use super::watched::{ReadToEnd, WatchedBody};
use crate::problem::{self, Problem};

/// The largest head that is taken. hyper's own limit doesn't count what it has read too much of.
const MAX_HEAD_BYTES: usize = 20 << 10;

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Answers the requests of one connection.
pub struct Guard {
    router: Router,
    phase: Arc<Phase>,
}

impl Guard {
    pub fn new(router: Router, phase: Arc<Phase>) -> Self {
        Self { router, phase }
    }
}

impl hyper::service::Service<Request<Incoming>> for Guard {
    type Response = Response<GuardedBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        self.phase.begin();
        let had_body = !request.body().is_end_stream();
        // hyper drops a Content-Length that comes behind Transfer-Encoding without telling. RFC 9112,
        // section 6.3, wants the connection closed then, lest smuggled octets be taken for a request.
        let closes = request.headers().contains_key(TRANSFER_ENCODING);
        let mut body_read = None;
        let progress = match refuse(&request) {
            Some(problem) => Progress::Refused(problem),
            None => {
                let request = request.map(|body| {
                    if had_body {
                        let (body, read_to_end) = WatchedBody::new(body);
                        body_read = Some(read_to_end);
                        Body::new(body)
                    } else {
                        Body::empty() // which allocates nothing
                    }
                });
                Progress::Routed(self.router.clone().call(request))
            }
        };
        Answer {
            progress,
            closes,
            body_read,
            ending: Some(Ending {
                phase: Arc::clone(&self.phase),
                had_body,
            }),
        }
    }
}

/// Refuses what fails before routing.
fn refuse(request: &Request<Incoming>) -> Option<Problem> {
    let (target, headers) = (request.uri(), request.headers());
    // Only targets in origin form are answered: not http://host/path, host:port (CONNECT) or *.
    if target.authority().is_some() || !target.path().starts_with('/') {
        return Some(problem::BAD_REQUEST);
    }
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        return Some(problem::BAD_REQUEST);
    }
    let query = target.query().map_or(0, |query| query.len() + 1);
    let request_line = request.method().as_str().len() + target.path().len() + query + 12;
    let fields: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    (request_line + fields + 2 > MAX_HEAD_BYTES).then_some(problem::HEAD_TOO_LARGE)
}

/// The answer to one request.
pub struct Answer {
    progress: Progress,
    closes: bool,
    body_read: Option<ReadToEnd>,
    ending: Option<Ending>,
}

enum Progress {
    Refused(Problem),
    Routed(RouteFuture<Infallible>),
}

impl Future for Answer {
    type Output = Result<Response<GuardedBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut response = match &mut this.progress {
            Progress::Refused(problem) => {
                this.closes = true;
                let mut response = Response::new(Body::from(problem.body.clone()));
                *response.status_mut() = problem.status;
                response
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
                response
            }
            Progress::Routed(routed) => match ready!(Pin::new(routed).poll(context)) {
                Ok(response) => response,
                Err(never) => match never {},
            },
        };
        let has_no_content = matches!(
            response.status(),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
        let headers = response.headers_mut();
        if has_no_content {
            headers.remove(CONTENT_LENGTH); // axum gives them one of 0
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        // hyper closes the connection behind a body of which something is left, and tells nobody: a client
        // would send its next request in vain.
        let left = this.body_read.as_ref().is_some_and(|read| !read.get());
        if this.closes || left {
            headers.insert(CONNECTION, CLOSE);
        }
        let ending = this.ending.take();
        Poll::Ready(Ok(response.map(|body| GuardedBody {
            body,
            _ending: ending,
        })))
    }
}

/// The body of an answer, with whose end the request ends.
pub struct GuardedBody {
    body: Body,
    _ending: Option<Ending>,
}

impl http_body::Body for GuardedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Ending {
    phase: Arc<Phase>,
    had_body: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.phase.end(self.had_body);
    }
}
