//! The folder that holds everything one installation keeps on disk: the private database, generated secrets, and the lock
//! that gives it to one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};
use event_log::Witness;
use notary::{KeyName, Memory, SigningKey};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use vault::VaultKey;

use crate::hex;

/// Bytes of randomness in a generated secret.
const SECRET_BYTES: usize = 32;
const NOTARY_KEY: &str = "notary.key";
const VAULT_KEY: &str = "vault.key";

#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

/// The data folder is ours as long as this lives; the kernel takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl DataDir {
    /// Makes the folder if it does not exist.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("make data folder {}", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("find data folder {}", path.display()))?;
        Ok(Self { path })
    }

    /// Absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A name for this folder that is the same every time, and short enough for a socket's path.
    pub(crate) fn short_name(&self) -> String {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, self.path.as_os_str().as_encoded_bytes());
        id.simple().to_string()[..12].to_owned()
    }

    /// Takes the folder for this process. `None` if another has it.
    pub fn try_lock(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.file("lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).context("write the lock")?;
                write!(file, "{}", std::process::id()).context("write the lock")?;
                Ok(Some(Lock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
        }
    }

    /// Takes the folder for a server; says who has it otherwise.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let Some(lock) = self.try_lock()? else {
            let owner = fs::read_to_string(self.file("lock")).unwrap_or_default();
            bail!(
                "another boxoffice (process {owner}) is using the data folder {}. Stop it, or give this one a folder of \
                 its own with --data-dir",
                self.path.display()
            );
        };
        Ok(lock)
    }

    /// Who this installation is among the nodes on one database: the same at every start.
    pub(crate) fn node_id(&self) -> anyhow::Result<Uuid> {
        let path = self.file("node.id");
        if !path.exists() {
            create_once(&path, &Uuid::new_v4().to_string()).with_context(|| format!("make {}", path.display()))?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Uuid::parse_str(text.trim())
            .with_context(|| format!("{} holds no id: delete it, a new one is made", path.display()))
    }

    /// Where this node keeps what it saw last of the log.
    pub(crate) fn witness(&self) -> Witness {
        Witness::at(self.file("log.witness"))
    }

    /// The key that signs checkpoints, made on first use and readable by its owner only.
    pub(crate) fn notary_key(&self) -> anyhow::Result<SigningKey> {
        let path = self.file(NOTARY_KEY);
        if !path.exists() {
            let id = Uuid::new_v4().simple().to_string();
            let name: KeyName = format!("boxoffice/{}", &id[..12]).parse()?;
            let key = SigningKey::random(name).reveal();
            create_once(&path, &key).with_context(|| format!("make {}", path.display()))?;
        }
        read_secret(&path)
    }

    /// The same, if it was made.
    pub(crate) fn known_notary_key(&self) -> anyhow::Result<Option<SigningKey>> {
        let path = self.file(NOTARY_KEY);
        path.exists().then(|| read_secret(&path)).transpose()
    }

    /// The key that locks what people say of themselves, made on first use and readable by its owner only.
    pub(crate) fn vault_key(&self) -> anyhow::Result<VaultKey> {
        let path = self.file(VAULT_KEY);
        if !path.exists() {
            let key = VaultKey::random().reveal();
            create_once(&path, key.expose_secret()).with_context(|| format!("make {}", path.display()))?;
        }
        read_secret(&path)
    }

    /// The same, if it was made.
    pub(crate) fn known_vault_key(&self) -> anyhow::Result<Option<VaultKey>> {
        let path = self.file(VAULT_KEY);
        path.exists().then(|| read_secret(&path)).transpose()
    }

    /// Where the notary keeps what it signed last.
    pub(crate) fn notary_memory(&self) -> Memory {
        Memory::at(self.file("notary.checkpoint"))
    }

    /// Puts the memory of a log that ended aside, and its key if it is in this folder: a new one is made.
    pub(crate) fn retire_notary(&self, with_key: bool) -> anyhow::Result<()> {
        let stamp = Uuid::new_v4().simple().to_string();
        let memory = self.notary_memory().path().to_owned();
        let key = with_key.then(|| self.file(NOTARY_KEY));
        for path in key.into_iter().chain([memory]).filter(|path| path.exists()) {
            let mut aside = path.clone().into_os_string();
            aside.push(format!(".retired-{}", &stamp[..12]));
            fs::rename(&path, &aside).with_context(|| format!("put {} aside", path.display()))?;
        }
        Ok(())
    }

    /// A secret of this installation, made on first use and readable by its owner only.
    pub fn secret(&self, name: &str) -> anyhow::Result<SecretString> {
        let path = self.file(name);
        if !path.exists() {
            create_secret(&path).with_context(|| format!("make secret {}", path.display()))?;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("read secret {}", path.display()))?;
        anyhow::ensure!(
            text.len() >= SECRET_BYTES,
            "{} is too short for a secret: delete it, a new one is made",
            path.display()
        );
        Ok(SecretString::from(text))
    }
}

/// A key in a file, whose text is wiped.
pub(crate) fn read_secret<Key>(path: &Path) -> anyhow::Result<Key>
where
    Key: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let text = SecretString::from(text);
    let key = text.expose_secret().parse();
    key.with_context(|| format!("use the key in {}", path.display()))
}

fn create_secret(path: &Path) -> anyhow::Result<()> {
    let mut bytes = [0_u8; SECRET_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    create_once(path, &hex::encode(&bytes))
}

/// Two processes may do this at once: the first file to get the name wins, and is complete and on the disk when it has it.
fn create_once(path: &Path, text: &str) -> anyhow::Result<()> {
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    write_private(&draft, text)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    // Of a key that was used, a crash must not leave the signatures alone.
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Writes a file that nobody but its owner can read, to the disk.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
