//! One run of a flow: its own host, room and people in the same log, and what they are called.

use domain::room::code_hash;
use domain::{Fingerprint, PaymentId, PayoutId, RefundId, RoomId, SessionId, TicketId, UserId};
use uuid::Uuid;

const PROMO_CODE: &str = "FRIENDS";

#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) number: u16,
}

/// What an id is of, by its first digits.
const KINDS: [&str; 7] = ["user", "room", "ticket", "payment", "payout", "session", "refund"];

/// Tickets that a flow may have.
pub(super) const TICKETS_MAX: u8 = 4;
const CO_HOST: u8 = 9;

impl Run {
    fn id(self, kind: &str, number: u8) -> Uuid {
        let kind = KINDS.iter().position(|known| *known == kind).expect("a kind");
        let kind = u128::try_from(kind + 1).expect("few");
        Uuid::from_u128(kind << 120 | u128::from(self.number) << 32 | u128::from(number))
    }

    /// What an id of this run is called.
    pub(super) fn name(self, id: Uuid) -> Option<String> {
        let bits = id.as_u128();
        let kind = KINDS.get(usize::try_from(bits >> 120).ok()?.checked_sub(1)?)?;
        let number = u8::try_from(bits & 0xff).ok()?;
        (self.id(kind, number) == id).then(|| format!("{kind} {number}"))
    }

    pub(super) fn host(self) -> UserId {
        self.buyer(0)
    }

    /// Shares what the room earns, where it is shared.
    pub(super) fn co_host(self) -> UserId {
        self.buyer(CO_HOST)
    }

    pub(super) fn buyer(self, number: u8) -> UserId {
        UserId::from_uuid(self.id("user", number))
    }

    pub(super) fn buyers(self) -> impl Iterator<Item = UserId> {
        (1..=TICKETS_MAX).map(move |number| self.buyer(number))
    }

    pub(super) fn room(self) -> RoomId {
        RoomId::from_uuid(self.id("room", 1))
    }

    pub(super) fn ticket(self, number: u8) -> TicketId {
        TicketId::from_uuid(self.id("ticket", number))
    }

    pub(super) fn payment(self, number: u8) -> PaymentId {
        PaymentId::from_uuid(self.id("payment", number))
    }

    pub(super) fn payout(self, number: u8) -> PayoutId {
        PayoutId::from_uuid(self.id("payout", number))
    }

    pub(super) fn session(self) -> SessionId {
        SessionId::from_uuid(self.id("session", 1))
    }

    pub(super) fn refund(self, number: u8) -> RefundId {
        RefundId::from_uuid(self.id("refund", number))
    }

    pub(super) fn promo_code(self) -> Fingerprint {
        code_hash(self.room(), PROMO_CODE)
    }

    /// Where letters to a buyer go.
    pub(super) fn mailbox(self, buyer: u8) -> String {
        format!("buyer-{buyer}@{}", self.mail_domain())
    }

    pub(super) fn mail_domain(self) -> String {
        format!("run-{}.example", self.number)
    }
}
