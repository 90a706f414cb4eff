//! One file per subcommand.

pub(crate) mod analytics;
pub(crate) mod audit;
pub(crate) mod bundle;
pub(crate) mod doctor;
mod engine;
#[cfg(feature = "parquet")]
pub(crate) mod export;
pub(crate) mod jobs;
pub(crate) mod log;
pub(crate) mod migrate;
mod moment;
pub(crate) mod notary;
pub(crate) mod project;
pub(crate) mod projections;
pub(crate) mod receipt;
pub(crate) mod rehearse;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod vault;
pub(crate) mod webhooks;
pub(crate) mod whatif;
