//! A letter: plain text, and the same as minimal HTML.

use std::fmt;

use domain::Timestamp;
use uuid::Uuid;

use super::EmailAddress;

#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it is about: the same letter has the same.
    pub id: Uuid,
    pub to: EmailAddress,
    pub subject: String,
    /// Paragraphs, with an empty line between. A line that is a URL is a link.
    pub text: String,
    pub at: Timestamp,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Letter {
    /// The text with the least of markup. Nothing in it is fetched from anywhere.
    pub(super) fn html(&self) -> String {
        let paragraphs = self.text.trim().split("\n\n").map(paragraph);
        format!(
            "<!doctype html>\n<html><body>\n{}</body></html>\n",
            paragraphs.collect::<String>()
        )
    }
}

fn paragraph(text: &str) -> String {
    let lines: Vec<String> = text.trim().lines().map(line).collect();
    format!("<p>{}</p>\n", lines.join("<br>\n"))
}

fn line(text: &str) -> String {
    let escaped = escape(text.trim());
    let is_link = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme)) && !text.contains(' ');
    if is_link {
        format!("<a href=\"{escaped}\">{escaped}</a>")
    } else {
        escaped
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
