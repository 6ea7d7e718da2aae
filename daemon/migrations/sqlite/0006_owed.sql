-- Changes whose entry in the audit log is not known to be written (docs/state.md).

CREATE TABLE owed (
    id      BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    fact    TEXT    NOT NULL,
    kid     BLOB,
    subject TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    mac     BLOB    NOT NULL
) STRICT;
