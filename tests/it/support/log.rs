//! On which log the shops are built: `BOXOFFICE_TEST_LOG` is `postgres` (and nothing means that), `esdb` or `kurrentdb`.

use std::collections::HashMap;
use std::sync::Mutex;

use anyhow::{Result, bail};
use esdb_fake::EsdbFake;

/// One engine beside each database, for as long as the test runs.
static ENGINES: Mutex<Option<HashMap<String, EsdbFake>>> = Mutex::new(None);

/// The address of the engine that belongs to a database, if the log does not lie there.
pub(super) fn url(database_url: &str) -> Result<Option<String>> {
    let kind = std::env::var("BOXOFFICE_TEST_LOG").unwrap_or_default();
    match &*kind {
        "" | "postgres" => return Ok(None),
        "esdb" | "kurrentdb" => {}
        other => bail!("BOXOFFICE_TEST_LOG={other}"),
    }
    let mut engines = ENGINES.lock().expect("nobody panicked");
    let engines = engines.get_or_insert_default();
    if !engines.contains_key(database_url) {
        engines.insert(database_url.to_owned(), EsdbFake::start()?);
    }
    let url = engines.get(database_url).map(EsdbFake::url);
    Ok(url.map(|url| url.replacen("esdb", &kind, 1)))
}
