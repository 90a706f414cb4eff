-- Who hosts a room: a hold does not say it.
CREATE TABLE rooms (
    room_id uuid PRIMARY KEY,
    host    uuid NOT NULL
);

-- What buyers agreed to, once for all who agreed to the same: the id is made of the text.
CREATE TABLE terms (
    terms_id uuid PRIMARY KEY,
    terms    json NOT NULL
);

CREATE TABLE tickets (
    ticket_id        uuid        PRIMARY KEY,
    room_id          uuid        NOT NULL,
    host             uuid        NOT NULL,
    holder           uuid        NOT NULL,
    state            text        NOT NULL,
    was_admitted     bool        NOT NULL,
    expires_at       timestamptz, -- while held or being paid
    terms_id         uuid        NOT NULL,
    created_at       timestamptz NOT NULL,
    created_position bigint      NOT NULL,
    position         bigint      NOT NULL
) WITH (fillfactor = 75); -- a ticket is held first, and sold soon after: its new version fits beside the old one

CREATE TABLE payments (
    payment_id   uuid        PRIMARY KEY,
    ticket_id    uuid        NOT NULL,
    attempt      int         NOT NULL,
    provider     text        NOT NULL,
    provider_ref text,
    state        text        NOT NULL,
    amount_minor bigint      NOT NULL,
    currency     text        NOT NULL,
    fee_minor    bigint,      -- once captured
    reason       text,        -- once declined
    started_at   timestamptz NOT NULL
) WITH (fillfactor = 75);

CREATE INDEX payments_of_ticket ON payments (ticket_id);

CREATE TABLE refunds (
    refund_id      uuid        PRIMARY KEY,
    ticket_id      uuid        NOT NULL,
    payment_id     uuid        NOT NULL,
    state          text        NOT NULL,
    amount_minor   bigint      NOT NULL,
    currency       text        NOT NULL,
    reason         text        NOT NULL,
    initiated_by   text        NOT NULL,
    in_full        bool        NOT NULL,
    failure        text,
    owed_at        timestamptz NOT NULL,
    owed_position  bigint      NOT NULL
);

CREATE INDEX refunds_of_ticket ON refunds (ticket_id);

-- What buyers' banks took of sales that were not earned yet.
CREATE TABLE lost_disputes (
    position     bigint      PRIMARY KEY,
    ticket_id    uuid        NOT NULL,
    dispute      text        NOT NULL, -- the provider's name of it
    amount_minor bigint      NOT NULL, -- as far as the sale's own money covered it
    currency     text        NOT NULL,
    lost_at      timestamptz NOT NULL
);
