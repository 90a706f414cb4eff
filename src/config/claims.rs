//! Which claims of a token say what makes a person eligible as a host.

use api::auth::ClaimNames;
use clap::Args;

/// Each is a claim's name, or from a `/` on a JSON pointer into the token.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClaimOptions {
    /// Claim that says whether a person is 18 or older: a yes or no, never a birth date
    #[arg(
        long = "claim-adult",
        env = "OIDC_CLAIM_ADULT",
        default_value_t = ClaimNames::default().adult,
        value_name = "CLAIM"
    )]
    adult: String,
    /// Claim that counts a person's active followers
    #[arg(
        long = "claim-followers",
        env = "OIDC_CLAIM_FOLLOWERS",
        default_value_t = ClaimNames::default().followers,
        value_name = "CLAIM"
    )]
    followers: String,
    /// Claim that says whether a person's profile is complete
    #[arg(
        long = "claim-profile-complete",
        env = "OIDC_CLAIM_PROFILE_COMPLETE",
        default_value_t = ClaimNames::default().profile_complete,
        value_name = "CLAIM"
    )]
    profile_complete: String,
    /// Claim that says whether a person's e-mail address is verified
    #[arg(
        long = "claim-email-verified",
        env = "OIDC_CLAIM_EMAIL_VERIFIED",
        default_value_t = ClaimNames::default().email_verified,
        value_name = "CLAIM"
    )]
    email_verified: String,
    /// Claim that says whether a second factor was used: a yes or no, or a list of methods with `mfa` in it
    #[arg(
        long = "claim-two-factor",
        env = "OIDC_CLAIM_TWO_FACTOR",
        default_value_t = ClaimNames::default().two_factor,
        value_name = "CLAIM"
    )]
    two_factor: String,
    /// Claim with a person's country, such as `US`
    #[arg(
        long = "claim-country",
        env = "OIDC_CLAIM_COUNTRY",
        default_value_t = ClaimNames::default().country,
        value_name = "CLAIM"
    )]
    country: String,
}

impl ClaimOptions {
    pub(crate) fn names(&self) -> ClaimNames {
        ClaimNames {
            adult: self.adult.clone(),
            followers: self.followers.clone(),
            profile_complete: self.profile_complete.clone(),
            email_verified: self.email_verified.clone(),
            two_factor: self.two_factor.clone(),
            country: self.country.clone(),
        }
    }
}
