//! Writes the books.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{AnyEvent, Currency, Money, PaymentId, PayoutId, RefundId, TicketId};
use event_log::Recorded;
use sqlx::PgConnection;

use super::evolve::{Account, Amount, LedgerChange, Posting, Side, evolve};
use crate::ApplyError;
use crate::convert::{bigint, text};

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    for recorded in page {
        for change in evolve(recorded) {
            execute(change, recorded, tables).await?;
        }
    }
    Ok(())
}

async fn execute(change: LedgerChange<'_>, cause: &Recorded, tables: &mut PgConnection) -> Result<(), ApplyError> {
    match change {
        LedgerChange::KnowSale { ticket, room } => {
            sqlx::query("INSERT INTO sales (ticket_id, room_id) VALUES ($1, $2)")
                .bind(ticket.as_uuid())
                .bind(room.as_uuid())
                .execute(tables)
                .await?;
        }
        LedgerChange::KnowPayment {
            payment,
            ticket,
            provider,
        } => {
            sqlx::query("INSERT INTO payments (payment_id, ticket_id, provider) VALUES ($1, $2, $3)")
                .bind(payment.as_uuid())
                .bind(ticket.as_uuid())
                .bind(text(provider))
                .execute(tables)
                .await?;
        }
        LedgerChange::KnowCapture { payment, amount } => {
            let update = "
                UPDATE payments SET captured_minor = $2, currency = $3, captured_position = $4 WHERE payment_id = $1";
            sqlx::query(update)
                .bind(payment.as_uuid())
                .bind(amount.amount_minor())
                .bind(amount.currency().code())
                .bind(bigint(cause.position))
                .execute(tables)
                .await?;
        }
        LedgerChange::KnowRefund { refund, payment } => {
            sqlx::query("INSERT INTO refunds (refund_id, payment_id) VALUES ($1, $2)")
                .bind(refund.as_uuid())
                .bind(payment.as_uuid())
                .execute(tables)
                .await?;
        }
        LedgerChange::KnowPayout { payout, provider } => {
            sqlx::query("INSERT INTO payouts (payout_id, provider) VALUES ($1, $2)")
                .bind(payout.as_uuid())
                .bind(text(provider))
                .execute(tables)
                .await?;
        }
        LedgerChange::Post(postings) => post(&postings, cause, tables).await?,
    }
    Ok(())
}

/// Debits positive, credits negative, by account and currency.
type Transaction = BTreeMap<(String, Currency), i128>;

async fn post(postings: &[Posting], cause: &Recorded, tables: &mut PgConnection) -> Result<(), ApplyError> {
    let mut books = Books { cause, tables };
    let mut transaction = Transaction::new();
    for posting in postings {
        let Some(amount) = books.amount(posting.amount).await? else {
            continue;
        };
        let account = books.account(posting.account).await?;
        let minor = i128::from(amount.amount_minor());
        *transaction.entry((account, amount.currency())).or_default() += match posting.side {
            Side::Debit => minor,
            Side::Credit => -minor,
        };
    }
    check_balance(&transaction, cause.position)?;
    for ((account, currency), minor) in &transaction {
        if *minor != 0 {
            books.write(account, *currency, *minor).await?;
        }
    }
    Ok(())
}

fn check_balance(transaction: &Transaction, position: u64) -> Result<(), ApplyError> {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for ((_, currency), minor) in transaction {
        *sums.entry(*currency).or_default() += minor;
    }
    match sums.into_iter().find(|(_, sum)| *sum != 0) {
        None => Ok(()),
        Some((currency, imbalance_minor)) => Err(ApplyError::Unbalanced {
            position,
            currency,
            imbalance_minor,
        }),
    }
}

/// The tables, while one event is being booked.
struct Books<'a> {
    cause: &'a Recorded,
    tables: &'a mut PgConnection,
}

impl Books<'_> {
    /// `None` if there is nothing to move.
    async fn amount(&mut self, amount: Amount) -> Result<Option<Money>, ApplyError> {
        match amount {
            Amount::Exactly(money) => Ok(Some(money)),
            Amount::FirstCapture(ticket) => self.first_capture(ticket).await,
        }
    }

    async fn account(&mut self, account: Account) -> Result<String, ApplyError> {
        Ok(match account {
            Account::CashOfPayment(payment) => format!("cash:provider:{}", self.provider_of_payment(payment).await?),
            Account::CashOfRefund(refund) => format!("cash:provider:{}", self.provider_of_refund(refund).await?),
            Account::CashOfPayout(payout) => format!("cash:provider:{}", self.provider_of_payout(payout).await?),
            Account::ClearingCharge => "clearing:charge".to_owned(),
            Account::ClearingRefund => "clearing:refund".to_owned(),
            Account::ClearingPayout => "clearing:payout".to_owned(),
            Account::UnearnedOfTicket(ticket) => format!("liability:unearned:{}", self.room_of(ticket).await?),
            Account::Unearned(room) => format!("liability:unearned:{room}"),
            Account::HostAvailable(host) => format!("liability:host:{host}:available"),
            Account::PlatformFee => "revenue:platform_fee".to_owned(),
            Account::ProviderFee => "expense:provider_fee".to_owned(),
        })
    }

    async fn first_capture(&mut self, ticket: TicketId) -> Result<Option<Money>, ApplyError> {
        let select = "
            SELECT captured_minor, currency FROM payments
            WHERE ticket_id = $1 AND captured_position IS NOT NULL
            ORDER BY captured_position LIMIT 1";
        let captured: Option<(i64, String)> = sqlx::query_as(select)
            .bind(ticket.as_uuid())
            .fetch_optional(&mut *self.tables)
            .await?;
        let Some((minor, code)) = captured else {
            return Ok(None);
        };
        let currency = code.parse().map_err(|_| self.missing("currency"))?;
        Ok(Some(Money::new(minor, currency)))
    }

    async fn provider_of_payment(&mut self, payment: PaymentId) -> Result<String, ApplyError> {
        let provider: Option<String> = sqlx::query_scalar("SELECT provider FROM payments WHERE payment_id = $1")
            .bind(payment.as_uuid())
            .fetch_optional(&mut *self.tables)
            .await?;
        provider.ok_or_else(|| self.missing("payment"))
    }

    async fn provider_of_refund(&mut self, refund: RefundId) -> Result<String, ApplyError> {
        let select = "SELECT provider FROM refunds JOIN payments USING (payment_id) WHERE refund_id = $1";
        let provider: Option<String> = sqlx::query_scalar(select)
            .bind(refund.as_uuid())
            .fetch_optional(&mut *self.tables)
            .await?;
        provider.ok_or_else(|| self.missing("refund"))
    }

    async fn provider_of_payout(&mut self, payout: PayoutId) -> Result<String, ApplyError> {
        let provider: Option<String> = sqlx::query_scalar("SELECT provider FROM payouts WHERE payout_id = $1")
            .bind(payout.as_uuid())
            .fetch_optional(&mut *self.tables)
            .await?;
        provider.ok_or_else(|| self.missing("payout"))
    }

    async fn room_of(&mut self, ticket: TicketId) -> Result<uuid::Uuid, ApplyError> {
        let room: Option<uuid::Uuid> = sqlx::query_scalar("SELECT room_id FROM sales WHERE ticket_id = $1")
            .bind(ticket.as_uuid())
            .fetch_optional(&mut *self.tables)
            .await?;
        room.ok_or_else(|| self.missing("sale"))
    }

    async fn write(&mut self, account: &str, currency: Currency, minor: i128) -> Result<(), ApplyError> {
        let minor = i64::try_from(minor).map_err(|_| self.missing("amount"))?;
        let statement = "
            WITH line AS (
                INSERT INTO lines (position, account, currency, amount_minor, event_type, at)
                VALUES ($1, $2, $3, $4, $5, $6)
            )
            INSERT INTO accounts AS total (account, currency, debit_minor, credit_minor)
            VALUES ($2, $3, greatest($4, 0), greatest(-$4, 0))
            ON CONFLICT (account, currency) DO UPDATE SET
                debit_minor = total.debit_minor + excluded.debit_minor,
                credit_minor = total.credit_minor + excluded.credit_minor";
        sqlx::query(statement)
            .bind(bigint(self.cause.position))
            .bind(account)
            .bind(currency.code())
            .bind(minor)
            .bind(event_type(&self.cause.event))
            .bind(self.cause.recorded_at)
            .execute(&mut *self.tables)
            .await?;
        Ok(())
    }

    fn missing(&self, what: &'static str) -> ApplyError {
        ApplyError::MissingFact {
            position: self.cause.position,
            what,
        }
    }
}

const fn event_type(event: &AnyEvent) -> &'static str {
    match event {
        AnyEvent::Room(_, event) => event.name(),
        AnyEvent::Ticket(_, event) => event.name(),
        AnyEvent::Payout(_, event) => event.name(),
    }
}
