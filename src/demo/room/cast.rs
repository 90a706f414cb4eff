//! Who plays: an admin, a finance person, a host and eight buyers.

use anyhow::Result;

use crate::client::{Caller, Server};
use crate::demo::people::{Holder, person};

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
