//! Erasing a person: the log says so first, and then everything that leads to them is deleted.

use domain::{Shop, ShopCommand, ShopError, Timestamp, UserId};
use event_log::{ExecuteError, Metadata};
use thiserror::Error;

use crate::{Deps, JobResult, Outcome};

#[derive(Debug, Error)]
pub enum ErasePersonError {
    #[error("record the erasure")]
    Record(#[from] ExecuteError<ShopError>),
    /// It is on the log, and will be carried out.
    #[error("delete what leads to the person")]
    Delete(#[from] sqlx::Error),
}

/// Erases a person now, and says where the log has it. Should that stop half-way, the job that follows from the event does the rest.
pub async fn erase_person(
    deps: &Deps,
    person: UserId,
    by: UserId,
    at: Timestamp,
    metadata: Metadata,
) -> Result<u64, ErasePersonError> {
    let erase = ShopCommand::ErasePerson { person, by, at };
    let shop = &deps.aggregates.shop;
    let executed = shop.execute(Shop::ID.as_uuid(), erase, metadata).await?;
    deps.people.forget(person).await?;
    Ok(executed.position)
}

/// The same for an erasure that is on the log: whatever was noted of the person since is deleted as well.
pub async fn forget_person(deps: &Deps, person: UserId) -> JobResult {
    deps.people.forget(person).await?;
    Ok(Outcome::Done)
}
