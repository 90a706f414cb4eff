//! The OpenAPI document against the contract that clients rely on.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is built of the contract: no path more, no path less.
const ENDPOINTS: &[&str] = &[
    "GET /v1/rooms",
    "POST /v1/rooms",
    "GET /v1/rooms/{room}",
    "PATCH /v1/rooms/{room}",
    "POST /v1/rooms/{room}/reschedule",
    "PUT /v1/rooms/{room}/shares",
    "GET /v1/rooms/{room}/shares",
    "POST /v1/rooms/{room}/shares/me/accept",
    "POST /v1/rooms/{room}/pause_sales",
    "POST /v1/rooms/{room}/resume_sales",
    "POST /v1/rooms/{room}/open",
    "POST /v1/rooms/{room}/end",
    "POST /v1/rooms/{room}/cancel",
    "POST /v1/rooms/{room}/void",
    "GET /v1/rooms/{room}/events",
    "GET /v1/me/events",
    "GET /v1/rooms/{room}/sales",
    "GET /v1/rooms/{room}/promo_codes",
    "GET /v1/rooms/{room}/attendance",
    "GET /v1/rooms/{room}/timeline",
    "GET /v1/rooms/{room}/waiting_list/me",
    "POST /v1/rooms/{room}/waiting_list/me",
    "DELETE /v1/rooms/{room}/waiting_list/me",
    "POST /v1/rooms/{room}/tickets",
    "GET /v1/me/tickets",
    "GET /v1/tickets/{ticket}",
    "POST /v1/tickets/{ticket}/payments",
    "POST /v1/tickets/{ticket}/receipts",
    "POST /v1/tickets/{ticket}/release",
    "POST /v1/tickets/{ticket}/refunds",
    "POST /v1/tickets/{ticket}/transfer",
    "POST /v1/tickets/{ticket}/decline_reschedule",
    "GET /v1/tickets/{ticket}/evidence",
    "GET /v1/tickets/{ticket}/receipt",
    "GET /v1/rooms/{room}/refusals/{position}",
    "POST /v1/tickets/{ticket}/entry",
    "GET /v1/tickets/{ticket}/entry",
    "GET /v1/tickets/{ticket}/entry/events",
    "POST /v1/rooms/{room}/entry",
    "GET /v1/rooms/{room}/stage",
    "GET /v1/rooms/{room}/stage/events",
    "POST /v1/rooms/{room}/speak_requests/me",
    "DELETE /v1/rooms/{room}/speak_requests/me",
    "POST /v1/rooms/{room}/stage/{user}/approve",
    "POST /v1/rooms/{room}/stage/{user}/decline",
    "POST /v1/rooms/{room}/stage/{user}/dismiss",
    "POST /v1/rooms/{room}/removals",
    "POST /v1/rooms/{room}/reactions",
    "POST /v1/rooms/{room}/stage/{user}/invite",
    "POST /v1/rooms/{room}/stage/{user}/mute",
    "POST /v1/rooms/{room}/stage/mute_all",
    "POST /v1/rooms/{room}/stage/me/accept",
    "POST /v1/rooms/{room}/stage/me/decline",
    "POST /v1/rooms/{room}/stage/me/step_down",
    "POST /v1/rooms/{room}/stage/me/unmute",
    "PUT /v1/rooms/{room}/co_hosts/{user}",
    "DELETE /v1/rooms/{room}/co_hosts/{user}",
    "POST /v1/rooms/{room}/bans",
    "GET /v1/rooms/{room}/bans",
    "DELETE /v1/rooms/{room}/bans/{user}",
    "POST /v1/rooms/{room}/recording/start",
    "POST /v1/rooms/{room}/recording/stop",
    "POST /v1/rooms/{room}/recording/consent",
    "GET /v1/rooms/{room}/recordings",
    "GET /v1/rooms/{room}/recordings/{recording}",
    "DELETE /v1/rooms/{room}/recordings/{recording}",
    "GET /v1/rooms/{room}/recordings/{recording}/manifest",
    "GET /v1/rooms/{room}/recordings/{recording}/parts/{part}",
    "GET /v1/me/bans",
    "PUT /v1/me/bans/{user}",
    "DELETE /v1/me/bans/{user}",
    "PUT /v1/me/host_application",
    "GET /v1/me/host",
    "PUT /v1/me/payout_destination",
    "POST /v1/me/payout_account",
    "GET /v1/me/earnings",
    "GET /v1/me/statements",
    "GET /v1/me/statements/{month}",
    "GET /v1/hosts/{user}/years/{year}",
    "PUT /v1/me/payout_schedule",
    "POST /v1/me/payouts",
    "GET /v1/me/payouts",
    "GET /v1/hosts",
    "GET /v1/hosts/{user}",
    "POST /v1/hosts/{user}/approve",
    "POST /v1/hosts/{user}/waitlist",
    "POST /v1/hosts/{user}/decline",
    "POST /v1/hosts/{user}/suspend",
    "POST /v1/hosts/{user}/reinstate",
    "PUT /v1/hosts/{user}/facts",
    "PUT /v1/hosts/{user}/cohorts",
    "GET /v1/rollout",
    "PUT /v1/rollout",
    "GET /v1/host_terms",
    "GET /v1/ledger/accounts",
    "GET /v1/ledger/accounts/{account}/lines",
    "GET /v1/ledger/trial_balance",
    "GET /v1/ledger/explain",
    "GET /v1/reconciliation",
    "GET /v1/days",
    "GET /v1/days/{date}",
    "POST /v1/days/{date}/seal",
    "GET /v1/months/{month}",
    "GET /v1/log/events",
    "GET /v1/log/head",
    "GET /v1/log/checkpoints",
    "GET /v1/log/proofs/{position}",
    "GET /v1/log/consistency",
    "GET /v1/log/tile/{level}/{index}",
    "GET /v1/log/tile/entries/{index}",
    "GET /v1/log/checkpoint",
    "GET /v1/me/contact",
    "PUT /v1/me/contact",
    "GET /v1/me/profile",
    "PUT /v1/me/profile",
    "DELETE /v1/me/profile",
    "DELETE /v1/me",
    "DELETE /v1/people/{user}",
    "GET /v1/subscriptions",
    "POST /v1/subscriptions",
    "GET /v1/subscriptions/{subscription}",
    "PATCH /v1/subscriptions/{subscription}",
    "DELETE /v1/subscriptions/{subscription}",
    "POST /v1/subscriptions/{subscription}/pause",
    "POST /v1/subscriptions/{subscription}/resume",
    "POST /v1/subscriptions/{subscription}/rewind",
    "POST /v1/subscriptions/{subscription}/rotate_secret",
    "POST /v1/webhooks/{provider}",
    "POST /v1/webhooks/livekit",
    "POST /sandbox/intents/{ref}/confirm",
    "POST /sandbox/next_payment",
    "POST /sandbox/store/purchases",
    "POST /sandbox/store/refunds",
    "POST /sandbox/disputes",
    "POST /sandbox/disputes/{ref}/close",
    "POST /sandbox/transfers/{payout}/return",
    "GET /healthz",
    "GET /readyz",
];

/// The words of the contract that are in use, each with its one status.
const CODES: &[(&str, &str)] = &[
    ("already_paid", "409"),
    ("ban_limit_reached", "409"),
    ("below_minimum_payout", "409"),
    ("body_too_large", "413"),
    ("capacity_below_sold", "409"),
    ("conflict", "409"),
    ("doors_busy", "503"),
    ("entry_refused", "403"),
    ("erasure_refused", "409"),
    ("forbidden", "403"),
    ("frozen_after_first_sale", "409"),
    ("hold_expired", "409"),
    ("host_not_approved", "403"),
    ("host_suspended", "403"),
    ("idempotency_key_missing", "400"),
    ("idempotency_key_reused", "422"),
    ("insufficient_balance", "409"),
    ("internal", "500"),
    ("invalid_field", "422"),
    ("log_unavailable", "503"),
    ("malformed_json", "400"),
    ("media_unavailable", "503"),
    ("no_payout_destination", "409"),
    ("not_found", "404"),
    ("not_in_room", "409"),
    ("not_refundable", "409"),
    ("not_rolled_out", "403"),
    ("not_transferable", "409"),
    ("overloaded", "503"),
    ("payment_declined", "402"),
    ("projection_behind", "503"),
    ("promo_code_refused", "409"),
    ("provider_unavailable", "503"),
    ("receipt_refused", "422"),
    ("recording_consent_required", "409"),
    ("recording_limit_reached", "409"),
    ("recording_not_allowed", "409"),
    ("refund_by_store", "409"),
    ("refund_exceeds_captured", "409"),
    ("room_not_live", "409"),
    ("room_over", "409"),
    ("sales_closed", "409"),
    ("sales_not_open", "409"),
    ("sales_paused", "409"),
    ("sold_out", "409"),
    ("stage_full", "409"),
    ("subscription_limit_reached", "409"),
    ("terms_not_accepted", "409"),
    ("ticket_limit_reached", "409"),
    ("too_many_requests", "429"),
    ("unauthenticated", "401"),
    ("unknown_field", "422"),
    ("unreconciled", "409"),
    ("unsupported_media_type", "415"),
    ("wrong_state", "409"),
];

/// Paths where the same key with the same body gives the same answer.
const KEYED: &[&str] = &[
    "POST /v1/rooms",
    "POST /v1/rooms/{room}/tickets",
    "POST /v1/rooms/{room}/waiting_list/me",
    "POST /v1/tickets/{ticket}/payments",
    "POST /v1/tickets/{ticket}/refunds",
    "POST /v1/me/payouts",
    "POST /v1/days/{date}/seal",
];

fn document() -> Value {
    serde_json::to_value(api::openapi()).expect("a document is JSON")
}

/// `("GET /v1/rooms", operation)` for each.
pub(crate) fn operations() -> Vec<(String, Value)> {
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let named = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        methods.iter().map(move |(method, operation)| {
            let name = format!("{} {path}", method.to_uppercase());
            (name, operation.clone())
        })
    });
    named.collect()
}

#[test]
fn the_document_is_as_it_was() {
    insta::assert_json_snapshot!(document());
}

#[test]
fn the_document_is_openapi_3_1() {
    assert!(document()["openapi"].as_str().expect("a text").starts_with("3.1."));
}

#[test]
fn the_paths_are_those_of_the_contract() {
    let built: BTreeSet<_> = operations().into_iter().map(|(name, _)| name).collect();
    let promised: BTreeSet<_> = ENDPOINTS.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(built, promised);
}

#[test]
fn the_codes_are_those_of_the_contract() {
    let mut used = BTreeSet::new();
    for (name, operation) in operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let is_problem = response["content"]["application/problem+json"].is_object();
            let description = response["description"].as_str().expect("every answer is described");
            for code in description.split('`').skip(1).step_by(2).filter(|_| is_problem) {
                assert!(CODES.contains(&(code, status)), "{name}: {status} {code}");
                used.insert(code.to_owned());
            }
            let is_failure = status.starts_with(['4', '5']) && name != "GET /readyz";
            assert_eq!(is_problem, is_failure, "{name}: {status}");
        }
    }
    let promised: BTreeSet<_> = CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
    assert_eq!(used, promised);
}

#[test]
fn what_creates_or_moves_money_takes_a_key() {
    for (name, operation) in operations() {
        let parameters = operation["parameters"].as_array();
        let has_key = parameters
            .into_iter()
            .flatten()
            .any(|parameter| parameter["name"] == "Idempotency-Key");
        assert_eq!(has_key, KEYED.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn each_operation_has_a_name_of_its_own() {
    let names: Vec<_> = operations()
        .into_iter()
        .map(|(_, operation)| operation["operationId"].to_string())
        .collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), distinct.len(), "{names:?}");
}
