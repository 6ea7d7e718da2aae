//! `/api/logger`: the audit log for auditors (hem.md A12).

use audit::Ext;
use policies::{Permit, ReadLog, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::logbook::Logbook;
use crate::openapi::formats::Base64;
use crate::route::{Appliance, Bare, BinaryFile, Json, Request, StoredText, TextFile};
use crate::surface::hem::body::number;

/// What `logger/key` answers.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "LoggerKey")]
pub struct Proof {
    #[schemars(with = "Base64")]
    key: String,
    #[schemars(with = "Base64")]
    nonce: String,
    #[schemars(with = "Base64")]
    nonce_signed: String,
}

/// The logger key, and a proof that it is in the token now.
pub async fn key(
    logbook: Logbook,
    _: Permit<ReadLog>,
    _: Bare<ReadLog>,
) -> Result<Json<Proof>, Fault> {
    let proof = logbook.prove().await?;
    Ok(Json(Proof {
        key: encode_base64(&proof.key),
        nonce: encode_base64(&proof.nonce),
        nonce_signed: encode_base64(&proof.signature),
    }))
}

/// `GET /api/logger/list`, with or without an offset.
pub struct List(Result<usize, Fault>);

impl Request for List {
    type Needs = ReadLog;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(match inbound.argument("offset") {
            "" => Ok(0),
            text => number(text),
        }))
    }

    fn needs(&self, _: &Appliance) -> ReadLog {
        ReadLog
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// What `logger/list` answers.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "LogFiles")]
pub struct Files {
    /// How many there are.
    total: usize,
    /// 8 hexadecimal digits each.
    id: Vec<String>,
}

/// The ids of the log files, oldest first.
pub async fn list(logbook: Logbook, _: Permit<ReadLog>, ask: List) -> Result<Json<Files>, Fault> {
    let (total, page) = logbook.page(ask.0?)?;
    Ok(Json(Files { total, id: page.into_iter().map(|id| format!("{id:08x}")).collect() }))
}

/// The latest signed checkpoint (C2SP tlog-checkpoint).
pub async fn checkpoint(
    logbook: Logbook,
    _: Permit<ReadLog>,
    _: Bare<ReadLog>,
) -> Result<TextFile, Fault> {
    Ok(TextFile(logbook.checkpoint()?.to_string().into()))
}

/// `GET /api/logger/proof/{index}`: Claviger's own.
pub struct Inclusion(Option<u64>);

impl Request for Inclusion {
    type Needs = ReadLog;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(index(inbound.argument("index"))))
    }

    fn needs(&self, _: &Appliance) -> ReadLog {
        ReadLog
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// The proof that an entry is covered by the latest checkpoint (C2SP tlog-proof).
pub async fn proof(
    logbook: Logbook,
    _: Permit<ReadLog>,
    ask: Inclusion,
) -> Result<TextFile, Fault> {
    let index = ask.0.ok_or_else(no_number)?;
    Ok(TextFile(logbook.prove_entry(index).await?.into()))
}

/// `GET /api/logger/consistency/{old}/{new}`: Claviger's own.
pub struct Growth {
    old: Option<u64>,
    new: Option<u64>,
}

impl Request for Growth {
    type Needs = ReadLog;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let (old, new) = (index(inbound.argument("old")), index(inbound.argument("new")));
        Ok(Self { old, new })
    }

    fn needs(&self, _: &Appliance) -> ReadLog {
        ReadLog
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// The proof that the log only grew between two sizes.
pub async fn consistency(
    logbook: Logbook,
    _: Permit<ReadLog>,
    ask: Growth,
) -> Result<TextFile, Fault> {
    let (old, new) = (ask.old.ok_or_else(no_number)?, ask.new.ok_or_else(no_number)?);
    Ok(TextFile(logbook.prove_consistency(old, new).await?.into()))
}

/// `GET /api/logger/tile/{level}/{*number}`: Claviger's own.
pub struct Tile(String);

impl Request for Tile {
    type Needs = ReadLog;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(format!("{}/{}", inbound.argument("level"), inbound.argument("number"))))
    }

    fn needs(&self, _: &Appliance) -> ReadLog {
        ReadLog
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// A tile of the tree over the log (C2SP tlog-tiles).
pub async fn tile(logbook: Logbook, _: Permit<ReadLog>, ask: Tile) -> Result<BinaryFile, Fault> {
    Ok(BinaryFile(logbook.tile(ask.0).await?))
}

/// `GET /api/logger/tile/entries/{*number}`: Claviger's own.
pub struct Bundle(String);

impl Request for Bundle {
    type Needs = ReadLog;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(inbound.argument("number").to_owned()))
    }

    fn needs(&self, _: &Appliance) -> ReadLog {
        ReadLog
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// Lines of the log (C2SP tlog-tiles).
pub async fn entries(
    logbook: Logbook,
    _: Permit<ReadLog>,
    ask: Bundle,
) -> Result<BinaryFile, Fault> {
    Ok(BinaryFile(logbook.bundle(ask.0).await?))
}

fn index(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn no_number() -> Fault {
    Fault::NotFound("the index of an entry and the size of a log are decimal numbers".into())
}

/// `GET /api/logger/{id}`.
pub struct Read(Option<u32>);

impl Request for Read {
    type Needs = ReadLog;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let text = inbound.argument("id");
        let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(Self(u32::from_str_radix(text, 16).ok().filter(|_| digits)))
    }

    fn needs(&self, _: &Appliance) -> ReadLog {
        ReadLog
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    fn concerns(&self) -> Ext {
        self.0.map_or(Ext::None, Ext::File)
    }
}

/// A log file, whole.
pub async fn read(logbook: Logbook, _: Permit<ReadLog>, ask: Read) -> Result<StoredText, Fault> {
    let id =
        ask.0.ok_or_else(|| Fault::NotFound("a log file's id is 8 hexadecimal digits".into()))?;
    Ok(StoredText(logbook.read(id).await?))
}
