//! What the shop sells by: a preset of its own, whose line is near enough to be crossed in one evening.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

/// Below the line the platform takes so many basis points of a price,
pub(super) const FEE_BELOW: i64 = 300;
/// above it so many.
pub(super) const FEE_ABOVE: i64 = 2_000;
/// The line: what a host has had in all, in whole dollars and in cents.
const LINE_MAJOR: i64 = 20;
pub(super) const LINE_MINOR: i64 = LINE_MAJOR * 100;
const NAME: &str = "an-evening";

/// Writes the rules beside the shop's data: what the server must be told of them.
pub(in crate::demo) fn rules(data_dir: &Path) -> Result<Vec<(String, String)>> {
    let preset = json!({
        "name": NAME, "version": 1, "platform_fee": FEE_BELOW,
        "fees": {"base": "after_store", "tier": {"host_lifetime_major": LINE_MAJOR, "platform_fee": FEE_ABOVE}},
        "price_min_minor": 100, "price_max_minor": 99_900, "capacity_max": 100,
        "hold_seconds_min": 60, "hold_seconds_max": 900, "tickets_per_buyer_max": 1, "payout_min_minor": 100,
    });
    std::fs::create_dir_all(data_dir).context("making the data directory")?;
    let path = data_dir.join("rules.json");
    std::fs::write(&path, json!({"presets": [preset]}).to_string()).context("writing the shop's rules")?;
    let path = std::path::absolute(path).context("finding the shop's rules")?;
    let path = path.into_os_string().into_string();
    Ok(vec![
        ("BOXOFFICE_PRESET".to_owned(), NAME.to_owned()),
        (
            "BOXOFFICE_RULES_FILE".to_owned(),
            path.ok().context("the data directory has a name in UTF-8")?,
        ),
    ])
}
