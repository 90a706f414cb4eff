//! The commands of `docs/OPERATIONS.md` work as they stand there.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

const LIMIT: Duration = Duration::from_secs(100);
/// What a reader who is done does; also after a failure.
const CLEAN_UP: &str = "
stop_all() {
    kill $(jobs -p) 2>/dev/null || true
    wait || true
    for one in one two; do as $B/pg_ctl -D $PG_SOCKET/$one -m immediate stop >/dev/null 2>&1 || true; done
    rm -rf $PG_SOCKET
}
trap stop_all EXIT
";
const ONE_LEADS: &str = "
[ $(for n in 1 2 3; do curl -s http://127.0.0.1:820$n/metrics; done | grep -c '^log_leading 1') = 1 ]
";
/// A name that was said at one node is read at the others, whoever of them leads.
const EVERY_NODE_NAMES_PEOPLE: &str = "
token=$(boxoffice token --user hedy 2>/dev/null)
profile() { curl -s -H \"Authorization: Bearer $token\" http://127.0.0.1:810$1/v1/me/profile \"${@:2}\"; }
profile 2 -X PUT -H 'Content-Type: application/json' -d '{\"display_name\": \"Hedy\"}' | grep -q Hedy
for n in 1 2 3; do profile $n | grep -q Hedy; done
";
const SERVES_AGAIN: &str = "
for n in 1 2 3; do
    for i in $(seq 100); do curl -sf http://127.0.0.1:810$n/readyz >/dev/null && break; sleep 0.2; done
    curl -sf http://127.0.0.1:810$n/readyz
done
until [ $(for n in 1 2 3; do curl -s http://127.0.0.1:820$n/metrics; done | grep -c '^log_leading 1') = 1 ]; do sleep 0.2; done
echo all is well
";

/// The block of commands under `<!-- runs: name -->`.
pub(crate) fn commands<'a>(page: &'a str, name: &str) -> Result<&'a str> {
    let mark = format!("<!-- runs: {name} -->\n```sh\n");
    let (_, rest) = page
        .split_once(&mark)
        .with_context(|| format!("the page has commands `{name}`"))?;
    let (block, _) = rest.split_once("```").context("the block ends")?;
    Ok(block)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_page_work_when_pasted() -> Result<()> {
    let own = std::fs::metadata("/proc/self")?;
    if std::os::unix::fs::MetadataExt::uid(&own) != 0 {
        return Ok(()); // the page says: as root
    }
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md"))?;
    let script = [
        "set -euo pipefail\n",
        commands(&page, "standby")?,
        CLEAN_UP,
        commands(&page, "url")?,
        commands(&page, "vault")?,
        commands(&page, "nodes")?,
        ONE_LEADS,
        EVERY_NODE_NAMES_PEOPLE,
        commands(&page, "promote")?,
        SERVES_AGAIN,
    ]
    .concat();
    let folder = tempfile::tempdir()?;
    let binaries = Path::new(env!("CARGO_BIN_EXE_boxoffice"))
        .parent()
        .context("a folder")?;
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(script).current_dir(folder.path()).env("PATH", path);
    bash.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, bash.output())
        .await
        .context("the commands take too long")??;
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success() && out.contains("all is well"), "{out}\n{err}");
    Ok(())
}
