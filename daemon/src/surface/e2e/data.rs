//! Sensitive data: a payload is opened once, for whoever may have it, or for the check of an account.

use audit::{Entry, Ext};
use hsm_profiles::SecretBytes;
use policies::{OpenFrame, Permit};
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize, Serializer};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::ask::{Asked, TOLD, headers, with_event, wrong};
use crate::accounts::{Accounts, Attempt, Granted};
use crate::exchange::{self, Event, Exchange, Owner};
use crate::fault::Fault;
use crate::hold::Hold;
use crate::reply::Reply;
use crate::route::{Answer, Content, Header};

/// A payload.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "E2eData")]
pub struct Payload {
    /// As the session has them: hexadecimal digits, or a ciphertext and its MAC in base64 with a
    /// full stop between.
    #[serde(rename = "encryptedPayload")]
    encrypted_payload: String,
    /// What is to be done with it other than to hand it out: `login` logs in to an account by the
    /// password in it.
    purpose: Option<String>,
    /// The name of that account; only with `purpose`.
    #[schemars(length(min = 1, max = 256))]
    username: Option<String>,
}

/// What came of a payload.
pub struct Opened {
    what: What,
    event: Event,
    /// Who asked, and who logged in, for the log.
    whose: Option<String>,
}

enum What {
    Data(exchange::Opened),
    Login(Granted),
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "E2eOpened")]
#[serde(untagged)]
enum OpenedBody<'a> {
    /// What was in it.
    Data {
        /// `a` a PIN, `b` a password, `c` the data of a form.
        #[serde(rename = "type")]
        #[schemars(with = "String", pattern("^[abc]$"))]
        kind: char,
        /// In base64.
        #[serde(serialize_with = "in_base64")]
        #[schemars(with = "String")]
        data: &'a SecretBytes,
    },
    /// What the password in it is good for.
    Login {
        /// `b`, a password.
        #[serde(rename = "type")]
        #[schemars(with = "String", pattern("^b$"))]
        kind: char,
        /// A bearer token with the scopes of the account, good for 30 minutes.
        access_token: &'a str,
        /// What gets other bearer tokens for 8 hours, at `/rest/refresh`.
        refresh_token: &'a str,
    },
}

impl Answer for Opened {
    const HEADERS: &'static [Header] = TOLD;

    fn reply(self) -> Reply {
        let body = match &self.what {
            What::Data(opened) => OpenedBody::Data { kind: opened.kind, data: &opened.data },
            What::Login(Granted { access, refresh, .. }) => OpenedBody::Login {
                kind: PASSWORD,
                access_token: access,
                refresh_token: refresh.as_ref().map_or("", |token| token.as_str()),
            },
        };
        with_event(Reply::secret_json(&body), &self.event)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<OpenedBody<'static>>())
    }

    fn note(&self, entry: &mut Entry) {
        if let Some(whose) = &self.whose {
            entry.name_ext(Ext::Text(whose.clone()));
        }
    }
}

/// `POST /v1/security/e2eData`
pub async fn open(
    (exchange, accounts): (Exchange, Accounts),
    leave: Permit<OpenFrame>,
    ask: Asked<OpenFrame, Payload>,
) -> Result<Opened, Fault> {
    let arrival = Instant::now();
    let (visitor, Payload { encrypted_payload, purpose, username }) = ask.judge()?;
    // All that needs no look into the payload comes first: it takes nothing then.
    let username = named(purpose.as_deref(), username, &accounts)?;
    let owner = Owner::new(leave.subject(), &visitor);
    let (opened, event) = exchange.take(&leave, &owner, &encrypted_payload).await?;
    let Some(username) = username else {
        return Ok(Opened { what: What::Data(opened), event, whose: None });
    };
    // Its event is spent, whatever comes of the login: the next one is told with the answer.
    let told = |fault: Fault| fault.dressed(headers(&event));
    let password = password(&opened).map_err(told)?;
    let (hold, domain) = (Hold::default(), String::new());
    let attempt = Attempt { arrival, hold, domain, username, password, reference: None };
    let granted = accounts.log_in_by_frame(&leave, attempt).await.map_err(told)?;
    let whose = Some(format!("{} {}", visitor.name(), granted.whose));
    Ok(Opened { what: What::Login(granted), event, whose })
}

/// The account to log in to; `None` where the payload is to be handed out.
fn named(
    purpose: Option<&str>,
    username: Option<String>,
    accounts: &Accounts,
) -> Result<Option<String>, Fault> {
    let unserved = |why: &'static str| {
        Err(Fault::Failed(why.into()).coded("businessValidationFailed", "body/purpose"))
    };
    match (purpose, username) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(wrong("body/username", "username goes with purpose login")),
        (Some("login"), _) if !accounts.is_served() => {
            unserved("this device has no accounts: leave purpose out")
        }
        (Some("login"), Some(name)) if (1..=256).contains(&name.chars().count()) => Ok(Some(name)),
        (Some("login"), _) => {
            Err(wrong("body/username", "username must be there, with 1 to 256 characters"))
        }
        (Some(_), _) => unserved("purpose is login, or is left out"),
    }
}

fn password(opened: &exchange::Opened) -> Result<Zeroizing<String>, Fault> {
    let text = std::str::from_utf8(opened.data.expose()).ok();
    match text.filter(|text| opened.kind == PASSWORD && !text.is_empty()) {
        Some(text) => Ok(Zeroizing::new(text.to_owned())),
        None => Err(wrong("body/encryptedPayload", "a login takes a password: type b, in UTF-8")),
    }
}

fn in_base64<S: Serializer>(data: &&SecretBytes, serializer: S) -> Result<S::Ok, S::Error> {
    let text = Zeroizing::new(policies::encode_base64(data.expose()));
    serializer.serialize_str(&text)
}

/// The type of a password.
const PASSWORD: char = 'b';
