//! `GET /v1/me/contact`

use axum::extract::State;

use super::contact::ContactBody;
use crate::answer::{IfNoneMatch, One};
use crate::extract::Caller;
use crate::{ApiError, ApiState};

/// How the caller is reached
#[utoipa::path(get, path = "/v1/me/contact", tag = "people", security(("bearer" = [])), responses(
    (status = 200, body = ContactBody),
    (status = 304, description = "As it was."),
))]
pub(crate) async fn read_my_contact(
    State(state): State<ApiState>,
    caller: Caller,
    known: IfNoneMatch,
) -> Result<One<ContactBody>, ApiError> {
    let contact = state.processes.deps().people.contact(caller.user_id).await?;
    Ok(One::new(contact.map(ContactBody::from).unwrap_or_default(), known))
}
