//! One on-sale: all tries are for one room, so all of it is one stream of one log.

use serde::Serialize;

use super::assumptions::Assumptions;
use super::dice::SECOND;
use super::engine::Token;
use super::layout::Layout;
use super::shop::{Shop, Step, micros};
use crate::harness::Latencies;

/// The room's log: the first one.
const ROOM: u32 = 0;

/// How tries come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrivals {
    /// By themselves, ever fewer: an exponential with this mean, in nanoseconds.
    Fading(u64),
    /// So many connections, each of which asks again when it was answered, and takes so much of the server's cores for it.
    Closed { connections: u64, load: u64 },
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct OnSale {
    pub(super) layout: &'static str,
    pub(super) tries: u64,
    pub(super) held: u64,
    pub(super) sold_out: u64,
    pub(super) turned_away: u64,
    pub(super) answered_within_us: u64,
    pub(super) p50_us: u32,
    pub(super) p99_us: u32,
    pub(super) hold_p50_us: u32,
    pub(super) hold_p99_us: u32,
    pub(super) all_held_after_us: u64,
    /// Who waited at most to be read.
    pub(super) queue_max: usize,
    /// Of what the leader's cores can do in the first second, in thousandths: above 1,000 a queue grows.
    pub(super) first_second_permille: u64,
    pub(super) issued: u64,
    pub(super) lapsed: u64,
    pub(super) last_ticket_after_us: u64,
}

pub(super) struct Rush {
    shop: Shop,
    tries: u64,
    seats: u64,
    places: u64,
    arrivals: Arrivals,
    begun: u64,
    inside: u64,
    /// Decided, and durable.
    taken: u64,
    held: u64,
    counts: OnSale,
}

impl Rush {
    pub(super) fn new(assumed: &Assumptions, layout: &Layout, arrivals: Arrivals, seed: u64) -> Self {
        let mut shop = Shop::new(assumed, layout, assumed.doors_a_second, true, seed);
        if let Arrivals::Closed { load, .. } = arrivals {
            shop.costs.answer += load;
        }
        Self {
            shop,
            tries: assumed.tries,
            seats: assumed.seats,
            places: assumed.room_places,
            arrivals,
            begun: 0,
            inside: 0,
            taken: 0,
            held: 0,
            counts: OnSale::nothing(layout.name),
        }
    }

    pub(super) fn run(mut self, leader_cores: u64) -> OnSale {
        let first = match self.arrivals {
            Arrivals::Fading(_) => 1,
            Arrivals::Closed { connections, .. } => connections,
        };
        for _ in 0..first {
            self.next();
        }
        let (mut in_first_second, mut is_first) = (0, true);
        while let Some(token) = self.shop.engine.next() {
            if is_first && self.shop.engine.now > SECOND {
                in_first_second = self.begun * self.shop.costs.answer;
                is_first = false;
            }
            self.step(token);
        }
        if is_first {
            in_first_second = self.begun * self.shop.costs.answer;
        }
        self.counts.first_second_permille = in_first_second / (leader_cores * SECOND / 1000);
        self.sum_up()
    }

    /// The next try, if there is one left.
    fn next(&mut self) {
        if self.begun == self.tries {
            return;
        }
        self.begun += 1;
        let wait = match self.arrivals {
            Arrivals::Closed { .. } => 0,
            // The gaps of so many draws from an exponential, in their order.
            Arrivals::Fading(mean) => self.shop.dice.exponential(mean / (self.tries - self.begun + 1)),
        };
        let token = Token {
            step: Step::Next(0),
            id: ROOM,
            since: 0,
        };
        self.shop.engine.after(wait, token);
    }

    fn step(&mut self, token: Token<Step>) {
        match token.step {
            Step::Next(_) => {
                self.shop.try_comes(ROOM);
                if matches!(self.arrivals, Arrivals::Fading(_)) {
                    self.next();
                }
            }
            Step::TryRead if self.held >= self.seats => {
                self.counts.sold_out += 1;
                self.answer(token);
            }
            Step::TryRead if self.inside >= self.places => {
                self.counts.turned_away += 1;
                self.answer(token);
            }
            Step::TryRead => {
                self.inside += 1;
                if self.taken < self.seats {
                    self.taken += 1;
                    self.shop.hold(token);
                } else {
                    self.shop.refuse_when_durable(token);
                }
            }
            Step::RefusalDurable => {
                self.inside -= 1;
                self.counts.sold_out += 1;
                self.answer(token);
            }
            Step::HoldDurable => {
                self.inside -= 1;
                self.held += 1;
                if self.held == self.seats {
                    self.counts.all_held_after_us = self.shop.engine.now / 1000;
                }
                self.answered();
                self.shop.go_on(token);
            }
            _ => self.shop.go_on(token),
        }
    }

    fn answer(&mut self, token: Token<Step>) {
        let took = micros(self.shop.engine.now - token.since);
        self.shop.times.answers.push(took);
        self.answered();
    }

    fn answered(&mut self) {
        self.counts.answered_within_us = self.shop.engine.now / 1000;
        if matches!(self.arrivals, Arrivals::Closed { .. }) {
            self.next();
        }
    }

    fn sum_up(self) -> OnSale {
        let Self {
            shop,
            held,
            begun,
            counts,
            ..
        } = self;
        let (issued, last) = (shop.times.tickets.len() as u64, shop.last_ticket_at / 1000);
        let queue_max = shop.engine.seen(shop.logs[0].http).waiting_max;
        let (answers, holds) = (Latencies::new(shop.times.answers), Latencies::new(shop.times.holds));
        OnSale {
            tries: begun,
            held,
            p50_us: answers.percentile_us(50),
            p99_us: answers.percentile_us(99),
            hold_p50_us: holds.percentile_us(50),
            hold_p99_us: holds.percentile_us(99),
            queue_max,
            issued,
            lapsed: shop.lapsed,
            last_ticket_after_us: last,
            ..counts
        }
    }
}

impl OnSale {
    const fn nothing(layout: &'static str) -> Self {
        Self {
            layout,
            tries: 0,
            held: 0,
            sold_out: 0,
            turned_away: 0,
            answered_within_us: 0,
            p50_us: 0,
            p99_us: 0,
            hold_p50_us: 0,
            hold_p99_us: 0,
            all_held_after_us: 0,
            queue_max: 0,
            first_second_permille: 0,
            issued: 0,
            lapsed: 0,
            last_ticket_after_us: 0,
        }
    }

    /// Every try has one answer.
    pub(super) const fn is_whole(&self) -> bool {
        self.held + self.sold_out + self.turned_away == self.tries && self.issued + self.lapsed == self.held
    }
}
