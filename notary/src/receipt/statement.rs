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
    /// Its waiting list, unless nobody waits.
    pub waiting: Option<Waiting>,
    /// Its tiers, by name.
    pub tiers: Vec<(String, Quota)>,
    /// The promo code that somebody asked with, by its hash.
    pub code: Option<(String, Quota)>,
}

/// Seats, and who has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    pub seats: u32,
    pub held: u32,
    pub sold: u32,
}

/// Those for whom a seat comes too late, or not at all yet. What is free is theirs before anybody else's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// In line.
    pub line: u32,
    pub limit: u32,
    /// In front of it, because they have paid.
    pub paid: u32,
}

/// What there was nothing left of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exhausted {
    Seats,
    Tier,
    PromoCode,
    WaitingList,
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
        self.is_exhausted_but_for(0)
    }

    /// Nothing is left beside what is spoken for.
    const fn is_exhausted_but_for(self, spoken_for: u32) -> bool {
        self.held.saturating_add(self.sold).saturating_add(spoken_for) >= self.seats
    }
}

impl Waiting {
    /// Nobody may join any more.
    pub const fn is_full(self) -> bool {
        self.line >= self.limit
    }

    const fn spoken_for(self) -> u32 {
        self.line.saturating_add(self.paid)
    }
}

impl Refusal {
    pub fn sign(&self, key: &SigningKey) -> SignedNote {
        SignedNote::signed(self.to_string(), key)
    }

    /// What there was nothing left of; `None` if nobody had to be refused. Where a promo code is named, it is the code.
    pub fn exhausted(&self) -> Option<Exhausted> {
        let spoken_for = self.waiting.map_or(0, Waiting::spoken_for);
        if let Some((_, code)) = &self.code {
            return code.is_exhausted().then_some(Exhausted::PromoCode);
        }
        let reasons = [
            (self.room.is_exhausted_but_for(spoken_for), Exhausted::Seats),
            (self.tiers.iter().any(|(_, tier)| tier.is_exhausted()), Exhausted::Tier),
            (self.waiting.is_some_and(Waiting::is_full), Exhausted::WaitingList),
        ];
        reasons.into_iter().find_map(|(is_it, what)| is_it.then_some(what))
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
        if let Some(waiting) = &self.waiting {
            writeln!(f, "waiting {waiting}")?;
        }
        for (tier, quota) in &self.tiers {
            writeln!(f, "tier {tier} {quota}")?;
        }
        if let Some((code, quota)) = &self.code {
            writeln!(f, "code {code} {quota}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} limit {} paid {}", self.line, self.limit, self.paid)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} held {} sold {}", self.seats, self.held, self.sold)
    }
}

fn parse(text: &str) -> Option<Refusal> {
    let mut lines = text.strip_prefix(FIRST_LINE)?.strip_prefix('\n')?.lines().peekable();
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let origin = field("log")?.to_owned();
    let room_id = field("room")?.to_owned();
    let position = field("position")?.parse().ok()?;
    let sequence = field("sequence")?.parse().ok()?;
    let room = quota(field("seats")?)?;
    let waiting = match lines.next_if(|line| line.starts_with("waiting ")) {
        Some(line) => Some(waiting(line.strip_prefix("waiting ")?)?),
        None => None,
    };
    let mut tiers = vec![];
    while let Some(line) = lines.next_if(|line| line.starts_with("tier ")) {
        tiers.push(named("tier ", line)?);
    }
    let code = match lines.next() {
        Some(line) => Some(named("code ", line)?),
        None => None,
    };
    let refusal = Refusal {
        origin,
        room_id,
        position,
        sequence,
        room,
        waiting,
        tiers,
        code,
    };
    lines.next().is_none().then_some(refusal)
}

fn named(kind: &str, line: &str) -> Option<(String, Quota)> {
    let (name, seats) = line.strip_prefix(kind)?.split_once(' ')?;
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

fn waiting(text: &str) -> Option<Waiting> {
    let (line, rest) = text.split_once(" limit ")?;
    let (limit, paid) = rest.split_once(" paid ")?;
    Some(Waiting {
        line: line.parse().ok()?,
        limit: limit.parse().ok()?,
        paid: paid.parse().ok()?,
    })
}
