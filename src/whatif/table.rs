//! The figures for people and for programs.

use std::fmt::Write as _;

use domain::{Currency, Money};
use serde_json::{Value, json};

use super::WhatIf;
use super::fold::{Comparison, Figures};

/// For each currency a table: what was, what would have been, and the difference.
pub(crate) fn text(what_if: &WhatIf, by_host: bool) -> String {
    let name = format!("{} {}", what_if.preset().name, what_if.preset().version);
    let mut text = String::new();
    for (currency, comparison) in what_if.totals() {
        write_table(&mut text, currency.code(), &name, currency, &comparison);
    }
    if by_host {
        for ((host, currency), comparison) in what_if.by_host() {
            let title = format!("host {host}, {currency}");
            write_table(&mut text, &title, &name, *currency, comparison);
        }
    }
    if text.is_empty() {
        text.push_str("nothing was earned in this time\n");
    }
    text
}

fn write_table(text: &mut String, title: &str, name: &str, currency: Currency, comparison: &Comparison) {
    let _ = writeln!(text, "{title}: {} sales", comparison.sales);
    let [blank, real, difference] = ["", "real", "difference"];
    let _ = writeln!(text, "  {blank:<14}{real:>16}{name:>24}{difference:>16}");
    let pairs = comparison.real.named().into_iter().zip(comparison.what_if.named());
    for ((figure, real), (_, what_if)) in pairs {
        let [real, what_if, difference] = [real, what_if, what_if - real].map(|minor| decimal(minor, currency));
        let _ = writeln!(text, "  {figure:<14}{real:>16}{what_if:>24}{difference:>16}");
    }
}

/// `10.00`: as many digits as the currency has.
fn decimal(minor: i64, currency: Currency) -> String {
    let text = Money::new(minor, currency).to_string();
    text.split_once(' ')
        .map_or(text.clone(), |(number, _)| number.to_owned())
}

/// Everything in minor units.
pub(crate) fn json(what_if: &WhatIf, by_host: bool) -> Value {
    let totals = what_if.totals();
    let currencies = totals
        .iter()
        .map(|(currency, comparison)| as_json(*currency, comparison));
    let mut answer = json!({
        "preset": what_if.preset().name,
        "version": what_if.preset().version,
        "currencies": currencies.collect::<Vec<_>>(),
    });
    if by_host {
        let hosts = what_if.by_host().iter().map(|((host, currency), comparison)| {
            let mut row = as_json(*currency, comparison);
            row["host_id"] = json!(host);
            row
        });
        answer["hosts"] = hosts.collect();
    }
    answer
}

fn as_json(currency: Currency, comparison: &Comparison) -> Value {
    let figures = |figures: &Figures| -> Value {
        let named = figures.named().into_iter();
        named.map(|(name, minor)| (name.to_owned(), json!(minor))).collect()
    };
    json!({
        "currency": currency,
        "sales": comparison.sales,
        "real": figures(&comparison.real),
        "what_if": figures(&comparison.what_if),
    })
}
