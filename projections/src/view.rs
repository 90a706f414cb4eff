//! The views there are, and how each is written.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::AnyEvent;
use event_log::{Recorded, Subscriber, SubscriberError};
use sqlx::PgConnection;

use crate::convert::words;
use crate::{ApplyError, catalogue, earnings, entitlements, ledger, presence, schema, statements, tickets, timeline};

words! {
    /// A read model.
    pub enum View {
        Catalogue = "catalogue",
        Tickets = "tickets",
        Earnings = "earnings",
        Ledger = "ledger",
        Entitlements = "entitlements",
        Presence = "presence",
        Timeline = "timeline",
        Statements = "statements",
    }
}

impl View {
    /// Raised whenever tables or `evolve` change: the next start then fills the new version beside the old one.
    pub const fn version(self) -> i32 {
        match self {
            Self::Statements => 1,
            Self::Presence => 2,
            Self::Timeline => 3,
            Self::Tickets => 5,
            Self::Earnings => 6,
            Self::Ledger => 7,
            Self::Entitlements => 8,
            Self::Catalogue => 10,
        }
    }

    pub(crate) const fn tables(self) -> &'static str {
        match self {
            Self::Catalogue => include_str!("catalogue/schema.sql"),
            Self::Tickets => include_str!("tickets/schema.sql"),
            Self::Earnings => include_str!("earnings/schema.sql"),
            Self::Ledger => include_str!("ledger/schema.sql"),
            Self::Entitlements => include_str!("entitlements/schema.sql"),
            Self::Presence => include_str!("presence/schema.sql"),
            Self::Timeline => include_str!("timeline/schema.sql"),
            Self::Statements => include_str!("statements/schema.sql"),
        }
    }

    /// Indexes for readers, which a rebuild makes when the tables are full.
    pub(crate) const fn indexes(self) -> &'static str {
        match self {
            Self::Catalogue => include_str!("catalogue/indexes.sql"),
            Self::Tickets => include_str!("tickets/indexes.sql"),
            Self::Earnings => include_str!("earnings/indexes.sql"),
            Self::Ledger => include_str!("ledger/indexes.sql"),
            Self::Entitlements => include_str!("entitlements/indexes.sql"),
            Self::Presence | Self::Timeline | Self::Statements => "",
        }
    }

    /// Whether an event may change anything here.
    pub(crate) fn concerns(self, event: &AnyEvent) -> bool {
        match self {
            Self::Catalogue => catalogue::evolve(event).is_some(),
            Self::Tickets => tickets::evolve(event).is_some(),
            Self::Earnings => matches!(event, AnyEvent::Payout(..)),
            Self::Ledger => matches!(event, AnyEvent::Ticket(..) | AnyEvent::Payout(..)),
            Self::Entitlements => entitlements::evolve(event).is_some(),
            Self::Presence => presence::evolve(event).is_some(),
            Self::Timeline => timeline::evolve(event).is_some(),
            Self::Statements => statements::evolve(event).is_some(),
        }
    }

    /// The types of the aggregates whose events may change anything here.
    pub(crate) const fn aggregates(self) -> &'static [&'static str] {
        match self {
            Self::Catalogue => &["room"],
            Self::Earnings => &["payout"],
            Self::Statements => &["payout", "shop"],
            Self::Ledger => &["ticket", "payout"],
            Self::Tickets | Self::Entitlements | Self::Presence | Self::Timeline => &["room", "ticket"],
        }
    }

    /// How long a page may be let grow under load. Nobody sells by the timeline, the earnings or the statements.
    const fn gathers_for(self) -> Duration {
        match self {
            Self::Timeline | Self::Earnings | Self::Presence | Self::Statements => Duration::from_millis(500),
            Self::Catalogue | Self::Tickets | Self::Ledger | Self::Entitlements => Duration::from_millis(40),
        }
    }

    /// Writes a page into the tables that `search_path` names.
    async fn apply(self, page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
        match self {
            Self::Catalogue => catalogue::apply(page, tables).await,
            Self::Tickets => tickets::apply(page, tables).await,
            Self::Earnings => earnings::apply(page, tables).await,
            Self::Ledger => ledger::apply(page, tables).await,
            Self::Entitlements => entitlements::apply(page, tables).await,
            Self::Presence => presence::apply(page, tables).await,
            Self::Timeline => timeline::apply(page, tables).await,
            Self::Statements => statements::apply(page, tables).await,
        }
    }
}

/// Where a view's tables are: what everybody reads, or what a rebuild fills beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Live,
    Next,
    /// What a rebuild has replaced, until it is dropped.
    Old,
}

/// Follows the log for one side of a view.
#[derive(Debug)]
pub(crate) struct ViewSubscriber {
    view: View,
    schema: String,
    name: String,
}

impl ViewSubscriber {
    pub(crate) fn new(view: View, side: Side) -> Self {
        Self {
            view,
            schema: schema::name(view, side),
            name: schema::checkpoint_name(view, side),
        }
    }

    /// Of a view that follows nothing: it is fed.
    pub(crate) fn in_schema(view: View, schema: String) -> Self {
        let name = schema.clone();
        Self { view, schema, name }
    }

    pub(crate) async fn write(&self, page: &[Arc<Recorded>], transaction: &mut PgConnection) -> Result<(), ApplyError> {
        let found = schema::enter_versioned(&self.schema, transaction).await?;
        let expected = self.view.version();
        if found != expected {
            let view = self.view;
            return Err(ApplyError::ForeignVersion { view, found, expected });
        }
        Box::pin(self.view.apply(page, transaction)).await?;
        Ok(())
    }
}

#[async_trait]
impl Subscriber for ViewSubscriber {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> i32 {
        self.view.version()
    }

    fn concerns(&self, event: &AnyEvent) -> bool {
        self.view.concerns(event)
    }

    fn gathers_for(&self) -> Duration {
        self.view.gathers_for()
    }

    async fn handle(&self, page: &[Arc<Recorded>], transaction: &mut PgConnection) -> Result<(), SubscriberError> {
        Ok(self.write(page, transaction).await?)
    }
}
