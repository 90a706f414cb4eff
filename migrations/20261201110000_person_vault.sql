-- What people say of themselves to others, each text under lock. Never on the log; without these rows nobody has a name.
CREATE TABLE person_vault (
    user_id    uuid     PRIMARY KEY,
    nonce      bytea    NOT NULL CHECK (octet_length(nonce) = 24),
    ciphertext bytea    NOT NULL CHECK (octet_length(ciphertext) BETWEEN 16 AND 4096),
    version    smallint NOT NULL CHECK (version > 0) -- of the way in which it is locked
);

-- The keys to that, one for each person, wrapped with a vault key that is not in the database. They are a table of their own so
-- that a backup can leave them out: without its key a text in an old backup is gone when the person is.
CREATE TABLE person_keys (
    user_id    uuid  PRIMARY KEY,
    vault_key  bytea NOT NULL CHECK (octet_length(vault_key) = 8), -- the id of the vault key that unwraps it
    nonce      bytea NOT NULL CHECK (octet_length(nonce) = 24),
    wrapped    bytea NOT NULL CHECK (octet_length(wrapped) = 48)
);
