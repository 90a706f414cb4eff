//! Where files go.

use std::path::PathBuf;

use clap::Args;

use crate::managed::data_dir::DataDir;

#[derive(Clone, Debug, Args)]
pub(crate) struct DataOptions {
    /// Folder for the private database and generated secrets
    #[arg(long, env = "BOXOFFICE_DATA_DIR", default_value = ".boxoffice", value_name = "PATH")]
    data_dir: PathBuf,
}

impl DataOptions {
    pub(crate) fn open(&self) -> anyhow::Result<DataDir> {
        DataDir::open(&self.data_dir)
    }
}
