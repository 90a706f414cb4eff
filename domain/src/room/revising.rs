//! Changing a room that sells already. Sold tickets keep the terms of their hold; what they rest on beside those (the
//! refund policy, the no-show rule) is frozen with the first sale, and the seats never become fewer than are taken.

use crate::room::command::{Authority, ReviseRoom};
use crate::room::decide::Decision;
use crate::room::event::{Revision, RoomRevised};
use crate::room::prices::{PriceTier, PromoCode};
use crate::room::recordings::Recordings;
use crate::room::{pricing, recording, schedule, selling};
use crate::{Fingerprint, Money, Preset, Room, RoomError, RoomEvent, Timestamp};

impl Room {
    pub(super) fn revise(&self, revise: ReviseRoom) -> Decision {
        self.require_authority(revise.by)?;
        let sales = self.sales().ok_or(RoomError::RoomOver)?;
        let revision = news(&sales, revise.wish);
        if revision == Revision::default() {
            return Ok(vec![]);
        }
        let revision = check(&sales, revision, &revise.preset)?;
        self.require_known_to_speakers(&revision)?;
        sales.require_changeable(&revision)?;
        let prices = revision
            .price
            .into_iter()
            .chain(revision.tiers.iter().map(|tier| tier.price));
        let is_priced = prices.into_iter().any(Money::is_positive);
        if is_priced {
            revise.permit.require(is_priced)?;
        }
        Ok(vec![RoomEvent::RoomRevised(RoomRevised {
            revision,
            revised_at: revise.at,
        })])
    }

    /// Whether there are recordings is settled when the room opens.
    fn require_known_to_speakers(&self, revision: &Revision) -> Result<(), RoomError> {
        let is_allowed = self.recordings().is_some_and(Recordings::are_allowed);
        match revision.recording {
            Some(terms) if self.was_opened() && terms.allowed != is_allowed => Err(self.wrong_state()),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn pause_sales(&self, by: Authority, at: Timestamp) -> Decision {
        self.require_authority(by)?;
        let sales = self.sales().ok_or(RoomError::RoomOver)?;
        if sales.facts.sales_paused {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::SalesPaused { paused_at: at }])
    }

    pub(super) fn resume_sales(&self, by: Authority, at: Timestamp) -> Decision {
        self.require_authority(by)?;
        let sales = self.sales().ok_or(RoomError::RoomOver)?;
        if !sales.facts.sales_paused {
            return Ok(vec![]);
        }
        if sales.facts.sales_suspended {
            return Err(RoomError::HostSuspended);
        }
        Ok(vec![RoomEvent::SalesResumed { resumed_at: at }])
    }
}

impl selling::Sales<'_> {
    fn require_changeable(&self, revision: &Revision) -> Result<(), RoomError> {
        let taken = self.seats.held_count().saturating_add(self.seats.sold_count());
        if revision.capacity.is_some_and(|capacity| capacity < taken) {
            return Err(RoomError::CapacityBelowSold { taken });
        }
        let frozen = match revision {
            Revision {
                refund_policy: Some(_), ..
            } => "refund_policy",
            Revision {
                no_show_minutes: Some(_),
                ..
            } => "no_show_minutes",
            _ => return Ok(()),
        };
        if self.seats.was_sold() {
            return Err(RoomError::FrozenAfterFirstSale { field: frozen });
        }
        Ok(())
    }
}

/// What of `wish` is not so already.
fn news(sales: &selling::Sales<'_>, wish: Revision) -> Revision {
    let (facts, prices) = (sales.facts, sales.seats.prices());
    let tier = |tier: &PriceTier| prices.and_then(|prices| prices.tier(&tier.tier)).map(|(tier, _)| tier);
    let code = |code: &PromoCode| {
        prices
            .and_then(|prices| prices.promo_code(code.code))
            .map(|(code, _)| code)
    };
    let mut wish = wish;
    wish.tiers.retain(|new| tier(new) != Some(new));
    wish.promo_codes.retain(|new| code(new) != Some(new));
    Revision {
        tiers: wish.tiers,
        promo_codes: wish.promo_codes,
        title: wish.title.filter(|title| title.trim() != facts.title),
        description: wish
            .description
            .filter(|text| Fingerprint::of(text.as_bytes()) != facts.description),
        language: wish.language.filter(|language| *language != facts.language),
        price: wish.price.filter(|price| *price != facts.price),
        capacity: wish.capacity.filter(|capacity| *capacity != facts.capacity),
        sales_open_at: wish.sales_open_at.filter(|at| *at != facts.sales_open_at),
        sales_close_at: wish.sales_close_at.filter(|at| *at != facts.sales_close_at),
        tickets_per_buyer: wish.tickets_per_buyer.filter(|limit| *limit != facts.tickets_per_buyer),
        hold_seconds: wish.hold_seconds.filter(|seconds| *seconds != facts.hold_seconds),
        refund_policy: wish.refund_policy.filter(|policy| *policy != facts.refund_policy),
        no_show_minutes: wish.no_show_minutes.filter(|minutes| *minutes != facts.no_show_minutes),
        transferable: wish.transferable.filter(|may| *may != facts.transferable),
        offer_seconds: wish.offer_seconds.filter(|seconds| *seconds != facts.offer_seconds),
        recording: wish.recording.filter(|terms| Some(*terms) != facts.recordings.terms()),
    }
}

/// The same judgement as at scheduling, of what is new alone: what was right under an older preset stays.
fn check(sales: &selling::Sales<'_>, mut revision: Revision, preset: &Preset) -> Result<Revision, RoomError> {
    let facts = sales.facts;
    revision.title = revision.title.as_deref().map(schedule::title).transpose()?;
    revision.description.as_deref().map_or(Ok(()), schedule::description)?;
    revision.language.as_deref().map_or(Ok(()), schedule::language)?;
    if let Some(price) = revision.price {
        if price.currency() != facts.price.currency() {
            return Err(schedule::invalid("price.currency", "must stay as it was scheduled"));
        }
        schedule::price(price, preset)?;
    }
    let of_preset = |value: Option<u32>, check: fn(u32, &Preset) -> Result<(), RoomError>| match value {
        Some(value) => check(value, preset),
        None => Ok(()),
    };
    of_preset(revision.capacity, schedule::capacity)?;
    of_preset(revision.tickets_per_buyer, schedule::tickets_per_buyer)?;
    of_preset(revision.hold_seconds, schedule::hold_seconds)?;
    revision.refund_policy.map_or(Ok(()), schedule::refund_policy)?;
    revision.no_show_minutes.map_or(Ok(()), schedule::no_show_minutes)?;
    revision.offer_seconds.map_or(Ok(()), schedule::offer_seconds)?;
    revision.recording.map_or(Ok(()), recording::terms)?;
    let (tiers, codes, known) = (&revision.tiers, &revision.promo_codes, sales.seats.prices());
    if !tiers.is_empty() || !codes.is_empty() || (revision.price.is_some() && known.is_some()) {
        pricing::check(tiers, codes, known, revision.price.unwrap_or(facts.price), preset)?;
    }
    if revision.sales_open_at.is_some() || revision.sales_close_at.is_some() {
        let open_at = revision.sales_open_at.unwrap_or(facts.sales_open_at);
        let close_at = revision.sales_close_at.unwrap_or(facts.sales_close_at);
        schedule::sales_window(open_at, close_at)?;
    }
    Ok(revision)
}
