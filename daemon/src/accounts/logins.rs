//! Logging in, asking for another access token, logging out.

use aws_lc_rs::hmac;
use base64ct::{Base64UrlUnpadded, Encoding};
use policies::session::login_context;
use policies::{AccountId, LoginId, Open, OpenFrame, Permit, Scope, Subject, encode_base64};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::attempts::Key;
use super::known::{Standing, id};
use super::{Accounts, broken, canonical, envelope};
use crate::clock::now;
use crate::fault::Fault;
use crate::hold::Hold;
use crate::store::{AccountRow, LoginRow, holds};

/// Somebody wants to log in.
pub struct Attempt {
    /// When he came.
    pub arrival: Instant,
    /// When he may have his answer.
    pub hold: Hold,
    /// Of which domain he says he is: accounts have none, and any is taken.
    pub domain: String,
    /// The name of his account.
    pub username: String,
    /// The password; with a reference as it was encrypted.
    pub password: Zeroizing<String>,
    /// The reference of the key that it was encrypted with.
    pub reference: Option<String>,
}

/// What a login or a refresh came to.
pub struct Granted {
    /// A bearer token.
    pub access: Zeroizing<String>,
    /// What gets other bearer tokens; a login alone makes one.
    pub refresh: Option<Zeroizing<String>>,
    /// Whose they are, for the log: a name, and the name of the login.
    pub whose: String,
}

impl Accounts {
    /// Logs somebody in. Every answer is to be held back, good ones too, so that it comes at the same
    /// time whatever was wrong, and later after failures.
    ///
    /// # Errors
    /// [`Fault::Invalid`], the same for whatever is wrong with the reference or what was encrypted;
    /// [`Fault::Unauthenticated`], the same for a wrong password, a locked account and none at all;
    /// [`Fault::Throttled`] after too many failures by this name, where too many log in at once, and
    /// where the account has as many logins as one may have.
    pub async fn log_in(&self, _: &Permit<Open>, attempt: Attempt) -> Result<Granted, Fault> {
        self.enter(attempt).await
    }

    /// The same with a password that came through a session of the end-to-end key exchange; this holds
    /// the answer back itself.
    ///
    /// # Errors
    /// As for [`Self::log_in`].
    pub async fn log_in_by_frame(
        &self,
        _: &Permit<OpenFrame>,
        attempt: Attempt,
    ) -> Result<Granted, Fault> {
        let hold = attempt.hold.clone();
        let outcome = self.enter(attempt).await;
        hold.over().await;
        outcome
    }

    /// Whether accounts are served at all.
    pub fn is_served(&self) -> bool {
        self.0.is_served
    }

    async fn enter(&self, attempt: Attempt) -> Result<Granted, Fault> {
        let name = canonical(&attempt.username);
        let key = Key::of(&name);
        self.0.attempts.admit(key)?;
        let _place = self.0.hasher.place()?;
        let (arrival, hold) = (attempt.arrival, attempt.hold.clone());
        // As if it failed: how soon it comes must not tell a good one from others.
        let if_wrong = self.0.attempts.answer_at(key, 1, arrival);
        let outcome = self.check(key, &name, attempt).await;
        hold.until(if_wrong.max(self.0.attempts.answer_at(key, 0, arrival)));
        self.begin(outcome?).await
    }

    /// Another access token, for as long as the login stands.
    ///
    /// # Errors
    /// [`Fault::Invalid`], the same for every token that gets none.
    pub async fn refresh(&self, _: &Permit<Open>, token: &str) -> Result<Granted, Fault> {
        let standing = self.standing(token).await?;
        let account = self.known().by_id(standing.row.account).cloned().ok_or_else(ended)?;
        if account.locked {
            return Err(ended());
        }
        let (access, whose) = self.access(&account, &standing.row)?;
        Ok(Granted { access, refresh: None, whose })
    }

    /// Ends a login, its access tokens too. Answers whose it was, for the log.
    ///
    /// # Errors
    /// As for [`Self::refresh`].
    pub async fn log_out(&self, _: &Permit<Open>, token: &str) -> Result<String, Fault> {
        let standing = self.standing(token).await?;
        let name = &standing.row.name;
        let done = self.0.store.end_login(name, now()).await.map_err(broken)?;
        self.known_mut().end(name);
        match done {
            true => Ok(self.whose(token).unwrap_or_default()),
            false => Err(ended()),
        }
    }

    /// Whose refresh token this is or was, for the log: a name, and the name of the login.
    pub(crate) fn whose(&self, token: &str) -> Option<String> {
        let known = self.known();
        let login = &known.login(token)?.row;
        known.by_id(login.account).map(|account| whose(&account.name, &id(&login.name)))
    }

    async fn check(&self, key: Key, name: &str, attempt: Attempt) -> Result<AccountRow, Fault> {
        let password = match &attempt.reference {
            None => attempt.password,
            Some(reference) => {
                let bound = (attempt.domain.as_str(), attempt.username.as_str());
                envelope::open(&self.0.agreements, reference, bound, &attempt.password)?
            }
        };
        let turn = self.0.hasher.turn().await?;
        // Others may have failed while this one waited.
        self.0.attempts.admit(key)?;
        let account = self.known().by_name(name).cloned();
        let secret = account.as_ref().map(|account| (account.id, account.secret.clone()));
        let good = self.0.hasher.matches(&turn, secret, password).await?;
        match account.filter(|account| good && !account.locked) {
            Some(account) => {
                self.0.attempts.forget(key);
                Ok(account)
            }
            None => {
                self.0.attempts.failed(key);
                Err(refused())
            }
        }
    }

    /// Makes a login of an account whose password was right.
    async fn begin(&self, account: AccountRow) -> Result<Granted, Fault> {
        let (issued, most) = (now(), self.0.most);
        let expires = issued.saturating_add(LOGIN_SECONDS);
        let (refresh, name) = refresh_token(account.id, (issued, expires))?;
        let row = LoginRow { name, account: account.id, expires };
        let tag = self.0.mac.mac(&row.seal_text()).await?;
        let versioned = (&row, account.version);
        let added = self.0.store.add_login(versioned, &tag, (issued, most)).await;
        if !added.map_err(broken)? {
            let now = self.known().by_id(account.id).map(|account| account.version);
            let is_full = now == Some(account.version);
            return Err(if is_full { Fault::Throttled(TRY_AGAIN) } else { refused() });
        }
        if !self.known_mut().begin(row.clone(), account.version) {
            return Err(refused());
        }
        let (access, whose) = self.access(&account, &row)?;
        Ok(Granted { access, refresh: Some(refresh), whose })
    }

    /// An access token, and whose it is, for the log.
    fn access(
        &self,
        account: &AccountRow,
        login: &LoginRow,
    ) -> Result<(Zeroizing<String>, String), Fault> {
        let expires = login.expires.min(now().saturating_add(ACCESS_SECONDS));
        let scope = Scope::parse(&account.scope).map_err(|_| Fault::Internal)?;
        let (subject, login) = (Subject::Account(account.id), id(&login.name));
        let context = Some(login_context(&login));
        let session = self.0.desk.issue(subject, scope, expires, context)?;
        Ok((Zeroizing::new(session.token), whose(&account.name, &login)))
    }

    /// The login of a refresh token, if it stands.
    async fn standing(&self, token: &str) -> Result<Standing, Fault> {
        let standing = self.known().login(token).cloned();
        let standing = standing.filter(|standing| !standing.ended && standing.row.expires > now());
        let standing = standing.ok_or_else(ended)?;
        if let Some(tag) = &standing.unverified {
            if !holds(&*self.0.mac, &standing.row.seal_text(), tag).await? {
                tracing::error!("a login was changed outside the daemon: it is refused");
                return Err(ended());
            }
            self.known_mut().verified(&standing.row.name);
        }
        Ok(standing)
    }
}

/// A JWT that says whose it is and until when, and its SHA-256. Nobody verifies its tag, the key of
/// which is forgotten: what counts is that its hash was written down.
fn refresh_token(
    account: AccountId,
    (issued, expires): (u64, u64),
) -> Result<(Zeroizing<String>, [u8; 32]), Fault> {
    let mut random = Zeroizing::new([0; 64]);
    getrandom::fill(random.as_mut_slice()).map_err(|_| Fault::Internal)?;
    let (nonce, key) = random.split_at(32);
    let claims = json!({
        "sub": Subject::Account(account).claim(), "iat": issued, "exp": expires,
        "jti": encode_base64(nonce),
    });
    let claims = Zeroizing::new(claims.to_string());
    let encode = Base64UrlUnpadded::encode_string;
    let text = Zeroizing::new(format!("{}.{}", encode(HEADER), encode(claims.as_bytes())));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let token = Zeroizing::new(format!("{}.{}", *text, encode(tag.as_ref())));
    let name = Sha256::digest(token.as_str()).into();
    Ok((token, name))
}

fn whose(name: &str, login: &LoginId) -> String {
    let login: String = login.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name} {login}")
}

/// The one answer to a wrong password, to that of a locked account, and to a name that is none.
fn refused() -> Fault {
    Fault::Unauthenticated("the name or the password is wrong, or the account is locked".into())
}

/// The one answer to a refresh token that gets nothing any more, or never did.
fn ended() -> Fault {
    Fault::Invalid("the refresh token is not good, or its login has ended: log in again".into())
}

const HEADER: &[u8] = br#"{"typ":"JWT","alg":"HS256"}"#;
const ACCESS_SECONDS: u64 = 30 * 60;
const LOGIN_SECONDS: u64 = 8 * 3600;
/// How long to wait where an account has as many logins as one may have.
const TRY_AGAIN: Duration = Duration::from_secs(60);
