//! What a sandbox is told at its start, and the fee it takes.

use std::fmt;
use std::sync::Arc;

use domain::{BasisPoints, Money, Timestamp};
use secrecy::SecretString;

/// The time of day, passed in: `payments` has no clock of its own.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

const FEE_BP_DEFAULT: BasisPoints = BasisPoints::try_new(290).expect("290 is below 10,000");
const FEE_FIXED_MINOR_DEFAULT: u32 = 30;

#[derive(Clone)]
pub struct SandboxConfig {
    /// Where webhooks go, over plain HTTP. `None` keeps them waiting until
    /// [`set_webhook_url`](super::Sandbox::set_webhook_url).
    pub webhook_url: Option<String>,
    /// Signs the webhooks.
    pub webhook_secret: SecretString,
    /// The provider's fee: this share of the amount, rounded down,
    pub fee_bp: BasisPoints,
    /// and this on top, in the minor unit of the payment's currency. Together never more than the amount.
    pub fee_fixed_minor: u32,
    pub now: Now,
}

impl SandboxConfig {
    /// The default fee (2.9 % + 30 minor units), and no webhook URL yet.
    pub fn new(webhook_secret: SecretString, now: Now) -> Self {
        Self {
            webhook_url: None,
            webhook_secret,
            fee_bp: FEE_BP_DEFAULT,
            fee_fixed_minor: FEE_FIXED_MINOR_DEFAULT,
            now,
        }
    }

    /// The fee on a captured amount.
    pub(super) fn fee_on(&self, amount: Money) -> Money {
        let fixed = Money::new(i64::from(self.fee_fixed_minor), amount.currency());
        let fee = amount
            .share_floor(self.fee_bp)
            .and_then(|share| share.checked_add(fixed));
        match fee {
            Ok(fee) if fee.amount_minor() <= amount.amount_minor() => fee,
            Ok(_) | Err(_) => amount,
        }
    }
}

impl fmt::Debug for SandboxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxConfig")
            .field("webhook_url", &self.webhook_url)
            .field("fee_bp", &self.fee_bp)
            .field("fee_fixed_minor", &self.fee_fixed_minor)
            .finish_non_exhaustive()
    }
}
