//! Who hosts are to the shop: written event by event, for they are few.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]
#![deny(clippy::wildcard_enum_match_arm)]

use domain::payout::{Application, HostDecision, Verdict};
use domain::{FailedFact, HostFacts, Label, PayoutEvent, TermsHash, Timestamp, UserId};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::Standing;

const APPLY: &str = "
    INSERT INTO standings (host, standing, applied, channels) VALUES ($1, 'applied', $2, $3)
    ON CONFLICT (host) DO UPDATE SET
        standing = excluded.standing,
        applied = excluded.applied,
        channels = excluded.channels,
        reason = NULL,
        decided_at = NULL,
        failed = excluded.failed";

const DECIDE: &str = "
    INSERT INTO standings (host, standing, reason, failed, decided_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (host) DO UPDATE SET
        standing = excluded.standing,
        reason = excluded.reason,
        failed = excluded.failed,
        decided_at = excluded.decided_at";

const SUSPEND: &str = "
    INSERT INTO standings (host, suspended_at, suspension_reason) VALUES ($1, $2, $3)
    ON CONFLICT (host) DO UPDATE SET
        suspended_at = excluded.suspended_at,
        suspension_reason = excluded.suspension_reason";

const STATE: &str = "
    INSERT INTO standings (host, stated) VALUES ($1, $2)
    ON CONFLICT (host) DO UPDATE SET stated = excluded.stated";

const ACCEPT: &str = "
    INSERT INTO standings (host, terms_sha256, terms_accepted_at) VALUES ($1, $2, $3)
    ON CONFLICT (host) DO UPDATE SET
        terms_sha256 = excluded.terms_sha256,
        terms_accepted_at = excluded.terms_accepted_at";

/// What changes in who a host is to the shop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum StandingStep<'a> {
    Applied(Option<&'a Application>),
    Decided(StandingDecision<'a>),
    Suspended { reason: &'a Label, at: Timestamp },
    Reinstated,
    Stated(&'a HostFacts),
    Accepted { terms: &'a TermsHash, at: Timestamp },
}

/// By an admin, or else by the rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct StandingDecision<'a> {
    standing: Standing,
    reason: Option<&'a Label>,
    failed: &'a [FailedFact],
    at: Timestamp,
}

/// `None` for what is about money.
fn evolve(event: &PayoutEvent) -> Option<StandingStep<'_>> {
    match event {
        PayoutEvent::HostApplied { application, .. } => Some(StandingStep::Applied(application.as_deref())),
        PayoutEvent::HostApproved {
            reason,
            verdict,
            approved_at,
            ..
        } => Some(StandingStep::Decided(StandingDecision {
            standing: Standing::Approved,
            reason: reason.as_ref(),
            failed: failed(verdict.as_deref()),
            at: *approved_at,
        })),
        PayoutEvent::HostWaitlisted(decision) => Some(decided(Standing::Waitlisted, decision)),
        PayoutEvent::HostDeclined(decision) => Some(decided(Standing::Declined, decision)),
        PayoutEvent::HostSuspended {
            reason, suspended_at, ..
        } => Some(StandingStep::Suspended {
            reason,
            at: *suspended_at,
        }),
        PayoutEvent::HostReinstated { .. } => Some(StandingStep::Reinstated),
        PayoutEvent::FactsStated { facts, .. } => Some(StandingStep::Stated(facts)),
        PayoutEvent::TermsAccepted {
            terms_sha256,
            accepted_at,
        } => Some(StandingStep::Accepted {
            terms: terms_sha256,
            at: *accepted_at,
        }),
        PayoutEvent::GuestBanned { .. }
        | PayoutEvent::GuestUnbanned { .. }
        | PayoutEvent::DestinationLinked { .. }
        | PayoutEvent::EarningCredited(_)
        | PayoutEvent::EarningHeld(_)
        | PayoutEvent::EarningReleased(_)
        | PayoutEvent::EarningReversed(_)
        | PayoutEvent::PayoutRequested { .. }
        | PayoutEvent::PayoutSent { .. }
        | PayoutEvent::PayoutPaid { .. }
        | PayoutEvent::PayoutFailed { .. }
        | PayoutEvent::PayoutReturned { .. }
        | PayoutEvent::PayoutScheduleChosen { .. }
        | PayoutEvent::PayoutRolledOver { .. }
        | PayoutEvent::ShareCredited(_)
        | PayoutEvent::EarningsMatured { .. }
        | PayoutEvent::ReserveReleased { .. }
        | PayoutEvent::ReceivableNetted { .. } => None,
    }
}

fn decided(standing: Standing, decision: &HostDecision) -> StandingStep<'_> {
    StandingStep::Decided(StandingDecision {
        standing,
        reason: decision.reason.as_ref(),
        failed: failed(decision.verdict.as_ref()),
        at: decision.decided_at,
    })
}

fn failed(verdict: Option<&Verdict>) -> &[FailedFact] {
    verdict.map_or(&[], |verdict| &verdict.failed)
}

pub(super) async fn write(host: UserId, event: &PayoutEvent, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let Some(step) = evolve(event) else {
        return Ok(());
    };
    let host = host.as_uuid();
    let query = match step {
        StandingStep::Applied(application) => {
            let facts = application.map(|application| application.facts.clone());
            let channels = application.map(|application| application.channels.clone());
            sqlx::query(APPLY)
                .bind(host)
                .bind(Json(facts.unwrap_or_default()))
                .bind(Json(channels.unwrap_or_default()))
        }
        StandingStep::Decided(decision) => sqlx::query(DECIDE)
            .bind(host)
            .bind(decision.standing.as_str())
            .bind(decision.reason.map(Label::as_str))
            .bind(Json(decision.failed))
            .bind(decision.at),
        StandingStep::Suspended { reason, at } => sqlx::query(SUSPEND).bind(host).bind(at).bind(reason.as_str()),
        StandingStep::Reinstated => sqlx::query(SUSPEND)
            .bind(host)
            .bind(None::<Timestamp>)
            .bind(None::<&str>),
        StandingStep::Stated(facts) => sqlx::query(STATE).bind(host).bind(Json(facts)),
        StandingStep::Accepted { terms, at } => sqlx::query(ACCEPT).bind(host).bind(terms.to_string()).bind(at),
    };
    query.execute(tables).await?;
    Ok(())
}
