//! What leaves the shop: webhooks to its own systems.

use clap::Args;
use outbound::webhooks::WebhookSettings;

#[derive(Clone, Debug, Args)]
pub(crate) struct OutboundOptions {
    /// Let webhooks go to this machine and to private networks, and without TLS. Otherwise such a receiver is refused: whoever
    /// is an admin could have the server ask what only it can reach
    #[arg(long, env = "BOXOFFICE_WEBHOOKS_ALLOW_PRIVATE")]
    webhooks_allow_private: bool,
}

impl OutboundOptions {
    pub(crate) fn webhook_settings(&self) -> WebhookSettings {
        WebhookSettings {
            allow_private: self.webhooks_allow_private,
            ..WebhookSettings::default()
        }
    }
}
