//! Every endpoint, in one table.

use axum::routing::get;
use axum::{Router, middleware};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::layers::{self, Surroundings};
use crate::{
    ApiParts, ApiState, bans, days, docs, earnings, health, hosts, ledger, live, log, months, payouts, people,
    reconciliation, recordings, rollout, rooms, sandbox, shares, stage, statements, subscriptions, tickets,
    waiting_list, webhooks,
};

/// The business API, its OpenAPI document at `/openapi.json`, its pages at `/docs`, health and readiness.
pub fn router(parts: ApiParts) -> Router {
    let state = ApiState::from(parts);
    let (router, mut document) = endpoints().split_for_parts();
    docs::complete(&mut document);
    router
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .fallback(layers::unknown_path)
        .method_not_allowed_fallback(layers::unknown_method)
        .layer(middleware::from_fn_with_state(
            Surroundings::new(state.clone()),
            layers::surround,
        ))
        .with_state(state)
}

/// The OpenAPI document alone.
pub fn openapi() -> OpenApi {
    let mut document = endpoints().into_openapi();
    docs::complete(&mut document);
    document
}

fn endpoints() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(docs::frame())
        .merge(selling())
        .merge(inside())
        .merge(money())
        .merge(around())
}

fn selling() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(rooms::list_rooms, rooms::schedule_room))
        .routes(routes!(rooms::read_room, rooms::revise_room))
        .routes(routes!(rooms::reschedule_room))
        .routes(routes!(shares::propose_shares, shares::read_shares))
        .routes(routes!(shares::accept_share))
        .routes(routes!(rooms::pause_sales))
        .routes(routes!(rooms::resume_sales))
        .routes(routes!(rooms::open_room))
        .routes(routes!(rooms::end_room))
        .routes(routes!(rooms::cancel_room))
        .routes(routes!(rooms::void_room))
        .routes(routes!(rooms::read_sales))
        .routes(routes!(rooms::read_promo_codes))
        .routes(routes!(rooms::read_attendance))
        .routes(routes!(rooms::read_timeline))
        .routes(routes!(
            waiting_list::join_waiting_list,
            waiting_list::leave_waiting_list,
            waiting_list::read_waiting_place
        ))
        .routes(routes!(live::follow_room))
        .routes(routes!(live::follow_me))
        .routes(routes!(live::follow_stage))
        .routes(routes!(tickets::hold_seat))
        .routes(routes!(tickets::list_my_tickets))
        .routes(routes!(tickets::read_ticket))
        .routes(routes!(tickets::start_payment))
        .routes(routes!(tickets::bring_receipt))
        .routes(routes!(tickets::release_seat))
        .routes(routes!(tickets::refund_ticket))
        .routes(routes!(tickets::transfer_ticket))
        .routes(routes!(tickets::decline_reschedule))
        .routes(routes!(tickets::read_evidence))
        .routes(routes!(tickets::read_ticket_receipt))
        .routes(routes!(rooms::read_refusal))
}

fn inside() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(tickets::enter_with_ticket, tickets::read_entry))
        .routes(routes!(live::follow_entry))
        .routes(routes!(stage::enter_as_host))
        .routes(routes!(stage::read_stage))
        .routes(routes!(stage::ask_to_speak, stage::withdraw_request))
        .routes(routes!(stage::approve_speaker))
        .routes(routes!(stage::decline_request))
        .routes(routes!(stage::dismiss_speaker))
        .routes(routes!(stage::react))
        .routes(routes!(stage::invite_speaker))
        .routes(routes!(stage::accept_invitation))
        .routes(routes!(stage::decline_invitation))
        .routes(routes!(stage::step_down))
        .routes(routes!(stage::mute_speaker))
        .routes(routes!(stage::mute_all))
        .routes(routes!(stage::unmute))
        .routes(routes!(stage::appoint_co_host, stage::dismiss_co_host))
        .routes(routes!(stage::remove_person))
        .routes(routes!(stage::ban_person, stage::read_bans))
        .routes(routes!(stage::unban_person))
        .routes(routes!(recordings::start_recording))
        .routes(routes!(recordings::stop_recording))
        .routes(routes!(recordings::consent_to_recording))
        .routes(routes!(recordings::list_room_recordings))
        .routes(routes!(recordings::read_recording, recordings::delete_recording))
        .routes(routes!(recordings::read_recording_manifest))
        .routes(routes!(recordings::download_part))
        .routes(routes!(bans::read_my_bans))
        .routes(routes!(bans::ban_from_my_rooms, bans::unban_from_my_rooms))
}

fn money() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(hosts::apply_as_host))
        .routes(routes!(hosts::read_my_host))
        .routes(routes!(hosts::link_payout_destination))
        .routes(routes!(hosts::open_payout_account))
        .routes(routes!(hosts::read_host_terms))
        .routes(routes!(hosts::list_hosts))
        .routes(routes!(hosts::read_host))
        .routes(routes!(hosts::approve_host))
        .routes(routes!(hosts::waitlist_host))
        .routes(routes!(hosts::decline_host))
        .routes(routes!(hosts::suspend_host))
        .routes(routes!(hosts::reinstate_host))
        .routes(routes!(hosts::state_host_facts))
        .routes(routes!(rollout::assign_cohorts))
        .routes(routes!(rollout::read_rollout, rollout::change_rollout))
        .routes(routes!(earnings::read_earnings))
        .routes(routes!(statements::read_statements))
        .routes(routes!(statements::read_statement_of_month))
        .routes(routes!(statements::read_host_year))
        .routes(routes!(payouts::choose_payout_schedule))
        .routes(routes!(payouts::request_payout, payouts::list_my_payouts))
        .routes(routes!(ledger::list_ledger_accounts))
        .routes(routes!(ledger::list_ledger_lines))
        .routes(routes!(ledger::read_trial_balance))
        .routes(routes!(ledger::explain_balance))
        .routes(routes!(reconciliation::read_reconciliation))
        .routes(routes!(days::list_sealed_days))
        .routes(routes!(days::read_sealed_day))
        .routes(routes!(days::seal_day))
        .routes(routes!(months::read_closed_month))
}

fn around() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(people::read_my_contact, people::set_my_contact))
        .routes(routes!(
            people::read_my_profile,
            people::set_my_profile,
            people::clear_my_profile
        ))
        .routes(routes!(people::erase_me))
        .routes(routes!(people::erase_person_by_admin))
        .routes(routes!(log::list_log_events))
        .routes(routes!(log::read_log_head))
        .routes(routes!(log::list_log_checkpoints))
        .routes(routes!(log::read_log_proof))
        .routes(routes!(log::read_log_consistency))
        .routes(routes!(log::read_log_tile))
        // The same with an index of several parts, or of a tile that is not full.
        .route("/v1/log/tile/{level}/{index}/{*rest}", get(log::read_log_tile))
        .routes(routes!(log::read_log_entries))
        .route("/v1/log/tile/entries/{index}/{*rest}", get(log::read_log_entries))
        .routes(routes!(log::read_log_checkpoint))
        .routes(routes!(
            subscriptions::list_subscriptions,
            subscriptions::create_subscription
        ))
        .routes(routes!(
            subscriptions::read_subscription,
            subscriptions::revise_subscription,
            subscriptions::delete_subscription
        ))
        .routes(routes!(subscriptions::pause_subscription))
        .routes(routes!(subscriptions::resume_subscription))
        .routes(routes!(subscriptions::rewind_subscription))
        .routes(routes!(subscriptions::rotate_subscription_secret))
        .routes(routes!(webhooks::receive_livekit_webhook))
        .routes(routes!(webhooks::receive_provider_webhook))
        .routes(routes!(sandbox::confirm_intent))
        .routes(routes!(sandbox::script_next_payment))
        .routes(routes!(sandbox::buy_in_store))
        .routes(routes!(sandbox::refund_in_store))
        .routes(routes!(sandbox::open_dispute))
        .routes(routes!(sandbox::close_dispute))
        .routes(routes!(sandbox::return_transfer))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}
