//! `target/bench/results.json`: a list of rows; and the curves, beside it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::markdown::Curve;
use super::row::Row;

/// The files of one run.
#[derive(Debug)]
pub(crate) struct Results {
    folder: PathBuf,
}

impl Results {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn rows_path(&self) -> PathBuf {
        self.folder.join("results.json")
    }

    fn curves_path(&self) -> PathBuf {
        self.folder.join("curves.json")
    }

    /// The rows and curves of the last run; none if there was none.
    pub(crate) fn read(&self) -> Result<(Vec<Row>, Vec<Curve>)> {
        Ok((read(&self.rows_path())?, read(&self.curves_path())?))
    }

    fn machine_path(&self) -> PathBuf {
        self.folder.join("machine.txt")
    }

    /// The machine of the last run.
    pub(crate) fn machine(&self) -> Result<String> {
        fs::read_to_string(self.machine_path()).context("there was no run yet")
    }

    pub(crate) fn write(&self, machine: &str, rows: &[Row], curves: &[Curve]) -> Result<()> {
        fs::create_dir_all(&self.folder).context("make the folder for results")?;
        fs::write(self.machine_path(), machine).context("write down the machine")?;
        write(&self.rows_path(), rows)?;
        write(&self.curves_path(), curves)
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &PathBuf) -> Result<Vec<T>> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| format!("read {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

fn write<T: serde::Serialize>(path: &PathBuf, list: &[T]) -> Result<()> {
    let text = serde_json::to_string_pretty(list)?;
    fs::write(path, text + "\n").with_context(|| format!("write {}", path.display()))
}
