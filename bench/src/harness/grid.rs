//! A table of any columns: words to the left in the first, figures to the right.

use std::fmt::Write as _;

use crate::output;

#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self {
            heads: heads.iter().map(|&head| head.to_owned()).collect(),
            rows: vec![],
        }
    }

    pub(crate) fn add(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self) {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.heads]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.heads.len()).map(width).collect();
        for row in [&self.heads].into_iter().chain(&self.rows) {
            let cells = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, &width))| match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
            output::line(cells.collect::<Vec<_>>().join("  "));
        }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut out = format!("| {} |\n| --- |", self.heads.join(" | "));
        out += &" ---: |".repeat(self.heads.len().saturating_sub(1));
        out.push('\n');
        for row in &self.rows {
            let _ = writeln!(out, "| {} |", row.join(" | "));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_as_markdown() {
        let mut table = Table::new(&["part", "busy"]);
        table.add(vec!["log".to_owned(), "3 %".to_owned()]);
        assert_eq!(table.markdown(), "| part | busy |\n| --- | ---: |\n| log | 3 % |\n");
    }
}
