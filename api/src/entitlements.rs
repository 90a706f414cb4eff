//! Tells the media bridge who may be where, out of the projection.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use domain::SessionId;
use event_log::EventLog;
use media_bridge::{
    Admission, DesiredPerson, DesiredRecording, DesiredRoom, Entitlements, EntitlementsError, Identity, RefusalReason,
    StageRole,
};
use projections::entitlements::{self, AdmissionRow, LiveRoomRow, RefusalReason as Reason, RoleRow, Who};
use projections::{Projections, View};
use sqlx::PgPool;
use tokio::sync::OnceCell;

/// Speaks only once the view has seen what was in the log at the start: an older wish would close live rooms, open those
/// that are over, and admit people who were removed.
#[derive(Debug)]
pub struct ProjectedEntitlements {
    pool: PgPool,
    log: Arc<dyn EventLog>,
    projections: Projections,
    /// Where the log ended when it was first asked.
    start: OnceCell<u64>,
}

impl ProjectedEntitlements {
    pub fn new(pool: PgPool, log: Arc<dyn EventLog>, projections: Projections) -> Self {
        Self {
            pool,
            log,
            projections,
            start: OnceCell::new(),
        }
    }

    async fn check_caught_up(&self) -> Result<(), EntitlementsError> {
        let head = || async { self.log.head().await.map(|head| head.position) };
        let start = *self.start.get_or_try_init(head).await.map_err(unreadable)?;
        if self.projections.position(View::Entitlements) >= start {
            return Ok(());
        }
        Err(unreadable(io::Error::other(
            "the entitlements view has not caught up yet",
        )))
    }
}

#[async_trait]
impl Entitlements for ProjectedEntitlements {
    async fn live_rooms(&self) -> Result<Vec<DesiredRoom>, EntitlementsError> {
        self.check_caught_up().await?;
        let rows = entitlements::live_rooms(&self.pool).await.map_err(unreadable)?;
        Ok(rows.into_iter().map(desired_room).collect())
    }

    async fn admission(&self, session: SessionId, identity: Identity) -> Result<Admission, EntitlementsError> {
        self.check_caught_up().await?;
        let who = match identity {
            Identity::Ticket(ticket_id) => Who::Ticket(ticket_id),
            Identity::Host(user) => Who::Host(user),
        };
        let row = entitlements::admission(&self.pool, session, who)
            .await
            .map_err(unreadable)?;
        Ok(match row {
            AdmissionRow::Admitted { may_speak, entry } => Admission::Admitted { may_speak, entry },
            AdmissionRow::Refused(Reason::NotIssued) => Admission::Refused(RefusalReason::NotIssued),
            AdmissionRow::Refused(Reason::Refunded) => Admission::Refused(RefusalReason::Refunded),
            AdmissionRow::Refused(Reason::Banned) => Admission::Refused(RefusalReason::Banned),
            AdmissionRow::Refused(Reason::Removed) => Admission::Refused(RefusalReason::Removed),
            AdmissionRow::NoSuchRoom => Admission::NoSuchRoom,
        })
    }
}

fn desired_room(row: LiveRoomRow) -> DesiredRoom {
    let people = row.people.into_iter().map(|person| DesiredPerson {
        identity: person.ticket_id.map_or(Identity::Host(person.user), Identity::Ticket),
        user: person.user,
        ticket_id: person.ticket_id,
        role: match person.role {
            RoleRow::Host => StageRole::Host,
            RoleRow::CoHost => StageRole::CoHost,
            RoleRow::Speaker => StageRole::Speaker,
            RoleRow::Listener => StageRole::Listener,
        },
        is_muted: person.muted,
        asks: person.asks,
        entry: person.entry,
        taken_over_at: person.taken_over_at,
    });
    DesiredRoom {
        room_id: row.room_id,
        session_id: row.session_id,
        host: row.host,
        lead: row.lead,
        capacity: row.capacity,
        live_since: row.live_since,
        recording: DesiredRecording {
            allowed: row.recording.allowed,
            runs: row.recording.runs,
        },
        people: people.collect(),
    }
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> EntitlementsError {
    EntitlementsError(Box::new(error))
}
