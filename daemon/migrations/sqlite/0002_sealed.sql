-- Keys that the token does not hold: their seeds, encrypted by the token (docs/state.md).

ALTER TABLE keys ADD COLUMN sealed BLOB;
