//! Who plays: those who run the shop, a host, three buyers, and one who came too late.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::client::{Caller, Server};
use crate::demo::people::{Holder, list, number, person, text};

/// More than a ticket of this act has.
const FACTS_MAX: usize = 200;

pub(super) struct Cast {
    pub(super) admin: Caller,
    pub(super) finance: Caller,
    pub(super) host: Caller,
    pub(super) ann: Caller,
    pub(super) ben: Caller,
    pub(super) cleo: Caller,
    pub(super) dan: Caller,
    /// Set when the host has scheduled it.
    pub(super) room: String,
}

/// The three tickets, and what there was of a fourth.
pub(super) struct Sales {
    pub(super) ann: Holder,
    pub(super) ben: Holder,
    /// Refunded before the start.
    pub(super) cleo: Holder,
    /// Dan was refused a seat: the position of the room's last event before that.
    pub(super) refused_at: u64,
}

impl Cast {
    pub(super) async fn gather(server: &Server) -> Result<Self> {
        Ok(Self {
            admin: person(server, &["admin"]).await?,
            finance: person(server, &["finance"]).await?,
            host: person(server, &[]).await?,
            ann: person(server, &[]).await?,
            ben: person(server, &[]).await?,
            cleo: person(server, &[]).await?,
            dan: person(server, &[]).await?,
            room: String::new(),
        })
    }

    pub(super) fn room_path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}{rest}", self.room)
    }

    /// What finance reads.
    pub(super) async fn read(&self, path: &str) -> Result<Value> {
        let answer = self.finance.get(path).await?;
        answer.expect(200, &format!("finance reads {path}"))
    }

    /// The event at a position, as the log has it.
    pub(super) async fn event(&self, position: i64) -> Result<Value> {
        let page = self
            .read(&format!("/v1/log/events?after={}&limit=1", position - 1))
            .await?;
        let found = list(&page, "/data")?.first().cloned();
        found.with_context(|| format!("expected an event at position {position}"))
    }

    /// Where the fact of a type is in a ticket's stream.
    pub(super) async fn position_of(&self, holder: &Holder, event_type: &str) -> Result<i64> {
        let path = format!("/v1/log/events?aggregate=ticket-{}&limit={FACTS_MAX}", holder.ticket);
        let page = self.read(&path).await?;
        let mut facts = list(&page, "/data")?.iter();
        let found = facts.find(|fact| fact["event_type"] == event_type);
        number(
            found.with_context(|| format!("expected {event_type} in {page}"))?,
            "/position",
        )
    }

    /// The trial balance as of a position.
    pub(super) async fn books(&self, position: i64) -> Result<Books> {
        let path = format!("/v1/ledger/trial_balance?as_of={position}");
        Ok(Books(self.read(&path).await?))
    }
}

/// A trial balance.
pub(super) struct Books(Value);

impl Books {
    /// `side` is `debit_minor`, `credit_minor` or `balance_minor`. An account that was not there yet has nothing.
    pub(super) fn of(&self, account: &str, side: &str) -> Result<i64> {
        let mut sum = 0;
        for line in list(&self.0, "/data")? {
            if text(line, "/account")? == account {
                sum += number(line, &format!("/{side}"))?;
            }
        }
        Ok(sum)
    }
}
