//! The evidence as a page that people read and print.

use std::fmt::Write as _;

use serde_json::Value;

use super::evidence::EvidenceBody;
use crate::html::escape;

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;\
    vertical-align:top;word-break:break-word}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:1.6rem}";

/// Sections in the order a reader asks for them: what was sold, on which terms, was it used, how is that known.
const SECTIONS: [(&str, &[&str]); 4] = [
    ("The sale", &["ticket", "host_id", "disputes"]),
    ("The terms and the customer", &["terms_sha256", "country_evidence"]),
    (
        "What was delivered",
        &[
            "admitted_at",
            "presence",
            "host_heard_ms",
            "host_heard_by_holder_ms",
            "delivered",
            "verdict",
            "interruptions",
        ],
    ),
    ("The record", &["log_position", "log_hash", "events"]),
];

pub(super) fn page(evidence: &EvidenceBody) -> String {
    let fields = serde_json::to_value(evidence).unwrap_or_default();
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Evidence</title><style>{STYLE}</style></head>\
        <body><h1>Evidence for ticket {}</h1>",
        evidence.ticket.id()
    );
    for (title, names) in SECTIONS {
        let _whole = write!(html, "<h2>{title}</h2><table>");
        for name in names {
            let _whole = write!(html, "<tr><th>{}</th><td>", words(name));
            show(&fields[*name], &mut html);
            html.push_str("</td></tr>");
        }
        html.push_str("</table>");
    }
    html.push_str("</body></html>");
    html
}

fn show(value: &Value, html: &mut String) {
    match value {
        Value::Null => html.push('\u{2013}'),
        Value::Bool(true) => html.push_str("yes"),
        Value::Bool(false) => html.push_str("no"),
        Value::Number(number) => html.push_str(&number.to_string()),
        Value::String(text) => html.push_str(&escape(text)),
        Value::Array(items) => items.iter().for_each(|item| {
            html.push_str("<div>");
            show(item, html);
            html.push_str("</div>");
        }),
        Value::Object(fields) => {
            html.push_str("<table>");
            for (name, field) in fields {
                let _whole = write!(html, "<tr><th>{}</th><td>", words(name));
                show(field, html);
                html.push_str("</td></tr>");
            }
            html.push_str("</table>");
        }
    }
}

fn words(name: &str) -> String {
    escape(&name.replace('_', " "))
}
