//! What people, banks and time do in a flow. Who asked the process and got no answer asks once more, with the same ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use domain::payout::{DecideOnHost, HostPermit, RequestPayout};
use domain::room::{Authority, HoldSeat, JoinWaitingList, RecordDelivery, SaleOptions, ScheduleRoom};
use domain::ticket::{OweRefund, RefundInitiator, RefundReason};
use domain::{
    Channel, Currency, Customer, Fingerprint, PaymentId, PayoutCommand, PayoutId, Preset, RefundId, RefundPolicy,
    RoomCommand, RoomId, SessionId, TicketCommand, TicketId, UserId,
};
use event_log::{Clock, ManualClock};
use payments::{Dispute, DisputeStage, ProviderEventKind};
use uuid::Uuid;

use super::flows::{Flow, Step};
use super::life::Process;
use crate::BeginPayment;
use crate::tests::provider::ScriptedProvider;
use crate::tests::world::{metadata, usd};

const DISPUTE_FEE_MINOR: i64 = 1_500;

/// One run of a flow: its own host, room and people in the same log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) number: u16,
}

/// What an id is of, by its first digits.
pub(super) const KINDS: [&str; 7] = ["user", "room", "ticket", "payment", "payout", "session", "refund"];

impl Run {
    fn id(self, kind: &str, number: u8) -> Uuid {
        let kind = KINDS.iter().position(|known| *known == kind).expect("a kind");
        let kind = u128::try_from(kind + 1).expect("few");
        Uuid::from_u128(kind << 120 | u128::from(self.number) << 32 | u128::from(number))
    }

    /// What an id of this run is called.
    pub(super) fn name(self, id: Uuid) -> Option<String> {
        let bits = id.as_u128();
        let kind = KINDS.get(usize::try_from(bits >> 120).ok()?.checked_sub(1)?)?;
        let number = u8::try_from(bits & 0xff).ok()?;
        (self.id(kind, number) == id).then(|| format!("{kind} {number}"))
    }

    pub(super) fn host(self) -> UserId {
        UserId::from_uuid(self.id("user", 0))
    }

    fn buyer(self, number: u8) -> UserId {
        UserId::from_uuid(self.id("user", number))
    }

    pub(super) fn room(self) -> RoomId {
        RoomId::from_uuid(self.id("room", 1))
    }

    pub(super) fn ticket(self, number: u8) -> TicketId {
        TicketId::from_uuid(self.id("ticket", number))
    }

    pub(super) fn payment(self, number: u8) -> PaymentId {
        PaymentId::from_uuid(self.id("payment", number))
    }

    fn payout(self) -> PayoutId {
        PayoutId::from_uuid(self.id("payout", 1))
    }

    fn session(self) -> SessionId {
        SessionId::from_uuid(self.id("session", 1))
    }
}

/// What is not the process and does not die with it.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) provider: Arc<ScriptedProvider>,
    pub(super) clock: ManualClock,
    /// Events whose webhook was answered, or will never come.
    pub(super) webhooks_done: Arc<AtomicUsize>,
}

impl Outside {
    async fn send_webhooks(&self, process: &Process) {
        for body in self.provider.bodies_after(self.webhooks_done.load(Ordering::SeqCst)) {
            process.processes.receive_webhook(&body).await.unwrap();
            self.webhooks_done.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn lose_webhooks(&self) {
        let all = self.provider.bodies_after(0).len();
        self.webhooks_done.store(all, Ordering::SeqCst);
    }
}

/// A flow, on its way.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) flow: &'static Flow,
    pub(super) run: Run,
    pub(super) outside: Outside,
}

impl Scene {
    pub(super) async fn perform(&self, process: &Process, step: Step) {
        let (run, outside) = (self.run, &self.outside);
        match step {
            Step::Rest => process.rest().await,
            Step::Later(seconds) => outside.clock.advance(Duration::from_secs(seconds)),
            Step::Webhooks => outside.send_webhooks(process).await,
            Step::LoseWebhooks => outside.lose_webhooks(),
            Step::CardPays(payment) => drop(outside.provider.capture(run.payment(payment))),
            Step::CardDeclines(payment) => drop(outside.provider.decline(run.payment(payment))),
            Step::BankSays(number, stage) => self.bank_says(number, stage),
            Step::Schedule => self.schedule(process).await,
            Step::Hold(number) => self.tell_room(process, self.hold(number)).await,
            Step::Join(number) => self.tell_room(process, self.join(number)).await,
            Step::Pay { ticket, payment } => self.begin_payment(process, ticket, payment).await,
            Step::Transfer { ticket, to } => {
                let (by, to, at) = (run.buyer(ticket), run.buyer(to), outside.clock.now());
                self.tell_ticket(process, ticket, TicketCommand::Transfer { by, to, at })
                    .await;
            }
            Step::Refund(number, minor) => {
                let owe = TicketCommand::OweRefund(self.refund(number, minor));
                self.tell_ticket(process, number, owe).await;
            }
            Step::Cancel => {
                let (by, at) = (Authority::Admin, outside.clock.now());
                self.tell_room(process, RoomCommand::Cancel { by, at }).await;
            }
            Step::Happen { heard_ms } => self.happen(process, heard_ms).await,
            Step::RequestPayout => self.tell_account(process, self.request_payout()).await,
        }
    }

    async fn tell_room(&self, process: &Process, command: RoomCommand) {
        let rooms = &process.deps.aggregates.rooms;
        let id = self.run.room().as_uuid();
        rooms.execute(id, command, metadata()).await.unwrap();
    }

    async fn tell_ticket(&self, process: &Process, number: u8, command: TicketCommand) {
        let tickets = &process.deps.aggregates.tickets;
        let id = self.run.ticket(number).as_uuid();
        tickets.execute(id, command, metadata()).await.unwrap();
    }

    async fn tell_account(&self, process: &Process, command: PayoutCommand) {
        let payouts = &process.deps.aggregates.payouts;
        payouts
            .execute(self.run.host().as_uuid(), command, metadata())
            .await
            .unwrap();
    }

    async fn schedule(&self, process: &Process) {
        let (at, host) = (self.outside.clock.now(), self.run.host());
        let approval = DecideOnHost {
            host,
            by: host,
            reason: None,
            at,
        };
        self.tell_account(process, PayoutCommand::Approve(approval)).await;
        let destination = "acct_host".to_owned();
        self.tell_account(process, PayoutCommand::LinkDestination { destination, at })
            .await;
        let schedule = ScheduleRoom {
            room_id: self.run.room(),
            host,
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
            sale: SaleOptions {
                transferable: true,
                ..SaleOptions::default()
            },
            preset: Preset::open(),
            request: Fingerprint::of(b"room"),
            at,
        };
        self.tell_room(process, RoomCommand::Schedule(Box::new(schedule))).await;
    }

    fn hold(&self, number: u8) -> RoomCommand {
        RoomCommand::HoldSeat(HoldSeat {
            wish: None,
            ticket_id: self.run.ticket(number),
            buyer: self.run.buyer(number),
            channel: Channel::Web,
            options: None,
            rollout: None,
            request: Fingerprint::of(b"hold"),
            at: self.outside.clock.now(),
            customer: Customer::NotAsked,
        })
    }

    fn join(&self, number: u8) -> RoomCommand {
        RoomCommand::JoinWaitingList(JoinWaitingList {
            user: self.run.buyer(number),
            ticket_id: self.run.ticket(number),
            customer: Customer::NotAsked,
            rollout: None,
            request: Fingerprint::of(b"join"),
            at: self.outside.clock.now(),
        })
    }

    async fn begin_payment(&self, process: &Process, ticket: u8, payment: u8) {
        let request = BeginPayment {
            room_id: self.run.room(),
            ticket_id: self.run.ticket(ticket),
            buyer: self.run.buyer(ticket),
            payment_id: self.run.payment(payment),
            request: Fingerprint::of(b"pay"),
            at: self.outside.clock.now(),
            metadata: metadata(),
        };
        process.processes.begin_payment(request).await.unwrap();
    }

    fn bank_says(&self, number: u8, stage: DisputeStage) {
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

    fn refund(&self, number: u8, minor: Option<i64>) -> OweRefund {
        let at = self.outside.clock.now();
        OweRefund {
            refund_id: RefundId::from_uuid(self.run.id("refund", number)),
            amount: minor.map(usd),
            reason: RefundReason::Requested,
            by: RefundInitiator::Host,
            room_starts_at: at + TimeDelta::hours(1),
            room_has_opened: false,
            request: None,
            at,
        }
    }

    /// The room opens, ends, and its evidence says for how long its host was heard.
    async fn happen(&self, process: &Process, heard_ms: u64) {
        let (run, at) = (self.run, self.outside.clock.now());
        let session_id = run.session();
        let by = run.host();
        let end = RoomCommand::End {
            by: Authority::User(by),
            at,
        };
        let delivery = RoomCommand::RecordDelivery(RecordDelivery {
            session_id,
            host_heard_ms: heard_ms,
            listeners_present: 1,
            intervals: vec![],
            at,
        });
        // What went through before the process died is not asked for again: an ended room does not open.
        let phase = |room: &domain::Room| room.phase();
        let rooms = &process.deps.aggregates.rooms;
        let (phase, _) = rooms.read(run.room().as_uuid(), phase).await.unwrap();
        if phase != domain::room::RoomPhase::Ended {
            self.tell_room(process, RoomCommand::Open { by, session_id, at }).await;
        }
        for command in [end, delivery] {
            self.tell_room(process, command).await;
        }
    }

    fn request_payout(&self) -> PayoutCommand {
        PayoutCommand::RequestPayout(RequestPayout {
            payout_id: self.run.payout(),
            currency: Currency::USD,
            amount: None,
            minimum_minor: 1,
            provider: "scripted".to_owned(),
            request: Fingerprint::of(b"payout"),
            at: self.outside.clock.now(),
        })
    }
}
