-- Tokens that are good for a number of calls end with the login that their parent came from. What was
-- issued before can't say which that was, so it ends now.

DELETE FROM limited_tokens;
ALTER TABLE limited_tokens ADD COLUMN login BLOB CHECK (login IS NULL OR length(login) = 16);
