//! The log as Parquet files, read back by a reader that knows nothing of the shop: events counted, money added up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::cast::Cast;
use super::commands::Commands;
use super::figures::Figures;
use crate::demo::ledger::dollars;
use crate::demo::people::number;
use crate::demo::say;
use crate::output;

const FOLDER: &str = "parquet";
/// A sum over one column of one type of event, and the side of the account that must have the same.
const SUMS: [(&str, &str, &str, &str); 4] = [
    ("payment_captured", "amount_minor", "clearing:charge", "credit_minor"),
    (
        "payment_captured",
        "provider_fee_minor",
        "expense:provider_fee",
        "debit_minor",
    ),
    ("refund_completed", "amount_minor", "clearing:refund", "debit_minor"),
    (
        "earning_credited",
        "platform_fee_minor",
        "revenue:platform_fee",
        "credit_minor",
    ),
];

/// What is in the files.
#[derive(Default)]
struct Found {
    files: u64,
    positions: BTreeSet<i64>,
    /// Of whole minor units, by type of event and column.
    sums: BTreeMap<(String, String), i64>,
}

pub(super) async fn play(cast: &Cast, commands: &Commands<'_>, figures: &mut Figures) -> Result<()> {
    let target = commands.name(FOLDER)?;
    let exported = commands.json(&["export", "parquet", &target]).await?;
    let position = number(&exported, "/position")?;
    let mut found = Found::default();
    for (day, _) in folders(Path::new(&target), "day=")? {
        for (path, event_type) in folders(&day, "type=")? {
            found.take_in(&path, &event_type)?;
        }
    }
    ensure!(
        found.positions == (1..=position).collect::<BTreeSet<_>>(),
        "expected each event up to {position} once, and got {:?}",
        found.positions
    );
    figures.parquet_events = position;
    figures.parquet_files = found.files;
    let books = cast.books(position).await?;
    output::line("  sum over the files                         files     ledger");
    for (event_type, column, account, side) in SUMS {
        let sum = found.sums.get(&(event_type.to_owned(), column.to_owned()));
        let sum = sum.copied().unwrap_or_default();
        let booked = books.of(account, side)?;
        ensure!(
            sum == booked && sum > 0,
            "expected {booked} of {account} to be the sum of {column} in {event_type}, and got {sum}"
        );
        let name = format!("{event_type}.{column}");
        output::line(format!("  {name:<38} {:>9}  {:>9}", dollars(sum), dollars(booked)));
    }
    say(format!(
        "{position} events in {} files, each once; what they add up to is what the ledger has",
        found.files
    ));
    Ok(())
}

impl Found {
    /// The files of one day and type.
    fn take_in(&mut self, folder: &Path, event_type: &str) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry.context("reading a folder")?.path();
            let read = || format!("reading {}", path.display());
            let reader = SerializedFileReader::try_from(path.as_path()).with_context(read)?;
            self.files += 1;
            for row in reader.get_row_iter(None).with_context(read)? {
                for (column, field) in row.with_context(read)?.into_columns() {
                    let Field::Long(value) = field else { continue };
                    if column == "position" {
                        ensure!(self.positions.insert(value), "expected position {value} once");
                    } else if column.ends_with("_minor") {
                        *self.sums.entry((event_type.to_owned(), column)).or_default() += value;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Folders whose name begins with `key`, and what it goes on with.
fn folders(within: &Path, key: &str) -> Result<Vec<(PathBuf, String)>> {
    let mut found = vec![];
    for entry in fs::read_dir(within).with_context(|| format!("reading {}", within.display()))? {
        let path = entry.context("reading a folder")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(value) = name.strip_prefix(key) {
            found.push((path, value.to_owned()));
        }
    }
    Ok(found)
}
