//! What goes wrong with a statement, and when.

use std::collections::VecDeque;

use shuttle::rand::Rng as _;

/// What happens to one INSERT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    Nothing,
    /// The line breaks before the statement arrives.
    Unsent,
    /// It is committed, and the line breaks before the answer.
    Unanswered,
    /// The line breaks, and the server goes on by itself: it commits later, and holds the session's lock so long.
    Late,
    /// No answer ever comes, though the server goes on.
    Silent,
    /// `statement_timeout`: nothing is recorded.
    TimedOut,
    /// As `Unsent`, and the database takes no connection for a while.
    Outage,
}

impl Fault {
    pub(super) const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Unsent,
        Self::Unanswered,
        Self::Late,
        Self::Silent,
        Self::TimedOut,
        Self::Outage,
    ];
}

/// What will go wrong.
#[derive(Clone, Debug)]
pub(super) enum Faults {
    /// In this order, and nothing after that.
    Script(VecDeque<Fault>),
    /// At most so many, drawn from the schedule's own random numbers.
    Dice(u32),
}

impl Faults {
    pub(super) fn none() -> Self {
        Self::Script(VecDeque::new())
    }

    pub(super) fn next(&mut self) -> Fault {
        match self {
            Self::Script(faults) => faults.pop_front().unwrap_or(Fault::Nothing),
            Self::Dice(0) => Fault::Nothing,
            Self::Dice(left) => {
                let fault = Fault::ALL[shuttle::rand::thread_rng().gen_range(0..Fault::ALL.len())];
                *left -= u32::from(fault != Fault::Nothing);
                fault
            }
        }
    }
}
