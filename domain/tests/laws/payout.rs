//! Hosts' accounts: paid and on its way is never more than was earned.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::fees::PlatformFee;
use domain::payout::{DisputedEarning, RequestPayout, SettledSale};
use domain::{
    BasisPoints, Currency, Fingerprint, Money, Payout, PayoutCommand, PayoutEvent, PayoutId, RoomId, TicketId, UserId,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{at, config, run};

fn command() -> impl Strategy<Value = PayoutCommand> {
    let currency = prop::sample::select(vec![Currency::USD, Currency::JPY]);
    let amount = prop_oneof![Just(None), (-10..400_i64).prop_map(Some)];
    (0..6_u128, 0..18_u8, -1..300_i64, currency, amount).prop_map(|(number, kind, share, currency, amount)| {
        let payout_id = PayoutId::from_uuid(Uuid::from_u128(number));
        let host = UserId::from_uuid(Uuid::from_u128(1));
        let at = at(1);
        match kind {
            0 => PayoutCommand::Apply { host, at },
            1 | 2 => PayoutCommand::Approve { host, by: host, at },
            3 => PayoutCommand::LinkDestination {
                destination: format!("acct_{}", number % 2),
                at,
            },
            4..=6 => PayoutCommand::CreditEarning(Box::new(SettledSale {
                ticket_id: TicketId::from_uuid(Uuid::from_u128(number)),
                room_id: RoomId::from_uuid(Uuid::from_u128(1)),
                gross: Money::new(share, currency),
                tax: None,
                store_fee: None,
                provider_fee: Money::zero(currency),
                platform_fee: PlatformFee::flat(BasisPoints::ZERO),
                at,
            })),
            7..=9 => PayoutCommand::RequestPayout(RequestPayout {
                payout_id,
                currency,
                amount: amount.map(|amount| Money::new(amount, currency)),
                minimum_minor: 20,
                provider: "sandbox".to_owned(),
                request: Fingerprint::of(b"payout"),
                at,
            }),
            10 => PayoutCommand::RecordSent {
                payout_id,
                provider_ref: "tr".to_owned(),
                at,
            },
            11 | 12 => PayoutCommand::RecordFailed {
                payout_id,
                reason: "no".to_owned(),
                at,
            },
            14 | 15 => PayoutCommand::HoldEarning(disputed(number, share, currency)),
            16 => PayoutCommand::ReleaseEarning(disputed(number, share, currency)),
            17 => PayoutCommand::ReverseEarning(disputed(number, share, currency)),
            _ => PayoutCommand::RecordPaid { payout_id, at },
        }
    })
}

/// Two disputes for each ticket.
fn disputed(number: u128, amount: i64, currency: Currency) -> DisputedEarning {
    DisputedEarning {
        ticket_id: TicketId::from_uuid(Uuid::from_u128(number)),
        dispute: format!("dp_{number}_{}", amount % 2),
        amount: Money::new(amount, currency),
        at: at(1),
    }
}

/// Earned less what is paid or on its way, as a reader of the events alone would add it up.
fn take(left: &mut BTreeMap<Currency, i64>, event: &PayoutEvent) {
    let mut add = |money: Money, sign: i64| {
        *left.entry(money.currency()).or_default() += sign * money.amount_minor();
    };
    match event {
        PayoutEvent::EarningCredited(earning) => {
            add(earning.host_share, 1);
            if let Some(netted) = earning.netted {
                add(netted, -1);
            }
        }
        PayoutEvent::EarningHeld(held) => add(held.amount, -1),
        PayoutEvent::EarningReleased(held) => add(held.amount, 1),
        PayoutEvent::EarningReversed(reversed) => {
            add(reversed.from_available, -1);
            assert!(reversed.receivable.amount_minor() >= 0 && reversed.from_reserve.amount_minor() >= 0);
        }
        PayoutEvent::PayoutRequested { amount, .. } => add(*amount, -1),
        PayoutEvent::PayoutFailed { amount, .. } => add(*amount, 1),
        _ => {}
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_of_commands_keeps_the_laws(commands in prop::collection::vec(command(), 0..80)) {
        let left = RefCell::new(BTreeMap::new());
        run::<Payout>(commands, |state, event| {
            let mut left = left.borrow_mut();
            take(&mut left, event);
            for (currency, left) in left.iter() {
                assert!(*left >= 0, "paid more than was earned");
                let parts = [state.reserved(*currency), state.receivable(*currency)];
                assert!(parts.iter().all(|part| part.amount_minor() >= 0), "{parts:?}");
                assert_eq!(state.available(*currency), Money::new(*left, *currency));
            }
        });
    }
}
