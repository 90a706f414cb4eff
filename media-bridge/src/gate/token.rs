//! Who knocks: read from the one token of a request.

use domain::SessionId;
use http::header::AUTHORIZATION;
use http::{StatusCode, Uri};
use livekit_api::access_token::TokenVerifier;

use super::door::Refusal;
use crate::Identity;
use crate::entry::{self, ENTRY};
use crate::identity::session_of;

/// The bearer of a valid token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Visitor {
    pub(super) session: SessionId,
    pub(super) identity: Identity,
    pub(super) entry: u32,
}

/// Reads and verifies the token. With two tokens, the media server might look at another one than we do.
pub(super) fn visitor(verifier: &TokenVerifier, uri: &Uri, headers: &http::HeaderMap) -> Result<Visitor, Refusal> {
    let in_query = uri.query().unwrap_or_default().split('&').filter_map(query_token);
    let in_headers = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(|value| value.to_str().unwrap_or_default());
    let mut tokens = in_query.chain(in_headers.map(|value| value.strip_prefix("Bearer ").unwrap_or_default()));
    let (Some(token), None) = (tokens.next(), tokens.next()) else {
        return Err(Refusal(StatusCode::UNAUTHORIZED, "exactly one access token is needed"));
    };
    let claims = verifier
        .verify(token)
        .map_err(|_| Refusal(StatusCode::UNAUTHORIZED, "the access token is not valid"))?;
    let foreign = Refusal(StatusCode::FORBIDDEN, "the access token is not for a room here");
    Ok(Visitor {
        session: session_of(&claims.video.room).ok_or(foreign)?,
        identity: claims.sub.parse().map_err(|_| foreign)?,
        entry: entry::number(claims.attributes.get(ENTRY).map(String::as_str)),
    })
}

/// The value of an `access_token` parameter. Anything in it that is percent-encoded makes it no token: tokens need no
/// encoding. An encoded *name* counts as a token too, since the media server would decode it.
fn query_token(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    (name == "access_token" || name.contains('%')).then_some(value)
}

#[cfg(test)]
mod tests {
    use domain::{TicketId, UserId};
    use http::{HeaderMap, HeaderValue};
    use livekit_api::access_token::{AccessToken, VideoGrants};
    use uuid::Uuid;

    use super::*;
    use crate::identity::room_name;

    const SECRET: &str = "a secret of at least 32 characters";

    fn session() -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(5))
    }

    fn token(secret: &str, room: &str, identity: &str) -> String {
        let grants = VideoGrants {
            room_join: true,
            room: room.to_owned(),
            ..VideoGrants::default()
        };
        let token = AccessToken::with_api_key("key", secret)
            .with_identity(identity)
            .with_grants(grants);
        token.to_jwt().expect("a token")
    }

    fn read(uri: &str, authorization: Option<&str>) -> Result<Visitor, StatusCode> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).expect("a header"));
        }
        let verifier = TokenVerifier::with_api_key("key", SECRET);
        visitor(&verifier, &uri.parse().expect("a uri"), &headers).map_err(|refusal| refusal.0)
    }

    #[test]
    fn a_token_is_read_from_the_query_or_the_header() {
        let ticket = Identity::Ticket(TicketId::from_uuid(Uuid::from_u128(6)));
        let token = token(SECRET, &room_name(session()), &ticket.to_string());
        let expected = Ok(Visitor {
            session: session(),
            identity: ticket,
            entry: 1,
        });
        assert_eq!(
            read(&format!("/rtc?auto_subscribe=1&access_token={token}"), None),
            expected
        );
        assert_eq!(
            read("/rtc/v1?join_request=x", Some(&format!("Bearer {token}"))),
            expected
        );
    }

    #[test]
    fn two_tokens_are_none() {
        let host = Identity::Host(UserId::from_uuid(Uuid::from_u128(6))).to_string();
        let token = token(SECRET, &room_name(session()), &host);
        let bearer = format!("Bearer {token}");
        for uri in [
            format!("/rtc?access_token={token}&access_token={token}"),
            format!("/rtc?access_token={token}&access%5Ftoken={token}"),
        ] {
            assert_eq!(read(&uri, None), Err(StatusCode::UNAUTHORIZED), "{uri}");
        }
        assert_eq!(
            read(&format!("/rtc?access_token={token}"), Some(&bearer)),
            Err(StatusCode::UNAUTHORIZED)
        );
        assert_eq!(read("/rtc", None), Err(StatusCode::UNAUTHORIZED));
        assert_eq!(read("/rtc", Some("Basic Zm9v")), Err(StatusCode::UNAUTHORIZED));
    }

    #[test]
    fn a_foreign_signature_room_or_identity_is_refused() {
        let host = Identity::Host(UserId::from_uuid(Uuid::from_u128(6))).to_string();
        let ours = room_name(session());
        let read = |token: String| read(&format!("/rtc?access_token={token}"), None);
        let other_secret = "another secret of at least 32 characters";
        assert_eq!(read(token(other_secret, &ours, &host)), Err(StatusCode::UNAUTHORIZED));
        assert_eq!(read(token(SECRET, "lobby", &host)), Err(StatusCode::FORBIDDEN));
        assert_eq!(read(token(SECRET, &ours, "somebody")), Err(StatusCode::FORBIDDEN));
    }
}
