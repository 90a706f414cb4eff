-- The star schema: who sold what to whom, what became of it, and who was there. Amounts are minor units of their currency.
-- docs/ANALYTICS.md describes each column.
-- boxoffice:setup
DROP TABLE IF EXISTS rooms, prices, sales, attendance CASCADE;

CREATE TABLE rooms (
    room_id         uuid        PRIMARY KEY,
    host_id         uuid        NOT NULL,
    language        text        NOT NULL,
    scheduled_at    timestamptz NOT NULL,
    starts_at       timestamptz NOT NULL, -- as it is planned now
    first_starts_at timestamptz NOT NULL, -- as it was planned first
    planned_minutes bigint      NOT NULL,
    price_minor     bigint      NOT NULL, -- as it is now
    currency        text        NOT NULL,
    capacity        bigint      NOT NULL,
    reschedules     bigint      NOT NULL DEFAULT 0,
    opened_at       timestamptz,
    ended_at        timestamptz,
    cancelled_at    timestamptz,
    voided_at       timestamptz,
    void_reason     text,
    delivered       boolean     NOT NULL DEFAULT false,
    host_heard_ms   bigint      NOT NULL DEFAULT 0
);
CREATE INDEX rooms_of_host ON rooms (host_id, scheduled_at);

-- A price of a room from a position of the log on.
CREATE TABLE prices (
    room_id     uuid        NOT NULL,
    position    bigint      NOT NULL,
    since       timestamptz NOT NULL,
    price_minor bigint      NOT NULL,
    currency    text        NOT NULL,
    PRIMARY KEY (room_id, position)
);

-- One row for each seat that was ever held.
CREATE TABLE sales (
    ticket_id          uuid        PRIMARY KEY,
    room_id            uuid        NOT NULL,
    buyer_id           uuid        NOT NULL,
    channel            text        NOT NULL,
    country            text,
    preset             text        NOT NULL,
    preset_version     bigint      NOT NULL,
    tier               text,
    promo_code         text, -- the fingerprint of the code
    list_price_minor   bigint      NOT NULL, -- before a discount
    price_minor        bigint      NOT NULL, -- what the buyer was to pay
    currency           text        NOT NULL,
    is_offer           boolean     NOT NULL, -- to somebody in line
    held_at            timestamptz NOT NULL,
    ordered_at         timestamptz,
    captured_at        timestamptz,
    issued_at          timestamptz,
    admitted_at        timestamptz,
    released_at        timestamptz,
    release_reason     text,
    captured_minor     bigint      NOT NULL DEFAULT 0,
    refund_owed_minor  bigint      NOT NULL DEFAULT 0,
    refunded_minor     bigint      NOT NULL DEFAULT 0,
    disputes_lost_minor bigint     NOT NULL DEFAULT 0,
    present_ms         bigint      NOT NULL DEFAULT 0, -- in the live room with this ticket
    earned_at          timestamptz,
    gross_minor        bigint      NOT NULL DEFAULT 0, -- from here on: once it is earned
    tax_minor          bigint      NOT NULL DEFAULT 0,
    store_fee_minor    bigint      NOT NULL DEFAULT 0,
    provider_fee_minor bigint      NOT NULL DEFAULT 0,
    platform_fee_minor bigint      NOT NULL DEFAULT 0,
    host_share_minor   bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX sales_of_room ON sales (room_id, held_at);
CREATE INDEX sales_of_buyer ON sales (buyer_id, held_at);

-- One row for each stay of a person in a live room.
CREATE TABLE attendance (
    room_id    uuid        NOT NULL,
    position   bigint      NOT NULL,
    ordinal    bigint      NOT NULL,
    person_id  uuid        NOT NULL,
    ticket_id  uuid, -- nobody of the host's side has one
    joined_at  timestamptz NOT NULL,
    left_at    timestamptz NOT NULL,
    present_ms bigint      NOT NULL,
    audible_ms bigint      NOT NULL,
    PRIMARY KEY (room_id, position, ordinal)
);

-- How far those came who held a seat.
CREATE VIEW funnel AS
SELECT
    room.room_id,
    room.host_id,
    room.starts_at,
    count(sale.ticket_id)                                                     AS held,
    count(sale.ordered_at)                                                    AS ordered,
    count(sale.issued_at)                                                     AS paid,
    count(sale.admitted_at)                                                   AS admitted,
    count(*) FILTER (WHERE sale.present_ms > 0 AND room.host_heard_ms > 0)    AS heard,
    count(sale.issued_at) * 10000 / nullif(count(sale.ticket_id), 0)          AS paid_basis_points,
    count(*) FILTER (WHERE sale.present_ms > 0 AND room.host_heard_ms > 0) * 10000
        / nullif(count(sale.issued_at), 0)                                    AS heard_basis_points
FROM rooms AS room
LEFT JOIN sales AS sale USING (room_id)
GROUP BY room.room_id;

-- What each price of a room brought: a price is one of a tier, before and after what a code took off.
CREATE VIEW price_experiments AS
SELECT
    room_id,
    coalesce(tier, '')                                          AS tier,
    list_price_minor,
    price_minor,
    currency,
    min(held_at)                                                AS first_held_at,
    max(held_at)                                                AS last_held_at,
    count(*)                                                    AS held,
    count(issued_at)                                            AS paid,
    count(issued_at) * 10000 / count(*)                         AS paid_basis_points,
    sum(captured_minor)::bigint                                 AS captured_minor,
    sum(refunded_minor)::bigint                                 AS refunded_minor
FROM sales
GROUP BY room_id, coalesce(tier, ''), list_price_minor, price_minor, currency;

-- Hosts by the month of their first room, and what they did in each month from then on.
CREATE VIEW host_cohorts AS
WITH firsts AS (
    SELECT host_id, date_trunc('month', min(scheduled_at) AT TIME ZONE 'UTC')::date AS cohort FROM rooms GROUP BY host_id
)
SELECT
    firsts.cohort,
    ((extract(year FROM month) - extract(year FROM cohort)) * 12 + extract(month FROM month)
        - extract(month FROM cohort))::bigint                   AS months_later,
    months.currency,
    count(DISTINCT months.host_id)                              AS hosts,
    sum(months.rooms)::bigint                                   AS rooms,
    sum(months.paid)::bigint                                    AS paid,
    sum(months.gross_minor)::bigint                             AS gross_minor
FROM firsts
JOIN (
    SELECT
        room.host_id,
        room.currency,
        date_trunc('month', room.scheduled_at AT TIME ZONE 'UTC')::date AS month,
        count(DISTINCT room.room_id)                                    AS rooms,
        count(sale.issued_at)                                           AS paid,
        coalesce(sum(sale.gross_minor), 0)                              AS gross_minor
    FROM rooms AS room
    LEFT JOIN sales AS sale USING (room_id)
    GROUP BY room.host_id, room.currency, date_trunc('month', room.scheduled_at AT TIME ZONE 'UTC')::date
) AS months USING (host_id)
GROUP BY firsts.cohort, months_later, months.currency;

-- boxoffice:page
-- A page names its rows by their keys; tables that grow by the page would else be read whole.
SET LOCAL enable_seqscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;

INSERT INTO rooms (
    room_id, host_id, language, scheduled_at, starts_at, first_starts_at, planned_minutes, price_minor, currency, capacity
)
SELECT
    room_id, host, language, scheduled_at, starts_at, starts_at, planned_minutes, price_minor, price_currency, capacity
FROM events_room_scheduled
WHERE position > :after AND position <= :until;

INSERT INTO prices (room_id, position, since, price_minor, currency)
SELECT room_id, position, scheduled_at, price_minor, price_currency
FROM events_room_scheduled
WHERE position > :after AND position <= :until
UNION ALL
SELECT room_id, position, revised_at, price_minor, price_currency
FROM events_room_revised
WHERE position > :after AND position <= :until AND price_minor IS NOT NULL;

UPDATE rooms
SET price_minor = coalesce(change.price_minor, rooms.price_minor),
    capacity    = coalesce(change.capacity, rooms.capacity),
    language    = coalesce(change.language, rooms.language)
FROM (
    SELECT
        room_id,
        (array_agg(price_minor ORDER BY position DESC) FILTER (WHERE price_minor IS NOT NULL))[1] AS price_minor,
        (array_agg(capacity ORDER BY position DESC) FILTER (WHERE capacity IS NOT NULL))[1]       AS capacity,
        (array_agg(language ORDER BY position DESC) FILTER (WHERE language IS NOT NULL))[1]       AS language
    FROM events_room_revised
    WHERE position > :after AND position <= :until
    GROUP BY room_id
) AS change
WHERE rooms.room_id = change.room_id;

UPDATE rooms
SET starts_at       = moved.starts_at,
    planned_minutes = moved.planned_minutes,
    reschedules     = rooms.reschedules + moved.times
FROM (
    SELECT
        room_id,
        (array_agg(starts_at ORDER BY position DESC))[1]       AS starts_at,
        (array_agg(planned_minutes ORDER BY position DESC))[1] AS planned_minutes,
        count(*)                                               AS times
    FROM events_room_rescheduled
    WHERE position > :after AND position <= :until
    GROUP BY room_id
) AS moved
WHERE rooms.room_id = moved.room_id;

UPDATE rooms SET opened_at = event.opened_at
FROM events_room_opened AS event
WHERE event.position > :after AND event.position <= :until AND rooms.room_id = event.room_id;

UPDATE rooms SET ended_at = event.ended_at
FROM events_room_ended AS event
WHERE event.position > :after AND event.position <= :until AND rooms.room_id = event.room_id;

UPDATE rooms SET cancelled_at = event.cancelled_at
FROM events_room_cancelled AS event
WHERE event.position > :after AND event.position <= :until AND rooms.room_id = event.room_id;

UPDATE rooms SET voided_at = event.voided_at, void_reason = event.reason
FROM events_room_voided AS event
WHERE event.position > :after AND event.position <= :until AND rooms.room_id = event.room_id;

UPDATE rooms SET delivered = event.delivered, host_heard_ms = event.host_heard_ms
FROM events_delivery_recorded AS event
WHERE event.position > :after AND event.position <= :until AND rooms.room_id = event.room_id;

INSERT INTO sales (
    ticket_id, room_id, buyer_id, channel, country, preset, preset_version, tier, promo_code, list_price_minor,
    price_minor, currency, is_offer, held_at
)
SELECT
    ticket_id, room_id, buyer, terms_channel, terms_customer_country, terms_preset, terms_preset_version,
    terms_pricing_tier, terms_pricing_promo_code, coalesce(terms_pricing_list_price_minor, terms_total_minor),
    terms_total_minor, terms_total_currency, coalesce(options_offered, false), held_at
FROM events_seat_held
WHERE position > :after AND position <= :until;

UPDATE sales SET released_at = event.released_at, release_reason = event.reason
FROM events_seat_released AS event
WHERE event.position > :after AND event.position <= :until AND sales.ticket_id = event.ticket_id;

UPDATE sales SET ordered_at = event.ordered_at
FROM events_ticket_ordered AS event
WHERE event.position > :after AND event.position <= :until AND sales.ticket_id = event.ticket_id;

UPDATE sales
SET captured_at    = coalesce(sales.captured_at, event.captured_at),
    captured_minor = sales.captured_minor + event.captured_minor
FROM (
    SELECT ticket_id, min(captured_at) AS captured_at, sum(amount_minor)::bigint AS captured_minor
    FROM events_payment_captured
    WHERE position > :after AND position <= :until
    GROUP BY ticket_id
) AS event
WHERE sales.ticket_id = event.ticket_id;

UPDATE sales SET issued_at = event.issued_at
FROM events_ticket_issued AS event
WHERE event.position > :after AND event.position <= :until AND sales.ticket_id = event.ticket_id;

UPDATE sales SET admitted_at = event.admitted_at
FROM events_ticket_admitted AS event
WHERE event.position > :after AND event.position <= :until AND sales.ticket_id = event.ticket_id;

UPDATE sales SET refund_owed_minor = sales.refund_owed_minor + event.owed_minor
FROM (
    SELECT ticket_id, sum(amount_minor)::bigint AS owed_minor
    FROM events_refund_owed
    WHERE position > :after AND position <= :until
    GROUP BY ticket_id
) AS event
WHERE sales.ticket_id = event.ticket_id;

UPDATE sales SET refunded_minor = sales.refunded_minor + event.refunded_minor
FROM (
    SELECT ticket_id, sum(amount_minor)::bigint AS refunded_minor
    FROM events_refund_completed
    WHERE position > :after AND position <= :until
    GROUP BY ticket_id
) AS event
WHERE sales.ticket_id = event.ticket_id;

UPDATE sales SET disputes_lost_minor = sales.disputes_lost_minor + event.lost_minor
FROM (
    SELECT ticket_id, sum(amount_minor)::bigint AS lost_minor
    FROM events_dispute_lost
    WHERE position > :after AND position <= :until
    GROUP BY ticket_id
) AS event
WHERE sales.ticket_id = event.ticket_id;

UPDATE sales
SET earned_at          = event.credited_at,
    gross_minor        = event.gross_minor,
    tax_minor          = coalesce(event.tax_amount_minor, 0),
    store_fee_minor    = coalesce(event.store_fee_minor, 0),
    provider_fee_minor = event.provider_fee_minor,
    platform_fee_minor = event.platform_fee_minor,
    host_share_minor   = event.host_share_minor
FROM events_earning_credited AS event
WHERE event.position > :after AND event.position <= :until AND sales.ticket_id = event.ticket_id;

INSERT INTO attendance (room_id, position, ordinal, person_id, ticket_id, joined_at, left_at, present_ms, audible_ms)
SELECT
    room_id, position, ordinal, (stay->>'user')::uuid, (stay->>'ticket_id')::uuid, (stay->>'joined_at')::timestamptz,
    (stay->>'left_at')::timestamptz,
    (extract(epoch FROM (stay->>'left_at')::timestamptz - (stay->>'joined_at')::timestamptz) * 1000)::bigint,
    (stay->>'audible_ms')::bigint
FROM events_presence_recorded
CROSS JOIN LATERAL jsonb_array_elements(intervals) WITH ORDINALITY AS stays (stay, ordinal)
WHERE position > :after AND position <= :until;

UPDATE sales SET present_ms = sales.present_ms + stays.present_ms
FROM (
    SELECT ticket_id, sum(present_ms)::bigint AS present_ms
    FROM attendance
    JOIN events_presence_recorded AS event USING (room_id, position)
    WHERE event.position > :after AND event.position <= :until AND ticket_id IS NOT NULL
    GROUP BY ticket_id
) AS stays
WHERE sales.ticket_id = stays.ticket_id;
