//! A host as they and the admins see them.

use std::collections::BTreeMap;

use domain::{Channel, Fact, HostFacts, PayoutCommand, TermsHash, UserId};
use event_log::Metadata;
use projections::View;
use projections::earnings::{HostRow, Standing, find_account};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::{ReadBack, Written};
use crate::extract::Moment;
use crate::shapes::ChannelName;
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Host)]
pub(crate) struct HostBody {
    user_id: Uuid,
    /// `none`, `applied`, `waitlisted`, `approved`, `declined` or `suspended`
    standing: &'static str,
    /// A word of the admin who decided last.
    reason: Option<String>,
    decided_at: Option<Moment>,
    /// Each fact that kept the rules from approving.
    failed_facts: Vec<FailedFactBody>,
    /// What is known of the host, by name: `adult`, `followers`, `rooms_hosted`, `profile_complete`, `email_verified`,
    /// `two_factor`, `country`
    facts: BTreeMap<&'static str, FactBody>,
    /// Where the host would like to sell.
    channels: Vec<ChannelName>,
    suspension: Option<SuspensionBody>,
    terms: HostTermsBody,
    /// Of the roll-out.
    cohorts: Vec<String>,
    /// Where the roll-out lets the host sell.
    sells_through: Vec<ChannelName>,
    payout_destination: Option<String>,
    /// The log position of the last change; 0 before the first.
    position: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailedFact)]
pub(crate) struct FailedFactBody {
    fact: &'static str,
    /// Known and short of what is asked; else nobody says.
    is_known: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fact)]
pub(crate) struct FactBody {
    /// A yes or no, a count, or a country's code
    value: Value,
    /// `claim`, `admin` or `log`
    source: &'static str,
    at: Moment,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suspension)]
pub(crate) struct SuspensionBody {
    reason: String,
    since: Moment,
}

/// The terms of hosting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcceptedTerms)]
pub(crate) struct HostTermsBody {
    /// Those in force: null where there are none.
    required_sha256: Option<String>,
    /// Those that were accepted last.
    accepted_sha256: Option<String>,
    accepted_at: Option<Moment>,
    /// Nothing is left to accept.
    is_accepted: bool,
}

impl HostTermsBody {
    fn new(state: &ApiState, accepted: Option<(TermsHash, Moment)>) -> Self {
        let required = state.host_terms.as_ref().map(|terms| terms.sha256);
        let sha256 = accepted.as_ref().map(|(sha256, _)| *sha256);
        Self {
            required_sha256: required.map(|hash| hash.to_string()),
            accepted_sha256: sha256.map(|hash| hash.to_string()),
            accepted_at: accepted.map(|(_, at)| at),
            is_accepted: required.is_none() || required == sha256,
        }
    }
}

impl HostBody {
    /// Somebody who never did anything as a host.
    fn unknown(state: &ApiState, user: UserId) -> Self {
        Self {
            user_id: user.as_uuid(),
            standing: Standing::None.as_str(),
            reason: None,
            decided_at: None,
            failed_facts: vec![],
            facts: BTreeMap::new(),
            channels: vec![],
            suspension: None,
            terms: HostTermsBody::new(state, None),
            cohorts: cohorts(state, user),
            sells_through: sells_through(state, user),
            payout_destination: None,
            position: 0,
        }
    }

    pub(super) fn of(state: &ApiState, row: HostRow) -> Self {
        let failed = row.failed.iter().map(|failed| FailedFactBody {
            fact: failed.fact.as_str(),
            is_known: failed.is_known,
        });
        let accepted = row.terms.map(|terms| (terms.sha256, terms.accepted_at.into()));
        Self {
            user_id: row.host.as_uuid(),
            standing: row.standing.as_str(),
            reason: row.reason,
            decided_at: row.decided_at.map(Moment),
            failed_facts: failed.collect(),
            facts: facts(&row.facts),
            channels: row.channels.into_iter().map(Into::into).collect(),
            suspension: row.suspension.map(|suspension| SuspensionBody {
                reason: suspension.reason,
                since: suspension.since.into(),
            }),
            terms: HostTermsBody::new(state, accepted),
            cohorts: cohorts(state, row.host),
            sells_through: sells_through(state, row.host),
            payout_destination: row.destination,
            position: row.position,
        }
    }
}

fn cohorts(state: &ApiState, host: UserId) -> Vec<String> {
    let rollout = state.rollout.current();
    rollout.cohorts_of(host).map(ToString::to_string).collect()
}

fn sells_through(state: &ApiState, host: UserId) -> Vec<ChannelName> {
    let rollout = state.rollout.current();
    rollout.channels_of(host).map(Channel::into).collect()
}

fn facts(facts: &HostFacts) -> BTreeMap<&'static str, FactBody> {
    fn body<T: Into<Value>>(fact: Fact<T>) -> FactBody {
        FactBody {
            value: fact.value.into(),
            source: fact.source.as_str(),
            at: fact.at.into(),
        }
    }
    let country = facts.country.map(|fact| Fact {
        value: fact.value.to_string(),
        source: fact.source,
        at: fact.at,
    });
    let named = [
        ("adult", facts.adult.map(body)),
        ("followers", facts.followers.map(body)),
        ("rooms_hosted", facts.rooms_hosted.map(body)),
        ("profile_complete", facts.profile_complete.map(body)),
        ("email_verified", facts.email_verified.map(body)),
        ("two_factor", facts.two_factor.map(body)),
        ("country", country.map(body)),
    ];
    let known = named.into_iter().filter_map(|(name, fact)| Some((name, fact?)));
    known.collect()
}

/// The host as the view shows them now.
pub(crate) async fn find_host(state: &ApiState, host: UserId) -> Result<HostBody, ApiError> {
    let row = find_account(&state.pool, host).await?;
    let body = row.map(|row| HostBody::of(state, row));
    Ok(body.unwrap_or_else(|| HostBody::unknown(state, host)))
}

/// Executes a command on a host's account and answers with the host as they are after it.
pub(super) async fn change(
    state: &ApiState,
    host: UserId,
    command: PayoutCommand,
    metadata: Metadata,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    let accounts = &state.aggregates.payouts;
    let position = accounts.execute(host.as_uuid(), command, metadata).await?.position;
    let read = async { find_host(state, host).await.map(Some) };
    let body = ReadBack::wait(state, View::Earnings, position, host.as_uuid(), read).await;
    Ok(Written::changed(position, body))
}
