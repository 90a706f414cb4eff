//! A host bans from all their rooms.

use super::*;

const ANN: UserId = user(11);

fn ban(user: UserId) -> PayoutCommand {
    PayoutCommand::BanGuest {
        host: HOST,
        user,
        at: at(100),
    }
}

fn banned(user: UserId) -> PayoutEvent {
    PayoutEvent::GuestBanned {
        user,
        banned_at: at(100),
    }
}

#[test]
fn anybody_bans_and_unbans_in_rooms_of_their_own() {
    let unban = PayoutCommand::UnbanGuest { user: ANN, at: at(200) };
    let account = past::<Payout>([]).when(ban(ANN)).then([banned(ANN)]);
    assert!(account.state.banned().eq([ANN]));
    account
        .when(unban.clone())
        .then([PayoutEvent::GuestUnbanned {
            user: ANN,
            unbanned_at: at(200),
        }])
        .when(unban)
        .then_nothing();
    past::<Payout>([]).when(ban(HOST)).then_err(PayoutError::BansOneself);
}

#[test]
fn a_host_bans_a_thousand() {
    let limit = crate::room::BANS_MAX;
    let number = |number: usize| user(1_000_u128.saturating_add(number.try_into().expect("small")));
    past::<Payout>((0..limit).map(|person| banned(number(person))))
        .when(ban(ANN))
        .then_err(PayoutError::BansFull { limit });
}
