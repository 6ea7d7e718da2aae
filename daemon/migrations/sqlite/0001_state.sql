-- The daemon's state. Every row carries a MAC under a key of the token (docs/state.md), so what a
-- column may hold is checked by the reader; the checks here only keep the names well-formed.

CREATE TABLE keys (
    kid      BLOB    NOT NULL PRIMARY KEY CHECK (length(kid) = 16),
    version  INTEGER NOT NULL,
    sequence INTEGER NOT NULL UNIQUE,
    type     TEXT    NOT NULL,
    attested INTEGER NOT NULL,
    private  INTEGER NOT NULL,
    agree    INTEGER NOT NULL,
    sign     INTEGER NOT NULL,
    label    TEXT    NOT NULL,
    descr    BLOB    NOT NULL,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    public   BLOB,
    backing  TEXT    NOT NULL,
    creation BLOB    UNIQUE,
    mac      BLOB    NOT NULL
) STRICT;

CREATE TABLE intents (
    id      BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind    TEXT    NOT NULL,
    kid     BLOB,
    subject TEXT    NOT NULL,
    started INTEGER NOT NULL,
    mac     BLOB    NOT NULL
) STRICT;

CREATE TABLE settings (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version  INTEGER NOT NULL,
    document TEXT    NOT NULL,
    mac      BLOB    NOT NULL
) STRICT;
