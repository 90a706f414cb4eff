//! What earlier events left behind for later postings, as far as a page needs it.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::{Money, TaxPart};
use event_log::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::evolve::{Account, Amount, LedgerChange, evolve};
use crate::ApplyError;
use crate::convert::text;

const SALES: &str = "
    SELECT ticket_id, room_id, captured_minor, currency, tax_minor, tax_currency, tax_country
    FROM sales WHERE ticket_id = ANY($1)";
const PAYMENTS: &str = "SELECT payment_id, provider FROM payments WHERE payment_id = ANY($1)";
const REFUNDS: &str = "SELECT refund_id, payment_id FROM refunds WHERE refund_id = ANY($1)";
const PAYOUTS: &str = "SELECT payout_id, provider FROM payouts WHERE payout_id = ANY($1)";

const NEW_SALES: &str = "
    INSERT INTO sales (ticket_id, room_id, captured_minor, currency, tax_minor, tax_currency, tax_country)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[])";
const CAPTURED_SALES: &str = "
    UPDATE sales SET captured_minor = new.captured_minor, currency = new.currency
    FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS new (ticket_id, captured_minor, currency)
    WHERE sales.ticket_id = new.ticket_id";
const NEW_PAYMENTS: &str = "INSERT INTO payments (payment_id, provider) SELECT * FROM unnest($1::uuid[], $2::text[])";
const NEW_REFUNDS: &str = "INSERT INTO refunds (refund_id, payment_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])";
const NEW_PAYOUTS: &str = "INSERT INTO payouts (payout_id, provider) SELECT * FROM unnest($1::uuid[], $2::text[])";

/// A fact, and whether the page brought it or stored it before.
struct Fact<T> {
    value: T,
    is_new: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Sale {
    pub(super) room: Uuid,
    pub(super) first_capture: Option<Money>,
    /// What of it is tax.
    pub(super) tax: Option<TaxPart>,
    is_captured_here: bool,
}

#[derive(sqlx::FromRow)]
struct SaleRecord {
    ticket_id: Uuid,
    room_id: Uuid,
    captured_minor: Option<i64>,
    currency: Option<String>,
    tax_minor: Option<i64>,
    tax_currency: Option<String>,
    tax_country: Option<String>,
}

#[derive(Default)]
pub(super) struct Facts {
    sales: HashMap<Uuid, Fact<Sale>>,
    payments: HashMap<Uuid, Fact<String>>,
    refunds: HashMap<Uuid, Fact<Uuid>>,
    payouts: HashMap<Uuid, Fact<String>>,
}

/// Ids that a page names.
#[derive(Default)]
struct Wanted {
    sales: HashSet<Uuid>,
    payments: HashSet<Uuid>,
    refunds: HashSet<Uuid>,
    payouts: HashSet<Uuid>,
}

impl Wanted {
    fn of(page: &[Arc<Recorded>]) -> Self {
        let mut wanted = Self::default();
        let mut begun = HashSet::new();
        for change in page.iter().flat_map(|recorded| evolve(&recorded.event)) {
            match change {
                LedgerChange::KnowSale { ticket, .. } => {
                    begun.insert(ticket.as_uuid());
                }
                LedgerChange::KnowPayment { payment, .. } => {
                    begun.insert(payment.as_uuid());
                }
                LedgerChange::KnowCapture { ticket, .. } => {
                    wanted.sales.insert(ticket.as_uuid());
                }
                LedgerChange::KnowRefund { payment, .. } => {
                    wanted.payments.insert(payment.as_uuid());
                }
                LedgerChange::KnowPayout { .. } => {}
                LedgerChange::Post(postings) => {
                    for posting in postings {
                        wanted.want(posting.account, posting.amount);
                    }
                }
            }
        }
        wanted.sales.retain(|ticket| !begun.contains(ticket));
        wanted.payments.retain(|payment| !begun.contains(payment));
        wanted
    }

    fn want(&mut self, account: Account, amount: Amount) {
        match account {
            Account::CashOfPayment(payment) => self.payments.insert(payment.as_uuid()),
            Account::CashOfRefund(refund) => self.refunds.insert(refund.as_uuid()),
            Account::CashOfPayout(payout) => self.payouts.insert(payout.as_uuid()),
            Account::UnearnedOfTicket(ticket) | Account::TaxOfTicket(ticket) => self.sales.insert(ticket.as_uuid()),
            Account::ClearingCharge
            | Account::ClearingRefund
            | Account::ClearingPayout
            | Account::Unearned(_)
            | Account::HostAvailable(_)
            | Account::HostPending(_)
            | Account::PlatformFee
            | Account::Tax(_)
            | Account::ProviderFee
            | Account::StoreFee
            | Account::DisputeFee
            | Account::DisputeLoss
            | Account::ClearingDispute
            | Account::ClearingShare
            | Account::HostReserve(_)
            | Account::HostReceivable(_) => false,
        };
        match amount {
            Amount::Exactly(_) => {}
            Amount::FirstCapture(ticket) | Amount::TaxOf(ticket) => {
                self.sales.insert(ticket.as_uuid());
            }
        }
    }
}

impl Facts {
    pub(super) async fn load(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<Self, ApplyError> {
        let mut wanted = Wanted::of(page);
        let mut facts = Self::default();
        if !wanted.sales.is_empty() {
            facts.load_sales(wanted.sales, tables).await?;
        }
        if !wanted.refunds.is_empty() {
            let rows: Vec<(Uuid, Uuid)> = fetch(REFUNDS, wanted.refunds, tables).await?;
            for (refund, payment) in rows {
                wanted.payments.insert(payment);
                facts.refunds.insert(refund, stored(payment));
            }
        }
        if !wanted.payments.is_empty() {
            let rows: Vec<(Uuid, String)> = fetch(PAYMENTS, wanted.payments, tables).await?;
            let rows = rows.into_iter().map(|(payment, provider)| (payment, stored(provider)));
            facts.payments.extend(rows);
        }
        if !wanted.payouts.is_empty() {
            let rows: Vec<(Uuid, String)> = fetch(PAYOUTS, wanted.payouts, tables).await?;
            let rows = rows.into_iter().map(|(payout, provider)| (payout, stored(provider)));
            facts.payouts.extend(rows);
        }
        Ok(facts)
    }

    async fn load_sales(&mut self, wanted: HashSet<Uuid>, tables: &mut PgConnection) -> Result<(), ApplyError> {
        let rows: Vec<SaleRecord> = fetch(SALES, wanted, tables).await?;
        for row in rows {
            let first_capture = money(row.captured_minor, row.currency)?;
            let tax = match money(row.tax_minor, row.tax_currency)?.zip(row.tax_country) {
                Some((amount, code)) => Some(TaxPart {
                    country: code.parse().map_err(|_| crate::UnknownWord(code))?,
                    amount,
                }),
                None => None,
            };
            let sale = Sale {
                room: row.room_id,
                first_capture,
                tax,
                is_captured_here: false,
            };
            self.sales.insert(row.ticket_id, stored(sale));
        }
        Ok(())
    }

    /// Keeps what a change tells; a posting tells nothing.
    pub(super) fn learn(&mut self, change: &LedgerChange<'_>) {
        match change {
            LedgerChange::KnowSale { ticket, room, tax } => {
                let sale = Sale {
                    room: room.as_uuid(),
                    first_capture: None,
                    tax: *tax,
                    is_captured_here: false,
                };
                self.sales.insert(ticket.as_uuid(), new(sale));
            }
            LedgerChange::KnowPayment { payment, provider } => {
                self.payments
                    .insert(payment.as_uuid(), new(text(provider).into_owned()));
            }
            LedgerChange::KnowCapture { ticket, amount } => {
                if let Some(sale) = self.sales.get_mut(&ticket.as_uuid())
                    && sale.value.first_capture.is_none()
                {
                    sale.value.first_capture = Some(*amount);
                    sale.value.is_captured_here = true;
                }
            }
            LedgerChange::KnowRefund { refund, payment } => {
                self.refunds.insert(refund.as_uuid(), new(payment.as_uuid()));
            }
            LedgerChange::KnowPayout { payout, provider } => {
                self.payouts.insert(payout.as_uuid(), new(text(provider).into_owned()));
            }
            LedgerChange::Post(_) => {}
        }
    }

    pub(super) fn sale(&self, ticket: Uuid) -> Option<&Sale> {
        self.sales.get(&ticket).map(|sale| &sale.value)
    }

    pub(super) fn provider_of_payment(&self, payment: Uuid) -> Option<&str> {
        self.payments.get(&payment).map(|payment| payment.value.as_str())
    }

    pub(super) fn provider_of_refund(&self, refund: Uuid) -> Option<&str> {
        self.refunds
            .get(&refund)
            .and_then(|payment| self.provider_of_payment(payment.value))
    }

    pub(super) fn provider_of_payout(&self, payout: Uuid) -> Option<&str> {
        self.payouts.get(&payout).map(|payout| payout.value.as_str())
    }

    /// Stores what the page brought.
    pub(super) async fn write(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.write_sales(tables).await?;
        write_pairs(NEW_PAYMENTS, &self.payments, tables).await?;
        write_pairs(NEW_REFUNDS, &self.refunds, tables).await?;
        write_pairs(NEW_PAYOUTS, &self.payouts, tables).await
    }

    async fn write_sales(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        let all = self
            .sales
            .iter()
            .map(|(ticket, sale)| (*ticket, sale.is_new, sale.value));
        let minor = |sale: &Sale| sale.first_capture.map(Money::amount_minor);
        let code = |sale: &Sale| sale.first_capture.map(|captured| captured.currency().code());
        let (mut begun, mut captured) = (vec![], vec![]);
        for (ticket, is_new, sale) in all {
            if is_new {
                begun.push((ticket, sale));
            } else if sale.is_captured_here {
                captured.push((ticket, sale));
            }
        }
        if !begun.is_empty() {
            sqlx::query(NEW_SALES)
                .bind(begun.iter().map(|(ticket, _)| *ticket).collect::<Vec<Uuid>>())
                .bind(begun.iter().map(|(_, sale)| sale.room).collect::<Vec<Uuid>>())
                .bind(begun.iter().map(|(_, sale)| minor(sale)).collect::<Vec<Option<i64>>>())
                .bind(begun.iter().map(|(_, sale)| code(sale)).collect::<Vec<Option<&str>>>())
                .bind(taxes(&begun, |tax| tax.amount.amount_minor()))
                .bind(taxes(&begun, |tax| tax.amount.currency().code()))
                .bind(taxes(&begun, |tax| tax.country.to_string()))
                .execute(&mut *tables)
                .await?;
        }
        if !captured.is_empty() {
            sqlx::query(CAPTURED_SALES)
                .bind(captured.iter().map(|(ticket, _)| *ticket).collect::<Vec<Uuid>>())
                .bind(
                    captured
                        .iter()
                        .map(|(_, sale)| minor(sale))
                        .collect::<Vec<Option<i64>>>(),
                )
                .bind(
                    captured
                        .iter()
                        .map(|(_, sale)| code(sale))
                        .collect::<Vec<Option<&str>>>(),
                )
                .execute(tables)
                .await?;
        }
        Ok(())
    }
}

fn taxes<T>(sales: &[(Uuid, Sale)], of: impl Fn(TaxPart) -> T) -> Vec<Option<T>> {
    sales.iter().map(|(_, sale)| sale.tax.map(&of)).collect()
}

fn money(minor: Option<i64>, code: Option<String>) -> Result<Option<Money>, ApplyError> {
    match minor.zip(code) {
        Some((minor, code)) => {
            let currency = code.parse().map_err(|_| crate::UnknownWord(code))?;
            Ok(Some(Money::new(minor, currency)))
        }
        None => Ok(None),
    }
}

const fn stored<T>(value: T) -> Fact<T> {
    Fact { value, is_new: false }
}

const fn new<T>(value: T) -> Fact<T> {
    Fact { value, is_new: true }
}

async fn fetch<R>(select: &'static str, ids: HashSet<Uuid>, tables: &mut PgConnection) -> Result<Vec<R>, sqlx::Error>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let ids: Vec<Uuid> = ids.into_iter().collect();
    sqlx::query_as(select).bind(ids).fetch_all(tables).await
}

async fn write_pairs<T>(
    insert: &'static str,
    facts: &HashMap<Uuid, Fact<T>>,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error>
where
    T: Clone + Send + Sync,
    Vec<T>: for<'q> sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let new = facts.iter().filter(|(_, fact)| fact.is_new);
    let (ids, values): (Vec<Uuid>, Vec<T>) = new.map(|(id, fact)| (*id, fact.value.clone())).unzip();
    if !ids.is_empty() {
        sqlx::query(insert).bind(ids).bind(values).execute(tables).await?;
    }
    Ok(())
}
