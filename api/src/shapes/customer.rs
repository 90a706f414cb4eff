//! Through which channel a buyer comes, and where they are.

use domain::tax::{CountryEvidence, EvidenceKind};
use domain::{Channel, Country, Customer, TaxRules};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::Fields;

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Channel)]
pub(crate) enum ChannelName {
    #[default]
    Web,
    Ios,
    Android,
}

impl ChannelName {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Ios => "ios",
            Self::Android => "android",
        }
    }
}

impl From<ChannelName> for Channel {
    fn from(name: ChannelName) -> Self {
        match name {
            ChannelName::Web => Self::Web,
            ChannelName::Ios => Self::Ios,
            ChannelName::Android => Self::Android,
        }
    }
}

impl From<Channel> for ChannelName {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Web => Self::Web,
            Channel::Ios => Self::Ios,
            Channel::Android => Self::Android,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EvidenceName {
    BillingAddress,
    PaymentCard,
    IpAddress,
    SimCard,
    StoreAccount,
}

impl From<EvidenceName> for EvidenceKind {
    fn from(name: EvidenceName) -> Self {
        match name {
            EvidenceName::BillingAddress => Self::BillingAddress,
            EvidenceName::PaymentCard => Self::PaymentCard,
            EvidenceName::IpAddress => Self::IpAddress,
            EvidenceName::SimCard => Self::SimCard,
            EvidenceName::StoreAccount => Self::StoreAccount,
        }
    }
}

/// Something that speaks for a country.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceBody {
    kind: EvidenceName,
    /// ISO 3166-1 alpha-2, such as `DE`
    country: String,
}

/// Where the customer is. Two pieces of evidence of different kinds must speak for the country. Nothing else of them is
/// kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerBody {
    /// ISO 3166-1 alpha-2, such as `DE`
    country: String,
    #[schema(min_items = 2, max_items = 5)]
    evidence: Vec<EvidenceBody>,
}

/// What is known of the customer; mistakes are added to `fields`. `None` if there are some.
pub(crate) fn customer(body: Option<&CustomerBody>, taxes: &TaxRules, fields: &mut Fields) -> Option<Customer> {
    let Some(body) = body else {
        let is_asked = taxes.ask_for_country();
        return Some(if is_asked {
            Customer::Missing
        } else {
            Customer::NotAsked
        });
    };
    let mut read = |code: &str, pointer: String| {
        let country: Result<Country, _> = code.parse();
        if let Err(reason) = &country {
            fields.check(false, &pointer, reason.to_string());
        }
        country.ok()
    };
    let country = read(&body.country, "/customer/country".to_owned());
    let evidence: Vec<Option<CountryEvidence>> = body
        .evidence
        .iter()
        .enumerate()
        .map(|(index, piece)| {
            let country = read(&piece.country, format!("/customer/evidence/{index}/country"))?;
            let kind = piece.kind.into();
            Some(CountryEvidence { kind, country })
        })
        .collect();
    let country = country?;
    Some(Customer::Known {
        country,
        evidence: evidence.into_iter().collect::<Option<_>>()?,
        tax: taxes.rule_for(country),
    })
}
