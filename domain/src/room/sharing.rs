//! Who shares what a room earns (`rules.md` 27): fixed parts, proposed by the host and agreed to by everybody who has one.
//!
//! Until all agree the room sells no priced ticket: nobody's part can be decided after the fact, and nobody is made to share
//! a room's disputes who did not say so. With the first sale the parts are fixed; each sale keeps them in its terms.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::room::decide::Decision;
use crate::room::schedule::invalid;
use crate::shares::Share;
use crate::{BasisPoints, Room, RoomError, RoomEvent, Timestamp, UserId};

/// The host, and two co-hosts.
pub const SHARING_MAX: usize = 3;

/// What was proposed, and who agreed. Nobody shares where nothing was proposed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sharing {
    shares: Vec<Share>,
    agreed: BTreeSet<UserId>,
}

impl Sharing {
    pub fn is_none(&self) -> bool {
        self.shares.is_empty()
    }

    /// In the order of the proposal.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    pub fn has_agreed(&self, user: UserId) -> bool {
        self.agreed.contains(&user)
    }

    pub fn is_agreed(&self) -> bool {
        self.shares.iter().all(|share| self.has_agreed(share.user))
    }

    fn share_of(&self, user: UserId) -> Option<&Share> {
        self.shares.iter().find(|share| share.user == user)
    }

    /// Who proposes agrees; everybody else is asked anew.
    pub(super) fn propose(&mut self, host: UserId, shares: Vec<Share>) {
        self.agreed = shares
            .iter()
            .map(|share| share.user)
            .filter(|user| *user == host)
            .collect();
        self.shares = shares;
    }

    pub(super) fn agree(&mut self, user: UserId) {
        self.agreed.insert(user);
    }
}

impl Room {
    /// Who shares, and who agreed.
    pub fn sharing(&self) -> Option<&Sharing> {
        self.facts().map(|facts| &facts.sharing)
    }

    /// Nothing proposed: the host has it all.
    pub(super) fn propose_shares(&self, by: UserId, shares: Vec<Share>, at: Timestamp) -> Decision {
        self.require_host(by)?;
        let sales = self.sales().ok_or(RoomError::RoomOver)?;
        if shares == sales.facts.sharing.shares() {
            return Ok(vec![]);
        }
        check(by, &shares)?;
        if sales.seats.was_sold() {
            return Err(RoomError::FrozenAfterFirstSale { field: "shares" });
        }
        Ok(vec![RoomEvent::SharesProposed {
            shares,
            proposed_at: at,
        }])
    }

    /// To what was read, and nothing else: the proposal may have changed meanwhile.
    pub(super) fn agree_to_share(&self, user: UserId, basis_points: BasisPoints, at: Timestamp) -> Decision {
        let facts = self.facts().ok_or(RoomError::NotScheduled)?;
        let share = facts.sharing.share_of(user).ok_or(RoomError::NotSharing)?;
        if share.basis_points != basis_points {
            let basis_points = share.basis_points.points();
            return Err(RoomError::ShareDiffers { basis_points });
        }
        if facts.sharing.has_agreed(user) {
            return Ok(vec![]);
        }
        if self.sales().is_none() {
            return Err(RoomError::RoomOver);
        }
        Ok(vec![RoomEvent::ShareAgreed {
            user,
            basis_points,
            agreed_at: at,
        }])
    }
}

fn check(host: UserId, shares: &[Share]) -> Result<(), RoomError> {
    if shares.is_empty() {
        return Ok(());
    }
    let people: BTreeSet<UserId> = shares.iter().map(|share| share.user).collect();
    if people.len() != shares.len() || !people.contains(&host) {
        return Err(invalid("shares", "must name the host, and nobody twice"));
    }
    if !(2..=SHARING_MAX).contains(&shares.len()) {
        let reason = format!("must be none, or those of 2 to {SHARING_MAX} people");
        return Err(invalid("shares", reason));
    }
    let points = shares.iter().map(|share| share.basis_points.points());
    let sum = points
        .clone()
        .fold(0_u32, |sum, points| sum.saturating_add(u32::from(points)));
    if sum != u32::from(BasisPoints::ONE) || points.into_iter().any(|points| points == 0) {
        return Err(invalid(
            "shares",
            "must add up to 10000 basis points, and none may be 0",
        ));
    }
    Ok(())
}
