//! Columns that several tables have.

use policies::{Kid, Subject};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// `kid`, which may be null. `None` for what is no KID.
pub(super) fn kid(row: &SqliteRow) -> Option<Option<Kid>> {
    let kid: Option<Vec<u8>> = row.try_get("kid").ok()?;
    match kid {
        Some(bytes) => Some(Some(Kid::from_bytes(bytes.try_into().ok()?))),
        None => Some(None),
    }
}

/// `subject`, which is empty for whoever said no name. `None` for what is no subject.
pub(super) fn subject(row: &SqliteRow) -> Option<Subject> {
    let subject: String = row.try_get("subject").ok()?;
    match subject.as_str() {
        "" => Some(Subject::Anonymous),
        claim => Subject::from_claim(claim),
    }
}
