//! Connected accounts: where a host's money goes. Stripe asks the host for papers and bank; we never see either.

use domain::UserId;

use super::client::{Client, field, segment};
use super::error::StripeError;
use super::wire::{Account, AccountLink};
use crate::{OpenAccount, PayoutAccount};

const PATH: &str = "/v1/accounts";

/// Opens an account, or finds the one there is, and says where the host goes on.
pub(super) async fn open(client: &Client, request: &OpenAccount) -> Result<PayoutAccount, StripeError> {
    let account = match &request.existing {
        Some(existing) => match look_at(client, existing).await {
            // Not an account of this platform: the host named something else once.
            Err(StripeError::Refused { .. }) => create(client, request.host).await?,
            found => found?,
        },
        None => create(client, request.host).await?,
    };
    let onboarding_url = if account.details_submitted {
        None
    } else {
        Some(onboarding_link(client, &account.id, &request.return_url).await?)
    };
    Ok(PayoutAccount {
        is_ready: account.payouts_enabled && takes_transfers(&account),
        destination: account.id,
        onboarding_url,
    })
}

/// Opens an account for a host, or finds the one that a call within the last day opened.
async fn create(client: &Client, host: UserId) -> Result<Account, StripeError> {
    let fields = vec![
        field("type", "express"),
        field("capabilities[transfers][requested]", "true"),
        field("metadata[host]", host.to_string()),
    ];
    let key = format!("account-{host}");
    let answer = client
        .post::<Account>("open_account", PATH, &fields, Some(&key))
        .await?;
    Ok(answer.body)
}

/// Where the host goes on with Stripe. Good for minutes, once.
pub(super) async fn onboarding_link(
    client: &Client,
    destination: &str,
    return_url: &str,
) -> Result<String, StripeError> {
    let fields = vec![
        field("account", segment(destination)?),
        field("type", "account_onboarding"),
        field("refresh_url", return_url),
        field("return_url", return_url),
    ];
    let link = client
        .post::<AccountLink>("link_account", "/v1/account_links", &fields, None)
        .await?;
    Ok(link.body.url)
}

async fn look_at(client: &Client, destination: &str) -> Result<Account, StripeError> {
    let path = format!("{PATH}/{}", segment(destination)?);
    client.get("find_account", &path, &vec![]).await
}

fn takes_transfers(account: &Account) -> bool {
    let capabilities = account.capabilities.as_ref();
    let transfers = capabilities.and_then(|capabilities| capabilities.get("transfers"));
    transfers.is_some_and(|state| state == "active")
}
