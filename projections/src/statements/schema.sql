-- One line for each event that moved a host's money, by the position of the event. Amounts are minor units.
CREATE TABLE lines (
    host           uuid        NOT NULL,
    position       bigint      NOT NULL,
    at             timestamptz NOT NULL, -- when the log recorded it: a month ends between two positions
    kind           text        NOT NULL,
    room_id        uuid,
    ticket_id      uuid,
    payout_id      uuid,
    reference      text,       -- the dispute's name at the provider
    currency       text        NOT NULL,
    gross          bigint      NOT NULL,
    tax            bigint      NOT NULL,
    store_fee      bigint      NOT NULL,
    provider_fee   bigint      NOT NULL,
    platform_fee   bigint      NOT NULL,
    co_hosts       bigint      NOT NULL, -- what those have who share it
    -- What it did to each part of the host's account.
    pending        bigint      NOT NULL,
    available      bigint      NOT NULL,
    pending_payout bigint      NOT NULL,
    paid_out       bigint      NOT NULL,
    reserved       bigint      NOT NULL,
    receivable     bigint      NOT NULL,
    PRIMARY KEY (host, position)
);

-- The provider's names of payouts, from the event on that told them.
CREATE TABLE payouts (
    payout_id     uuid   PRIMARY KEY,
    reference     text   NOT NULL,
    sent_position bigint NOT NULL
);

-- The days of the shop that are sealed, as their events say.
CREATE TABLE days (
    date     date   PRIMARY KEY,
    position bigint NOT NULL, -- of the seal itself
    sealed   jsonb  NOT NULL
);
