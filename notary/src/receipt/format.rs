//! The file.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::tree::Hash;

pub const FORMAT: &str = "boxoffice/receipt/1";

/// A receipt, in JSON.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`FORMAT`]
    pub format: String,
    pub subject: Subject,
    pub entry: Entry,
    /// The inclusion proof: hashes from the leaf's sibling up.
    #[serde(with = "hex_hashes")]
    pub proof: Vec<Hash>,
    /// The signed note, with the signatures of the log and of witnesses.
    pub checkpoint: String,
}

/// What the receipt is for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// Somebody has this ticket, by the event in the receipt.
    Ticket { ticket_id: String },
    /// Somebody was refused a seat, or a place in line. The event is the last one of the room before that.
    Refusal {
        room_id: String,
        /// A note signed by the log: what the room was.
        statement: String,
        /// What somebody asked with, if it was the code that was used up. The log has its hash alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promo_code: Option<String>,
    },
}

fn encode(hash: &Hash) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn decode(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return None;
    }
    for (nth, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * nth..2 * nth + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// A hash as 64 hexadecimal digits.
pub(super) mod hex_hash {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use super::{Hash, decode, encode};

    pub(in crate::receipt) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(hash))
    }

    pub(in crate::receipt) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        decode(&text).ok_or_else(|| de::Error::custom("a hash is 64 hexadecimal digits"))
    }
}

mod hex_hashes {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use super::{Hash, decode, encode};

    pub(super) fn serialize<S: Serializer>(hashes: &[Hash], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hashes.iter().map(encode))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hash>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let hashes: Option<Vec<Hash>> = texts.iter().map(|text| decode(text)).collect();
        hashes.ok_or_else(|| de::Error::custom("a hash is 64 hexadecimal digits"))
    }
}
