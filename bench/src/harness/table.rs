//! The table on the terminal.

use super::row::Row;
use boxoffice::output;

const HEADS: [&str; 9] = [
    "measure", "unit", "ours", "peer", "ratio", "p50 ms", "p99 ms", "goal", "met",
];

pub(crate) fn print(rows: &[Row]) {
    let cells: Vec<[String; 9]> = rows.iter().map(cells).collect();
    let widths = widths(&cells);
    output::line(aligned(&HEADS.map(str::to_owned), &widths));
    output::line(widths.map(|width| "-".repeat(width)).join("  "));
    for (row, cells) in rows.iter().zip(&cells) {
        output::line(aligned(cells, &widths));
        if let Some(peer) = &row.peer_name {
            output::line(format!("    peer: {peer}"));
        }
        if !row.note.is_empty() {
            output::line(format!("    {}", row.note));
        }
    }
}

pub(super) fn cells(row: &Row) -> [String; 9] {
    let maybe = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), figure);
    [
        row.name.clone(),
        row.unit.clone(),
        figure(row.ours),
        maybe(row.peer),
        row.ratio
            .map_or_else(|| "–".to_owned(), |ratio| format!("{}×", figure(ratio))),
        maybe(row.p50_ms),
        maybe(row.p99_ms),
        row.goal.clone().unwrap_or_else(|| "shown".to_owned()),
        match row.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "–",
        }
        .to_owned(),
    ]
}

fn widths(rows: &[[String; 9]]) -> [usize; 9] {
    let mut widths = HEADS.map(|head| head.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

/// Words to the left, figures to the right.
fn aligned(cells: &[String; 9], widths: &[usize; 9]) -> String {
    let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, &width))| {
        if (2..=6).contains(&column) {
            format!("{cell:>width$}")
        } else {
            format!("{cell:<width$}")
        }
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Three or more digits that mean something: 87,086 or 1.37.
pub(crate) fn figure(value: f64) -> String {
    if value >= 100.0 {
        grouped(&format!("{value:.0}"))
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_long_as_they_are_meaningful() {
        assert_eq!(figure(1_234_567.4), "1,234,567");
        assert_eq!(figure(533.0), "533");
        assert_eq!(figure(14.26), "14.3");
        assert_eq!(figure(1.368), "1.37");
        assert_eq!(figure(0.0), "0.00");
    }
}
