-- Accounts of people and programs, and the logins that they have made (docs/key-agreement.md).

CREATE TABLE accounts (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version  INTEGER NOT NULL,
    name     TEXT    NOT NULL UNIQUE,
    scope    TEXT    NOT NULL,
    locked   INTEGER NOT NULL CHECK (locked IN (0, 1)),
    salt     BLOB    NOT NULL CHECK (length(salt) = 16),
    memory   INTEGER NOT NULL,
    passes   INTEGER NOT NULL,
    verifier BLOB    NOT NULL CHECK (length(verifier) = 32),
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    mac      BLOB    NOT NULL
) STRICT;

CREATE TABLE logins (
    name    BLOB    NOT NULL PRIMARY KEY CHECK (length(name) = 32),
    account BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires INTEGER NOT NULL,
    ended   INTEGER NOT NULL CHECK (ended IN (0, 1)),
    mac     BLOB    NOT NULL
) STRICT;

CREATE INDEX logins_by_end ON logins (expires);
CREATE INDEX logins_by_account ON logins (account);
