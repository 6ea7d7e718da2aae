//! What `system/config` may change, and within which bounds (hem.md A8).

use schemars::JsonSchema;
use serde::Deserialize;

use crate::fault::Fault;
use crate::store::Settings;

/// Changes to the settings; what is left out stays. Unknown members are ignored.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Changes {
    user: Option<String>,
    email: Option<String>,
    origin: Option<String>,
    trusted_ts: Option<bool>,
    trusted_backend: Option<bool>,
    allow_keysearch: Option<bool>,
    ctx: Option<i64>,
    http_option_hsts: Option<bool>,
    http_option_dosprot_mode: Option<u8>,
    dnsd: Option<bool>,
    storage_mode: Option<u32>,
    storage_disk0size: Option<u64>,
    /// Comes with a proof of its own.
    #[serde(skip)]
    userkey: Option<[u8; 32]>,
}

impl Changes {
    /// The same with another user key, whose owner has proved to hold it.
    pub fn with_user_key(self, key: [u8; 32]) -> Self {
        Self { userkey: Some(key), ..self }
    }

    /// Whether every value is within its bounds.
    ///
    /// # Errors
    /// [`Fault::Invalid`] names the first that is not.
    pub fn judge(&self) -> Result<(), Fault> {
        let texts = [("user", &self.user), ("email", &self.email), ("origin", &self.origin)];
        for (name, value) in texts {
            if let Some(value) = value {
                bounded(name, value)?;
            }
        }
        match self.http_option_dosprot_mode {
            Some(mode) if mode > SLOWEST => {
                Err(Fault::Invalid("http_option_dosprot_mode must be 0 to 4".into()))
            }
            _ => Ok(()),
        }
    }

    /// Puts them into `settings`. Whether there was anything to put in.
    pub fn apply(self, settings: &mut Settings) -> bool {
        let named = [
            put(self.user, &mut settings.user),
            put(self.email, &mut settings.email),
            put(self.origin, &mut settings.origin),
            put(self.trusted_ts, &mut settings.trusted_ts),
            put(self.trusted_backend, &mut settings.trusted_backend),
            put(self.allow_keysearch, &mut settings.allow_keysearch),
            put(self.ctx, &mut settings.ctx),
            put(self.http_option_hsts, &mut settings.http_option_hsts),
            put(self.http_option_dosprot_mode, &mut settings.http_option_dosprot_mode),
            put(self.dnsd, &mut settings.dnsd),
            put(self.storage_mode, &mut settings.storage_mode),
            put(self.storage_disk0size, &mut settings.storage_disk0size),
            put(self.userkey, &mut settings.userkey),
        ];
        named.contains(&true)
    }
}

/// Checks a text of the settings against the bound of its name (hem.md A8; A15, 15).
///
/// # Errors
/// [`Fault::Invalid`] for what is too long or has control characters.
pub(crate) fn bounded(name: &str, value: &str) -> Result<(), Fault> {
    let bound = match name {
        "user" | "ip" => 64,
        "email" => 128,
        _ => 253,
    };
    if value.len() > bound || value.chars().any(char::is_control) {
        let why = format!("{name} is longer than {bound} bytes or not plain text");
        return Err(Fault::Invalid(why.into()));
    }
    Ok(())
}

fn put<T>(value: Option<T>, place: &mut T) -> bool {
    value.map(|value| *place = value).is_some()
}

/// The last of the slow-request guard's modes.
const SLOWEST: u8 = 4;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(body: Value) -> bool {
        serde_json::from_value::<Changes>(body).is_ok_and(|changes| changes.judge().is_ok())
    }

    #[test]
    fn bounds_hold() {
        for good in [
            json!({}),
            json!({ "user": "a".repeat(64), "email": "e".repeat(128), "origin": "*" }),
            json!({ "http_option_dosprot_mode": 4, "ctx": -1, "somethingelse": {} }),
        ] {
            assert!(judged(good.clone()), "{good}");
        }
        for bad in [
            json!({ "user": "a".repeat(75) }),
            json!({ "user": 5 }),
            json!({ "email": "e".repeat(129) }),
            json!({ "origin": "a\nb" }),
            json!({ "http_option_dosprot_mode": 5 }),
            json!({ "http_option_dosprot_mode": -1 }),
            json!({ "trusted_ts": "yes" }),
            json!({ "storage_disk0size": -5 }),
            json!([1]),
        ] {
            assert!(!judged(bad.clone()), "{bad}");
        }
    }
}
