//! Ids of people on real PostgreSQL: made, kept, inherited, erased.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use domain::UserId;
use event_log::{Clock as _, SystemClock};
use futures::future::{join, try_join_all};
use sqlx::PgPool;
use tokio::time::timeout;
use uuid::Uuid;
use vault::VaultKey;

use super::{ClaimedContact, NewContact, People, Subject, store};

/// Long enough for a statement that does not wait.
const WHILE: Duration = Duration::from_millis(300);

fn subject(number: u8) -> Subject {
    Subject {
        key: [number; 32],
        own_id: None,
        derived_id: UserId::from_uuid(Uuid::from_u128(0x5_0000 + u128::from(number))),
    }
}

fn owning(number: u8) -> Subject {
    let subject = subject(number);
    Subject {
        own_id: Some(subject.derived_id),
        ..subject
    }
}

fn people(pool: &PgPool) -> People {
    People::new(pool.clone(), Arc::new(SystemClock), VaultKey::random())
}

fn claimed(email: &str) -> ClaimedContact {
    ClaimedContact {
        email: Some(email.parse().unwrap()),
        locale: Some("de".to_owned()),
        timezone: None,
    }
}

async fn email(people: &People, user: UserId) -> Option<String> {
    let contact = people.contact(user).await.unwrap()?;
    contact.email.map(|email| email.reveal().to_owned())
}

#[sqlx::test(migrations = "../migrations")]
async fn somebody_new_gets_an_id_by_chance_and_keeps_it(pool: PgPool) {
    let one = people(&pool);
    let user = one.user_of(&subject(1)).await.unwrap();
    assert_ne!(
        user,
        subject(1).derived_id,
        "a name cannot be found by computing its id"
    );
    assert_eq!(one.user_of(&subject(1)).await.unwrap(), user);
    assert_eq!(
        people(&pool).user_of(&subject(1)).await.unwrap(),
        user,
        "on another node too"
    );
    assert_ne!(one.user_of(&subject(2)).await.unwrap(), user);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_id_of_the_providers_own_is_used_as_it_is(pool: PgPool) {
    let people = people(&pool);
    let user = people.user_of(&owning(1)).await.unwrap();
    assert_eq!(Some(user), owning(1).own_id);
}

#[sqlx::test(migrations = "../migrations")]
async fn whom_the_log_knows_by_a_derived_id_keeps_it(pool: PgPool) {
    let known = subject(1).derived_id;
    sqlx::query!("INSERT INTO derived_people (user_id) VALUES ($1)", known.as_uuid())
        .execute(&pool)
        .await
        .unwrap();
    let people = people(&pool);
    assert_eq!(people.user_of(&subject(1)).await.unwrap(), known);
    people.forget(known).await.unwrap();
    assert_ne!(people.user_of(&subject(1)).await.unwrap(), known);
}

#[sqlx::test(migrations = "../migrations")]
async fn many_at_once_are_one_person(pool: PgPool) {
    let (one, other) = (people(&pool), people(&pool));
    let name = subject(1);
    let (a, b, c) = tokio::join!(one.user_of(&name), other.user_of(&name), one.user_of(&name));
    assert_eq!(a.unwrap(), b.unwrap());
    assert_eq!(one.user_of(&name).await.unwrap(), c.unwrap());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_crowd_of_the_known_and_the_new_is_found_at_once(pool: PgPool) {
    let (one, other) = (people(&pool), people(&pool));
    let known = one.user_of(&subject(7)).await.unwrap();
    // The same id brought along by two: it is the first one's alone.
    let twin = Subject {
        key: [200; 32],
        ..owning(1)
    };
    let crowd: Vec<Subject> = (0..100).map(owning).filter(|subject| subject.key != [7; 32]).collect();
    let crowd: Vec<Subject> = crowd.into_iter().chain([twin, subject(7), owning(3)]).collect();
    let (ours, theirs) = tokio::join!(
        try_join_all(crowd.iter().map(|subject| one.user_of(subject))),
        try_join_all(crowd.iter().map(|subject| other.user_of(subject))),
    );
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    assert_eq!(ours, theirs, "the same on both nodes");
    assert_eq!(ours[crowd.len() - 2], known);
    assert_eq!(Some(ours[crowd.len() - 1]), owning(3).own_id);
    let different: HashSet<UserId> = ours.iter().copied().collect();
    assert_eq!(different.len(), crowd.len() - 1, "all but the one who came twice");
}

#[sqlx::test(migrations = "../migrations")]
async fn who_comes_back_after_erasure_is_somebody_new(pool: PgPool) {
    let people = people(&pool);
    for subject in [subject(1), owning(2)] {
        let before = people.user_of(&subject).await.unwrap();
        people.note(before, &claimed("bo@example.org")).await;
        people.forget(before).await.unwrap();
        people.forget(before).await.unwrap();
        assert!(people.is_known(before).await.unwrap(), "the id is nobody's, and burnt");
        assert_eq!(people.contact(before).await.unwrap(), None);
        let after = people.user_of(&subject).await.unwrap();
        assert_ne!(after, before);
        assert_eq!(people.user_of(&subject).await.unwrap(), after);
        // A request that began before the erasure leaves nothing.
        people.note(before, &claimed("bo@example.org")).await;
        assert!(!people.set_contact(before, &NewContact::default()).await.unwrap());
        assert_eq!(people.contact(before).await.unwrap(), None);
    }
}

/// What is written waits for the erasure, and then there is nobody to write it of.
#[sqlx::test(migrations = "../migrations")]
async fn an_address_that_is_said_during_the_erasure_is_gone_after_it(pool: PgPool) {
    let people = people(&pool);
    let user = people.user_of(&subject(1)).await.unwrap();
    let mut erasure = pooling::begin(&pool).await.unwrap();
    store::erase(&mut erasure, user, SystemClock.now()).await.unwrap();
    let (claimed, own) = (claimed("bo@example.org"), NewContact::default());
    let mut written = pin!(join(people.note(user, &claimed), people.set_contact(user, &own)));
    assert!(timeout(WHILE, &mut written).await.is_err(), "it did not wait");
    erasure.commit().await.unwrap();
    assert!(!written.await.1.unwrap(), "somebody who is erased was written to");
    assert_eq!(people.contact(user).await.unwrap(), None);
}

/// The erasure waits for what is being written, and deletes it.
#[sqlx::test(migrations = "../migrations")]
async fn an_erasure_takes_what_is_being_said(pool: PgPool) {
    let people = people(&pool);
    for number in 10..40 {
        let user = people.user_of(&subject(number)).await.unwrap();
        let (claimed, own) = (claimed("bo@example.org"), NewContact::default());
        let (set, (), erased) = tokio::join!(
            people.set_contact(user, &own),
            people.note(user, &claimed),
            people.forget(user)
        );
        let was_set = set.unwrap();
        erased.unwrap();
        assert_eq!(people.contact(user).await.unwrap(), None, "{was_set}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_contact_follows_the_token_until_the_person_says_otherwise(pool: PgPool) {
    let people = people(&pool);
    let user = people.user_of(&subject(1)).await.unwrap();
    people.note(user, &claimed("old@example.org")).await;
    people.note(user, &claimed("new@example.org")).await;
    assert_eq!(email(&people, user).await.as_deref(), Some("new@example.org"));
    let refused = "new@example.org".parse().unwrap();
    people.refuse_mailbox(user, &refused).await.unwrap();
    people.note(user, &claimed("new@example.org")).await;
    assert!(people.contact(user).await.unwrap().unwrap().is_refused);
    let own = NewContact {
        email: Some("own@example.org".parse().unwrap()),
        ..NewContact::default()
    };
    assert!(people.set_contact(user, &own).await.unwrap());
    people.note(user, &claimed("third@example.org")).await;
    let contact = people.contact(user).await.unwrap().unwrap();
    assert_eq!(contact.email, own.email);
    assert!(!contact.is_refused && !contact.from_token);
    assert!(people.set_contact(user, &NewContact::default()).await.unwrap());
    people.note(user, &claimed("third@example.org")).await;
    assert_eq!(email(&people, user).await, None, "no mail is no mail");
}

#[sqlx::test(migrations = "../migrations")]
async fn who_comes_back_during_their_erasure_is_somebody_new(pool: PgPool) {
    let before = people(&pool).user_of(&owning(1)).await.unwrap();
    let after = people(&pool);
    let mut erasure = pooling::begin(&pool).await.unwrap();
    store::erase(&mut erasure, before, SystemClock.now()).await.unwrap();
    let subject = owning(1);
    let mut coming = pin!(after.user_of(&subject));
    assert!(timeout(WHILE, &mut coming).await.is_err(), "it did not wait");
    erasure.commit().await.unwrap();
    assert_ne!(coming.await.unwrap(), before);
}
