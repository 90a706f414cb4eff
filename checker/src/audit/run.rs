//! An audit of the log in a database.

use sqlx::postgres::PgConnectOptions;

use super::{Audit, Change, Outcome, Wrong};
use crate::CheckError;
use crate::chain::Walk;
use crate::report::Findings;
use crate::snapshot::Snapshot;

/// Reads the whole log, of one moment, and shows each change as it comes. What is wrong with the chain is wrong with the audit: it
/// would rest on what was not recorded.
pub async fn audit_database(
    options: &PgConnectOptions,
    audit: Audit,
    mut show: impl FnMut(&Change) + Send,
) -> Result<Outcome, CheckError> {
    let mut audit = audit;
    let mut walk = Walk::of_the_chain();
    let mut broken = Findings::default();
    let mut snapshot = Snapshot::open(options).await?;
    snapshot
        .events(|entry| {
            walk.step(entry, &mut broken);
            audit.take(entry).iter().for_each(&mut show);
        })
        .await?;
    snapshot.close().await?;
    let mut outcome = audit.finish();
    let (found, count) = broken.into_parts();
    outcome.holds &= count == 0;
    outcome.wrong_count += count;
    outcome.wrong.extend(found.into_iter().map(|finding| Wrong {
        position: finding.position.unwrap_or_default(),
        what: format!("the log itself: {}", finding.what),
    }));
    outcome.wrong.sort_by_key(|wrong| wrong.position);
    Ok(outcome)
}
