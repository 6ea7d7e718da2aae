-- How many messages each key may have enciphered with AES-GCM so far (docs/state.md).

CREATE TABLE nonces (
    kid      BLOB    NOT NULL PRIMARY KEY REFERENCES keys (kid) ON DELETE CASCADE,
    reserved INTEGER NOT NULL,
    mac      BLOB    NOT NULL
) STRICT;
