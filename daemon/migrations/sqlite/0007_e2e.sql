-- Sessions of end-to-end key exchanges (docs/e2e.md).

CREATE TABLE e2e_sessions (
    name    BLOB    NOT NULL PRIMARY KEY CHECK (length(name) = 32),
    subject TEXT    NOT NULL,
    form    INTEGER NOT NULL CHECK (form IN (1, 2, 3)),
    keys    BLOB    NOT NULL,
    event   BLOB    NOT NULL CHECK (length(event) = 32),
    expires INTEGER NOT NULL
) STRICT;

CREATE INDEX e2e_sessions_by_end ON e2e_sessions (expires);
CREATE INDEX e2e_sessions_by_subject ON e2e_sessions (subject);
