//! `/api/system/reboot` and `/api/system/shutdown` (hem.md A8).

use http::StatusCode;
use http::header::{CONNECTION, HeaderValue};
use policies::{Permit, Reboot, Shutdown};

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::power::Switch;
use crate::reply::Reply;
use crate::route::{Answer, Appliance, Bare, Content, Request};
use schemars::{Schema, SchemaGenerator};

/// `GET /api/system/reboot`.
pub struct GetReboot;

impl Request for GetReboot {
    type Needs = Reboot;

    fn decode(_: &Inbound) -> Result<Self, Fault> {
        Ok(Self)
    }

    fn needs(&self, appliance: &Appliance) -> Reboot {
        Reboot { fresh: !appliance.device().is_initialised() }
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// 200, and nothing more on this connection.
pub struct Farewell;

impl Answer for Farewell {
    fn reply(self) -> Reply {
        Reply::empty(StatusCode::OK).with(CONNECTION, HeaderValue::from_static("close"))
    }

    fn content(_: &mut SchemaGenerator) -> Content {
        Content::Empty
    }
}

/// Starts the daemon anew: all tokens and nonces die, a new log file begins.
pub async fn reboot(
    switch: Switch,
    leave: Permit<Reboot>,
    _: GetReboot,
) -> Result<Farewell, Fault> {
    switch.reboot(leave);
    Ok(Farewell)
}

/// Stops the daemon, which stays down.
pub async fn shutdown(
    switch: Switch,
    leave: Permit<Shutdown>,
    _: Bare<Shutdown>,
) -> Result<Farewell, Fault> {
    switch.shut_down(leave);
    Ok(Farewell)
}
