//! People of the shop, their tickets, and what the API's answers say.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Caller, Server};

/// Somebody who holds a ticket, or held one.
#[derive(Clone)]
pub(super) struct Holder {
    pub(super) caller: Caller,
    pub(super) ticket: String,
}

impl Holder {
    /// The holder's ticket as the API shows it.
    pub(super) async fn look(&self) -> Result<Value> {
        self.caller
            .get(&self.path(""))
            .await?
            .expect(200, "a holder looks at their ticket")
    }

    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v1/tickets/{}{rest}", self.ticket)
    }
}

/// Somebody new, with an id and a token of their own.
pub(super) async fn person(server: &Server, roles: &[&str]) -> Result<Caller> {
    server.caller(&Uuid::new_v4().to_string(), roles).await
}

/// Somebody becomes a host, and says where payouts go.
pub(super) async fn become_host(host: &Caller, admin: &Caller, destination: &str) -> Result<()> {
    host.put("/v1/me/host_application", &json!({}))
        .await?
        .expect(200, "the host applies")?;
    let approve = format!("/v1/hosts/{}/approve", host.user_id());
    admin
        .post(&approve, &json!({}))
        .await?
        .expect(200, "the admin approves the host")?;
    host.put("/v1/me/payout_destination", &json!({"destination": destination}))
        .await?
        .expect(200, "the host says where payouts go")?;
    Ok(())
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
