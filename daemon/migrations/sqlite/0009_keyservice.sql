-- Keys of the key service and the messages left for them (docs/key-service.md).

CREATE TABLE keyservice_keys (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    token     BLOB    NOT NULL UNIQUE CHECK (length(token) = 16),
    modulus   BLOB    NOT NULL,
    exponent  BLOB    NOT NULL,
    -- Of a key that was made here: the private half, wrapped by the token, under the passphrase.
    sealed    BLOB,
    -- Of one that was brought: the private half as it came, encrypted elsewhere.
    brought   TEXT,
    -- The SHA-256 of what opens it without a passphrase.
    proof     BLOB    CHECK (length(proof) = 32),
    created   INTEGER NOT NULL,
    release   INTEGER NOT NULL,
    mac       BLOB    NOT NULL CHECK (length(mac) = 32),
    CHECK (sealed IS NULL OR (brought IS NULL AND proof IS NOT NULL))
) STRICT;

CREATE INDEX keyservice_keys_by_age ON keyservice_keys (max(created, release));

CREATE TABLE keyservice_messages (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    key_id         INTEGER NOT NULL REFERENCES keyservice_keys (id) ON DELETE CASCADE,
    encryption_key TEXT    NOT NULL,
    message        TEXT    NOT NULL,
    hash           TEXT    NOT NULL,
    is_file        INTEGER NOT NULL CHECK (is_file IN (0, 1)),
    created        INTEGER NOT NULL,
    size           INTEGER NOT NULL
) STRICT;

CREATE INDEX keyservice_messages_by_key ON keyservice_messages (key_id, size);
