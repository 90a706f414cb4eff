//! What mail makes of events.

use chrono::TimeDelta;
use domain::room::{SeatHeld, VoidReason};
use domain::{AnyEvent, RoomEvent, RoomId, TicketEvent, TicketId, Timestamp};
use event_log::Recorded;

use super::{Mail, Notice, Reminder};
use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    match &recorded.event {
        AnyEvent::Room(room, event) => react_to_room(recorded, *room, event),
        AnyEvent::Ticket(ticket, event) => react_to_ticket(recorded, *ticket, event),
        AnyEvent::Payout(..) | AnyEvent::Shop(..) => vec![],
    }
}

fn react_to_room(recorded: &Recorded, room: RoomId, event: &RoomEvent) -> Vec<NewJob> {
    let notify = |notice| NewJob::now(recorded, Job::NotifyHolders { room, notice });
    match event {
        RoomEvent::RoomScheduled(scheduled) => reminders(recorded, room, scheduled.starts_at),
        RoomEvent::RoomRescheduled(new) => {
            let mut jobs = reminders(recorded, room, new.starts_at);
            let starts_at = new.starts_at;
            jobs.push(notify(Notice::Rescheduled { starts_at }));
            jobs
        }
        RoomEvent::RoomOpened { .. } => vec![notify(Notice::DoorsOpen)],
        RoomEvent::RoomCancelled { .. }
        | RoomEvent::RoomVoided {
            reason: VoidReason::NoShow | VoidReason::Moderation,
            ..
        } => vec![notify(Notice::Cancelled)],
        RoomEvent::SeatHeld(held) if held.options.as_ref().is_some_and(|options| options.offered) => {
            vec![NewJob::now(recorded, Job::SendMail(offer(recorded, room, held)))]
        }
        RoomEvent::SeatHeld(_)
        | RoomEvent::SeatSold(_)
        | RoomEvent::SeatReleased(_)
        | RoomEvent::SeatDenied { .. }
        | RoomEvent::SeatAwaited { .. }
        | RoomEvent::SeatTransferred { .. }
        | RoomEvent::RoomRevised(_)
        | RoomEvent::SharesProposed { .. }
        | RoomEvent::ShareAgreed { .. }
        | RoomEvent::RoomEnded { .. }
        | RoomEvent::SalesPaused { .. }
        | RoomEvent::SalesResumed { .. }
        | RoomEvent::SalesSuspended { .. }
        | RoomEvent::SalesReinstated { .. }
        | RoomEvent::WaitingListJoined { .. }
        | RoomEvent::WaitingListLeft { .. }
        | RoomEvent::SpeakRequested { .. }
        | RoomEvent::SpeakRequestWithdrawn { .. }
        | RoomEvent::SpeakRequestDeclined { .. }
        | RoomEvent::SpeakerApproved { .. }
        | RoomEvent::SpeakerDismissed { .. }
        | RoomEvent::PersonRemoved { .. }
        | RoomEvent::CoHostAppointed { .. }
        | RoomEvent::CoHostDismissed { .. }
        | RoomEvent::SpeakerInvited { .. }
        | RoomEvent::InvitationAccepted { .. }
        | RoomEvent::InvitationDeclined { .. }
        | RoomEvent::SpeakerMuted { .. }
        | RoomEvent::SpeakerUnmuted { .. }
        | RoomEvent::PersonBanned { .. }
        | RoomEvent::PersonUnbanned { .. }
        | RoomEvent::HostHandedOver { .. }
        | RoomEvent::LobbyOpened { .. }
        | RoomEvent::EntryTakenOver { .. }
        | RoomEvent::RecordingConsented { .. }
        | RoomEvent::RecordingStarted(_)
        | RoomEvent::RecordingStopped(_)
        | RoomEvent::RecordingPartBegan(_)
        | RoomEvent::RecordingPartEnded(_)
        | RoomEvent::RecordingDeleted(_)
        | RoomEvent::PresenceRecorded { .. }
        // Whoever gets money back is told when it goes.
        | RoomEvent::RoomVoided {
            reason: VoidReason::Crash,
            ..
        }
        | RoomEvent::DeliveryRecorded(_) => vec![],
    }
}

fn offer(recorded: &Recorded, room: RoomId, held: &SeatHeld) -> Mail {
    Mail::Offer {
        room,
        ticket: held.ticket_id,
        to: held.buyer,
        expires_at: held.expires_at,
        at: recorded.recorded_at,
    }
}

/// The timers of a room's reminders, as far as their time is still to come.
fn reminders(recorded: &Recorded, room: RoomId, starts_at: Timestamp) -> Vec<NewJob> {
    let timer = |reminder: Reminder| {
        let due_at = starts_at.checked_sub_signed(TimeDelta::from_std(reminder.lead()).ok()?)?;
        let job = Job::RemindHolders { room, reminder };
        (due_at > recorded.recorded_at).then(|| NewJob::at(recorded, job, due_at))
    };
    Reminder::ALL.into_iter().filter_map(timer).collect()
}

fn react_to_ticket(recorded: &Recorded, ticket: TicketId, event: &TicketEvent) -> Vec<NewJob> {
    let at = recorded.recorded_at;
    let mail = match event {
        TicketEvent::TicketIssued { .. } => Mail::Ticket { ticket, at },
        TicketEvent::TicketTransferred { to, .. } => Mail::Transferred { ticket, to: *to, at },
        TicketEvent::RefundCompleted { refund_id, .. } => Mail::Refund {
            ticket,
            refund: *refund_id,
            at,
        },
        TicketEvent::TicketOrdered { .. }
        | TicketEvent::PaymentStarted { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentCaptured { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketPresented { .. }
        | TicketEvent::TicketAdmitted { .. }
        // Whoever gives a free ticket back knows, and there is no money to write of.
        | TicketEvent::TicketReturned { .. }
        | TicketEvent::RefundOwed(_)
        | TicketEvent::RefundSent { .. }
        | TicketEvent::RefundFailed { .. }
        | TicketEvent::TicketSettled(_)
        | TicketEvent::DisputeOpened(_)
        | TicketEvent::DisputeWon { .. }
        | TicketEvent::DisputeLost(_) => return vec![],
    };
    vec![NewJob::now(recorded, Job::SendMail(mail))]
}
