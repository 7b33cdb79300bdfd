use std::sync::{Arc, Mutex};

use serde_json::{json, Value};
use tracing_subscriber::registry;

use super::*;

/// A place that lines are written to, to be read again.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl io::Write for Output {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines that an action leaves, as far as it logs on this thread.
pub fn logged(action: impl FnOnce()) -> Vec<Value> {
    let output = Output::default();
    let written = output.clone();
    let layer = JsonLines {
        output: move || output.clone(),
    };
    tracing::subscriber::with_default(registry().with(layer), action);
    let octets = written.0.lock().unwrap().clone();
    let text = String::from_utf8(octets).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_has_time_level_message_and_fields() {
    let lines = logged(|| {
        let span = tracing::info_span!("request", method = "GET", path = "/a\"b");
        span.in_scope(|| tracing::info!(status = 200_u16, duration_ms = 1.25, "request"));
        tracing::error!(error = %"it\nbroke", count = -1, flag = true, "internal error");
    });
    let [request, error] = &lines[..] else {
        panic!("{lines:?}")
    };
    let time = request["time"].as_str().unwrap();
    assert!(
        chrono::DateTime::parse_from_rfc3339(time).is_ok() && time.ends_with('Z'),
        "{time}"
    );
    let without_time = |line: &Value| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove("time");
        line
    };
    assert_eq!(
        without_time(request),
        json!({
            "level": "info", "message": "request", "method": "GET", "path": "/a\"b",
            "status": 200, "duration_ms": 1.25,
        })
    );
    assert_eq!(
        without_time(error),
        json!({
            "level": "error", "message": "internal error", "error": "it\nbroke",
            "count": -1, "flag": true,
        })
    );
}

#[test]
fn a_limiter_passes_once_in_an_interval() {
    let never_again = Limiter::new(Duration::from_secs(3600));
    assert!(never_again.passes());
    assert!(!never_again.passes());
    let always = Limiter::new(Duration::ZERO);
    assert!(always.passes());
    assert!(always.passes());
}
