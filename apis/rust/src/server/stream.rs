//! A connection with time-outs for heads and idleness, and an end that loses no answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::time::{sleep_until, Instant, Sleep};

use super::phase::{Phase, Step};

/// How much is read at once while a head is awaited, so that hyper notices one that is too large.
pub const HEAD_READ_BYTES: u64 = 4 << 10;

/// From the first octet of a head to its last.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client may take nothing of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// What a client still sends is read for so long, and so much of it, when its connection is closed:
/// the kernel answers unread octets with a reset, which may overtake the answer. RFC 9112, section 9.6.
const LINGER_TIMEOUT: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 4 << 20;

const HEAD_END: [u8; 4] = *b"\r\n\r\n";

/// What the deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Idle,
    Head,
    Write,
    Linger,
}

pub struct LimitedStream<S> {
    stream: Take<S>,
    phase: Arc<Phase>,
    /// How many requests had begun when the limit was looked at last: one that has begun since has
    /// ended it.
    requests: u32,
    limit: Option<Limit>,
    deadline: Instant,
    /// Fires at the deadline or before: it is set anew only when it has fired, which spares touching
    /// the runtime's timer with each request.
    timer: Pin<Box<Sleep>>,
    /// The last octets that were read while heads were awaited, as many as end one: an end may come in
    /// several reads.
    tail: [u8; HEAD_END.len()],
    lingered: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> LimitedStream<S> {
    pub fn new(stream: S, phase: Arc<Phase>) -> Self {
        let deadline = Instant::now() + IDLE_TIMEOUT;
        Self {
            stream: stream.take(HEAD_READ_BYTES),
            phase,
            requests: 0,
            limit: None,
            deadline,
            timer: Box::pin(sleep_until(deadline)),
            tail: HEAD_END,
            lingered: 0,
        }
    }

    /// Starts the time of a limit, unless it runs already.
    fn start(&mut self, limit: Limit, duration: Duration) {
        if self.limit != Some(limit) {
            self.limit = Some(limit);
            self.deadline = Instant::now() + duration;
            if self.timer.deadline() > self.deadline {
                let deadline = self.deadline;
                self.timer.as_mut().reset(deadline);
            }
        }
    }

    /// Is ready when the deadline is over.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            let deadline = self.deadline;
            self.timer.as_mut().reset(deadline);
        }
    }

    fn remember(&mut self, octets: &[u8]) {
        let fresh = &octets[octets.len().saturating_sub(self.tail.len())..];
        self.tail.rotate_left(fresh.len());
        let start = self.tail.len() - fresh.len();
        self.tail[start..].copy_from_slice(fresh);
    }

    fn poll_read_within_limits(
        &mut self,
        context: &mut Context<'_>,
        step: Step,
    ) -> Poll<io::Result<()>> {
        let starts = match step {
            Step::Answering => return Poll::Pending,
            // hyper has read the begin of a head together with what was before it.
            Step::Waiting if self.tail != HEAD_END => (Limit::Head, HEAD_TIMEOUT),
            Step::Waiting | Step::WaitingBehindBody => (Limit::Idle, IDLE_TIMEOUT),
        };
        if self.limit != Some(Limit::Head) {
            self.start(starts.0, starts.1);
        }
        ready!(self.poll_deadline(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_write_within_limits<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            if self.limit == Some(Limit::Write) {
                self.limit = None;
            }
            return result;
        }
        self.start(Limit::Write, WRITE_TIMEOUT);
        ready!(self.poll_deadline(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads what still comes, until the client closes its side or has had its time.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.start(Limit::Linger, LINGER_TIMEOUT);
        let mut scratch = [0; 8 << 10];
        while self.lingered < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(self.stream.get_mut()).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.lingered += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.poll_deadline(context),
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for LimitedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let step = this.phase.step();
        if this.requests != this.phase.requests() {
            this.requests = this.phase.requests();
            this.limit = None;
        }
        let waiting = step != Step::Answering;
        this.stream
            .set_limit(if waiting { HEAD_READ_BYTES } else { u64::MAX });
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Pending => this.poll_read_within_limits(context, step),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                let octets = &buffer.filled()[before..];
                if waiting && !octets.is_empty() {
                    this.remember(octets);
                    this.start(Limit::Head, HEAD_TIMEOUT);
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LimitedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(this.stream.get_mut()).poll_write(context, octets);
        this.poll_write_within_limits(context, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(this.stream.get_mut()).poll_write_vectored(context, slices);
        this.poll_write_within_limits(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.get_ref().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().stream.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.limit != Some(Limit::Linger) {
            ready!(Pin::new(this.stream.get_mut()).poll_shutdown(context))?;
        }
        ready!(this.poll_linger(context));
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
