//! Which process executes which job.

use crate::{
    Deps, Job, JobContext, JobResult, cancellation, checkout, disputes, hold_expiry, mail, maturity, monthly, no_show,
    payout, people, refunds, settlement, sharing, standing, transfers,
};

/// Executes a job once. Safe to repeat, whether it ended before or not.
pub async fn run_job(deps: &Deps, context: &JobContext, job: Job) -> JobResult {
    match job {
        Job::CheckPayment { ticket, payment } => checkout::check_payment(deps, context, ticket, payment).await,
        Job::SellSeat { ticket } => checkout::sell_seat(deps, context, ticket).await,
        Job::IssueTicket { room, ticket } => checkout::issue_ticket(deps, context, room, ticket).await,
        Job::RefundSeatGone { room, ticket } => checkout::refund_seat_gone(deps, context, room, ticket).await,
        Job::CancelIntents { ticket } => checkout::cancel_intents(deps, context, ticket).await,
        Job::ReleaseLapsed {
            room,
            ticket,
            expires_at,
        } => hold_expiry::release_lapsed(deps, context, room, ticket, expires_at).await,
        Job::LapseHolds { room } => hold_expiry::lapse_holds(deps, context, room).await,
        Job::LapseTicket { ticket } => hold_expiry::lapse_ticket(deps, context, ticket).await,
        Job::SendRefund { ticket, refund } => refunds::send_refund(deps, context, ticket, refund).await,
        Job::ReleaseRefundedSeat { ticket } => refunds::release_seat(deps, context, ticket).await,
        Job::FollowHolder { ticket } => transfers::follow_holder(deps, context, ticket).await,
        Job::RefundRoom { room, reason } => cancellation::refund_room(deps, room, reason).await,
        Job::OweRefund { room, ticket, reason } => cancellation::owe_refund(deps, context, room, ticket, reason).await,
        Job::SettleRoom { room } => settlement::settle_room(deps, room).await,
        Job::SettleTicket { ticket, missing } => settlement::settle_ticket(deps, context, ticket, missing).await,
        Job::VoidNoShow { room } => no_show::void_no_show(deps, context, room).await,
        Job::CreditEarning(earning) => settlement::credit_earning(deps, context, earning).await,
        Job::CreditShare(share) => sharing::credit_share(deps, context, share).await,
        Job::FollowShare {
            host,
            ticket,
            dispute,
            user,
        } => sharing::follow_share(deps, context, host, ticket, &dispute, user).await,
        Job::MatureEarnings { host } => maturity::mature_earnings(deps, context, host).await,
        Job::FollowDispute { ticket, dispute } => disputes::follow(deps, context, ticket, &dispute).await,
        Job::PayMonth { host } => monthly::pay_month(deps, context, host).await,
        Job::RemindHolders { room, reminder } => mail::remind_holders(deps, room, reminder).await,
        Job::NotifyHolders { room, notice } => mail::notify_holders(deps, room, notice).await,
        Job::SendMail(letter) => mail::send_mail(deps, context, letter).await,
        Job::ForgetPerson { person } => people::forget_person(deps, person).await,
        Job::FollowStanding { host, after } => standing::follow(deps, host, after).await,
        Job::FollowStandingOfRoom { room, host } => standing::follow_room(deps, context, room, host).await,
        Job::SendPayout { host, payout } => payout::send_payout(deps, context, host, payout).await,
    }
}
