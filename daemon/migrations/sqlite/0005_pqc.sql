-- Keys that belong to one identity, and tokens that are good for a number of calls (docs/pqc.md).

ALTER TABLE keys ADD COLUMN owner TEXT;

CREATE TABLE limited_tokens (
    name      BLOB    NOT NULL PRIMARY KEY CHECK (length(name) = 32),
    subject   TEXT    NOT NULL,
    scope     TEXT    NOT NULL,
    expires   INTEGER NOT NULL,
    parent    BLOB    NOT NULL,
    uses      INTEGER NOT NULL,
    uses_left INTEGER NOT NULL CHECK (uses_left BETWEEN 0 AND uses),
    mac       BLOB    NOT NULL
) STRICT;

CREATE INDEX limited_tokens_by_end ON limited_tokens (expires);
