//! Where logins are made and bearer tokens are turned into callers.

use std::sync::Arc;

use aws_lc_rs::hmac;
use policies::login::LoginToken;
use policies::session::{Grant, Sessions};
use policies::{Caller, Scope, Subject, decode_base64, encode_base64};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::clock::now;
use crate::config::Hem;
use crate::fault::Fault;
use crate::login::challenge::Nonces;
use crate::login::{External, Throttle, time_nonce};

/// Logins and session tokens. Everything in it is as old as the process: at a restart all tokens
/// and nonces die (hem.md A2). Cloning is shallow.
#[derive(Clone)]
pub struct Desk(Arc<Parts>);

struct Parts {
    nonces: Nonces,
    challenge_seconds: u64,
    external: External,
    sessions: Sessions,
    /// X25519, new at each start (`spk`).
    session_key: StaticSecret,
    session_public: String,
    throttle: Throttle,
}

/// What a login starts from.
pub struct Challenge {
    /// Unix seconds; it can't be answered after this.
    pub expires: u64,
    /// The session key, base64.
    pub session_public: String,
    /// The nonce, base64.
    pub nonce: String,
}

/// The claims of a login token that was verified, and the key that it was verified with.
#[derive(Deserialize)]
pub struct LoginClaims {
    jti: String,
    aud: String,
    exp: i64,
    #[serde(default)]
    scope: String,
    ctx: Option<serde_json::Value>,
    #[serde(default)]
    cfg: Option<serde_json::Value>,
}

/// A bearer token and for whom it is.
pub struct Session {
    /// The token.
    pub token: String,
    /// Its subject.
    pub subject: Subject,
    /// Its scope.
    pub scope: String,
}

impl Desk {
    /// A desk whose challenges can be answered for `challenge_seconds`, and where each address may ask
    /// authenticators `demands` times a minute.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the host has no randomness.
    pub fn open(Hem { challenge_seconds, demands, .. }: &Hem) -> Result<Self, Fault> {
        let (challenge_seconds, demands) = (*challenge_seconds, *demands);
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(|_| Fault::Internal)?;
        let session_key = StaticSecret::from(*secret);
        getrandom::fill(secret.as_mut_slice()).map_err(|_| Fault::Internal)?;
        Ok(Self(Arc::new(Parts {
            nonces: Nonces::new(challenge_seconds)?,
            challenge_seconds,
            external: External::new(demands)?,
            sessions: Sessions::new(&secret),
            session_public: encode_base64(PublicKey::from(&session_key).as_bytes()),
            session_key,
            throttle: Throttle::default(),
        })))
    }

    /// The caller who holds `token`, if it is good now.
    pub fn caller(&self, token: &str) -> Option<Caller> {
        self.0.sessions.verify(token, now()).ok()
    }

    /// Exchanges with external authenticators.
    pub fn external(&self) -> &External {
        &self.0.external
    }

    /// A fresh challenge.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the host has no randomness.
    pub fn challenge(&self) -> Result<Challenge, Fault> {
        let now = now();
        Ok(Challenge {
            expires: now + self.0.challenge_seconds,
            session_public: self.0.session_public.clone(),
            nonce: encode_base64(&self.0.nonces.issue(now)?),
        })
    }

    /// The session key, base64.
    pub fn session_public(&self) -> &str {
        &self.0.session_public
    }

    /// The session key, X25519.
    pub(super) fn session_key(&self) -> PublicKey {
        PublicKey::from(&self.0.session_key)
    }

    /// The secret that the session key and `peer` share; `None` where `peer` is no key to agree
    /// with.
    pub(super) fn agree(&self, peer: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        let shared = self.0.session_key.diffie_hellman(&PublicKey::from(*peer));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }

    /// Verifies a login token: tag, session key, nonce and time. The nonce is spent only by
    /// [`Desk::grant`], once it is known whose key it was.
    ///
    /// # Errors
    /// [`Fault::Unauthenticated`], without saying which of them was wrong.
    pub fn verify(&self, token: &str) -> Result<([u8; 32], LoginClaims), Fault> {
        let login = LoginToken::parse(token).map_err(|_| refused())?;
        let issuer = *login.issuer();
        let secret = self.agree(&issuer).ok_or_else(refused)?;
        let claims: LoginClaims = login.open(&secret).map_err(|_| refused())?;
        let session = decode_base64(&claims.aud).ok_or_else(refused)?;
        let ours = self.session_key();
        let now = now();
        let open = claims.nonce().is_some_and(|nonce| self.0.nonces.is_open(&nonce, now));
        let timely = u64::try_from(claims.exp).is_ok_and(|exp| exp > now);
        if session != ours.as_bytes() || !open || !timely {
            return Err(refused());
        }
        Ok((issuer, claims))
    }

    /// Spends the nonce of `claims` and issues a token for `subject`, as long as the claims say.
    ///
    /// # Errors
    /// [`Fault::Unauthenticated`] where another login used the nonce first.
    pub fn grant(&self, claims: LoginClaims, subject: Subject) -> Result<Session, Fault> {
        let now = now();
        let nonce = claims.nonce().ok_or_else(refused)?;
        // Without a scope the token is good for what any token opens (hem.md A2).
        let scope = match claims.scope.as_str() {
            "" => Ok(Scope::none()),
            text => Scope::parse(text),
        };
        let scope = scope.map_err(|error| Fault::Invalid(error.to_string().into()))?;
        if !self.0.nonces.spend(&nonce, now) {
            return Err(refused());
        }
        let expires = u64::try_from(claims.exp).map_err(|_| refused())?;
        self.issue(subject, scope, expires, Self::context(claims.ctx))
    }

    /// What a client may have as the context of its token: a text of 1 to 64 bytes. Anything else
    /// is left out (hem.md A3).
    pub fn context(asked: Option<serde_json::Value>) -> Option<serde_json::Value> {
        let fits = |text: &str| (1..=LONGEST_CONTEXT).contains(&text.len());
        asked.filter(|context| context.as_str().is_some_and(fits))
    }

    /// Whether `mac` is the HMAC-SHA256 over `nonce`, one of ours, under the agreement of `key` with
    /// the session key: its sender holds the private half. The nonce is spent then (hem.md A8,
    /// user-key rotation).
    pub fn proves(&self, key: &[u8; 32], nonce: &[u8; 32], mac: &[u8]) -> bool {
        let shared = self.0.session_key.diffie_hellman(&PublicKey::from(*key));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, shared.as_bytes());
        shared.was_contributory()
            && hmac::verify(&secret, nonce, mac).is_ok()
            && self.0.nonces.spend(nonce, now())
    }

    /// Spends the nonce of `claims` alone.
    pub fn spend(&self, claims: &LoginClaims) -> bool {
        claims.nonce().is_some_and(|nonce| self.0.nonces.spend(&nonce, now()))
    }

    /// Issues a token.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the host has no randomness.
    pub fn issue(
        &self,
        subject: Subject,
        scope: Scope,
        expires: u64,
        context: Option<serde_json::Value>,
    ) -> Result<Session, Fault> {
        let issued = now();
        let text = scope.as_str().to_owned();
        let grant = Grant { scope, subject, issued, expires, nonce: time_nonce(issued)?, context };
        let token = self.0.sessions.issue(&grant).map_err(|_| Fault::Internal)?;
        Ok(Session { token, subject, scope: text })
    }

    /// When a login that arrived at `arrival` may be answered.
    pub fn answer_at(&self, arrival: Instant, good: bool) -> Instant {
        self.0.throttle.answer_at(arrival, good)
    }
}

impl LoginClaims {
    /// The configuration that an initialisation carries.
    pub fn configuration(&self) -> Option<&serde_json::Value> {
        self.cfg.as_ref()
    }

    /// The scope that is asked for.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    fn nonce(&self) -> Option<[u8; 32]> {
        decode_base64(&self.jti)?.try_into().ok()
    }
}

/// Whose key `issuer` is, found in constant time.
pub(crate) fn owner(issuer: &[u8; 32], user: &[u8; 32], master: &[u8; 32]) -> Option<Subject> {
    let is_user = bool::from(issuer.ct_eq(user));
    let is_master = bool::from(issuer.ct_eq(master));
    match (is_user, is_master) {
        (true, _) => Some(Subject::User),
        (false, true) => Some(Subject::Master),
        (false, false) => None,
    }
}

/// Of `ctx`, in bytes (hem.md A3).
const LONGEST_CONTEXT: usize = 64;

fn refused() -> Fault {
    Fault::Unauthenticated(
        "the login token is not good: ask for a new challenge and try again".into(),
    )
}
