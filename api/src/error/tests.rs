//! Every error, and the answer it becomes.

use axum::response::IntoResponse;
use domain::{Currency, Money, MoneyError, PayoutError, RoomError, TicketError, Timestamp};
use event_log::ExecuteError;
use http_body_util::BodyExt;
use serde_json::Value;

use super::{ApiError, EntryRefusal, FieldError};

async fn answer(error: ApiError) -> (http::HeaderMap, Value) {
    let response = error.into_response();
    let (parts, body) = response.into_parts();
    let body: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(body["status"], parts.status.as_u16());
    assert_eq!(parts.headers["content-type"], "application/problem+json");
    (parts.headers, body)
}

fn usd(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::USD)
}

fn cause() -> Box<dyn std::error::Error + Send + Sync> {
    "connection to 10.0.0.7 refused for user boxoffice".into()
}

fn own_errors() -> Vec<ApiError> {
    vec![
        ApiError::Unauthenticated { reason: "No token." },
        ApiError::Forbidden { detail: "Not for you." },
        ApiError::NotFound,
        ApiError::MethodNotAllowed,
        ApiError::MalformedJson {
            detail: "No.".to_owned(),
        },
        ApiError::UnsupportedMediaType,
        ApiError::BodyTooLarge { limit_bytes: 65_536 },
        ApiError::UnknownField(FieldError::new("/x", "unknown field")),
        ApiError::invalid("/price/amount_minor", "must be 0, or 1 to 99900"),
        ApiError::IdempotencyKeyMissing,
        ApiError::EntryRefused(EntryRefusal::NotIssued),
        ApiError::EntryRefused(EntryRefusal::Refunded),
        ApiError::EntryRefused(EntryRefusal::Revoked),
        ApiError::EntryRefused(EntryRefusal::Removed),
        ApiError::PaymentDeclined {
            reason: "card_declined".to_owned(),
        },
        ApiError::IntentSettled { state: "captured" },
        ApiError::Conflict,
        ApiError::TooManyRequests { retry_after_seconds: 7 },
        ApiError::Overloaded,
        ApiError::LogUnavailable(cause()),
        ApiError::ProjectionBehind,
        ApiError::MediaUnavailable(cause()),
        ApiError::ProviderUnavailable(cause()),
        ApiError::Internal(cause()),
    ]
}

fn room_refusals() -> Vec<RoomError> {
    let at = Timestamp::UNIX_EPOCH;
    vec![
        RoomError::NotScheduled,
        RoomError::InvalidField {
            field: "price.amount_minor",
            reason: "must be 0".to_owned(),
        },
        RoomError::HostNotApproved,
        RoomError::HostSuspended,
        RoomError::TermsNotAccepted,
        RoomError::NoDestination,
        RoomError::NotRolledOut,
        RoomError::ChannelClosed,
        RoomError::KeyReused,
        RoomError::SoldOut { capacity: 5 },
        RoomError::SalesNotOpen { opens_at: at },
        RoomError::SalesClosed { closed_at: at },
        RoomError::WaitingListFull { limit: 1000 },
        RoomError::NotTransferable,
        RoomError::SalesPaused,
        RoomError::CapacityBelowSold { taken: 3 },
        RoomError::FrozenAfterFirstSale { field: "refund_policy" },
        RoomError::TicketLimitReached { limit: 1 },
        RoomError::HoldExpired,
        RoomError::SeatIsSold,
        RoomError::NotHost,
        RoomError::NotLive,
        RoomError::RoomOver,
        RoomError::WrongState { state: "live" },
        RoomError::NotInRoom,
        RoomError::NoRequest,
        RoomError::StageFull { limit: 12 },
        RoomError::Removed,
        RoomError::Banned,
        RoomError::CoHostsFull { limit: 2 },
        RoomError::RequestsFull { limit: 1000 },
        RoomError::InvitationsFull { limit: 50 },
        RoomError::BansFull { limit: 1000 },
        RoomError::NotInvited,
        RoomError::NotOnStage,
        RoomError::OutOfReach,
        RoomError::RecordingNotAllowed,
        RoomError::ConsentMissing,
        RoomError::NoSuchRecording,
        RoomError::RecordingsFull { limit: 50 },
        RoomError::PartsFull { limit: 500 },
    ]
}

fn refusals() -> Vec<ApiError> {
    let payouts = [
        PayoutError::NotApproved,
        PayoutError::Suspended,
        PayoutError::WrongStanding { standing: "approved" },
        PayoutError::NoDestination,
        PayoutError::InvalidDestination {
            reason: "must not be empty",
        },
        PayoutError::KeyReused,
        PayoutError::BelowMinimum {
            requested: usd(1),
            minimum: usd(100),
        },
        PayoutError::InsufficientBalance {
            requested: usd(2),
            available: usd(1),
        },
        PayoutError::UnknownPayout,
        PayoutError::AlreadyEnded,
    ];
    let rooms = room_refusals().into_iter().map(ApiError::from);
    let tickets = ticket_refusals().into_iter().map(ApiError::from);
    rooms
        .chain(tickets)
        .chain(payouts.into_iter().map(ApiError::from))
        .collect()
}

fn ticket_refusals() -> Vec<TicketError> {
    vec![
        TicketError::NotOrdered,
        TicketError::KeyReused,
        TicketError::AlreadyPaid,
        TicketError::HoldExpired,
        TicketError::TooManyAttempts { limit: 20 },
        TicketError::UnknownPayment,
        TicketError::UnknownRefund,
        TicketError::NotPaid,
        TicketError::NotIssued,
        TicketError::Refunded,
        TicketError::NotHolder,
        TicketError::NotRefundable,
        TicketError::NotTransferable,
        TicketError::Revoked,
        TicketError::Disputed,
        TicketError::UnknownDispute,
        TicketError::DisputeEnded,
        TicketError::RefundExceedsCaptured {
            requested: usd(2),
            left: usd(1),
        },
        TicketError::Money(MoneyError::Negative),
    ]
}

/// One line for each error: `status code [reason] detail [pointer: detail]`.
async fn lines(errors: Vec<ApiError>) -> String {
    let mut lines = String::new();
    for error in errors {
        let (_, body) = answer(error).await;
        let mut line = format!("{} {} {}", body["status"], body["code"], body["detail"]);
        if let Some(reason) = body["reason"].as_str() {
            line = format!("{line} reason={reason}");
        }
        for field in body["errors"].as_array().into_iter().flatten() {
            line = format!("{line} {}: {}", field["pointer"], field["detail"]);
        }
        lines.push_str(&line.replace('"', ""));
        lines.push('\n');
    }
    lines
}

#[tokio::test]
async fn our_own_errors_have_stable_codes() {
    insta::assert_snapshot!(lines(own_errors()).await);
}

#[tokio::test]
async fn refusals_have_stable_codes() {
    insta::assert_snapshot!(lines(refusals()).await);
}

#[tokio::test]
async fn a_problem_has_the_members_of_rfc_9457() {
    let (_, body) = answer(ApiError::invalid("/title", "must have 1 to 200 characters")).await;
    insta::assert_json_snapshot!(body);
}

#[tokio::test]
async fn an_answer_about_our_own_trouble_says_nothing_of_its_cause() {
    for error in own_errors().into_iter().chain(refusals()) {
        let (headers, body) = answer(error).await;
        let is_ours = body["status"].as_u64().unwrap() >= 500;
        assert!(!body.to_string().contains("10.0.0.7"), "{body}");
        let is_temporary = body["status"] == 503 || body["status"] == 429;
        assert_eq!(headers.contains_key("retry-after"), is_temporary, "{body}");
        assert!(!is_ours || body["trace_id"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn somebody_without_a_token_is_told_which_kind_is_needed() {
    let (headers, _) = answer(ApiError::Unauthenticated { reason: "No token." }).await;
    assert_eq!(headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn executor_errors_become_answers() {
    let cases = [
        (ExecuteError::Refused(RoomError::NotLive), 409, "room_not_live"),
        (ExecuteError::Conflict, 409, "conflict"),
        (ExecuteError::Overloaded, 503, "overloaded"),
        (ExecuteError::Unavailable("away".to_owned()), 503, "log_unavailable"),
        (ExecuteError::Corrupt("bad".to_owned()), 500, "internal"),
        (ExecuteError::Rejected("bad".to_owned()), 500, "internal"),
    ];
    for (error, status, code) in cases {
        let (_, body) = answer(error.into()).await;
        assert_eq!(
            (body["status"].as_u64(), body["code"].as_str()),
            (Some(status), Some(code))
        );
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_no_defect_of_ours() {
    let away = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "refused");
    for error in [
        sqlx::Error::PoolTimedOut,
        sqlx::Error::PoolClosed,
        sqlx::Error::Io(away),
    ] {
        let (_, body) = answer(error.into()).await;
        assert_eq!(body["code"], "log_unavailable");
    }
    let (_, body) = answer(sqlx::Error::RowNotFound.into()).await;
    assert_eq!(body["code"], "internal");
}
