//! The busiest quarter of an hour of a day: sales go on, the doors of the rooms that start on the hour are open, and the rooms before
//! them are settled.

use serde::Serialize;

use super::assumptions::Assumptions;
use super::dice::SECOND;
use super::engine::Token;
use super::layout::Layout;
use super::media::{self, Media};
use super::parts::{Part, parts};
use super::shop::{Shop, Step};
use crate::harness::Latencies;

const BUY: u8 = 0;
const ENTER: u8 = 1;
const SETTLE: u8 = 2;
const LOOK: u8 = 3;
const ROOMS: u8 = 4;
/// Events of a settlement: the ticket's, and the host's.
const SETTLE_ROWS: u8 = 2;

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Day {
    pub(super) layout: &'static str,
    pub(super) bought: u64,
    pub(super) issued: u64,
    pub(super) lapsed: u64,
    pub(super) entered: u64,
    pub(super) hold_p50_us: u32,
    pub(super) hold_p99_us: u32,
    pub(super) ticket_p99_us: u32,
    pub(super) entry_p50_us: u32,
    pub(super) entry_p99_us: u32,
    pub(super) views_p99_us: u32,
    pub(super) parts: Vec<Part>,
}

impl Day {
    /// Everybody who bought has a ticket or a lapsed hold, and everybody who came is inside.
    pub(super) const fn is_whole(&self, entries: u64) -> bool {
        self.issued + self.lapsed == self.bought && self.entered == entries
    }
}

pub(super) struct Evening {
    shop: Shop,
    /// Arrivals an hour, and until when they come.
    streams: [(u64, u64); 5],
    came: [u64; 5],
}

impl Evening {
    pub(super) fn new(assumed: &Assumptions, layout: &Layout, media: &Media, seed: u64) -> Self {
        let doors = assumed.doors_a_second * media.nodes / layout.logs;
        let window = media::window(assumed);
        let rooms = media::rooms_in_busiest_hour(assumed);
        let tickets = rooms * assumed.tickets_a_room;
        let entries = media::entries_an_hour(assumed);
        Self {
            shop: Shop::new(assumed, layout, doors, false, seed),
            streams: [
                (tickets, window),
                (entries, window.min(assumed.arrive_within_secs * SECOND)),
                (tickets * assumed.shows_up_permille / 1000, window),
                (tickets * assumed.reads_a_ticket, window),
                (rooms * assumed.events_a_room, window),
            ],
            came: [0; 5],
        }
    }

    pub(super) fn run(mut self, assumed: &Assumptions, layout: &Layout, media: &Media) -> (Day, u64) {
        for stream in [BUY, ENTER, SETTLE, LOOK, ROOMS] {
            self.plan(stream);
        }
        while let Some(token) = self.shop.engine.next() {
            self.step(token);
        }
        let parts = parts(&self.shop, assumed, layout, media);
        let Self { shop, came, .. } = self;
        let issued = shop.times.tickets.len() as u64;
        let entered = shop.times.entries.len() as u64;
        let [holds, tickets, entries, views] = [
            shop.times.holds,
            shop.times.tickets,
            shop.times.entries,
            shop.times.views,
        ]
        .map(Latencies::new);
        let day = Day {
            layout: layout.name,
            bought: came[usize::from(BUY)],
            issued,
            lapsed: shop.lapsed,
            entered,
            hold_p50_us: holds.percentile_us(50),
            hold_p99_us: holds.percentile_us(99),
            ticket_p99_us: tickets.percentile_us(99),
            entry_p50_us: entries.percentile_us(50),
            entry_p99_us: entries.percentile_us(99),
            views_p99_us: views.percentile_us(99),
            parts,
        };
        (day, came[usize::from(ENTER)])
    }

    fn plan(&mut self, stream: u8) {
        let (per_hour, until) = self.streams[usize::from(stream)];
        if per_hour == 0 {
            return;
        }
        let wait = self.shop.dice.next_arrival(per_hour);
        if self.shop.engine.now + wait < until {
            let token = Token {
                step: Step::Next(stream),
                id: 0,
                since: 0,
            };
            self.shop.engine.after(wait, token);
        }
    }

    fn step(&mut self, token: Token<Step>) {
        match token.step {
            Step::Next(stream) => {
                self.came[usize::from(stream)] += 1;
                // Whose room it is, and so which log.
                let id = u32::try_from(self.shop.dice.below(self.shop.logs.len() as u64)).unwrap_or(0);
                match stream {
                    BUY => self.shop.try_comes(id),
                    ENTER => self.shop.entry_comes(id),
                    SETTLE => self.shop.record(id, SETTLE_ROWS),
                    LOOK => self.shop.page_comes(id),
                    _ => self.shop.record(id, 1),
                }
                self.plan(stream);
            }
            Step::TryRead => self.shop.hold(token),
            _ => self.shop.go_on(token),
        }
    }
}
