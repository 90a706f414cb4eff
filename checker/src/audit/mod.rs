//! Three audits of one room, each a small fold of its own over the raw log: seats, money, and who was inside.
//!
//! They share nothing with each other or with the rest of this crate but how a row is read: each can be read through in one go, by
//! somebody who knows what the events mean and nothing else. A fold shows every position at which something changes, and what is
//! wrong where it goes wrong.

mod access;
mod capacity;
mod money;
mod run;
mod stays;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::snapshot::Entry;
use access::Access;
use capacity::Capacity;
use money::Money;

pub use run::audit_database;

/// So many findings are kept; what is broken everywhere is broken enough.
const FINDINGS_MAX: usize = 100;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    Capacity,
    Money,
    Access,
}

impl Question {
    /// What must hold at every position.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Capacity => "held + sold ≤ capacity",
            Self::Money => "captured + loss = in transit + unearned + owed back + given back + earned",
            Self::Access => "nobody was inside without a right to be",
        }
    }

    /// The figures of a change, in their order.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Capacity => &["held", "sold", "capacity", "free"],
            Self::Money => &[
                "currency",
                "captured",
                "loss",
                "in_transit",
                "unearned",
                "owed_back",
                "given_back",
                "earned",
            ],
            Self::Access => &["who", "ticket", "from", "until", "may"],
        }
    }
}

/// A position at which something changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub position: u64,
    pub event: String,
    /// The ticket or person it is about, where it is about one.
    pub about: Option<Uuid>,
    pub columns: &'static [&'static str],
    /// One for each column.
    pub figures: Vec<Value>,
    pub ok: bool,
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = [
            ("position", Value::from(self.position)),
            ("event", Value::from(self.event.clone())),
            ("about", self.about.map(|about| about.to_string()).into()),
            ("ok", Value::from(self.ok)),
        ];
        let figures = self.columns.iter().copied().zip(self.figures.iter().cloned());
        serializer.collect_map(own.into_iter().chain(figures))
    }
}

/// Something that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Wrong {
    pub position: u64,
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrong at position {}: {}", self.position, self.what)
    }
}

/// What an audit came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Outcome {
    pub rule: &'static str,
    /// At every position that was read.
    pub holds: bool,
    /// The last position that was read.
    pub head: u64,
    pub changes: u64,
    /// All of them; the first hundred are named.
    pub wrong_count: u64,
    pub wrong: Vec<Wrong>,
}

/// What one event comes to.
#[derive(Debug, Default)]
struct Step {
    changes: Vec<(Option<Uuid>, Vec<Value>)>,
    wrong: Vec<String>,
}

impl Step {
    fn show(&mut self, about: impl Into<Option<Uuid>>, figures: Vec<Value>) {
        self.changes.push((about.into(), figures));
    }

    fn object(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }
}

/// Reads the log, event by event, with one question about one room.
#[derive(Debug)]
pub struct Audit {
    question: Question,
    room: Uuid,
    /// Something happened to the room itself.
    is_known: bool,
    fold: Fold,
    head: u64,
    changes: u64,
    wrong_count: u64,
    wrong: Vec<Wrong>,
}

#[derive(Debug)]
enum Fold {
    Capacity(Capacity),
    Money(Money),
    Access(Access),
}

impl Audit {
    pub fn new(question: Question, room: Uuid) -> Self {
        Self {
            question,
            room,
            is_known: false,
            fold: match question {
                Question::Capacity => Fold::Capacity(Capacity::of(room)),
                Question::Money => Fold::Money(Money::of(room)),
                Question::Access => Fold::Access(Access::of(room)),
            },
            head: 0,
            changes: 0,
            wrong_count: 0,
            wrong: vec![],
        }
    }

    pub const fn question(&self) -> Question {
        self.question
    }

    /// Takes the next event, and says what it changes.
    pub fn take(&mut self, entry: &Entry<'_>) -> Vec<Change> {
        self.head = entry.position;
        self.is_known |= is_of(entry, "room", self.room);
        let mut step = Step::default();
        let read = match &mut self.fold {
            Fold::Capacity(fold) => fold.take(entry, &mut step),
            Fold::Money(fold) => fold.take(entry, &mut step),
            Fold::Access(fold) => fold.take(entry, &mut step),
        };
        if let Err(error) = read {
            step.object(format!("{} cannot be read: {error}", entry.event_type));
        }
        let ok = step.wrong.is_empty();
        for what in step.wrong {
            self.object(entry.position, what);
        }
        self.changes += step.changes.len() as u64;
        let changes = step.changes.into_iter().map(|(about, figures)| Change {
            position: entry.position,
            event: entry.event_type.to_owned(),
            about,
            columns: self.question.columns(),
            figures,
            ok,
        });
        changes.collect()
    }

    fn object(&mut self, position: u64, what: String) {
        self.wrong_count += 1;
        if self.wrong.len() < FINDINGS_MAX {
            self.wrong.push(Wrong { position, what });
        }
    }

    /// The verdict on what was read. Of a room that is not there nothing can be said.
    pub fn finish(self) -> Outcome {
        let mut audit = self;
        if !audit.is_known {
            audit.object(audit.head, "the room is not on the log".to_owned());
        }
        Outcome {
            rule: audit.question.rule(),
            holds: audit.wrong_count == 0,
            head: audit.head,
            changes: audit.changes,
            wrong_count: audit.wrong_count,
            wrong: audit.wrong,
        }
    }
}

/// Whether the event is of an aggregate of this type with this id.
fn is_of(entry: &Entry<'_>, aggregate_type: &str, id: Uuid) -> bool {
    entry.aggregate_type == aggregate_type && Uuid::from_str(entry.aggregate_id) == Ok(id)
}

fn parse<'a, T: serde::Deserialize<'a>>(entry: &Entry<'a>) -> Result<T, serde_json::Error> {
    serde_json::from_slice(entry.payload)
}
