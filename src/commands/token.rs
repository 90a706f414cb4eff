//! `boxoffice token`: an identity for trying things out, signed with the installation's own secret.

use std::time::Duration;

use anyhow::Context;
use api::auth::{Auth, Minting, Role};
use clap::{Args, ValueEnum};
use event_log::{Clock, SystemClock};
use serde_json::Value;

use crate::config::{DataOptions, DevelopmentSecret};
use crate::output;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Who: any name; a UUID is the user's id itself
    #[arg(long, value_name = "NAME")]
    user: String,
    /// What they may do beyond buying, hosting and listening; may be repeated
    #[arg(long = "role", value_enum, value_name = "ROLE")]
    roles: Vec<RoleName>,
    /// A verified e-mail address to put in
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Their time zone, `Europe/Lisbon`
    #[arg(long, value_name = "NAME")]
    timezone: Option<String>,
    /// What an identity provider would say about them, such as `followers=1200`; may be repeated
    #[arg(long = "claim", value_name = "NAME=JSON", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// How long the token is good for
    #[arg(long, default_value_t = 86_400, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    ttl_seconds: u64,
    #[command(flatten)]
    secret: DevelopmentSecret,
    #[command(flatten)]
    data: DataOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum RoleName {
    Admin,
    Finance,
    Analyst,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Finance => Self::Finance,
            RoleName::Analyst => Self::Analyst,
        }
    }
}

/// What is no JSON is a text.
fn claim(argument: &str) -> Result<(String, Value), String> {
    let (name, value) = argument.split_once('=').ok_or("expected NAME=JSON")?;
    if ["iss", "sub", "aud", "exp", "nbf", "roles"].contains(&name) {
        return Err(format!("{name} has a place of its own"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((name.to_owned(), value))
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let secret = options.secret.resolve(&options.data.open()?)?;
    let roles: Vec<Role> = options.roles.iter().copied().map(Role::from).collect();
    let ttl = Duration::from_secs(options.ttl_seconds);
    let now = SystemClock.now();
    let others = options.claims.into_iter().collect();
    let minting = Minting {
        subject: &options.user,
        roles: &roles,
        email: options.email.as_deref(),
        timezone: options.timezone.as_deref(),
        others,
        ttl,
    };
    let token = minting.mint(&secret, now).context("make the token")?;
    let identity = Auth::development(&secret)
        .verify(&token, now)
        .await
        .context("read the token back")?;
    // The server gives another one to somebody who was erased.
    output::remark(format!("user id {}", identity.subject.derived_id));
    output::line(token);
    Ok(())
}
