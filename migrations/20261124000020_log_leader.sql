-- Who leads the log, and where the other nodes reach it. Written once whenever a node takes office, never per batch: a row
-- that changes with every batch would bloat under any long snapshot.
CREATE TABLE log_leader (
    only_row    boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    term        bigint      NOT NULL CHECK (term > 0),
    node        uuid        NOT NULL,
    url         text,        -- null: the node has not said how it is reached
    took_at     timestamptz NOT NULL DEFAULT now(),
    resigned_at timestamptz  -- null: it leads, or died
);

GRANT SELECT, INSERT, UPDATE ON log_leader TO boxoffice_sequencer;
