//! Stage directions are an operator's.

use payments::sandbox::Sandbox;

use crate::extract::Caller;
use crate::{ApiError, ApiState};

/// The sandbox, for an admin; there is none with another provider.
pub(super) fn sandbox_of_admin<'a>(state: &'a ApiState, caller: &Caller) -> Result<&'a Sandbox, ApiError> {
    caller.require_admin()?;
    state.sandbox.as_deref().ok_or(ApiError::NotFound)
}
