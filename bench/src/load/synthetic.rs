//! A log of any length, made in seconds: whole purchases in rooms of a thousand, chained and copied straight into the table.
//!
//! Every event is one of the domain's own types, in the order in which a shop records them; only who decides is missing.

use std::thread;

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, TimeDelta};
use domain::room::{SeatHeld, SeatSold};
use domain::ticket::TicketEvent;
use domain::{Channel, Currency, Money, PaymentId, Room, RoomEvent, Terms, TicketId, Timestamp};
use event_log::chain::{self, Leaf};
use event_log::{Clock as _, SystemClock};
use serde::Serialize;
use sqlx::{Connection, Executor};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::buyers::{buyer_id, metadata, scattered};
use super::office::{fingerprint, host, room_id, schedule};
use crate::world::Database;

/// Sales of a room.
const SALES: u64 = 1_000;
/// Rooms that sell at the same time.
const OPEN_ROOMS: u64 = 10;
/// Seats of a room: some stay free, also when more are held there while it is measured.
const CAPACITY: u32 = 10_000_000;
const PRICE_MINOR: i64 = 1_000;
const PROVIDER_FEE_MINOR: i64 = 59;
/// Bytes that travel to PostgreSQL at once, and how many of such parts wait for it.
const PART: usize = 1 << 20;
const PARTS_WAITING: usize = 8;
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
const COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, \
                       recorded_at, hash";

/// Fills an empty log with at least `events` events. Returns how many there are.
pub(crate) async fn fill(database: &Database, events: u64) -> Result<u64> {
    let (parts, mut made) = mpsc::channel(PARTS_WAITING);
    let generator = thread::Builder::new()
        .name("generator".to_owned())
        .spawn(move || generate(events, &parts))
        .context("start a thread")?;
    let mut connection = database.connect().await?;
    connection.execute("SET ROLE boxoffice_sequencer").await?;
    let statement = format!("COPY events ({COLUMNS}) FROM STDIN (FORMAT binary)");
    let mut copy = connection.copy_in_raw(&statement).await?;
    while let Some(part) = made.recv().await {
        copy.send(part).await?;
    }
    copy.finish().await?;
    connection.execute("RESET ROLE").await?;
    connection.execute("VACUUM ANALYZE events").await?;
    connection.close().await?;
    generator.join().map_err(|_| anyhow!("the generator panicked"))?
}

fn generate(events: u64, parts: &mpsc::Sender<Vec<u8>>) -> Result<u64> {
    let mut writer = Writer {
        position: 0,
        hash: [0; 32],
        buffer: HEADER.to_vec(),
        recorded_at: SystemClock.now() - TimeDelta::days(1),
    };
    let mut sale = 0;
    while writer.position < events {
        let group = sale / (SALES * OPEN_ROOMS);
        let (room, turn) = (group * OPEN_ROOMS + sale % OPEN_ROOMS, sale / OPEN_ROOMS % SALES);
        if turn == 0 {
            writer.schedule(room)?;
        }
        writer.purchase(sale, room, turn)?;
        sale += 1;
        if writer.buffer.len() >= PART {
            let part = std::mem::take(&mut writer.buffer);
            parts.blocking_send(part).context("the copy ended early")?;
        }
    }
    writer.buffer.extend_from_slice(&TRAILER);
    parts.blocking_send(writer.buffer).context("the copy ended early")?;
    Ok(writer.position)
}

struct Writer {
    position: u64,
    hash: [u8; 32],
    buffer: Vec<u8>,
    recorded_at: Timestamp,
}

impl Writer {
    fn schedule(&mut self, room: u64) -> Result<()> {
        let command = schedule(room_id(room), CAPACITY, PRICE_MINOR);
        for event in Room::default().decide(command)? {
            self.append("room", room_id(room).as_uuid(), 1, event.name(), &event, room)?;
        }
        Ok(())
    }

    /// Hold, order, payment, capture, seat, ticket. It is its room's `turn`th.
    fn purchase(&mut self, sale: u64, room: u64, turn: u64) -> Result<()> {
        let ticket_id = TicketId::from_uuid(scattered(sale, 1));
        let (buyer, at, first) = (buyer_id(sale), self.recorded_at, 2 + turn * 2);
        let held = RoomEvent::SeatHeld(SeatHeld {
            ticket_id,
            buyer,
            terms: terms(),
            request: fingerprint(),
            held_at: at,
            expires_at: at + TimeDelta::minutes(5),
            options: None,
        });
        let sold = RoomEvent::SeatSold(SeatSold {
            retakes: None,
            ticket_id,
            buyer,
            late: false,
            still_held: false,
            sold_at: at,
        });
        let [ordered, started, accepted, captured, issued] = money_events(sale, room, ticket_id, at);
        let (stream, ticket) = (room_id(room).as_uuid(), ticket_id.as_uuid());
        self.append("room", stream, first, held.name(), &held, sale)?;
        for (sequence, event) in (1..).zip([&ordered, &started, &accepted, &captured]) {
            self.append("ticket", ticket, sequence, event.name(), event, sale)?;
        }
        // A room's holds and sales take turns in its stream.
        self.append("room", stream, first + 1, sold.name(), &sold, sale)?;
        self.append("ticket", ticket, 5, issued.name(), &issued, sale)
    }

    fn append<E: Serialize + Sync>(
        &mut self,
        aggregate_type: &str,
        id: Uuid,
        sequence: u64,
        event_type: &str,
        event: &E,
        number: u64,
    ) -> Result<()> {
        self.position += 1;
        self.recorded_at += TimeDelta::microseconds(10);
        let (payload, metadata) = (serde_json::to_vec(event)?, serde_json::to_vec(&metadata(number))?);
        let id = id.hyphenated().to_string();
        let leaf = Leaf {
            position: self.position,
            aggregate_type,
            aggregate_id: &id,
            sequence,
            event_type,
            event_version: "1",
            recorded_at: self.recorded_at,
            payload: &payload,
            metadata: &metadata,
        };
        self.hash = chain::link(&self.hash, &leaf);
        let micros = self
            .recorded_at
            .signed_duration_since(postgres_epoch()?)
            .num_microseconds();
        let micros = micros.context("a time beyond the calendar")?;
        self.buffer.extend_from_slice(&10_i16.to_be_bytes());
        for field in [
            &self.position.to_be_bytes()[..],
            aggregate_type.as_bytes(),
            id.as_bytes(),
            &sequence.to_be_bytes(),
            event_type.as_bytes(),
            b"1",
            &payload,
            &metadata,
            &micros.to_be_bytes(),
            &self.hash,
        ] {
            self.buffer
                .extend_from_slice(&i32::try_from(field.len())?.to_be_bytes());
            self.buffer.extend_from_slice(field);
        }
        Ok(())
    }
}

fn money_events(sale: u64, room: u64, ticket_id: TicketId, at: Timestamp) -> [TicketEvent; 5] {
    let payment_id = PaymentId::from_uuid(scattered(sale, 3));
    let amount = Money::new(PRICE_MINOR, Currency::EUR);
    [
        TicketEvent::TicketOrdered {
            ticket_id,
            room_id: room_id(room),
            host: host(),
            buyer: buyer_id(sale),
            terms: terms(),
            ordered_at: at,
        },
        TicketEvent::PaymentStarted {
            payment_id,
            attempt: 1,
            provider: "sandbox".to_owned(),
            amount,
            request: fingerprint(),
            started_at: at,
        },
        TicketEvent::PaymentAccepted {
            payment_id,
            provider_ref: format!("pi_{}", payment_id.as_uuid().simple()),
            accepted_at: at,
        },
        TicketEvent::PaymentCaptured {
            payment_id,
            amount,
            provider_fee: Money::new(PROVIDER_FEE_MINOR, Currency::EUR),
            captured_at: at,
            store_fee: None,
        },
        TicketEvent::TicketIssued { issued_at: at },
    ]
}

fn terms() -> Terms {
    let preset = domain::Preset::open();
    Terms {
        total: Money::new(PRICE_MINOR, Currency::EUR),
        tax: Money::zero(Currency::EUR),
        channel: Channel::Web,
        platform_fee: preset.platform_fee,
        refund_policy: domain::RefundPolicy::UntilStart,
        legal_terms_sha256: None,
        pricing: None,
        customer_country: None,
        preset_version: preset.version,
        preset: preset.name,
        rules: domain::SaleRules::default(),
    }
}

/// What PostgreSQL counts time from.
fn postgres_epoch() -> Result<Timestamp> {
    DateTime::from_timestamp(946_684_800, 0).context("the year 2000")
}
