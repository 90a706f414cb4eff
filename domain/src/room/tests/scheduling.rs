//! Scheduling: every field has its limits, and the one that is wrong is named.

use super::*;
use crate::Currency;
use crate::Money;

fn new_room() -> Given<Room> {
    given([])
}

fn command(change: impl FnOnce(&mut ScheduleRoom)) -> RoomCommand {
    let mut command = schedule();
    change(&mut command);
    RoomCommand::Schedule(Box::new(command))
}

/// The field that is refused, and nothing else is.
fn refused_field(change: impl FnOnce(&mut ScheduleRoom)) -> &'static str {
    match Room::default().decide(command(change)) {
        Err(RoomError::InvalidField { field, .. }) => field,
        other => panic!("expected an invalid field, got {other:?}"),
    }
}

fn accepts(change: impl FnOnce(&mut ScheduleRoom)) {
    assert_eq!(new_room().when(command(change)).events().len(), 1);
}

#[test]
fn a_host_schedules_a_room_with_sales_until_its_planned_end() {
    new_room().when(command(|_| {})).then([room_scheduled()]);
}

#[test]
fn sales_open_at_once_by_default() {
    let mut expected = scheduled();
    expected.sales_open_at = at(-100);
    new_room()
        .when(command(|room| room.sales_open_at = None))
        .then([RoomEvent::RoomScheduled(expected)]);
}

#[test]
fn a_title_is_trimmed() {
    new_room()
        .when(command(|room| "  Night radio\n".clone_into(&mut room.title)))
        .then([room_scheduled()]);
}

#[test]
fn the_same_request_again_records_nothing() {
    given([room_scheduled()]).when(command(|_| {})).then_nothing();
}

#[test]
fn another_request_under_the_same_key_is_refused() {
    given([room_scheduled()])
        .when(command(|room| room.request = request("other")))
        .then_err(RoomError::KeyReused);
    given([room_scheduled()])
        .when(command(|room| room.host = BOB))
        .then_err(RoomError::KeyReused);
}

#[test]
fn a_priced_room_needs_an_approved_host() {
    new_room()
        .when(command(|room| room.permit = HostPermit::HostsFree(NoSale::NotApproved)))
        .then_err(RoomError::HostNotApproved);
}

#[test]
fn each_reason_why_a_host_may_not_sell_is_named() {
    let reasons = [
        (NoSale::TermsNotAccepted, RoomError::TermsNotAccepted),
        (NoSale::NoDestination, RoomError::NoDestination),
        (NoSale::NotRolledOut, RoomError::NotRolledOut),
    ];
    for (reason, refusal) in reasons {
        new_room()
            .when(command(|room| room.permit = HostPermit::HostsFree(reason)))
            .then_err(refusal);
    }
}

#[test]
fn a_suspended_host_schedules_nothing() {
    for price in [0, 1_000] {
        new_room()
            .when(command(|room| {
                room.permit = HostPermit::Suspended;
                room.price = usd(price);
            }))
            .then_err(RoomError::HostSuspended);
    }
}

#[test]
fn anybody_may_host_a_free_room() {
    accepts(|room| {
        room.permit = HostPermit::HostsFree(NoSale::NotApproved);
        room.price = usd(0);
    });
}

#[test]
fn titles_and_descriptions_have_limits() {
    assert_eq!(refused_field(|room| "  ".clone_into(&mut room.title)), "title");
    assert_eq!(refused_field(|room| room.title = "ö".repeat(201)), "title");
    assert_eq!(refused_field(|room| "a\0b".clone_into(&mut room.title)), "title");
    accepts(|room| room.title = "ö".repeat(200));
    assert_eq!(
        refused_field(|room| room.description = "ö".repeat(5_001)),
        "description"
    );
    assert_eq!(
        refused_field(|room| "a\0b".clone_into(&mut room.description)),
        "description"
    );
    accepts(|room| room.description = "ö".repeat(5_000));
    accepts(|room| room.description = String::new());
}

#[test]
fn a_language_is_a_short_tag() {
    for bad in ["e", "EN", "en_us", "en-us-xxx", "öö", ""] {
        assert_eq!(
            refused_field(|room| bad.clone_into(&mut room.language)),
            "language",
            "{bad}"
        );
    }
    accepts(|room| "pt-br".clone_into(&mut room.language));
}

#[test]
fn a_room_starts_in_the_future_and_within_four_digit_years() {
    assert_eq!(refused_field(|room| room.starts_at = room.at), "starts_at");
    assert_eq!(refused_field(|room| room.starts_at = Timestamp::MAX_UTC), "starts_at");
    assert_eq!(refused_field(|room| room.starts_at = at(253_000_000_000)), "starts_at");
}

#[test]
fn numbers_stay_within_their_ranges() {
    for minutes in [0, 1_441, u32::MAX] {
        assert_eq!(refused_field(|room| room.planned_minutes = minutes), "planned_minutes");
    }
    for capacity in [0, 1_001, u32::MAX] {
        assert_eq!(refused_field(|room| room.capacity = capacity), "capacity");
    }
    for tickets in [0, 101] {
        assert_eq!(
            refused_field(|room| room.tickets_per_buyer = tickets),
            "tickets_per_buyer"
        );
    }
    for seconds in [0, 901] {
        assert_eq!(refused_field(|room| room.hold_seconds = seconds), "hold_seconds");
    }
    for minutes in [0, 121] {
        assert_eq!(refused_field(|room| room.no_show_minutes = minutes), "no_show_minutes");
    }
    let absurd = RefundPolicy::UntilHoursBefore { hours: u32::MAX };
    assert_eq!(refused_field(|room| room.refund_policy = absurd), "refund_policy.hours");
    accepts(|room| {
        room.planned_minutes = 1_440;
        room.capacity = 1_000;
        room.tickets_per_buyer = 100;
        room.hold_seconds = 900;
        room.no_show_minutes = 120;
        room.refund_policy = RefundPolicy::UntilHoursBefore { hours: 24 };
    });
}

#[test]
fn a_price_is_zero_or_within_the_presets_range() {
    for price in [-1, i64::MIN, 99_901, i64::MAX] {
        assert_eq!(refused_field(|room| room.price = usd(price)), "price.amount_minor");
    }
    let below = refused_field(|room| {
        room.preset.price_min_minor = 100;
        room.price = usd(99);
    });
    assert_eq!(below, "price.amount_minor");
    accepts(|room| room.price = Money::new(99_900, Currency::JPY));
}

#[test]
fn a_sales_window_opens_before_it_closes() {
    assert_eq!(
        refused_field(|room| room.sales_close_at = Some(at(SALES_OPEN))),
        "sales_close_at"
    );
    assert_eq!(
        refused_field(|room| room.sales_open_at = Some(at(SALES_CLOSE))),
        "sales_close_at"
    );
    assert_eq!(
        refused_field(|room| room.sales_open_at = Some(Timestamp::MIN_UTC)),
        "sales_open_at"
    );
    assert_eq!(
        refused_field(|room| room.sales_close_at = Some(Timestamp::MAX_UTC)),
        "sales_close_at"
    );
}

#[test]
fn nothing_but_scheduling_happens_to_a_room_that_is_not_there() {
    let commands = [
        hold(ticket(1), ANN, at(0)),
        sell(ticket(1), ANN, at(0)),
        give_back(ticket(1), ANN, at(0)),
        free_refunded(ticket(1), at(0)),
        RoomCommand::ReleaseLapsed { at: at(0) },
        RoomCommand::End {
            by: Authority::Admin,
            at: at(0),
        },
        RoomCommand::Cancel {
            by: Authority::User(HOST),
            at: at(0),
        },
        RoomCommand::RequestToSpeak { user: ANN, at: at(0) },
        RoomCommand::WithdrawRequest { user: ANN, at: at(0) },
    ];
    for command in commands {
        new_room().when(command).then_err(RoomError::NotScheduled);
    }
}
