//! What the shop says of a room when it sends somebody away, in a note that it signs.

use std::fmt;

use thiserror::Error;

use crate::note::{NoteError, SignedNote, SigningKey, VerifierKey};

/// The first line: this is no checkpoint, and nothing else.
const FIRST_LINE: &str = "boxoffice/refusal/1";

/// A room as it was at a position of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Which log.
    pub origin: String,
    pub room_id: String,
    /// Of the room's last event by then, and its number in the room's stream.
    pub position: u64,
    pub sequence: u64,
    pub room: Quota,
    /// Its tiers, by name.
    pub tiers: Vec<(String, Quota)>,
}

/// Seats, and who has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    pub seats: u32,
    pub held: u32,
    pub sold: u32,
}

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum StatementError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("the note says nothing about a refusal")]
    Malformed,
    #[error("the statement is of the log {found}, not of {expected}")]
    OtherLog { expected: String, found: String },
}

impl Quota {
    pub const fn is_exhausted(self) -> bool {
        self.held.saturating_add(self.sold) >= self.seats
    }
}

impl Refusal {
    pub fn sign(&self, key: &SigningKey) -> SignedNote {
        SignedNote::signed(self.to_string(), key)
    }

    /// Whether a quota was exhausted.
    pub fn is_justified(&self) -> bool {
        self.room.is_exhausted() || self.tiers.iter().any(|(_, tier)| tier.is_exhausted())
    }

    /// Reads what the owner of `key` has signed.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, StatementError> {
        let note: SignedNote = note.parse()?;
        note.verify(key)?;
        let refusal = parse(note.text()).ok_or(StatementError::Malformed)?;
        if refusal.origin == key.name() {
            Ok(refusal)
        } else {
            Err(StatementError::OtherLog {
                expected: key.name().to_owned(),
                found: refusal.origin,
            })
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "log {}", self.origin)?;
        writeln!(f, "room {}", self.room_id)?;
        writeln!(f, "position {}", self.position)?;
        writeln!(f, "sequence {}", self.sequence)?;
        writeln!(f, "seats {}", self.room)?;
        for (tier, quota) in &self.tiers {
            writeln!(f, "tier {tier} {quota}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} held {} sold {}", self.seats, self.held, self.sold)
    }
}

fn parse(text: &str) -> Option<Refusal> {
    let mut lines = text.strip_prefix(FIRST_LINE)?.strip_prefix('\n')?.lines();
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let origin = field("log")?.to_owned();
    let room_id = field("room")?.to_owned();
    let position = field("position")?.parse().ok()?;
    let sequence = field("sequence")?.parse().ok()?;
    let room = quota(field("seats")?)?;
    let tiers = lines.map(tier).collect::<Option<_>>()?;
    Some(Refusal {
        origin,
        room_id,
        position,
        sequence,
        room,
        tiers,
    })
}

fn tier(line: &str) -> Option<(String, Quota)> {
    let (name, seats) = line.strip_prefix("tier ")?.split_once(' ')?;
    Some((name.to_owned(), quota(seats)?))
}

fn quota(text: &str) -> Option<Quota> {
    let (seats, rest) = text.split_once(" held ")?;
    let (held, sold) = rest.split_once(" sold ")?;
    Some(Quota {
        seats: seats.parse().ok()?,
        held: held.parse().ok()?,
        sold: sold.parse().ok()?,
    })
}
