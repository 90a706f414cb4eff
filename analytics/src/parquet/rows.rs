//! Rows of one event type, column by column.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Date32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, NaiveDate};
use event_log::chain::Leaf;

use crate::columns::{COMMON, EventTable, Kind};

/// Columns before those of the payload: what all types have, and the aggregate's id.
const BEFORE: usize = COMMON.len() + 1;
const UTC: &str = "UTC";

/// The columns of a type, as Arrow has them. Ids are text: every reader knows that.
pub(super) fn schema(table: &EventTable) -> SchemaRef {
    let common = COMMON.iter().map(|(name, kind)| ((*name).to_owned(), *kind));
    let mut columns: Vec<_> = common.collect();
    columns.push((table.id.to_owned(), Kind::Uuid));
    columns.extend(table.columns.iter().map(|column| (column.name.clone(), column.kind)));
    let fields = columns.into_iter().enumerate().map(|(number, (name, kind))| {
        // Not every event has somebody behind it, as not every payload has each field.
        let is_optional = number >= BEFORE || name == "actor_id";
        Field::new(name, data_type(kind), is_optional)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Uuid | Kind::Text | Kind::Json => DataType::Utf8,
        Kind::Integer => DataType::Int64,
        Kind::Boolean => DataType::Boolean,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        Kind::Date => DataType::Date32,
    }
}

enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Date(Date32Builder),
}

/// Rows in the making.
pub(super) struct Rows {
    schema: SchemaRef,
    columns: Vec<Builder>,
    count: usize,
}

/// Why a field does not fit its column.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("a value of another kind")]
    Kind,
    #[error("no time")]
    Time,
    #[error("a field twice")]
    Twice,
}

impl Rows {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let columns = schema.fields().iter().map(|field| match field.data_type() {
            DataType::Int64 => Builder::Integer(Int64Builder::new()),
            DataType::Boolean => Builder::Boolean(BooleanBuilder::new()),
            DataType::Timestamp(..) => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
            DataType::Date32 => Builder::Date(Date32Builder::new()),
            _ => Builder::Text(StringBuilder::new()),
        });
        Self {
            schema: Arc::clone(schema),
            columns: columns.collect(),
            count: 0,
        }
    }

    /// Begins a row, with what the log says of the event beside its payload. The columns of the payload come after it.
    pub(super) fn begin(&mut self, leaf: &Leaf<'_>, actor: Option<&str>) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let [position, recorded_at, sequence, version, by, id] = &mut self.columns[..BEFORE] else {
            return;
        };
        position.integer(number(leaf.position));
        recorded_at.time(leaf.recorded_at.timestamp_micros());
        sequence.integer(number(leaf.sequence));
        version.text(leaf.event_version);
        match actor {
            Some(actor) => by.text(actor),
            None => by.null(),
        }
        id.text(leaf.aggregate_id);
    }

    /// Ends a row: what it did not say is not there.
    pub(super) fn end(&mut self) {
        self.count += 1;
        for column in &mut self.columns {
            if column.len() < self.count {
                column.null();
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn text(&mut self, number: usize, kind: Kind, text: &str) -> Result<(), Unfit> {
        match (self.cell(number)?, kind) {
            (Builder::Text(column), Kind::Text | Kind::Uuid | Kind::Json) => column.append_value(text),
            (Builder::Time(column), Kind::Time) => {
                let time = DateTime::parse_from_rfc3339(text).map_err(|_| Unfit::Time)?;
                column.append_value(time.timestamp_micros());
            }
            (Builder::Date(column), Kind::Date) => column.append_value(days(text).ok_or(Unfit::Time)?),
            _ => return Err(Unfit::Kind),
        }
        Ok(())
    }

    pub(super) fn integer(&mut self, number: usize, value: i64) -> Result<(), Unfit> {
        match self.cell(number)? {
            Builder::Integer(column) => column.append_value(value),
            _ => return Err(Unfit::Kind),
        }
        Ok(())
    }

    pub(super) fn boolean(&mut self, number: usize, value: bool) -> Result<(), Unfit> {
        match self.cell(number)? {
            Builder::Boolean(column) => column.append_value(value),
            _ => return Err(Unfit::Kind),
        }
        Ok(())
    }

    /// A column of the payload that has nothing in this row yet.
    fn cell(&mut self, number: usize) -> Result<&mut Builder, Unfit> {
        let count = self.count;
        let column = self.columns.get_mut(BEFORE + number).ok_or(Unfit::Kind)?;
        if column.len() == count {
            Ok(column)
        } else {
            Err(Unfit::Twice)
        }
    }

    pub(super) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let columns = self.columns.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(self.schema, columns)
    }
}

/// Days since 1970.
fn days(text: &str) -> Option<i32> {
    let date: NaiveDate = text.parse().ok()?;
    i32::try_from((date - NaiveDate::default()).num_days()).ok()
}

impl Builder {
    fn len(&self) -> usize {
        use arrow_array::builder::ArrayBuilder as _;
        match self {
            Self::Text(column) => column.len(),
            Self::Integer(column) => column.len(),
            Self::Boolean(column) => column.len(),
            Self::Time(column) => column.len(),
            Self::Date(column) => column.len(),
        }
    }

    fn null(&mut self) {
        match self {
            Self::Text(column) => column.append_null(),
            Self::Integer(column) => column.append_null(),
            Self::Boolean(column) => column.append_null(),
            Self::Time(column) => column.append_null(),
            Self::Date(column) => column.append_null(),
        }
    }

    fn integer(&mut self, value: i64) {
        if let Self::Integer(column) = self {
            column.append_value(value);
        }
    }

    fn time(&mut self, micros: i64) {
        if let Self::Time(column) = self {
            column.append_value(micros);
        }
    }

    fn text(&mut self, value: &str) {
        if let Self::Text(column) = self {
            column.append_value(value);
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => Arc::new(column.finish()),
            Self::Integer(column) => Arc::new(column.finish()),
            Self::Boolean(column) => Arc::new(column.finish()),
            Self::Time(column) => Arc::new(column.finish()),
            Self::Date(column) => Arc::new(column.finish()),
        }
    }
}
