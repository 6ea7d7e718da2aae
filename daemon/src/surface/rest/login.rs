//! `/rest/login`, `/rest/refresh`, `/rest/logout`.

use audit::{Entry, Ext};
use policies::{Open, Permit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::password::Password;
use crate::accounts::{Accounts, Attempt, Granted};
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::reply::Reply;
use crate::route::{Answer, Appliance, Content, Empty, Request};

/// `POST /rest/login`
pub struct Login(Attempt);

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccountLogin")]
struct LoginBody {
    /// Accounts have none: any will do. An encrypted password is bound to it.
    #[schemars(length(max = 256))]
    domain: String,
    /// The name of the account, capitals or not.
    #[schemars(length(min = 1, max = 256))]
    username: String,
    /// The password. Where the query names a reference, base64 of the initialisation vector (12 bytes),
    /// the ciphertext and the tag.
    password: Password,
}

impl Request for Login {
    type Needs = Open;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let (arrival, hold) = (Instant::now(), inbound.hold.clone());
        let LoginBody { domain, username, password } = super::body(inbound)?;
        bounded("domain", &domain, 0..=256)?;
        bounded("username", &username, 1..=256)?;
        let mut named = inbound.query().filter(|(name, _)| name == REFERENCE);
        let reference = named.next().map(|(_, value)| value.into_owned());
        if named.next().is_some() {
            return Err(Fault::Invalid("client_reference_id is there twice".into()));
        }
        let password = password.text().ok_or(Fault::Invalid("the password is empty".into()))?;
        Ok(Self(Attempt { arrival, hold, domain, username, password, reference }))
    }

    fn needs(&self, _: &Appliance) -> Open {
        Open
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<LoginBody>())
    }

    fn query(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({
            "type": "object",
            "properties": { REFERENCE: {
                "type": "string",
                "format": "uuid",
                "description": "The reference of a key agreement with which the password is encrypted.",
            } },
        }))
    }

    /// The account's name. One that no account has is not written down: people type passwords there.
    fn concerns_in(&self, appliance: &Appliance) -> Ext {
        appliance.accounts().named(&self.0.username).map_or(Ext::None, Ext::Text)
    }
}

/// `POST /rest/refresh` and `POST /rest/logout`
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RefreshToken")]
pub struct Shown {
    /// The refresh token of a login.
    #[schemars(with = "String", length(min = 1, max = 1024))]
    refresh_token: Secret,
}

impl Request for Shown {
    type Needs = Open;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let shown: Self = super::body(inbound)?;
        bounded("refresh_token", &shown.refresh_token.0, 1..=1024)?;
        Ok(shown)
    }

    fn needs(&self, _: &Appliance) -> Open {
        Open
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<Self>())
    }

    fn concerns_in(&self, appliance: &Appliance) -> Ext {
        appliance.accounts().whose(&self.refresh_token.0).map_or(Ext::None, Ext::Text)
    }
}

/// What a login answers.
pub struct LoggedIn(Granted);

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "AccountTokens")]
struct LoggedInBody<'a> {
    /// A bearer token with the scopes of the account, good for 30 minutes.
    access_token: &'a str,
    /// What gets other bearer tokens for 8 hours.
    refresh_token: &'a str,
}

impl Answer for LoggedIn {
    fn reply(self) -> Reply {
        let refresh_token = self.0.refresh.as_ref().map_or("", |token| token.as_str());
        Reply::secret_json(&LoggedInBody { access_token: &self.0.access, refresh_token })
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<LoggedInBody<'static>>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(Ext::Text(self.0.whose.clone()));
    }
}

/// What a refresh answers.
pub struct Refreshed(Granted);

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "AccountToken")]
struct RefreshedBody<'a> {
    /// A bearer token, good for 30 minutes, and no longer than the login.
    access_token: &'a str,
}

impl Answer for Refreshed {
    fn reply(self) -> Reply {
        Reply::secret_json(&RefreshedBody { access_token: &self.0.access })
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<RefreshedBody<'static>>())
    }
}

/// Exchanges a password for tokens.
pub async fn login(accounts: Accounts, leave: Permit<Open>, ask: Login) -> Result<LoggedIn, Fault> {
    accounts.log_in(&leave, ask.0).await.map(LoggedIn)
}

/// Exchanges a refresh token for an access token. The refresh token stays as it is.
pub async fn refresh(
    accounts: Accounts,
    leave: Permit<Open>,
    ask: Shown,
) -> Result<Refreshed, Fault> {
    accounts.refresh(&leave, &ask.refresh_token.0).await.map(Refreshed)
}

/// Ends a login: its tokens open nothing any more.
pub async fn logout(accounts: Accounts, leave: Permit<Open>, ask: Shown) -> Result<Empty, Fault> {
    accounts.log_out(&leave, &ask.refresh_token.0).await.map(|_| Empty)
}

fn bounded(name: &str, text: &str, lengths: std::ops::RangeInclusive<usize>) -> Result<(), Fault> {
    match lengths.contains(&text.chars().count()) {
        true => Ok(()),
        false => {
            let (least, most) = (lengths.start(), lengths.end());
            Err(Fault::Invalid(format!("{name} must have {least} to {most} characters").into()))
        }
    }
}

/// A text that is wiped.
struct Secret(Zeroizing<String>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source).map(|text| Self(Zeroizing::new(text)))
    }
}

const REFERENCE: &str = "client_reference_id";
