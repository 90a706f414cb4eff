//! The one place where an error becomes an answer: its status, its code, its words.

use std::error::Error as StdError;

use axum::response::{IntoResponse, Response};
use domain::room::{PromoCodeRefusal, Quota};
use domain::{PayoutError, RoomError, ShopError, TicketError};
use http::StatusCode;

use super::problem::Problem;
use super::{ApiError, EntryRefusal, FieldError};

/// How long a client should wait before it tries again, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;
/// The same for somebody who used up the attempts of a ticket, in seconds: by then an ordinary hold has lapsed, and the
/// seat can be held anew.
const ATTEMPTS_RETRY_AFTER_SECONDS: u32 = 300;

/// The same for somebody whose devices throw each other out all the time, in seconds.
const TAKE_OVERS_RETRY_AFTER_SECONDS: u32 = 3_600;

impl ApiError {
    /// The answer to the client.
    pub(super) fn problem(&self) -> Problem {
        let conflict = StatusCode::CONFLICT;
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        match self {
            Self::Unauthenticated { reason } => Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", *reason),
            Self::Forbidden { detail } => Problem::new(StatusCode::FORBIDDEN, "forbidden", *detail),
            Self::NotFound => not_found(),
            Self::MethodNotAllowed => Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not know this method.",
            ),
            Self::MalformedJson { detail } => Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail.as_str()),
            Self::UnsupportedMediaType => Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body must be application/json.",
            ),
            Self::BodyTooLarge { limit_bytes } => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("The body may have {limit_bytes} bytes."),
            ),
            Self::UnknownField(field) => Problem::new(unprocessable, "unknown_field", "The body has an unknown field.")
                .with_errors(vec![field.clone()]),
            Self::InvalidFields(fields) => invalid_fields(fields.clone()),
            Self::IdempotencyKeyMissing => Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency_key_missing",
                "This request needs an Idempotency-Key header.",
            ),
            Self::Room(refusal) => room_problem(refusal),
            Self::SeatRefused { refusal, position } => room_problem(refusal).with_position(*position),
            Self::Ticket(refusal) => ticket_problem(refusal),
            Self::Payout(refusal) => payout_problem(refusal),
            Self::Shop(refusal) => shop_problem(refusal),
            Self::EntryRefused(refusal) => entry_refused(*refusal),
            Self::PaymentDeclined { reason } => {
                Problem::new(StatusCode::PAYMENT_REQUIRED, "payment_declined", reason.as_str())
            }
            Self::ReceiptRefused { reason } => Problem::new(
                unprocessable,
                "receipt_refused",
                "This receipt does not pay for this ticket.",
            )
            .with_reason(reason),
            Self::IntentSettled { state } => Problem::new(conflict, "wrong_state", format!("The intent is {state}.")),
            Self::Conflict => Problem::new(conflict, "conflict", "Too many at once. Try again."),
            Self::ErasureRefused { reason } => erasure_refused(reason),
            Self::SubscriptionLimitReached => subscription_limit_reached(),
            Self::TooManyRequests { retry_after_seconds } => Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "These are more requests than one may send. Wait a moment.",
            )
            .with_retry_after(*retry_after_seconds),
            Self::Overloaded => unavailable("overloaded", "Too much to do. Try again in a moment."),
            Self::LogUnavailable(_) => unavailable("log_unavailable", "The event log is away. Try again in a moment."),
            Self::ProjectionBehind => unavailable("projection_behind", "The asked position is not readable yet."),
            Self::MediaUnavailable(_) => unavailable("media_unavailable", "The media server is away."),
            Self::DoorsBusy { place, wait_seconds } => doors_busy(*place, *wait_seconds),
            Self::ProviderUnavailable(_) => unavailable("provider_unavailable", "The provider is away."),
            Self::Internal(_) => Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong here. The trace id finds it in the logs.",
            ),
        }
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing here.")
}

fn key_reused() -> Problem {
    let detail = "This Idempotency-Key was used for another request.";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
}

fn unavailable(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).with_retry_after(RETRY_AFTER_SECONDS)
}

fn invalid_fields(errors: Vec<FieldError>) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_field",
        "A field of the request is wrong.",
    )
    .with_errors(errors)
}

fn invalid_field(field: &str, detail: impl Into<String>) -> Problem {
    let path = field.trim_start_matches('/').replace('.', "/");
    invalid_fields(vec![FieldError::new(format!("/{path}"), detail)])
}

fn entry_refused(refusal: EntryRefusal) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "entry_refused", "The door stays closed for you.").with_reason(refusal.reason())
}

/// The place stays: whoever comes again when it is their turn is let in.
fn doors_busy(place: usize, wait_seconds: u32) -> Problem {
    let detail = format!("The doors are busy: you are number {place} in line. Come again in {wait_seconds} s.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "doors_busy", detail).with_retry_after(wait_seconds)
}

fn erasure_refused(reason: &'static str) -> Problem {
    let detail = "Others still count on this person: their money or a room is not over yet.";
    Problem::new(StatusCode::CONFLICT, "erasure_refused", detail).with_reason(reason)
}

fn subscription_limit_reached() -> Problem {
    let detail = "There are as many subscriptions as a shop may have. Delete one first.";
    Problem::new(StatusCode::CONFLICT, "subscription_limit_reached", detail)
}

/// `sold out` → `Sold out.`
fn sentence(refusal: &impl ToString) -> String {
    let text = refusal.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).chain(['.']).collect()
    })
}

fn room_problem(refusal: &RoomError) -> Problem {
    let forbidden = |code| Problem::new(StatusCode::FORBIDDEN, code, sentence(refusal));
    let conflict = |code| Problem::new(StatusCode::CONFLICT, code, sentence(refusal));
    match refusal {
        RoomError::NotScheduled | RoomError::NoSuchRecording => not_found(),
        RoomError::InvalidField { field, reason } => invalid_field(field, reason.as_str()),
        RoomError::HostNotApproved => forbidden("host_not_approved"),
        RoomError::HostSuspended => forbidden("host_suspended"),
        RoomError::NotRolledOut | RoomError::ChannelClosed => forbidden("not_rolled_out"),
        RoomError::TermsNotAccepted => conflict("terms_not_accepted"),
        RoomError::NoDestination => conflict("no_payout_destination"),
        RoomError::KeyReused => key_reused(),
        RoomError::SoldOut { .. } => conflict("sold_out").with_reason("room"),
        RoomError::WaitingListFull { .. } => conflict("sold_out").with_reason("waiting_list"),
        RoomError::QuotaExhausted { quota, .. } => conflict("sold_out").with_reason(match quota {
            Quota::Tier => "tier",
            Quota::PromoCode => "promo_code",
        }),
        RoomError::PromoCodeRefused { reason } => conflict("promo_code_refused").with_reason(match reason {
            PromoCodeRefusal::Unknown => "unknown",
            PromoCodeRefusal::NotYet => "not_yet",
            PromoCodeRefusal::Expired => "expired",
            PromoCodeRefusal::OtherTier => "other_tier",
            PromoCodeRefusal::BuyerLimit { .. } => "buyer_limit",
        }),
        RoomError::SalesNotOpen { .. } | RoomError::SharesNotAgreed => conflict("sales_not_open"),
        RoomError::SalesClosed { .. } => conflict("sales_closed"),
        RoomError::NotTransferable => conflict("not_transferable"),
        RoomError::SalesPaused => conflict("sales_paused"),
        RoomError::CapacityBelowSold { .. } | RoomError::QuotaBelowTaken { .. } => conflict("capacity_below_sold"),
        RoomError::FrozenAfterFirstSale { .. } => conflict("frozen_after_first_sale"),
        RoomError::TicketLimitReached { .. } => conflict("ticket_limit_reached"),
        RoomError::HoldExpired => conflict("hold_expired"),
        RoomError::SeatIsSold => conflict("already_paid"),
        // Rooms are public: that this one exists is no secret.
        RoomError::NotHost | RoomError::NotSharing | RoomError::OutOfReach => forbidden("forbidden"),
        RoomError::NotLive | RoomError::LobbyNotYet { .. } => conflict("room_not_live"),
        RoomError::TakeOversFull { .. } => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", sentence(refusal))
                .with_retry_after(TAKE_OVERS_RETRY_AFTER_SECONDS)
        }
        RoomError::RoomOver => conflict("room_over"),
        RoomError::WrongState { .. }
        | RoomError::NoRequest
        | RoomError::NotInvited
        | RoomError::NotOnStage
        | RoomError::ShareDiffers { .. } => conflict("wrong_state"),
        RoomError::NotInRoom => conflict("not_in_room"),
        RoomError::StageFull { .. }
        | RoomError::CoHostsFull { .. }
        | RoomError::RequestsFull { .. }
        | RoomError::InvitationsFull { .. } => conflict("stage_full"),
        RoomError::RecordingNotAllowed => conflict("recording_not_allowed"),
        RoomError::ConsentMissing => conflict("recording_consent_required"),
        RoomError::RecordingsFull { .. } | RoomError::PartsFull { .. } => conflict("recording_limit_reached"),
        RoomError::BansFull { .. } => conflict("ban_limit_reached"),
        RoomError::Removed => entry_refused(EntryRefusal::Removed),
        RoomError::Banned => entry_refused(EntryRefusal::Banned),
    }
}

fn ticket_problem(refusal: &TicketError) -> Problem {
    let conflict = |code| Problem::new(StatusCode::CONFLICT, code, sentence(refusal));
    match refusal {
        // Whose ticket it is stays a secret.
        TicketError::NotOrdered
        | TicketError::NotHolder
        | TicketError::UnknownPayment
        | TicketError::UnknownRefund
        | TicketError::UnknownDispute => not_found(),
        TicketError::KeyReused => key_reused(),
        TicketError::AlreadyPaid => conflict("already_paid"),
        TicketError::HoldExpired => conflict("hold_expired"),
        TicketError::TooManyAttempts { .. } => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", sentence(refusal))
                .with_retry_after(ATTEMPTS_RETRY_AFTER_SECONDS)
        }
        TicketError::NotIssued => entry_refused(EntryRefusal::NotIssued),
        TicketError::NotPaid
        | TicketError::Refunded
        | TicketError::NotRefundable
        | TicketError::Revoked
        | TicketError::Disputed => conflict("not_refundable"),
        TicketError::RefundedByStore => conflict("refund_by_store"),
        TicketError::NotTransferable => conflict("not_transferable"),
        TicketError::RefundExceedsCaptured { .. } => conflict("refund_exceeds_captured"),
        TicketError::WrongAmount { .. } | TicketError::DisputeEnded => conflict("wrong_state"),
        TicketError::Money(reason) => invalid_field("amount", reason.to_string()),
    }
}

fn payout_problem(refusal: &PayoutError) -> Problem {
    let conflict = |code| Problem::new(StatusCode::CONFLICT, code, sentence(refusal));
    match refusal {
        PayoutError::NotApproved => Problem::new(StatusCode::FORBIDDEN, "host_not_approved", sentence(refusal)),
        PayoutError::Suspended => Problem::new(StatusCode::FORBIDDEN, "host_suspended", sentence(refusal)),
        PayoutError::BansFull { .. } => conflict("ban_limit_reached"),
        PayoutError::BansOneself
        | PayoutError::WrongStanding { .. }
        | PayoutError::AlreadyEnded
        | PayoutError::ReturnExceedsPayout { .. } => conflict("wrong_state"),
        PayoutError::NoDestination => conflict("no_payout_destination"),
        PayoutError::InvalidDestination { reason } => invalid_field("destination", *reason),
        PayoutError::KeyReused => key_reused(),
        PayoutError::BelowMinimum { .. } => conflict("below_minimum_payout"),
        PayoutError::InsufficientBalance { .. } => conflict("insufficient_balance"),
        PayoutError::UnknownPayout => not_found(),
        PayoutError::Money(reason) => invalid_field("amount", reason.to_string()),
    }
}

fn shop_problem(refusal: &ShopError) -> Problem {
    let conflict = |code| Problem::new(StatusCode::CONFLICT, code, sentence(refusal));
    match refusal {
        ShopError::DayNotOver { .. } | ShopError::DayOutOfOrder { .. } | ShopError::NothingToSeal { .. } => {
            conflict("wrong_state")
        }
        ShopError::Unreconciled { .. } => conflict("unreconciled"),
        ShopError::InvalidReason => invalid_field("force_reason", refusal.to_string()),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = self.problem();
        if let Some(cause) = self.cause() {
            log_cause(problem.code(), cause.as_ref());
        }
        problem.into_response()
    }
}

/// The whole chain, once, where it is handled.
fn log_cause(code: &'static str, cause: &(dyn StdError + Send + Sync + 'static)) {
    let mut chain = cause.to_string();
    let mut next = cause.source();
    while let Some(source) = next {
        chain.push_str(": ");
        chain.push_str(&source.to_string());
        next = source.source();
    }
    let trace_id = crate::trace::current();
    if code == "internal" {
        tracing::error!(trace.id = %trace_id, problem.code = code, error = %chain, "request failed");
    } else {
        tracing::warn!(trace.id = %trace_id, problem.code = code, error = %chain, "request could not be served");
    }
}
