//! Who plays: an admin, a finance person, a host and eight buyers, each with an id and a token of their own.

use anyhow::{Context, Result};
use serde_json::Value;
use uuid::Uuid;

use crate::client::{Caller, Server};

pub(super) const BUYERS: usize = 8;

pub(super) struct Cast {
    pub admin: Caller,
    pub finance: Caller,
    pub host: Caller,
    pub buyers: Vec<Caller>,
    pub stranger: Caller,
    /// Set when the host has scheduled it.
    pub room: String,
    /// Those who got a seat and a ticket in the end, in order.
    pub holders: Vec<Holder>,
    /// Refunded before the start.
    pub refunded: Option<Holder>,
    /// Never got a ticket.
    pub without_ticket: Option<Caller>,
}

#[derive(Clone)]
pub(super) struct Holder {
    pub caller: Caller,
    pub ticket: String,
}

impl Holder {
    /// The holder's ticket as the API shows it.
    pub(super) async fn look(&self) -> Result<Value> {
        self.caller
            .get(&format!("/v1/tickets/{}", self.ticket))
            .await?
            .expect(200, "a holder looks at their ticket")
    }
}

impl Cast {
    pub(super) async fn gather(server: &Server) -> Result<Self> {
        let mut buyers = Vec::with_capacity(BUYERS);
        for _ in 0..BUYERS {
            buyers.push(person(server, &[]).await?);
        }
        Ok(Self {
            admin: person(server, &["admin"]).await?,
            finance: person(server, &["finance"]).await?,
            host: person(server, &[]).await?,
            buyers,
            stranger: server.stranger()?,
            room: String::new(),
            holders: Vec::new(),
            refunded: None,
            without_ticket: None,
        })
    }

    pub(super) fn room_path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}{rest}", self.room)
    }
}

async fn person(server: &Server, roles: &[&str]) -> Result<Caller> {
    server.caller(&Uuid::new_v4().to_string(), roles).await
}

/// A text field that the API promises.
pub(super) fn text(body: &Value, pointer: &str) -> Result<String> {
    let found = body.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .with_context(|| format!("expected a text at {pointer} of {body}"))
}

/// A number field that the API promises.
pub(super) fn number(body: &Value, pointer: &str) -> Result<i64> {
    let found = body.pointer(pointer).and_then(Value::as_i64);
    found.with_context(|| format!("expected a number at {pointer} of {body}"))
}

/// A list field that the API promises.
pub(super) fn list<'a>(body: &'a Value, pointer: &str) -> Result<&'a [Value]> {
    let found = body.pointer(pointer).and_then(Value::as_array);
    found
        .map(Vec::as_slice)
        .with_context(|| format!("expected a list at {pointer} of {body}"))
}
