-- What a payment provider tells and no command takes: disputes, payouts that came back, refunds that failed after all.
-- Kept once per event, for people and for whoever learns to act on them.
CREATE TABLE provider_notices (
    provider   text        NOT NULL,
    event_id   text        NOT NULL,
    kind       text        NOT NULL,
    ticket_id  uuid,
    payout_id  uuid,
    detail     jsonb       NOT NULL,
    told_at    timestamptz NOT NULL, -- by the provider's clock
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (provider, event_id)
);

CREATE INDEX provider_notices_told ON provider_notices (told_at);
