-- Facts of earlier events that later postings need.
CREATE TABLE sales (
    ticket_id      uuid PRIMARY KEY,
    room_id        uuid NOT NULL,
    captured_minor bigint, -- what the first capture brought
    currency       text,
    tax_minor      bigint, -- what of the price is tax, where there is tax
    tax_currency   text,
    tax_country    text
) WITH (fillfactor = 80);

CREATE TABLE payments (
    payment_id uuid PRIMARY KEY,
    provider   text NOT NULL
);

CREATE TABLE refunds (
    refund_id  uuid PRIMARY KEY,
    payment_id uuid NOT NULL
);

CREATE TABLE payouts (
    payout_id uuid PRIMARY KEY,
    provider  text NOT NULL
);

-- Debit positive, credit negative. A transaction is the lines of one position; an account appears in it once. Each line
-- carries its account's totals up to and with it, so that a balance at any position is one row.
CREATE TABLE lines (
    account      text        COLLATE "C" NOT NULL,
    currency     text        COLLATE "C" NOT NULL,
    position     bigint      NOT NULL,
    amount_minor bigint      NOT NULL CHECK (amount_minor <> 0),
    debit_minor  bigint      NOT NULL,
    credit_minor bigint      NOT NULL,
    event_type   text        NOT NULL,
    at           timestamptz NOT NULL
); -- its key is made with the indexes: a page adds lines and looks for none

CREATE TABLE accounts (
    account      text   COLLATE "C" NOT NULL,
    currency     text   COLLATE "C" NOT NULL,
    debit_minor  bigint NOT NULL,
    credit_minor bigint NOT NULL,
    PRIMARY KEY (account, currency)
);
