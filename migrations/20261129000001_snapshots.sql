-- States of long streams, so that a cold one is loaded without all of its events. The columns that a stock postgres-es reads
-- come first; it finds the state exactly as it is after `last_sequence`. The rest says which event that is and vouches for
-- the state: what does not fit the log is not used. Nothing rests on this table: it may be emptied at any time.
CREATE TABLE snapshots (
    aggregate_type   text   COLLATE "C" NOT NULL,
    aggregate_id     text   COLLATE "C" NOT NULL,
    last_sequence    bigint NOT NULL CHECK (last_sequence > 0),
    current_snapshot bigint NOT NULL CHECK (current_snapshot > 0), -- how many there were
    payload          json   NOT NULL,
    format           bigint NOT NULL,                              -- of the state; another format is not read
    position         bigint NOT NULL,                              -- of the event at last_sequence
    hash             bytea  NOT NULL CHECK (octet_length(hash) = 32),
    seal             bytea  NOT NULL CHECK (octet_length(seal) = 32), -- over all of the above
    taken_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (aggregate_type, aggregate_id)
);

-- Compressing a state costs more time, whenever it is written and whenever it is read, than its bytes cost on the disk.
ALTER TABLE snapshots ALTER COLUMN payload SET STORAGE EXTERNAL;
