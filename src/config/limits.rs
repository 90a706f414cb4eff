//! How much anybody may ask of us.

use std::net::IpAddr;
use std::num::NonZeroUsize;

use api::limits::{LimitsConfig, Rate, TrustedProxies};
use api::server::ServerLimits;
use clap::Args;
use ipnet::IpNet;

#[derive(Clone, Debug, Args)]
pub(crate) struct LimitOptions {
    /// Requests a second that one user may send in the long run; 0 is no limit
    #[arg(
        long,
        env = "BOXOFFICE_RATE_LIMIT_PER_USER",
        default_value_t = 50,
        value_name = "NUMBER"
    )]
    rate_limit_per_user: u32,
    /// Requests that one user may send at once
    #[arg(long, env = "BOXOFFICE_RATE_BURST_PER_USER", default_value_t = 200, value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..))]
    rate_burst_per_user: u32,
    /// Requests a second from one address in the long run, which may be a whole office; 0 is no limit. Of IPv6 a /64
    /// counts as one address
    #[arg(
        long,
        env = "BOXOFFICE_RATE_LIMIT_PER_ADDRESS",
        default_value_t = 2_000,
        value_name = "NUMBER"
    )]
    rate_limit_per_address: u32,
    /// Requests from one address at once
    #[arg(long, env = "BOXOFFICE_RATE_BURST_PER_ADDRESS", default_value_t = 10_000, value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..))]
    rate_burst_per_address: u32,
    /// A proxy whose `X-Forwarded-For` is believed, as an address or a network (`10.0.0.0/8`); may be repeated
    #[arg(
        long = "trusted-proxy",
        env = "BOXOFFICE_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_parser = network,
        value_name = "ADDRESS"
    )]
    trusted_proxies: Vec<IpNet>,
    /// Connections at the same time; a further one is answered 503
    #[arg(long, env = "BOXOFFICE_CONNECTIONS_MAX", default_value_t = 10_000, value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..))]
    connections_max: u32,
    /// Connections from one address, of IPv6 from one /64, at the same time; 0 is no limit, and there is none without a rate
    /// limit per address. Connections of a trusted proxy are not counted
    #[arg(
        long,
        env = "BOXOFFICE_CONNECTIONS_PER_ADDRESS",
        default_value_t = 1_000,
        value_name = "NUMBER"
    )]
    connections_per_address: u32,
}

impl LimitOptions {
    pub(crate) fn limits(&self) -> LimitsConfig {
        LimitsConfig {
            per_user: Rate::new(self.rate_limit_per_user, self.rate_burst_per_user),
            per_address: Rate::new(self.rate_limit_per_address, self.rate_burst_per_address),
            trusted_proxies: self.trusted_proxies(),
            ..LimitsConfig::default()
        }
    }

    fn trusted_proxies(&self) -> TrustedProxies {
        self.trusted_proxies.iter().copied().collect()
    }

    pub(crate) fn server_limits(&self) -> ServerLimits {
        let as_size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let per_address = NonZeroUsize::new(as_size(self.connections_per_address));
        ServerLimits {
            connections: as_size(self.connections_max),
            connections_per_address: per_address.filter(|_| self.rate_limit_per_address > 0),
            trusted_proxies: self.trusted_proxies(),
            ..ServerLimits::default()
        }
    }
}

/// An address alone is a network of one.
fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpAddr>()
        .map(IpNet::from)
        .or_else(|_| text.parse::<IpNet>())
        .map_err(|_| "must be an address or a network like 10.0.0.0/8".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitOptions,
    }

    fn parse(arguments: &[&str]) -> Result<LimitOptions, clap::Error> {
        let line = ["test"].iter().chain(arguments);
        Line::try_parse_from(line).map(|line| line.limits)
    }

    #[test]
    fn zero_is_no_limit() {
        let options = parse(&["--rate-limit-per-user", "0"]).unwrap();
        assert_eq!(options.limits().per_user, None);
        assert!(options.limits().per_address.is_some());
        assert_eq!(
            options.server_limits().connections_per_address,
            NonZeroUsize::new(1_000)
        );
        for none in ["--connections-per-address", "--rate-limit-per-address"] {
            let options = parse(&[none, "0"]).unwrap();
            assert_eq!(options.server_limits().connections_per_address, None, "{none}");
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        let options = parse(&["--trusted-proxy", "10.1.2.3", "--trusted-proxy", "fd00::/8"]).unwrap();
        let expected: [IpNet; 2] = ["10.1.2.3/32".parse().unwrap(), "fd00::/8".parse().unwrap()];
        assert_eq!(options.trusted_proxies, expected);
        assert_eq!(options.server_limits().trusted_proxies, expected.into_iter().collect());
        assert!(parse(&["--trusted-proxy", "proxy.example.org"]).is_err());
    }
}
