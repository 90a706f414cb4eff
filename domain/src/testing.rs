//! Given events, when a command, then events or a refusal. Every decision a test makes is also held to the laws: the live
//! state is the fold of what was recorded, and the same command once more records nothing.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chrono::DateTime;
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use uuid::Uuid;

use crate::{Fingerprint, Money, PaymentId, PayoutId, RefundId, RoomId, SessionId, TicketId, Timestamp, UserId};

pub(crate) use crate::Currency::{EUR, USD};

/// An aggregate with a past.
#[derive(Clone, Debug)]
pub(crate) struct Given<A> {
    pub(crate) state: A,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Outcome<A: Aggregate> {
    result: Result<Vec<A::Event>, A::Error>,
    before: A,
    after: A,
}

pub(crate) fn past<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given { state: A::default() }.and(events)
}

impl<A: Aggregate> Given<A> {
    pub(crate) fn and(mut self, events: impl IntoIterator<Item = A::Event>) -> Self {
        for event in events {
            self.state.apply(event);
        }
        self
    }
}

impl<A> Given<A>
where
    A: Aggregate<Services = ()> + Clone + PartialEq + Debug,
    A::Command: Clone,
    A::Error: PartialEq,
{
    pub(crate) fn when(self, command: A::Command) -> Outcome<A> {
        let (result, after) = handle(self.state.clone(), command.clone());
        if let Ok(events) = &result {
            let folded = events.iter().fold(self.state.clone(), |mut state, event| {
                let stored = serde_json::to_string(event).expect("an event serialises");
                state.apply(serde_json::from_str(&stored).expect("a stored event loads"));
                state
            });
            assert_eq!(folded, after, "the fold of what was stored is the live state");
            let (repeated, _) = handle(after.clone(), command);
            assert_eq!(repeated.as_deref(), Ok(&[][..]), "a repeat records nothing");
        }
        let before = self.state;
        Outcome { result, before, after }
    }

    /// A command that is accepted: what it came to becomes the past of the next.
    pub(crate) fn then_do(self, command: A::Command) -> Self {
        let outcome = self.when(command);
        assert!(outcome.result.is_ok(), "refused: {:?}", outcome.result);
        Self { state: outcome.after }
    }
}

impl<A> Outcome<A>
where
    A: Aggregate + PartialEq + Debug,
    A::Error: PartialEq,
{
    pub(crate) fn then(self, events: impl IntoIterator<Item = A::Event>) -> Given<A> {
        let expected: Vec<_> = events.into_iter().collect();
        assert_eq!(self.result.as_deref(), Ok(expected.as_slice()));
        Given { state: self.after }
    }

    pub(crate) fn then_nothing(self) -> Given<A> {
        self.then([])
    }

    pub(crate) fn then_err(self, error: A::Error) {
        assert_eq!(self.result, Err(error));
        assert_eq!(self.before, self.after, "a refusal changes nothing");
    }

    /// What is left of it.
    pub(crate) fn state(self) -> A {
        assert!(self.result.is_ok(), "refused");
        self.after
    }

    /// The events, for tests that look at them more closely.
    pub(crate) fn events(self) -> Vec<A::Event> {
        self.result.expect("the command is accepted")
    }
}

fn handle<A: Aggregate<Services = ()>>(mut state: A, command: A::Command) -> (Result<Vec<A::Event>, A::Error>, A) {
    let sink = EventSink::default();
    let result = now(state.handle(command, &(), &sink));
    let events = now(sink.collect());
    (result.map(|()| events), state)
}

/// Aggregates never wait: one poll is enough.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a decision waited"),
    }
}

/// A second of the test day.
pub(crate) fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(second.saturating_add(1_900_000_000), 0).expect("in range")
}

pub(crate) const fn usd(amount_minor: i64) -> Money {
    Money::new(amount_minor, USD)
}

pub(crate) const fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

pub(crate) const fn room(number: u128) -> RoomId {
    RoomId::from_uuid(Uuid::from_u128(number))
}

pub(crate) const fn ticket(number: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(number))
}

pub(crate) const fn payment(number: u128) -> PaymentId {
    PaymentId::from_uuid(Uuid::from_u128(number))
}

pub(crate) const fn refund(number: u128) -> RefundId {
    RefundId::from_uuid(Uuid::from_u128(number))
}

pub(crate) const fn payout(number: u128) -> PayoutId {
    PayoutId::from_uuid(Uuid::from_u128(number))
}

pub(crate) const fn session(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn request(meaning: &str) -> Fingerprint {
    Fingerprint::of(meaning.as_bytes())
}
