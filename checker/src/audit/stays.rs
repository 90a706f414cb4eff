//! Times in which somebody had a right to be inside, and whether they cover a stay.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::Deserialize;
use uuid::Uuid;

use super::access::Entrance;
use crate::facts::Timestamp;

/// Who loses the right is out within two seconds, and looks at who is there come each second; who was there is told by the media
/// server's clock, in whole seconds.
const OUT_WITHIN: TimeDelta = TimeDelta::seconds(5);
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(2);

/// A connection of one person, as it was recorded.
#[derive(Debug, Deserialize)]
pub(super) struct Stay {
    pub(super) user: Uuid,
    pub(super) ticket_id: Option<Uuid>,
    pub(super) joined_at: Timestamp,
    pub(super) left_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Right {
    from: Timestamp,
    until: Option<Timestamp>,
}

/// Every right there was, by what it was for.
#[derive(Default, Debug)]
pub(super) struct Rights(HashMap<Entrance, Vec<Right>>);

impl Rights {
    /// From `at` on there is a right, or none. `false` if that was so before.
    pub(super) fn set(&mut self, entrance: Entrance, may: bool, at: Timestamp) -> bool {
        let rights = self.0.entry(entrance).or_default();
        let open = rights.last_mut().filter(|right| right.until.is_none());
        match (open, may) {
            (None, true) => rights.push(Right { from: at, until: None }),
            (Some(right), false) => right.until = Some(at),
            (None, false) | (Some(_), true) => return false,
        }
        true
    }

    /// Whether rights of this person cover all of the stay: by the ticket, or as one of the host's side.
    pub(super) fn cover(&self, stay: &Stay) -> bool {
        let by_ticket = stay.ticket_id.map(|ticket| (stay.user, Some(ticket)));
        let entrances = by_ticket.into_iter().chain([(stay.user, None)]);
        let mut rights: Vec<Right> = entrances
            .filter_map(|entrance| self.0.get(&entrance))
            .flatten()
            .copied()
            .collect();
        rights.sort_unstable_by_key(|right| right.from);
        let mut covered = stay.joined_at;
        for right in rights {
            let is_open = right.from - CLOCKS_DIFFER <= covered;
            let until = right.until.map_or(stay.left_at, |until| until + OUT_WITHIN);
            if is_open && until > covered {
                covered = until;
            }
        }
        covered >= stay.left_at
    }
}
