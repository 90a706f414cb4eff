//! What the names of people are locked with.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use vault::VaultKey;

use crate::managed::data_dir::{DataDir, read_secret};

#[derive(Clone, Debug, Args)]
pub(crate) struct VaultOptions {
    /// File with the vault key, `VAULT+KEY+…`, which locks what people say of themselves; the same on every node, and never in
    /// the database. Default: `vault.key` in the data folder, made on first use
    #[arg(long, env = "BOXOFFICE_VAULT_KEY_FILE", value_name = "PATH")]
    vault_key_file: Option<PathBuf>,
}

impl VaultOptions {
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        self.configured().map(drop)
    }

    pub(crate) const fn is_shared(&self) -> bool {
        self.vault_key_file.is_some()
    }

    pub(crate) fn resolve(&self, data_dir: &DataDir) -> anyhow::Result<VaultKey> {
        match self.configured()? {
            Some(key) => Ok(key),
            None => data_dir.vault_key(),
        }
    }

    /// The same, if it is there: none is made.
    pub(crate) fn known(&self, data_dir: &DataDir) -> anyhow::Result<Option<VaultKey>> {
        match self.configured()? {
            Some(key) => Ok(Some(key)),
            None => data_dir.known_vault_key(),
        }
    }

    /// A file that is named has to be there: with a key of its own this node would read nothing of what the others lock.
    fn configured(&self) -> anyhow::Result<Option<VaultKey>> {
        let key = self.vault_key_file.as_deref().map(read_secret).transpose();
        key.context("BOXOFFICE_VAULT_KEY_FILE: `boxoffice vault generate` makes a key")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        vault: VaultOptions,
    }

    fn parse(arguments: &[&str]) -> VaultOptions {
        let line = ["test"].iter().chain(arguments);
        Line::try_parse_from(line).unwrap().vault
    }

    #[test]
    fn without_settings_it_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(folder.path()).unwrap();
        assert!(parse(&[]).known(&data_dir).unwrap().is_none());
        let first = parse(&[]).resolve(&data_dir).unwrap();
        assert_eq!(parse(&[]).known(&data_dir).unwrap().unwrap().id(), first.id());
        let again = parse(&[]).resolve(&data_dir).unwrap();
        assert_eq!(first.id(), again.id());
        let mode = data_dir.file("vault.key").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn nodes_share_a_file_and_one_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(&folder.path().join("data")).unwrap();
        let file = folder.path().join("shared.key");
        let options = parse(&["--vault-key-file", file.to_str().unwrap()]);
        assert!(options.validate().is_err() && options.resolve(&data_dir).is_err());
        assert!(!file.exists() && !data_dir.file("vault.key").exists());
        let key = VaultKey::random();
        std::fs::write(&file, format!("{}\n", key.reveal().expose_secret())).unwrap();
        options.validate().unwrap();
        assert_eq!(options.resolve(&data_dir).unwrap().id(), key.id());
        std::fs::write(&file, "hunter2").unwrap();
        let refused = format!("{:#}", options.validate().unwrap_err());
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}
