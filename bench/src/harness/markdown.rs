//! The tables of `docs/PERFORMANCE.md`, written between their markers.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::row::Row;
use super::table;

/// How a cost grows: one column per figure, one line per point.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) heads: Vec<String>,
    pub(crate) points: Vec<Vec<f64>>,
    pub(crate) note: String,
}

/// Rewrites what stands between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` in the document.
pub(crate) fn refresh(document: &Path, machine: &str, rows: &[Row], curves: &[Curve]) -> Result<()> {
    let text = fs::read_to_string(document).with_context(|| format!("read {}", document.display()))?;
    let text = replace(&text, "machine", &format!("{machine}\n"))?;
    let text = replace(&text, "results", &results(rows))?;
    let text = replace(
        &text,
        "curves",
        &curves.iter().map(curve).collect::<Vec<_>>().join("\n"),
    )?;
    fs::write(document, text).with_context(|| format!("write {}", document.display()))
}

/// The same for parts of another document, by their names.
pub(crate) fn refresh_parts(document: &Path, parts: &[(&str, &str)]) -> Result<()> {
    let mut text = fs::read_to_string(document).with_context(|| format!("read {}", document.display()))?;
    for (name, part) in parts {
        text = replace(&text, name, part)?;
    }
    fs::write(document, text).with_context(|| format!("write {}", document.display()))
}

fn replace(text: &str, name: &str, with: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- bench:{name} -->\n"), format!("<!-- /bench:{name} -->"));
    let (before, rest) = text
        .split_once(&begin)
        .with_context(|| format!("the document lacks {begin}"))?;
    let (_, after) = rest
        .split_once(&end)
        .with_context(|| format!("the document lacks {end}"))?;
    Ok(format!("{before}{begin}{with}{end}{after}"))
}

fn results(rows: &[Row]) -> String {
    let mut out = String::from(
        "| measure | unit | ours | peer | ratio | p50 ms | p99 ms | goal | met | rounds |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | ---: |\n",
    );
    for row in rows {
        let _ = writeln!(out, "| {} | {} |", table::cells(row).join(" | "), row.rounds);
    }
    out += "\n";
    for row in rows {
        let peer = row
            .peer_name
            .as_ref()
            .map(|peer| format!("Peer: {peer}. "))
            .unwrap_or_default();
        if !peer.is_empty() || !row.note.is_empty() {
            let _ = writeln!(out, "- **{}** {peer}{}", row.name, row.note);
        }
    }
    out
}

fn curve(curve: &Curve) -> String {
    let mut out = format!("**{}**\n\n| {} |\n|", curve.name, curve.heads.join(" | "));
    out += &" ---: |".repeat(curve.heads.len());
    for point in &curve.points {
        let cells: Vec<String> = point.iter().map(|value| table::figure(*value)).collect();
        let _ = write!(out, "\n| {} |", cells.join(" | "));
    }
    let _ = writeln!(out, "\n\n{}", curve.note);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let text = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n";
        let new = replace(text, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- bench:x -->\nnew\n<!-- /bench:x -->\nb\n");
        assert!(replace(text, "y", "").is_err());
    }
}
