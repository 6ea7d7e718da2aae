//! `GET /api/system/selftest`: testing the token now (hem.md A8).

use policies::{Permit, RunSelfTest};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::keyring::Keyring;
use crate::pipeline::named;
use crate::route::{Appliance, Json, Request};
use crate::selftest::Examiner;

/// `GET /api/system/selftest`.
pub struct GetSelfTest;

impl Request for GetSelfTest {
    type Needs = RunSelfTest;

    fn decode(_: &Inbound) -> Result<Self, Fault> {
        Ok(Self)
    }

    fn needs(&self, appliance: &Appliance) -> RunSelfTest {
        RunSelfTest { fresh: !appliance.device().is_initialised() }
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// What `selftest` answers. All tests are run together, so they share one time.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SelfTest")]
pub struct Tested {
    last_selftest_ts: u64,
    last_fls_state: u8,
    last_entropytest_ts: u64,
    last_kat_ts: u64,
    fls_state: u8,
    selftest_ts: u64,
    repo_stats: Repository,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "RepositoryStats")]
struct Repository {
    /// Good records.
    total: usize,
    /// Always 0.
    deleted: usize,
    invalid: usize,
    fragmented: usize,
    freeslots: usize,
}

/// Tests the token and says what was found, now and before.
pub async fn run(
    (keyring, examiner): (Keyring, Examiner),
    leave: Permit<RunSelfTest>,
    _: GetSelfTest,
) -> Result<Json<Tested>, Fault> {
    let (total, invalid) = keyring.count();
    let report = examiner.examine(named(leave.subject()), invalid).await?;
    Ok(Json(Tested {
        last_selftest_ts: report.last.at,
        last_fls_state: report.last.flaws,
        last_entropytest_ts: report.last.at,
        last_kat_ts: report.last.at,
        fls_state: report.this.flaws,
        selftest_ts: report.this.at,
        repo_stats: Repository {
            total,
            deleted: 0,
            invalid,
            fragmented: 0,
            freeslots: ENDLESS.saturating_sub(total),
        },
    }))
}

/// The records have no fixed number of slots: the largest number that every client can read.
const ENDLESS: usize = 2_147_483_647;
