//! Who plays: those who run the shop, the two who share the room, and six who want in.

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::{Caller, Server};
use crate::demo::people::{Holder, person};

pub(super) struct Cast {
    pub(super) admin: Caller,
    pub(super) finance: Caller,
    pub(super) host: Caller,
    pub(super) co_host: Caller,
    pub(super) ann: Caller,
    pub(super) ben: Caller,
    pub(super) cleo: Caller,
    pub(super) dan: Caller,
    pub(super) eva: Caller,
    pub(super) fay: Caller,
    /// Set when the host has scheduled it.
    pub(super) room: String,
}

/// A ticket that was paid for.
#[derive(Clone)]
pub(super) struct Sale {
    pub(super) holder: Holder,
    /// The provider's name of the payment.
    pub(super) payment: String,
}

/// Who has the four seats when the room opens.
pub(super) struct Sales {
    pub(super) ann: Sale,
    pub(super) ben: Sale,
    pub(super) eva: Sale,
    pub(super) fay: Sale,
}

impl Cast {
    pub(super) async fn gather(server: &Server) -> Result<Self> {
        Ok(Self {
            admin: person(server, &["admin"]).await?,
            finance: person(server, &["finance"]).await?,
            host: person(server, &[]).await?,
            co_host: person(server, &[]).await?,
            ann: person(server, &[]).await?,
            ben: person(server, &[]).await?,
            cleo: person(server, &[]).await?,
            dan: person(server, &[]).await?,
            eva: person(server, &[]).await?,
            fay: person(server, &[]).await?,
            room: String::new(),
        })
    }

    pub(super) fn room_path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}{rest}", self.room)
    }

    /// Finance goes on at a server that was started again.
    pub(super) fn move_to(&mut self, server: &Server) {
        self.finance = self.finance.clone().at(server);
    }
}

/// The one balance of somebody who earns in one currency; zero before anything was earned.
pub(super) async fn balance(who: &Caller) -> Result<Value> {
    let body = who
        .get("/v1/me/earnings")
        .await?
        .expect(200, "somebody looks at their earnings")?;
    Ok(body.pointer("/balances/0").cloned().unwrap_or_else(|| json!({})))
}

/// A part of a balance, such as `available`.
pub(super) fn part(balance: &Value, name: &str) -> i64 {
    balance[name]["amount_minor"].as_i64().unwrap_or_default()
}
