//! Where we listen, and how clients reach us.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, ensure};
use clap::Args;

#[derive(Clone, Debug, Args)]
pub(crate) struct HttpOptions {
    /// Address of the API; port 0 takes a free one
    #[arg(
        long,
        env = "BOXOFFICE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub(crate) listen: SocketAddr,
    /// Address of `/metrics`; port 0 takes a free one
    #[arg(
        long,
        env = "BOXOFFICE_METRICS_LISTEN",
        default_value = "127.0.0.1:9464",
        value_name = "ADDRESS"
    )]
    pub(crate) metrics_listen: SocketAddr,
    /// How clients reach the API from outside, if not by the address it listens on: `https://tickets.example.org`
    #[arg(long, env = "BOXOFFICE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// How the other nodes on the same database reach the API of this one, `http://host:port`; by default the address it
    /// listens on
    #[arg(long, env = "BOXOFFICE_ADVERTISE_URL", value_name = "URL")]
    advertise_url: Option<String>,
}

impl HttpOptions {
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        if let Some(url) = super::given(self.advertise_url.as_deref()) {
            let parsed = reqwest::Url::parse(url).with_context(|| format!("read the advertised URL `{url}`"))?;
            ensure!(
                parsed.scheme() == "http" && parsed.path() == "/" && parsed.query().is_none(),
                "the advertised URL `{url}` must be http://host:port"
            );
        }
        let Some(url) = super::given(self.public_url.as_deref()) else {
            return Ok(());
        };
        let parsed = reqwest::Url::parse(url).with_context(|| format!("read the public URL `{url}`"))?;
        ensure!(
            matches!(parsed.scheme(), "http" | "https") && parsed.query().is_none() && parsed.fragment().is_none(),
            "the public URL `{url}` must be http(s)://host[:port][/path]"
        );
        Ok(())
    }

    /// The base of every URL we give to clients, without a slash at its end.
    pub(crate) fn public_url(&self, bound: SocketAddr) -> String {
        super::given(self.public_url.as_deref())
            .map_or_else(|| local_url(bound), |url| url.trim_end_matches('/').to_owned())
    }

    /// Where other nodes reach us. An address that means every interface of this machine means nothing to another one.
    pub(crate) fn advertise_url(&self, bound: SocketAddr) -> Option<String> {
        let given = super::given(self.advertise_url.as_deref());
        let listening = (!bound.ip().is_unspecified()).then(|| local_url(bound));
        given.map(|url| url.trim_end_matches('/').to_owned()).or(listening)
    }

    /// The same place for a WebSocket.
    pub(crate) fn public_ws_url(&self, bound: SocketAddr) -> String {
        // http → ws, https → wss
        self.public_url(bound).replacen("http", "ws", 1)
    }
}

/// How programs on this machine reach a listener of ours.
pub(crate) fn local_url(bound: SocketAddr) -> String {
    let address = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from(([127, 0, 0, 1], bound.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], bound.port())),
        _ => bound,
    };
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(public_url: Option<&str>) -> HttpOptions {
        HttpOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: public_url.map(str::to_owned),
            advertise_url: None,
        }
    }

    #[test]
    fn clients_get_the_address_we_listen_on_unless_told_otherwise() {
        let bound = SocketAddr::from(([0, 0, 0, 0], 8080));
        assert_eq!(options(None).public_url(bound), "http://127.0.0.1:8080");
        assert_eq!(options(Some("  ")).public_url(bound), "http://127.0.0.1:8080");
        let outside = options(Some("https://tickets.example.org/"));
        assert_eq!(outside.public_url(bound), "https://tickets.example.org");
        assert_eq!(outside.public_ws_url(bound), "wss://tickets.example.org");
    }

    #[test]
    fn other_nodes_get_the_address_we_listen_on_if_it_means_something_to_them() {
        let mut options = options(None);
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 8080));
        assert_eq!(options.advertise_url(everywhere), None);
        let private = SocketAddr::from(([10, 0, 0, 7], 8080));
        assert_eq!(options.advertise_url(private).as_deref(), Some("http://10.0.0.7:8080"));
        options.advertise_url = Some("http://node-a:8080/".to_owned());
        assert!(options.validate().is_ok());
        assert_eq!(options.advertise_url(everywhere).as_deref(), Some("http://node-a:8080"));
        options.advertise_url = Some("https://node-a:8080".to_owned());
        assert!(options.validate().is_err(), "nodes speak plain HTTP among themselves");
    }

    #[test]
    fn a_public_url_that_is_none_is_refused() {
        assert!(options(Some("tickets.example.org")).validate().is_err());
        assert!(options(Some("ftp://tickets.example.org")).validate().is_err());
        assert!(options(Some("https://tickets.example.org")).validate().is_ok());
    }
}
