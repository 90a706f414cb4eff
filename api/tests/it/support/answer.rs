//! What came back.

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) text: String,
    /// Null if the body is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        // A stream has no end.
        let is_stream = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        let bytes = if is_stream {
            Bytes::new()
        } else {
            body.collect().await.expect("the body is in memory").to_bytes()
        };
        Self {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            bytes,
        }
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// The same, and the position it says.
    #[track_caller]
    pub(crate) fn expect_written(self, status: u16) -> (Value, u64) {
        let position = self.position();
        (self.expect(status), position.expect("a write says its position"))
    }

    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, code: &str) {
        let told = (self.status.as_u16(), self.body["code"].as_str());
        assert_eq!(told, (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn position(&self) -> Option<u64> {
        self.header("log-position").and_then(|text| text.parse().ok())
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The first field that is wrong.
    pub(crate) fn pointer(&self) -> Option<&str> {
        self.body["errors"][0]["pointer"].as_str()
    }
}

#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}"))
}
