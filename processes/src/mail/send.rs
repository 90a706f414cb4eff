//! One letter: is it still true, whom does it go to, and what became of it.

use std::time::Duration;

use chrono::TimeDelta;
use domain::room::{RoomFacts, RoomPhase, Seat};
use domain::ticket::TicketPhase;
use domain::{Money, Room, RoomId, Ticket, TicketId, Timestamp, UserId};
use outbound::mail::{EmailAddress, Letter, MailError, Smtp};
use tracing::{error, info, warn};
use uuid::{Uuid, uuid};

use super::template::{Values, fill, time};
use super::{Mail, Notice, Reminder, outbox};
use crate::job::later;
use crate::people::Contact;
use crate::{Deps, JobContext, JobError, JobResult, Outcome};

/// Letters are named below this.
const LETTERS: Uuid = uuid!("4f0e7f3a-8c19-5b7e-9d55-2f1f3a0c6d21");
/// A server that is away or busy is asked again for so long.
const TRIED_FOR: TimeDelta = TimeDelta::hours(48);
/// The wait before it is asked again: as long as it has lasted, within these.
const WAIT_FIRST: Duration = Duration::from_secs(2);
const WAIT_MAX: Duration = Duration::from_mins(10);

/// How letters leave, and where their links lead.
#[derive(Clone, Debug)]
pub struct Mailer {
    pub smtp: Smtp,
    /// The base of links, without a slash at its end: `{links}/tickets/{ticket}`.
    pub links: String,
}

/// A letter whose facts are looked up.
struct Draft {
    to: UserId,
    template: &'static str,
    facts: RoomFacts,
    ticket: TicketId,
    amount: Option<Money>,
    expires_at: Option<Timestamp>,
}

pub async fn send_mail(deps: &Deps, context: &JobContext, mail: Mail) -> JobResult {
    let Some(mailer) = &deps.mail else {
        return Ok(Outcome::Done);
    };
    let id = Uuid::new_v5(&LETTERS, format!("{}@{}", mail.key(), context.caused_by).as_bytes());
    if outbox::was_sent(&deps.pool, id).await? {
        return Ok(Outcome::Done);
    }
    let Some(draft) = draft(deps, &mail).await? else {
        return Ok(skipped(&mail, "no_longer_true"));
    };
    let Some(contact) = deps.people.contact(draft.to).await? else {
        return Ok(skipped(&mail, "no_address"));
    };
    let Some(email) = contact.email.clone().filter(|_| !contact.is_refused) else {
        return Ok(skipped(&mail, "no_address"));
    };
    let letter = write(id, &draft, &contact, email, &mailer.links, deps.clock.now());
    let handed_over = mailer.smtp.send(&letter).await;
    ended(deps, &mail, &letter, draft.to, handed_over).await
}

async fn ended(deps: &Deps, mail: &Mail, letter: &Letter, to: UserId, handed_over: Result<(), MailError>) -> JobResult {
    let (now, kind) = (deps.clock.now(), mail.kind());
    let count =
        |outcome: &'static str| metrics::counter!("mails_total", "kind" => kind, "outcome" => outcome).increment(1);
    match handed_over {
        Ok(()) => {
            outbox::mark_sent(&deps.pool, letter.id, now).await?;
            count("sent");
            info!(mail.id = %letter.id, mail.kind = kind, "sent a letter ({kind})");
            Ok(Outcome::Done)
        }
        Err(error @ MailError::Mailbox { .. }) => {
            deps.people.refuse_mailbox(to, &letter.to).await?;
            count("no_mailbox");
            warn!(mail.id = %letter.id, user.id = %to, "nothing more is sent to {to}: {error}");
            Ok(Outcome::Done)
        }
        Err(error @ (MailError::Later(_) | MailError::NotLetIn { .. })) => {
            count("put_off");
            if now.signed_duration_since(mail.at()) > TRIED_FOR {
                return Err(JobError::Fail(format!("given up: {error}")));
            }
            if matches!(error, MailError::NotLetIn { .. }) {
                error!(mail.id = %letter.id, "letters wait: {error}");
            } else {
                warn!(mail.id = %letter.id, "a letter ({kind}) waits: {error}");
            }
            Ok(Outcome::RetryAt(later(now, wait(now, mail.at()))))
        }
        Err(error @ (MailError::Refused { .. } | MailError::Unwritable)) => {
            count("refused");
            Err(JobError::Fail(error.to_string()))
        }
    }
}

/// Doubles the time it has lasted, within limits.
pub(super) fn wait(now: Timestamp, since: Timestamp) -> Duration {
    let lasted = now.signed_duration_since(since).to_std().unwrap_or_default();
    lasted.clamp(WAIT_FIRST, WAIT_MAX)
}

fn skipped(mail: &Mail, reason: &'static str) -> Outcome {
    metrics::counter!("mails_total", "kind" => mail.kind(), "outcome" => reason).increment(1);
    Outcome::Done
}

/// What the letter says, if it is still true.
async fn draft(deps: &Deps, mail: &Mail) -> Result<Option<Draft>, JobError> {
    let now = deps.clock.now();
    match *mail {
        Mail::Ticket { ticket, .. } => draft_ticket(deps, ticket, None).await,
        Mail::Transferred { ticket, to, .. } => draft_ticket(deps, ticket, Some(to)).await,
        Mail::Refund { ticket, refund, .. } => {
            let look = move |ticket: &Ticket| {
                let refund = ticket.refund(refund)?;
                let sale = ticket.sale()?;
                Some((sale.buyer, sale.room_id, refund.amount))
            };
            let (found, _) = deps.aggregates.tickets.read(ticket.as_uuid(), look).await?;
            let Some((to, room, amount)) = found else {
                return Ok(None);
            };
            let draft = of_room(deps, room, ticket, to, include_str!("templates/refund.txt"), |_| true).await?;
            Ok(draft.map(|draft| Draft {
                amount: Some(amount),
                ..draft
            }))
        }
        Mail::Offer {
            room,
            ticket,
            to,
            expires_at,
            ..
        } => {
            let stands = move |room: &Room| expires_at > now && matches!(room.seat(ticket), Some(Seat::Held(_)));
            let draft = of_room(deps, room, ticket, to, include_str!("templates/offer.txt"), stands).await?;
            Ok(draft.map(|draft| Draft {
                expires_at: Some(expires_at),
                ..draft
            }))
        }
        Mail::Room {
            notice,
            room,
            ticket,
            to,
            ..
        } => {
            of_room(deps, room, ticket, to, template(notice), move |room| {
                is_true(room, notice, to)
            })
            .await
        }
    }
}

async fn draft_ticket(deps: &Deps, ticket: TicketId, to: Option<UserId>) -> Result<Option<Draft>, JobError> {
    let look = move |ticket: &Ticket| {
        let holder = ticket.holder()?;
        let is_good = matches!(ticket.phase(), TicketPhase::Issued | TicketPhase::Admitted);
        let is_theirs = to.is_none_or(|to| to == holder);
        (is_good && is_theirs).then_some((holder, ticket.sale()?.room_id))
    };
    let (found, _) = deps.aggregates.tickets.read(ticket.as_uuid(), look).await?;
    let Some((holder, room)) = found else { return Ok(None) };
    let is_ahead = |room: &Room| matches!(room.phase(), RoomPhase::Scheduled | RoomPhase::Live);
    of_room(
        deps,
        room,
        ticket,
        holder,
        include_str!("templates/ticket.txt"),
        is_ahead,
    )
    .await
}

async fn of_room(
    deps: &Deps,
    room: RoomId,
    ticket: TicketId,
    to: UserId,
    template: &'static str,
    is_true: impl Fn(&Room) -> bool + Send,
) -> Result<Option<Draft>, JobError> {
    let look = move |room: &Room| room.facts().filter(|_| is_true(room)).cloned();
    let (facts, _) = deps.aggregates.rooms.read(room.as_uuid(), look).await?;
    Ok(facts.map(|facts| Draft {
        to,
        template,
        facts,
        ticket,
        amount: None,
        expires_at: None,
    }))
}

const fn template(notice: Notice) -> &'static str {
    match notice {
        Notice::Reminder {
            reminder: Reminder::Day,
            ..
        } => include_str!("templates/reminder_day.txt"),
        Notice::Reminder {
            reminder: Reminder::Soon,
            ..
        } => include_str!("templates/reminder_soon.txt"),
        Notice::DoorsOpen => include_str!("templates/doors_open.txt"),
        Notice::Rescheduled { .. } => include_str!("templates/rescheduled.txt"),
        Notice::Cancelled => include_str!("templates/cancelled.txt"),
    }
}

/// Whether a notice still holds for somebody: a room may have been moved, and a seat given back, since it was decided.
pub(super) fn is_true(room: &Room, notice: Notice, to: UserId) -> bool {
    let has_seat = || room.sold().any(|(_, holder)| holder == to);
    let starts_then = |starts_at| room.facts().is_some_and(|facts| facts.starts_at == starts_at);
    match notice {
        Notice::Reminder { starts_at, .. } | Notice::Rescheduled { starts_at } => {
            room.phase() == RoomPhase::Scheduled && starts_then(starts_at) && has_seat()
        }
        Notice::DoorsOpen => room.phase() == RoomPhase::Live && has_seat(),
        // Its seats may be given back by now, one after another.
        Notice::Cancelled => true,
    }
}

fn write(id: Uuid, draft: &Draft, contact: &Contact, to: EmailAddress, links: &str, at: Timestamp) -> Letter {
    let timezone = contact.timezone.as_deref();
    let facts = &draft.facts;
    let ticket_url = format!("{links}/tickets/{}", draft.ticket);
    let decline_until = facts.reschedule.map(|reschedule| reschedule.decline_until);
    let shown = |at: Option<Timestamp>| at.map_or_else(String::new, |at| time(at, timezone));
    let values = Values {
        room: facts.title.clone(),
        starts: time(facts.starts_at, timezone),
        minutes: facts.planned_minutes.to_string(),
        decline_url: format!("{ticket_url}/decline_reschedule"),
        ticket_url,
        decline_until: shown(decline_until),
        amount: draft.amount.map_or_else(String::new, |amount| amount.to_string()),
        expires: shown(draft.expires_at),
    };
    let (subject, text) = fill(draft.template, &values);
    Letter {
        id,
        to,
        subject,
        text,
        at,
    }
}
