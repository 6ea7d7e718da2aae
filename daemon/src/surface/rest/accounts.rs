//! `/rest/accounts`: making accounts, and changing them. Of our own making: the vendor's are in a
//! directory elsewhere.

use audit::{Entry, Ext};
use policies::{ManageAccounts, Permit, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::password::Password;
use crate::accounts::{Accounts, Change, NewAccount, Shown};
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::openapi::formats::Base64;
use crate::reply::Reply;
use crate::route::{Answer, Appliance, Bare, Content, Json, Request};

/// Where the paths of accounts begin.
pub(super) const PATH: &str = "/rest/accounts";

/// A request with a body `T`. What is wrong with it is told once it is known that the caller may ask
/// at all.
pub struct Asked<T>(Result<T, Fault>);

/// A body about one account.
pub trait About: DeserializeOwned + JsonSchema + Send + 'static {
    /// What is done to it, in a word for the log.
    const WHAT: &'static str;

    /// The name that it says.
    fn username(&self) -> &str;
}

impl<T: About> Request for Asked<T> {
    type Needs = ManageAccounts;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self(super::body(inbound)))
    }

    fn needs(&self, _: &Appliance) -> ManageAccounts {
        ManageAccounts
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<T>())
    }

    /// What is done to which account; a name that no account has is not written down.
    fn concerns_in(&self, appliance: &Appliance) -> Ext {
        let named = |body: &T| appliance.accounts().named(body.username());
        let name = self.0.as_ref().ok().and_then(named).unwrap_or_default();
        Ext::Text(format!("{} {name}", T::WHAT).trim_end().to_owned())
    }
}

/// `POST /rest/accounts`
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewAccount")]
pub struct New {
    /// The name. Capitals are made small.
    #[schemars(regex(pattern = "^[A-Za-z0-9._@-]{1,64}$"))]
    username: String,
    /// The scopes of its tokens, with a space between.
    #[schemars(length(min = 1, max = 1023))]
    scope: String,
    /// 8 to 1024 bytes.
    password: Password,
}

/// `POST /rest/accounts/password`
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewPassword")]
pub struct OtherPassword {
    /// The account.
    username: String,
    /// 8 to 1024 bytes.
    password: Password,
}

/// `POST /rest/accounts/lock`
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "LockedAccount")]
pub struct Locked {
    /// The account.
    username: String,
}

/// `POST /rest/accounts/unlock`
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UnlockedAccount")]
pub struct Unlocked {
    /// The account.
    username: String,
}

impl About for New {
    const WHAT: &'static str = "create";

    fn username(&self) -> &str {
        &self.username
    }
}

impl About for OtherPassword {
    const WHAT: &'static str = "password";

    fn username(&self) -> &str {
        &self.username
    }
}

impl About for Locked {
    const WHAT: &'static str = "lock";

    fn username(&self) -> &str {
        &self.username
    }
}

impl About for Unlocked {
    const WHAT: &'static str = "unlock";

    fn username(&self) -> &str {
        &self.username
    }
}

/// An account.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Account")]
pub struct AccountBody {
    /// Its name.
    username: String,
    /// What stands in the log for whoever shows its tokens: 16 bytes.
    #[schemars(with = "Base64")]
    id: String,
    /// The scopes of its tokens.
    scope: String,
    /// Whether it may not log in.
    locked: bool,
    /// Unix seconds.
    created: u64,
    /// Unix seconds.
    updated: u64,
}

/// All accounts.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Accounts")]
pub struct AllBody {
    /// By name.
    accounts: Vec<AccountBody>,
}

impl From<Shown> for AccountBody {
    fn from(shown: Shown) -> Self {
        let Shown { username, id, scope, locked, created, updated } = shown;
        Self { username, id: encode_base64(&id.0), scope, locked, created, updated }
    }
}

/// A new account.
pub struct Made(Shown);

impl Answer for Made {
    fn reply(self) -> Reply {
        Reply::json(&AccountBody::from(self.0))
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<AccountBody>())
    }

    fn note(&self, entry: &mut Entry) {
        let Shown { username, scope, .. } = &self.0;
        entry.name_ext(Ext::Text(format!("{} {username} {scope}", New::WHAT)));
    }
}

type Changed = Result<Json<AccountBody>, Fault>;

/// All accounts.
pub async fn list(
    accounts: Accounts,
    leave: Permit<ManageAccounts>,
    _: Bare<ManageAccounts>,
) -> Result<Json<AllBody>, Fault> {
    let accounts = accounts.list(&leave).into_iter().map(AccountBody::from).collect();
    Ok(Json(AllBody { accounts }))
}

/// Makes an account.
pub async fn create(
    accounts: Accounts,
    leave: Permit<ManageAccounts>,
    ask: Asked<New>,
) -> Result<Made, Fault> {
    let New { username, scope, password } = ask.0?;
    let password = password.text().unwrap_or_default();
    accounts.create(&leave, NewAccount { username, scope, password }).await.map(Made)
}

/// Gives an account another password, and ends its logins.
pub async fn password(
    accounts: Accounts,
    leave: Permit<ManageAccounts>,
    ask: Asked<OtherPassword>,
) -> Changed {
    let OtherPassword { username, password } = ask.0?;
    let change = Change::Password(password.text().unwrap_or_default());
    changed(accounts, &leave, &username, change).await
}

/// Lets an account log in no more, and ends its logins.
pub async fn lock(
    accounts: Accounts,
    leave: Permit<ManageAccounts>,
    ask: Asked<Locked>,
) -> Changed {
    changed(accounts, &leave, &ask.0?.username, Change::Lock).await
}

/// Lets an account log in again, and forgets its failures.
pub async fn unlock(
    accounts: Accounts,
    leave: Permit<ManageAccounts>,
    ask: Asked<Unlocked>,
) -> Changed {
    changed(accounts, &leave, &ask.0?.username, Change::Unlock).await
}

async fn changed(
    accounts: Accounts,
    leave: &Permit<ManageAccounts>,
    username: &str,
    change: Change,
) -> Changed {
    accounts.change(leave, username, change).await.map(|shown| Json(shown.into()))
}
