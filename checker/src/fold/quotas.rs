//! Price tiers and promo codes: whether there are enough of each.

use std::collections::HashMap;

use uuid::Uuid;

use crate::facts::{Claim, Offered};
use crate::report::{Findings, Rule};

#[derive(Debug, Default)]
pub(super) struct Quotas {
    tiers: HashMap<String, Count>,
    codes: HashMap<String, Count>,
    /// How often one buyer may use a code.
    per_buyer: HashMap<String, i64>,
    uses: HashMap<(String, Uuid), i64>,
}

/// What was never offered has a quota of none.
#[derive(Debug, Default)]
struct Count {
    quota: i64,
    taken: i64,
}

impl Quotas {
    pub(super) fn of(offered: &Offered) -> Self {
        let mut quotas = Self::default();
        quotas.set(0, offered, &mut Findings::default());
        quotas
    }

    pub(super) fn set(&mut self, position: u64, offered: &Offered, found: &mut Findings) {
        for tier in &offered.tiers {
            let count = self.tiers.entry(tier.tier.clone()).or_default();
            count.quota = tier.quota.into();
            count.judge("tier", &tier.tier, position, found);
        }
        for code in &offered.promo_codes {
            self.per_buyer.insert(code.code.clone(), code.per_buyer.into());
            let count = self.codes.entry(code.code.clone()).or_default();
            count.quota = code.quota.into();
            count.judge("promo code", &code.code, position, found);
        }
    }

    pub(super) fn take(&mut self, position: u64, claim: &Claim, buyer: Uuid, found: &mut Findings) {
        if let Some(tier) = &claim.tier {
            let count = self.tiers.entry(tier.clone()).or_default();
            count.taken += 1;
            count.judge("tier", tier, position, found);
        }
        let Some(code) = &claim.promo_code else {
            return;
        };
        let count = self.codes.entry(code.clone()).or_default();
        count.taken += 1;
        count.judge("promo code", code, position, found);
        let used = self.uses.entry((code.clone(), buyer)).or_default();
        *used += 1;
        let most = self.per_buyer.get(code).copied().unwrap_or_default();
        if *used > most {
            let what = format!("{buyer} has promo code {code} {used} times, of {most}");
            found.add(Rule::Quotas, position, what);
        }
    }

    pub(super) fn give_back(&mut self, claim: &Claim, buyer: Uuid) {
        if let Some(count) = claim.tier.as_ref().and_then(|tier| self.tiers.get_mut(tier)) {
            count.taken -= 1;
        }
        let Some(code) = &claim.promo_code else {
            return;
        };
        if let Some(count) = self.codes.get_mut(code) {
            count.taken -= 1;
        }
        if let Some(used) = self.uses.get_mut(&(code.clone(), buyer)) {
            *used -= 1;
        }
    }
}

impl Count {
    fn judge(&self, kind: &str, name: &str, position: u64, found: &mut Findings) {
        let Self { quota, taken } = self;
        if taken > quota {
            let what = format!("{taken} held and sold of {quota} in {kind} {name}");
            found.add(Rule::Quotas, position, what);
        }
    }
}
