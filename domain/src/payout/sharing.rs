//! Earnings that several people share (`rules.md` 27).
//!
//! The account of the room's host decides how a sale is divided, and later what each gives back of it: there all sales of
//! the host stand in one order. The parts of the others are named in its events, and credited to, held on and taken from
//! accounts of their own.

use crate::payout::command::{DisputedShare, SharedEarning};
use crate::payout::decide::Decision;
use crate::payout::disputing::{DisputedPart, least};
use crate::payout::event::{CoHostPart, HeldEarning, ShareCredited};
use crate::payout::state::Hold;
use crate::shares::{Share, apportion};
use crate::{Money, MoneyError, Payout, PayoutEvent, TicketId, UserId};

/// Where a dispute about a shared sale is, for one of those who share it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SharedDispute {
    Open(Money),
    Won,
    Lost(Money),
}

impl Payout {
    /// Once per ticket, like any earning.
    pub(super) fn credit_share(&self, earning: &SharedEarning) -> Decision {
        if self.is_credited(earning.ticket_id) {
            return Ok(vec![]);
        }
        if earning.share.amount_minor() < 0 {
            return Err(MoneyError::Negative.into());
        }
        self.require_room_for(earning.share)?;
        let places = self.place(earning.share, &earning.earning, earning.at)?;
        Ok(vec![PayoutEvent::ShareCredited(ShareCredited {
            ticket_id: earning.ticket_id,
            room_id: earning.room_id,
            host: earning.host,
            share: earning.share,
            netted: places.netted,
            reserved: places.reserved,
            pending: places.pending,
            credited_at: earning.at,
        })])
    }

    /// A dispute about a sale whose host has this account, as `user` has to follow it.
    pub fn shared_dispute(&self, dispute: &str, user: UserId) -> Option<SharedDispute> {
        let part = |parts: &[CoHostPart]| parts.iter().find(|part| part.user == user).map(|part| part.amount);
        match self.hold(dispute)? {
            Hold::Held(held) => part(&held.co_hosts).map(SharedDispute::Open),
            Hold::Over => Some(SharedDispute::Won),
            Hold::Lost(parts) => part(parts).map(SharedDispute::Lost),
        }
    }

    /// Whether a part of this ticket's earning is credited, or on its way, to the account of `user`.
    pub fn shares_with(&self, ticket_id: TicketId, user: UserId) -> bool {
        let credit = self.credit_of(ticket_id);
        credit.is_some_and(|credit| credit.co_hosts.iter().any(|part| part.user == user))
    }

    pub(super) fn hold_share(&self, disputed: DisputedShare) -> Decision {
        self.hold_part(self.own_part(disputed)?)
    }

    pub(super) fn reverse_share(&self, disputed: DisputedShare) -> Decision {
        self.reverse_part(self.own_part(disputed)?)
    }

    /// Also if nothing was held: what comes late shall not hold it for ever.
    pub(super) fn release_share(&self, disputed: DisputedShare) -> Decision {
        let is_credited = self.is_credited(disputed.ticket_id);
        let part = self.own_part(disputed)?;
        if self.hold(&part.dispute).is_some() || !is_credited {
            return Ok(self.release_part(&part));
        }
        Ok(vec![PayoutEvent::EarningReleased(HeldEarning {
            ticket_id: part.ticket_id,
            dispute: part.dispute,
            amount: Money::zero(part.own.currency()),
            pending: None,
            co_hosts: vec![],
            at: part.at,
        })])
    }

    fn own_part(&self, disputed: DisputedShare) -> Result<DisputedPart, MoneyError> {
        let left = self.credit_of(disputed.ticket_id).map(|credit| credit.left);
        let left = left.unwrap_or(Money::zero(disputed.amount.currency()));
        left.checked_sub(disputed.amount)?;
        Ok(DisputedPart {
            ticket_id: disputed.ticket_id,
            dispute: disputed.dispute,
            own: least(disputed.amount, left),
            co_hosts: vec![],
            at: disputed.at,
        })
    }
}

/// What others than the host have of the whole share.
pub(super) fn divide(
    whole: Money,
    shares: &[Share],
    host: impl Fn(UserId) -> bool,
) -> Result<Vec<CoHostPart>, MoneyError> {
    if shares.is_empty() {
        return Ok(vec![]);
    }
    let weights: Vec<i64> = shares
        .iter()
        .map(|share| i64::from(share.basis_points.points()))
        .collect();
    let parts = apportion(whole, &weights)?;
    let parts = shares.iter().zip(parts).filter(|(share, _)| !host(share.user));
    Ok(parts
        .filter(|(_, amount)| amount.is_positive())
        .map(|(share, amount)| CoHostPart {
            user: share.user,
            amount,
        })
        .collect())
}
