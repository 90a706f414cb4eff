//! Witnesses (C2SP `tlog-witness`): others who see every checkpoint, make sure that the log only grows, and sign what they saw.

mod client;
mod cosigner;
mod error;

use std::str::FromStr;

use reqwest::Url;
use thiserror::Error;

use crate::note::VerifierKey;

pub(crate) use cosigner::Witnesses;
pub(crate) use error::WitnessError;

/// A witness, and where it takes checkpoints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Witness {
    pub key: VerifierKey,
    /// Its submission prefix.
    pub url: Url,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a witness is `<verifier key> <url>`, with a key for cosignatures")]
pub struct NoWitness;

impl FromStr for Witness {
    type Err = NoWitness;

    fn from_str(text: &str) -> Result<Self, NoWitness> {
        let (key, url) = text.trim().split_once(' ').ok_or(NoWitness)?;
        let key: VerifierKey = key.parse().map_err(|_| NoWitness)?;
        let url = Url::parse(url.trim()).map_err(|_| NoWitness)?;
        let is_usable = key.is_witness() && matches!(url.scheme(), "http" | "https");
        is_usable.then_some(Self { key, url }).ok_or(NoWitness)
    }
}
