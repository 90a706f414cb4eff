//! How many are inside for each room: one room in a rush must leave places for the others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::RoomId;

/// Locks, so that requests for different rooms seldom wait for each other.
const SHARDS: usize = 16;

/// Bounded by the door that all of them came through.
#[derive(Default)]
pub(super) struct Rooms {
    shards: [Mutex<HashMap<RoomId, usize>>; SHARDS],
}

/// A place of a room. Leaving is dropping it.
pub(super) struct RoomPlace {
    rooms: Arc<Rooms>,
    room: RoomId,
}

impl Rooms {
    /// `None` if the room has `most` inside already.
    pub(super) fn enter(self: &Arc<Self>, room: RoomId, most: usize) -> Option<RoomPlace> {
        let mut inside = self.shard(room);
        let inside = inside.entry(room).or_default();
        if *inside >= most {
            return None;
        }
        *inside += 1;
        Some(RoomPlace {
            rooms: Arc::clone(self),
            room,
        })
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    fn shard(&self, room: RoomId) -> MutexGuard<'_, HashMap<RoomId, usize>> {
        // The last byte of an id is random, whoever makes it.
        let [.., last] = room.as_uuid().into_bytes();
        self.shards[usize::from(last) % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RoomPlace {
    fn drop(&mut self) {
        if let Entry::Occupied(mut inside) = self.rooms.shard(self.room).entry(self.room) {
            *inside.get_mut() -= 1;
            if *inside.get() == 0 {
                inside.remove();
            }
        }
    }
}
