//! What records.

use std::sync::Arc;

use anyhow::Context as _;
use api::Keeping;
use media_bridge::recording::{self, BuiltIn, Egress, Recorder, RecordingDeps, Storage};

use super::{Core, Doors};
use crate::commands::serve::Options;
use crate::config::RecorderChoice;
use crate::lifecycle::Lifecycle;
use crate::managed::data_dir::DataDir;

/// Starts keeping recordings. Also without a recorder: what was recorded is deleted when it is due.
pub(super) fn start(
    options: &Options,
    data_dir: &DataDir,
    core: &Core,
    doors: Option<&Doors>,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Keeping> {
    let folder = options.recording.folder(data_dir);
    let storage = Storage::open(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
    let choice = options.recording.choice()?;
    let recorder = doors.and_then(|doors| recorder(choice, doors, &storage));
    let keeping = Keeping {
        storage: storage.clone(),
        records: recorder.is_some(),
        retention_days: options.recording.retention_days(),
    };
    let deps = RecordingDeps {
        log: Arc::clone(&core.log),
        aggregates: core.aggregates.clone(),
        pool: core.pool.clone(),
        clock: Arc::clone(&core.clock),
        storage,
        recorder,
    };
    recording::start(deps, &lifecycle.back, &lifecycle.back_cancel);
    Ok(keeping)
}

fn recorder(choice: RecorderChoice, doors: &Doors, storage: &Storage) -> Option<Arc<dyn Recorder>> {
    match choice {
        RecorderChoice::BuiltIn { python } => {
            let url = &doors.livekit.url;
            Some(Arc::new(BuiltIn::new(&doors.bridge, python, url, storage.clone())))
        }
        RecorderChoice::Egress { folder } => Some(Arc::new(Egress::new(&doors.livekit, &folder))),
        RecorderChoice::Off => None,
    }
}
