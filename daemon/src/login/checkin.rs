//! Checking in with a backend, which says what time it is and how the device stands (hem.md A8).

use std::sync::Arc;

use audit::{Ext, Log, LogResult, LogType, Subject};
use policies::login::{LoginToken, issue};
use policies::{decode_base64, encode_base64};
use serde::{Deserialize, Serialize};

use super::Desk;
use super::challenge::Nonces;
use crate::clock;
use crate::fault::Fault;
use crate::selftest::{Examiner, LOCKED, SHUT_DOWN};

/// Checks in. Cloning is shallow.
#[derive(Clone)]
pub struct CheckIn(Arc<Parts>);

struct Parts {
    asks: Asks,
    desk: Desk,
    examiner: Examiner,
    log: Log,
    nonces: Nonces,
}

/// Who asks, and whom.
pub struct Asks {
    /// The backend's X25519 key; without one nobody's answer is good.
    pub backend: Option<[u8; 32]>,
    /// The device's X25519 identity key.
    pub identity: [u8; 32],
    /// Whether the time comes from the backend; the host's clock counts otherwise.
    pub relies_on_it: bool,
}

/// What the backend said.
pub struct Told {
    /// How the device stands.
    pub standing: Standing,
    /// A certificate for the device, as in `tls.crt` of `system/config`.
    pub certificate: Option<String>,
    /// The name of a newer firmware.
    pub firmware: Option<String>,
    /// The name of a newer user interface.
    pub interface: Option<String>,
}

/// How the device stands with its backend. What the letters mean is not published; [`Self::Locked`]
/// and [`Self::Blocked`] are ours to act on, the others are passed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// `OK`
    Good,
    /// `L`: nothing is done before the next start.
    Locked,
    /// `B`: the same, told apart in `fls_state`.
    Blocked,
    /// `W`, `R` or `U`.
    Noted(&'static str),
    /// Anything else.
    Unknown,
}

/// What the device says of itself.
#[derive(Serialize)]
struct CheckClaims<'a> {
    jti: String,
    iss: &'a str,
    qid: String,
    aud: String,
    fws: &'static str,
    bls: &'static str,
    uis: &'static str,
    csn: String,
}

/// What the backend says.
#[derive(Deserialize)]
struct CheckedClaims {
    jti: String,
    iat: u32,
    aud: String,
    status: String,
    newcrt: Option<String>,
    newfws: Option<String>,
    newuis: Option<String>,
}

impl CheckIn {
    /// Nobody has checked in yet.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the host has no randomness.
    pub fn new(asks: Asks, desk: Desk, examiner: Examiner, log: Log) -> Result<Self, Fault> {
        let nonces = Nonces::new(PATIENCE)?;
        Ok(Self(Arc::new(Parts { asks, desk, examiner, log, nonces })))
    }

    /// Whether there is a time to rely on.
    pub fn has_time(&self) -> bool {
        !self.0.asks.relies_on_it || clock::is_trusted()
    }

    /// A token for the backend: single-use nonce, who asks, what runs here, and the serial number of
    /// the certificate that it shows. Without a backend it is made out to the device itself, and
    /// nobody can answer it.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the host has no randomness or the backend's key is none.
    pub fn check(&self, certificate: &[u8]) -> Result<String, Fault> {
        let Parts { asks, desk, nonces, .. } = self.0.as_ref();
        let reader = match asks.backend {
            Some(backend) => backend,
            None => *desk.session_key().as_bytes(),
        };
        let secret = desk.agree(&reader).ok_or(Fault::Internal)?;
        let claims = CheckClaims {
            // By the host's clock, which is there before any other.
            jti: encode_base64(&nonces.issue(clock::host())?),
            iss: desk.session_public(),
            qid: encode_base64(&asks.identity),
            aud: encode_base64(&reader),
            fws: crate::NAME_AND_VERSION,
            bls: crate::VERSION,
            uis: "",
            csn: encode_base64(certificate),
        };
        issue(&claims, &secret).map_err(|_| Fault::Internal)
    }

    /// Takes the backend's answer in: sets the time where it is the backend's to say, and shuts the
    /// device where the backend wants that; both are entered in the log.
    ///
    /// # Errors
    /// [`Fault::Unauthenticated`] for what is not the backend's answer to a check of this run, or
    /// was given already; [`Fault::Unlogged`] where it can't be entered in the log: the time was not
    /// set then.
    pub async fn take(&self, checked: &str) -> Result<Told, Fault> {
        let claims = self.verify(checked)?;
        if self.0.asks.relies_on_it {
            self.enter(LogType::LOG_TYPE_RTC_SET, Ext::Time(claims.iat)).await?;
            clock::trust(u64::from(claims.iat));
        }
        let standing = Standing::of(&claims.status);
        if let Some(flaw) = standing.flaw() {
            self.0.examiner.shut(flaw);
            self.enter(LogType::LOG_TYPE_SHUTDOWN, Ext::None).await?;
        }
        Ok(Told {
            standing,
            certificate: claims.newcrt,
            firmware: claims.newfws,
            interface: claims.newuis,
        })
    }

    fn verify(&self, checked: &str) -> Result<CheckedClaims, Fault> {
        let Parts { asks, desk, nonces, .. } = self.0.as_ref();
        let backend = asks.backend.ok_or_else(|| {
            Fault::Unauthenticated("no backend is trusted: name its key in hem.backend_key".into())
        })?;
        let token = LoginToken::parse(checked).map_err(|_| refused())?;
        let secret = desk.agree(&backend).ok_or_else(refused)?;
        let claims: CheckedClaims = token.open(&secret).map_err(|_| refused())?;
        let for_us =
            decode_base64(&claims.aud).is_some_and(|aud| aud == desk.session_key().as_bytes());
        let jti = decode_base64(&claims.jti).and_then(|jti| jti.try_into().ok());
        let jti: [u8; 32] = jti.ok_or_else(refused)?;
        let is_theirs = *token.issuer() == backend && for_us && claims.iat >= EARLIEST;
        match is_theirs && nonces.spend(&jti, clock::host()) {
            true => Ok(claims),
            false => Err(refused()),
        }
    }

    async fn enter(&self, kind: LogType, ext: Ext) -> Result<(), Fault> {
        let entry = self.0.log.open(Some(kind), Subject::None).map_err(|_| Fault::Unlogged)?;
        let closed = entry.close_as(kind, LogResult::LOG_RESULT_OK, ext).await;
        closed.map(drop).map_err(|_| Fault::Unlogged)
    }
}

impl Standing {
    fn of(status: &str) -> Self {
        match status {
            "OK" => Self::Good,
            "L" => Self::Locked,
            "B" => Self::Blocked,
            "W" => Self::Noted("W"),
            "R" => Self::Noted("R"),
            "U" => Self::Noted("U"),
            _ => Self::Unknown,
        }
    }

    /// As the client is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "OK",
            Self::Locked => "L",
            Self::Blocked => "B",
            Self::Noted(letter) => letter,
            Self::Unknown => "???",
        }
    }

    /// The bit of `fls_state` that it sets.
    fn flaw(self) -> Option<u8> {
        match self {
            Self::Locked => Some(LOCKED),
            Self::Blocked => Some(SHUT_DOWN),
            Self::Good | Self::Noted(_) | Self::Unknown => None,
        }
    }
}

fn refused() -> Fault {
    Fault::Unauthenticated(
        "this is not the trusted backend's answer to a check of this run: check in anew".into(),
    )
}

/// How long a check can be answered, in seconds.
const PATIENCE: u64 = 3600;
/// 2024-01-01. A backend whose clock stands before this program was written does not know the time.
const EARLIEST: u32 = 1_704_067_200;
