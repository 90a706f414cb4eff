//! What a host may do with rooms, as their account says. Looked up there, and handed to the room's commands.

use crate::payout::hosting::Standing;
use crate::{Payout, TermsHash};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostPermit {
    /// Free rooms, and priced ones.
    Sells,
    /// Free rooms only.
    HostsFree(NoSale),
    /// None.
    Suspended,
}

/// Why a host may not sell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoSale {
    NotApproved,
    /// Not those that are in force now.
    TermsNotAccepted,
    /// What the host would earn has nowhere to go.
    NoDestination,
    /// The shop's roll-out has not come to this host, on any channel.
    NotRolledOut,
}

impl HostPermit {
    /// The same, where the roll-out must have come to the host as well.
    #[must_use]
    pub const fn where_rolled_out(self, is_rolled_out: bool) -> Self {
        match self {
            Self::Sells if !is_rolled_out => Self::HostsFree(NoSale::NotRolledOut),
            Self::Sells | Self::HostsFree(_) | Self::Suspended => self,
        }
    }
}

impl Payout {
    /// `terms` are the terms of hosting in force, if the shop has any.
    pub fn permit(&self, terms: Option<&TermsHash>) -> HostPermit {
        let has_accepted = terms.is_none() || self.hosting().terms() == terms;
        if self.is_suspended() {
            HostPermit::Suspended
        } else if self.hosting().standing() != Standing::Approved {
            HostPermit::HostsFree(NoSale::NotApproved)
        } else if !has_accepted {
            HostPermit::HostsFree(NoSale::TermsNotAccepted)
        } else if self.destination().is_none() {
            HostPermit::HostsFree(NoSale::NoDestination)
        } else {
            HostPermit::Sells
        }
    }
}
