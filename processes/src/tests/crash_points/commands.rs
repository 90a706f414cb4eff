//! What is asked of the process in a flow, and what others tell it.

use chrono::TimeDelta;
use domain::payout::{DecideOnHost, HostPermit, PayoutSchedule, RequestPayout};
use domain::room::{
    Authority, Discount, HoldSeat, JoinWaitingList, PriceTier, PriceWish, PromoCode, RescheduleRoom, SaleOptions,
    ScheduleRoom,
};
use domain::ticket::{DeclineReschedule, OweRefund, RefundInitiator, RefundReason};
use domain::{
    BasisPoints, Channel, Currency, Customer, Fingerprint, PayoutCommand, PayoutId, Preset, RefundPolicy, RoomCommand,
    Share, TicketCommand, UserId,
};
use event_log::Clock;
use payments::{Dispute, DisputeStage, MovementState, ProviderEventKind};

use super::life::Process;
use super::steps::{STORE_CHANNEL, Scene};
use crate::tests::world::usd;

/// What each request of its kind says.
pub(super) const REQUESTS: [&[u8]; 5] = [ROOM, HOLD, JOIN, PAY, PAYOUT];
const ROOM: &[u8] = b"room";
const HOLD: &[u8] = b"hold";
const JOIN: &[u8] = b"join";
pub(super) const PAY: &[u8] = b"pay";
const PAYOUT: &[u8] = b"payout";

const DISPUTE_FEE_MINOR: i64 = 1_500;
const TIER: &str = "early";
const TIER_PRICE_MINOR: i64 = 800;
const CODE_TAKES_OFF: BasisPoints = BasisPoints::try_new(2_500).unwrap();
const HOSTS_SHARE: BasisPoints = BasisPoints::try_new(7_000).unwrap();
const CO_HOSTS_SHARE: BasisPoints = BasisPoints::try_new(3_000).unwrap();

impl Scene {
    /// Hosts are approved and can be paid, and their room sells.
    pub(super) async fn schedule(&self, process: &Process) {
        let (run, host) = (self.run, self.run.host());
        let hosts = [host, run.co_host()];
        for account in &hosts[..if self.flow.is_shared { 2 } else { 1 }] {
            for command in self.admission(*account) {
                self.tell_account(process, *account, command).await;
            }
        }
        self.tell_room(process, self.room()).await;
        if self.flow.is_shared {
            for command in self.sharing() {
                self.tell_room(process, command).await;
            }
        }
    }

    fn admission(&self, host: UserId) -> [PayoutCommand; 2] {
        let at = self.outside.clock.now();
        let approval = DecideOnHost {
            host,
            by: host,
            reason: None,
            at,
        };
        let destination = "acct_host".to_owned();
        [
            PayoutCommand::Approve(approval),
            PayoutCommand::LinkDestination { destination, at },
        ]
    }

    fn room(&self) -> RoomCommand {
        let at = self.outside.clock.now();
        let mut preset = Preset::open();
        preset.fees.earning = self.flow.earning;
        RoomCommand::Schedule(Box::new(ScheduleRoom {
            room_id: self.run.room(),
            host: self.run.host(),
            permit: HostPermit::Sells,
            title: "A talk".to_owned(),
            description: String::new(),
            language: "en".to_owned(),
            starts_at: at + TimeDelta::hours(1),
            planned_minutes: 60,
            price: usd(self.flow.price_minor),
            capacity: self.flow.seats,
            sales_open_at: None,
            sales_close_at: None,
            tickets_per_buyer: 1,
            hold_seconds: 300,
            refund_policy: RefundPolicy::UntilStart,
            no_show_minutes: 15,
            sale: self.sale_options(),
            preset,
            request: Fingerprint::of(ROOM),
            at,
        }))
    }

    fn sale_options(&self) -> SaleOptions {
        let tier = |quota| PriceTier {
            tier: TIER.to_owned(),
            name: "Early".to_owned(),
            price: usd(TIER_PRICE_MINOR),
            quota,
            opens_at: None,
            closes_at: None,
        };
        let code = PromoCode {
            code: self.run.promo_code(),
            label: "friends".to_owned(),
            discount: Discount::Share {
                basis_points: CODE_TAKES_OFF,
            },
            quota: 1,
            per_buyer: 1,
            tier: Some(TIER.to_owned()),
            opens_at: None,
            closes_at: None,
        };
        let quota = self.flow.tier_quota;
        SaleOptions {
            transferable: true,
            tiers: quota.map(tier).into_iter().collect(),
            promo_codes: quota.map(|_| code).into_iter().collect(),
            ..SaleOptions::default()
        }
    }

    fn sharing(&self) -> [RoomCommand; 2] {
        let (run, at) = (self.run, self.outside.clock.now());
        let share = |user, basis_points| Share { user, basis_points };
        let shares = vec![share(run.host(), HOSTS_SHARE), share(run.co_host(), CO_HOSTS_SHARE)];
        [
            RoomCommand::ProposeShares {
                by: run.host(),
                shares,
                at,
            },
            RoomCommand::AgreeToShare {
                user: run.co_host(),
                basis_points: CO_HOSTS_SHARE,
                at,
            },
        ]
    }

    /// What a buyer wishes who takes the tier, perhaps by a code.
    pub(super) fn tier(promo_code: Option<Fingerprint>) -> Option<Box<PriceWish>> {
        let tier = Some(TIER.to_owned());
        PriceWish { tier, promo_code }.boxed()
    }

    pub(super) fn hold(&self, number: u8, channel: Channel, wish: Option<Box<PriceWish>>) -> RoomCommand {
        RoomCommand::HoldSeat(HoldSeat {
            wish,
            ticket_id: self.run.ticket(number),
            buyer: self.run.buyer(number),
            channel,
            options: None,
            rollout: None,
            request: Fingerprint::of(HOLD),
            at: self.outside.clock.now(),
            customer: Customer::NotAsked,
        })
    }

    pub(super) fn join(&self, number: u8) -> RoomCommand {
        RoomCommand::JoinWaitingList(JoinWaitingList {
            user: self.run.buyer(number),
            ticket_id: self.run.ticket(number),
            customer: Customer::NotAsked,
            rollout: None,
            request: Fingerprint::of(JOIN),
            at: self.outside.clock.now(),
        })
    }

    /// What the store says of a purchase.
    pub(super) fn receipt(&self, number: u8) -> String {
        let (ticket, at) = (self.run.ticket(number), self.outside.clock.now());
        let amount = usd(self.flow.price_minor);
        self.outside.store.purchase(ticket, STORE_CHANNEL, amount, at)
    }

    /// That it gave the money back.
    pub(super) fn store_refund(&self, number: u8) -> String {
        let (ticket, at) = (self.run.ticket(number), self.outside.clock.now());
        self.outside.store.refund(ticket, STORE_CHANNEL, at)
    }

    pub(super) fn transfer(&self, ticket: u8, to: u8) -> TicketCommand {
        let (by, to, at) = (self.run.buyer(ticket), self.run.buyer(to), self.outside.clock.now());
        TicketCommand::Transfer { by, to, at }
    }

    pub(super) fn bank_says(&self, number: u8, stage: DisputeStage) {
        let payment = self.run.payment(number);
        let dispute = Dispute {
            dispute_ref: format!("dp_{payment}"),
            payment_ref: format!("pi_{payment}"),
            stage,
            amount: usd(self.flow.price_minor),
            fee: Some(usd(DISPUTE_FEE_MINOR)),
            reason: "fraudulent".to_owned(),
            respond_by: None,
        };
        self.outside.provider.publish(ProviderEventKind::Dispute(dispute));
    }

    pub(super) fn refund(&self, number: u8, minor: Option<i64>) -> TicketCommand {
        let at = self.outside.clock.now();
        TicketCommand::OweRefund(OweRefund {
            refund_id: self.run.refund(number),
            amount: minor.map(usd),
            reason: RefundReason::Requested,
            by: RefundInitiator::Host,
            room_starts_at: at + TimeDelta::hours(1),
            room_has_opened: false,
            request: None,
            at,
        })
    }

    /// What is looked up for it: the seat was held before the room was moved.
    pub(super) fn decline_reschedule(&self, number: u8) -> TicketCommand {
        let at = self.outside.clock.now();
        TicketCommand::DeclineReschedule(DeclineReschedule {
            refund_id: self.run.refund(number),
            by: self.run.buyer(number),
            held_at: at - TimeDelta::hours(1),
            rescheduled_at: at,
            decline_until: at + TimeDelta::hours(1),
            at,
        })
    }

    pub(super) fn reschedule(&self) -> RoomCommand {
        let at = self.outside.clock.now();
        RoomCommand::Reschedule(RescheduleRoom {
            by: Authority::User(self.run.host()),
            starts_at: at + TimeDelta::hours(3),
            planned_minutes: None,
            decline_hours: 1,
            at,
        })
    }

    pub(super) fn cancel(&self) -> RoomCommand {
        let (by, at) = (Authority::Admin, self.outside.clock.now());
        RoomCommand::Cancel { by, at }
    }

    pub(super) fn choose_schedule(&self, schedule: PayoutSchedule) -> PayoutCommand {
        let at = self.outside.clock.now();
        PayoutCommand::ChooseSchedule { schedule, at }
    }

    pub(super) fn suspend(&self) -> PayoutCommand {
        PayoutCommand::Suspend {
            by: self.run.host(),
            reason: "review".parse().unwrap(),
            at: self.outside.clock.now(),
        }
    }

    pub(super) fn reinstate(&self) -> PayoutCommand {
        PayoutCommand::Reinstate {
            by: self.run.host(),
            reason: None,
            at: self.outside.clock.now(),
        }
    }

    pub(super) fn request_payout(&self, payout_id: PayoutId) -> PayoutCommand {
        PayoutCommand::RequestPayout(RequestPayout {
            payout_id,
            currency: Currency::USD,
            amount: None,
            minimum_minor: 1,
            provider: "scripted".to_owned(),
            request: Fingerprint::of(PAYOUT),
            at: self.outside.clock.now(),
        })
    }

    pub(super) fn transfers_fail(&self, do_fail: bool) {
        let failed = || MovementState::Failed {
            reason: "account_closed".to_owned(),
        };
        let state = if do_fail { failed() } else { MovementState::Completed };
        self.outside.provider.set_movements(state);
    }

    pub(super) fn payout_comes_back(&self, minor: i64) {
        self.outside.provider.publish(ProviderEventKind::TransferReturned {
            payout_id: self.run.payout(1),
            amount: usd(minor),
            reason: "no_account".to_owned(),
        });
    }
}
