//! What a dispute does to an account: the earning waits, comes back, or is given back.
//!
//! It is taken from what is pending first, then from what is available. What is given back in the end comes from what is
//! held, from these two, and from the rolling reserve; what is no longer there is owed: a receivable, which the next
//! earnings pay before anything else. Of a sale that several share each gives back their part.

use crate::payout::command::DisputedEarning;
use crate::payout::decide::Decision;
use crate::payout::event::{CoHostPart, EarningReversed, HeldEarning};
use crate::payout::state::{Credit, Hold};
use crate::shares::apportion;
use crate::{Money, MoneyError, Payout, PayoutEvent, TicketId, Timestamp};

/// A dispute, and whose part of it is how much.
pub(super) struct DisputedPart {
    pub(super) ticket_id: TicketId,
    pub(super) dispute: String,
    pub(super) own: Money,
    pub(super) co_hosts: Vec<CoHostPart>,
    pub(super) at: Timestamp,
}

impl Payout {
    pub(super) fn hold_earning(&self, disputed: DisputedEarning) -> Decision {
        self.hold_part(self.disputed_part(disputed)?)
    }

    pub(super) fn reverse_earning(&self, disputed: DisputedEarning) -> Decision {
        self.reverse_part(self.disputed_part(disputed)?)
    }

    pub(super) fn release_earning(&self, disputed: DisputedEarning) -> Decision {
        Ok(self.release_part(&self.disputed_part(disputed)?))
    }

    /// As much as is there. Once, for each dispute.
    pub(super) fn hold_part(&self, part: DisputedPart) -> Decision {
        let currency = part.own.currency();
        let pending = least(part.own, self.pending(currency));
        let rest = part.own.checked_sub(pending)?;
        let amount = pending.checked_add(least(rest, self.available(currency)))?;
        let is_nothing = !amount.is_positive() && part.co_hosts.is_empty();
        if self.hold(&part.dispute).is_some() || is_nothing {
            return Ok(vec![]);
        }
        Ok(vec![PayoutEvent::EarningHeld(HeldEarning {
            ticket_id: part.ticket_id,
            dispute: part.dispute,
            amount,
            pending: some(pending),
            co_hosts: part.co_hosts,
            at: part.at,
        })])
    }

    pub(super) fn release_part(&self, part: &DisputedPart) -> Vec<PayoutEvent> {
        let Some(Hold::Held(held)) = self.hold(&part.dispute) else {
            return vec![];
        };
        let released = self.released(part, held.amount, held.pending, held.co_hosts.clone());
        let released = PayoutEvent::EarningReleased(released);
        self.with_netting(vec![released], held.amount.currency(), part.at)
    }

    /// What was pending is pending again, as far as its days are not over.
    fn released(
        &self,
        part: &DisputedPart,
        amount: Money,
        pending: Option<Money>,
        co_hosts: Vec<CoHostPart>,
    ) -> HeldEarning {
        let pending = pending.map(|pending| least(pending, self.gap(pending.currency(), part.at)));
        HeldEarning {
            ticket_id: part.ticket_id,
            dispute: part.dispute.clone(),
            amount,
            pending: pending.and_then(some),
            co_hosts,
            at: part.at,
        }
    }

    pub(super) fn reverse_part(&self, part: DisputedPart) -> Decision {
        let (own, currency) = (part.own, part.own.currency());
        let zero = Money::zero(currency);
        let held = match self.hold(&part.dispute) {
            Some(Hold::Held(held)) => Some(held),
            Some(Hold::Over | Hold::Lost(_)) => return Ok(vec![]),
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
            if held.amount.amount_minor() > own.amount_minor() {
                let back = self.released(&part, held.amount, held.pending, held.co_hosts.clone());
                let pending = back.pending.unwrap_or(zero);
                pots[0] = zero;
                pots[1] = pots[1].checked_add(pending)?;
                pots[2] = pots[2].checked_add(held.amount.checked_sub(pending)?)?;
                events.push(PayoutEvent::EarningReleased(back));
            }
        }
        if own.is_positive() || !part.co_hosts.is_empty() {
            let mut rest = own;
            for pot in &mut pots {
                *pot = least(*pot, rest);
                rest = rest.checked_sub(*pot)?;
            }
            let [from_reserve, from_pending, from_available, from_rolling_reserve] = pots;
            events.push(PayoutEvent::EarningReversed(EarningReversed {
                ticket_id: part.ticket_id,
                dispute: part.dispute,
                from_reserve,
                from_pending: some(from_pending),
                from_available,
                from_rolling_reserve: some(from_rolling_reserve),
                receivable: rest,
                co_hosts: part.co_hosts,
                reversed_at: part.at,
            }));
        }
        Ok(self.with_netting(events, currency, part.at))
    }

    /// Whose part of what is disputed is how much: each in proportion to what is left of theirs.
    fn disputed_part(&self, disputed: DisputedEarning) -> Result<DisputedPart, MoneyError> {
        let mut own = Money::zero(disputed.amount.currency());
        let mut co_hosts = vec![];
        if let Some(credit) = self.credit_of(disputed.ticket_id) {
            let shares = || {
                [credit.left]
                    .into_iter()
                    .chain(credit.co_hosts.iter().map(|part| part.amount))
            };
            let weights: Vec<i64> = shares().map(Money::amount_minor).collect();
            let mut parts = apportion(disputed_share(credit, disputed.amount)?, &weights)?.into_iter();
            own = parts.next().unwrap_or(own);
            let of_others = credit.co_hosts.iter().zip(parts);
            let of_others = of_others.map(|(part, amount)| CoHostPart {
                user: part.user,
                amount,
            });
            co_hosts = of_others.filter(|part| part.amount.is_positive()).collect();
        }
        Ok(DisputedPart {
            ticket_id: disputed.ticket_id,
            dispute: disputed.dispute,
            own,
            co_hosts,
            at: disputed.at,
        })
    }
}

/// The hosts' part of what is disputed: all of it for the whole sale, else in proportion, rounded down. Never more than
/// is left of the earning.
fn disputed_share(credit: &Credit, amount: Money) -> Result<Money, MoneyError> {
    let mut left = credit.left;
    for part in &credit.co_hosts {
        left = left.checked_add(part.amount)?;
    }
    if amount.amount_minor() >= credit.gross.amount_minor() {
        credit.gross.checked_sub(amount)?;
        return Ok(left);
    }
    let minor = i128::from(credit.share.amount_minor())
        .checked_mul(i128::from(amount.amount_minor()))
        .and_then(|product| product.checked_div(i128::from(credit.gross.amount_minor())))
        .and_then(|minor| i64::try_from(minor).ok())
        .ok_or(MoneyError::Overflow)?;
    let part = Money::new(minor, amount.currency());
    left.checked_sub(part)?;
    Ok(least(part, left))
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
