//! `/api/keymgmt`: making, naming and removing keys (hem.md A9).

use audit::{Entry, Ext};
use hsm_profiles::{KeyType, UnknownKeyType};
use policies::{
    CreateKey, DeleteKey, ImportKey, Kid, ListKeys, Permit, ReadKey, SearchKeys, UpdateKey,
    decode_base64, encode_base64,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::keyring::{BadNeedle, Keyring, Needle, NewKey, NewPublic};
use crate::openapi::formats::{Base64, KeyTypeName, KidText, Label};
use crate::reply::Reply;
use crate::route::{Answer, Appliance, Content, Empty, Json, Request};
use crate::surface::hem::body::{Asked, Deferred, description, label, number, usage};
use crate::surface::hem::envelope::Envelope;
use crate::surface::hem::with_key::{AtKey, WithKey};

/// `POST /api/keymgmt/create`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CreateKey")]
pub struct CreateBody {
    /// 1 to 32 printable ASCII characters.
    #[schemars(with = "Label")]
    label: String,
    #[serde(rename = "type")]
    #[schemars(with = "KeyTypeName")]
    kind: String,
    /// `ECDH`, `ExDSA` or `ECDH,ExDSA`; counts for the SECP curves only.
    mode: Option<String>,
    /// At most 128 bytes.
    #[schemars(with = "Option<Base64>")]
    descr: Option<String>,
}

/// Makes a key in the token.
pub async fn create(
    keyring: Keyring,
    leave: Permit<CreateKey>,
    ask: Asked<CreateKey, CreateBody>,
) -> Result<Named, Fault> {
    let body = ask.judge()?;
    let kind: KeyType =
        body.kind.parse().map_err(|e: UnknownKeyType| Fault::Invalid(e.to_string().into()))?;
    let new = NewKey {
        label: label(body.label)?,
        kind,
        usage: usage(kind, body.mode.as_deref())?,
        descr: description(body.descr.as_deref())?,
        owner: None,
    };
    Ok(Named { kid: keyring.create(leave, new).await? })
}

/// The KID of a key that was made.
#[derive(JsonSchema, Serialize)]
pub struct Named {
    /// The key's name.
    #[schemars(with = "KidText")]
    pub(super) kid: Kid,
}

impl Answer for Named {
    fn reply(self) -> Reply {
        Reply::json(&self)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<Self>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(Ext::Kid(*self.kid.as_bytes()));
    }
}

/// `POST /api/keymgmt/import`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ImportKey")]
pub struct ImportBody {
    /// 1 to 32 printable ASCII characters.
    #[schemars(with = "Label")]
    label: String,
    /// The raw public key, SEC1 compressed for the SECP curves.
    #[schemars(with = "Base64")]
    pubkey: String,
    #[serde(rename = "type")]
    #[schemars(with = "KeyTypeName")]
    kind: String,
    /// `ECDH`, `ExDSA` or `ECDH,ExDSA`; counts for the SECP curves only.
    mode: Option<String>,
    /// At most 128 bytes.
    #[schemars(with = "Option<Base64>")]
    descr: Option<String>,
}

/// Takes in somebody's public key.
pub async fn import(
    keyring: Keyring,
    leave: Permit<ImportKey>,
    ask: Asked<ImportKey, ImportBody>,
) -> Result<Named, Fault> {
    let body = ask.judge()?;
    let label = label(body.label)?;
    let descr = description(body.descr.as_deref())?;
    let public = decode_base64(&body.pubkey);
    let public = public.ok_or_else(|| Fault::Invalid("pubkey must be base64".into()))?;
    let kind: KeyType =
        body.kind.parse().map_err(|e: UnknownKeyType| Fault::Failed(e.to_string().into()))?;
    let usage = usage(kind, body.mode.as_deref())?;
    let new = NewPublic { label, kind, usage, descr, public };
    Ok(Named { kid: keyring.import(leave, new).await? })
}

/// `GET /api/keymgmt/list`, with or without offset and count.
pub struct List(Result<(usize, usize), Fault>);

impl Request for List {
    type Needs = ListKeys;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let or = |name, default| match inbound.argument(name) {
            "" => Ok(default),
            text => number(text),
        };
        Ok(Self(or("offset", 0).and_then(|offset| Ok((offset, or("count", PAGE)?)))))
    }

    fn needs(&self, _: &Appliance) -> ListKeys {
        ListKeys
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// A page of keys, oldest first.
pub async fn list(
    keyring: Keyring,
    leave: Permit<ListKeys>,
    ask: List,
) -> Result<Json<Envelope>, Fault> {
    let (offset, count) = ask.0?;
    Ok(Json(Envelope::from(keyring.list(&leave, offset, count))))
}

/// `POST /api/keymgmt/search`.
pub struct Search {
    body: Deferred<SearchBody>,
    /// Known even where the rest of the body is wrong: who may ask does not hang on that.
    needle: Option<Needle>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SearchKeys")]
struct SearchBody {
    /// The pattern: `^` and base64 (prefix), base64 and `$` (suffix), both (the whole), or base64
    /// alone.
    descr: String,
    /// How many to pass over.
    offset: Option<usize>,
    /// 15 at most.
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Pattern {
    descr: String,
}

impl Request for Search {
    type Needs = SearchKeys;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let pattern = inbound.json::<Pattern>().ok();
        let needle = pattern.and_then(|pattern| Needle::parse(&pattern.descr).ok());
        Ok(Self { body: Deferred::of(inbound), needle })
    }

    fn needs(&self, appliance: &Appliance) -> SearchKeys {
        let anchored = self.needle.as_ref().is_some_and(Needle::is_open_to_anyone);
        SearchKeys { open: anchored && appliance.device().allows_open_search() }
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<SearchBody>())
    }
}

/// Keys whose description fits a pattern.
pub async fn search(
    keyring: Keyring,
    leave: Permit<SearchKeys>,
    ask: Search,
) -> Result<Json<Envelope>, Fault> {
    let body = ask.body.judge()?;
    let needle = Needle::parse(&body.descr).map_err(|bad| match bad {
        BadNeedle::TooLong => Fault::Failed(bad.to_string().into()),
        BadNeedle::Malformed => Fault::Invalid(bad.to_string().into()),
    })?;
    let (offset, limit) = (body.offset.unwrap_or(0), body.limit.unwrap_or(PAGE));
    Ok(Json(Envelope::from(keyring.search(&leave, &needle, offset, limit))))
}

/// A key's type and public half.
pub async fn get(
    keyring: Keyring,
    leave: Permit<ReadKey>,
    _: AtKey<ReadKey>,
) -> Result<Json<Described>, Fault> {
    let key = keyring.read(leave)?;
    Ok(Json(Described {
        kind: key.type_read(),
        pubkey: key.public.as_deref().map(encode_base64),
        updated: key.updated,
    }))
}

/// What `get` answers.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "KeyDescription")]
pub struct Described {
    /// The bare algorithm for key pairs, flags and algorithm for symmetric keys.
    #[serde(rename = "type")]
    kind: String,
    /// The raw public key, SEC1 compressed for the SECP curves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Base64>")]
    pubkey: Option<String>,
    /// Unix seconds; strictly increasing.
    updated: u64,
}

/// `POST /api/keymgmt/update`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UpdateKey")]
pub struct UpdateBody {
    /// 1 to 32 printable ASCII characters.
    #[schemars(with = "Label")]
    label: String,
    /// At most 128 bytes.
    #[schemars(with = "Option<Base64>")]
    descr: Option<String>,
}

/// Gives a key another label and description; a description that is left out is cleared.
pub async fn update(
    keyring: Keyring,
    leave: Permit<UpdateKey>,
    ask: WithKey<UpdateBody, UpdateKey>,
) -> Result<Empty, Fault> {
    let body = ask.judge()?;
    let (label, descr) = (label(body.label)?, description(body.descr.as_deref())?);
    keyring.update(leave, label, descr).await?;
    Ok(Empty)
}

/// Destroys a key, in the token and in the records.
pub async fn delete(
    keyring: Keyring,
    leave: Permit<DeleteKey>,
    _: AtKey<DeleteKey>,
) -> Result<Empty, Fault> {
    keyring.delete(leave).await?;
    Ok(Empty)
}

/// Keys a page; more is clamped to it.
const PAGE: usize = 15;
