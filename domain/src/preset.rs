//! A rule set by name and version. It is recorded on each sale, so that an old sale is judged by its own rules.

use serde::{Deserialize, Serialize};

use crate::eligibility::{Admission, HostRules, Requirement};
use crate::fees::{EarningRules, FeeBase, FeeRules, FeeTier};
use crate::money::BasisPoints;
use crate::payout::PayoutSchedule;
use crate::tax::Country;

/// The figures of one rule set (`rules.md`, head). `open` is the default of a self-hosted shop: no eligibility gate, the
/// host keeps all but the platform fee.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub name: String,
    pub version: u32,
    /// The platform's share of its base, below the line if there is one.
    pub platform_fee: BasisPoints,
    #[serde(default)]
    pub fees: FeeRules,
    /// A priced room costs at least this much, in minor units. Free rooms are always allowed.
    pub price_min_minor: i64,
    pub price_max_minor: i64,
    /// What one media server node is sure to carry: a room is on one node.
    pub capacity_max: u32,
    /// Who says so. Hosts read it when they ask for more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_source: Option<String>,
    pub hold_seconds_min: u32,
    pub hold_seconds_max: u32,
    pub tickets_per_buyer_max: u32,
    /// Below this nothing is paid out, in minor units.
    pub payout_min_minor: i64,
    /// When hosts are paid who did not choose.
    #[serde(default)]
    pub payout_schedule: PayoutSchedule,
    /// Who may host priced rooms.
    #[serde(default)]
    pub hosts: HostRules,
}

/// LiveKit's own benchmark: one room, 10 who publish, 3,000 who listen, at 80 % of 16 cores.
const CAPACITY_SOURCE: &str = "a third of the 3,000 listeners that LiveKit measured on 16 cores, to be sure";

/// What app stores keep of a sale.
const STORE_FEE: BasisPoints = share(3_000);

impl Preset {
    /// The default preset: 5 % platform fee, prices up to 999.00, rooms up to 1,000 seats, holds of 1 second to 15
    /// minutes, payouts from 1.00.
    pub fn open() -> Self {
        Self {
            name: "open".to_owned(),
            version: 1,
            platform_fee: share(500),
            fees: FeeRules {
                store_fee: STORE_FEE,
                ..FeeRules::default()
            },
            price_min_minor: 1,
            price_max_minor: 99_900,
            capacity_max: 1_000,
            capacity_source: Some(CAPACITY_SOURCE.to_owned()),
            hold_seconds_min: 1,
            hold_seconds_max: 900,
            tickets_per_buyer_max: 100,
            payout_min_minor: 100,
            payout_schedule: PayoutSchedule::OnRequest,
            hosts: HostRules::default(),
        }
    }

    /// The figures of 2021: 3 % after the store until the host has had 50,000.00, then 20 %; prices from 1.00 to 999.00,
    /// payouts from 50.00. That earnings are pending for a week is our figure: who complains of a room does so in that week.
    /// Hosts are adults in the United States with 1,000 followers and three rooms in the last 30 days.
    pub fn ticketed_spaces() -> Self {
        Self {
            name: "ticketed-spaces".to_owned(),
            version: 2,
            platform_fee: share(300),
            fees: FeeRules {
                store_fee: STORE_FEE,
                base: FeeBase::AfterStore,
                tier: Some(FeeTier {
                    host_lifetime_major: 50_000,
                    platform_fee: share(2_000),
                }),
                earning: EarningRules {
                    pending_days: 7,
                    ..EarningRules::default()
                },
            },
            price_min_minor: 100,
            price_max_minor: 99_900,
            capacity_max: 1_000,
            capacity_source: Some(CAPACITY_SOURCE.to_owned()),
            hold_seconds_min: 60,
            hold_seconds_max: 900,
            tickets_per_buyer_max: 100,
            payout_min_minor: 5_000,
            payout_schedule: PayoutSchedule::OnRequest,
            hosts: spaces_hosts(),
        }
    }

    /// The presets that are built in.
    pub fn built_in() -> [Self; 2] {
        [Self::open(), Self::ticketed_spaces()]
    }
}

/// Who meets them all is in at once.
fn spaces_hosts() -> HostRules {
    HostRules {
        admission: Admission::Approve,
        required: [
            Requirement::Adult,
            Requirement::ProfileComplete,
            Requirement::EmailVerified,
            Requirement::TwoFactor,
        ]
        .into(),
        followers_min: 1_000,
        rooms_hosted_min: 3,
        countries: Some([Country::UNITED_STATES].into()),
    }
}

const fn share(points: u16) -> BasisPoints {
    match BasisPoints::try_new(points) {
        Some(share) => share,
        None => BasisPoints::ZERO,
    }
}
