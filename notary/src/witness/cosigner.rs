//! Brings every checkpoint to the witnesses, and what they have signed to the places.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use super::client::{Answer, add_checkpoint};
use super::{Witness, WitnessError};
use crate::keeper::{Notary, Shared, SignedCheckpoint, store};
use crate::note::{Signature, SignedNote};
use crate::publish::{Check, client};

/// Requests for one checkpoint: the second after the witness has said which size it knows.
const ATTEMPTS: u32 = 2;

/// What is known of a witness.
struct Known {
    witness: Witness,
    /// The size that it cosigned last, as far as we know.
    size: u64,
    fails: bool,
}

pub(crate) struct Witnesses {
    notary: Arc<Shared>,
    client: reqwest::Client,
    known: Vec<Known>,
    published: watch::Sender<Option<Arc<SignedCheckpoint>>>,
}

impl Witnesses {
    /// Follows what is signed, and starts the places, which follow what was cosigned.
    pub(crate) fn start(notary: &Arc<Shared>, tracker: &TaskTracker, cancel: &CancellationToken) {
        let published = watch::Sender::default();
        let for_check = Arc::clone(notary);
        let check: Check = Arc::new(move |place, note| {
            let notary = Arc::clone(&for_check);
            Box::pin(async move { notary.bears_out(place, &note).await })
        });
        notary.places().start(&published.subscribe(), &check, tracker, cancel);
        let witnesses = notary.settings.witnesses.iter().map(|witness| Known {
            witness: witness.clone(),
            size: 0,
            fails: false,
        });
        let mut this = Self {
            notary: Arc::clone(notary),
            client: client(notary.settings.limits.answer),
            known: witnesses.collect(),
            published,
        };
        let cancel = cancel.clone();
        tracker.spawn(async move {
            let _cut = cancel.run_until_cancelled(this.run()).await;
        });
    }

    async fn run(&mut self) {
        let mut standing = self.notary.follow();
        let mut last = 0;
        while standing.changed().await.is_ok() {
            let Some(signed) = standing.borrow_and_update().signed.clone() else {
                continue;
            };
            if signed.size == last {
                continue;
            }
            last = signed.size;
            if self.known.is_empty() {
                self.published.send_replace(Some(signed));
                continue;
            }
            let cosigned = self.cosign(&signed).await;
            self.published.send_replace(Some(Arc::new(cosigned)));
            tokio::time::sleep(self.pace()).await;
        }
    }

    fn pace(&self) -> Duration {
        self.notary.settings.limits.publish
    }

    /// The checkpoint with whatever cosignatures there are to be had now.
    async fn cosign(&mut self, signed: &SignedCheckpoint) -> SignedCheckpoint {
        let Ok(mut note) = signed.note.parse::<SignedNote>() else {
            return signed.clone();
        };
        let (notary, client) = (&self.notary, &self.client);
        let asked = self
            .known
            .iter_mut()
            .map(|known| ask(notary, client, known, signed, &note));
        let signatures: Vec<Signature> = join_all(asked).await.into_iter().flatten().collect();
        let is_cosigned = !signatures.is_empty();
        for signature in signatures {
            note.add(signature);
        }
        let note = note.to_string();
        if is_cosigned && let Err(error) = store::set_note(&self.notary.deps.pool, signed.size, &note).await {
            warn!("cosignatures are not stored: {error}");
        }
        SignedCheckpoint { note, ..signed.clone() }
    }
}

async fn ask(
    notary: &Arc<Shared>,
    client: &reqwest::Client,
    known: &mut Known,
    signed: &SignedCheckpoint,
    note: &SignedNote,
) -> Option<Signature> {
    let name = known.witness.key.name().to_owned();
    match cosignature(notary, client, known, signed, note).await {
        Ok(signature) => {
            if std::mem::take(&mut known.fails) {
                info!("witness {name} cosigns again");
            }
            metrics::counter!("notary_cosignatures_total").increment(1);
            Some(signature)
        }
        Err(trouble) => {
            metrics::counter!("notary_witness_failures_total").increment(1);
            if !std::mem::replace(&mut known.fails, true) {
                if let WitnessError::Contradicts { .. } = trouble {
                    error!("witness {name} contradicts this log: {trouble}");
                } else {
                    warn!("witness {name} does not cosign: {trouble}");
                }
            }
            None
        }
    }
}

async fn cosignature(
    notary: &Arc<Shared>,
    client: &reqwest::Client,
    known: &mut Known,
    signed: &SignedCheckpoint,
    note: &SignedNote,
) -> Result<Signature, WitnessError> {
    let prover = Notary::of(notary);
    for _ in 0..ATTEMPTS {
        if known.size > signed.size {
            return Err(WitnessError::Contradicts { size: known.size });
        }
        let proof = prover.consistency(known.size, signed.size).await?.proof;
        match add_checkpoint(client, &known.witness, (known.size, &proof), note).await? {
            Answer::Cosigned(signature) => {
                known.size = signed.size;
                return Ok(signature);
            }
            Answer::Knows(size) if size == known.size => return Err(WitnessError::Contradicts { size }),
            Answer::Knows(size) => known.size = size,
        }
    }
    Err(WitnessError::Contradicts { size: known.size })
}
