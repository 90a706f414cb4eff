//! The shop as stations: what a hold, a purchase, an entry and a settlement pass through, one log beside the other.

use super::assumptions::Assumptions;
use super::costs::Costs;
use super::dice::{Dice, SECOND};
use super::engine::{At, Engine, Service, Token};
use super::layout::{Keeper, Layout};

const MILLI: u64 = SECOND / 1000;
/// Events that an append has.
const ORDER_ROWS: u64 = 2;
const CAPTURE_ROWS: u64 = 4;
const ENTRY_ROWS: u64 = 2;

/// What a token has just done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// A stream of the scenario brings its next.
    Next(u8),
    TryRead,
    HoldDecided,
    HoldDurable,
    /// A refusal, and the state it rests on.
    RefusalDurable,
    BuyerPays,
    OrderDecided,
    OrderDurable,
    ProviderTurn,
    IntentMade,
    Captured,
    CaptureDecided,
    TicketDurable,
    EntryDecided,
    EntryDurable,
    Inside,
    /// So many events of work in the background.
    Recorded(u8),
    /// An engine has it; its copy does not yet.
    OnEngine(Write),
    /// Nobody waits for it.
    Done,
    Viewed,
}

/// What is appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Write {
    Hold,
    /// Nothing, behind what is being written.
    Refusal,
    Order,
    Capture,
    Entry,
    Background(u8),
}

impl Write {
    fn rows(self) -> u64 {
        match self {
            Self::Refusal => 0,
            Self::Hold => 1,
            Self::Order => ORDER_ROWS,
            Self::Capture => CAPTURE_ROWS,
            Self::Entry => ENTRY_ROWS,
            Self::Background(rows) => u64::from(rows),
        }
    }

    /// When it can be answered.
    fn durable(self) -> Step {
        match self {
            Self::Hold => Step::HoldDurable,
            Self::Refusal => Step::RefusalDurable,
            Self::Order => Step::OrderDurable,
            Self::Capture => Step::TicketDurable,
            Self::Entry => Step::EntryDurable,
            Self::Background(rows) => Step::Recorded(rows),
        }
    }
}

/// The stations of one log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Log {
    pub(super) http: At,
    pub(super) readers: At,
    pub(super) writer: At,
    /// Of an engine's log, in PostgreSQL.
    pub(super) copy: Option<At>,
    pub(super) views: At,
    pub(super) limiter: At,
    pub(super) callers: At,
    pub(super) doors: At,
}

/// How long what was answered took, in microseconds.
#[derive(Default, Debug)]
pub(super) struct Times {
    pub(super) answers: Vec<u32>,
    pub(super) holds: Vec<u32>,
    /// From the provider's word to the ticket.
    pub(super) tickets: Vec<u32>,
    pub(super) entries: Vec<u32>,
    /// From the durable event to the last view that shows it.
    pub(super) views: Vec<u32>,
}

pub(super) struct Shop {
    pub(super) engine: Engine<Step>,
    pub(super) dice: Dice,
    pub(super) times: Times,
    pub(super) logs: Vec<Log>,
    pub(super) costs: Costs,
    /// Payments that could not begin before their hold lapsed.
    pub(super) lapsed: u64,
    pub(super) last_ticket_at: u64,
    assumed: Assumptions,
    door_interval: u64,
    /// What one append is to the writer, if it does not count rows.
    append: Option<u64>,
}

impl Shop {
    /// `is_hot`: all of the log's work is one room's. On an engine one stream has one append under way; others do not wait for it.
    pub(super) fn new(assumed: &Assumptions, layout: &Layout, doors_a_second: u64, is_hot: bool, seed: u64) -> Self {
        let mut engine = Engine::new();
        let writer = match layout.keeper {
            Keeper::Postgres { standby } => batches(
                assumed,
                assumed.commit_ns + if standby { assumed.standby_ns } else { 0 },
                assumed.row_ns,
            ),
            Keeper::Engine if is_hot => batches(assumed, assumed.engine_append_ns, assumed.engine_row_ns),
            Keeper::Engine => Service::Servers {
                count: 1,
                lag: assumed.engine_append_ns,
            },
        };
        // A page is read, and recorded; what comes meanwhile is in the next.
        let copy = (layout.keeper == Keeper::Engine).then(|| {
            let page = assumed.copy_read_ns + assumed.commit_ns;
            batches(assumed, page, assumed.copy_row_ns + assumed.row_ns)
        });
        let logs = (0..layout.logs)
            .map(|_| stations(&mut engine, assumed, layout, (writer, copy)))
            .collect();
        let counts_appends = matches!(writer, Service::Servers { .. });
        Self {
            engine,
            dice: Dice::new(seed),
            times: Times::default(),
            logs,
            costs: Costs::of(assumed),
            lapsed: 0,
            last_ticket_at: 0,
            assumed: assumed.clone(),
            door_interval: SECOND / doors_a_second.max(1),
            append: counts_appends.then(|| SECOND / assumed.engine_appends_a_second.max(1)),
        }
    }

    /// Somebody asks for a seat.
    pub(super) fn try_comes(&mut self, id: u32) {
        let token = self.token(Step::TryRead, id);
        self.engine.offer(self.log(id).http, token, self.costs.answer);
    }

    /// They are let in, and there is a seat.
    pub(super) fn hold(&mut self, token: Token<Step>) {
        self.work(Step::HoldDecided, token, self.costs.hold);
    }

    /// There is none, as of what is being written.
    pub(super) fn refuse_when_durable(&mut self, token: Token<Step>) {
        self.append(Write::Refusal, token);
    }

    pub(super) fn entry_comes(&mut self, id: u32) {
        let token = self.token(Step::EntryDecided, id);
        let work = self.costs.answer + ENTRY_ROWS * self.costs.event;
        self.engine.offer(self.log(id).http, token, work);
    }

    pub(super) fn page_comes(&mut self, id: u32) {
        let token = self.token(Step::Done, id);
        self.engine.offer(self.log(id).readers, token, self.costs.answer);
    }

    /// What the processes record by themselves.
    pub(super) fn record(&mut self, id: u32, rows: u8) {
        let token = self.token(Step::Done, id);
        let work = u64::from(rows) * self.costs.event;
        self.engine.offer(self.log(id).http, token, work);
        self.append(Write::Background(rows), token);
    }

    /// What follows from a step, whatever the scenario is.
    pub(super) fn go_on(&mut self, token: Token<Step>) {
        let took = self.engine.now - token.since;
        match token.step {
            Step::EntryDecided => self.append(Write::Entry, token),
            Step::EntryDurable => {
                self.follow(token.id, ENTRY_ROWS);
                let doors = self.log(token.id).doors;
                let step = Step::Inside;
                self.engine.offer(doors, Token { step, ..token }, self.door_interval);
            }
            Step::Inside => self.times.entries.push(micros(took)),
            Step::Recorded(rows) => self.follow(token.id, u64::from(rows)),
            Step::OnEngine(write) => {
                if let Some(copy) = self.log(token.id).copy {
                    let step = write.durable();
                    self.engine.offer(copy, Token { step, ..token }, write.rows());
                }
            }
            Step::Viewed => self.times.views.push(micros(took)),
            Step::Next(_) | Step::TryRead | Step::RefusalDurable | Step::Done => {}
            _ => self.sell(token),
        }
    }

    /// A purchase, from the decided hold to the ticket.
    fn sell(&mut self, token: Token<Step>) {
        let (now, event) = (self.engine.now, self.costs.event);
        match token.step {
            Step::HoldDecided => self.append(Write::Hold, token),
            Step::HoldDurable => {
                self.times.holds.push(micros(now - token.since));
                self.times.answers.push(micros(now - token.since));
                self.follow(token.id, 1);
                let think = self.dice.exponential(self.assumed.think_secs * SECOND);
                self.wait(Step::BuyerPays, token, think, now);
            }
            Step::BuyerPays => self.work(Step::OrderDecided, token, self.costs.answer + ORDER_ROWS * event),
            Step::OrderDecided => self.append(Write::Order, token),
            Step::OrderDurable => {
                self.follow(token.id, ORDER_ROWS);
                let turn = SECOND / self.assumed.provider_a_second.max(1);
                let step = Step::ProviderTurn;
                self.engine
                    .offer(self.log(token.id).limiter, Token { step, ..token }, turn);
            }
            Step::ProviderTurn => {
                let takes = self.dice.exponential(self.assumed.provider_ms * MILLI);
                let step = Step::IntentMade;
                self.engine
                    .offer(self.log(token.id).callers, Token { step, ..token }, takes);
            }
            // `since` is when the seat was held.
            Step::IntentMade if now - token.since > self.assumed.hold_secs * SECOND => self.lapsed += 1,
            Step::IntentMade => {
                let confirms = self.dice.exponential(self.assumed.confirm_secs * SECOND);
                self.wait(Step::Captured, token, confirms, now + confirms);
            }
            Step::Captured => self.work(Step::CaptureDecided, token, self.costs.answer + CAPTURE_ROWS * event),
            Step::CaptureDecided => self.append(Write::Capture, token),
            Step::TicketDurable => {
                self.times.tickets.push(micros(now - token.since));
                self.last_ticket_at = now;
                self.follow(token.id, CAPTURE_ROWS);
            }
            step => unreachable!("{step:?} is no step of a sale"),
        }
    }

    fn wait(&mut self, step: Step, token: Token<Step>, delay: u64, since: u64) {
        self.engine.after(delay, Token { step, since, ..token });
    }

    pub(super) fn log(&self, id: u32) -> Log {
        self.logs[id as usize % self.logs.len()]
    }

    fn token(&self, step: Step, id: u32) -> Token<Step> {
        Token {
            step,
            id,
            since: self.engine.now,
        }
    }

    fn work(&mut self, step: Step, token: Token<Step>, nanos: u64) {
        self.engine
            .offer(self.log(token.id).http, Token { step, ..token }, nanos);
    }

    /// Whoever waits is answered when the log has it, and its copy, if it has one.
    fn append(&mut self, write: Write, token: Token<Step>) {
        let amount = self.append.unwrap_or(write.rows());
        let log = self.log(token.id);
        let step = if log.copy.is_some() {
            Step::OnEngine(write)
        } else {
            write.durable()
        };
        self.engine.offer(log.writer, Token { step, ..token }, amount);
    }

    fn follow(&mut self, id: u32, rows: u64) {
        let token = self.token(Step::Viewed, id);
        self.engine.offer(self.log(id).views, token, rows * self.costs.views);
    }
}

fn batches(assumed: &Assumptions, fixed: u64, row: u64) -> Service {
    Service::Batches {
        most: usize::try_from(assumed.batch_rows).unwrap_or(usize::MAX),
        fixed,
        row,
    }
}

fn stations(
    engine: &mut Engine<Step>,
    assumed: &Assumptions,
    layout: &Layout,
    (writer, copy): (Service, Option<Service>),
) -> Log {
    let mut servers = |count: u64| {
        engine.station(Service::Servers {
            count: count.max(1),
            lag: 0,
        })
    };
    let http = servers(layout.leader_cores);
    let readers = if layout.reader_cores == 0 {
        http
    } else {
        servers(layout.reader_cores)
    };
    let views = if layout.is_shared {
        http
    } else {
        servers(layout.views_at_once)
    };
    Log {
        http,
        readers,
        views,
        limiter: servers(1),
        callers: servers(assumed.provider_at_once),
        doors: servers(1),
        writer: engine.station(writer),
        copy: copy.map(|copy| engine.station(copy)),
    }
}

pub(super) fn micros(nanos: u64) -> u32 {
    u32::try_from(nanos / 1000).unwrap_or(u32::MAX)
}
