//! Where installed programs are.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The first executable of that name in `PATH`.
pub fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
}

/// `livekit-server`, where `scripts/setup` links it, next to our own binary, or in `PATH`.
pub fn livekit_server() -> Option<PathBuf> {
    const NAME: &str = "livekit-server";
    let own_folder = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let beside = own_folder.iter().map(|folder| folder.join(NAME));
    // A binary below `target/` also looks into the checkout it was built in.
    let checkout = own_folder
        .iter()
        .flat_map(|folder| folder.ancestors().skip(1).take(3))
        .map(tools);
    std::iter::once(tools(Path::new("")))
        .chain(beside)
        .chain(checkout)
        .find(|candidate| is_executable(candidate))
        .and_then(|found| found.canonicalize().ok())
        .or_else(|| find_in_path(NAME))
}

fn tools(checkout: &Path) -> PathBuf {
    checkout.join(".tools/bin/livekit-server")
}

/// The folders with PostgreSQL server programs, newest version first.
pub fn postgres_binaries() -> Vec<PathBuf> {
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = packaged
        .filter_map(|entry| Some((version(&entry.file_name())?, entry.path().join("bin"))))
        .filter(|(_, folder)| has_server(folder))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let in_path = find_in_path("initdb").and_then(|found| found.canonicalize().ok());
    let in_path = in_path.and_then(|found| found.parent().map(Path::to_owned));
    let in_path = in_path.filter(|folder| has_server(folder));
    versions.into_iter().map(|(_, folder)| folder).chain(in_path).collect()
}

fn has_server(folder: &Path) -> bool {
    is_executable(&folder.join("initdb")) && is_executable(&folder.join("postgres"))
}

fn version(name: &OsStr) -> Option<u32> {
    name.to_str()?.parse().ok()
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
