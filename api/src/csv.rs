//! CSV after RFC 4180, for people who open it in a spreadsheet.

use domain::Money;

/// A cell. Amounts and counts are written as they are; a text that a spreadsheet would take for a formula is given an
/// apostrophe, since others than we may have chosen it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Cell {
    Text(String),
    Amount(Money),
    Count(u64),
    Empty,
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn of<T: ToString>(value: Option<T>) -> Self {
        value.map_or(Self::Empty, |value| Self::Text(value.to_string()))
    }
}

/// Writes a row, with the line break that ends it.
pub(crate) fn write_row(sheet: &mut String, cells: &[Cell]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            sheet.push(',');
        }
        match cell {
            Cell::Text(text) => write_text(sheet, text),
            Cell::Amount(amount) => sheet.push_str(&decimal(*amount)),
            Cell::Count(count) => sheet.push_str(&count.to_string()),
            Cell::Empty => {}
        }
    }
    sheet.push_str("\r\n");
}

fn write_text(sheet: &mut String, text: &str) {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        "'"
    } else {
        ""
    };
    if text.contains([',', '"', '\r', '\n']) {
        sheet.push('"');
        sheet.push_str(guard);
        sheet.push_str(&text.replace('"', "\"\""));
        sheet.push('"');
    } else {
        sheet.push_str(guard);
        sheet.push_str(text);
    }
}

/// `10.00`, `1000`, `-0.005`: as many digits as the currency has.
pub(crate) fn decimal(amount: Money) -> String {
    let text = amount.to_string();
    match text.split_once(' ') {
        Some((number, _)) => number.to_owned(),
        None => text,
    }
}
