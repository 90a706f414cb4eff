//! The subcommands, as an operator meets them.

use crate::support::{Shop, ShopOptions};
use anyhow::Result;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_look_at_log_jobs_and_projections() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    shop.schedule(3, 60).await?;
    let head = shop.server.command(&["log", "head", "--json"]).await?;
    let head: serde_json::Value = serde_json::from_str(&head)?;
    assert_eq!(head["position"], 3, "approved, linked, scheduled");
    let verdict = shop.server.command(&["log", "verify"]).await?;
    assert!(verdict.contains("verified"), "{verdict}");
    let views = shop.server.command(&["projections", "list"]).await?;
    for view in [
        "catalogue",
        "tickets",
        "earnings",
        "ledger",
        "entitlements",
        "presence",
        "timeline",
    ] {
        assert!(views.contains(view), "{view} in {views}");
    }
    shop.server.command(&["jobs", "list"]).await?;
    let rebuilt = shop.server.command(&["projections", "rebuild", "catalogue"]).await?;
    assert!(rebuilt.contains("catalogue"), "{rebuilt}");
    let room = shop.schedule(4, 60).await?;
    assert_eq!(
        shop.room(&room).await?["capacity"],
        4,
        "the view goes on after a rebuild beside it"
    );
    Ok(())
}
