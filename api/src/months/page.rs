//! A closed month as a report to print, or to keep as PDF: A4, heads of tables on every sheet, nothing loaded from elsewhere.

use std::fmt::Write as _;

use domain::Money;

use super::accounts::MovedBody;
use super::month::{CloseBody, MonthBody};
use crate::csv::decimal;
use crate::html::escape;

const STYLE: &str = "@page{size:A4;margin:18mm 15mm}body{font:10pt/1.4 sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}\
    @media print{body{margin:0;max-width:none;padding:0}}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
    thead{display:table-header-group}tr{break-inside:avoid}td,th{border-bottom:1px solid #bbb;padding:.2rem .4rem;text-align:left;\
    vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
    code,pre{font-size:8pt;word-break:break-all}pre{white-space:pre-wrap;margin:0}\
    h1{font-size:16pt}h2{font-size:12pt;break-after:avoid}.wrong{font-weight:bold}";

pub(super) fn page(month: &MonthBody) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Close of {0}</title><style>{STYLE}</style></head>\
        <body><h1>Close of {0}</h1>",
        escape(&month.month)
    );
    foundation(&mut html, month);
    html.push_str("<h2>Totals by class of account</h2>");
    moved(&mut html, &month.classes);
    html.push_str("<h2>Totals by account</h2><p>Accounts that stood at zero and did not move are left out.</p>");
    moved(&mut html, &month.accounts);
    html.push_str("<h2>Sealed days</h2>");
    days(&mut html, &month.days);
    html.push_str("</body></html>");
    html
}

/// What the figures rest on.
fn foundation(html: &mut String, month: &MonthBody) {
    html.push_str("<table><tbody>");
    let mut row = |name: &str, text: &str| {
        let _whole = write!(html, "<tr><th>{name}</th><td>{text}</td></tr>");
    };
    let (after, position) = (month.after, month.position);
    row(
        "Events",
        &format!("{} (log positions {} to {position})", month.events, after + 1),
    );
    row("Chain at the close", &format!("<code>{}</code>", escape(&month.hash)));
    let checkpoint = month.checkpoint.as_ref().map_or_else(
        || "none yet".to_owned(),
        |signed| {
            format!(
                "of {} events, signed {}<pre>{}</pre>",
                signed.size,
                signed.signed_at,
                escape(&signed.note)
            )
        },
    );
    row("Checkpoint", &checkpoint);
    let previous = month.previous.as_ref();
    let previous = previous.map_or_else(
        || "none: this is the first close".to_owned(),
        |close| {
            format!(
                "{}, position {}, <code>{}</code>",
                close.date,
                close.position,
                escape(&close.hash)
            )
        },
    );
    row("Last close", &previous);
    let agrees = if month.agrees_with_seals {
        "the books as of both closes come to what was sealed"
    } else {
        "<span class=\"wrong\">the books do NOT come to what was sealed</span>"
    };
    row("Checked", agrees);
    let new = month.accounts.iter().filter(|account| account.is_new).count();
    row("New accounts", &new.to_string());
    html.push_str("</tbody></table>");
}

fn moved(html: &mut String, rows: &[MovedBody]) {
    html.push_str(
        "<table><thead><tr><th>Account</th><th></th><th class=\"n\">Last close</th><th class=\"n\">Debit</th>\
        <th class=\"n\">Credit</th><th class=\"n\">Change</th><th class=\"n\">This close</th><th class=\"n\">Ever debited</th>\
        <th class=\"n\">Ever credited</th></tr></thead><tbody>",
    );
    for row in rows {
        let new = if row.is_new { " (new)" } else { "" };
        let _whole = write!(html, "<tr><td>{}{new}</td><td>{}</td>", escape(&row.name), row.currency);
        let change = row.closing_minor.saturating_sub(row.opening_minor);
        for minor in [
            row.opening_minor,
            row.debit_minor,
            row.credit_minor,
            change,
            row.closing_minor,
            row.grand_debit_minor,
            row.grand_credit_minor,
        ] {
            let _whole = write!(
                html,
                "<td class=\"n\">{}</td>",
                decimal(Money::new(minor, row.currency))
            );
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
}

fn days(html: &mut String, days: &[CloseBody]) {
    html.push_str(
        "<table><thead><tr><th>Day</th><th class=\"n\">Events</th><th class=\"n\">Position</th><th>Chain</th>\
        <th class=\"n\">Not reconciled</th><th>Forced</th></tr></thead><tbody>",
    );
    for day in days {
        let _whole = write!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td><code>{}</code></td><td class=\"n\">{}</td>\
            <td>{}</td></tr>",
            day.date,
            day.events,
            day.position,
            escape(&day.hash),
            day.unreconciled,
            escape(day.force_reason.as_deref().unwrap_or("no")),
        );
    }
    html.push_str("</tbody></table>");
}
