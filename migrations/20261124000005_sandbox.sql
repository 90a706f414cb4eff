-- The sandbox payment provider's own store: it is another company's database in all but place, and survives our crash.
CREATE SCHEMA sandbox;

CREATE TABLE sandbox.intents (
    payment_id     uuid        PRIMARY KEY, -- the idempotency key
    provider_ref   text        NOT NULL UNIQUE,
    client_secret  text        NOT NULL,
    ticket_id      uuid        NOT NULL,
    amount_minor   bigint      NOT NULL CHECK (amount_minor > 0),
    currency       text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('pending', 'captured', 'declined', 'cancelled')),
    fee_minor      bigint      NOT NULL DEFAULT 0 CHECK (fee_minor BETWEEN 0 AND amount_minor),
    decline_reason text,
    created_at     timestamptz NOT NULL,
    CHECK ((state = 'declined') = (decline_reason IS NOT NULL))
);

CREATE TABLE sandbox.movements (
    id             uuid        PRIMARY KEY, -- refund id or payout id: the idempotency key
    kind           text        NOT NULL CHECK (kind IN ('refund', 'transfer')),
    provider_ref   text        NOT NULL UNIQUE,
    payment_id     uuid        REFERENCES sandbox.intents,
    destination    text,
    amount_minor   bigint      NOT NULL CHECK (amount_minor > 0),
    currency       text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('pending', 'completed', 'failed')),
    failure_reason text,
    created_at     timestamptz NOT NULL,
    CHECK ((kind = 'refund') = (payment_id IS NOT NULL)),
    CHECK ((kind = 'transfer') = (destination IS NOT NULL)),
    CHECK ((state = 'failed') = (failure_reason IS NOT NULL))
);

-- What a payment has given back is summed before each further refund.
CREATE INDEX movements_payment ON sandbox.movements (payment_id);

CREATE TABLE sandbox.events (
    seq         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text        NOT NULL UNIQUE, -- made of the fact's kind and subject: one fact is one event
    body        text        NOT NULL,
    created_at  timestamptz NOT NULL
);

-- Webhook deliveries still to make: one row per delivery, so that a doubled webhook is two rows and a lost one none.
CREATE TABLE sandbox.deliveries (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_seq    bigint      NOT NULL REFERENCES sandbox.events,
    due_at       timestamptz NOT NULL,
    attempts     int         NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    abandoned_at timestamptz
);

CREATE INDEX deliveries_due ON sandbox.deliveries (due_at) WHERE delivered_at IS NULL AND abandoned_at IS NULL;
