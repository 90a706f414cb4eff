//! Histories by chance, each the same for its seed: sales that are refunded, disputed or earned, and payouts.

use super::{PRICE, Story, in_part, on_request};

const SALES: u32 = 30;

/// Numbers by chance: the same for a seed.
struct Dice(u64);

impl Dice {
    /// From 0 up to `sides`, without it.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

pub(crate) fn random_story(seed: u64) -> Story {
    let mut dice = Dice(seed.wrapping_add(1));
    let mut story = Story::new().approve_host().schedule(1).schedule(2);
    let (mut available, mut payouts) = (0, 0);
    for number in 10..10 + SALES {
        let room = 1 + u32::try_from(dice.roll(2)).expect("a room");
        story = story.buy(room, number);
        story = match dice.roll(6) {
            0 => story
                .owe_refund(number, (number, number), PRICE, on_request())
                .complete_refund(number, number, PRICE),
            1 => story.owe_refund(number, (number, number), PRICE, on_request()),
            2 => story.lose_dispute(number),
            3 => {
                let part = i64::try_from(1 + dice.roll(400)).expect("a part");
                story = story
                    .owe_refund(number, (number, number), part, in_part())
                    .complete_refund(number, number, part);
                available += share(PRICE - part);
                story.settle(room, number, PRICE - part)
            }
            _ => {
                available += share(PRICE);
                story.settle(room, number, PRICE)
            }
        };
        if available > 0 && dice.roll(3) == 0 {
            payouts += 1;
            let amount = 1 + i64::try_from(dice.roll(available.unsigned_abs())).expect("an amount");
            story = story.request_payout(payouts, amount);
            match dice.roll(3) {
                0 => story = story.fail_payout(payouts, amount),
                1 => {
                    story = story.pay_out(payouts, amount);
                    available -= amount;
                }
                _ => available -= amount,
            }
        }
    }
    story
}

/// What the host has of a sale with so much left in it.
fn share(gross: i64) -> i64 {
    let after_provider = gross - super::FEE;
    after_provider - after_provider / 20
}
