//! Writes the books.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{AnyEvent, Country, Currency, Money, Timestamp};
use event_log::Recorded;
use sqlx::PgConnection;

use super::evolve::{Account, Amount, LedgerChange, Posting, Side, evolve};
use super::facts::Facts;
use crate::ApplyError;
use crate::convert::bigint;

const LINES: &str = "
    INSERT INTO lines (position, account, currency, amount_minor, event_type, at, debit_minor, credit_minor)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[], $7::bigint[],
        $8::bigint[])";

const TOTALS: &str = "
    INSERT INTO accounts AS total (account, currency, debit_minor, credit_minor)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
    ON CONFLICT (account, currency) DO UPDATE SET
        debit_minor = total.debit_minor + excluded.debit_minor,
        credit_minor = total.credit_minor + excluded.credit_minor
    RETURNING account, currency, debit_minor, credit_minor";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    let mut books = Books {
        facts: Facts::load(page, tables).await?,
        lines: vec![],
        totals: BTreeMap::new(),
    };
    for recorded in page {
        for change in evolve(&recorded.event) {
            books.facts.learn(&change);
            if let LedgerChange::Post(postings) = change {
                books.post(&postings, recorded)?;
            }
        }
    }
    books.facts.write(tables).await?;
    books.write(tables).await?;
    Ok(())
}

/// Debits positive, credits negative, by account and currency.
type Transaction = BTreeMap<(String, Currency), i128>;

/// Debit and credit of an account.
type Total = (i64, i64);

struct Line {
    position: i64,
    account: String,
    currency: &'static str,
    minor: i64,
    event_type: &'static str,
    at: Timestamp,
    /// The account's within the page, up to and with this line.
    page_total: Total,
}

/// What a page books.
struct Books {
    facts: Facts,
    lines: Vec<Line>,
    totals: BTreeMap<(String, &'static str), Total>,
}

impl Books {
    fn post(&mut self, postings: &[Posting], cause: &Recorded) -> Result<(), ApplyError> {
        let missing = |what| ApplyError::MissingFact {
            position: cause.position,
            what,
        };
        let mut transaction = Transaction::new();
        for posting in postings {
            let Some(amount) = self.amount(posting.amount) else {
                continue;
            };
            let account = self.account(posting.account).map_err(missing)?;
            let minor = i128::from(amount.amount_minor());
            *transaction.entry((account, amount.currency())).or_default() += match posting.side {
                Side::Debit => minor,
                Side::Credit => -minor,
            };
        }
        check_balance(&transaction, cause.position)?;
        for ((account, currency), minor) in transaction {
            if minor != 0 {
                let minor = i64::try_from(minor).map_err(|_| missing("amount"))?;
                self.enter(account, currency, minor, cause)
                    .ok_or_else(|| missing("total"))?;
            }
        }
        Ok(())
    }

    /// `None` if a total would overflow.
    fn enter(&mut self, account: String, currency: Currency, minor: i64, cause: &Recorded) -> Option<()> {
        let currency = currency.code();
        let (debit, credit) = self.totals.entry((account.clone(), currency)).or_default();
        *debit = debit.checked_add(minor.max(0))?;
        *credit = credit.checked_add(minor.checked_neg()?.max(0))?;
        let page_total = (*debit, *credit);
        self.lines.push(Line {
            position: bigint(cause.position),
            account,
            currency,
            minor,
            event_type: event_type(&cause.event),
            at: cause.recorded_at,
            page_total,
        });
        Some(())
    }

    /// `None` if there is nothing to move.
    fn amount(&self, amount: Amount) -> Option<Money> {
        match amount {
            Amount::Exactly(money) => Some(money),
            Amount::FirstCapture(ticket) => self.facts.sale(ticket.as_uuid())?.first_capture,
            Amount::TaxOf(ticket) => self.facts.sale(ticket.as_uuid())?.tax.map(|tax| tax.amount),
        }
    }

    /// The account's name, or what is not known of it.
    fn account(&self, account: Account) -> Result<String, &'static str> {
        let cash = |provider: &str| format!("cash:provider:{provider}");
        Ok(match account {
            Account::CashOfPayment(payment) => {
                let provider = self.facts.provider_of_payment(payment.as_uuid());
                cash(provider.ok_or("payment")?)
            }
            Account::CashOfRefund(refund) => {
                let provider = self.facts.provider_of_refund(refund.as_uuid());
                cash(provider.ok_or("refund")?)
            }
            Account::CashOfPayout(payout) => {
                let provider = self.facts.provider_of_payout(payout.as_uuid());
                cash(provider.ok_or("payout")?)
            }
            Account::ClearingCharge => "clearing:charge".to_owned(),
            Account::ClearingRefund => "clearing:refund".to_owned(),
            Account::ClearingPayout => "clearing:payout".to_owned(),
            Account::UnearnedOfTicket(ticket) => {
                let sale = self.facts.sale(ticket.as_uuid()).ok_or("sale")?;
                format!("liability:unearned:{}", sale.room)
            }
            Account::TaxOfTicket(ticket) => {
                let sale = self.facts.sale(ticket.as_uuid()).ok_or("sale")?;
                tax(sale.tax.ok_or("tax")?.country)
            }
            Account::Tax(country) => tax(country),
            Account::Unearned(room) => format!("liability:unearned:{room}"),
            Account::ClearingShare => "clearing:share".to_owned(),
            Account::ClearingDispute => "clearing:dispute".to_owned(),
            Account::HostAvailable(host) => format!("liability:host:{host}:available"),
            Account::HostPending(host) => format!("liability:host:{host}:pending"),
            Account::HostReserve(host) => format!("liability:host:{host}:reserve"),
            Account::HostReceivable(host) => format!("asset:host:{host}:receivable"),
            Account::PlatformFee => "revenue:platform_fee".to_owned(),
            Account::ProviderFee => "expense:provider_fee".to_owned(),
            Account::StoreFee => "expense:store_fee".to_owned(),
            Account::DisputeFee => "expense:dispute_fee".to_owned(),
            Account::DisputeLoss => "loss:dispute".to_owned(),
        })
    }

    async fn write(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let before = self.write_totals(tables).await?;
        let running = |line: &Line| {
            let (debit, credit) = before
                .get(&(line.account.as_str(), line.currency))
                .copied()
                .unwrap_or_default();
            (debit + line.page_total.0, credit + line.page_total.1)
        };
        let lines = self.lines.iter();
        sqlx::query(LINES)
            .bind(lines.clone().map(|line| line.position).collect::<Vec<i64>>())
            .bind(lines.clone().map(|line| line.account.as_str()).collect::<Vec<&str>>())
            .bind(lines.clone().map(|line| line.currency).collect::<Vec<&str>>())
            .bind(lines.clone().map(|line| line.minor).collect::<Vec<i64>>())
            .bind(lines.clone().map(|line| line.event_type).collect::<Vec<&str>>())
            .bind(lines.clone().map(|line| line.at).collect::<Vec<Timestamp>>())
            .bind(lines.clone().map(|line| running(line).0).collect::<Vec<i64>>())
            .bind(lines.map(|line| running(line).1).collect::<Vec<i64>>())
            .execute(tables)
            .await?;
        Ok(())
    }

    /// Adds the page to the accounts, and says where they were before it.
    async fn write_totals(&self, tables: &mut PgConnection) -> Result<BTreeMap<(&str, &str), Total>, sqlx::Error> {
        let (accounts, totals) = (self.totals.keys(), self.totals.values());
        let names: Vec<&str> = accounts.clone().map(|(account, _)| account.as_str()).collect();
        let after: Vec<(String, String, i64, i64)> = sqlx::query_as(TOTALS)
            .bind(names)
            .bind(accounts.map(|(_, currency)| *currency).collect::<Vec<&str>>())
            .bind(totals.clone().map(|(debit, _)| *debit).collect::<Vec<i64>>())
            .bind(totals.map(|(_, credit)| *credit).collect::<Vec<i64>>())
            .fetch_all(tables)
            .await?;
        let after: BTreeMap<(&str, &str), Total> = after
            .iter()
            .map(|(account, currency, debit, credit)| ((account.as_str(), currency.as_str()), (*debit, *credit)))
            .collect();
        let before = self.totals.iter().map(|((account, currency), page)| {
            let key = (account.as_str(), *currency);
            let (debit, credit) = after.get(&key).copied().unwrap_or(*page);
            (key, (debit - page.0, credit - page.1))
        });
        Ok(before.collect())
    }
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

fn tax(country: Country) -> String {
    format!("liability:tax:{country}")
}

const fn event_type(event: &AnyEvent) -> &'static str {
    match event {
        AnyEvent::Room(_, event) => event.name(),
        AnyEvent::Ticket(_, event) => event.name(),
        AnyEvent::Payout(_, event) => event.name(),
        AnyEvent::Shop(_, event) => event.name(),
    }
}
