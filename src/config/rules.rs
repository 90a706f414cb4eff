//! By which rules the shop sells: a preset, built in or of the operator's own, and tax rates.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use api::HostTerms;
use clap::Args;
use domain::{EarningRules, Preset, TaxRules, TermsHash};
use serde::Deserialize;

#[derive(Clone, Debug, Args)]
pub(crate) struct RulesOptions {
    /// The rule set rooms are scheduled under: `open`, `ticketed-spaces`, or one of `--rules-file`
    #[arg(long, env = "BOXOFFICE_PRESET", default_value = "open", value_name = "NAME")]
    pub(crate) preset: String,
    /// A JSON file with presets and tax rates of one's own: `{"presets": [...], "taxes": {"version": 1, "rates": {"DE": 1900}}}`
    #[arg(long, env = "BOXOFFICE_RULES_FILE", value_name = "PATH")]
    pub(crate) rules_file: Option<PathBuf>,
    /// The terms of hosting: a text that hosts accept before their first priced room, and again when it has changed
    #[arg(long, env = "BOXOFFICE_HOST_TERMS_FILE", value_name = "PATH")]
    pub(crate) host_terms_file: Option<PathBuf>,
    /// The same, if the shop shows the text elsewhere: its SHA-256
    #[arg(
        long,
        env = "BOXOFFICE_HOST_TERMS_SHA256",
        conflicts_with = "host_terms_file",
        value_name = "HASH"
    )]
    pub(crate) host_terms_sha256: Option<TermsHash>,
}

/// What the shop sells by.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) preset: Preset,
    pub(crate) taxes: TaxRules,
    pub(crate) host_terms: Option<HostTerms>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    presets: Vec<Preset>,
    #[serde(default)]
    taxes: TaxRules,
}

impl RulesOptions {
    /// A preset alone.
    pub(crate) fn only(preset: &str, rules_file: Option<PathBuf>) -> Self {
        Self {
            preset: preset.to_owned(),
            rules_file,
            host_terms_file: None,
            host_terms_sha256: None,
        }
    }

    pub(crate) fn load(&self) -> anyhow::Result<Rules> {
        let file = self.rules_file.as_deref().map(read).transpose()?.unwrap_or_default();
        let preset = choose(&self.preset, &file.presets)?;
        Ok(Rules {
            preset,
            taxes: file.taxes,
            host_terms: self.host_terms()?,
        })
    }

    fn host_terms(&self) -> anyhow::Result<Option<HostTerms>> {
        let Some(path) = &self.host_terms_file else {
            return Ok(self.host_terms_sha256.map(|sha256| HostTerms { sha256, text: None }));
        };
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let sha256 = TermsHash::of(text.as_bytes());
        Ok(Some(HostTerms {
            sha256,
            text: Some(text),
        }))
    }
}

fn read(path: &Path) -> anyhow::Result<RulesFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let file: RulesFile = serde_json::from_str(&text).with_context(|| format!("understand {}", path.display()))?;
    for (index, preset) in file.presets.iter().enumerate() {
        check(preset, &file.presets[..index])
            .with_context(|| format!("preset {:?} of {}", preset.name, path.display()))?;
    }
    Ok(file)
}

fn check(preset: &Preset, before: &[Preset]) -> anyhow::Result<()> {
    if preset.name.is_empty() || Preset::built_in().iter().any(|built_in| built_in.name == preset.name) {
        bail!("a preset needs a name of its own");
    }
    if before
        .iter()
        .any(|other| (&other.name, other.version) == (&preset.name, preset.version))
    {
        bail!("version {} is there twice", preset.version);
    }
    if preset.price_min_minor < 0 || preset.price_max_minor < preset.price_min_minor || preset.payout_min_minor < 0 {
        bail!("prices must be from 0 up, and payouts too");
    }
    let EarningRules {
        pending_days,
        reserve_days,
        ..
    } = preset.fees.earning;
    if pending_days > EarningRules::PENDING_DAYS_MAX || reserve_days > EarningRules::RESERVE_DAYS_MAX {
        bail!(
            "earnings are pending for {} days at most, and kept in the reserve for {}",
            EarningRules::PENDING_DAYS_MAX,
            EarningRules::RESERVE_DAYS_MAX
        );
    }
    if preset.hold_seconds_min == 0 || preset.hold_seconds_max < preset.hold_seconds_min || preset.capacity_max == 0 {
        bail!("holds and rooms must have a size");
    }
    Ok(())
}

/// The latest version of a name.
fn choose(name: &str, own: &[Preset]) -> anyhow::Result<Preset> {
    let all = own.iter().cloned().chain(Preset::built_in());
    all.filter(|preset| preset.name == name)
        .max_by_key(|preset| preset.version)
        .with_context(|| format!("there is no preset {name:?}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use domain::Admission;
    use serde_json::json;

    use super::*;

    fn options(preset: &str, file: Option<&serde_json::Value>) -> (RulesOptions, Option<tempfile::NamedTempFile>) {
        let file = file.map(|content| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            write!(file, "{content}").unwrap();
            file
        });
        let rules_file = file.as_ref().map(|file| file.path().to_owned());
        let preset = preset.to_owned();
        let options = RulesOptions {
            preset,
            rules_file,
            host_terms_file: None,
            host_terms_sha256: None,
        };
        (options, file)
    }

    fn own(version: u32) -> serde_json::Value {
        let mut preset = serde_json::to_value(Preset::open()).unwrap();
        preset["name"] = json!("coop");
        preset["version"] = json!(version);
        preset
    }

    #[test]
    fn presets_are_built_in_or_written_by_the_operator() {
        assert_eq!(options("open", None).0.load().unwrap().preset, Preset::open());
        let spaces = options("ticketed-spaces", None).0.load().unwrap().preset;
        assert_eq!(spaces, Preset::ticketed_spaces());
        let file = json!({"presets": [own(2), own(3)], "taxes": {"version": 7, "rates": {"DE": 1900}}});
        let (options, _file) = options("coop", Some(&file));
        let rules = options.load().unwrap();
        assert_eq!((rules.preset.version, rules.taxes.version), (3, 7));
    }

    #[test]
    fn an_own_preset_says_who_may_host() {
        let mut preset = own(1);
        preset["hosts"] =
            json!({"admission": "waitlist", "required": ["adult"], "followers_min": 50, "countries": ["DE"]});
        let (options, _file) = options("coop", Some(&json!({"presets": [preset]})));
        let hosts = options.load().unwrap().preset.hosts;
        assert_eq!((hosts.admission, hosts.followers_min), (Admission::Waitlist, 50));
        assert_eq!(hosts.rooms_hosted_min, 0);
    }

    #[test]
    fn the_terms_of_hosting_are_known_by_their_hash() {
        let mut terms = tempfile::NamedTempFile::new().unwrap();
        write!(terms, "Be kind.").unwrap();
        let (mut options, _) = options("open", None);
        assert_eq!(options.load().unwrap().host_terms, None);
        options.host_terms_file = Some(terms.path().to_owned());
        let read = options.load().unwrap().host_terms.unwrap();
        assert_eq!(read.sha256, TermsHash::of(b"Be kind."));
        assert_eq!(read.text.as_deref(), Some("Be kind."));
    }

    #[test]
    fn what_is_no_rule_is_refused_at_the_start() {
        let mut negative = own(1);
        negative["price_min_minor"] = json!(-1);
        let mut endless = own(1);
        endless["fees"]["earning"] = json!({"pending_days": 31});
        let bad = [
            json!({"presets": [endless]}),
            json!({"presets": [own(1), own(1)]}),
            json!({"presets": [Preset::open()]}),
            json!({"presets": [negative]}),
            json!({"taxes": {"version": 1, "rates": {"Germany": 1900}}}),
            json!({"taxes": {"version": 1, "rates": {"DE": 10_001}}}),
            json!({"tariffs": []}),
        ];
        for content in bad {
            let (options, _file) = options("open", Some(&content));
            assert!(options.load().is_err(), "{content}");
        }
        assert!(options("closed", None).0.load().is_err());
    }
}
