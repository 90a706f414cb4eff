//! `boxoffice receipt`: whether a receipt holds. Needs nothing but the file and the log's public key.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use notary::VerifierKey;
use notary::receipt::{Entry, Exhausted, Receipt, Refusal, Subject, Verified, Waiting};
use serde_json::json;

use crate::output;

/// No receipt is longer.
const BYTES_MAX: u64 = 1 << 20;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a receipt offline; exit 1 and what is wrong if it does not hold
    Verify(Options),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The receipt, as `GET /v1/tickets/{ticket}/receipt` or `GET /v1/rooms/{room}/refusals/{position}` gave it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The log's verifier key, as `boxoffice notary key` shows it
    #[arg(long, value_name = "KEY")]
    key: VerifierKey,
    /// The verifier key of a witness that must have cosigned; may be repeated
    #[arg(long = "witness", value_name = "KEY")]
    witnesses: Vec<VerifierKey>,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Verify(options) = command;
    let path = &options.file;
    let length = std::fs::metadata(path)
        .with_context(|| format!("read {}", path.display()))?
        .len();
    ensure!(length <= BYTES_MAX, "{} is longer than any receipt", path.display());
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    match verify(&text, options) {
        Ok((receipt, verified)) => {
            report(&receipt, &verified, options.json);
            Ok(ExitCode::SUCCESS)
        }
        Err(reason) => {
            if options.json {
                output::line(json!({ "receipt": "refused", "reason": reason }));
            } else {
                output::line(format!("refused: {reason}"));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What is wrong, in words.
fn verify(text: &str, options: &Options) -> Result<(Receipt, Verified), String> {
    let receipt: Receipt = serde_json::from_str(text).map_err(|error| format!("the file is no receipt: {error}"))?;
    let verified = receipt.verify(&options.key).map_err(|error| error.to_string())?;
    for witness in &options.witnesses {
        let cosigned = verified.note.verify_cosignature(witness);
        cosigned.map_err(|error| format!("the checkpoint: {error}"))?;
    }
    Ok((receipt, verified))
}

fn report(receipt: &Receipt, verified: &Verified, as_json: bool) {
    let (entry, checkpoint) = (&receipt.entry, &verified.checkpoint);
    if as_json {
        output::line(json!({
            "receipt": "verified",
            "position": entry.position,
            "event_type": entry.event_type,
            "recorded_at": entry.recorded_at,
            "origin": checkpoint.origin,
            "size": checkpoint.size,
        }));
        return;
    }
    output::line(format!("verified: {}", claim(receipt, verified)));
    output::line(format!("  {}", place(entry)));
    output::line(format!(
        "  in the log {} of {} events",
        checkpoint.origin, checkpoint.size
    ));
}

fn claim(receipt: &Receipt, verified: &Verified) -> String {
    match (&receipt.subject, &verified.refusal) {
        (Subject::Refusal { room_id, .. }, Some(refusal)) => {
            let tiers = refusal
                .tiers
                .iter()
                .map(|(tier, quota)| format!(", tier {tier}: {quota}"));
            let tiers: String = tiers.collect();
            let waiting = refusal.waiting.map(|waiting| format!(", waiting {waiting}"));
            let code = refusal.code.as_ref();
            let code = code.map(|(hash, quota)| format!(", promo code {hash}: {quota}"));
            format!(
                "room {room_id} {}: seats {}{}{tiers}{}",
                reason(refusal),
                refusal.room,
                waiting.unwrap_or_default(),
                code.unwrap_or_default()
            )
        }
        (Subject::Refusal { room_id, .. }, None) => format!("room {room_id}"),
        (Subject::Ticket { ticket_id }, _) => format!("ticket {ticket_id} by {}", receipt.entry.event_type),
    }
}

/// Why somebody had to be sent away.
fn reason(refusal: &Refusal) -> &'static str {
    let is_line_full = refusal.waiting.is_some_and(Waiting::is_full);
    match refusal.exhausted() {
        Some(Exhausted::PromoCode) => "had a promo code that was used up",
        Some(Exhausted::WaitingList) => "had a full waiting list",
        Some(Exhausted::Seats | Exhausted::Tier) if is_line_full => "was sold out, and its waiting list full",
        Some(Exhausted::Seats | Exhausted::Tier) | None => "was sold out",
    }
}

fn place(entry: &Entry) -> String {
    format!(
        "at position {}, recorded {}",
        entry.position,
        entry.recorded_at.to_rfc3339()
    )
}
