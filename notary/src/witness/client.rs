//! One request to one witness.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{StatusCode, Url};

use super::{Witness, WitnessError};
use crate::note::{Signature, SignedNote};
use crate::publish::{PublishError, text_of};
use crate::tree::Hash;

/// What a witness says to a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Cosigned(Signature),
    /// It knows the log at this size, and wants a proof from there.
    Knows(u64),
}

/// The body of `add-checkpoint`.
pub(super) fn body(old: u64, proof: &[Hash], note: &SignedNote) -> String {
    let lines = proof.iter().map(|hash| format!("{}\n", STANDARD.encode(hash)));
    format!("old {old}\n{}\n{note}", lines.collect::<String>())
}

pub(super) async fn add_checkpoint(
    client: &reqwest::Client,
    witness: &Witness,
    (old, proof): (u64, &[Hash]),
    note: &SignedNote,
) -> Result<Answer, WitnessError> {
    let request = client.post(endpoint(&witness.url)).body(body(old, proof, note));
    let response = request.send().await.map_err(PublishError::from)?;
    match response.status() {
        StatusCode::OK => {
            let text = text_of(response).await?;
            let cosigned = cosignature(&text, witness, note).ok_or(WitnessError::NoCosignature)?;
            Ok(Answer::Cosigned(cosigned))
        }
        StatusCode::CONFLICT => {
            let size = text_of(response).await?.trim_end_matches('\n').parse();
            size.map(Answer::Knows)
                .map_err(|_| WitnessError::Status(StatusCode::CONFLICT))
        }
        status => Err(WitnessError::Status(status)),
    }
}

fn endpoint(prefix: &Url) -> Url {
    let mut url = prefix.clone();
    let path = format!("{}/add-checkpoint", prefix.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// The line by this witness that goes with the note; others' are ignored.
fn cosignature(lines: &str, witness: &Witness, note: &SignedNote) -> Option<Signature> {
    lines.lines().filter_map(Signature::parse).find(|signature| {
        let mut cosigned = note.clone();
        cosigned.add(signature.clone());
        cosigned.verify_cosignature(&witness.key).is_ok()
    })
}
