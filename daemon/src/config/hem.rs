//! `[hem]`

use serde::Deserialize;

/// `[hem]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hem {
    /// The X25519 key of the backend that the device checks in with.
    pub backend_key: Option<BackendKey>,
    /// How long a login challenge can be answered, in seconds (hem.md A15, 10).
    pub challenge_seconds: u64,
    /// How often one address may ask authenticators for a scope, a minute.
    pub demands: u32,
    /// How much of an agreed secret is told where no hash of it is asked for.
    pub raw_ecdh: RawEcdh,
    /// Where the time comes from.
    pub trusted_time: TrustedTime,
}

impl Default for Hem {
    fn default() -> Self {
        Self {
            backend_key: None,
            challenge_seconds: 60,
            demands: 6000,
            raw_ecdh: RawEcdh::default(),
            trusted_time: TrustedTime::default(),
        }
    }
}

/// 32 bytes, in base64.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct BackendKey(pub [u8; 32]);

impl TryFrom<String> for BackendKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = policies::decode_base64(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("an X25519 key is 32 bytes in base64")
    }
}

/// How much of an agreed secret is told where no hash of it is asked for (hem.md A15, 17).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum RawEcdh {
    /// The first 32 bytes, as firmware 1.2.2 does and some client libraries demand.
    #[serde(rename = "first-32")]
    First32,
    /// All of it: 32 to 66 bytes, by the curve.
    #[default]
    Whole,
}

/// Where the time comes from (hem.md A8).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum TrustedTime {
    /// From the backend: before the first check-in of a run there is none.
    Checkin,
    /// From the host's clock.
    #[default]
    Host,
}
