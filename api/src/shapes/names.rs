//! What the people on a list are called.

use std::collections::BTreeMap;
use std::fmt;

use domain::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ApiError, ApiState};

/// What these people want to be called, by their ids. Who has not said it, or has been erased, is not here; two may be called
/// the same.
#[derive(Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = DisplayNames)]
pub(crate) struct NamesBody(BTreeMap<Uuid, String>);

impl NamesBody {
    /// All by one statement.
    pub(crate) async fn find(state: &ApiState, users: &[UserId]) -> Result<Self, ApiError> {
        let names = state.processes.deps().people.names(users).await?;
        let entry = |(user, name): (UserId, processes::people::DisplayName)| (user.as_uuid(), name.reveal().to_owned());
        Ok(Self(names.into_iter().map(entry).collect()))
    }
}

impl fmt::Debug for NamesBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names", self.0.len())
    }
}
