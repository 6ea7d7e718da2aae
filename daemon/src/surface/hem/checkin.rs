//! `/api/system/checkin`: hearing from the backend what time it is (hem.md A8).

use policies::{Open, Permit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::device::Device;
use crate::fault::Fault;
use crate::login::CheckIn;
use crate::route::{Bare, Json};
use crate::surface::hem::body::Asked;

/// What a check-in starts from.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "CheckIn")]
pub struct Check {
    /// For the backend.
    check: String,
}

/// A token for the backend, which a client carries there.
pub async fn check(
    (checkin, certificate): (CheckIn, Certificate),
    _: Permit<Open>,
    _: Bare<Open>,
) -> Result<Json<Check>, Fault> {
    Ok(Json(Check { check: checkin.check(&certificate.serial().await)? }))
}

/// `POST /api/system/checkin`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CheckedIn")]
pub struct CheckedBody {
    /// The backend's answer.
    checked: String,
}

/// What a check-in came to.
#[derive(JsonSchema, Serialize)]
pub struct Standing {
    /// `OK`, `L`, `W`, `R`, `B` or `U` as the backend says, `???` for anything else.
    status: &'static str,
    /// Whether a certificate that came along was taken in: `OK` or `ERROR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    newcrt: Option<&'static str>,
    /// A newer firmware, as the backend names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    newfws: Option<String>,
    /// A newer user interface, as the backend names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    newuis: Option<String>,
}

/// Takes in what the backend answered.
pub async fn checked(
    (checkin, (device, certificate)): (CheckIn, (Device, Certificate)),
    _: Permit<Open>,
    ask: Asked<Open, CheckedBody>,
) -> Result<Json<Standing>, Fault> {
    let told = checkin.take(&ask.judge()?.checked).await?;
    let newcrt = match told.certificate {
        Some(text) => Some(renew(&certificate, text, device.hostname()).await),
        None => None,
    };
    Ok(Json(Standing {
        status: told.standing.name(),
        newcrt,
        newfws: told.firmware,
        newuis: told.interface,
    }))
}

/// The backend brings a certificate for the key in use; it is shown after a restart.
async fn renew(certificate: &Certificate, text: String, hostname: String) -> &'static str {
    match certificate.renew(text, hostname).await {
        Ok(()) => "OK",
        Err(fault) => {
            tracing::warn!(why = %fault.detail(), "the backend's certificate was not taken in");
            "ERROR"
        }
    }
}
