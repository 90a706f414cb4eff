//! What was scheduled, and revised since: the frame in which a room decides.

use serde::{Deserialize, Serialize};

use crate::room::RoomError;
use crate::room::bans::Bans;
use crate::room::event::{Revision, RoomRescheduled, RoomScheduled};
use crate::room::pricing::Price;
use crate::room::recordings::Recordings;
use crate::room::sharing::Sharing;
use crate::room::verdict::Promise;
use crate::terms::{Channel, Customer, RefundPolicy, SaleRules};
use crate::{BasisPoints, FeeRules, Fingerprint, Money, RoomId, SessionId, Terms, Timestamp, UserId, tax};

/// Who held a ticket before `at` may decline until `decline_until`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reschedule {
    pub at: Timestamp,
    pub decline_until: Timestamp,
}

/// The facts of a room that later decisions rest on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoomFacts {
    pub room_id: RoomId,
    pub host: UserId,
    pub title: String,
    /// Enough to tell whether another one is new.
    pub description: Fingerprint,
    pub language: String,
    pub starts_at: Timestamp,
    pub planned_minutes: u32,
    pub price: Money,
    pub capacity: u32,
    pub sales_open_at: Timestamp,
    pub sales_close_at: Timestamp,
    pub tickets_per_buyer: u32,
    pub hold_seconds: u32,
    pub refund_policy: RefundPolicy,
    pub no_show_minutes: u32,
    pub preset: String,
    pub preset_version: u32,
    pub platform_fee: BasisPoints,
    #[serde(default)]
    pub fees: FeeRules,
    pub request: Fingerprint,
    pub scheduled_at: Timestamp,
    /// By the host.
    pub sales_paused: bool,
    /// Because the host is suspended.
    #[serde(default)]
    pub sales_suspended: bool,
    pub offer_seconds: u32,
    pub transferable: bool,
    /// The last time the room was given another time.
    pub reschedule: Option<Reschedule>,
    #[serde(default, skip_serializing_if = "Sharing::is_none")]
    pub sharing: Sharing,
    /// In the order of their appointment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_hosts: Vec<UserId>,
    #[serde(default, skip_serializing_if = "Bans::is_none")]
    pub bans: Bans,
    /// The opening that the host's side waits for in the lobby; the last one, when that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lobby: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Recordings::is_none")]
    pub recordings: Recordings,
}

impl RoomFacts {
    /// Whether everybody agreed who is to share what is sold.
    pub(crate) fn is_divided(&self) -> bool {
        self.price.is_zero() || self.sharing.is_agreed()
    }

    /// What buyers rely on.
    pub const fn promise(&self) -> Promise {
        Promise {
            starts_at: self.starts_at,
            planned_minutes: self.planned_minutes,
            no_show_minutes: self.no_show_minutes,
        }
    }

    /// By the host, or because the host is suspended.
    pub(super) const fn is_paused(&self) -> bool {
        self.sales_paused || self.sales_suspended
    }

    /// The terms of a sale made now. The price is the total: no fees come on top, and tax is a part of it.
    pub(crate) fn terms(&self, price: Price, channel: Channel, customer: &Customer) -> Result<Terms, RoomError> {
        let mut rules = SaleRules {
            store_fee: if channel.is_store() {
                self.fees.store_fee
            } else {
                BasisPoints::ZERO
            },
            base: self.fees.base,
            tier: self.fees.tier,
            earning: self.fees.earning,
            tax: None,
            evidence: Vec::new(),
            shares: if self.price.is_positive() {
                self.sharing.shares().to_vec()
            } else {
                Vec::new()
            },
        };
        let customer_country = match customer {
            Customer::NotAsked => None,
            Customer::Missing if price.total.is_zero() => None,
            Customer::Missing => return Err(invalid_customer("customer", "is needed: tax goes by its country")),
            Customer::Known { country, evidence, tax } => {
                if !tax::is_proven(*country, evidence) {
                    let reason = "must have two to five pieces, two of different kinds for the country";
                    return Err(invalid_customer("customer.evidence", reason));
                }
                rules.tax = *tax;
                rules.evidence.clone_from(evidence);
                Some(country.to_string())
            }
        };
        let tax = tax::included(price.total, rules.tax.as_ref()).unwrap_or(Money::zero(price.total.currency()));
        Ok(Terms {
            preset: self.preset.clone(),
            preset_version: self.preset_version,
            total: price.total,
            tax,
            channel,
            platform_fee: self.platform_fee,
            refund_policy: self.refund_policy,
            legal_terms_sha256: None,
            customer_country,
            rules,
            pricing: price.pricing,
        })
    }
}

fn invalid_customer(field: &'static str, reason: &str) -> RoomError {
    RoomError::InvalidField {
        field,
        reason: reason.to_owned(),
    }
}

impl RoomFacts {
    pub(super) fn revise(&mut self, revision: Revision) {
        fn set<T>(fact: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *fact = new;
            }
        }
        let description = revision.description.map(|text| Fingerprint::of(text.as_bytes()));
        set(&mut self.title, revision.title);
        set(&mut self.description, description);
        set(&mut self.language, revision.language);
        set(&mut self.price, revision.price);
        set(&mut self.capacity, revision.capacity);
        set(&mut self.sales_open_at, revision.sales_open_at);
        set(&mut self.sales_close_at, revision.sales_close_at);
        set(&mut self.tickets_per_buyer, revision.tickets_per_buyer);
        set(&mut self.hold_seconds, revision.hold_seconds);
        set(&mut self.refund_policy, revision.refund_policy);
        set(&mut self.no_show_minutes, revision.no_show_minutes);
        set(&mut self.offer_seconds, revision.offer_seconds);
        set(&mut self.transferable, revision.transferable);
        if let Some(terms) = revision.recording {
            self.recordings.revise(terms);
        }
    }

    pub(super) fn reschedule(&mut self, new: &RoomRescheduled) {
        self.starts_at = new.starts_at;
        self.planned_minutes = new.planned_minutes;
        self.sales_close_at = new.sales_close_at;
        self.reschedule = Some(Reschedule {
            at: new.rescheduled_at,
            decline_until: new.decline_until,
        });
    }
}

impl From<RoomScheduled> for RoomFacts {
    fn from(scheduled: RoomScheduled) -> Self {
        Self {
            room_id: scheduled.room_id,
            host: scheduled.host,
            title: scheduled.title,
            description: Fingerprint::of(scheduled.description.as_bytes()),
            language: scheduled.language,
            starts_at: scheduled.starts_at,
            planned_minutes: scheduled.planned_minutes,
            price: scheduled.price,
            capacity: scheduled.capacity,
            sales_open_at: scheduled.sales_open_at,
            sales_close_at: scheduled.sales_close_at,
            tickets_per_buyer: scheduled.tickets_per_buyer,
            hold_seconds: scheduled.hold_seconds,
            refund_policy: scheduled.refund_policy,
            no_show_minutes: scheduled.no_show_minutes,
            preset: scheduled.preset,
            preset_version: scheduled.preset_version,
            platform_fee: scheduled.platform_fee,
            fees: scheduled.fees,
            request: scheduled.request,
            scheduled_at: scheduled.scheduled_at,
            sales_paused: false,
            sales_suspended: false,
            offer_seconds: scheduled.sale.offer_seconds(),
            transferable: scheduled.sale.transferable,
            reschedule: None,
            sharing: Sharing::default(),
            co_hosts: Vec::new(),
            bans: Bans::default(),
            lobby: None,
            recordings: Recordings::under(scheduled.sale.recording),
        }
    }
}
