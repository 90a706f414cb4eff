//! The tree beside the chain: whether the events are those that the notary signed.
//!
//! A chain is whole in itself, also if somebody has made all of it anew. A checkpoint is signed with a key that the database does not
//! hold: its root is computed here again from the events alone. Which of them are others, a root does not tell; but the first of
//! them lies behind the last checkpoint that agrees.

use std::cmp::Reverse;
use std::io::{self, BufRead, BufReader};

use notary::{Checkpoint, Frontier, VerifierKey};
use zstd::Decoder;

use super::verdict::{Trouble, Vouched};
use super::{Flaw, is_of_the_bundle};
use crate::format::{CHECKPOINTS, Hash, KEY, KEY_MAX, WINDOW_LOG, read_note};
use crate::{ArchiveError, Bundle};

/// What a bundle is held against from outside. Without a key, the bundle's own is believed.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pub key: Option<VerifierKey>,
    /// Signed notes that somebody has kept.
    pub checkpoints: Vec<String>,
}

/// Checkpoints by size, and the tree as far as it has grown.
pub(super) struct Evidence {
    key: Option<VerifierKey>,
    key_was_given: bool,
    frontier: Frontier,
    /// The bundle's own, read as they are needed: the next one, and the text of those behind it.
    next: Option<Checkpoint>,
    own: Option<Box<dyn BufRead + Send>>,
    /// Those that were given, the smallest last.
    given: Vec<Checkpoint>,
    agreed: Option<Checkpoint>,
    count: u64,
    /// What is wrong with the bundle's key or checkpoints. No event is wrong because of it, so whatever is comes first.
    flaw: Option<Flaw>,
}

impl Evidence {
    pub(super) fn open(bundle: &Bundle, trust: &Trust) -> Result<Self, Trouble> {
        let mut flaw = None;
        let key = match &trust.key {
            Some(key) => Some(key.clone()),
            None => defer(own_key(bundle), &mut flaw)?,
        };
        if !trust.checkpoints.is_empty()
            && let Some(flaw) = flaw
        {
            // There is no telling whether they are the log's.
            return Err(flaw.into());
        }
        let mut given = Vec::with_capacity(trust.checkpoints.len());
        for note in &trust.checkpoints {
            let key = key.as_ref().ok_or(ArchiveError::NoKey)?;
            let opened = Checkpoint::open(note, key).map_err(ArchiveError::Checkpoint)?;
            given.push(opened.checkpoint);
        }
        given.sort_by_key(|checkpoint| Reverse(checkpoint.size));
        let own = match &key {
            Some(_) => defer(own_checkpoints(bundle), &mut flaw)?,
            None => None,
        };
        let mut evidence = Self {
            own,
            key,
            key_was_given: trust.key.is_some(),
            frontier: Frontier::new(),
            next: None,
            given,
            agreed: None,
            count: 0,
            flaw,
        };
        evidence.read_next();
        evidence.compare()?;
        Ok(evidence)
    }

    /// Whether a checkpoint is left that says what the tree is.
    pub(super) fn is_awaited(&self) -> bool {
        self.due().is_some()
    }

    /// Adds the leaves of the next events.
    pub(super) fn extend(&mut self, leaves: &[[u8; 32]]) -> Result<(), Trouble> {
        let mut due = self.due();
        for leaf in leaves {
            self.frontier.push(*leaf);
            if due == Some(self.frontier.size()) {
                self.compare()?;
                due = self.due();
            }
        }
        Ok(())
    }

    /// The size at which the next checkpoint says what the tree is.
    fn due(&self) -> Option<u64> {
        let left = self.next.iter().chain(self.given.last());
        left.map(|checkpoint| checkpoint.size).min()
    }

    /// Holds the tree against every checkpoint of its size.
    fn compare(&mut self) -> Result<(), Trouble> {
        let size = self.frontier.size();
        while let Some(own) = self.next.take_if(|own| own.size == size) {
            self.hold_against(own)?;
            self.read_next();
        }
        while let Some(given) = self.given.pop_if(|given| given.size == size) {
            self.hold_against(given)?;
        }
        Ok(())
    }

    fn hold_against(&mut self, signed: Checkpoint) -> Result<(), Flaw> {
        if self.frontier.root() == signed.root {
            self.count += 1;
            self.agreed = Some(signed);
            return Ok(());
        }
        let (origin, size) = (&signed.origin, signed.size);
        let (first, before) = match &self.agreed {
            Some(agreed) => (
                agreed.size + 1,
                format!("the last checkpoint that agrees is of {} events", agreed.size),
            ),
            None => (1, "no checkpoint of fewer events agrees".to_owned()),
        };
        let reason =
            format!("the first {size} events are not those that {origin} signed, although their chain holds; {before}");
        Err(Flaw::between(first, size, reason))
    }

    /// Reads the bundle's next checkpoint. Behind one that is none, nothing is believed.
    fn read_next(&mut self) {
        match self.read_own() {
            Ok(next) => self.next = next,
            Err(flaw) => self.flaw = Some(flaw),
        }
        if self.next.is_none() {
            self.own = None;
        }
    }

    fn read_own(&mut self) -> Result<Option<Checkpoint>, Flaw> {
        let (Some(own), Some(key)) = (&mut self.own, &self.key) else {
            return Ok(None);
        };
        let line = read_note(own).map_err(|error| Flaw::beside(format!("{CHECKPOINTS} cannot be read: {error}")))?;
        let Some(line) = line else {
            return Ok(None);
        };
        let of = format!("{CHECKPOINTS}, of {} events", line.size);
        let opened = Checkpoint::open(&line.note, key).map_err(|error| Flaw::beside(format!("{of}: {error}")))?;
        if opened.checkpoint.size != line.size || line.size < self.frontier.size() {
            return Err(Flaw::beside(format!("{of}: the checkpoint is not in its place")));
        }
        Ok(Some(opened.checkpoint))
    }

    /// What vouches for the log, which ends at `end`, and what is wrong with the bundle's own evidence; or the flaw, if more
    /// was signed than is there.
    pub(super) fn finish(self, end: u64) -> Result<(Option<Vouched>, Option<Flaw>), Flaw> {
        let left = self.next.iter().chain(self.given.first());
        if let Some(missing) = left.max_by_key(|checkpoint| checkpoint.size) {
            let (origin, size) = (&missing.origin, missing.size);
            let reason = format!("missing: {origin} signed {size} events, and the log ends at {end}");
            return Err(Flaw::at(end + 1, reason));
        }
        let key_id = self.key.as_ref().map(VerifierKey::id).unwrap_or_default();
        let vouched = self.agreed.map(|agreed| Vouched {
            size: agreed.size,
            root: Hash(agreed.root),
            origin: agreed.origin,
            key_id: format!("{:08x}", u32::from_be_bytes(key_id)),
            key_was_given: self.key_was_given,
            checkpoints: self.count,
        });
        Ok((vouched, self.flaw))
    }
}

/// Goes on without what is flawed.
fn defer<T>(found: Result<Option<T>, Trouble>, flaw: &mut Option<Flaw>) -> Result<Option<T>, Trouble> {
    match found {
        Err(Trouble::Flaw(found)) => {
            *flaw = Some(found);
            Ok(None)
        }
        found => found,
    }
}

fn own_key(bundle: &Bundle) -> Result<Option<VerifierKey>, Trouble> {
    if !bundle.lists(KEY) {
        return Ok(None);
    }
    let unreadable = |error: &dyn ToString| Flaw::beside(format!("{KEY} cannot be read: {}", error.to_string()));
    let bytes = match bundle.read(KEY, KEY_MAX) {
        Ok(bytes) => bytes,
        Err(error) if is_of_the_bundle(error.kind()) => return Err(unreadable(&error).into()),
        Err(source) => return Err(ArchiveError::file("read the key of", bundle.path(), source).into()),
    };
    let text = String::from_utf8(bytes).map_err(|error| unreadable(&error))?;
    Ok(Some(
        text.parse().map_err(|error: notary::KeyError| unreadable(&error))?,
    ))
}

fn own_checkpoints(bundle: &Bundle) -> Result<Option<Box<dyn BufRead + Send>>, Trouble> {
    if !bundle.has_checkpoints() {
        return Ok(None);
    }
    match bundle.reader(CHECKPOINTS).and_then(decoded) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_of_the_bundle(error.kind()) => {
            Err(Flaw::beside(format!("{CHECKPOINTS} cannot be read: {error}")).into())
        }
        Err(source) => Err(ArchiveError::file("read the checkpoints of", bundle.path(), source).into()),
    }
}

fn decoded(file: Box<dyn io::Read + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let mut decoder = Decoder::new(file)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(Box::new(BufReader::new(decoder)))
}
