//! Who is turned away, when, and for how long.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::RoomId;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use uuid::Uuid;

use super::address::{TrustedProxies, network};
use super::door::Door;
use super::rate::{Meter, Rate};
use super::rooms::Rooms;

const SLOW: Duration = Duration::from_millis(100);

fn client(peer: &str, forwarded: &[&'static str]) -> String {
    let networks = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse::<IpNet>().unwrap());
    let mut headers = HeaderMap::new();
    for value in forwarded {
        headers.append("x-forwarded-for", HeaderValue::from_static(value));
    }
    let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
    let proxies: TrustedProxies = networks.into_iter().collect();
    proxies.client(peer, &headers).to_string()
}

#[test]
fn only_a_proxy_of_ours_is_believed() {
    assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(client("fd00::1", &["2001:db8::7"]), "2001:db8::7");
    assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
}

#[test]
fn what_a_client_writes_before_the_proxies_is_not_believed() {
    assert_eq!(
        client("10.0.0.1", &["192.0.2.66, 198.51.100.1, 10.0.0.2"]),
        "198.51.100.1"
    );
    assert_eq!(client("10.0.0.1", &["192.0.2.66", "198.51.100.1"]), "198.51.100.1");
    assert_eq!(client("10.0.0.1", &["198.51.100.1, nonsense"]), "10.0.0.1");
    assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
}

#[test]
fn an_owner_of_ipv6_addresses_counts_once() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert_eq!(
        network(address("2001:db8:0:1::1")),
        network(address("2001:db8:0:1:ffff::2"))
    );
    assert_ne!(network(address("2001:db8:0:1::1")), network(address("2001:db8:0:2::1")));
    assert_ne!(network(address("192.0.2.1")), network(address("192.0.2.2")));
}

#[test]
fn a_burst_is_let_in_and_then_one_has_to_wait() {
    let meter = Meter::new(Rate::new(1, 3));
    for _ in 0..3 {
        assert_eq!(meter.admit(&"alice"), Ok(()));
    }
    let wait = (0..1_000).find_map(|_| meter.admit(&"alice").err()).expect("refused");
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    assert_eq!(meter.admit(&"bob"), Ok(()), "others are not touched");
}

#[test]
fn whose_burst_is_whole_again_is_forgotten() {
    let meter = Meter::new(Rate::new(1_000_000, 1));
    let slow = Meter::new(Rate::new(1, 10));
    for number in 0..1_000 {
        assert_eq!(meter.admit(&number), Ok(()));
        assert_eq!(slow.admit(&number), Ok(()));
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while meter.len() > 0 && Instant::now() < deadline {
        meter.tidy();
    }
    slow.tidy();
    assert_eq!((meter.len(), slow.len()), (0, 1_000));
    assert_eq!(Meter::new(None).admit(&"anybody"), Ok(()), "no limit is no limit");
}

#[test]
fn a_full_door_turns_away_until_somebody_leaves() {
    let (door, now) = (Door::new("test", 2, None), Instant::now());
    let first = door.enter(now).unwrap();
    let _second = door.enter(now).unwrap();
    assert!(door.enter(now).is_none());
    drop(first);
    assert!(door.enter(now).is_some());
}

#[test]
fn a_door_narrows_while_requests_are_slow_and_widens_again() {
    let (door, start) = (Door::new("test", 1_000, Some(SLOW)), Instant::now());
    let mut now = start;
    for _ in 0..40 {
        let crowd: Vec<_> = std::iter::from_fn(|| door.enter(now)).collect();
        now += SLOW * 2;
        for place in crowd {
            Door::leave_at(place, now);
        }
    }
    assert_eq!(door.limit(), 64, "never less than this");
    let crowd: Vec<_> = std::iter::from_fn(|| door.enter(now)).collect();
    assert_eq!(crowd.len(), 64);
    for place in crowd {
        Door::leave_at(place, now + SLOW / 2);
    }
    assert_eq!(door.limit(), 67, "one for each sixteen, while it was busy");
}

#[test]
fn requests_that_are_slow_together_narrow_the_door_once() {
    let (door, start) = (Door::new("test", 1_000, Some(SLOW)), Instant::now());
    let crowd: Vec<_> = (0..500).filter_map(|_| door.enter(start)).collect();
    for place in crowd {
        Door::leave_at(place, start + SLOW * 2);
    }
    assert_eq!(door.limit(), 384, "three quarters of where it began");
}

#[test]
fn a_room_in_a_rush_leaves_places_for_others() {
    let rooms = Arc::<Rooms>::default();
    let room = |number| RoomId::from_uuid(Uuid::from_u128(number));
    let inside: Vec<_> = std::iter::from_fn(|| rooms.enter(room(1), 5)).collect();
    assert_eq!(inside.len(), 5);
    assert!(rooms.enter(room(1), 5).is_none());
    assert!(rooms.enter(room(17), 5).is_some(), "of the same shard");
    drop(inside);
    assert!(rooms.enter(room(1), 5).is_some());
    assert_eq!(rooms.len(), 0, "who has nobody inside is not remembered");
}
