//! Reads a payload into the columns of its type, in one pass over the text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::rows::Rows;
use crate::columns::{Column, Kind};

/// Where fields are in an object.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Shape(Vec<(String, Field)>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Field {
    /// The column with this number.
    Column(usize, Kind),
    Object(Shape),
}

impl Shape {
    pub(super) fn of(columns: &[Column]) -> Self {
        let mut shape = Self::default();
        for (number, column) in columns.iter().enumerate() {
            shape.add(&column.path, number, column.kind);
        }
        shape
    }

    fn add(&mut self, path: &[String], number: usize, kind: Kind) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        if rest.is_empty() {
            self.0.push((first.clone(), Field::Column(number, kind)));
            return;
        }
        let known = self.0.iter().position(|(name, _)| name == first);
        let at = known.unwrap_or_else(|| {
            self.0.push((first.clone(), Field::Object(Self::default())));
            self.0.len() - 1
        });
        if let Field::Object(shape) = &mut self.0[at].1 {
            shape.add(rest, number, kind);
        }
    }

    /// Puts what the payload says into the columns of a row.
    pub(super) fn read(&self, payload: &[u8], rows: &mut Rows) -> Result<(), serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(payload);
        Object { shape: self, rows }.deserialize(&mut deserializer)?;
        deserializer.end()
    }
}

struct Object<'a> {
    shape: &'a Shape,
    rows: &'a mut Rows,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self { shape, rows } = self;
        // Fields mostly come in the order of their declaration, which is not that of columns; there are few.
        while let Some(name) = fields.next_key::<&'de str>()? {
            match shape.0.iter().find(|(known, _)| known == name) {
                Some((_, Field::Column(number, kind))) => fields.next_value_seed(Cell {
                    number: *number,
                    kind: *kind,
                    rows,
                })?,
                Some((_, Field::Object(shape))) => fields.next_value_seed(Object { shape, rows })?,
                None => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Cell<'a> {
    number: usize,
    kind: Kind,
    rows: &'a mut Rows,
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.kind == Kind::Json {
            let json = <&'de RawValue as serde::Deserialize>::deserialize(deserializer)?;
            return self.put(json.get());
        }
        deserializer.deserialize_any(self)
    }
}

impl Cell<'_> {
    fn put<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let taken = self.rows.text(self.number, self.kind, text);
        taken.map_err(E::custom)
    }
}

impl Visitor<'_> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.put(text)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.rows.boolean(self.number, value).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.rows.integer(self.number, value).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        let value = i64::try_from(value).map_err(|_| E::custom("a number beyond 2^63"))?;
        self.visit_i64(value)
    }
}
