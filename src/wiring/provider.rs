//! The payment provider: the one that was chosen, and nothing of the other.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use event_log::EventLog;
use event_log::leader::{Leader, on_duty};
use payments::sandbox::{Sandbox, SandboxConfig};
use payments::stripe::Stripe;
use payments::{AppStore, PaymentProvider};
use tokio_util::sync::CancellationToken;

use super::Core;
use crate::commands::serve::Options;
use crate::config::local_url;
use crate::lifecycle::Lifecycle;
use crate::managed::data_dir::DataDir;

pub(super) enum Provider {
    Sandbox(Arc<Sandbox>),
    Stripe(Arc<Stripe>),
}

impl Provider {
    pub(super) fn start(
        options: &Options,
        data_dir: &DataDir,
        core: &Core,
        api_address: SocketAddr,
        lifecycle: &Lifecycle,
    ) -> anyhow::Result<Self> {
        let clock = Arc::clone(&core.clock);
        Ok(match options.payments.stripe(Arc::new(move || clock.now()))? {
            Some(config) => Self::Stripe(Arc::new(Stripe::new(config).context("use Stripe")?)),
            None => Self::Sandbox(start_sandbox(data_dir, core, api_address, lifecycle)?),
        })
    }

    pub(super) fn port(&self) -> Arc<dyn PaymentProvider> {
        match self {
            Self::Sandbox(sandbox) => Arc::clone(sandbox) as _,
            Self::Stripe(stripe) => Arc::clone(stripe) as _,
        }
    }

    /// Who proves what app stores collected: the operator's backend, or the sandbox's own store.
    pub(super) fn store(&self, options: &Options) -> anyhow::Result<Option<Arc<dyn AppStore>>> {
        if let Some(keys) = options.payments.store()? {
            return Ok(Some(Arc::new(keys)));
        }
        Ok(self.sandbox().map(|sandbox| Arc::new(sandbox.store()) as _))
    }

    /// The sandbox has endpoints that no other provider has.
    pub(super) fn sandbox(&self) -> Option<Arc<Sandbox>> {
        match self {
            Self::Sandbox(sandbox) => Some(Arc::clone(sandbox)),
            Self::Stripe(_) => None,
        }
    }
}

/// The built-in provider, which reaches us by HTTP like any other.
fn start_sandbox(
    data_dir: &DataDir,
    core: &Core,
    api_address: SocketAddr,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Arc<Sandbox>> {
    let clock = Arc::clone(&core.clock);
    let mut config = SandboxConfig::new(data_dir.secret("sandbox.secret")?, Arc::new(move || clock.now()));
    config.webhook_url = Some(format!("{}/v1/webhooks/sandbox", local_url(api_address)));
    let sandbox = Arc::new(Sandbox::new(core.pool.clone(), config));
    let (worker, cancel, log) = (
        Arc::clone(&sandbox),
        lifecycle.back_cancel.clone(),
        Arc::clone(&core.log),
    );
    lifecycle.back.spawn(async move {
        let _fatal = cancel.clone().drop_guard();
        while !cancel.is_cancelled() {
            if cancel.run_until_cancelled(on_duty(&*log)).await.is_some() {
                deliver(&worker, &log, &cancel).await;
            }
        }
    });
    Ok(sandbox)
}

/// Delivers webhooks for as long as this node leads: they are signed, and understood, with a secret of its own.
async fn deliver(sandbox: &Sandbox, log: &Arc<dyn EventLog>, cancel: &CancellationToken) {
    let term = cancel.child_token();
    let mut leader = log.leader();
    tokio::join!(
        async {
            // A log that stopped says nothing any more, and the process ends.
            let _ = term
                .run_until_cancelled(leader.wait_for(|leader| *leader != Leader::Here))
                .await;
            term.cancel();
        },
        sandbox.run(term.clone()),
    );
}
