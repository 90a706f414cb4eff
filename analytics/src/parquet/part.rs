//! Events of a stretch of the log, sorted by day and type.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use arrow_schema::SchemaRef;
use chrono::NaiveDate;
use event_log::stretches::RawEvent;
use serde::Deserialize;

use super::payload::Shape;
use super::rows::{self, Rows};
use crate::columns::event_tables;

/// What there is of event types, and how each is read.
pub(super) struct Types {
    by_name: HashMap<String, usize>,
    all: Vec<Known>,
}

pub(super) struct Known {
    pub(super) aggregate_type: &'static str,
    pub(super) event_type: String,
    pub(super) schema: SchemaRef,
    shape: Shape,
}

impl Types {
    pub(super) fn known() -> Self {
        let all = event_tables().into_iter().map(|table| Known {
            aggregate_type: table.aggregate_type,
            schema: rows::schema(&table),
            shape: Shape::of(&table.columns),
            event_type: table.event_type,
        });
        let all: Vec<_> = all.collect();
        let by_name = all
            .iter()
            .enumerate()
            .map(|(number, kind)| (kind.event_type.clone(), number));
        Self {
            by_name: by_name.collect(),
            all,
        }
    }

    pub(super) fn get(&self, number: usize) -> &Known {
        &self.all[number]
    }

    fn find(&self, aggregate_type: &str, event_type: &str) -> Option<usize> {
        let number = *self.by_name.get(event_type)?;
        (self.all[number].aggregate_type == aggregate_type).then_some(number)
    }
}

/// What of metadata is in the files.
#[derive(Deserialize)]
struct Actor<'a> {
    #[serde(borrow, default)]
    actor_id: Cow<'a, str>,
}

/// A stretch of the log.
pub(super) struct Stretch {
    pub(super) to: u64,
    pub(super) hash: [u8; 32],
    /// By day and number of the type.
    pub(super) parts: BTreeMap<(NaiveDate, usize), Rows>,
    pub(super) unknown: Option<(u64, String)>,
}

impl Stretch {
    pub(super) fn new() -> Self {
        Self {
            to: 0,
            hash: [0; 32],
            parts: BTreeMap::new(),
            unknown: None,
        }
    }

    pub(super) fn push(&mut self, types: &Types, event: &RawEvent<'_>) {
        self.to = event.leaf.position;
        self.hash = event.hash;
        if self.unknown.is_none()
            && let Err(reason) = self.take_in(types, event)
        {
            self.unknown = Some((event.leaf.position, reason));
        }
    }

    fn take_in(&mut self, types: &Types, event: &RawEvent<'_>) -> Result<(), String> {
        let leaf = &event.leaf;
        let number = types.find(leaf.aggregate_type, leaf.event_type);
        let number = number.ok_or_else(|| format!("{} of a {}", leaf.event_type, leaf.aggregate_type))?;
        let kind = types.get(number);
        let day = leaf.recorded_at.date_naive();
        let rows = self
            .parts
            .entry((day, number))
            .or_insert_with(|| Rows::new(&kind.schema));
        let actor: Actor<'_> = serde_json::from_slice(leaf.metadata).map_err(|error| error.to_string())?;
        rows.begin(leaf, Some(&*actor.actor_id).filter(|actor| !actor.is_empty()));
        kind.shape.read(leaf.payload, rows).map_err(|error| error.to_string())?;
        rows.end();
        Ok(())
    }
}
