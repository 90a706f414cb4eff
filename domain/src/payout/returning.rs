//! Payouts that come back: the provider took money back from where it was paid to, or never got it there.

use crate::payout::command::ReturnedPayout;
use crate::payout::decide::Decision;
use crate::payout::state::PayoutPhase;
use crate::{Money, Payout, PayoutError, PayoutEvent, text};

impl Payout {
    /// Told as a sum, so that an older notice after a newer one changes nothing. The notice that it was paid may still be
    /// on its way: what comes back was paid.
    pub(super) fn record_returned(&self, returned: &ReturnedPayout) -> Decision {
        let (payout_id, at) = (returned.payout_id, returned.at);
        let payout = self.known_payout(payout_id)?;
        let before = payout.returned.unwrap_or(Money::zero(payout.amount.currency()));
        let news = returned.in_all.checked_sub(before)?;
        if !news.is_positive() {
            return Ok(vec![]);
        }
        if payout.amount.checked_sub(returned.in_all)?.amount_minor() < 0 {
            return Err(PayoutError::ReturnExceedsPayout { paid: payout.amount });
        }
        let mut events = match payout.state {
            PayoutPhase::Requested | PayoutPhase::Sent => vec![PayoutEvent::PayoutPaid {
                payout_id,
                amount: payout.amount,
                paid_at: at,
            }],
            PayoutPhase::Paid | PayoutPhase::Returned => vec![],
            PayoutPhase::Failed => return Err(PayoutError::AlreadyEnded),
        };
        events.push(PayoutEvent::PayoutReturned {
            payout_id,
            amount: news,
            reason: text::recordable(&returned.reason),
            returned_at: at,
        });
        Ok(self.with_netting(events, payout.amount.currency(), at))
    }
}
