//! Where webhooks may go: to the internet, and not to what is near the server and trusts it.
//!
//! A name is resolved once, its addresses are judged, and the connection is made to these very addresses: a name that
//! changes its mind in between gains nothing. An address that is written into the URL is judged before every delivery.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

pub(super) const URL_LENGTH_MAX: usize = 2_048;

/// Why a URL is no place for webhooks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum TargetError {
    #[error("must be an absolute URL of at most {URL_LENGTH_MAX} characters")]
    NoUrl,
    #[error("must be https")]
    NotHttps,
    #[error("must not have a user, a password or a fragment")]
    Decorated,
    #[error("leads to this machine or a private network, which is not allowed here")]
    Private,
}

/// A URL that may be called as far as it tells by itself; what its name resolves to is judged when it is called.
pub(super) fn parse(url: &str, allow_private: bool) -> Result<Url, TargetError> {
    if url.len() > URL_LENGTH_MAX {
        return Err(TargetError::NoUrl);
    }
    let url = Url::parse(url).map_err(|_| TargetError::NoUrl)?;
    let host = url.host_str().ok_or(TargetError::NoUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => return Err(TargetError::NotHttps),
        _ => return Err(TargetError::NoUrl),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(TargetError::Decorated);
    }
    if !allow_private && is_near(host) {
        return Err(TargetError::Private);
    }
    Ok(url)
}

fn is_near(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return !is_public(address);
    }
    let name = host.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether an address is one of the internet, and of nothing else.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_for_protocols = (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    let is_for_benchmarks = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 240
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || is_shared
        || is_for_protocols
        || is_for_benchmarks)
}

/// Global unicast alone, and of that neither what leads to IPv4 addresses nor what is no host's.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let segments = address.segments();
    let is_global_unicast = segments[0] & 0xe000 == 0x2000;
    let is_for_protocols = segments[0] == 0x2001 && segments[1] < 0x0200;
    let is_documentation = (segments[0] == 0x2001 && segments[1] == 0x0db8) || segments[0] & 0xfff0 == 0x3ff0;
    let is_6to4 = segments[0] == 0x2002;
    is_global_unicast && !is_for_protocols && !is_documentation && !is_6to4
}

/// Resolves names as the system does, and gives only addresses that may be called.
#[derive(Clone, Copy, Debug)]
pub(super) struct GuardedResolver {
    pub(super) allow_private: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = judge(found.collect(), allow_private)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// One address that is near is enough to refuse all: who gives both tries something.
fn judge(found: Vec<SocketAddr>, allow_private: bool) -> Result<Vec<SocketAddr>, TargetError> {
    let is_allowed = |address: &SocketAddr| allow_private || is_public(address.ip());
    if found.iter().all(is_allowed) {
        Ok(found)
    } else {
        Err(TargetError::Private)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for near in [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::7f00:1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "3fff::1",
        ] {
            assert!(!is_public(near.parse().unwrap()), "{near}");
        }
        for far in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "1.1.1.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(far.parse().unwrap()), "{far}");
        }
    }

    #[test]
    fn a_url_that_leads_near_is_refused_however_it_is_written() {
        for url in [
            "https://127.0.0.1/hook",
            "https://2130706433/hook",
            "https://0x7f.1/hook",
            "https://[::1]:8443/hook",
            "https://[::ffff:169.254.169.254]/",
            "https://localhost/hook",
            "https://db.localhost./",
            "https://10.0.0.7/",
        ] {
            assert_eq!(parse(url, false), Err(TargetError::Private), "{url}");
            assert!(parse(url, true).is_ok(), "{url}");
        }
        assert!(parse("https://hooks.example.org/in?shop=1", false).is_ok());
        assert_eq!(parse("http://hooks.example.org/", false), Err(TargetError::NotHttps));
        assert!(parse("http://hooks.example.org/", true).is_ok());
        assert_eq!(
            parse("https://me:secret@hooks.example.org/", false),
            Err(TargetError::Decorated)
        );
        assert_eq!(
            parse("https://hooks.example.org/#part", false),
            Err(TargetError::Decorated)
        );
        for url in [
            "hooks.example.org",
            "ftp://hooks.example.org/",
            "file:///etc/passwd",
            "",
        ] {
            assert_eq!(parse(url, true), Err(TargetError::NoUrl), "{url}");
        }
        let long = format!("https://hooks.example.org/{}", "x".repeat(URL_LENGTH_MAX));
        assert_eq!(parse(&long, false), Err(TargetError::NoUrl));
    }

    #[test]
    fn a_name_with_one_private_address_is_refused_whole() {
        let far: SocketAddr = "8.8.8.8:0".parse().unwrap();
        let near: SocketAddr = "10.0.0.1:0".parse().unwrap();
        assert_eq!(judge(vec![far], false), Ok(vec![far]));
        assert_eq!(judge(vec![far, near], false), Err(TargetError::Private));
        assert_eq!(judge(vec![near], true), Ok(vec![near]));
    }
}
