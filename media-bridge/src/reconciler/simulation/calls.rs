//! Both sides of the reconciler: the wish as it is shown, and the media server as it answers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::SessionId;
use tokio::time::{Duration, Instant, sleep};
use tokio_util::task::TaskTracker;

use super::judge::Call;
use super::storm::Fate;
use super::world::World;
use crate::{
    Admission, Badge, DesiredRoom, Entitlements, EntitlementsError, Identity, LiveParticipant, LiveRoom, Marks,
    MediaError, MediaServer, Permission,
};

/// A way there or back.
const WAY_MILLIS: std::ops::Range<u64> = 1..15;

#[derive(Clone)]
pub(super) struct Model {
    world: Arc<Mutex<World>>,
    pub(super) tracker: TaskTracker,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").finish_non_exhaustive()
    }
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(seed, Instant::now()))),
            tracker: TaskTracker::new(),
        }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T: Send + 'static>(
        &self,
        what: (Call, &str, &str),
        act: impl FnOnce(&mut World, Instant) -> Result<T, MediaError> + Send + 'static,
    ) -> Result<T, MediaError> {
        let (fate, there, back) = {
            let mut world = self.world();
            let (call, room, identity) = what;
            world.judge.called(call, room, identity);
            let world = &mut *world;
            let fate = world.storm.fate(&mut world.random);
            (fate, world.millis(WAY_MILLIS), world.millis(WAY_MILLIS))
        };
        if let Fate::Late(after) = fate {
            self.carry_out_late(after, act);
            return std::future::pending().await;
        }
        if fate == Fate::Hangs {
            return std::future::pending().await;
        }
        sleep(there).await;
        if fate == Fate::Fails {
            return Err(away());
        }
        let (outcome, epoch) = self.carry_out(act);
        match fate {
            Fate::HangsAfterwards => return std::future::pending().await,
            Fate::LosesAnswer => return Err(away()),
            Fate::Answered | Fate::Fails | Fate::Hangs | Fate::Late(_) => {}
        }
        sleep(back).await;
        if self.world().server.epoch == epoch {
            outcome
        } else {
            Err(away())
        }
    }

    fn carry_out<T>(
        &self,
        act: impl FnOnce(&mut World, Instant) -> Result<T, MediaError>,
    ) -> (Result<T, MediaError>, u64) {
        let (mut world, now) = (self.world(), Instant::now());
        let outcome = if world.server.is_up {
            act(&mut world, now)
        } else {
            Err(away())
        };
        world.settle(now);
        (outcome, world.server.epoch)
    }

    fn carry_out_late<T>(
        &self,
        after: Duration,
        act: impl FnOnce(&mut World, Instant) -> Result<T, MediaError> + Send + 'static,
    ) {
        let model = self.clone();
        let epoch = {
            let mut world = self.world();
            world.weather(Instant::now(), |storm| storm.late += 1);
            world.server.epoch
        };
        self.tracker.spawn(async move {
            sleep(after).await;
            if model.world().server.epoch == epoch {
                let _ = model.carry_out(act);
            }
            model.world().weather(Instant::now(), |storm| storm.late -= 1);
        });
    }
}

fn away() -> MediaError {
    MediaError::Unavailable("the model's weather".into())
}

#[async_trait]
impl Entitlements for Model {
    async fn live_rooms(&self) -> Result<Vec<DesiredRoom>, EntitlementsError> {
        let (reading, rooms, pause) = {
            let (mut world, now) = (self.world(), Instant::now());
            let world = &mut *world;
            let rooms = world.wish.shown(now).clone();
            world.judge.activated(&rooms, now);
            let reading = world.storm.reading(&mut world.random);
            (reading, rooms, world.millis(1..5))
        };
        if reading == Fate::Hangs {
            return std::future::pending().await;
        }
        sleep(pause).await;
        if reading == Fate::Fails {
            return Err(EntitlementsError("the model's weather".into()));
        }
        Ok(rooms.into_values().collect())
    }

    async fn admission(&self, _session: SessionId, _identity: Identity) -> Result<Admission, EntitlementsError> {
        Ok(Admission::NoSuchRoom)
    }
}

#[async_trait]
impl MediaServer for Model {
    async fn create_room(&self, name: &str, _max_participants: u32) -> Result<LiveRoom, MediaError> {
        let room = name.to_owned();
        self.call((Call::Create, name, ""), move |world, _| Ok(world.server.create(&room)))
            .await
    }

    async fn delete_room(&self, name: &str) -> Result<(), MediaError> {
        let room = name.to_owned();
        self.call((Call::Delete, name, ""), move |world, _| world.server.delete(&room))
            .await
    }

    async fn list_rooms(&self) -> Result<Vec<LiveRoom>, MediaError> {
        self.call((Call::ListRooms, "", ""), |world, _| {
            let rooms = world.server.list();
            world.judge.listed_rooms(rooms.iter().map(|room| room.name.as_str()));
            Ok(rooms)
        })
        .await
    }

    async fn list_participants(&self, room: &str) -> Result<Vec<LiveParticipant>, MediaError> {
        let name = room.to_owned();
        self.call((Call::ListParticipants, room, ""), move |world, _| {
            let people = world.server.participants(&name);
            world.judge.listed_participants(people.len());
            Ok(people)
        })
        .await
    }

    async fn set_permission(&self, room: &str, identity: &str, permission: Permission) -> Result<(), MediaError> {
        let (name, whose) = (room.to_owned(), identity.to_owned());
        let may_publish = permission == Permission::Speak;
        let call = if may_publish { Call::Promote } else { Call::Demote };
        self.call((call, room, identity), move |world, now| {
            world.server.permit(&name, &whose, may_publish, now)
        })
        .await
    }

    async fn set_marks(&self, room: &str, identity: &str, marks: &Marks) -> Result<(), MediaError> {
        let (name, whose, marks) = (room.to_owned(), identity.to_owned(), marks.clone());
        self.call((Call::Mark, room, identity), move |world, _| {
            world.server.mark(&name, &whose, &marks)
        })
        .await
    }

    async fn set_room_note(&self, _room: &str, _note: &str) -> Result<(), MediaError> {
        Ok(())
    }

    async fn send_data(&self, _room: &str, _topic: &str, _message: Vec<u8>) -> Result<(), MediaError> {
        Ok(())
    }

    async fn remove_participant(&self, room: &str, identity: &str) -> Result<(), MediaError> {
        let (name, whose) = (room.to_owned(), identity.to_owned());
        self.call((Call::Remove, room, identity), move |world, _| {
            world.server.leave(&name, &whose)
        })
        .await
    }

    fn recorder_token(&self, _room: &str, _identity: &str, _ttl_seconds: u32) -> Result<String, MediaError> {
        Err(away())
    }

    /// Asked by the doors, which are not played.
    async fn find_participant(&self, _room: &str, _identity: &str) -> Result<Option<LiveParticipant>, MediaError> {
        Err(away())
    }

    fn entry_token(&self, _room: &str, _badge: Badge<'_>, _ttl_seconds: u32) -> Result<String, MediaError> {
        Err(away())
    }
}
