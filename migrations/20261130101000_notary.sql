-- The notary's Merkle tree beside the log, in the tiles of C2SP `tlog-tiles`. It follows from the events: without these rows it
-- is computed again.
CREATE TABLE notary_tiles (
    level  smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    index  bigint   NOT NULL CHECK (index >= 0),
    hashes bytea    NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0),
    PRIMARY KEY (level, index)
);

-- The checkpoints it has signed: a copy for readers. What it refuses to contradict is kept outside the database.
CREATE TABLE notary_checkpoints (
    size       bigint      PRIMARY KEY CHECK (size > 0), -- of the tree: the position of the last event in it
    root       bytea       NOT NULL CHECK (octet_length(root) = 32),
    chain_hash bytea       NOT NULL CHECK (octet_length(chain_hash) = 32), -- of that event
    signed_at  timestamptz NOT NULL,
    note       text        NOT NULL -- as it was signed, and cosigned since
);

CREATE INDEX notary_checkpoints_signed_at ON notary_checkpoints (signed_at);
