//! Who may be where, from events.

mod doors;

use domain::room::ReleaseReason;
use domain::{RoomEvent, UserId};
use sqlx::PgPool;

use super::{
    AdmissionRow, LiveRoomRow, PersonRow, RecordingRow, RefusalReason, RoleRow, StageRow, Who, admission, live_rooms,
    stage,
};
use crate::View;
use crate::tests::stage::project;
use crate::tests::story::{
    PRICE, Story, at, host, in_part, on_request, recorded, recording_started, recording_stopped, room, session, ticket,
    user,
};

fn live() -> Story {
    Story::new().schedule(1).buy(1, 10).buy(1, 11).hold(1, 12).open(1)
}

fn requested(user: UserId) -> RoomEvent {
    RoomEvent::SpeakRequested {
        user,
        requested_at: at(50),
    }
}

fn approved(user: UserId) -> RoomEvent {
    RoomEvent::SpeakerApproved {
        user,
        by: host(),
        approved_at: at(51),
    }
}

fn dismissed(user: UserId) -> RoomEvent {
    RoomEvent::SpeakerDismissed {
        user,
        by: host(),
        dismissed_at: at(52),
    }
}

fn removed(user: UserId) -> RoomEvent {
    RoomEvent::PersonRemoved {
        user,
        by: host(),
        removed_at: at(53),
    }
}

fn listener(number: u32) -> PersonRow {
    PersonRow {
        ticket_id: Some(ticket(number)),
        user: user(number),
        role: RoleRow::Listener,
        muted: false,
        asks: false,
        entry: 1,
        taken_over_at: None,
    }
}

async fn people(pool: &PgPool) -> Vec<PersonRow> {
    let mut rooms = live_rooms(pool).await.expect("a query");
    assert_eq!(rooms.len(), 1);
    let people = rooms.remove(0).people;
    people.into_iter().filter(|person| person.ticket_id.is_some()).collect()
}

async fn admits(pool: &PgPool, number: u32) -> AdmissionRow {
    admission(pool, session(1), Who::Ticket(ticket(number)))
        .await
        .expect("a query")
}

const LISTENER: AdmissionRow = AdmissionRow::Admitted {
    may_speak: false,
    entry: 1,
};

#[sqlx::test(migrations = "../migrations")]
async fn the_host_and_holders_of_issued_tickets_may_be_in_a_live_room(pool: PgPool) {
    project(&pool, View::Entitlements, &live()).await;
    let the_host = PersonRow {
        ticket_id: None,
        user: host(),
        role: RoleRow::Host,
        muted: false,
        asks: false,
        entry: 1,
        taken_over_at: None,
    };
    let expected = LiveRoomRow {
        room_id: room(1),
        session_id: session(1),
        host: host(),
        lead: host(),
        capacity: 5,
        live_since: Some(at(u64::try_from(live().events.len()).expect("a short story"))),
        recording: RecordingRow::default(),
        people: vec![the_host, listener(10), listener(11)],
    };
    assert_eq!(live_rooms(&pool).await.expect("a query"), [expected]);
    assert_eq!(admits(&pool, 10).await, LISTENER);
    let host_knocks = admission(&pool, session(1), Who::Host(host())).await.expect("a query");
    assert_eq!(host_knocks, SPEAKER);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_else_is_admitted(pool: PgPool) {
    project(&pool, View::Entitlements, &live()).await;
    let refused = AdmissionRow::Refused(RefusalReason::NotIssued);
    assert_eq!(admits(&pool, 12).await, refused, "a hold is no ticket");
    assert_eq!(admits(&pool, 13).await, refused, "an unknown ticket");
    let stranger = admission(&pool, session(1), Who::Host(user(10)))
        .await
        .expect("a query");
    assert_eq!(stranger, refused);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_is_there_from_its_opening_to_its_end(pool: PgPool) {
    project(&pool, View::Entitlements, &Story::new().schedule(1).buy(1, 10)).await;
    assert_eq!(live_rooms(&pool).await.expect("a query"), []);
    assert_eq!(admits(&pool, 10).await, AdmissionRow::NoSuchRoom);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_ended_room_admits_nobody(pool: PgPool) {
    project(&pool, View::Entitlements, &live().end(1)).await;
    assert_eq!(live_rooms(&pool).await.expect("a query"), []);
    assert_eq!(admits(&pool, 10).await, AdmissionRow::NoSuchRoom);
    let host_knocks = admission(&pool, session(1), Who::Host(host())).await.expect("a query");
    assert_eq!(host_knocks, AdmissionRow::NoSuchRoom);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refunded_ticket_admits_nobody(pool: PgPool) {
    let story = live()
        .owe_refund(10, (1, 10), PRICE, on_request())
        .release(1, 10, ReleaseReason::Refunded)
        .owe_refund(11, (2, 11), 300, in_part());
    project(&pool, View::Entitlements, &story).await;
    assert_eq!(admits(&pool, 10).await, AdmissionRow::Refused(RefusalReason::Refunded));
    assert_eq!(
        people(&pool).await,
        [listener(11)],
        "a part of the price does not cost the ticket"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_whose_dispute_was_lost_admits_nobody(pool: PgPool) {
    project(&pool, View::Entitlements, &live().lose_dispute(10)).await;
    assert_eq!(admits(&pool, 10).await, AdmissionRow::Refused(RefusalReason::NotIssued));
    assert_eq!(people(&pool).await, [listener(11)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_removed_person_stays_out_with_every_ticket(pool: PgPool) {
    let story = live().room(1, requested(user(10))).room(1, removed(user(10)));
    project(&pool, View::Entitlements, &story).await;
    assert_eq!(admits(&pool, 10).await, AdmissionRow::Refused(RefusalReason::Removed));
    assert_eq!(people(&pool).await, [listener(11)]);
    let stage = stage(&pool, room(1)).await.expect("a query").expect("a room");
    assert_eq!(stage.requests, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_approved_listener_may_speak_until_dismissed(pool: PgPool) {
    let story = live()
        .room(1, requested(user(11)))
        .room(1, requested(user(10)))
        .room(1, approved(user(10)));
    project(&pool, View::Entitlements, &story).await;
    assert_eq!(admits(&pool, 10).await, SPEAKER);
    let on_stage = stage(&pool, room(1)).await.expect("a query").expect("a room");
    assert_eq!(
        (on_stage.host, on_stage.speakers, on_stage.requests),
        (host(), vec![user(10)], vec![user(11)])
    );
    let story = story.room(1, dismissed(user(10)));
    let last = story.events.len() - 1;
    crate::tests::stage::feed(
        &pool,
        View::Entitlements,
        crate::view::Side::Live,
        &story.recorded()[last..],
    )
    .await;
    assert_eq!(admits(&pool, 10).await, LISTENER);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_withdrawn_or_declined_request_is_gone(pool: PgPool) {
    let withdrawn = RoomEvent::SpeakRequestWithdrawn {
        user: user(10),
        withdrawn_at: at(60),
    };
    let declined = RoomEvent::SpeakRequestDeclined {
        user: user(11),
        by: host(),
        declined_at: at(60),
    };
    let story = live()
        .room(1, requested(user(10)))
        .room(1, requested(user(11)))
        .room(1, withdrawn)
        .room(1, declined);
    project(&pool, View::Entitlements, &story).await;
    let stage = stage(&pool, room(1)).await.expect("a query").expect("a room");
    assert_eq!((stage.speakers, stage.requests), (vec![], vec![]));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_unknown_room_has_no_stage(pool: PgPool) {
    project(&pool, View::Entitlements, &live()).await;
    assert_eq!(stage(&pool, room(2)).await.expect("a query"), None);
}

fn appointed(user: UserId) -> RoomEvent {
    RoomEvent::CoHostAppointed {
        user,
        by: host(),
        appointed_at: at(40),
    }
}

fn invited(user: UserId) -> RoomEvent {
    RoomEvent::SpeakerInvited {
        user,
        by: host(),
        invited_at: at(50),
    }
}

fn accepted(user: UserId) -> RoomEvent {
    RoomEvent::InvitationAccepted {
        user,
        accepted_at: at(51),
    }
}

fn muted(user: UserId) -> RoomEvent {
    RoomEvent::SpeakerMuted {
        user,
        by: host(),
        muted_at: at(52),
    }
}

fn handed_over(from: UserId, to: UserId) -> RoomEvent {
    RoomEvent::HostHandedOver {
        from,
        to,
        handed_over_at: at(55),
    }
}

fn banned(user: UserId, everywhere: bool) -> RoomEvent {
    RoomEvent::PersonBanned {
        user,
        by: host(),
        everywhere,
        banned_at: at(56),
    }
}

fn unbanned(user: UserId, everywhere: bool) -> RoomEvent {
    RoomEvent::PersonUnbanned {
        user,
        by: host(),
        everywhere,
        unbanned_at: at(57),
    }
}

async fn stage_of_room(pool: &PgPool) -> StageRow {
    stage(pool, room(1)).await.expect("a query").expect("a room")
}

async fn admits_host_side(pool: &PgPool, user: UserId) -> AdmissionRow {
    let who = Who::Host(user);
    admission(pool, session(1), who).await.expect("a query")
}

const SPEAKER: AdmissionRow = AdmissionRow::Admitted {
    may_speak: true,
    entry: 1,
};

/// User 20 has no ticket, user 11 has one: both are of the host's side, appointed before the room opened.
fn with_co_hosts() -> Story {
    let story = Story::new().schedule(1).buy(1, 10).buy(1, 11);
    story.room(1, appointed(user(20))).room(1, appointed(user(11))).open(1)
}

#[sqlx::test(migrations = "../migrations")]
async fn co_hosts_may_be_there_and_speak_with_or_without_a_ticket(pool: PgPool) {
    project(&pool, View::Entitlements, &with_co_hosts()).await;
    let rooms = live_rooms(&pool).await.expect("a query");
    let people = rooms[0].people.iter();
    let people: Vec<_> = people
        .map(|person| (person.ticket_id, person.user, person.role))
        .collect();
    let expected = [
        (None, host(), RoleRow::Host),
        (None, user(20), RoleRow::CoHost),
        (None, user(11), RoleRow::CoHost),
        (Some(ticket(10)), user(10), RoleRow::Listener),
        (Some(ticket(11)), user(11), RoleRow::CoHost),
    ];
    assert_eq!(people, expected);
    assert_eq!(admits_host_side(&pool, user(20)).await, SPEAKER);
    assert_eq!(admits(&pool, 11).await, SPEAKER);
    let stage = stage_of_room(&pool).await;
    assert_eq!((stage.lead, stage.co_hosts), (host(), vec![user(20), user(11)]));
}

#[sqlx::test(migrations = "../migrations")]
async fn whether_a_room_is_recorded_is_shown_with_its_stage(pool: PgPool) {
    let story = Story::new().schedule(1).revise(1, recorded()).open(1);
    project(&pool, View::Entitlements, &story).await;
    let shown = async || {
        let live = live_rooms(&pool).await.expect("a query")[0].recording;
        assert_eq!(stage_of_room(&pool).await.recording, live);
        (live.allowed, live.runs)
    };
    assert_eq!(shown().await, (true, false));
    let story = story.room(1, recording_started(1));
    feed_last(&pool, &story, 1).await;
    assert_eq!(shown().await, (true, true));
    feed_last(&pool, &story.room(1, recording_stopped()), 1).await;
    assert_eq!(shown().await, (true, false));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dismissed_co_host_is_who_they_were_before(pool: PgPool) {
    let dismissed = |user| RoomEvent::CoHostDismissed {
        user,
        by: host(),
        dismissed_at: at(60),
    };
    let story = with_co_hosts()
        .room(1, handed_over(host(), user(20)))
        .room(1, dismissed(user(20)))
        .room(1, dismissed(user(11)));
    project(&pool, View::Entitlements, &story).await;
    let refused = AdmissionRow::Refused(RefusalReason::NotIssued);
    assert_eq!(admits_host_side(&pool, user(20)).await, refused);
    assert_eq!(admits(&pool, 11).await, LISTENER);
    assert_eq!(people(&pool).await, [listener(10), listener(11)]);
    assert_eq!(stage_of_room(&pool).await.lead, host(), "who led leads no more");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_lead_goes_over_and_comes_back(pool: PgPool) {
    let story = with_co_hosts().room(1, handed_over(host(), user(20)));
    project(&pool, View::Entitlements, &story).await;
    assert_eq!(stage_of_room(&pool).await.lead, user(20));
    assert_eq!(live_rooms(&pool).await.expect("a query")[0].lead, user(20));
    let story = story.room(1, handed_over(user(20), host()));
    feed_last(&pool, &story, 1).await;
    assert_eq!(stage_of_room(&pool).await.lead, host());
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_muted_may_not_speak_until_their_own_word(pool: PgPool) {
    let story = with_co_hosts()
        .room(1, invited(user(10)))
        .room(1, accepted(user(10)))
        .room(1, muted(user(10)))
        .room(1, muted(user(20)));
    project(&pool, View::Entitlements, &story).await;
    assert_eq!(admits(&pool, 10).await, LISTENER);
    assert_eq!(admits_host_side(&pool, user(20)).await, LISTENER);
    let stage = stage_of_room(&pool).await;
    assert_eq!(stage.speakers, [user(10)], "and is on the stage as before");
    assert_eq!(stage.muted, [user(20), user(10)]);
    let by_own_word = |user| RoomEvent::SpeakerUnmuted {
        user,
        unmuted_at: at(60),
    };
    let story = story.room(1, by_own_word(user(10))).room(1, by_own_word(user(20)));
    feed_last(&pool, &story, 2).await;
    assert_eq!(admits(&pool, 10).await, SPEAKER);
    assert_eq!(admits_host_side(&pool, user(20)).await, SPEAKER);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_invitation_stands_until_it_is_answered(pool: PgPool) {
    let declined = RoomEvent::InvitationDeclined {
        user: user(11),
        by: host(),
        declined_at: at(60),
    };
    let story = live().room(1, invited(user(11))).room(1, invited(user(10)));
    project(&pool, View::Entitlements, &story).await;
    assert_eq!(stage_of_room(&pool).await.invitations, [user(11), user(10)]);
    assert_eq!(admits(&pool, 10).await, LISTENER);
    let story = story.room(1, accepted(user(10))).room(1, declined);
    feed_last(&pool, &story, 2).await;
    let stage = stage_of_room(&pool).await;
    assert_eq!((stage.speakers, stage.invitations), (vec![user(10)], vec![]));
}

#[sqlx::test(migrations = "../migrations")]
async fn both_bans_must_be_over(pool: PgPool) {
    let story = live()
        .room(1, requested(user(10)))
        .room(1, banned(user(10), false))
        .room(1, banned(user(10), true));
    project(&pool, View::Entitlements, &story).await;
    let refused = AdmissionRow::Refused(RefusalReason::Banned);
    assert_eq!(admits(&pool, 10).await, refused);
    assert_eq!(people(&pool).await, [listener(11)]);
    assert_eq!(stage_of_room(&pool).await.requests, []);
    let story = story.room(1, unbanned(user(10), true));
    feed_last(&pool, &story, 1).await;
    assert_eq!(admits(&pool, 10).await, refused);
    let story = story.room(1, unbanned(user(10), false));
    feed_last(&pool, &story, 1).await;
    assert_eq!(admits(&pool, 10).await, LISTENER);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_banned_co_host_may_not_come_in(pool: PgPool) {
    let story = with_co_hosts().room(1, banned(user(20), true));
    project(&pool, View::Entitlements, &story).await;
    let refused = AdmissionRow::Refused(RefusalReason::Banned);
    assert_eq!(admits_host_side(&pool, user(20)).await, refused);
    assert_eq!(stage_of_room(&pool).await.co_hosts, [user(11)]);
}

async fn feed_last(pool: &PgPool, story: &Story, count: usize) {
    let last = story.events.len() - count;
    let page = &story.recorded()[last..];
    crate::tests::stage::feed(pool, View::Entitlements, crate::view::Side::Live, page).await;
}
