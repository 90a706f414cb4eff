//! What the simulation takes for granted: each with its unit, and where it is from.
//!
//! Whole numbers all, money in millionths of a dollar. What is `Measured` is replaced by `results.json` where there is one.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// Where a figure is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// By `make bench`, on the machine of docs/PERFORMANCE.md.
    Measured,
    /// Written in this repository.
    Code,
    /// Said by others, publicly.
    Public,
    /// Nobody's: change it.
    Assumed,
    /// What is asked for.
    Asked,
}

/// One of them, for tables.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Stated {
    pub(super) name: &'static str,
    pub(super) value: u64,
    pub(super) unit: &'static str,
    pub(super) kind: Kind,
    pub(super) source: &'static str,
}

/// No value is larger; a run is over in minutes, and no sum overflows.
const MOST: u64 = 10_000_000_000;
const MOST_TRIES: u64 = 100_000_000;
const MOST_ROOMS: u64 = 20_000_000;

impl Assumptions {
    /// Shares are at most a whole, prices may be nothing, and everything else is at least one of its unit.
    pub(super) fn check(&self) -> Result<()> {
        for stated in self.list() {
            let (least, most) = match (stated.name, stated.unit) {
                ("tries", _) => (1, MOST_TRIES),
                ("rooms_a_day", _) => (1, MOST_ROOMS),
                (_, "‰" | "‰ of a day") => (0, 1_000),
                (_, "$/1,000,000") => (0, MOST),
                _ => (1, MOST),
            };
            if !(least..=most).contains(&stated.value) {
                bail!("{} is {}: it must be {least} to {most}", stated.name, stated.value);
            }
        }
        Ok(())
    }
}

macro_rules! assumptions {
    ($($name:ident = $value:literal, $unit:literal, $kind:ident, $source:literal;)*) => {
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct Assumptions {
            $(pub(super) $name: u64,)*
        }

        impl Default for Assumptions {
            fn default() -> Self {
                Self { $($name: $value,)* }
            }
        }

        impl Assumptions {
            pub(super) fn set(&mut self, name: &str, value: u64) -> Result<()> {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => bail!("there is no assumption {name:?}: `sim --list` names them"),
                }
                Ok(())
            }

            pub(super) fn list(&self) -> Vec<Stated> {
                vec![$(Stated {
                    name: stringify!($name),
                    value: self.$name,
                    unit: $unit,
                    kind: Kind::$kind,
                    source: $source,
                },)*]
            }
        }
    };
}

assumptions! {
    rooms_a_day = 1_000_000, "rooms", Asked, "the question";
    tries = 5_000_000, "tries", Asked, "the question";
    seats = 10_000, "seats", Assumed, "as the on-sale of docs/PERFORMANCE.md; `capacity_max` of a preset has to allow it";
    tries_come_within_ms = 15_000, "ms", Assumed, "mean of an exponential: two thirds of the tries come before it";
    tickets_a_room = 20, "tickets", Assumed, "mean, geometric: most rooms are small";
    shows_up_permille = 800, "‰", Assumed, "ticket holders who come";
    busiest_hour_permille = 100, "‰ of a day", Assumed, "evenings; the 24 hours are in sim/media.rs";
    starts_on_the_hour_permille = 700, "‰", Assumed, "the others at half past";
    arrive_within_secs = 600, "s", Assumed, "listeners of one start, spread evenly";
    room_minutes = 60, "min", Assumed, "45 to 75, evenly";
    reads_a_ticket = 5, "requests", Assumed, "pages that a buyer looks at";
    events_a_room = 10, "events", Assumed, "scheduled, opened, ended, presence, delivery and the like";
    window_secs = 900, "s", Assumed, "simulated of the busiest hour: the arrivals of one start are in it, whole";
    measured_cores = 2, "cores", Measured, "the machine of docs/PERFORMANCE.md";
    sold_out_a_second = 68_242, "1/s", Measured, "\"sold out\" over HTTP";
    holds_a_second = 22_469, "1/s", Measured, "holds over HTTP by buyers the shop has seen";
    purchases_a_second = 2_832, "1/s", Measured, "whole purchases, in process";
    replayed_a_second = 151_100, "events/s", Measured, "replay into all views";
    log_a_second = 108_952, "events/s", Measured, "holds in process, one room: what one writer has done at most";
    load_generator_ns = 14_000, "ns", Measured, "wrk's part of a request, docs/PERFORMANCE.md";
    hold_server_permille = 455, "‰", Measured, "the server's part of a hold: 45 of 45 + 37 + 17 µs, docs/PERFORMANCE.md";
    purchase_server_permille = 340, "‰", Measured, "boxoffice: 270 of 794 µs, docs/PERFORMANCE.md";
    purchase_views_permille = 460, "‰", Measured, "views, inbox, cold loads, sockets, write-back: 365 of 794 µs, docs/PERFORMANCE.md";
    purchase_events = 7, "events", Measured, "docs/PERFORMANCE.md";
    views_at_once = 2, "views", Measured, "261 µs of all views by 99 of the heaviest: more cores do not help";
    commit_ns = 290_000, "ns", Measured, "a commit of no rows, by the table of `INSERT`s in docs/PERFORMANCE.md";
    row_ns = 4_600, "ns", Measured, "each row of it, the same table";
    batch_rows = 1_000, "rows", Code, "event-log/src/limits.rs, one statement";
    room_places = 256, "holds", Code, "api/src/limits: half of the 512 that the door begins with";
    hold_secs = 300, "s", Code, "api/src/rooms/schedule.rs, the default";
    provider_at_once = 32, "calls", Code, "payments/src/stripe/client.rs";
    doors_a_second = 50, "people/s", Code, "`--doors-per-second`, for each node of the media server here";
    gate_connections = 20_000, "connections", Code, "media-bridge/src/gate, a node of boxoffice";
    bridge_at_once = 8, "rooms", Code, "media-bridge/src/reconciler, on the node that leads, once a second for each live room";
    bridge_call_ns = 1_200_000, "ns", Measured, "one look into a room of livekit-server on the same machine";
    event_bytes = 900, "bytes", Assumed, "a row of the log with both keys: 421 to about 1,000 by the event";
    standby_ns = 600_000, "ns", Assumed, "to a synchronous standby in another zone, its flush, and back";
    provider_a_second = 25, "calls/s", Public, "one endpoint of one account in live mode, docs.stripe.com/rate-limits, 2026; more on request";
    provider_ms = 400, "ms", Assumed, "a call to the provider, mean of an exponential";
    think_secs = 60, "s", Assumed, "from the seat to the card form, mean of an exponential";
    confirm_secs = 20, "s", Assumed, "card, bank and webhook, mean of an exponential";
    engine_appends_a_second = 15_000, "appends/s", Public, "\"10-20k the documents suggest\", github.com/kurrent-io/KurrentDB/issues/2227; not run here";
    engine_append_ns = 8_000_000, "ns", Public, "one append with its flush, \"fairly normal\" by its author, the same issue; not run here";
    engine_row_ns = 20_000, "ns", Assumed, "each further event of one append; not run here";
    copy_read_ns = 900_000, "ns", Measured, "a read from the double, debug build, loopback, docs/adr/0014: before each page that is copied; a real node's network comes on top";
    copy_row_ns = 3_600, "ns", Measured, "each event of it: the double's $all, docs/PERFORMANCE.md";
    machine_cores = 16, "vCPU", Assumed, "of which each is taken for a core of the measured machine";
    tenant_logs = 32, "logs", Assumed, "many logs: each with a leader, a provider's account and doors of its own";
    tenant_nodes = 4, "nodes", Assumed, "of boxoffice for each of the many logs, the leader among them";
    tenant_cores = 4, "vCPU", Assumed, "of each of these nodes";
    tenant_servers = 8, "servers", Assumed, "PostgreSQL servers for the many logs, each with a standby";
    media_packets_a_second = 959_156, "packets/s", Public, "audio only, 16 cores at 80 %, docs.livekit.io/transport/self-hosting/benchmark";
    media_megabits = 12_500, "Mbit/s", Public, "network of an m7i.4xlarge, aws.amazon.com/ec2/instance-types/m7i";
    listener_packets_a_second = 50, "packets/s", Assumed, "one speaks at a time, Opus in frames of 20 ms";
    packet_bytes = 130, "bytes", Assumed, "32 kbit/s of Opus with RTP, SRTP, UDP and IP";
    machine_hour_usd6 = 806_400, "$/1,000,000", Public, "m7i.4xlarge (16 vCPU), us-east-1, on demand: 4 × 0.2016, c3x.dev/blog/m5-vs-m6i-vs-m7i-cost-performance, 2026";
    network_gb_usd6 = 70_000, "$/1,000,000", Public, "to the internet above 150 TB a month, leanopstech.com/blog/aws-data-transfer-pricing-2026, 2026-04";
    disk_gb_month_usd6 = 80_000, "$/1,000,000", Assumed, "block storage, as gp3 was listed in us-east-1";
    kept_months = 12, "months", Assumed, "how long a day's events are paid for, on each copy";
    ticket_usd6 = 10_000_000, "$/1,000,000", Assumed, "price of a ticket, for the provider's fee";
    provider_fee_permille = 29, "‰", Public, "2.9 % + 30 ¢, stripe.com/pricing, United States";
    provider_fee_usd6 = 300_000, "$/1,000,000", Public, "the same";
}
