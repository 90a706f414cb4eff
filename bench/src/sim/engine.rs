//! The clock and the queues: events in the order of their time, and stations that serve whoever has come first.
//!
//! Time is in whole nanoseconds; of two things at the same moment the one that was planned first happens first. So a run is the same
//! wherever it runs.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Whoever is on the way: what its step means is the scenario's to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token<S> {
    pub(super) step: S,
    pub(super) id: u32,
    /// When what is timed began.
    pub(super) since: u64,
}

/// A station, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct At(usize);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Due {
    Timer(u32),
    Served(usize, u32),
    Flushed(usize),
}

/// How a station serves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Service {
    /// So many at a time, each for its own time; and then `lag` more, which keeps no server.
    Servers { count: u64, lag: u64 },
    /// One batch at a time: whoever came while the last one was under way, `most` at most. Takes `fixed` and for each row `row`.
    Batches { most: usize, fixed: u64, row: u64 },
}

/// What a station has seen.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    pub(super) came: u64,
    pub(super) served: u64,
    /// Nanoseconds of work that came, and that was done, of all servers together.
    pub(super) work: u64,
    pub(super) done: u64,
    pub(super) waited: u64,
    pub(super) waiting_max: usize,
}

#[derive(Debug)]
struct Station<S> {
    service: Service,
    free: u64,
    /// Who waits: since when, and with how much (nanoseconds, or rows).
    waiting: VecDeque<(Token<S>, u64, u64)>,
    flushing: Vec<Token<S>>,
    flush_takes: u64,
    seen: Seen,
}

#[derive(Debug)]
pub(super) struct Engine<S> {
    pub(super) now: u64,
    planned: u64,
    due: BinaryHeap<Reverse<(u64, u64, Due)>>,
    /// Tokens in service or on a timer, by slots that are used again.
    tokens: Vec<Token<S>>,
    free_slots: Vec<u32>,
    ready: VecDeque<Token<S>>,
    stations: Vec<Station<S>>,
}

impl<S: Copy> Engine<S> {
    pub(super) const fn new() -> Self {
        Self {
            now: 0,
            planned: 0,
            due: BinaryHeap::new(),
            tokens: vec![],
            free_slots: vec![],
            ready: VecDeque::new(),
            stations: vec![],
        }
    }

    pub(super) fn station(&mut self, service: Service) -> At {
        self.stations.push(Station {
            service,
            free: match service {
                Service::Servers { count, .. } => count,
                Service::Batches { .. } => 1,
            },
            waiting: VecDeque::new(),
            flushing: vec![],
            flush_takes: 0,
            seen: Seen::default(),
        });
        At(self.stations.len() - 1)
    }

    pub(super) fn seen(&self, at: At) -> Seen {
        self.stations[at.0].seen
    }

    /// Comes back after `delay`.
    pub(super) fn after(&mut self, delay: u64, token: Token<S>) {
        let slot = self.keep(token);
        self.plan(delay, Due::Timer(slot));
    }

    /// Comes back when it was served: `amount` is nanoseconds of one server, or rows of a batch.
    pub(super) fn offer(&mut self, at: At, token: Token<S>, amount: u64) {
        let now = self.now;
        let station = &mut self.stations[at.0];
        station.seen.came += 1;
        station.seen.work += match station.service {
            Service::Servers { .. } => amount,
            Service::Batches { row, .. } => row * amount,
        };
        station.waiting.push_back((token, now, amount));
        self.serve(at.0);
        let station = &mut self.stations[at.0];
        station.seen.waiting_max = station.seen.waiting_max.max(station.waiting.len());
    }

    /// The next that comes back; `now` is its time. `None`: nothing is left to happen.
    pub(super) fn next(&mut self) -> Option<Token<S>> {
        loop {
            if let Some(token) = self.ready.pop_front() {
                return Some(token);
            }
            let Reverse((time, _, due)) = self.due.pop()?;
            self.now = time;
            match due {
                Due::Timer(slot) => return Some(self.take(slot)),
                Due::Served(at, slot) => {
                    self.stations[at].free += 1;
                    self.stations[at].seen.served += 1;
                    self.serve(at);
                    match self.stations[at].service {
                        Service::Servers { lag, .. } if lag > 0 => self.plan(lag, Due::Timer(slot)),
                        _ => return Some(self.take(slot)),
                    }
                }
                Due::Flushed(at) => {
                    let station = &mut self.stations[at];
                    station.free = 1;
                    station.seen.served += station.flushing.len() as u64;
                    station.seen.done += station.flush_takes;
                    self.ready.extend(station.flushing.drain(..));
                    self.serve(at);
                }
            }
        }
    }

    fn serve(&mut self, at: usize) {
        match self.stations[at].service {
            Service::Servers { .. } => {
                while self.stations[at].free > 0 {
                    let Some((token, since, work)) = self.stations[at].waiting.pop_front() else {
                        return;
                    };
                    let station = &mut self.stations[at];
                    station.free -= 1;
                    station.seen.waited += self.now - since;
                    station.seen.done += work;
                    let slot = self.keep(token);
                    self.plan(work, Due::Served(at, slot));
                }
            }
            Service::Batches { most, fixed, row } => {
                let now = self.now;
                let station = &mut self.stations[at];
                let count = station.waiting.len().min(most);
                if station.free == 0 || count == 0 {
                    return;
                }
                station.free = 0;
                let mut rows = 0;
                for (token, since, of_it) in station.waiting.drain(..count) {
                    station.seen.waited += now - since;
                    rows += of_it;
                    station.flushing.push(token);
                }
                station.flush_takes = fixed + row * rows;
                let takes = station.flush_takes;
                self.plan(takes, Due::Flushed(at));
            }
        }
    }

    fn plan(&mut self, delay: u64, due: Due) {
        self.planned += 1;
        self.due.push(Reverse((self.now + delay, self.planned, due)));
    }

    fn keep(&mut self, token: Token<S>) -> u32 {
        if let Some(slot) = self.free_slots.pop() {
            self.tokens[slot as usize] = token;
            return slot;
        }
        self.tokens.push(token);
        u32::try_from(self.tokens.len() - 1).expect("fewer than four billion are on the way at once")
    }

    fn take(&mut self, slot: u32) -> Token<S> {
        self.free_slots.push(slot);
        self.tokens[slot as usize]
    }
}
