//! The log as a bundle: exported, verified by an outsider, and not verified any more when one byte of it is another.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::cast::{Cast, Sales};
use super::commands::Commands;
use super::figures::Figures;
use super::sale::PRICE_MINOR;
use crate::demo::people::{number, text};
use crate::demo::say;

const BUNDLE: &str = "bundle";
const COPY: &str = "copy";
/// The folder of a bundle with the events, and the file with the first of them.
const SEGMENTS: &str = "segments";
const FIRST_SEGMENT: &str = "00000000000000000001.ndjson.zst";
/// How hard a segment is packed: fast.
const ZSTD_LEVEL: i32 = 1;

pub(super) async fn export(cast: &Cast, commands: &Commands<'_>, figures: &mut Figures) -> Result<()> {
    let target = commands.name(BUNDLE)?;
    let exported = commands.json(&["log", "export", &target]).await?;
    let position = number(&exported, "/position")?;
    let hash = text(&exported, "/hash")?;
    figures.exported_events = number(&exported, "/events")?;
    ensure!(
        figures.exported_events == position && cast.event(position).await?["hash"] == hash.as_str(),
        "expected all of the log up to its end, and got {exported}"
    );
    let (holds, said) = commands.outside(&["log", "verify", BUNDLE]).await?;
    let head = format!("head at position {position}, hash {hash}");
    ensure!(
        holds && said.starts_with("verified: ") && said.contains(&head),
        "expected a verified bundle with its {head}, and got {said}"
    );
    say(format!(
        "{position} events, each as it was recorded; whoever has the bundle can say so"
    ));
    Ok(())
}

/// One digit of one payment: 1000 cents become 9000.
pub(super) async fn tamper(cast: &Cast, commands: &Commands<'_>, sales: &Sales, figures: &mut Figures) -> Result<()> {
    let position = cast.position_of(&sales.ann, "payment_captured").await?;
    let copy = commands.folder().join(COPY);
    copy_folder(&commands.folder().join(BUNDLE), &copy)?;
    change(&copy.join(SEGMENTS).join(FIRST_SEGMENT), position)?;
    say(format!(
        "in the payment at position {position}, 1000 cents are now 9000"
    ));
    let (holds, said) = commands.outside(&["log", "verify", COPY]).await?;
    let found = said.strip_prefix("broken at position ");
    let found = found
        .and_then(|rest| rest.split(':').next())
        .and_then(|number| number.parse().ok());
    figures.tampered_position = position;
    figures.found_position = found.with_context(|| format!("expected a broken bundle, and got {said}"))?;
    ensure!(
        !holds && figures.found_position == position,
        "expected position {position} to be named, and got {said}"
    );
    let (holds, said) = commands.outside(&["log", "verify", BUNDLE]).await?;
    ensure!(holds, "expected the bundle itself to be as it was, and got {said}");
    say("found, and named; the bundle it was copied from is as it was");
    Ok(())
}

/// A bundle: files, and a folder of files.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry.context("reading a folder")?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("copying {}", source.display()))?;
        }
    }
    Ok(())
}

/// Changes one byte of the line of an event. A segment has one line for each event.
fn change(segment: &Path, position: i64) -> Result<()> {
    let packed = fs::read(segment).with_context(|| format!("reading {}", segment.display()))?;
    let text = zstd::decode_all(packed.as_slice()).context("unpacking a segment")?;
    let mut text = String::from_utf8(text).context("reading a segment as UTF-8")?;
    let before: usize = text
        .split_inclusive('\n')
        .take(usize::try_from(position - 1)?)
        .map(str::len)
        .sum();
    let amount = format!("\"amount_minor\":{PRICE_MINOR}");
    let line = text[before..].lines().next().unwrap_or_default();
    let place = line
        .find(&amount)
        .with_context(|| format!("expected {amount} in {line}"))?;
    let digit = before + place + amount.find(':').map_or(0, |colon| colon + 1);
    text.replace_range(digit..=digit, "9");
    let packed = zstd::encode_all(text.as_bytes(), ZSTD_LEVEL).context("packing a segment")?;
    fs::write(segment, packed).with_context(|| format!("writing {}", segment.display()))
}
