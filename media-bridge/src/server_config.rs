//! The configuration of a LiveKit server that boxoffice runs for itself on one machine: `boxoffice demo` and the tests.

use std::fmt::Write as _;

/// What differs between two such servers.
#[derive(Clone, Debug)]
pub struct ServerConfig<'a> {
    /// HTTP API and signalling, on the loopback address only.
    pub port: u16,
    /// All media, multiplexed.
    pub udp_port: u16,
    pub api_key: &'a str,
    pub api_secret: &'a str,
    pub webhook_url: Option<&'a str>,
}

/// Renders the YAML. Rooms are never created by a join, video codecs are off, and no STUN server of others is named.
pub fn livekit_config(config: &ServerConfig<'_>) -> String {
    let ServerConfig {
        port,
        udp_port,
        api_key,
        api_secret,
        webhook_url,
    } = config;
    let key = quoted(api_key);
    let mut yaml = format!(
        "port: {port}
bind_addresses: [\"127.0.0.1\"]
keys:
  {key}: {secret}
logging: {{level: warn, json: true}}
rtc:
  node_ip: 127.0.0.1
  use_external_ip: false
  udp_port: {udp_port}
  tcp_port: 0
  enable_loopback_candidate: true
  interfaces: {{includes: [lo]}}
  stun_servers: [\"127.0.0.1:3478\"]
  allow_tcp_fallback: false
turn: {{enabled: false}}
room:
  auto_create: false
  empty_timeout: 900
  departure_timeout: 300
  enable_remote_unmute: false
  enabled_codecs: [{{mime: audio/opus}}, {{mime: audio/red}}]
",
        secret = quoted(api_secret),
    );
    if let Some(url) = webhook_url {
        let _ = write!(
            yaml,
            "webhook:
  api_key: {key}
  urls: [{url}]
  resource_url_notifier: {{max_age: 10m, max_depth: 5000}}
",
            url = quoted(url),
        );
    }
    yaml
}

/// A JSON string is a YAML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_quoted_and_webhooks_are_signed_with_the_same_one() {
        let yaml = livekit_config(&ServerConfig {
            port: 7880,
            udp_port: 7882,
            api_key: "key: \"1\"",
            api_secret: "secret",
            webhook_url: Some("http://127.0.0.1:8080/webhooks/media"),
        });
        assert!(yaml.contains("keys:\n  \"key: \\\"1\\\"\": \"secret\"\n"), "{yaml}");
        assert!(yaml.contains("  api_key: \"key: \\\"1\\\"\"\n  urls: [\"http://127.0.0.1:8080/webhooks/media\"]\n"));
        assert!(yaml.contains("auto_create: false"));
    }
}
