//! What a check found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// So many findings are named; a log that is broken everywhere is broken enough.
const FINDINGS_MAX: usize = 100;

/// What must hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Positions are 1, 2, 3, …
    Positions,
    /// Sequences of a stream are 1, 2, 3, …
    Sequences,
    /// Each hash follows from the one before and from the row.
    Chain,
    /// `recorded_at` never goes back.
    RecordedAt,
    /// Kind, version and payload of an event are known here.
    KnownEvents,
    /// What a client was told is there, as it was told.
    Acknowledged,
    /// `held + sold ≤ capacity` at every position.
    Capacity,
    /// The same for each price tier and each promo code.
    Quotas,
    /// A ticket has at most one seat, and that of its buyer.
    Seats,
    /// A ticket is issued at most once, after its seat was sold.
    Tickets,
    /// What was captured is in a ticket or has gone back.
    Captures,
    /// No more goes back than was captured, no less than a void room owes, and of one that broke off the missing share.
    Refunds,
    /// Debits equal credits in each currency, and clearing accounts return to zero.
    Ledger,
    /// The ledger view says what the events say.
    LedgerView,
    /// A sale is earned once, of a room that is not void, and split without a remainder.
    Earnings,
    /// No more is paid out than was earned.
    Payouts,
    /// A dispute ends once, and takes what there is to take.
    Disputes,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    pub rule: Rule,
    /// Where in the log; `None` where it is about something that is not there, or about a view.
    pub position: Option<u64>,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{} at position {position}: {}", self.rule, self.what),
            None => write!(f, "{}: {}", self.rule, self.what),
        }
    }
}

/// Findings, of which only the first are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    count: u64,
}

impl Findings {
    pub(crate) fn add(&mut self, rule: Rule, position: impl Into<Option<u64>>, what: impl Into<String>) {
        self.count += 1;
        if self.kept.len() < FINDINGS_MAX {
            self.kept.push(Finding {
                rule,
                position: position.into(),
                what: what.into(),
            });
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.count += other.count;
        let room = FINDINGS_MAX - self.kept.len();
        self.kept.extend(other.kept.into_iter().take(room));
    }

    /// Those that are kept, and how many there were.
    pub(crate) fn into_parts(self) -> (Vec<Finding>, u64) {
        (self.kept, self.count)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The verdict on a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Nothing was found.
    pub ok: bool,
    /// Events read.
    pub events: u64,
    /// The last position.
    pub head: u64,
    /// Acknowledgements compared.
    pub acknowledged: u64,
    /// The position the ledger view stands at; `None` if there is no such view.
    pub ledger_view: Option<u64>,
    /// All there are, also those that are not named.
    pub findings_count: u64,
    /// At most 100.
    pub findings: Vec<Finding>,
    /// What the events come to, by account and currency: debits less credits, in minor units.
    #[serde(skip)]
    pub balances: BTreeMap<(String, String), i128>,
}

impl Report {
    pub(crate) fn new(read: Read, found: Findings) -> Self {
        Self {
            ok: found.is_empty(),
            events: read.events,
            head: read.head,
            acknowledged: read.acknowledged,
            ledger_view: read.ledger_view,
            findings_count: found.count,
            findings: found.kept,
            balances: read.balances,
        }
    }
}

/// How much was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) events: u64,
    pub(crate) head: u64,
    pub(crate) acknowledged: u64,
    pub(crate) ledger_view: Option<u64>,
    pub(crate) balances: BTreeMap<(String, String), i128>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let unnamed = self.findings_count - self.findings.len() as u64;
        if unnamed > 0 {
            writeln!(f, "and {unnamed} more")?;
        }
        let view = match self.ledger_view {
            Some(position) => format!("the ledger view at {position}"),
            None => "no ledger view".to_owned(),
        };
        let verdict = if self.ok { "holds" } else { "is broken" };
        write!(
            f,
            "the log {verdict}: {} events, head {}, {view}, {} acknowledgements, {} findings",
            self.events, self.head, self.acknowledged, self.findings_count
        )
    }
}
