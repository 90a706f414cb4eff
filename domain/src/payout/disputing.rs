//! What a dispute does to the host's account: the earning waits, comes back, or is given back.
//!
//! What is given back comes from the reserve first, then from what is available, and what is no longer there is owed: a
//! receivable, which the next earnings pay before anything else.

use crate::payout::command::DisputedEarning;
use crate::payout::decide::Decision;
use crate::payout::event::{EarningReversed, HeldEarning};
use crate::payout::state::Hold;
use crate::{Money, MoneyError, Payout, PayoutEvent};

impl Payout {
    /// As much as is there. Once, for each dispute.
    pub(super) fn hold_earning(&self, disputed: DisputedEarning) -> Decision {
        let share = self.disputed_share(&disputed)?;
        let amount = least(share, self.available(share.currency()));
        if self.hold(&disputed.dispute).is_some() || !amount.is_positive() {
            return Ok(vec![]);
        }
        Ok(vec![PayoutEvent::EarningHeld(HeldEarning {
            ticket_id: disputed.ticket_id,
            dispute: disputed.dispute,
            amount,
            at: disputed.at,
        })])
    }

    pub(super) fn release_earning(&self, disputed: &DisputedEarning) -> Vec<PayoutEvent> {
        match self.hold(&disputed.dispute) {
            Some(Hold::Held(amount)) => vec![PayoutEvent::EarningReleased(HeldEarning {
                ticket_id: disputed.ticket_id,
                dispute: disputed.dispute.clone(),
                amount,
                at: disputed.at,
            })],
            Some(Hold::Over) | None => vec![],
        }
    }

    pub(super) fn reverse_earning(&self, disputed: DisputedEarning) -> Decision {
        let share = self.disputed_share(&disputed)?;
        let held = match self.hold(&disputed.dispute) {
            Some(Hold::Held(held)) => held,
            Some(Hold::Over) => return Ok(vec![]),
            None => Money::zero(share.currency()),
        };
        let mut events = vec![];
        let mut available = self.available(share.currency());
        let mut from_reserve = held;
        // Another dispute about the same sale has taken of it meanwhile: the rest is not held any more.
        if held.amount_minor() > share.amount_minor() {
            events.extend(self.release_earning(&disputed));
            available = available.checked_add(held)?;
            from_reserve = Money::zero(share.currency());
        }
        if share.is_positive() {
            let rest = share.checked_sub(from_reserve)?;
            let from_available = least(rest, available);
            events.push(PayoutEvent::EarningReversed(EarningReversed {
                ticket_id: disputed.ticket_id,
                dispute: disputed.dispute,
                from_reserve,
                from_available,
                receivable: rest.checked_sub(from_available)?,
                reversed_at: disputed.at,
            }));
        }
        Ok(events)
    }

    /// The host's part of what is disputed: all of it for the whole sale, else in proportion, rounded down. Never more than
    /// is left of the earning.
    fn disputed_share(&self, disputed: &DisputedEarning) -> Result<Money, MoneyError> {
        let Some(credit) = self.credit_of(disputed.ticket_id) else {
            return Ok(Money::zero(disputed.amount.currency()));
        };
        if disputed.amount.amount_minor() >= credit.gross.amount_minor() {
            credit.gross.checked_sub(disputed.amount)?;
            return Ok(credit.left);
        }
        let minor = i128::from(credit.share.amount_minor())
            .checked_mul(i128::from(disputed.amount.amount_minor()))
            .and_then(|product| product.checked_div(i128::from(credit.gross.amount_minor())))
            .and_then(|minor| i64::try_from(minor).ok())
            .ok_or(MoneyError::Overflow)?;
        let part = Money::new(minor, disputed.amount.currency());
        credit.left.checked_sub(part)?;
        Ok(least(part, credit.left))
    }
}

/// The smaller of two amounts, and nothing if one of them is negative.
pub(super) fn least(one: Money, other: Money) -> Money {
    let minor = one.amount_minor().min(other.amount_minor()).max(0);
    Money::new(minor, one.currency())
}
