//! How somebody is reached, as they see it themselves. Nobody else does.

use processes::people::Contact;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Moment;

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Contact)]
pub(crate) struct ContactBody {
    /// Where tickets and reminders go; without one nothing is sent.
    email: Option<String>,
    /// `token`: it follows what the identity provider says; `person`: their own word.
    source: Option<&'static str>,
    /// Mail to this address came back for good. Set another one.
    undeliverable: bool,
    locale: Option<String>,
    /// Times in mails are of this zone; UTC, if absent.
    timezone: Option<String>,
    updated_at: Option<Moment>,
}

impl From<Contact> for ContactBody {
    fn from(contact: Contact) -> Self {
        Self {
            email: contact.email.map(|email| email.reveal().to_owned()),
            source: Some(if contact.from_token { "token" } else { "person" }),
            undeliverable: contact.is_refused,
            locale: contact.locale,
            timezone: contact.timezone,
            updated_at: Some(Moment(contact.updated_at)),
        }
    }
}
