//! The servers a database may be on, of which one takes writes: `postgres://user@one:5432,two:5432/db`, as libpq reads it.

use std::str::FromStr;
use std::time::Duration;

use futures::future::join_all;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use thiserror::Error;

/// How long one server may take to say what it is. A machine that is gone says nothing, and the others wait for it.
const PROBE_LIMIT: Duration = Duration::from_secs(1);
/// More servers than this are a mistake.
const HOSTS_MAX: usize = 16;

/// Where to look for the database's primary.
#[derive(Clone, Debug)]
pub struct Hosts {
    candidates: Vec<PgConnectOptions>,
}

#[derive(Debug, Error)]
pub enum HostsError {
    #[error("the database URL cannot be read")]
    Url(#[from] sqlx::Error),
    #[error("the database URL names {hosts} hosts and {ports} ports: give one port for all, or one for each")]
    Ports { hosts: usize, ports: usize },
    #[error("the database URL names more than {HOSTS_MAX} hosts")]
    TooMany,
}

impl From<PgConnectOptions> for Hosts {
    fn from(options: PgConnectOptions) -> Self {
        Self {
            candidates: vec![options],
        }
    }
}

impl FromStr for Hosts {
    type Err = HostsError;

    fn from_str(url: &str) -> Result<Self, HostsError> {
        let urls = single_urls(url)?;
        let candidates = urls.iter().map(|url| PgConnectOptions::from_str(url));
        Ok(Self {
            candidates: candidates.collect::<Result<_, _>>()?,
        })
    }
}

impl Hosts {
    #[must_use]
    pub fn map(self, change: impl Fn(PgConnectOptions) -> PgConnectOptions) -> Self {
        Self {
            candidates: self.candidates.into_iter().map(change).collect(),
        }
    }

    pub(super) fn is_several(&self) -> bool {
        self.candidates.len() > 1
    }

    /// The server named first: where to begin.
    pub fn first(&self) -> PgConnectOptions {
        self.candidates.first().cloned().unwrap_or_default()
    }

    /// Connects to the one server that takes writes, and says which it is. Of two that both would, to the one that was
    /// promoted last: the other has been left behind. A server that is named alone is not asked.
    pub async fn connect(
        &self,
        prepare: impl Fn(PgConnectOptions) -> PgConnectOptions,
    ) -> Result<(PgConnection, PgConnectOptions), sqlx::Error> {
        if let [only] = &self.candidates[..] {
            let connection = PgConnection::connect_with(&prepare(only.clone())).await?;
            return Ok((connection, only.clone()));
        }
        let probes = self.candidates.iter().map(|candidate| {
            let probed = tokio::time::timeout(PROBE_LIMIT, probe(prepare(candidate.clone())));
            async move { (candidate, probed.await.unwrap_or_else(|_| Err(no_answer()))) }
        });
        let mut failure = no_answer();
        let mut found: Option<(String, PgConnection, &PgConnectOptions)> = None;
        for (candidate, probed) in join_all(probes).await {
            match probed {
                Ok(Some((timeline, connection))) => {
                    if found.as_ref().is_none_or(|(best, ..)| *best < timeline) {
                        found = Some((timeline, connection, candidate));
                    }
                }
                Ok(None) => {}
                Err(error) => failure = error,
            }
        }
        let (_, connection, candidate) = found.ok_or(failure)?;
        Ok((connection, candidate.clone()))
    }
}

/// A server that is named alone may be another one than it was: behind the same name a standby answers before it is promoted.
pub(super) async fn require_primary(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_standby = sqlx::query_scalar!(r#"SELECT pg_is_in_recovery() AS "is_standby!""#)
        .fetch_one(connection)
        .await?;
    if is_standby { Err(no_answer()) } else { Ok(()) }
}

fn no_answer() -> sqlx::Error {
    let reason = "no server of the database URL takes writes";
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::NotConnected, reason))
}

/// The timeline of a primary, in hexadecimal of a fixed width; `None` if the server is a standby.
async fn probe(options: PgConnectOptions) -> Result<Option<(String, PgConnection)>, sqlx::Error> {
    let mut connection = PgConnection::connect_with(&options).await?;
    let timeline = sqlx::query_scalar!(
        r#"
        SELECT CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline
        "#
    )
    .fetch_one(&mut connection)
    .await?;
    Ok(timeline.map(|timeline| (timeline, connection)))
}

/// One URL for each host.
fn single_urls(url: &str) -> Result<Vec<String>, HostsError> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (user, hosts) = authority
        .rsplit_once('@')
        .map_or(("", authority), |(user, hosts)| (user, hosts));
    let user = if user.is_empty() {
        String::new()
    } else {
        format!("{user}@")
    };
    let (mut sockets, mut ports, mut others) = (vec![], vec![], vec![]);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("host", value)) => sockets = value.split(',').collect(),
            Some(("port", value)) => ports = value.split(',').collect(),
            // Which of them is wanted, we find out by ourselves.
            Some(("target_session_attrs" | "load_balance_hosts", _)) => {}
            _ => others.push(parameter),
        }
    }
    let hosts: Vec<&str> = hosts.split(',').collect();
    let count = hosts.len().max(sockets.len()).max(ports.len());
    if count > HOSTS_MAX {
        return Err(HostsError::TooMany);
    }
    let fits = |list: &[&str]| list.len() <= 1 || list.len() == count;
    if !fits(&hosts) || !fits(&sockets) || !fits(&ports) {
        let ports = ports.len().max(sockets.len());
        return Err(HostsError::Ports {
            hosts: hosts.len(),
            ports,
        });
    }
    let urls = (0..count).map(|nth| {
        let of = |list: &[&str]| list.get(nth).or(list.first()).map(|value| (*value).to_owned());
        let mut parameters: Vec<String> = others.iter().map(|other| (*other).to_owned()).collect();
        parameters.extend(of(&sockets).map(|host| format!("host={host}")));
        parameters.extend(of(&ports).map(|port| format!("port={port}")));
        let query = if parameters.is_empty() {
            String::new()
        } else {
            format!("?{}", parameters.join("&"))
        };
        format!("{scheme}://{user}{}{path}{query}", of(&hosts).unwrap_or_default())
    });
    Ok(urls.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_one_host_stays_what_it_is() {
        let url = "postgres://u:p@h:5432/db?sslmode=disable";
        assert_eq!(single_urls(url).unwrap(), [url]);
        let socket = "postgres://u@localhost/db?host=/run/pg";
        assert_eq!(single_urls(socket).unwrap(), [socket]);
    }

    #[test]
    fn a_url_of_several_hosts_is_one_of_each() {
        assert_eq!(
            single_urls("postgres://u:p@h1:5432,h2:5433/db?target_session_attrs=read-write").unwrap(),
            ["postgres://u:p@h1:5432/db", "postgres://u:p@h2:5433/db"]
        );
        assert_eq!(
            single_urls("postgres://u@localhost/db?host=/a,/b&port=5501,5502").unwrap(),
            [
                "postgres://u@localhost/db?host=/a&port=5501",
                "postgres://u@localhost/db?host=/b&port=5502"
            ]
        );
        assert_eq!(
            single_urls("postgres://u@localhost/db?host=/a&port=5501,5502").unwrap(),
            [
                "postgres://u@localhost/db?host=/a&port=5501",
                "postgres://u@localhost/db?host=/a&port=5502"
            ]
        );
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let error = single_urls("postgres://h1,h2,h3/db?port=1,2").unwrap_err();
        assert!(matches!(error, HostsError::Ports { hosts: 3, ports: 2 }), "{error}");
    }
}
