//! `/api/keymgmt`: making, naming and removing keys (hem.md A9).

use audit::{Entry, Ext};
use hsm_profiles::{KeyType, UnknownKeyType};
use policies::{
    CreateKey, DeleteKey, ImportKey, Kid, ListKeys, Permit, ReadKey, SearchKeys, UpdateKey,
    decode_base64, encode_base64,
};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::keyring::{BadNeedle, KeyView, Keyring, Needle, NewKey, NewPublic, Page};
use crate::reply::Reply;
use crate::route::{Answer, Appliance, Empty, Json, Request};
use crate::surface::hem::body::{Deferred, description, label, number, usage};

/// `POST /api/keymgmt/create`.
pub struct Create(Deferred<CreateBody>);

#[derive(Deserialize)]
struct CreateBody {
    label: String,
    #[serde(rename = "type")]
    kind: String,
    mode: Option<String>,
    descr: Option<String>,
}

impl Request for Create {
    type Needs = CreateKey;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(Deferred::of(inbound)))
    }

    fn needs(&self, _: &Appliance) -> CreateKey {
        CreateKey
    }
}

/// Makes a key in the token.
pub async fn create(
    keyring: Keyring,
    leave: Permit<CreateKey>,
    ask: Create,
) -> Result<Named, Fault> {
    let body = ask.0.judge()?;
    let kind: KeyType =
        body.kind.parse().map_err(|e: UnknownKeyType| Fault::Invalid(e.to_string().into()))?;
    let new = NewKey {
        label: label(body.label)?,
        kind,
        usage: usage(kind, body.mode.as_deref())?,
        descr: description(body.descr.as_deref())?,
    };
    Ok(Named { kid: keyring.create(leave, new).await? })
}

/// The KID of a key that was made.
#[derive(Serialize)]
pub struct Named {
    kid: Kid,
}

impl Answer for Named {
    fn reply(self) -> Reply {
        Reply::json(&self)
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(Ext::Kid(*self.kid.as_bytes()));
    }
}

/// `POST /api/keymgmt/import`.
pub struct Import(Deferred<ImportBody>);

#[derive(Deserialize)]
struct ImportBody {
    label: String,
    pubkey: String,
    #[serde(rename = "type")]
    kind: String,
    mode: Option<String>,
    descr: Option<String>,
}

impl Request for Import {
    type Needs = ImportKey;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(Deferred::of(inbound)))
    }

    fn needs(&self, _: &Appliance) -> ImportKey {
        ImportKey
    }
}

/// Takes in somebody's public key.
pub async fn import(
    keyring: Keyring,
    leave: Permit<ImportKey>,
    ask: Import,
) -> Result<Named, Fault> {
    let body = ask.0.judge()?;
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
pub struct Search(Deferred<SearchBody>);

#[derive(Deserialize)]
struct SearchBody {
    descr: String,
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

impl Request for Search {
    type Needs = SearchKeys;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(Deferred::of(inbound)))
    }

    fn needs(&self, appliance: &Appliance) -> SearchKeys {
        let needle = self.0.as_ref().and_then(|body| Needle::parse(&body.descr).ok());
        let anchored = needle.is_some_and(|needle| needle.is_open_to_anyone());
        SearchKeys { open: anchored && appliance.device().allows_open_search() }
    }
}

/// Keys whose description fits a pattern.
pub async fn search(
    keyring: Keyring,
    leave: Permit<SearchKeys>,
    ask: Search,
) -> Result<Json<Envelope>, Fault> {
    let body = ask.0.judge()?;
    let needle = Needle::parse(&body.descr).map_err(|bad| match bad {
        BadNeedle::TooLong => Fault::Failed(bad.to_string().into()),
        BadNeedle::Malformed => Fault::Invalid(bad.to_string().into()),
    })?;
    let page = keyring.search(&leave, &needle, body.offset, body.limit.unwrap_or(PAGE));
    Ok(Json(Envelope::from(page)))
}

/// What list and search answer.
#[derive(Serialize)]
pub struct Envelope {
    offset: usize,
    deleted: usize,
    total: usize,
    listed: usize,
    list: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    kid: Kid,
    created: u64,
    #[serde(rename = "type")]
    kind: String,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    descr: Option<String>,
    updated: u64,
}

impl From<Page> for Envelope {
    fn from(page: Page) -> Self {
        let list: Vec<_> = page.keys.into_iter().map(Listed::from).collect();
        Self { offset: page.offset, deleted: 0, total: page.total, listed: list.len(), list }
    }
}

impl From<KeyView> for Listed {
    fn from(key: KeyView) -> Self {
        Self {
            kid: key.kid,
            created: key.created,
            kind: key.type_listed(),
            descr: (!key.descr.is_empty()).then(|| encode_base64(&key.descr)),
            label: key.label,
            updated: key.updated,
        }
    }
}

/// `/api/keymgmt/get/{kid}` and `/api/keymgmt/delete/{kid}`.
fn kid(inbound: &Inbound) -> Result<Kid, Fault> {
    inbound
        .argument("kid")
        .parse()
        .map_err(|e: policies::BadKid| Fault::Invalid(e.to_string().into()))
}

/// `GET /api/keymgmt/get/{kid}`.
pub struct Get(Kid);

impl Request for Get {
    type Needs = ReadKey;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(kid(inbound)?))
    }

    fn needs(&self, _: &Appliance) -> ReadKey {
        ReadKey(self.0)
    }
}

/// A key's type and public half.
pub async fn get(
    keyring: Keyring,
    leave: Permit<ReadKey>,
    _: Get,
) -> Result<Json<Described>, Fault> {
    let key = keyring.read(leave)?;
    Ok(Json(Described {
        kind: key.type_read(),
        pubkey: key.public.as_deref().map(encode_base64),
        updated: key.updated,
    }))
}

/// What `get` answers.
#[derive(Serialize)]
pub struct Described {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pubkey: Option<String>,
    updated: u64,
}

/// `POST /api/keymgmt/update`.
pub struct Update {
    kid: Kid,
    body: Deferred<UpdateBody>,
}

#[derive(Deserialize)]
struct Addressed {
    kid: Kid,
}

#[derive(Deserialize)]
struct UpdateBody {
    label: String,
    descr: Option<String>,
}

impl Request for Update {
    type Needs = UpdateKey;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let Addressed { kid } = inbound.json()?;
        Ok(Self { kid, body: Deferred::of(inbound) })
    }

    fn needs(&self, _: &Appliance) -> UpdateKey {
        UpdateKey(self.kid)
    }

    fn concerns(&self) -> Ext {
        Ext::Kid(*self.kid.as_bytes())
    }
}

/// Gives a key another label and description; a description that is left out is cleared.
pub async fn update(
    keyring: Keyring,
    leave: Permit<UpdateKey>,
    ask: Update,
) -> Result<Empty, Fault> {
    let body = ask.body.judge()?;
    let (label, descr) = (label(body.label)?, description(body.descr.as_deref())?);
    keyring.update(leave, label, descr).await?;
    Ok(Empty)
}

/// `DELETE /api/keymgmt/delete/{kid}`.
pub struct Delete(Kid);

impl Request for Delete {
    type Needs = DeleteKey;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(kid(inbound)?))
    }

    fn needs(&self, _: &Appliance) -> DeleteKey {
        DeleteKey(self.0)
    }

    fn concerns(&self) -> Ext {
        Ext::Kid(*self.0.as_bytes())
    }
}

/// Destroys a key, in the token and in the records.
pub async fn delete(keyring: Keyring, leave: Permit<DeleteKey>, _: Delete) -> Result<Empty, Fault> {
    keyring.delete(leave).await?;
    Ok(Empty)
}

/// Keys a page; more is clamped to it.
const PAGE: usize = 15;
