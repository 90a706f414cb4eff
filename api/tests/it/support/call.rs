//! A request in the making.

use axum::body::Body;
use http::{Method, Request};
use serde_json::Value;

use super::{Answer, Person, TestApp};

pub(crate) struct Call<'a> {
    app: &'a TestApp,
    builder: http::request::Builder,
    body: Body,
}

impl<'a> Call<'a> {
    pub(super) fn new(app: &'a TestApp, method: Method, path: String) -> Self {
        Self {
            app,
            builder: Request::builder().method(method).uri(path),
            body: Body::empty(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub(crate) fn by(self, person: Person) -> Self {
        let token = self.app.token(person);
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", &format!("{key}-0123456789"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// A body that says it is JSON.
    pub(crate) fn text(self, body: impl Into<Body>) -> Self {
        let mut call = self.header("content-type", "application/json");
        call.body = body.into();
        call
    }

    pub(crate) async fn send(self) -> Answer {
        let request = self.builder.body(self.body).expect("a request");
        self.app.send(request).await
    }
}
