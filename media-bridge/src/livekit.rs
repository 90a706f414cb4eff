//! The media server adapter for LiveKit.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use livekit_api::access_token::{AccessToken, TokenVerifier, VideoGrants};
use livekit_api::services::room::{CreateRoomOptions, RoomClient, SendDataOptions, UpdateParticipantOptions};
use livekit_api::services::{ServerError, ServerErrorCode, ServiceError};
use livekit_protocol as proto;
use secrecy::{ExposeSecret, SecretString};

use crate::entry::{self, ENTRY, FIRST_ENTRY};
use crate::marks::PREFIX;
use crate::{Badge, LiveParticipant, LiveRoom, LiveTrack, Marks, MediaError, MediaServer, Permission};

/// Every call answers within this time, or its outcome is unknown.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// A room nobody joined stays this long: the lobby.
const EMPTY_TIMEOUT_SECONDS: u32 = 900;
/// A room everybody left stays this long, so that a host can come back.
const DEPARTURE_TIMEOUT_SECONDS: u32 = 300;

#[derive(Clone, Debug)]
pub struct LiveKitConfig {
    /// `http://host:port` of the server's API, which clients never see.
    pub url: String,
    pub api_key: String,
    pub api_secret: SecretString,
}

impl LiveKitConfig {
    pub(crate) fn verifier(&self) -> TokenVerifier {
        TokenVerifier::with_api_key(&self.api_key, self.api_secret.expose_secret())
    }
}

/// A LiveKit server, spoken to over its `RoomService` API.
pub struct LiveKit {
    config: LiveKitConfig,
    rooms: RoomClient,
}

impl fmt::Debug for LiveKit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveKit")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl LiveKit {
    pub fn new(config: LiveKitConfig) -> Self {
        let rooms = RoomClient::with_api_key(&config.url, &config.api_key, config.api_secret.expose_secret())
            .with_failover(false)
            .with_request_timeout(REQUEST_TIMEOUT);
        Self { config, rooms }
    }
}

impl LiveKit {
    fn token(&self, identity: &str, ttl_seconds: u32, grants: VideoGrants) -> AccessToken {
        AccessToken::with_api_key(&self.config.api_key, self.config.api_secret.expose_secret())
            .with_identity(identity)
            .with_ttl(Duration::from_secs(u64::from(ttl_seconds)))
            .with_grants(grants)
    }
}

fn signed(token: AccessToken) -> Result<String, MediaError> {
    token.to_jwt().map_err(|error| MediaError::Refused(error.to_string()))
}

#[async_trait]
impl MediaServer for LiveKit {
    async fn create_room(&self, name: &str, max_participants: u32) -> Result<LiveRoom, MediaError> {
        let options = CreateRoomOptions {
            empty_timeout: EMPTY_TIMEOUT_SECONDS,
            departure_timeout: DEPARTURE_TIMEOUT_SECONDS,
            max_participants,
            ..CreateRoomOptions::default()
        };
        let room = self.rooms.create_room(name, options).await.map_err(media_error)?;
        Ok(live_room(room))
    }

    async fn delete_room(&self, name: &str) -> Result<(), MediaError> {
        self.rooms.delete_room(name).await.map_err(media_error)
    }

    async fn list_rooms(&self) -> Result<Vec<LiveRoom>, MediaError> {
        let rooms = self.rooms.list_rooms(Vec::new()).await.map_err(media_error)?;
        Ok(rooms.into_iter().map(live_room).collect())
    }

    async fn list_participants(&self, room: &str) -> Result<Vec<LiveParticipant>, MediaError> {
        let people = self.rooms.list_participants(room).await.map_err(media_error)?;
        Ok(people.into_iter().map(live_participant).collect())
    }

    async fn find_participant(&self, room: &str, identity: &str) -> Result<Option<LiveParticipant>, MediaError> {
        match self.rooms.get_participant(room, identity).await.map_err(media_error) {
            Ok(participant) => Ok(Some(live_participant(participant))),
            Err(MediaError::NotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn set_permission(&self, room: &str, identity: &str, permission: Permission) -> Result<(), MediaError> {
        let options = UpdateParticipantOptions {
            permission: Some(full_permission(permission)),
            ..UpdateParticipantOptions::default()
        };
        self.rooms
            .update_participant(room, identity, options)
            .await
            .map_err(media_error)?;
        Ok(())
    }

    async fn set_marks(&self, room: &str, identity: &str, marks: &Marks) -> Result<(), MediaError> {
        let options = UpdateParticipantOptions {
            attributes: marks.clone().into_iter().collect(),
            ..UpdateParticipantOptions::default()
        };
        self.rooms
            .update_participant(room, identity, options)
            .await
            .map_err(media_error)?;
        Ok(())
    }

    async fn send_data(&self, room: &str, topic: &str, message: Vec<u8>) -> Result<(), MediaError> {
        let options = SendDataOptions {
            topic: Some(topic.to_owned()),
            ..SendDataOptions::default()
        };
        self.rooms.send_data(room, message, options).await.map_err(media_error)
    }

    async fn remove_participant(&self, room: &str, identity: &str) -> Result<(), MediaError> {
        self.rooms.remove_participant(room, identity).await.map_err(media_error)
    }

    async fn set_room_note(&self, room: &str, note: &str) -> Result<(), MediaError> {
        let changed = self.rooms.update_room_metadata(room, note).await;
        changed.map(drop).map_err(media_error)
    }

    fn recorder_token(&self, room: &str, identity: &str, ttl_seconds: u32) -> Result<String, MediaError> {
        // Hears and is not seen. As a recorder it does not keep the room open, nor take anybody's place.
        let grants = VideoGrants {
            room_join: true,
            room: room.to_owned(),
            can_publish: Some(false),
            can_publish_data: Some(false),
            can_subscribe: Some(true),
            can_update_own_metadata: Some(false),
            hidden: true,
            recorder: true,
            ..VideoGrants::default()
        };
        signed(self.token(identity, ttl_seconds, grants))
    }

    fn entry_token(&self, room: &str, badge: Badge<'_>, ttl_seconds: u32) -> Result<String, MediaError> {
        // Nobody's token lets them speak: a kept one would outlive a demotion. Speakers are promoted once they are in.
        let grants = VideoGrants {
            room_join: true,
            room: room.to_owned(),
            can_publish: Some(false),
            can_publish_data: Some(false),
            can_subscribe: Some(true),
            can_update_own_metadata: Some(false),
            ..VideoGrants::default()
        };
        let Badge { identity, entry, name } = badge;
        let attributes = (entry > FIRST_ENTRY).then(|| (ENTRY, entry.to_string()));
        let token = self.token(&identity.to_string(), ttl_seconds, grants);
        signed(token.with_attributes(attributes).with_name(name.unwrap_or_default()))
    }
}

/// The server replaces the whole set, and an unset field means no: so every one is said. An empty list of sources with
/// `can_publish` would mean all of them.
fn full_permission(permission: Permission) -> proto::ParticipantPermission {
    let can_publish = permission == Permission::Speak;
    let microphone = || vec![proto::TrackSource::Microphone as i32];
    proto::ParticipantPermission {
        can_subscribe: true,
        can_publish,
        can_publish_data: false,
        can_publish_sources: if can_publish { microphone() } else { Vec::new() },
        hidden: false,
        can_update_metadata: false,
        ..proto::ParticipantPermission::default()
    }
}

fn live_room(room: proto::Room) -> LiveRoom {
    LiveRoom {
        name: room.name,
        sid: room.sid,
        note: room.metadata,
    }
}

pub(crate) fn live_participant(info: proto::ParticipantInfo) -> LiveParticipant {
    let joined_at = match info.joined_at_ms {
        0 => DateTime::from_timestamp(info.joined_at, 0).filter(|_| info.joined_at > 0),
        millis => DateTime::from_timestamp_millis(millis),
    };
    LiveParticipant {
        is_egress: info.kind() == proto::participant_info::Kind::Egress,
        is_active: info.state() == proto::participant_info::State::Active,
        may_publish: info
            .permission
            .as_ref()
            .is_some_and(|permission| permission.can_publish),
        entry: entry::number(info.attributes.get(ENTRY).map(String::as_str)),
        marks: live_marks(info.attributes),
        joined_at,
        tracks: info.tracks.into_iter().map(live_track).collect(),
        identity: info.identity,
        sid: info.sid,
    }
}

fn live_marks(attributes: impl IntoIterator<Item = (String, String)>) -> Marks {
    let ours = |(name, value): &(String, String)| name.starts_with(PREFIX) && name != ENTRY && !value.is_empty();
    attributes.into_iter().filter(ours).collect()
}

fn live_track(track: proto::TrackInfo) -> LiveTrack {
    LiveTrack {
        is_audio: track.r#type() == proto::TrackType::Audio,
        is_muted: track.muted,
        sid: track.sid,
    }
}

pub(crate) fn media_error(error: ServiceError) -> MediaError {
    match error {
        ServiceError::Twirp(ServerError::Twirp(answer)) => match answer.code.as_str() {
            ServerErrorCode::NOT_FOUND => MediaError::NotFound,
            ServerErrorCode::INVALID_ARGUMENT
            | ServerErrorCode::MALFORMED
            | ServerErrorCode::BAD_ROUTE
            | ServerErrorCode::PERMISSION_DENIED
            | ServerErrorCode::UNAUTHENTICATED
            | ServerErrorCode::FAILED_PRECONDITION
            | ServerErrorCode::UNIMPLEMENTED => MediaError::Refused(answer.to_string()),
            _ => MediaError::Unavailable(answer.to_string().into()),
        },
        // A wrong key, or a clock a minute off, is answered in plain text, which the client library cannot decode. So is
        // a broken proxy; the first is the likelier one, and neither gets better by repeating quickly.
        ServiceError::Twirp(ServerError::Request(error)) if error.is_decode() => MediaError::Refused(
            "the answer is not one of LiveKit's API: wrong key or secret, clocks apart, or a proxy between".to_owned(),
        ),
        ServiceError::Twirp(error @ (ServerError::Url(_) | ServerError::Prost(_))) => {
            MediaError::Refused(error.to_string())
        }
        ServiceError::Env(error) => MediaError::Refused(error.to_string()),
        ServiceError::AccessToken(error) => MediaError::Refused(error.to_string()),
        error @ ServiceError::Twirp(ServerError::Request(_)) => MediaError::Unavailable(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use domain::UserId;
    use uuid::Uuid;

    use super::*;
    use crate::Identity;

    fn livekit() -> LiveKit {
        LiveKit::new(LiveKitConfig {
            url: "http://127.0.0.1:1".to_owned(),
            api_key: "key".to_owned(),
            api_secret: "a secret of at least 32 characters".into(),
        })
    }

    #[test]
    fn an_entry_token_is_a_listeners_and_short() {
        let livekit = livekit();
        let host = Identity::Host(UserId::from_uuid(Uuid::from_u128(7)));
        let token = livekit
            .entry_token("boxoffice-x", Badge::new(host), 120)
            .expect("a token");
        let claims = livekit.config.verifier().verify(&token).expect("our own signature");
        assert_eq!(claims.sub, host.to_string());
        assert_eq!(claims.exp - claims.nbf, 120);
        assert!(
            claims.attributes.is_empty() && claims.metadata.is_empty() && claims.name.is_empty(),
            "nothing that all would be told"
        );
        let grants = claims.video;
        assert_eq!((grants.room_join, grants.room.as_str()), (true, "boxoffice-x"));
        assert_eq!(
            (grants.can_publish, grants.can_publish_data),
            (Some(false), Some(false))
        );
        assert!(!grants.room_admin && !grants.room_create && !grants.room_list && !grants.hidden);
    }

    #[test]
    fn a_token_bears_the_name_and_does_not_print_it() {
        let livekit = livekit();
        let badge = Badge {
            name: Some("Alice Liddell"),
            ..Badge::new(Identity::Host(UserId::from_uuid(Uuid::from_u128(7))))
        };
        let token = livekit.entry_token("boxoffice-x", badge, 120).expect("a token");
        let claims = livekit.config.verifier().verify(&token).expect("our own signature");
        assert_eq!(claims.name, "Alice Liddell");
        assert!(!format!("{badge:?}").contains("Alice"));
    }

    #[test]
    fn a_token_bears_the_number_of_an_entry_that_took_over() {
        let livekit = livekit();
        let host = Identity::Host(UserId::from_uuid(Uuid::from_u128(7)));
        let third = Badge {
            entry: 3,
            ..Badge::new(host)
        };
        let token = livekit.entry_token("boxoffice-x", third, 120).expect("a token");
        let claims = livekit.config.verifier().verify(&token).expect("our own signature");
        assert_eq!(entry::number(claims.attributes.get(ENTRY).map(String::as_str)), 3);
        assert_eq!(entry::number(None), FIRST_ENTRY);
        assert!(entry::number(Some("first")) < FIRST_ENTRY);
    }

    #[test]
    fn a_promotion_is_for_the_microphone_only_and_a_demotion_takes_everything() {
        let speak = full_permission(Permission::Speak);
        assert_eq!(speak.can_publish_sources, [proto::TrackSource::Microphone as i32]);
        assert!(speak.can_publish && speak.can_subscribe && !speak.can_publish_data);
        let listen = full_permission(Permission::Listen);
        assert!(!listen.can_publish && listen.can_subscribe && !listen.can_publish_data);
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_unavailable() {
        let answer = livekit().list_rooms().await;
        assert!(matches!(answer, Err(MediaError::Unavailable(_))), "{answer:?}");
    }
}
