//! A payment provider that does what a test says.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::{Money, PaymentId, RefundId, TicketId, Timestamp};
use payments::{
    CancelIntent, CreateIntent, CreateRefund, CreateTransfer, EventPage, FoundPayment, Intent, IntentState, Movement,
    MovementState, OpenAccount, PaymentNames, PaymentProvider, PayoutAccount, ProviderError, ProviderEvent,
    ProviderEventKind, StatementPage, WebhookError,
};
use uuid::Uuid;

/// The fee of each capture, in minor units.
pub(super) const FEE_MINOR: i64 = 59;

#[derive(Debug)]
pub(super) struct ScriptedProvider {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Times in the events start here and go on by a millisecond each.
    began_at: Timestamp,
    is_down: bool,
    refuses: Option<&'static str>,
    movements_are: MovementState,
    intents: HashMap<PaymentId, StoredIntent>,
    movements: HashMap<Uuid, Movement>,
    /// Money that was asked to move, each time once: a line of the provider's own books.
    moved: Vec<String>,
    refunds: Vec<RefundId>,
    cancels: usize,
    events: Vec<ProviderEvent>,
}

#[derive(Clone, Debug)]
struct StoredIntent {
    ticket: TicketId,
    amount: Money,
    state: IntentState,
}

impl ScriptedProvider {
    pub(super) fn new(began_at: Timestamp) -> Self {
        let state = State {
            began_at,
            is_down: false,
            refuses: None,
            movements_are: MovementState::Completed,
            intents: HashMap::new(),
            movements: HashMap::new(),
            moved: vec![],
            refunds: vec![],
            cancels: 0,
            events: vec![],
        };
        Self {
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// From now on it says no to whatever moves money.
    pub(super) fn set_refuses(&self, code: Option<&'static str>) {
        self.state().refuses = code;
    }

    pub(super) fn set_movements(&self, state: MovementState) {
        self.state().movements_are = state;
    }

    /// The buyer pays: the webhook's body. The event is in the list from now on.
    pub(super) fn capture(&self, payment: PaymentId) -> Vec<u8> {
        let amount = self.state().intents[&payment].amount;
        self.capture_amount(payment, amount)
    }

    pub(super) fn capture_amount(&self, payment: PaymentId, amount: Money) -> Vec<u8> {
        let fee = Money::new(FEE_MINOR, amount.currency());
        let mut state = self.state();
        let intent = state.intents.get_mut(&payment).unwrap();
        intent.state = IntentState::Captured { fee };
        let ticket_id = intent.ticket;
        state.publish(ProviderEventKind::PaymentCaptured {
            payment_id: payment,
            ticket_id,
            provider_ref: provider_ref(payment),
            amount,
            fee: Some(fee),
        })
    }

    pub(super) fn decline(&self, payment: PaymentId) -> Vec<u8> {
        let mut state = self.state();
        let intent = state.intents.get_mut(&payment).unwrap();
        let reason = "insufficient_funds".to_owned();
        intent.state = IntentState::Declined { reason: reason.clone() };
        let ticket_id = intent.ticket;
        state.publish(ProviderEventKind::PaymentDeclined {
            payment_id: payment,
            ticket_id,
            reason,
        })
    }

    pub(super) fn publish(&self, kind: ProviderEventKind) -> Vec<u8> {
        self.state().publish(kind)
    }

    pub(super) fn intent_state(&self, payment: PaymentId) -> Option<IntentState> {
        self.state().intents.get(&payment).map(|intent| intent.state.clone())
    }

    /// Refunds that really left, each once however often it was asked for.
    pub(super) fn refunds(&self) -> Vec<RefundId> {
        self.state().refunds.clone()
    }

    /// The bodies of webhooks after the first so many.
    pub(super) fn bodies_after(&self, count: usize) -> Vec<Vec<u8>> {
        let state = self.state();
        let events = state.events.iter().skip(count);
        events.map(|event| event.id.clone().into_bytes()).collect()
    }

    /// Its own books: every intent as it is, and every movement of money.
    pub(super) fn books(&self) -> Vec<String> {
        let state = self.state();
        let intents = state.intents.iter();
        let intents = intents.map(|(payment, intent)| format!("{payment}: {:?} of {}", intent.state, intent.amount));
        intents.chain(state.moved.iter().cloned()).collect()
    }

    /// How often it was asked to call a payment off.
    pub(super) fn cancel_count(&self) -> usize {
        self.state().cancels
    }

    pub(super) fn movement_count(&self) -> usize {
        self.state().movements.len()
    }
}

impl State {
    fn publish(&mut self, kind: ProviderEventKind) -> Vec<u8> {
        let number = self.events.len();
        let event = ProviderEvent {
            id: format!("evt_{number}"),
            created_at: self.began_at + TimeDelta::milliseconds(i64::try_from(number).unwrap()),
            kind,
        };
        let body = event.id.clone().into_bytes();
        self.events.push(event);
        body
    }

    fn require_up(&self) -> Result<(), ProviderError> {
        if self.is_down {
            return Err(ProviderError::Unavailable("down, says the script".into()));
        }
        match self.refuses {
            Some(code) => Err(ProviderError::Refused { code: code.to_owned() }),
            None => Ok(()),
        }
    }

    fn move_money(&mut self, id: Uuid, what: String) -> Movement {
        if !self.movements.contains_key(&id) {
            self.moved.push(what);
        }
        let movement = Movement {
            provider_ref: format!("mv_{id}"),
            state: self.movements_are.clone(),
        };
        self.movements.entry(id).or_insert(movement).clone()
    }
}

fn provider_ref(payment: PaymentId) -> String {
    format!("pi_{payment}")
}

fn intent(payment: PaymentId, state: IntentState) -> Intent {
    Intent {
        provider_ref: provider_ref(payment),
        client_secret: format!("secret_{payment}"),
        state,
    }
}

#[async_trait]
impl PaymentProvider for ScriptedProvider {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn create_intent(&self, request: CreateIntent) -> Result<Intent, ProviderError> {
        let mut state = self.state();
        state.require_up()?;
        let new = StoredIntent {
            ticket: request.ticket_id,
            amount: request.amount,
            state: IntentState::Pending,
        };
        let stored = state.intents.entry(request.payment_id).or_insert(new);
        Ok(intent(request.payment_id, stored.state.clone()))
    }

    async fn cancel_intent(&self, request: CancelIntent) -> Result<Intent, ProviderError> {
        let payment_id = request.payment_id;
        let mut state = self.state();
        state.require_up()?;
        state.cancels += 1;
        let Some(stored) = state.intents.get_mut(&payment_id) else {
            let code = "no_such_intent".to_owned();
            return Err(ProviderError::Refused { code });
        };
        if stored.state == IntentState::Pending {
            stored.state = IntentState::Cancelled;
        }
        Ok(intent(payment_id, stored.state.clone()))
    }

    async fn find_payment(&self, provider_ref: &str) -> Result<FoundPayment, ProviderError> {
        let state = self.state();
        state.require_up()?;
        let found = state
            .intents
            .iter()
            .find(|(payment, _)| self::provider_ref(**payment) == provider_ref);
        let (payment, stored) = found.ok_or_else(|| ProviderError::Refused {
            code: "no_such_intent".to_owned(),
        })?;
        Ok(FoundPayment {
            names: Some(PaymentNames {
                payment_id: *payment,
                ticket_id: stored.ticket,
            }),
            intent: intent(*payment, stored.state.clone()),
        })
    }

    async fn refund(&self, request: CreateRefund) -> Result<Movement, ProviderError> {
        let mut state = self.state();
        state.require_up()?;
        assert_eq!(request.payment_ref, provider_ref(request.payment_id));
        if !state.refunds.contains(&request.refund_id) {
            state.refunds.push(request.refund_id);
        }
        let what = format!("refund of {}: {}", request.payment_id, request.amount);
        Ok(state.move_money(request.refund_id.as_uuid(), what))
    }

    async fn has_refund_failed(&self, _payment_ref: &str, _refund_id: RefundId) -> Result<bool, ProviderError> {
        self.state().require_up()?;
        Ok(true)
    }

    async fn create_transfer(&self, request: CreateTransfer) -> Result<Movement, ProviderError> {
        let mut state = self.state();
        state.require_up()?;
        let what = format!("transfer {}: {}", request.payout_id, request.amount);
        Ok(state.move_money(request.payout_id.as_uuid(), what))
    }

    async fn open_account(&self, _request: OpenAccount) -> Result<PayoutAccount, ProviderError> {
        self.state().require_up()?;
        Ok(PayoutAccount {
            destination: "acct_host".to_owned(),
            onboarding_url: None,
            is_ready: true,
        })
    }

    async fn list_events(&self, after: Option<&str>, limit: u32) -> Result<EventPage, ProviderError> {
        let state = self.state();
        state.require_up()?;
        let start = after.map_or(0, |cursor| cursor.parse().unwrap());
        let end = state.events.len().min(start + limit as usize);
        let events = state.events[start..end].to_vec();
        let next = (!events.is_empty()).then(|| end.to_string());
        Ok(EventPage { events, next })
    }

    async fn list_statement(&self, _after: Option<&str>, _limit: u32) -> Result<StatementPage, ProviderError> {
        self.state().require_up()?;
        Ok(StatementPage {
            lines: vec![],
            next: None,
        })
    }

    fn verify_webhook(&self, _signature: &str, _body: &[u8], _now: Timestamp) -> Result<(), WebhookError> {
        Ok(())
    }

    /// The body is the event's id.
    fn parse_webhook(&self, body: &[u8]) -> Result<ProviderEvent, WebhookError> {
        let id = String::from_utf8_lossy(body);
        let state = self.state();
        let event = state.events.iter().find(|event| event.id == id);
        event
            .cloned()
            .ok_or_else(|| WebhookError::Unreadable(format!("no event {id}")))
    }

    fn signature_header(&self) -> &'static str {
        "scripted-signature"
    }
}
