//! Who may not come to any room of this host. The rooms follow, each in its own stream.

use crate::payout::decide::Decision;
use crate::room::BANS_MAX;
use crate::{Payout, PayoutError, PayoutEvent, Timestamp, UserId};

impl Payout {
    /// In the order of their ids.
    pub fn banned(&self) -> impl Iterator<Item = UserId> {
        self.banned.iter().copied()
    }

    pub(super) fn ban_guest(&self, host: UserId, user: UserId, at: Timestamp) -> Decision {
        if self.banned.contains(&user) {
            return Ok(vec![]);
        }
        if host == user {
            return Err(PayoutError::BansOneself);
        }
        if self.banned.len() >= BANS_MAX {
            return Err(PayoutError::BansFull { limit: BANS_MAX });
        }
        Ok(vec![PayoutEvent::GuestBanned { user, banned_at: at }])
    }

    pub(super) fn unban_guest(&self, user: UserId, at: Timestamp) -> Vec<PayoutEvent> {
        let unbanned_at = at;
        let is_banned = self.banned.contains(&user);
        let events = is_banned.then_some(PayoutEvent::GuestUnbanned { user, unbanned_at });
        events.into_iter().collect()
    }
}
