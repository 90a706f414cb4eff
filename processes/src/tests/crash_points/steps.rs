//! What people, banks, stores and time do in a flow. Who asked the process and got no answer asks once more, with the same ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use domain::room::{Authority, Interruption, InterruptionCause, RoomPhase};
use domain::{Channel, Fingerprint, PayoutCommand, RoomCommand, TicketCommand, UserId};
use event_log::{Clock, ManualClock};
use payments::store::{SandboxStore, parse};

use super::commands::PAY;
use super::flows::{Flow, Step};
use super::life::Process;
use super::postman::Postman;
use super::run::Run;
use crate::BeginPayment;
use crate::people::{NewContact, Subject, erase_person};
use crate::tests::provider::ScriptedProvider;
use crate::tests::world::{heard, metadata};

/// Where what is not bought on the web is bought.
pub(super) const STORE_CHANNEL: Channel = Channel::Ios;

/// What is not the process and does not die with it.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) provider: Arc<ScriptedProvider>,
    pub(super) store: SandboxStore,
    pub(super) postman: Postman,
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
            Step::TransfersFail(do_fail) => self.transfers_fail(do_fail),
            Step::PayoutComesBack(minor) => self.payout_comes_back(minor),
            Step::Schedule => self.schedule(process).await,
            Step::Hold(number) => self.tell_room(process, self.hold(number, Channel::Web, None)).await,
            Step::HoldInTier(number) => {
                let hold = self.hold(number, Channel::Web, Self::tier(None));
                self.tell_room(process, hold).await;
            }
            Step::HoldByCode(number) => {
                let hold = self.hold(number, Channel::Web, Self::tier(Some(run.promo_code())));
                self.tell_room(process, hold).await;
            }
            Step::HoldInStore(number) => self.tell_room(process, self.hold(number, STORE_CHANNEL, None)).await,
            Step::Join(number) => self.tell_room(process, self.join(number)).await,
            Step::Pay { ticket, payment } => self.begin_payment(process, ticket, payment).await,
            Step::BringReceipt(number) => self.bring_receipt(process, number).await,
            Step::StoreTells(number) => Self::store_tells(process, self.receipt(number)).await,
            Step::StoreRefunds(number) => Self::store_tells(process, self.store_refund(number)).await,
            Step::Transfer { ticket, to } => self.tell_ticket(process, ticket, self.transfer(ticket, to)).await,
            Step::Refund(number, minor) => self.tell_ticket(process, number, self.refund(number, minor)).await,
            Step::DeclineReschedule(number) => {
                self.tell_ticket(process, number, self.decline_reschedule(number)).await;
            }
            Step::Reschedule => self.tell_room(process, self.reschedule()).await,
            Step::Cancel => self.tell_room(process, self.cancel()).await,
            Step::Happen { heard_ms } => self.happen(process, heard_ms, 0).await,
            Step::BreakOff { heard_ms, lost_ms } => self.happen(process, heard_ms, lost_ms).await,
            Step::Moderate => {
                let at = outside.clock.now();
                self.tell_room(process, RoomCommand::Moderate { at }).await;
            }
            Step::RequestPayout => self.tell_host(process, self.request_payout(run.payout(1))).await,
            Step::RequestAnotherPayout => self.tell_host(process, self.request_payout(run.payout(2))).await,
            Step::CoHostRequestsPayout => {
                let request = self.request_payout(run.payout(3));
                self.tell_account(process, run.co_host(), request).await;
            }
            Step::ChooseSchedule(schedule) => self.tell_host(process, self.choose_schedule(schedule)).await,
            Step::Suspend => self.tell_host(process, self.suspend()).await,
            Step::Reinstate => self.tell_host(process, self.reinstate()).await,
            Step::Reach(number) => self.reach(process, number).await,
            Step::Erase(number) => self.erase(process, run.buyer(number)).await,
        }
    }

    async fn bring_receipt(&self, process: &Process, number: u8) {
        let statement = parse(self.receipt(number).as_bytes()).unwrap();
        process.processes.record_purchase(statement, metadata()).await.unwrap();
    }

    async fn store_tells(process: &Process, statement: String) {
        let received = process.processes.receive_store_notice(statement.as_bytes());
        received.await.unwrap();
    }

    async fn reach(&self, process: &Process, number: u8) {
        let contact = NewContact {
            email: Some(self.run.mailbox(number).parse().unwrap()),
            ..NewContact::default()
        };
        let (people, buyer) = (&process.deps.people, self.run.buyer(number));
        let mut key = [0; 32];
        key[..16].copy_from_slice(buyer.as_uuid().as_bytes());
        let subject = Subject {
            key,
            own_id: Some(buyer),
            derived_id: buyer,
        };
        assert_eq!(people.user_of(&subject).await.unwrap(), buyer);
        assert!(people.set_contact(buyer, &contact).await.unwrap());
    }

    async fn erase(&self, process: &Process, person: UserId) {
        let at = self.outside.clock.now();
        erase_person(&process.deps, person, person, at, metadata())
            .await
            .unwrap();
    }

    async fn tell_host(&self, process: &Process, command: PayoutCommand) {
        self.tell_account(process, self.run.host(), command).await;
    }

    pub(super) async fn tell_room(&self, process: &Process, command: RoomCommand) {
        let rooms = &process.deps.aggregates.rooms;
        let id = self.run.room().as_uuid();
        rooms.execute(id, command, metadata()).await.unwrap();
    }

    async fn tell_ticket(&self, process: &Process, number: u8, command: TicketCommand) {
        let tickets = &process.deps.aggregates.tickets;
        let id = self.run.ticket(number).as_uuid();
        tickets.execute(id, command, metadata()).await.unwrap();
    }

    pub(super) async fn tell_account(&self, process: &Process, account: UserId, command: PayoutCommand) {
        let payouts = &process.deps.aggregates.payouts;
        payouts.execute(account.as_uuid(), command, metadata()).await.unwrap();
    }

    async fn begin_payment(&self, process: &Process, ticket: u8, payment: u8) {
        let request = BeginPayment {
            room_id: self.run.room(),
            ticket_id: self.run.ticket(ticket),
            buyer: self.run.buyer(ticket),
            payment_id: self.run.payment(payment),
            request: Fingerprint::of(PAY),
            at: self.outside.clock.now(),
            metadata: metadata(),
        };
        process.processes.begin_payment(request).await.unwrap();
    }

    /// The room opens, ends, and its evidence says for how long its host was heard, and that the media server failed for the
    /// rest of the time, if it did.
    async fn happen(&self, process: &Process, heard_ms: u64, lost_ms: i64) {
        let (run, at) = (self.run, self.outside.clock.now());
        let session_id = run.session();
        let by = run.host();
        let end = RoomCommand::End {
            by: Authority::User(by),
            at,
        };
        let lost = Interruption {
            from: at - TimeDelta::milliseconds(lost_ms),
            until: at,
            cause: InterruptionCause::MediaServer,
        };
        let lost = Some(lost).filter(|_| lost_ms > 0).into_iter().collect();
        let delivery = heard(session_id, by, heard_ms, lost, at);
        // What went through before the process died is not asked for again: an ended room does not open.
        let phase = |room: &domain::Room| room.phase();
        let rooms = &process.deps.aggregates.rooms;
        let (phase, _) = rooms.read(run.room().as_uuid(), phase).await.unwrap();
        if !matches!(phase, RoomPhase::Ended | RoomPhase::Voided) {
            self.tell_room(process, RoomCommand::Open { by, session_id, at }).await;
        }
        for command in [end, delivery] {
            self.tell_room(process, command).await;
        }
    }
}
