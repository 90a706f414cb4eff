-- What processes decided to do, stored with their checkpoint. A job may run twice; its effect happens once.
CREATE TABLE jobs (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text        NOT NULL,
    key            text        NOT NULL, -- what the job is about and the event that caused it: a repeat adds none
    payload        jsonb       NOT NULL,
    caused_by      bigint      NOT NULL, -- log position
    correlation_id uuid        NOT NULL, -- of the event that caused it
    state          text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'dead')),
    attempts       int         NOT NULL DEFAULT 0, -- tries that count towards the limit
    outages        int         NOT NULL DEFAULT 0, -- tries in a row that failed for want of the log or the provider: no limit
    run_at         timestamptz NOT NULL, -- by the application's clock
    locked_until   timestamptz, -- by the database's clock, which all workers share
    last_error     text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    UNIQUE (kind, key)
);

CREATE INDEX jobs_due ON jobs (run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
CREATE INDEX jobs_done ON jobs (finished_at) WHERE state = 'done';
