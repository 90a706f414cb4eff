//! The calls that change something, and the ones that look at one thing.

use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::fake::SECRET_KEY;
use crate::lists;
use crate::state::State;

/// No payment is smaller, in the minor unit of any currency.
const AMOUNT_MIN: i64 = 50;
const THREE_DECIMALS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) key: Option<String>,
}

impl Request {
    /// Who calls as Stripe would not have it is told so.
    pub(crate) fn read(method: Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Self, Answer> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if header("authorization") != Some(&format!("Bearer {SECRET_KEY}")) {
            return Err(Answer::error(
                StatusCode::UNAUTHORIZED,
                "invalid_request_error",
                "api_key_invalid",
            ));
        }
        if header("stripe-version").is_none() {
            return Err(Answer::refused("version_not_pinned"));
        }
        let is_form = header("content-type") == Some("application/x-www-form-urlencoded");
        if method == Method::POST && !is_form {
            return Err(Answer::refused("not_a_form"));
        }
        let encoded = if method == Method::POST {
            body
        } else {
            uri.query().unwrap_or_default().as_bytes()
        };
        Ok(Self {
            fields: form_urlencoded::parse(encoded).into_owned().collect(),
            path: uri.path().to_owned(),
            key: header("idempotency-key").map(str::to_owned),
            method,
        })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str())
    }

    pub(crate) fn fields_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, value)| value.as_str())
    }

    fn amount(&self) -> Result<i64, Answer> {
        let amount: Option<i64> = self.field("amount").and_then(|amount| amount.parse().ok());
        match amount {
            Some(amount) if amount > 0 => Ok(amount),
            _ => Err(Answer::refused("parameter_invalid_integer")),
        }
    }

    fn metadata(&self) -> Value {
        let entries = self.fields.iter().filter_map(|(field, value)| {
            let name = field.strip_prefix("metadata[")?.strip_suffix(']')?;
            Some((name.to_owned(), json!(value)))
        });
        Value::Object(entries.collect::<Map<_, _>>())
    }
}

pub(crate) fn carry_out(state: &mut State, request: &Request) -> Answer {
    if request.method == Method::GET {
        return lists::look(state, request).unwrap_or_else(|refusal| refusal);
    }
    if let Some(saved) = state.recall(request) {
        return saved;
    }
    let parts: Vec<&str> = request.path.trim_start_matches("/v1/").split('/').collect();
    let result = match parts.as_slice() {
        ["payment_intents"] => create_intent(state, request),
        ["payment_intents", id, "cancel"] => cancel_intent(state, id),
        ["refunds"] => create_refund(state, request),
        ["transfers"] => create_transfer(state, request),
        ["accounts"] => Ok(create_account(state, request)),
        ["account_links"] => Ok(json!({ "object": "account_link", "url": "https://connect.example.org/onboarding" })),
        _ => Err(Answer::missing()),
    };
    let answer = result.map_or_else(|refusal| refusal, |object| Answer::ok(&object));
    // What fails validation is not remembered.
    if answer.status.is_success() {
        state.remember(request, &answer);
    }
    answer
}

fn create_intent(state: &mut State, request: &Request) -> Result<Value, Answer> {
    let amount = request.amount()?;
    let currency = request
        .field("currency")
        .ok_or_else(|| Answer::refused("parameter_missing"))?;
    if amount < AMOUNT_MIN {
        return Err(Answer::refused("amount_too_small"));
    }
    if THREE_DECIMALS.contains(&currency) && amount % 10 != 0 {
        return Err(Answer::refused("parameter_invalid_integer"));
    }
    let id = state.new_id("pi");
    let intent = json!({
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": 0,
        "currency": currency,
        "client_secret": format!("{id}_secret_of_the_fake"),
        "status": "requires_payment_method",
        "created": state.now,
        "metadata": request.metadata(),
        "last_payment_error": null,
        "latest_charge": null,
        "a_field_of_tomorrow": "ignored",
    });
    state.intents.push(intent.clone());
    state.publish("payment_intent.created", &intent);
    Ok(intent)
}

fn cancel_intent(state: &mut State, id: &str) -> Result<Value, Answer> {
    let intent = state.intent_mut(id).ok_or_else(Answer::missing)?;
    if matches!(intent["status"].as_str(), Some("succeeded" | "canceled" | "processing")) {
        return Err(Answer::refused("payment_intent_unexpected_state"));
    }
    intent["status"] = json!("canceled");
    let intent = intent.clone();
    state.publish("payment_intent.canceled", &intent);
    Ok(intent)
}

fn create_refund(state: &mut State, request: &Request) -> Result<Value, Answer> {
    let amount = request.amount()?;
    let of = request
        .field("payment_intent")
        .ok_or_else(|| Answer::refused("parameter_missing"))?;
    let intent = state.intent(of).ok_or_else(Answer::missing)?.clone();
    if intent["status"] != "succeeded" {
        return Err(Answer::refused("payment_intent_unexpected_state"));
    }
    let left = intent["amount_received"].as_i64().unwrap_or_default() - state.refunded(of);
    if left == 0 {
        return Err(Answer::refused("charge_already_refunded"));
    }
    if amount > left {
        return Err(Answer::refused("amount_too_large"));
    }
    let status = if state.refunds_wait { "pending" } else { "succeeded" };
    let refund = json!({
        "id": state.new_id("re"),
        "object": "refund",
        "amount": amount,
        "currency": intent["currency"],
        "payment_intent": of,
        "status": status,
        "metadata": request.metadata(),
    });
    state.refunds.push(refund.clone());
    if !state.refunds_wait {
        state.enter("refund", (-amount, 0), &refund["currency"], &refund);
    }
    state.publish("refund.created", &refund);
    Ok(refund)
}

fn create_transfer(state: &mut State, request: &Request) -> Result<Value, Answer> {
    let amount = request.amount()?;
    let currency = request
        .field("currency")
        .ok_or_else(|| Answer::refused("parameter_missing"))?;
    let destination = request.field("destination").unwrap_or_default();
    let account = state.accounts.iter().find(|account| account["id"] == destination);
    let account = account.ok_or_else(Answer::missing)?;
    if account["capabilities"]["transfers"] != "active" {
        return Err(Answer::refused("insufficient_capabilities_for_transfer"));
    }
    if state.balance(currency) < amount {
        return Err(Answer::refused("balance_insufficient"));
    }
    let transfer = json!({
        "id": state.new_id("tr"),
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "currency": currency,
        "destination": destination,
        "transfer_group": request.field("transfer_group"),
        "metadata": request.metadata(),
    });
    state.transfers.push(transfer.clone());
    state.enter("transfer", (-amount, 0), &transfer["currency"], &transfer);
    state.publish("transfer.created", &transfer);
    Ok(transfer)
}

fn create_account(state: &mut State, request: &Request) -> Value {
    let account = json!({
        "id": state.new_id("acct"),
        "object": "account",
        "capabilities": { "transfers": "inactive" },
        "details_submitted": false,
        "payouts_enabled": false,
        "metadata": request.metadata(),
    });
    state.accounts.push(account.clone());
    account
}
