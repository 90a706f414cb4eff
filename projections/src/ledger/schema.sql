-- Facts of earlier events that later postings need.
CREATE TABLE sales (
    ticket_id uuid PRIMARY KEY,
    room_id   uuid NOT NULL
);

CREATE TABLE payments (
    payment_id        uuid   PRIMARY KEY,
    ticket_id         uuid   NOT NULL,
    provider          text   NOT NULL,
    captured_minor    bigint, -- once captured
    currency          text,
    captured_position bigint
);

CREATE INDEX payments_of_ticket ON payments (ticket_id);

CREATE TABLE refunds (
    refund_id  uuid PRIMARY KEY,
    payment_id uuid NOT NULL
);

CREATE TABLE payouts (
    payout_id uuid PRIMARY KEY,
    provider  text NOT NULL
);

-- Debit positive, credit negative. A transaction is the lines of one position; an account appears in it once.
CREATE TABLE lines (
    position     bigint      NOT NULL,
    account      text        COLLATE "C" NOT NULL,
    currency     text        COLLATE "C" NOT NULL,
    amount_minor bigint      NOT NULL CHECK (amount_minor <> 0),
    event_type   text        NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (position, account, currency)
);

CREATE INDEX lines_of_account ON lines (account, position);

CREATE TABLE accounts (
    account      text   COLLATE "C" NOT NULL,
    currency     text   COLLATE "C" NOT NULL,
    debit_minor  bigint NOT NULL,
    credit_minor bigint NOT NULL,
    PRIMARY KEY (account, currency)
);
