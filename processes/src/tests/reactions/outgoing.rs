//! What leads to letters, and to a person being forgotten.

use chrono::TimeDelta;
use domain::room::{HoldOptions, RoomRescheduled, SeatHeld};
use domain::{AnyEvent, Fingerprint, RefundId, RoomEvent, Shop, ShopEvent, TicketEvent};
use uuid::Uuid;

use super::{at, jobs, recorded, terms, usd};
use crate::mail::{Mail, Notice, Reminder};
use crate::tests::world::{ROOM, SESSION, ticket, user};
use crate::{Job, NewJob, ProcessSettings, react};

/// Where there is a mail server, less what follows anyway.
fn letters(event: AnyEvent) -> Vec<NewJob> {
    let settings = ProcessSettings {
        sends_mail: true,
        ..ProcessSettings::default()
    };
    let new = react(&recorded(event), &settings);
    new.into_iter()
        .filter(|new| new.job.process() == "process:mail")
        .collect()
}

fn letter_jobs(event: AnyEvent) -> Vec<Job> {
    letters(event).into_iter().map(|new| new.job).collect()
}

fn rescheduled(starts_in: TimeDelta) -> AnyEvent {
    let new = RoomRescheduled {
        starts_at: at(0) + starts_in,
        planned_minutes: 60,
        sales_close_at: at(0) + starts_in,
        decline_until: at(0) + starts_in,
        rescheduled_at: at(0),
    };
    AnyEvent::Room(ROOM, RoomEvent::RoomRescheduled(new))
}

fn held(offered: bool) -> AnyEvent {
    let options = HoldOptions {
        offered,
        ..HoldOptions::default()
    };
    let held = SeatHeld {
        ticket_id: ticket(1),
        buyer: user(1),
        terms: terms(usd(1_000)),
        request: Fingerprint::of(b"hold"),
        held_at: at(0),
        expires_at: at(300),
        options: options.boxed(),
    };
    AnyEvent::Room(ROOM, RoomEvent::SeatHeld(held))
}

#[test]
fn another_time_sets_the_reminders_that_are_still_to_come() {
    for (hours, expected) in [
        (48, &Reminder::ALL[..]),
        (24, &[Reminder::Soon]),
        (2, &[Reminder::Soon]),
    ] {
        let starts_in = TimeDelta::hours(hours);
        let (timers, others): (Vec<NewJob>, Vec<NewJob>) =
            letters(rescheduled(starts_in)).into_iter().partition(NewJob::is_timer);
        let set: Vec<_> = timers.iter().map(|timer| (timer.job.clone(), timer.run_at)).collect();
        let wanted: Vec<_> = expected
            .iter()
            .map(|reminder| {
                let lead = TimeDelta::from_std(reminder.lead()).unwrap();
                let job = Job::RemindHolders {
                    room: ROOM,
                    reminder: *reminder,
                };
                (job, Some(at(0) + starts_in - lead))
            })
            .collect();
        assert_eq!(set, wanted, "{hours} h ahead");
        let notice = Notice::Rescheduled {
            starts_at: at(0) + starts_in,
        };
        assert_eq!(others.len(), 1);
        assert_eq!(others[0].job, Job::NotifyHolders { room: ROOM, notice });
    }
    let ten_minutes = letters(rescheduled(TimeDelta::minutes(10)));
    assert!(!ten_minutes.iter().any(NewJob::is_timer), "it is too late to remind");
}

#[test]
fn doors_and_a_cancellation_are_told_to_all() {
    let opened = RoomEvent::RoomOpened {
        session_id: SESSION,
        opened_at: at(0),
    };
    let cancelled = RoomEvent::RoomCancelled { cancelled_at: at(0) };
    for (event, notice) in [(opened, Notice::DoorsOpen), (cancelled, Notice::Cancelled)] {
        let expected = Job::NotifyHolders { room: ROOM, notice };
        assert_eq!(letter_jobs(AnyEvent::Room(ROOM, event)), [expected]);
    }
}

#[test]
fn an_offer_is_told_and_an_ordinary_hold_is_not() {
    let offer = Mail::Offer {
        room: ROOM,
        ticket: ticket(1),
        to: user(1),
        expires_at: at(300),
        at: at(0),
    };
    assert_eq!(letter_jobs(held(true)), [Job::SendMail(offer)]);
    assert_eq!(letter_jobs(held(false)), []);
}

#[test]
fn tickets_and_refunds_are_mailed() {
    let refund = RefundId::from_uuid(Uuid::from_u128(9));
    let issued = TicketEvent::TicketIssued { issued_at: at(0) };
    let transferred = TicketEvent::TicketTransferred {
        from: user(1),
        to: user(2),
        transferred_at: at(0),
    };
    let completed = TicketEvent::RefundCompleted {
        refund_id: refund,
        amount: usd(1_000),
        store_fee: None,
        completed_at: at(0),
    };
    let (ticket, at) = (ticket(1), at(0));
    for (event, mail) in [
        (issued, Mail::Ticket { ticket, at }),
        (
            transferred,
            Mail::Transferred {
                ticket,
                to: user(2),
                at,
            },
        ),
        (completed, Mail::Refund { ticket, refund, at }),
    ] {
        assert_eq!(letter_jobs(AnyEvent::Ticket(ticket, event)), [Job::SendMail(mail)]);
    }
}

#[test]
fn without_a_mail_server_nothing_is_written() {
    let written = jobs(rescheduled(TimeDelta::hours(48)));
    assert!(
        !written.iter().any(|job| job.process() == "process:mail"),
        "{written:?}"
    );
}

#[test]
fn an_erased_person_is_forgotten() {
    let erased = ShopEvent::PersonErased {
        person: user(1),
        by: user(2),
        erased_at: at(0),
    };
    let expected = Job::ForgetPerson { person: user(1) };
    assert_eq!(jobs(AnyEvent::Shop(Shop::ID, erased)), [expected]);
}
