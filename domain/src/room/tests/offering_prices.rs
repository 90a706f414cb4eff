//! What a host may set of tiers and codes, and how it is kept.

use super::prices::{at_half, code, half, held_in, hold_at, tier, tiered, wish};
use super::*;

fn revise(tiers: Vec<PriceTier>, promo_codes: Vec<PromoCode>) -> RoomCommand {
    RoomCommand::Revise(Box::new(ReviseRoom {
        by: Authority::User(HOST),
        wish: Revision {
            tiers,
            promo_codes,
            ..Revision::default()
        },
        permit: HostPermit::Sells,
        preset: Preset::ticketed_spaces(),
        at: at(15),
    }))
}

#[test]
fn the_host_changes_tiers_and_codes_and_what_is_so_already_is_no_news() {
    let sold = given([tiered(3, 2, vec![half(2)]), held_in(1, ANN, "early", 800, 10)]);
    let revised = sold
        .clone()
        .when(revise(
            vec![tier("early", 900, 1), tier("supporter", 2_500, 5)],
            vec![half(2)],
        ))
        .events();
    let revision = Revision {
        tiers: vec![tier("early", 900, 1)],
        ..Revision::default()
    };
    let expected = RoomEvent::RoomRevised(RoomRevised {
        revision,
        revised_at: at(15),
    });
    assert_eq!(revised, [expected]);
    let fuller = sold.then_do(hold_at(2, BOB, wish(Some("early"), None), 12));
    fuller
        .when(revise(vec![tier("early", 800, 1)], vec![]))
        .then_err(RoomError::QuotaBelowTaken { taken: 2 });
}

#[test]
fn tiers_and_codes_are_judged() {
    let named = |name: &str| PriceTier {
        name: name.to_owned(),
        ..tier("x", 500, 1)
    };
    let window = PriceTier {
        opens_at: Some(at(10)),
        closes_at: Some(at(10)),
        ..tier("x", 500, 1)
    };
    let euros = PriceTier {
        price: crate::Money::new(500, crate::testing::EUR),
        ..tier("x", 500, 1)
    };
    let tiers = [
        vec![tier("Not a key", 500, 1)],
        vec![tier("x", 50, 1)],
        vec![tier("x", 500, 0)],
        vec![named(" ")],
        vec![window],
        vec![euros],
        vec![tier("x", 500, 1), tier("x", 600, 1)],
        (0..21).map(|number| tier(&format!("t{number}"), 500, 1)).collect(),
    ];
    let field_of = |command| match given([room_scheduled()]).state.decide(command) {
        Err(RoomError::InvalidField { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert!(
        tiers
            .into_iter()
            .all(|wrong| field_of(revise(wrong, vec![])) == "tiers")
    );
    let discount = |discount| PromoCode { discount, ..half(1) };
    let codes = [
        discount(Discount::Amount { amount: usd(0) }),
        // 10.00 less 9.50 is below what this preset allows, and not free.
        discount(Discount::Amount { amount: usd(950) }),
        PromoCode {
            tier: Some("balcony".to_owned()),
            ..half(1)
        },
        PromoCode {
            per_buyer: 0,
            ..half(1)
        },
    ];
    assert!(
        codes
            .into_iter()
            .all(|wrong| field_of(revise(vec![], vec![wrong])) == "promo_codes")
    );
}

#[test]
fn a_priced_tier_of_a_free_room_needs_an_approved_host() {
    let command = ScheduleRoom {
        price: usd(0),
        permit: HostPermit::HostsFree(NoSale::NotApproved),
        sale: SaleOptions {
            tiers: vec![tier("supporter", 500, 1)],
            ..SaleOptions::default()
        },
        ..schedule()
    };
    given([])
        .when(RoomCommand::Schedule(Box::new(command)))
        .then_err(RoomError::HostNotApproved);
}

/// The stored form never changes: what is in the log is read for ever.
#[test]
fn tiers_codes_and_what_seats_take_of_them_are_stored_so() {
    let json = |event: &RoomEvent| serde_json::to_value(event).expect("JSON");
    let revised = RoomEvent::RoomRevised(RoomRevised {
        revision: Revision {
            tiers: vec![tier("early", 800, 2)],
            promo_codes: vec![half(2)],
            ..Revision::default()
        },
        revised_at: at(15),
    });
    let expected = serde_json::json!({
        "type": "room_revised",
        "tiers": [{
            "tier": "early",
            "name": "The early ones",
            "price": {"amount_minor": 800, "currency": "USD"},
            "quota": 2,
        }],
        "promo_codes": [{
            "code": "b2b4e6d8f5e0c5c1",
            "label": "newsletter",
            "discount": {"kind": "share", "basis_points": 5_000},
            "quota": 2,
            "per_buyer": 1,
            "opens_at": at(0),
            "closes_at": at(5_000),
        }],
        "revised_at": at(15),
    });
    let mut stored = json(&revised);
    assert_eq!(stored["promo_codes"][0]["code"], code("Half").to_string());
    stored["promo_codes"][0]["code"] = expected["promo_codes"][0]["code"].clone();
    assert_eq!(stored, expected);
    let pricing = json(&at_half(1, ANN, 10))["terms"]["pricing"].clone();
    let expected = serde_json::json!({
        "list_price": {"amount_minor": 1_000, "currency": "USD"},
        "promo_code": code("half").to_string(),
        "discount": {"amount_minor": 500, "currency": "USD"},
    });
    assert_eq!(pricing, expected);
    let pricing = json(&held_in(1, ANN, "early", 800, 10))["terms"]["pricing"].clone();
    assert_eq!(
        (&pricing["tier"], &pricing["tier_name"]),
        (&serde_json::json!("early"), &serde_json::json!("The early ones"))
    );
}
