//! `boxoffice vault`: the key that the names of people are locked with.

use clap::Subcommand;
use secrecy::ExposeSecret;
use vault::VaultKey;

use crate::output;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a vault key for the file that `BOXOFFICE_VAULT_KEY_FILE` names; it goes to stdout, its id to stderr
    Generate,
}

pub(crate) fn run(command: Command) {
    match command {
        Command::Generate => {
            let key = VaultKey::random();
            output::remark(format!("vault key {}", key.id()));
            output::line(key.reveal().expose_secret());
        }
    }
}
