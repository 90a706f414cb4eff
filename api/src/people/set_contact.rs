//! `PUT /v1/me/contact`

use axum::extract::State;
use outbound::mail::EmailAddress;
use processes::mail::is_timezone;
use processes::people::NewContact;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::contact::ContactBody;
use crate::answer::Written;
use crate::extract::{Caller, Fields, JsonBody};
use crate::{ApiError, ApiState};

const LOCALE_LENGTH_MAX: usize = 35;

/// All of it: what is absent is not known any more.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactRequest {
    /// Without one nothing is sent, whatever the token says.
    #[serde(default)]
    email: Option<String>,
    /// A language tag, `pt-BR`.
    #[serde(default)]
    locale: Option<String>,
    /// A name of the time zone database, `Europe/Lisbon`.
    #[serde(default)]
    timezone: Option<String>,
}

impl ContactRequest {
    fn into_new(self) -> Result<NewContact, ApiError> {
        let mut fields = Fields::default();
        let email = self.email.map(|email| email.parse::<EmailAddress>());
        if let Some(Err(reason)) = &email {
            fields.check(false, "/email", reason);
        }
        let is_tag = |tag: &String| {
            let is_plain = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            (2..=LOCALE_LENGTH_MAX).contains(&tag.len()) && is_plain
        };
        let rule = "must be a language tag, like pt-BR";
        fields.check(self.locale.as_ref().is_none_or(is_tag), "/locale", rule);
        let is_zone = self.timezone.as_deref().is_none_or(is_timezone);
        fields.check(
            is_zone,
            "/timezone",
            "must be a name of the time zone database, like Europe/Lisbon",
        );
        fields.finish()?;
        Ok(NewContact {
            email: email.and_then(Result::ok),
            locale: self.locale,
            timezone: self.timezone,
        })
    }
}

/// Say how one is reached, instead of what the token says. Kept outside the log, until the person is erased
#[utoipa::path(put, path = "/v1/me/contact", tag = "people", request_body = ContactRequest, security(("bearer" = [])),
    responses((status = 200, body = ContactBody)))]
pub(crate) async fn set_my_contact(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<ContactRequest>,
) -> Result<Written<ContactBody>, ApiError> {
    let new = body.into_new()?;
    let people = &state.processes.deps().people;
    if !people.set_contact(caller.user_id, &new).await? {
        // Erased between the token's check and here.
        return Err(ApiError::NotFound);
    }
    let contact = people.contact(caller.user_id).await?;
    let body = contact.map(ContactBody::from).unwrap_or_default();
    Ok(Written::changed(state.durable_position(), body))
}
