-- Raw webhooks of payment providers, stored before they are answered and read afterwards.
CREATE TABLE provider_webhooks (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider    text        NOT NULL,
    body        bytea       NOT NULL,
    received_at timestamptz NOT NULL,
    attempts    int         NOT NULL DEFAULT 0,
    retry_at    timestamptz, -- when to read it; null once it is handled, or put aside with its error for a human
    handled_at  timestamptz,
    error       text
);

CREATE INDEX provider_webhooks_due ON provider_webhooks (retry_at, id) WHERE retry_at IS NOT NULL;
CREATE INDEX provider_webhooks_aside ON provider_webhooks (id) WHERE retry_at IS NULL AND handled_at IS NULL;

-- Where the sweep of a provider's event list has come to.
CREATE TABLE provider_cursors (
    provider text PRIMARY KEY,
    cursor   text NOT NULL
);

-- Events that the sweep found and could not act on: kept for a human, so that one of them does not hold up the rest.
CREATE TABLE provider_problems (
    provider text        NOT NULL,
    event_id text        NOT NULL,
    error    text        NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (provider, event_id)
);
