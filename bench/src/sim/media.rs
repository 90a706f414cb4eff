//! The media servers of a day: each room is on one node from its start to its end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

use super::assumptions::Assumptions;
use super::dice::{Dice, SECOND};

const HOURS: u64 = 24;
const MINUTE: u64 = 60;
/// A day's rooms by the hour in which they start, but for the busiest: that one is an assumption of its own.
const CURVE: [u64; 23] = [
    20, 12, 8, 6, 6, 8, 14, 22, 30, 36, 40, 44, 48, 46, 44, 46, 50, 60, 78, 95, 90, 62, 35,
];
const BUSIEST: usize = 20;
/// What one room has at most: `capacity_max` of the presets.
const LISTENERS_MAX: u64 = 1_000;

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Media {
    pub(super) rooms: u64,
    pub(super) rooms_live_max: u64,
    pub(super) listeners: u64,
    pub(super) listeners_at_once_max: u64,
    pub(super) nodes: u64,
    pub(super) gigabytes: u64,
    /// Of all nodes together.
    pub(super) megabits_max: u64,
}

/// Plays a day. A room goes to the node with the least to do; if it does not fit there, another node is added.
pub(super) fn day(assumed: &Assumptions, seed: u64) -> Media {
    let mut dice = Dice::new(seed);
    let mut media = Media::default();
    let mut starts = starts(assumed, &mut dice);
    starts.sort_unstable();
    let mut ends: BinaryHeap<Reverse<(u64, usize, u64)>> = BinaryHeap::new();
    let (mut nodes, mut at_once): (Vec<u64>, u64) = (vec![], 0);
    let most = (assumed.media_packets_a_second / assumed.listener_packets_a_second.max(1)).max(LISTENERS_MAX);
    let mut listened_seconds = 0;
    for start in starts {
        while let Some(&Reverse((end, node, people))) = ends.peek()
            && end <= start
        {
            ends.pop();
            nodes[node] -= people;
            at_once -= people;
        }
        let tickets = dice.count(assumed.tickets_a_room);
        let people = (tickets * assumed.shows_up_permille / 1000).clamp(1, LISTENERS_MAX);
        let takes = assumed.room_minutes * MINUTE * (750 + dice.below(501)) / 1000;
        let node = match nodes.iter().enumerate().min_by_key(|(_, load)| **load) {
            Some((node, load)) if load + people <= most => node,
            _ => {
                nodes.push(0);
                nodes.len() - 1
            }
        };
        nodes[node] += people;
        at_once += people;
        ends.push(Reverse((start + takes, node, people)));
        media.rooms += 1;
        media.listeners += people;
        media.listeners_at_once_max = media.listeners_at_once_max.max(at_once);
        media.rooms_live_max = media.rooms_live_max.max(ends.len() as u64);
        listened_seconds += people * takes;
    }
    let bytes_a_second = assumed.listener_packets_a_second * assumed.packet_bytes;
    media.nodes = nodes.len() as u64;
    media.gigabytes = listened_seconds * bytes_a_second / 1_000_000_000;
    media.megabits_max = media.listeners_at_once_max * bytes_a_second * 8 / 1_000_000;
    media
}

/// Seconds of the day at which rooms start.
fn starts(assumed: &Assumptions, dice: &mut Dice) -> Vec<u64> {
    let busiest = assumed.busiest_hour_permille.min(1000);
    let others: u64 = CURVE.iter().sum();
    let mut starts = vec![];
    for hour in 0..usize::try_from(HOURS).unwrap_or(24) {
        let of_a_thousand = match hour {
            BUSIEST => busiest * others,
            hour => CURVE[hour - usize::from(hour > BUSIEST)] * (1000 - busiest),
        };
        let rooms = assumed.rooms_a_day * of_a_thousand / (1000 * others);
        for _ in 0..rooms {
            let is_half = dice.below(1000) >= assumed.starts_on_the_hour_permille;
            starts.push((hour as u64 * 60 + if is_half { 30 } else { 0 }) * MINUTE);
        }
    }
    starts
}

/// Rooms that start together in the busiest hour, on the hour.
pub(super) const fn starting_together(assumed: &Assumptions) -> u64 {
    rooms_in_busiest_hour(assumed) * assumed.starts_on_the_hour_permille / 1000
}

pub(super) const fn rooms_in_busiest_hour(assumed: &Assumptions) -> u64 {
    assumed.rooms_a_day * assumed.busiest_hour_permille / 1000
}

/// People an hour who come to the doors while one start's come.
pub(super) const fn entries_an_hour(assumed: &Assumptions) -> u64 {
    let people = starting_together(assumed) * assumed.tickets_a_room * assumed.shows_up_permille / 1000;
    people * 3_600 / assumed.arrive_within_secs
}

pub(super) const fn window(assumed: &Assumptions) -> u64 {
    assumed.window_secs * SECOND
}
