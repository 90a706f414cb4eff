//! The queues against what is known of them in closed form, and the two questions in small.

use clap::Parser;

use super::assumptions::Assumptions;
use super::costs::Costs;
use super::day::Evening;
use super::dice::{Dice, SECOND};
use super::engine::{Engine, Seen, Service, Token};
use super::layout::{Layout, layouts};
use super::on_sale::{Arrivals, OnSale, Rush};
use super::price;
use super::shop::{Shop, Step};
use super::{SimOptions, assume, media};

const SEED: u64 = 7;
const ARRIVALS: u32 = 300_000;
/// What one server does in a second.
const RATE: u64 = 1_000;
/// Of a hundred.
const TOLERANCE: u64 = 4;

/// A Poisson stream of `per_second` into that many servers, each time drawn by `takes`.
fn poisson(servers: u64, per_second: u64, mut takes: impl FnMut(&mut Dice) -> u64) -> Seen {
    let (mut engine, mut dice) = (Engine::new(), Dice::new(SEED));
    let station = engine.station(Service::Servers { count: servers, lag: 0 });
    let arrival = |id| Token {
        step: true,
        id,
        since: 0,
    };
    engine.after(0, arrival(0));
    while let Some(token) = engine.next() {
        if !token.step {
            continue;
        }
        let work = takes(&mut dice);
        engine.offer(station, Token { step: false, ..token }, work);
        if token.id + 1 < ARRIVALS {
            engine.after(dice.next_arrival(per_second * 3_600), arrival(token.id + 1));
        }
    }
    engine.seen(station)
}

fn mean_wait(seen: Seen) -> u64 {
    assert_eq!((seen.came, seen.served), (u64::from(ARRIVALS), u64::from(ARRIVALS)));
    seen.waited / seen.served
}

fn assert_near(simulated: u64, formula: u64) {
    let apart = simulated.abs_diff(formula) * 100;
    assert!(
        apart <= formula * TOLERANCE,
        "{simulated} ns simulated, {formula} ns by the formula"
    );
}

#[test]
fn one_server_with_exponential_times_waits_as_the_formula_says() {
    // M/M/1: W = ρ ÷ (μ − λ), here 0.7 of 1/300 s.
    let seen = poisson(1, 700, |dice| dice.exponential(SECOND / RATE));
    assert_near(mean_wait(seen), SECOND * 7 / 10 / 300);
}

#[test]
fn one_server_with_equal_times_waits_half_as_long() {
    // M/D/1: W = ρ ÷ 2(μ − λ).
    let seen = poisson(1, 700, |_| SECOND / RATE);
    assert_near(mean_wait(seen), SECOND * 7 / 10 / 600);
}

#[test]
fn three_servers_wait_as_erlang_says() {
    // M/M/3 with 2.1 erlang. Of 3 servers: P(wait) = (a³/3! · 3/(3−a)) ÷ (1 + a + a²/2 + a³/3! · 3/(3−a)),
    // W = P ÷ (3μ − λ): in ten thousandths 1.5435 · 10/3 = 5.145, ÷ 10.450 = 0.49234, ÷ 900/s.
    let seen = poisson(3, 2_100, |dice| dice.exponential(SECOND / RATE));
    assert_near(mean_wait(seen), SECOND * 49_234 / 100_000 / 900);
}

#[test]
fn a_batch_takes_whoever_came_meanwhile_and_no_more_than_it_may() {
    let mut engine = Engine::new();
    let station = engine.station(Service::Batches {
        most: 2,
        fixed: 100,
        row: 10,
    });
    for id in 0..4 {
        let token = Token { step: (), id, since: 0 };
        engine.offer(station, token, 1);
    }
    let mut answered = vec![];
    while let Some(token) = engine.next() {
        answered.push((token.id, engine.now));
    }
    // The first found nobody else there; then two, then the one that was left.
    assert_eq!(answered, [(0, 110), (1, 230), (2, 230), (3, 340)]);
    assert_eq!(engine.seen(station).waiting_max, 3);
}

/// The questions, a thousandth as large, of a machine that is a thousandth as fast.
fn small() -> Assumptions {
    Assumptions {
        rooms_a_day: 20_000,
        tries: 20_000,
        seats: 500,
        window_secs: 60,
        arrive_within_secs: 60,
        ..Assumptions::default()
    }
}

fn rush(assumed: &Assumptions, layout: &Layout, seed: u64) -> OnSale {
    let arrivals = Arrivals::Fading(assumed.tries_come_within_ms * 1_000_000);
    Rush::new(assumed, layout, arrivals, seed).run(layout.leader_cores)
}

#[test]
fn every_try_is_answered_once_in_every_layout() {
    let assumed = small();
    for layout in layouts(&assumed) {
        let sale = rush(&assumed, &layout, SEED);
        assert!(sale.is_whole(), "{sale:?}");
        assert_eq!((sale.tries, sale.held), (20_000, 500), "{sale:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_and_another_one_does_not() {
    let assumed = small();
    let layout = layouts(&assumed)[0];
    assert_eq!(rush(&assumed, &layout, 1), rush(&assumed, &layout, 1));
    assert_ne!(rush(&assumed, &layout, 1), rush(&assumed, &layout, 2));
    assert_eq!(media::day(&assumed, 1), media::day(&assumed, 1));
}

#[test]
fn a_rush_beyond_the_cores_is_reported_and_makes_tries_wait() {
    let calm = small();
    let layout = layouts(&calm)[0];
    // 20,000 tries within a fifth of a second, where 130,000 are answered in one.
    let rushed = Assumptions {
        tries_come_within_ms: 50,
        ..small()
    };
    let (calm, rushed) = (rush(&calm, &layout, SEED), rush(&rushed, &layout, SEED));
    assert!(calm.first_second_permille < 1000, "{calm:?}");
    assert!(
        rushed.queue_max > 1_000 && rushed.p99_us > 10 * calm.p99_us,
        "{rushed:?}"
    );
}

#[test]
fn whoever_comes_in_a_day_is_served_and_what_is_full_is_said() {
    let assumed = small();
    let day = media::day(&assumed, SEED);
    for layout in layouts(&assumed) {
        let (outcome, entries) = Evening::new(&assumed, &layout, &day, SEED).run(&assumed, &layout, &day);
        assert!(
            outcome.is_whole(entries) && outcome.bought > 0 && entries > 0,
            "{outcome:?}"
        );
        let full: Vec<&str> = outcome
            .parts
            .iter()
            .filter(|part| part.is_saturated())
            .map(|part| part.name)
            .collect();
        let gates_are_full = day.listeners_at_once_max >= assumed.gate_connections * layout.nodes;
        assert_eq!(full.contains(&"gates"), gates_are_full, "{}: {full:?}", layout.name);
        // 11 purchases a second, where one account takes 25.
        assert!(
            !full.contains(&"payment provider: its rate limit"),
            "{}: {full:?}",
            layout.name
        );
    }
    let slow = Assumptions {
        provider_a_second: 5,
        ..small()
    };
    let layout = layouts(&slow)[1];
    let (outcome, _) = Evening::new(&slow, &layout, &day, SEED).run(&slow, &layout, &day);
    let provider = outcome
        .parts
        .iter()
        .find(|part| part.name.ends_with("its rate limit"))
        .unwrap();
    assert!(
        provider.is_saturated() && provider.full_at_rooms < slow.rooms_a_day,
        "{provider:?}"
    );
}

#[test]
fn rooms_of_a_day_are_where_there_is_place() {
    let assumed = Assumptions {
        rooms_a_day: 10_000,
        media_packets_a_second: 100_000,
        ..Assumptions::default()
    };
    let day = media::day(&assumed, SEED);
    // 2,000 listeners a node; what is lost to rounding by the hour is a room or two.
    assert!(
        day.rooms > 9_900 && day.listeners_at_once_max.div_ceil(2_000) <= day.nodes,
        "{day:?}"
    );
    assert!(day.nodes <= day.listeners_at_once_max.div_ceil(2_000) + 2, "{day:?}");
}

#[test]
fn whoever_holds_on_an_engine_waits_for_its_copy() {
    let assumed = Assumptions::default();
    let engine = layouts(&assumed)[4];
    for is_hot in [true, false] {
        let mut shop = Shop::new(&assumed, &engine, 50, is_hot, SEED);
        let (step, since) = (Step::TryRead, 0);
        shop.hold(Token { step, id: 0, since });
        while shop.times.holds.is_empty() {
            let token = shop.engine.next().expect("it is answered");
            shop.go_on(token);
        }
        // 8 ms of the engine; then a page is read, and committed.
        let waited = assumed.engine_append_ns + assumed.copy_read_ns + assumed.commit_ns;
        assert!(
            u64::from(shop.times.holds[0]) >= waited / 1000,
            "{:?}",
            shop.times.holds
        );
    }
}

#[test]
fn a_ticket_costs_whole_millionths() {
    let assumed = Assumptions::default();
    let standby = layouts(&assumed)[2];
    let price = price::of_an_on_sale(&assumed, &standby);
    // Five machines for an hour, over 10,000 seats; 2.9 % of 10 $, and 30 ¢.
    assert_eq!(price.shop, 404);
    assert_eq!(price.provider, 590_000);
    assert_eq!(price.without_provider(), 404);
}

#[test]
fn service_times_are_those_of_the_last_run() {
    let folder = tempfile::tempdir().unwrap();
    let options = |more: &[&str]| {
        let folder = folder.path().to_str().unwrap();
        Sim::parse_from(["sim", "--folder", folder].iter().chain(more)).options
    };
    let (assumed, found) = assume(&options(&[])).unwrap();
    assert_eq!((assumed, found.len()), (Assumptions::default(), 0));
    let row = r#"[{"name": "\"sold out\" over HTTP, one room, 64 connections", "unit": "answers/s", "ours": 100000.0, "rounds": 4, "note": ""}]"#;
    std::fs::write(folder.path().join("results.json"), row).unwrap();
    let (assumed, found) = assume(&options(&[])).unwrap();
    assert_eq!((assumed.sold_out_a_second, found.len()), (100_000, 1));
    // 20 µs of two cores, less what the load generator took of them.
    assert_eq!(Costs::of(&assumed).answer, 6_000);
    let (assumed, _) = assume(&options(&["--set", "sold_out_a_second=50_000"])).unwrap();
    assert_eq!(Costs::of(&assumed).answer, 26_000);
    let file = folder.path().join("assumed.json");
    std::fs::write(&file, r#"{"seats": 5}"#).unwrap();
    let (assumed, _) = assume(&options(&["--assumptions", file.to_str().unwrap()])).unwrap();
    assert_eq!(assumed.seats, 5);
    std::fs::write(&file, r#"{"seets": 5}"#).unwrap();
    let refused = assume(&options(&["--assumptions", file.to_str().unwrap()])).unwrap_err();
    assert!(refused.to_string().contains("seets"), "{refused}");
    for wrong in [
        "machine_cores=0",
        "shows_up_permille=1001",
        "tries=1000000000",
        "seats=many",
        "seats",
    ] {
        assert!(assume(&options(&["--set", wrong])).is_err(), "{wrong}");
    }
}

#[test]
fn the_page_names_every_assumption() {
    let page = include_str!("../../../docs/DISTRIBUTED.md");
    for stated in Assumptions::default().list() {
        let row = format!("| `{}` |", stated.name);
        assert!(
            page.contains(&row),
            "{row}: `boxoffice-bench sim --markdown` writes the page"
        );
    }
}

#[derive(Parser)]
struct Sim {
    #[command(flatten)]
    options: SimOptions,
}
