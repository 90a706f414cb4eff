//! A closed month as a sheet: a row for each class of accounts, then one for each account, then what vouches for them.

use std::iter;

use axum::response::{IntoResponse, Response};
use domain::Money;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::accounts::MovedBody;
use super::month::MonthBody;
use crate::csv::{Cell, write_row};

const COLUMNS: [&str; 10] = [
    "kind",
    "name",
    "currency",
    "opening",
    "debit",
    "credit",
    "closing",
    "grand_debit",
    "grand_credit",
    "new",
];

pub(super) fn answer(month: &MonthBody) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"month-{}.csv\"", month.month),
        ),
    ];
    (headers, sheet(month)).into_response()
}

fn sheet(month: &MonthBody) -> String {
    let mut sheet = String::new();
    write_row(&mut sheet, &COLUMNS.map(Cell::text));
    for (kind, rows) in [("class", &month.classes), ("account", &month.accounts)] {
        for row in rows {
            write_row(&mut sheet, &cells(kind, row));
        }
    }
    let checkpoint = month
        .checkpoint
        .as_ref()
        .map(|signed| ("checkpoint", signed.note.as_str()));
    for (kind, text) in iter::once(("hash", month.hash.as_str())).chain(checkpoint) {
        let mut cells = COLUMNS.map(|_| Cell::Empty);
        cells[0] = Cell::text(kind);
        cells[1] = Cell::text(text);
        write_row(&mut sheet, &cells);
    }
    sheet
}

fn cells(kind: &str, row: &MovedBody) -> [Cell; 10] {
    let amount = |minor| Cell::Amount(Money::new(minor, row.currency));
    [
        Cell::text(kind),
        Cell::text(row.name.as_str()),
        Cell::text(row.currency.code()),
        amount(row.opening_minor),
        amount(row.debit_minor),
        amount(row.credit_minor),
        amount(row.closing_minor),
        amount(row.grand_debit_minor),
        amount(row.grand_credit_minor),
        Cell::text(if row.is_new { "yes" } else { "no" }),
    ]
}
