-- The provider's statement beside our books, line by line. A line that has found the other side names it; the rest is for
-- people to look at.
CREATE TABLE reconciliation_provider_lines (
    provider         text        NOT NULL,
    line_id          text        NOT NULL,
    kind             text        NOT NULL,
    reference        text,        -- kind and subject: what a line of the books must have, too
    currency         text        NOT NULL,
    net_minor        bigint      NOT NULL,
    told_at          timestamptz NOT NULL, -- by the provider's clock
    matched_position bigint,
    PRIMARY KEY (provider, line_id)
);

CREATE INDEX reconciliation_provider_open ON reconciliation_provider_lines (provider, reference)
    WHERE matched_position IS NULL;

CREATE TABLE reconciliation_book_lines (
    provider     text        NOT NULL,
    position     bigint      NOT NULL,
    currency     text        NOT NULL,
    kind         text        NOT NULL, -- the event's type
    reference    text,
    amount_minor bigint      NOT NULL,
    booked_at    timestamptz NOT NULL,
    matched_line text,
    PRIMARY KEY (provider, position, currency)
);

CREATE INDEX reconciliation_book_open ON reconciliation_book_lines (provider, reference) WHERE matched_line IS NULL;

-- How far both sides were read.
CREATE TABLE reconciliation_cursors (
    provider         text   PRIMARY KEY,
    statement_cursor text,
    book_position    bigint NOT NULL DEFAULT 0
);
