//! A statement as a sheet: for each currency what it opens with, its lines with the balance after each, its sums, and what it
//! closes with.

use axum::response::{IntoResponse, Response};
use domain::{Currency, Money};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::line::LineBody;
use super::statement::{CurrencyBody, StatementBody};
use crate::csv::{Cell, write_row};
use crate::shapes::MoneyBody;

const COLUMNS: [&str; 26] = [
    "kind",
    "at",
    "position",
    "currency",
    "gross",
    "tax",
    "store_fee",
    "provider_fee",
    "platform_fee",
    "co_hosts",
    "net",
    "balance",
    "refunded",
    "paid_out",
    "count",
    "room_id",
    "ticket_id",
    "payout_id",
    "refund_id",
    "reference",
    "reason",
    "channel",
    "preset",
    "tax_country",
    "tax_rule",
    "tax_evidence",
];

/// Columns up to the sums; those behind them are of lines only.
const OF_SUMS: usize = 15;

pub(super) fn answer(statement: &StatementBody) -> Response {
    let name = statement.month.as_deref().unwrap_or("all");
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"statement-{name}.csv\""),
        ),
    ];
    (headers, sheet(statement)).into_response()
}

pub(super) fn sheet(statement: &StatementBody) -> String {
    let mut sheet = String::new();
    write_row(&mut sheet, &COLUMNS.map(Cell::text));
    for currency in &statement.currencies {
        let code = currency.currency;
        let mut balance = Money::from(currency.opening.balance);
        write_row(
            &mut sheet,
            &balance_row("opening_balance", code, currency.opening.balance),
        );
        for line in statement.data.iter().filter(|line| line.net.currency == code) {
            let moved = balance.amount_minor().saturating_add(line.net.amount_minor);
            balance = Money::new(moved, code);
            write_row(&mut sheet, &line_row(line, balance));
        }
        write_row(&mut sheet, &totals_row(currency));
        write_row(
            &mut sheet,
            &balance_row("closing_balance", code, currency.closing.balance),
        );
    }
    sheet
}

fn amount(money: MoneyBody) -> Cell {
    Cell::Amount(money.into())
}

fn filled(cells: Vec<Cell>) -> Vec<Cell> {
    let mut cells = cells;
    cells.resize(COLUMNS.len(), Cell::Empty);
    cells
}

fn balance_row(kind: &str, currency: Currency, balance: MoneyBody) -> Vec<Cell> {
    let mut cells = vec![Cell::text(kind), Cell::Empty, Cell::Empty, Cell::text(currency.code())];
    cells.resize(
        COLUMNS.iter().position(|name| *name == "balance").unwrap_or_default(),
        Cell::Empty,
    );
    cells.push(amount(balance));
    filled(cells)
}

fn totals_row(currency: &CurrencyBody) -> Vec<Cell> {
    let totals = &currency.totals;
    filled(vec![
        Cell::text("total"),
        Cell::Empty,
        Cell::Empty,
        Cell::text(currency.currency.code()),
        amount(totals.gross),
        amount(totals.taxes),
        amount(totals.store_fees),
        amount(totals.provider_fees),
        amount(totals.platform_fees),
        amount(totals.co_hosts),
        amount(totals.net),
        Cell::Empty,
        amount(totals.refunded),
        amount(totals.paid_out),
        Cell::Count(totals.sales),
    ])
}

fn line_row(line: &LineBody, balance: Money) -> Vec<Cell> {
    let mut cells = vec![
        Cell::text(line.kind),
        Cell::text(line.at.to_string()),
        Cell::Count(line.position),
        Cell::text(line.net.currency.code()),
        amount(line.gross),
        amount(line.tax),
        amount(line.store_fee),
        amount(line.provider_fee),
        amount(line.platform_fee),
        amount(line.co_hosts),
        amount(line.net),
        Cell::Amount(balance),
        amount(line.refunded),
    ];
    cells.resize(OF_SUMS, Cell::Empty);
    cells.extend([
        Cell::of(line.room_id),
        Cell::of(line.ticket_id),
        Cell::of(line.payout_id),
        Cell::of(line.refund_id),
        Cell::of(line.reference.as_ref()),
        Cell::of(line.reason.as_ref()),
    ]);
    if let Some(sale) = &line.sale {
        let rule = sale.tax_rate_basis_points.zip(sale.tax_version);
        let evidence = sale.tax_evidence.iter().map(|piece| {
            let kind = serde_json::to_value(piece.kind).unwrap_or_default();
            format!("{} {}", kind.as_str().unwrap_or_default(), piece.country)
        });
        cells.extend([
            Cell::text(sale.channel.as_str()),
            Cell::text(format!("{} {}", sale.preset, sale.preset_version)),
            Cell::of(sale.tax_country.as_ref()),
            Cell::of(rule.map(|(points, version)| format!("{points} basis points (version {version})"))),
            Cell::text(evidence.collect::<Vec<_>>().join("; ")),
        ]);
    }
    filled(cells)
}
