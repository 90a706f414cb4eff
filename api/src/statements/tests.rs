//! Sheets and periods.

use domain::{Currency, Money};

use super::period::{Month, Period, Year};
use crate::csv::{Cell, write_row};

fn row(cells: &[Cell]) -> String {
    let mut sheet = String::new();
    write_row(&mut sheet, cells);
    sheet
}

#[test]
fn a_text_is_quoted_where_it_must_be() {
    let cells = ["plain", "with, comma", "with \"quotes\"", "two\r\nlines"].map(Cell::text);
    assert_eq!(
        row(&cells),
        "plain,\"with, comma\",\"with \"\"quotes\"\"\",\"two\r\nlines\"\r\n"
    );
}

#[test]
fn no_text_is_a_formula() {
    for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"] {
        assert_eq!(row(&[Cell::text(text)]), format!("'{text}\r\n"));
    }
    let call = Cell::text("=HYPERLINK(\"http://example.org\",\"x\")");
    assert_eq!(
        row(&[call]),
        "\"'=HYPERLINK(\"\"http://example.org\"\",\"\"x\"\")\"\r\n"
    );
}

#[test]
fn amounts_have_the_digits_of_their_currency_and_stay_numbers() {
    let amount = |minor, currency| Cell::Amount(Money::new(minor, currency));
    let cells = [
        amount(-1_005, Currency::USD),
        amount(1_005, Currency::JPY),
        amount(-5, Currency::KWD),
        Cell::Count(3),
        Cell::Empty,
    ];
    assert_eq!(row(&cells), "-10.05,1005,-0.005,3,\r\n");
}

#[test]
fn periods_are_of_the_calendar() {
    let month: Month = "2026-12".parse().unwrap();
    let period = Period::of_month(month).unwrap();
    assert_eq!(period.from.to_rfc3339(), "2026-12-01T00:00:00+00:00");
    assert_eq!(period.until.to_rfc3339(), "2027-01-01T00:00:00+00:00");
    let year: Year = "2027".parse().unwrap();
    assert_eq!(Period::of_year(year).unwrap().from, period.until);
    for text in ["2026-13", "2026-1", "26-01", "2026", "2026-00", "+026-01"] {
        assert!(text.parse::<Month>().is_err(), "{text}");
    }
    for text in ["26", "20260", "-026", "20x6"] {
        assert!(text.parse::<Year>().is_err(), "{text}");
    }
}

#[test]
fn a_month_is_over_when_what_was_being_written_is_there() {
    let period = Period::of_month("2026-11".parse().unwrap()).unwrap();
    assert!(!period.is_over(period.until));
    assert!(period.is_over(period.until + chrono::TimeDelta::minutes(1)));
}
