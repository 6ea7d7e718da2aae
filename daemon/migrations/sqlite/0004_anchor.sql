-- The latest checkpoint of the audit log, which the logger key has signed (docs/audit-format.md).

CREATE TABLE anchor (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    note TEXT    NOT NULL
) STRICT;
