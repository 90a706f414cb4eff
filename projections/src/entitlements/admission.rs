//! Whether somebody may be in a live room now.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::{SessionId, TicketId, UserId};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::queries::number;
use crate::QueryError;

/// Who knocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Ticket(TicketId),
    Host(UserId),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdmissionRow {
    Admitted {
        may_speak: bool,
        /// The number of the entry that is good now.
        entry: u32,
    },
    Refused(RefusalReason),
    /// No such opening, or it is over.
    NoSuchRoom,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalReason {
    NotIssued,
    Refunded,
    Removed,
    Banned,
}

const ADMISSION_OF_TICKET: &str = "
    SELECT t.right_to,
        (SELECT min(x.reason) FROM view_entitlements.excluded x
            WHERE x.room_id = r.room_id AND x.person = t.holder) AS excluded,
        EXISTS (SELECT FROM view_entitlements.voices v WHERE v.room_id = r.room_id AND v.person = t.holder
            AND v.stands IN ('speaks', 'co_host') AND NOT v.muted) AS may_speak,
        (SELECT e.entry FROM view_entitlements.entries e
            WHERE e.room_id = r.room_id AND e.entrant = $2 AND e.is_ticket) AS entry
    FROM view_entitlements.rooms r
    LEFT JOIN view_entitlements.tickets t ON t.room_id = r.room_id AND t.ticket_id = $2
    WHERE r.session_id = $1 AND r.live";

const ADMISSION_OF_HOST_SIDE: &str = "
    SELECT r.host, v.muted,
        (SELECT e.entry FROM view_entitlements.entries e
            WHERE e.room_id = r.room_id AND e.entrant = $2 AND NOT e.is_ticket) AS entry,
        (SELECT min(x.reason) FROM view_entitlements.excluded x
            WHERE x.room_id = r.room_id AND x.person = $2) AS excluded
    FROM view_entitlements.rooms r
    LEFT JOIN view_entitlements.voices v ON v.room_id = r.room_id AND v.person = $2 AND v.stands = 'co_host'
    WHERE r.session_id = $1 AND (r.live OR r.lobby)";

#[derive(FromRow)]
struct TicketRecord {
    right_to: Option<String>,
    excluded: Option<String>,
    may_speak: bool,
    entry: Option<i32>,
}

#[derive(FromRow)]
struct HostSideRecord {
    host: Uuid,
    muted: Option<bool>,
    entry: Option<i32>,
    excluded: Option<String>,
}

/// Whether somebody may be in this opening now.
pub async fn admission(pool: &PgPool, session: SessionId, who: Who) -> Result<AdmissionRow, QueryError> {
    match who {
        Who::Ticket(ticket) => admission_of_ticket(pool, session, ticket).await,
        Who::Host(user) => admission_of_host_side(pool, session, user).await,
    }
}

async fn admission_of_ticket(pool: &PgPool, session: SessionId, ticket: TicketId) -> Result<AdmissionRow, QueryError> {
    let record: Option<TicketRecord> = sqlx::query_as(ADMISSION_OF_TICKET)
        .bind(session.as_uuid())
        .bind(ticket.as_uuid())
        .fetch_optional(pool)
        .await?;
    let Some(TicketRecord {
        right_to,
        excluded,
        may_speak,
        entry,
    }) = record
    else {
        return Ok(AdmissionRow::NoSuchRoom);
    };
    Ok(match (right_to.as_deref(), excluded) {
        (Some("refunded"), _) => AdmissionRow::Refused(RefusalReason::Refunded),
        (Some("entry"), Some(reason)) => AdmissionRow::Refused(exclusion(&reason)),
        (Some("entry"), None) => AdmissionRow::Admitted {
            may_speak,
            entry: number(entry),
        },
        _ => AdmissionRow::Refused(RefusalReason::NotIssued),
    })
}

fn exclusion(reason: &str) -> RefusalReason {
    if reason == "removed" {
        RefusalReason::Removed
    } else {
        RefusalReason::Banned
    }
}

async fn admission_of_host_side(pool: &PgPool, session: SessionId, user: UserId) -> Result<AdmissionRow, QueryError> {
    let record: Option<HostSideRecord> = sqlx::query_as(ADMISSION_OF_HOST_SIDE)
        .bind(session.as_uuid())
        .bind(user.as_uuid())
        .fetch_optional(pool)
        .await?;
    let Some(HostSideRecord {
        host,
        muted,
        entry,
        excluded,
    }) = record
    else {
        return Ok(AdmissionRow::NoSuchRoom);
    };
    let entry = number(entry);
    Ok(match (muted, excluded) {
        _ if host == user.as_uuid() => AdmissionRow::Admitted { may_speak: true, entry },
        (Some(muted), _) => AdmissionRow::Admitted {
            may_speak: !muted,
            entry,
        },
        (None, Some(reason)) => AdmissionRow::Refused(exclusion(&reason)),
        (None, None) => AdmissionRow::Refused(RefusalReason::NotIssued),
    })
}
