//! What a host may do here, and what of the room stands still while the host is suspended (`rules.md` 3, 4).

use crate::payout::{HostPermit, NoSale};
use crate::room::decide::Decision;
use crate::room::facts::RoomFacts;
use crate::{Channel, Money, Rollout, Room, RoomError, RoomEvent, Timestamp};

impl Room {
    /// Nothing is sold or offered until the host is reinstated. Who holds a seat may pay for it in time, and what was sold
    /// stays sold.
    pub(super) fn suspend_sales(&self, at: Timestamp) -> Decision {
        if self.facts().is_none() {
            return Err(RoomError::NotScheduled);
        }
        // A room that is over sells nothing anyway.
        let events = match self.sales() {
            Some(sales) if !sales.facts.sales_suspended => vec![RoomEvent::SalesSuspended { suspended_at: at }],
            Some(_) | None => vec![],
        };
        Ok(events)
    }

    pub(super) fn reinstate_sales(&self, at: Timestamp) -> Decision {
        if self.facts().is_none() {
            return Err(RoomError::NotScheduled);
        }
        let events = match self.sales() {
            Some(sales) if sales.facts.sales_suspended => vec![RoomEvent::SalesReinstated { reinstated_at: at }],
            Some(_) | None => vec![],
        };
        Ok(events)
    }
}

impl HostPermit {
    pub(super) const fn require(self, is_priced: bool) -> Result<(), RoomError> {
        match self {
            Self::Suspended => Err(RoomError::HostSuspended),
            Self::HostsFree(why) if is_priced => Err(match why {
                NoSale::NotApproved => RoomError::HostNotApproved,
                NoSale::TermsNotAccepted => RoomError::TermsNotAccepted,
                NoSale::NoDestination => RoomError::NoDestination,
                NoSale::NotRolledOut => RoomError::NotRolledOut,
            }),
            Self::HostsFree(_) | Self::Sells => Ok(()),
        }
    }
}

impl RoomFacts {
    /// A free seat is no sale.
    pub(super) fn require_channel(
        &self,
        price: Money,
        channel: Channel,
        rollout: Option<&Rollout>,
    ) -> Result<(), RoomError> {
        let is_open = rollout.is_none_or(|rollout| rollout.reaches(self.host, channel));
        if is_open || price.is_zero() {
            Ok(())
        } else {
            Err(RoomError::ChannelClosed)
        }
    }
}
