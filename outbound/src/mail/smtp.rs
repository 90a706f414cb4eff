//! The way to the SMTP server.

use std::fmt;
use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::Letter;

/// For each answer of the server. Some let strangers wait on purpose.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// For a letter as a whole, connecting included.
const LETTER_LIMIT: Duration = Duration::from_secs(40);
/// Connections to the server at a time.
const CONNECTIONS_MAX: u32 = 4;
/// A connection that is not used is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// What a server says to a sender who is not let in: the operator's business, and no one else's.
const ACCESS_CODES: [u16; 4] = [530, 534, 535, 538];
/// What it says about a mailbox that is not there, or takes nothing.
const MAILBOX_CODES: [u16; 4] = [550, 551, 553, 556];

/// Where letters are handed over, and whose they are.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `smtps://user:password@host`, `smtp://host:587?tls=required`, or `smtp://host:25` for a server in one's own network.
    pub url: SecretString,
    /// `Night Talks <tickets@example.org>`
    pub from: String,
}

#[derive(Debug, Error)]
pub enum MailSettingsError {
    /// Without the cause, which may quote a password.
    #[error("the SMTP URL is none: smtps://user:password@host, smtp://host:587?tls=required or smtp://host:25")]
    Url,
    #[error("the sender must be like `Night Talks <tickets@example.org>`")]
    From(#[source] lettre::address::AddressError),
}

/// Why a letter was not handed over. Never with the server's words: they quote addresses.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum MailError {
    /// The mailbox is not there, or takes nothing: it will not be better tomorrow.
    #[error("the server refuses the mailbox ({code})")]
    Mailbox { code: u16 },
    /// The server will not take this letter, whenever it is asked.
    #[error("the server refuses the letter ({code})")]
    Refused { code: u16 },
    /// The server does not let us in.
    #[error("the server does not let us in ({code}): check the SMTP settings")]
    NotLetIn { code: u16 },
    /// Try again: it is away, slow or busy.
    #[error("the server {0}")]
    Later(&'static str),
    /// This cannot be written as a letter.
    #[error("the letter cannot be written")]
    Unwritable,
}

/// Hands letters over. Cheap to clone.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").finish_non_exhaustive()
    }
}

impl Smtp {
    /// Needs a running runtime. Does not connect yet.
    pub fn new(settings: &MailSettings) -> Result<Self, MailSettingsError> {
        let from: Mailbox = settings.from.parse().map_err(MailSettingsError::From)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.url.expose_secret())
            .map_err(|_| MailSettingsError::Url)?;
        let pool = PoolConfig::new().max_size(CONNECTIONS_MAX).idle_timeout(IDLE_TIMEOUT);
        let transport = builder
            .timeout(Some(ANSWER_TIMEOUT))
            .pool_config(pool)
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .build();
        Ok(Self { transport, from })
    }

    /// Whether these are settings at all.
    pub fn check(settings: &MailSettings) -> Result<(), MailSettingsError> {
        settings
            .from
            .parse::<Mailbox>()
            .map(drop)
            .map_err(MailSettingsError::From)?;
        AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.url.expose_secret())
            .map(drop)
            .map_err(|_| MailSettingsError::Url)
    }

    /// `Ok` when the server has said that the letter is its own now.
    pub async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.write(letter).map_err(|_| MailError::Unwritable)?;
        match tokio::time::timeout(LETTER_LIMIT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(MailError::Later("did not answer in time")),
        }
    }

    pub(super) fn write(&self, letter: &Letter) -> Result<Message, lettre::error::Error> {
        // Machines that answer letters leave this one alone.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, letter.to.as_address().clone()))
            .subject(&letter.subject)
            .date(SystemTime::from(letter.at))
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html()))
    }
}

fn judge(error: &smtp::Error) -> MailError {
    let Some(code) = error.status().map(u16::from) else {
        return MailError::Later(if error.is_timeout() {
            "did not answer in time"
        } else if error.is_tls() {
            "does not speak TLS as it should"
        } else {
            "was not reached, or hung up"
        });
    };
    if !error.is_permanent() {
        return MailError::Later("is busy, or wants to be asked later");
    }
    if ACCESS_CODES.contains(&code) {
        MailError::NotLetIn { code }
    } else if MAILBOX_CODES.contains(&code) {
        MailError::Mailbox { code }
    } else {
        MailError::Refused { code }
    }
}
