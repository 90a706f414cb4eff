//! Whether rooms are recorded, by what, and where to.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::managed::data_dir::DataDir;

/// As for a room.
const RETENTION_DAYS_MAX: u32 = 3_650;

#[derive(Clone, Debug, Args)]
pub(crate) struct RecordingOptions {
    /// What records rooms whose hosts allow it. `auto` is `built-in` where its Python is installed, else `off`
    #[arg(long, env = "BOXOFFICE_RECORDER", value_enum, default_value_t = RecorderKind::Auto, value_name = "RECORDER")]
    recorder: RecorderKind,
    /// Folder for recordings; with several nodes, one that all of them see. Default: `recordings` in the data folder
    #[arg(long, env = "BOXOFFICE_RECORDINGS", value_name = "PATH")]
    recordings: Option<PathBuf>,
    /// Python with the packages `livekit` and `numpy`, for the built-in recorder
    #[arg(
        long,
        env = "BOXOFFICE_PYTHON",
        default_value = ".tools/venv/bin/python",
        value_name = "PATH"
    )]
    recorder_python: PathBuf,
    /// The folder for recordings as LiveKit Egress sees it
    #[arg(long, env = "BOXOFFICE_EGRESS_FOLDER", value_name = "PATH")]
    egress_folder: Option<String>,
    /// How long a recording is kept once it was stopped, if its room does not say
    #[arg(
        long,
        env = "BOXOFFICE_RECORDING_RETENTION_DAYS",
        default_value_t = 30,
        value_name = "DAYS"
    )]
    recording_retention_days: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum RecorderKind {
    Auto,
    BuiltIn,
    Egress,
    Off,
}

/// What is to record.
#[derive(Clone, Debug)]
pub(crate) enum RecorderChoice {
    BuiltIn { python: PathBuf },
    Egress { folder: String },
    Off,
}

impl RecordingOptions {
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        ensure!(
            (1..=RETENTION_DAYS_MAX).contains(&self.recording_retention_days),
            "BOXOFFICE_RECORDING_RETENTION_DAYS must be 1 to {RETENTION_DAYS_MAX}"
        );
        self.choice().map(drop)
    }

    pub(crate) fn choice(&self) -> anyhow::Result<RecorderChoice> {
        let python = self.recorder_python.clone();
        Ok(match self.recorder {
            RecorderKind::Auto if python.is_file() => RecorderChoice::BuiltIn { python },
            RecorderKind::Auto | RecorderKind::Off => RecorderChoice::Off,
            RecorderKind::BuiltIn => RecorderChoice::BuiltIn { python },
            RecorderKind::Egress => {
                let folder = super::given(self.egress_folder.clone());
                let folder = folder.context("BOXOFFICE_RECORDER=egress needs BOXOFFICE_EGRESS_FOLDER")?;
                RecorderChoice::Egress { folder }
            }
        })
    }

    pub(crate) fn folder(&self, data_dir: &DataDir) -> PathBuf {
        self.recordings.clone().unwrap_or_else(|| data_dir.file("recordings"))
    }

    pub(crate) const fn retention_days(&self) -> u32 {
        self.recording_retention_days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(recorder: RecorderKind, egress_folder: Option<&str>) -> RecordingOptions {
        RecordingOptions {
            recorder,
            recordings: None,
            recorder_python: PathBuf::from("/nowhere/python"),
            egress_folder: egress_folder.map(str::to_owned),
            recording_retention_days: 30,
        }
    }

    #[test]
    fn egress_needs_its_folder_and_python_is_not_asked_for() {
        assert!(options(RecorderKind::Egress, None).validate().is_err());
        let egress = options(RecorderKind::Egress, Some("/out")).choice().expect("a choice");
        assert!(matches!(egress, RecorderChoice::Egress { folder } if folder == "/out"));
        let auto = options(RecorderKind::Auto, None).choice().expect("a choice");
        assert!(matches!(auto, RecorderChoice::Off));
        let mut for_ever = options(RecorderKind::Off, None);
        for_ever.recording_retention_days = 0;
        assert!(for_ever.validate().is_err());
    }
}
