//! Where each part saturates: what is asked of it in the busiest minutes, beside what it can do.

use serde::Serialize;

use super::assumptions::Assumptions;
use super::dice::SECOND;
use super::engine::{At, Seen};
use super::layout::{Keeper, Layout};
use super::media::{self, Media};
use super::shop::{Log, Shop};

pub(super) const LEADERS_CORES: &str = "requests and decisions: the leader's cores";
/// Batches of one writer, or an engine's appends.
pub(super) const LOG: &str = "log";
pub(super) const COPY: &str = "copy of the engine's log: PostgreSQL";
pub(super) const VIEWS: &str = "views: PostgreSQL";
const MILLI: u64 = SECOND / 1000;

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Part {
    pub(super) name: &'static str,
    /// What it can do, of all such parts together.
    pub(super) can: u64,
    pub(super) unit: &'static str,
    /// Of that, in thousandths.
    pub(super) busy_permille: u64,
    /// Rooms a day at which nothing is left of it, everything else as assumed.
    pub(super) full_at_rooms: u64,
}

impl Part {
    pub(super) fn new(assumed: &Assumptions, name: &'static str, unit: &'static str, asked: u64, can: u64) -> Self {
        let busy = asked * 1000 / can.max(1);
        Self {
            name,
            can,
            unit,
            busy_permille: busy,
            full_at_rooms: (assumed.rooms_a_day * can).checked_div(asked).unwrap_or(u64::MAX),
        }
    }

    pub(super) const fn is_saturated(&self) -> bool {
        self.busy_permille >= 1000
    }
}

/// In the order in which a buyer meets them.
pub(super) fn parts(shop: &Shop, assumed: &Assumptions, layout: &Layout, media: &Media) -> Vec<Part> {
    let mut all = of_the_shop(shop, assumed, layout);
    let part = |name, unit, asked, can| Part::new(assumed, name, unit, asked, can);
    let window = media::window(assumed);
    let calls = total(shop, |log| log.limiter).came;
    let limit = assumed.provider_a_second * window / SECOND * layout.logs;
    all.push(part("payment provider: its rate limit", "calls", calls, limit));
    let at_once = assumed.provider_at_once * 1000 / assumed.provider_ms.max(1) * window / SECOND * layout.logs;
    all.push(part("payment provider: calls at a time", "calls", calls, at_once));
    let open = window.min(assumed.arrive_within_secs * SECOND) / SECOND;
    let doors = assumed.doors_a_second * media.nodes * open;
    all.push(part("doors", "people", total(shop, |log| log.doors).came, doors));
    let gates = assumed.gate_connections * layout.nodes;
    all.push(part("gates", "connections", media.listeners_at_once_max, gates));
    let looks = SECOND / assumed.bridge_call_ns.max(1) * assumed.bridge_at_once * layout.logs;
    all.push(part(
        "bridge: a look into each room a second",
        "rooms",
        media.rooms_live_max,
        looks,
    ));
    let packets = media.listeners_at_once_max * assumed.listener_packets_a_second;
    let can = assumed.media_packets_a_second * media.nodes;
    all.push(part(
        "LiveKit: packets, with as many nodes as it takes",
        "packets/s",
        packets,
        can,
    ));
    let network = assumed.media_megabits * media.nodes;
    all.push(part("network of these nodes", "Mbit/s", media.megabits_max, network));
    all
}

fn of_the_shop(shop: &Shop, assumed: &Assumptions, layout: &Layout) -> Vec<Part> {
    let window = media::window(assumed);
    let cores = |name, at, count: u64| {
        let can = count * layout.logs * window / MILLI;
        Part::new(assumed, name, "ms of cores", total(shop, at).work / MILLI, can)
    };
    let mut all = vec![cores(LEADERS_CORES, |log| log.http, layout.leader_cores)];
    if layout.reader_cores > 0 {
        all.push(cores(
            "pages: the followers' cores",
            |log| log.readers,
            layout.reader_cores,
        ));
    }
    let log = total(shop, |log| log.writer);
    all.push(match layout.keeper {
        Keeper::Engine => {
            let can = assumed.engine_appends_a_second * window / SECOND;
            Part::new(assumed, LOG, "appends", log.came, can)
        }
        Keeper::Postgres { standby } => {
            let fixed = assumed.commit_ns + if standby { assumed.standby_ns } else { 0 };
            let full = fixed + assumed.batch_rows * assumed.row_ns;
            let can = (assumed.batch_rows * window / full).min(assumed.log_a_second * window / SECOND) * layout.logs;
            Part::new(assumed, LOG, "events", log.work / assumed.row_ns.max(1), can)
        }
    });
    if layout.keeper == Keeper::Engine {
        let row = assumed.copy_row_ns + assumed.row_ns;
        let full = assumed.copy_read_ns + assumed.commit_ns + assumed.batch_rows * row;
        let can = assumed.batch_rows * window / full * layout.logs;
        let events = total(shop, |log| log.copy.unwrap_or(log.writer)).work / row.max(1);
        all.push(Part::new(assumed, COPY, "events", events, can));
    }
    if !layout.is_shared {
        all.push(cores(VIEWS, |log| log.views, layout.views_at_once));
    }
    all
}

fn total(shop: &Shop, at: fn(&Log) -> At) -> Seen {
    let seen = shop.logs.iter().map(|log| shop.engine.seen(at(log)));
    seen.fold(Seen::default(), |sum, seen| Seen {
        came: sum.came + seen.came,
        work: sum.work + seen.work,
        ..sum
    })
}
