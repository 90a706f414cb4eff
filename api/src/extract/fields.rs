//! What the fields of a parsed body must satisfy beyond their types: every mistake is collected, so that the client reads
//! all of them at once.

use std::fmt;

use chrono::{DateTime, Datelike, SecondsFormat, SubsecRound, Utc};
use domain::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

use crate::ApiError;
use crate::error::FieldError;

/// Collects what is wrong.
#[derive(Default, Debug)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    pub(crate) fn check(&mut self, is_right: bool, pointer: &str, detail: impl fmt::Display) {
        if !is_right {
            self.0.push(FieldError::new(pointer, detail.to_string()));
        }
    }

    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ApiError::InvalidFields(self.0))
        }
    }
}

/// A moment as clients write and read it: RFC 3339, UTC, milliseconds, `Z`. Other offsets are understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment(pub(crate) Timestamp);

const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("must be a time like 2026-11-24T20:00:00.000Z, in the years 1970 to 9999")]
pub(crate) struct NoMoment;

impl std::str::FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| NoMoment)?;
        let moment = moment.with_timezone(&Utc).trunc_subsecs(3);
        YEARS.contains(&moment.year()).then_some(Self(moment)).ok_or(NoMoment)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl utoipa::PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl utoipa::ToSchema for Moment {}
