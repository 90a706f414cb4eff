//! What processes decide to do: the kinds of jobs, and how one ends.

use chrono::TimeDelta;
use domain::room::Missing;
use domain::ticket::RefundReason;
use domain::{Money, PaymentId, PayoutId, RefundId, RoomId, TaxPart, TicketId, Timestamp, UserId};
use event_log::{ExecuteError, Metadata, Recorded};
use payments::ProviderError;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::mail::{Mail, Notice, Reminder};

/// One step of a process. Stored as JSON: a kind stays readable until its last job is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// A payment that was started and has no answer of the provider yet: ask again, with the same key.
    CheckPayment {
        ticket: TicketId,
        payment: PaymentId,
    },
    /// The ticket is paid, or free: sell its seat, or learn that it is gone.
    SellSeat {
        ticket: TicketId,
    },
    IssueTicket {
        room: RoomId,
        ticket: TicketId,
    },
    RefundSeatGone {
        room: RoomId,
        ticket: TicketId,
    },
    /// Payments that can no longer buy anything shall not be captured.
    CancelIntents {
        ticket: TicketId,
    },
    /// The timer of a room's holds and of its waiting list: there is one at most, and it is set again when a hold is made after it ended.
    LapseHolds {
        room: RoomId,
    },
    /// The timer of one hold, as an older version set it.
    ReleaseLapsed {
        room: RoomId,
        ticket: TicketId,
        expires_at: Timestamp,
    },
    LapseTicket {
        ticket: TicketId,
    },
    SendRefund {
        ticket: TicketId,
        refund: RefundId,
    },
    ReleaseRefundedSeat {
        ticket: TicketId,
    },
    /// The ticket changed hands: its seat follows.
    FollowHolder {
        ticket: TicketId,
    },
    /// Everybody who bought a seat of this room gets the money back: one `OweRefund` each.
    RefundRoom {
        room: RoomId,
        reason: RefundReason,
    },
    OweRefund {
        room: RoomId,
        ticket: TicketId,
        reason: RefundReason,
    },
    /// The room was delivered: one `SettleTicket` for each sold seat.
    SettleRoom {
        room: RoomId,
    },
    SettleTicket {
        ticket: TicketId,
        /// What goes back first, of a room that was delivered in part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<Missing>,
    },
    CreditEarning(CreditEarning),
    /// A sale was credited to its host: so is the part of somebody who shares it.
    CreditShare(CreditShare),
    /// The host's account followed a dispute: so does the account of somebody who shares the sale.
    FollowShare {
        host: UserId,
        ticket: TicketId,
        dispute: String,
        user: UserId,
    },
    /// The timer of what a host has to wait for.
    MatureEarnings {
        host: UserId,
    },
    /// The timer of a host who is paid by the month.
    PayMonth {
        host: UserId,
    },
    SendPayout {
        host: UserId,
        payout: PayoutId,
    },
    /// A host was suspended or reinstated: their rooms follow, from this one on, and their payouts.
    FollowStanding {
        host: UserId,
        after: Option<RoomId>,
    },
    FollowStandingOfRoom {
        room: RoomId,
        host: UserId,
    },
    /// A dispute was opened, won or lost: the host's account follows, and a ticket whose dispute was won goes on.
    FollowDispute {
        ticket: TicketId,
        dispute: String,
    },
    /// The timer of a room that has to be opened by then.
    VoidNoShow {
        room: RoomId,
    },
    /// The timer of a room's reminder.
    RemindHolders {
        room: RoomId,
        reminder: Reminder,
    },
    /// One `SendMail` for each person with a ticket.
    NotifyHolders {
        room: RoomId,
        notice: Notice,
    },
    SendMail(Mail),
    /// The log says that this person was erased: delete what leads to them.
    ForgetPerson {
        person: UserId,
    },
}

/// Somebody's part of an earning, on its way to their account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreditShare {
    pub ticket: TicketId,
    pub room: RoomId,
    pub host: UserId,
    pub user: UserId,
    pub share: Money,
}

/// A settled sale, on its way to the host's account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreditEarning {
    pub ticket: TicketId,
    pub gross: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<TaxPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_fee: Option<Money>,
    pub provider_fee: Money,
}

impl Job {
    /// The name this kind of job is stored under, also its tag in the payload.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::CheckPayment { .. } => "check_payment",
            Self::SellSeat { .. } => "sell_seat",
            Self::IssueTicket { .. } => "issue_ticket",
            Self::RefundSeatGone { .. } => "refund_seat_gone",
            Self::CancelIntents { .. } => "cancel_intents",
            Self::LapseHolds { .. } => "lapse_holds",
            Self::ReleaseLapsed { .. } => "release_lapsed",
            Self::LapseTicket { .. } => "lapse_ticket",
            Self::SendRefund { .. } => "send_refund",
            Self::ReleaseRefundedSeat { .. } => "release_refunded_seat",
            Self::FollowHolder { .. } => "follow_holder",
            Self::RefundRoom { .. } => "refund_room",
            Self::OweRefund { .. } => "owe_refund",
            Self::SettleRoom { .. } => "settle_room",
            Self::SettleTicket { .. } => "settle_ticket",
            Self::VoidNoShow { .. } => "void_no_show",
            Self::CreditEarning(_) => "credit_earning",
            Self::CreditShare(_) => "credit_share",
            Self::FollowShare { .. } => "follow_share",
            Self::MatureEarnings { .. } => "mature_earnings",
            Self::PayMonth { .. } => "pay_month",
            Self::SendPayout { .. } => "send_payout",
            Self::FollowStanding { .. } => "follow_standing",
            Self::FollowStandingOfRoom { .. } => "follow_standing_of_room",
            Self::FollowDispute { .. } => "follow_dispute",
            Self::RemindHolders { .. } => "remind_holders",
            Self::NotifyHolders { .. } => "notify_holders",
            Self::SendMail(_) => "send_mail",
            Self::ForgetPerson { .. } => "forget_person",
        }
    }

    /// The process that wants it, as the actor of the events it leads to.
    pub const fn process(&self) -> &'static str {
        match self {
            Self::CheckPayment { .. }
            | Self::SellSeat { .. }
            | Self::IssueTicket { .. }
            | Self::RefundSeatGone { .. }
            | Self::CancelIntents { .. } => "process:checkout",
            Self::LapseHolds { .. } | Self::ReleaseLapsed { .. } | Self::LapseTicket { .. } => "process:hold_expiry",
            Self::SendRefund { .. } | Self::ReleaseRefundedSeat { .. } => "process:refunds",
            Self::FollowHolder { .. } => "process:transfers",
            Self::RefundRoom { .. } | Self::OweRefund { .. } => "process:cancellation",
            Self::SettleRoom { .. } | Self::SettleTicket { .. } | Self::CreditEarning(_) => "process:settlement",
            Self::VoidNoShow { .. } => "process:no_show",
            Self::CreditShare(_) | Self::FollowShare { .. } => "process:sharing",
            Self::MatureEarnings { .. } => "process:maturity",
            Self::PayMonth { .. } | Self::SendPayout { .. } => "process:payout",
            Self::FollowStanding { .. } | Self::FollowStandingOfRoom { .. } => "process:standing",
            Self::FollowDispute { .. } => "process:disputes",
            Self::RemindHolders { .. } | Self::NotifyHolders { .. } | Self::SendMail(_) => "process:mail",
            Self::ForgetPerson { .. } => "process:people",
        }
    }

    /// The kinds that ask the provider. They have workers of their own: a provider that hangs holds up nobody whose
    /// money has come.
    pub const PROVIDER_KINDS: [&'static str; 4] = ["check_payment", "cancel_intents", "send_refund", "send_payout"];

    /// The kinds that ask the mail server, which have workers of their own as well.
    pub const MAIL_KINDS: [&'static str; 1] = ["send_mail"];

    /// What the job is about. With its kind and the event that caused it, this names the job: the same name is the same
    /// job.
    pub fn key(&self) -> String {
        match self {
            Self::CheckPayment { ticket, payment } => format!("{ticket}/{payment}"),
            Self::SendRefund { ticket, refund } => format!("{ticket}/{refund}"),
            Self::ReleaseLapsed { room, ticket, .. } => format!("{room}/{ticket}"),
            Self::SellSeat { ticket }
            | Self::IssueTicket { ticket, .. }
            | Self::RefundSeatGone { ticket, .. }
            | Self::CancelIntents { ticket }
            | Self::LapseTicket { ticket }
            | Self::ReleaseRefundedSeat { ticket }
            | Self::FollowHolder { ticket }
            | Self::OweRefund { ticket, .. }
            | Self::SettleTicket { ticket, .. }
            | Self::CreditEarning(CreditEarning { ticket, .. }) => ticket.to_string(),
            Self::LapseHolds { room }
            | Self::RefundRoom { room, .. }
            | Self::SettleRoom { room }
            | Self::VoidNoShow { room }
            | Self::FollowStandingOfRoom { room, .. } => room.to_string(),
            Self::CreditShare(CreditShare { ticket, user, .. }) => format!("{ticket}/{user}"),
            Self::FollowShare {
                ticket, dispute, user, ..
            } => format!("{ticket}/{user}/{dispute}"),
            Self::MatureEarnings { host } | Self::PayMonth { host } | Self::FollowStanding { host, after: None } => {
                host.to_string()
            }
            Self::FollowStanding {
                host,
                after: Some(room),
            } => format!("{host}/{room}"),
            Self::SendPayout { host, payout } => format!("{host}/{payout}"),
            Self::FollowDispute { ticket, dispute } => format!("{ticket}/{dispute}"),
            Self::RemindHolders { room, reminder } => format!("{room}/{}", reminder.name()),
            Self::NotifyHolders { room, notice } => format!("{room}/{}", notice.name()),
            Self::SendMail(mail) => mail.key(),
            Self::ForgetPerson { person } => person.to_string(),
        }
    }
}

/// A job on its way into the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewJob {
    pub job: Job,
    /// The log position of the event that caused it.
    pub caused_by: u64,
    pub correlation_id: Uuid,
    /// Not before this, by the application's clock; at once, if absent. The event's own time would not do for "at once":
    /// the log may be written by another machine, whose clock is ahead.
    pub run_at: Option<Timestamp>,
}

impl NewJob {
    /// To be done as soon as its cause is seen.
    pub fn now(cause: &Recorded, job: Job) -> Self {
        Self {
            run_at: None,
            ..Self::at(cause, job, cause.recorded_at)
        }
    }

    pub fn at(cause: &Recorded, job: Job, run_at: Timestamp) -> Self {
        Self {
            job,
            caused_by: cause.position,
            correlation_id: cause.metadata.correlation_id,
            run_at: Some(run_at),
        }
    }

    pub fn key(&self) -> String {
        if self.is_timer() {
            return self.job.key();
        }
        format!("{}@{}", self.job.key(), self.caused_by)
    }

    /// A timer is set, not added: its name does not tell what caused it.
    pub(crate) const fn is_timer(&self) -> bool {
        matches!(
            self.job,
            Job::LapseHolds { .. }
                | Job::MatureEarnings { .. }
                | Job::PayMonth { .. }
                | Job::RemindHolders { .. }
                | Job::VoidNoShow { .. }
        )
    }
}

/// Why a job runs: what its commands record as their metadata.
#[derive(Clone, Debug)]
pub struct JobContext {
    pub process: &'static str,
    pub caused_by: u64,
    pub correlation_id: Uuid,
}

impl JobContext {
    pub fn metadata(&self) -> Metadata {
        Metadata::for_actor(self.process, self.correlation_id).caused_by(self.caused_by)
    }
}

/// How a job ends well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Its effect is there, or there is nothing left to do.
    Done,
    /// Done, and these jobs follow from it. They are stored in the transaction that marks it done.
    Then(Vec<Job>),
    /// Its time has not come.
    RetryAt(Timestamp),
}

/// How a job ends badly.
#[derive(Debug, Error)]
pub enum JobError {
    /// The log, the database or the provider is away, slow, or busy. Tried again for as long as it takes: an outage
    /// never kills a job.
    #[error("{0}")]
    Outage(String),
    /// Something that ought to be there is not, and may come. Tried a limited number of times.
    #[error("{0}")]
    Retry(String),
    /// It cannot succeed. A human looks at it.
    #[error("{0}")]
    Fail(String),
}

pub type JobResult = Result<Outcome, JobError>;

impl<E: std::error::Error + 'static> From<ExecuteError<E>> for JobError {
    /// A refusal that the job did not expect is final.
    fn from(error: ExecuteError<E>) -> Self {
        let text = error.to_string();
        match error {
            ExecuteError::Refused(_) => Self::Fail(format!("refused: {text}")),
            ExecuteError::Conflict | ExecuteError::Overloaded | ExecuteError::Unavailable(_) => Self::Outage(text),
            ExecuteError::Corrupt(_) | ExecuteError::Rejected(_) => Self::Fail(text),
        }
    }
}

impl From<ProviderError> for JobError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Refused { code } => Self::Fail(format!("the provider refuses: {code}")),
            ProviderError::Unavailable(source) => Self::Outage(format!("the provider is unavailable: {source}")),
        }
    }
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Self::Outage(format!("the database: {error}"))
    }
}

/// `moment + wait`, or the end of time.
pub(crate) fn later(moment: Timestamp, wait: std::time::Duration) -> Timestamp {
    TimeDelta::from_std(wait)
        .ok()
        .and_then(|wait| moment.checked_add_signed(wait))
        .unwrap_or(Timestamp::MAX_UTC)
}
