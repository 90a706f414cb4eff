//! Who signs checkpoints of the log.

use anyhow::Context as _;
use notary::{Notary, NotaryDeps};
use std::sync::Arc;

use super::Core;
use crate::commands::serve::Options;
use crate::lifecycle::Lifecycle;
use crate::managed::data_dir::DataDir;

pub(super) fn start(
    options: &Options,
    data_dir: &DataDir,
    core: &Core,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Notary> {
    let settings = options
        .notary
        .settings(data_dir, &core.clock)
        .context("set up the notary")?;
    let deps = NotaryDeps {
        log: Arc::clone(&core.log),
        pool: core.pool.clone(),
        clock: Arc::clone(&core.clock),
    };
    Ok(Notary::start(deps, settings, &lifecycle.back, &lifecycle.back_cancel))
}
