//! What an identity provider says about a person that makes them eligible as a host: yes or no, counts, a country.

use domain::{Country, Fact, FactSource, HostFacts, Timestamp};
use serde_json::{Map, Value};

/// Of a list of authentication methods (`amr`, RFC 8176): more than one was used.
const MULTIPLE_FACTORS: &str = "mfa";

/// Which claim says what: a name, or from a `/` on a JSON pointer into the token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimNames {
    /// A yes or no, whether the person is 18 or older.
    pub adult: String,
    /// A count.
    pub followers: String,
    pub profile_complete: String,
    pub email_verified: String,
    /// A yes or no, or a list of authentication methods.
    pub two_factor: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

impl Default for ClaimNames {
    /// The names of `OpenID` Connect, where it has one.
    fn default() -> Self {
        let name = str::to_owned;
        Self {
            adult: name("age_over_18"),
            followers: name("followers"),
            profile_complete: name("profile_complete"),
            email_verified: name("email_verified"),
            two_factor: name("amr"),
            country: name("/address/country"),
        }
    }
}

/// What a token says. What is of another type than it should be says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ClaimedFacts {
    adult: Option<bool>,
    followers: Option<u32>,
    profile_complete: Option<bool>,
    email_verified: Option<bool>,
    two_factor: Option<bool>,
    country: Option<Country>,
}

impl ClaimedFacts {
    pub(super) fn read(claims: &Map<String, Value>, names: &ClaimNames) -> Self {
        let flag = |name: &str| find(claims, name)?.as_bool();
        let followers = || find(claims, &names.followers)?.as_u64();
        Self {
            adult: flag(&names.adult),
            followers: followers().map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
            profile_complete: flag(&names.profile_complete),
            email_verified: flag(&names.email_verified),
            two_factor: find(claims, &names.two_factor).and_then(second_factor),
            country: find(claims, &names.country)
                .and_then(Value::as_str)
                .and_then(|code| code.parse().ok()),
        }
    }

    /// As facts known at `at`.
    pub(crate) fn at(self, at: Timestamp) -> HostFacts {
        fn fact<T>(value: Option<T>, at: Timestamp) -> Option<Fact<T>> {
            let source = FactSource::Claim;
            value.map(|value| Fact { value, source, at })
        }
        HostFacts {
            adult: fact(self.adult, at),
            followers: fact(self.followers, at),
            rooms_hosted: None,
            profile_complete: fact(self.profile_complete, at),
            email_verified: fact(self.email_verified, at),
            two_factor: fact(self.two_factor, at),
            country: fact(self.country, at),
        }
    }
}

fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let Some(path) = name.strip_prefix('/') else {
        return claims.get(name);
    };
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let value = claims.get(first)?;
    if rest.is_empty() {
        Some(value)
    } else {
        value.pointer(&format!("/{rest}"))
    }
}

fn second_factor(claim: &Value) -> Option<bool> {
    match claim {
        Value::Bool(is_so) => Some(*is_so),
        Value::Array(methods) => Some(methods.iter().any(|method| method == MULTIPLE_FACTORS)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: &Value) -> ClaimedFacts {
        ClaimedFacts::read(claims.as_object().unwrap(), &ClaimNames::default())
    }

    #[test]
    fn claims_are_facts_of_their_type() {
        let facts = read(&json!({
            "age_over_18": true,
            "followers": 1200,
            "profile_complete": false,
            "email_verified": true,
            "amr": ["pwd", "otp", "mfa"],
            "address": {"country": "US"},
        }));
        let expected = ClaimedFacts {
            adult: Some(true),
            followers: Some(1_200),
            profile_complete: Some(false),
            email_verified: Some(true),
            two_factor: Some(true),
            country: Some("US".parse().unwrap()),
        };
        assert_eq!(facts, expected);
        assert_eq!(read(&json!({"amr": ["pwd"]})).two_factor, Some(false));
    }

    #[test]
    fn what_is_of_another_type_says_nothing() {
        let facts = read(&json!({
            "age_over_18": "yes",
            "followers": -1,
            "profile_complete": 1,
            "amr": "mfa",
            "address": {"country": "Germany"},
            "birthdate": "1990-01-01",
        }));
        assert_eq!(facts, ClaimedFacts::default());
    }

    #[test]
    fn an_operator_names_other_claims() {
        let names = ClaimNames {
            followers: "https://id.example.org/followers".to_owned(),
            country: "country".to_owned(),
            ..ClaimNames::default()
        };
        let claims = json!({"https://id.example.org/followers": 3, "country": "DE"});
        let facts = ClaimedFacts::read(claims.as_object().unwrap(), &names);
        assert_eq!(facts.followers, Some(3));
        assert_eq!(facts.country, Some("DE".parse().unwrap()));
    }
}
