//! What a dispute does to the host's account: the earning waits, comes back, or is given back.
//!
//! It is taken from what is pending first, then from what is available. What is given back in the end comes from what is
//! held, from these two, and from the rolling reserve; what is no longer there is owed: a receivable, which the next
//! earnings pay before anything else.

use crate::payout::command::DisputedEarning;
use crate::payout::decide::Decision;
use crate::payout::event::{EarningReversed, HeldEarning};
use crate::payout::state::Hold;
use crate::{Money, MoneyError, Payout, PayoutEvent};

impl Payout {
    /// As much as is there. Once, for each dispute.
    pub(super) fn hold_earning(&self, disputed: DisputedEarning) -> Decision {
        let share = self.disputed_share(&disputed)?;
        let pending = least(share, self.pending(share.currency()));
        let rest = share.checked_sub(pending)?;
        let amount = pending.checked_add(least(rest, self.available(share.currency())))?;
        if self.hold(&disputed.dispute).is_some() || !amount.is_positive() {
            return Ok(vec![]);
        }
        Ok(vec![PayoutEvent::EarningHeld(HeldEarning {
            ticket_id: disputed.ticket_id,
            dispute: disputed.dispute,
            amount,
            pending: some(pending),
            at: disputed.at,
        })])
    }

    pub(super) fn release_earning(&self, disputed: &DisputedEarning) -> Vec<PayoutEvent> {
        match self.hold(&disputed.dispute) {
            Some(Hold::Held(held)) => {
                let released = PayoutEvent::EarningReleased(self.released(disputed, held.amount, held.pending));
                self.with_netting(vec![released], held.amount.currency(), disputed.at)
            }
            Some(Hold::Over) | None => vec![],
        }
    }

    /// What was pending is pending again, as far as its days are not over.
    fn released(&self, disputed: &DisputedEarning, amount: Money, pending: Option<Money>) -> HeldEarning {
        let pending = pending.map(|pending| least(pending, self.gap(pending.currency(), disputed.at)));
        HeldEarning {
            ticket_id: disputed.ticket_id,
            dispute: disputed.dispute.clone(),
            amount,
            pending: pending.and_then(some),
            at: disputed.at,
        }
    }

    pub(super) fn reverse_earning(&self, disputed: DisputedEarning) -> Decision {
        let share = self.disputed_share(&disputed)?;
        let (currency, zero) = (share.currency(), Money::zero(share.currency()));
        let held = match self.hold(&disputed.dispute) {
            Some(Hold::Held(held)) => Some(*held),
            Some(Hold::Over) => return Ok(vec![]),
            None => None,
        };
        let mut events = vec![];
        let mut pots = [
            zero,
            self.pending(currency),
            self.available(currency),
            self.rolling_reserve(currency),
        ];
        if let Some(held) = held {
            pots[0] = held.amount;
            // Another dispute about the same sale has taken of it meanwhile: the rest is not held any more.
            if held.amount.amount_minor() > share.amount_minor() {
                let back = self.released(&disputed, held.amount, held.pending);
                let pending = back.pending.unwrap_or(zero);
                pots[0] = zero;
                pots[1] = pots[1].checked_add(pending)?;
                pots[2] = pots[2].checked_add(held.amount.checked_sub(pending)?)?;
                events.push(PayoutEvent::EarningReleased(back));
            }
        }
        if share.is_positive() {
            let mut rest = share;
            for pot in &mut pots {
                *pot = least(*pot, rest);
                rest = rest.checked_sub(*pot)?;
            }
            let [from_reserve, from_pending, from_available, from_rolling_reserve] = pots;
            events.push(PayoutEvent::EarningReversed(EarningReversed {
                ticket_id: disputed.ticket_id,
                dispute: disputed.dispute,
                from_reserve,
                from_pending: some(from_pending),
                from_available,
                from_rolling_reserve: some(from_rolling_reserve),
                receivable: rest,
                reversed_at: disputed.at,
            }));
        }
        Ok(self.with_netting(events, currency, disputed.at))
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

/// What is not written down if it is nothing.
pub(super) fn some(amount: Money) -> Option<Money> {
    amount.is_positive().then_some(amount)
}
