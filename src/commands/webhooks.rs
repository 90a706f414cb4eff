//! `boxoffice webhooks`: what payment providers told us, as it came, and reading it once more.

use anyhow::ensure;
use clap::{ArgGroup, Args, Subcommand};
use domain::Timestamp;
use event_log::{Clock, SystemClock};
use processes::inbox::{self, NoticeRow, Replay, WebhookRow};
use serde_json::json;

use crate::database::{Database, DatabaseAccess};
use crate::output;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// List stored webhooks, newest first
    List(ListOptions),
    /// Read stored webhooks once more, from their bodies as they came; what was applied before records nothing. A running
    /// server takes them up within a second
    Replay(ReplayOptions),
    /// List what a provider told that people have to look at: disputes, returned payouts, refunds that failed late
    Notices(NoticesOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ListOptions {
    /// Only those that were put aside, because they were not understood or contradict what is recorded
    #[arg(long)]
    put_aside: bool,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct NoticesOptions {
    #[command(flatten)]
    listing: Listing,
}

#[derive(Clone, Debug, Args)]
struct Listing {
    #[arg(long, default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Answer with a line of JSON for each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["id", "put_aside", "all", "since", "until"]))]
pub(crate) struct ReplayOptions {
    /// The webhook, by the number `webhooks list` shows
    #[arg(conflicts_with_all = ["put_aside", "all", "since", "until"])]
    id: Option<i64>,
    /// Every one that was put aside
    #[arg(long, conflicts_with_all = ["all", "since", "until", "provider"])]
    put_aside: bool,
    /// Every one there is
    #[arg(long, conflicts_with_all = ["since", "until"])]
    all: bool,
    /// Those received from this time on: `2026-07-01T12:00:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Those received before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only those of this provider
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(options) => list(options).await,
        Command::Replay(options) => replay(options).await,
        Command::Notices(options) => notices(options).await,
    }
}

async fn list(options: ListOptions) -> anyhow::Result<()> {
    let Listing { limit, json, database } = options.listing;
    let database = Database::for_command(&database).await?;
    let rows = if options.put_aside {
        inbox::list_put_aside(&database.pool, limit).await
    } else {
        inbox::list_webhooks(&database.pool, limit).await
    };
    database.close().await;
    for row in rows? {
        output::line(if json {
            webhook_as_json(&row)
        } else {
            webhook_as_text(&row)
        });
    }
    Ok(())
}

async fn replay(options: ReplayOptions) -> anyhow::Result<()> {
    let database = Database::for_command(&options.database).await?;
    let now = SystemClock.now();
    let count = if options.put_aside {
        inbox::reread_put_aside(&database.pool, now).await
    } else {
        let which = Replay {
            provider: options.provider,
            id: options.id,
            since: options.since,
            until: options.until,
        };
        inbox::replay(&database.pool, &which, now).await
    };
    database.close().await;
    let count = count?;
    ensure!(options.id.is_none() || count == 1, "no webhook has this number");
    output::line(format!("{count} to be read again"));
    Ok(())
}

async fn notices(options: NoticesOptions) -> anyhow::Result<()> {
    let Listing { limit, json, database } = options.listing;
    let database = Database::for_command(&database).await?;
    let rows = inbox::list_notices(&database.pool, limit).await;
    database.close().await;
    for row in rows? {
        output::line(if json {
            notice_as_json(&row)
        } else {
            notice_as_text(&row)
        });
    }
    Ok(())
}

fn webhook_as_text(row: &WebhookRow) -> String {
    let error = row.error.as_deref().map(|error| format!("  {error}"));
    format!(
        "{}  {}  {}  tries {}{}",
        row.id,
        row.provider,
        row.received_at.to_rfc3339(),
        row.attempts,
        error.unwrap_or_default()
    )
}

fn webhook_as_json(row: &WebhookRow) -> String {
    json!({
        "id": row.id,
        "provider": row.provider,
        "received_at": row.received_at,
        "attempts": row.attempts,
        "error": row.error,
    })
    .to_string()
}

fn notice_as_text(row: &NoticeRow) -> String {
    let about = row.ticket_id.map(|ticket| format!("  ticket {ticket}"));
    let about = about.or_else(|| row.payout_id.map(|payout| format!("  payout {payout}")));
    format!(
        "{}  {}  {}{}  {}",
        row.told_at.to_rfc3339(),
        row.provider,
        row.kind,
        about.unwrap_or_default(),
        row.detail
    )
}

fn notice_as_json(row: &NoticeRow) -> String {
    json!({
        "provider": row.provider,
        "event_id": row.event_id,
        "kind": row.kind,
        "ticket_id": row.ticket_id,
        "payout_id": row.payout_id,
        "detail": row.detail,
        "told_at": row.told_at,
    })
    .to_string()
}
