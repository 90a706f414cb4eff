//! One round: wait for events, read them, sign.

use std::sync::Arc;

use domain::Timestamp;
use event_log::Head;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

use super::handle::Shared;
use super::patrol::{self, Patrol};
use super::reader::{self, Trouble};
use super::recall::{self, Foundation};
use super::{SignedCheckpoint, store};
use crate::note::Checkpoint;
use crate::tree::TileWriter;

/// What a notary at work knows.
pub(super) struct Work<'a> {
    notary: &'a Shared,
    writer: TileWriter,
    at: Head,
    fence: u64,
    wake: watch::Receiver<u64>,
    /// Nothing was signed yet in this term.
    signed_at: Option<Instant>,
    looked_at: Instant,
    patrolled_at: Instant,
    thinned_at: Instant,
    patrol: Patrol,
}

impl<'a> Work<'a> {
    /// Makes sure of everything that was signed before.
    pub(super) async fn begin(notary: &'a Shared) -> Result<Self, Trouble> {
        // Registered before looking, so that nothing is appended unnoticed in between.
        let wake = notary.deps.log.wake();
        let remembered = notary.remembered().await?;
        let foundation = recall::establish(notary, &remembered).await?;
        if let Some(alarm) = notary.alarm() {
            // It was wrong before. Now all of it has to be right.
            let signed = foundation.signed();
            patrol::is_over(&notary.deps.pool, &notary.verifier(), alarm, signed, recall::LAST).await?;
        }
        notary.let_go();
        let Foundation { writer, at, fence } = foundation;
        notary.thin_out_all().await;
        let now = Instant::now();
        let mut work = Self {
            notary,
            writer,
            at,
            fence,
            wake,
            signed_at: None,
            looked_at: now,
            patrolled_at: now,
            thinned_at: now,
            patrol: Patrol::new(),
        };
        work.make_up().await?;
        Ok(work)
    }

    /// What was signed and not stored, or stored and perhaps not published, before somebody died.
    async fn make_up(&mut self) -> Result<(), Trouble> {
        let notary = self.notary;
        if self.at.position > self.fence {
            return self.seal(None).await;
        }
        let stored = store::find_latest(&notary.deps.pool).await?;
        if let Some(stored) = stored.filter(|stored| notary.own("in the database".to_owned(), &stored.note).is_some()) {
            notary.show(Arc::new(stored));
        }
        Ok(())
    }

    /// Signs what there is to sign, or waits for it.
    pub(super) async fn round(&mut self) -> Result<(), Trouble> {
        // Somebody who publishes has found it.
        if let Some(alarm) = self.notary.alarm() {
            return Err(alarm.into());
        }
        let end = *self.wake.borrow_and_update();
        let waiting = end.saturating_sub(self.at.position);
        let limits = &self.notary.settings.limits;
        let due = self.due(waiting);
        if waiting > 0 && due <= Instant::now() {
            let up_to = end.min(self.at.position + limits.stretch);
            self.sign(up_to).await?;
        } else {
            let next_look = self.looked_at + limits.look;
            let until = if waiting > 0 { due } else { next_look };
            let until = until.min(self.patrolled_at + limits.patrol);
            tokio::select! {
                _ = self.wake.changed() => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
        self.guard().await
    }

    /// When the next checkpoint may be signed.
    fn due(&self, waiting: u64) -> Instant {
        let limits = &self.notary.settings.limits;
        let interval = if waiting >= limits.events {
            limits.interval_least
        } else {
            limits.interval
        };
        self.signed_at
            .map_or_else(Instant::now, |signed_at| signed_at + interval)
    }

    async fn sign(&mut self, up_to: u64) -> Result<(), Trouble> {
        let pool = &self.notary.deps.pool;
        let signed = (self.at.position, self.writer.root());
        let (writer, mut oldest) = (&mut self.writer, None);
        let read = reader::leaves(pool, self.at, up_to, |event, leaf| {
            oldest.get_or_insert(event.leaf.recorded_at);
            writer.push(leaf);
        });
        self.at = match read.await {
            Ok(at) => at,
            Err(Trouble::Alarm(alarm)) => return Err(recall::precisely(self.notary, alarm, signed).await?.into()),
            Err(trouble) => return Err(trouble),
        };
        self.seal(oldest).await
    }

    /// Signs the tree as it is, keeps that, and shows it.
    async fn seal(&mut self, oldest: Option<Timestamp>) -> Result<(), Trouble> {
        let (notary, pool) = (self.notary, &self.notary.deps.pool);
        let signed = self.checkpoint(notary.deps.clock.now());
        notary.remember(signed.note.clone()).await?;
        let changed = self.writer.take_changed();
        if !store::save(pool, self.fence, &changed, Some(&signed)).await? {
            return Err(Trouble::Overtaken);
        }
        self.fence = signed.size;
        self.signed_at = Some(Instant::now());
        self.looked_at = Instant::now();
        measure(&signed, oldest);
        notary.show(Arc::new(signed));
        Ok(())
    }

    fn checkpoint(&self, now: Timestamp) -> SignedCheckpoint {
        let key = &self.notary.settings.key;
        let checkpoint = Checkpoint {
            origin: key.name().to_owned(),
            size: self.writer.size(),
            root: self.writer.root(),
        };
        SignedCheckpoint {
            size: checkpoint.size,
            root: checkpoint.root,
            chain_hash: self.at.hash,
            signed_at: now,
            note: checkpoint.sign(key).to_string(),
        }
    }

    /// Makes sure, now and then, that the log's end and its past are still what was signed.
    async fn guard(&mut self) -> Result<(), Trouble> {
        let (notary, pool) = (self.notary, &self.notary.deps.pool);
        let limits = &notary.settings.limits;
        let size = self.at.position;
        let mut looked = Ok(());
        if self.looked_at.elapsed() >= limits.look && size > 0 {
            looked = reader::leaves(pool, self.at, size, |_, _| {}).await.map(drop);
            self.looked_at = Instant::now();
        }
        if self.thinned_at.elapsed() >= limits.thin_out {
            notary.thin_out().await;
            self.thinned_at = Instant::now();
        }
        if looked.is_ok() && self.patrolled_at.elapsed() >= limits.patrol && size > 0 {
            looked = self
                .patrol(size.min(self.patrol.position() + limits.patrol_events))
                .await;
            self.patrolled_at = Instant::now();
        }
        match looked {
            // What was passed before may have changed since.
            Err(Trouble::Alarm(alarm)) => {
                let signed = (size, self.writer.root());
                Err(recall::precisely(notary, alarm, signed).await?.into())
            }
            looked => looked,
        }
    }

    /// Goes on with the patrol; at the end of what is signed it begins anew. What is lost of the tree is stored again.
    async fn patrol(&mut self, to: u64) -> Result<(), Trouble> {
        let pool = &self.notary.deps.pool;
        self.patrol.walk(pool, &self.notary.verifier(), to).await?;
        let is_end = to == self.at.position;
        if is_end {
            self.patrol.compare(self.writer.root(), recall::LAST)?;
            self.patrol.look_at_edge(pool).await?;
        }
        let lost = self.patrol.take_borne_out();
        if !lost.is_empty() {
            warn!(
                tiles = lost.len(),
                "tiles of the notary's tree were lost or damaged: they are stored again"
            );
            if !store::save(pool, self.fence, &lost, None).await? {
                return Err(Trouble::Overtaken);
            }
        }
        if is_end {
            self.patrol = Patrol::new();
        }
        Ok(())
    }
}

fn measure(signed: &SignedCheckpoint, oldest: Option<Timestamp>) {
    let age = oldest.and_then(|oldest| (signed.signed_at - oldest).to_std().ok());
    metrics::counter!("notary_checkpoints_total").increment(1);
    metrics::histogram!("notary_lag_seconds").record(age.unwrap_or_default().as_secs_f64());
}
