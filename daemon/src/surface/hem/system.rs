//! `/api/system`: what the device is and how it is set up (hem.md A8).

use policies::{Open, Permit, ReadConfig, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::attestation::Attestor;
use crate::clock::{now, rfc3339};
use crate::device::Device;
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::logbook::Logbook;
use crate::login::{CheckIn, Desk};
use crate::openapi::formats::Base64;
use crate::route::{Appliance, Bare, Json, Request};
use crate::selftest::Examiner;

/// What `version` answers.
#[derive(JsonSchema, Serialize)]
pub struct Version {
    hwv: &'static str,
    fwv: &'static str,
    /// Empty: nobody signs the daemon. Clients take the member for granted; nor is `fws` more.
    fwk: &'static str,
    fws: &'static str,
    blv: &'static str,
    uis: &'static str,
}

/// Which hardware and software this is.
pub async fn version((): (), _: Permit<Open>, _: Bare<Open>) -> Result<Json<Version>, Fault> {
    Ok(Json(Version {
        hwv: HARDWARE,
        fwv: crate::NAME_AND_VERSION,
        fwk: "",
        fws: "",
        blv: crate::VERSION,
        uis: "",
    }))
}

/// `GET /api/system/status`.
pub struct GetStatus {
    plain: bool,
    host: Option<String>,
}

impl Request for GetStatus {
    type Needs = Open;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self { plain: inbound.plain, host: inbound.host().map(str::to_owned) })
    }

    fn needs(&self, _: &Appliance) -> Open {
        Open
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// What `status` answers.
#[derive(JsonSchema, Serialize)]
pub struct Status {
    ctx: i64,
    uptime: u64,
    temp: i64,
    fls_state: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    inited: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    https: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
    /// Claviger's own: `refused` or `unsigned` while the audit log is in trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'static str>,
    /// Only `false`: `trusted_ts` is off in the settings, or there is no time to rely on before a
    /// check-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    tts: Option<bool>,
    /// Not there before a check-in that the time comes from; nor is `time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<u64>,
}

/// How the device is.
pub async fn status(
    ((device, examiner), (checkin, logbook)): ((Device, Examiner), (CheckIn, Logbook)),
    _: Permit<Open>,
    ask: GetStatus,
) -> Result<Json<Status>, Fault> {
    let now = checkin.has_time().then(now);
    let settings = device.settings();
    let untrusted = now.is_none() || settings.as_ref().is_some_and(|set| !set.trusted_ts);
    let hostname = device.hostname();
    let elsewhere = ask.host.as_deref() != Some(&hostname);
    Ok(Json(Status {
        ctx: settings.map_or(0, |settings| settings.ctx),
        uptime: device.uptime(),
        temp: temperature(),
        fls_state: examiner.flaws(),
        inited: (!device.is_initialised()).then_some(false),
        https: ask.plain.then_some(true),
        hostname: elsewhere.then_some(hostname),
        log: logbook.trouble(),
        tts: untrusted.then_some(false),
        ts: now.map(rfc3339),
        time: now,
    }))
}

/// What `config` answers.
#[derive(JsonSchema, Serialize)]
pub struct Configuration {
    iat: u64,
    uts: u64,
    devid: String,
    instanceid: String,
    /// The device's X25519 identity key.
    #[schemars(with = "Base64")]
    eid: String,
    #[schemars(with = "Base64")]
    eid_sign: String,
    user: String,
    email: String,
    hostname: String,
    dnsd: bool,
    trusted_ts: bool,
    trusted_backend: bool,
    allow_keysearch: bool,
    origin: String,
    ctx: i64,
    ip: String,
    http_option_hsts: bool,
    http_option_dosprot_mode: u8,
    /// The attestation key's identifier: 20 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Base64>")]
    genuine_id: Option<String>,
    storage_mode: u32,
    storage_disk0size: u64,
    /// The device's X25519 key of this run.
    #[schemars(with = "Base64")]
    spk: String,
    #[schemars(with = "Base64")]
    nonce: String,
}

/// How the device is set up.
pub async fn config(
    ((device, desk), (attestor, logbook)): ((Device, Desk), (Attestor, Logbook)),
    _: Permit<ReadConfig>,
    _: Bare<ReadConfig>,
) -> Result<Json<Configuration>, Fault> {
    let challenge = desk.challenge()?;
    let set = device.settings().ok_or_else(|| Fault::Conflict("not initialised".into()))?;
    let set = set.as_ref().clone();
    Ok(Json(Configuration {
        iat: set.iat,
        uts: set.uts,
        devid: set.devid,
        instanceid: set.instanceid,
        eid: encode_base64(&device.public().identity),
        eid_sign: encode_base64(logbook.key()),
        user: set.user,
        email: set.email,
        hostname: set.hostname,
        dnsd: set.dnsd,
        trusted_ts: set.trusted_ts,
        trusted_backend: set.trusted_backend,
        allow_keysearch: set.allow_keysearch,
        origin: set.origin,
        ctx: set.ctx,
        ip: set.ip,
        http_option_hsts: set.http_option_hsts,
        http_option_dosprot_mode: set.http_option_dosprot_mode,
        genuine_id: attestor.id(),
        storage_mode: set.storage_mode,
        storage_disk0size: set.storage_disk0size,
        spk: challenge.session_public,
        nonce: challenge.nonce,
    }))
}

/// The host's first thermal zone in °C; 0 on hosts that have none.
fn temperature() -> i64 {
    let text = std::fs::read_to_string("/sys/class/thermal/thermal_zone0/temp").unwrap_or_default();
    text.trim().parse::<i64>().map_or(0, |millidegrees| millidegrees / 1000)
}

/// Clients look for `EPA` or `PPA`; an EPA has no storage.
const HARDWARE: &str = "EPA Claviger";
