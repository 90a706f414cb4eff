//! What it costs, in millionths of a dollar: whole numbers, rounded up once, at the end.

use serde::Serialize;

use super::assumptions::Assumptions;
use super::layout::Layout;
use super::media::Media;

const HOURS_A_DAY: u64 = 24;
const GIGABYTE: u64 = 1_000_000_000;

/// Of one ticket, in millionths of a dollar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Price {
    pub(super) shop: u64,
    pub(super) disk: u64,
    pub(super) media: u64,
    pub(super) network: u64,
    pub(super) provider: u64,
}

impl Price {
    pub(super) const fn without_provider(&self) -> u64 {
        self.shop + self.disk + self.media + self.network
    }
}

/// Machines are paid for the whole day, as many as its busiest minute needs.
pub(super) fn of_a_day(assumed: &Assumptions, layout: &Layout, media: &Media) -> Price {
    let tickets = (assumed.rooms_a_day * assumed.tickets_a_room).max(1);
    let machine_day = assumed.machine_hour_usd6 * HOURS_A_DAY;
    let each = |total: u64| total.div_ceil(tickets);
    Price {
        shop: each(machine_day * layout.cores / assumed.machine_cores.max(1)),
        disk: each(
            events_a_day(assumed) * assumed.event_bytes / GIGABYTE
                * assumed.disk_gb_month_usd6
                * assumed.kept_months
                * layout.copies,
        ),
        media: each(machine_day * media.nodes),
        network: each(media.gigabytes * assumed.network_gb_usd6),
        provider: provider(assumed),
    }
}

/// The layout's machines for one hour, and nothing else: the audio comes later.
pub(super) fn of_an_on_sale(assumed: &Assumptions, layout: &Layout) -> Price {
    let hour = assumed.machine_hour_usd6 * layout.cores / assumed.machine_cores.max(1);
    Price {
        shop: hour.div_ceil(assumed.seats.max(1)),
        disk: 0,
        media: 0,
        network: 0,
        provider: provider(assumed),
    }
}

pub(super) const fn events_a_day(assumed: &Assumptions) -> u64 {
    // A purchase; an entry and a settlement of whoever came.
    let a_thousand_tickets = assumed.purchase_events * 1000 + 4 * assumed.shows_up_permille;
    assumed.rooms_a_day * (assumed.tickets_a_room * a_thousand_tickets / 1000 + assumed.events_a_room)
}

const fn provider(assumed: &Assumptions) -> u64 {
    assumed.ticket_usd6 * assumed.provider_fee_permille / 1000 + assumed.provider_fee_usd6
}
