//! Bearer tokens of the HEM API: HS256 under a key that lives as long as the process (hem.md A2).

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::crypto::{sign, verify};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::caller::{Caller, LoginId, TokenName};
use crate::encoding::{decode_base64, encode_base64};
use crate::scope::Scope;
use crate::subject::Subject;

/// Issues session tokens and turns them back into callers. All tokens die with it.
pub struct Sessions {
    signing: EncodingKey,
    verifying: DecodingKey,
    /// Callers by the SHA-256 of their verified token, for at most a minute.
    seen: Cache<[u8; 32], Caller>,
}

impl Sessions {
    /// Sessions under `key`: 32 random bytes, new at each start.
    pub fn new(key: &Zeroizing<[u8; 32]>) -> Self {
        Self {
            signing: EncodingKey::from_secret(key.as_slice()),
            verifying: DecodingKey::from_secret(key.as_slice()),
            seen: Cache::builder().max_capacity(CACHED_TOKENS).time_to_live(CACHED_FOR).build(),
        }
    }

    /// A bearer token for `grant`: three base64url segments, the claims in the device's order.
    ///
    /// # Errors
    /// [`BadToken`] when the claims can't be signed; not seen with an HMAC.
    pub fn issue(&self, grant: &Grant) -> Result<String, BadToken> {
        let claims = Claims {
            scope: grant.scope.as_str().to_owned(),
            sub: grant.subject.claim(),
            iat: grant.issued,
            exp: grant.expires,
            jti: encode_base64(&grant.nonce),
            ctx: grant.context.clone(),
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| BadToken)?;
        let text = format!("{HEADER}.{}", Base64UrlUnpadded::encode_string(&claims));
        let tag = sign(text.as_bytes(), &self.signing, Algorithm::HS256).map_err(|_| BadToken)?;
        Ok(format!("{text}.{tag}"))
    }

    /// The caller who holds `token`, at `now` in Unix seconds.
    ///
    /// # Errors
    /// [`BadToken`] for a token that is malformed, not ours, or past its `exp`; which of these it
    /// was is not told.
    pub fn verify(&self, token: &str, now: u64) -> Result<Caller, BadToken> {
        if token.len() > MAX_TOKEN {
            return Err(BadToken);
        }
        let digest: TokenName = Sha256::digest(token).into();
        let caller = match self.seen.get(&digest) {
            Some(caller) => caller,
            None => {
                let caller = self.open(token, digest)?;
                self.seen.insert(digest, caller.clone());
                caller
            }
        };
        if caller.expires() > now { Ok(caller) } else { Err(BadToken) }
    }

    fn open(&self, token: &str, digest: TokenName) -> Result<Caller, BadToken> {
        let (text, tag) = token.rsplit_once('.').ok_or(BadToken)?;
        let (header, claims) = text.split_once('.').ok_or(BadToken)?;
        // The header is one of ours to the letter: no other algorithm, no `crit`, no key of its own.
        if header != HEADER {
            return Err(BadToken);
        }
        match verify(tag, text.as_bytes(), &self.verifying, Algorithm::HS256) {
            Ok(true) => {}
            _ => return Err(BadToken),
        }
        let claims = Base64UrlUnpadded::decode_vec(claims).map_err(|_| BadToken)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| BadToken)?;
        decode_base64(&claims.jti).filter(|nonce| nonce.len() == 32).ok_or(BadToken)?;
        let subject = Subject::from_claim(&claims.sub).ok_or(BadToken)?;
        let scope = Scope::restore(&claims.scope).map_err(|_| BadToken)?;
        match (subject, claims.ctx.as_ref().and_then(login)) {
            (Subject::Account(_), Some(login)) => {
                Ok(Caller::of_login(subject, scope, claims.exp, (digest, login)))
            }
            // Those of an account are issued with their login, all of them.
            (Subject::Account(_), None) => Err(BadToken),
            _ => Ok(Caller::verified(subject, scope, claims.exp, digest)),
        }
    }
}

/// The context of a token that comes from this login of an account.
pub fn login_context(login: &LoginId) -> serde_json::Value {
    serde_json::json!({ "login": encode_base64(login) })
}

fn login(context: &serde_json::Value) -> Option<LoginId> {
    decode_base64(context.get("login")?.as_str()?)?.try_into().ok()
}

/// What a token is issued for.
pub struct Grant {
    /// What it opens.
    pub scope: Scope,
    /// Whose it is.
    pub subject: Subject,
    /// Unix seconds.
    pub issued: u64,
    /// Unix seconds; the token is dead at this second.
    pub expires: u64,
    /// Its name: a time nonce, the issue time little-endian in the first four bytes.
    pub nonce: [u8; 32],
    /// The login's `ctx`, handed back as it came.
    pub context: Option<serde_json::Value>,
}

/// A token that opens nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the bearer token is malformed, forged or expired: log in again")]
pub struct BadToken;

#[derive(Deserialize, Serialize)]
struct Claims {
    scope: String,
    sub: String,
    iat: u64,
    exp: u64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<serde_json::Value>,
}

/// base64url of `{"typ":"JWT","alg":"HS256"}`.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";
const MAX_TOKEN: usize = 8192;
const CACHED_TOKENS: u64 = 4096;
const CACHED_FOR: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::AccountId;

    /// `bearer` of the published vectors.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzY29wZSI6ImtleW1nbXQ6Z2VuIiwic3ViIjoiVSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwLCJqdGkiOiJBUEZUWlFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPSJ9.3Ia8yLubj0YtwRzS2hEByWZsxQ2wsHmvWcw6ao8QHe8";

    fn sessions() -> Sessions {
        let key: [u8; 32] = std::array::from_fn(|i| 0x40 + u8::try_from(i).unwrap());
        Sessions::new(&Zeroizing::new(key))
    }

    fn grant() -> Grant {
        let mut nonce = [0; 32];
        nonce[..4].copy_from_slice(&1_700_000_000u32.to_le_bytes());
        Grant {
            scope: Scope::parse("keymgmt:gen").unwrap(),
            subject: Subject::User,
            issued: 1_700_000_000,
            expires: 1_700_003_600,
            nonce,
            context: None,
        }
    }

    #[test]
    fn issues_the_published_token() {
        assert_eq!(sessions().issue(&grant()).unwrap(), TOKEN);
    }

    #[test]
    fn verifies_it_until_it_ends() {
        let sessions = sessions();
        let caller = sessions.verify(TOKEN, 1_700_003_599).unwrap();
        assert_eq!(caller.subject(), Subject::User);
        assert_eq!(caller.scope().unwrap().as_str(), "keymgmt:gen");
        assert_eq!(sessions.verify(TOKEN, 1_700_003_600).unwrap_err(), BadToken);
    }

    #[test]
    fn a_token_of_an_account_says_which_login_it_came_from() {
        let (sessions, account) = (sessions(), Subject::Account(AccountId([3; 16])));
        let issue = |subject, context| {
            let token = sessions.issue(&Grant { subject, context, ..grant() }).unwrap();
            sessions.verify(&token, 1_700_000_000).map(|caller| caller.login())
        };
        let context = Some(login_context(&[7; 16]));
        assert_eq!(issue(account, context.clone()), Ok(Some([7; 16])));
        assert_eq!(issue(account, None), Err(BadToken));
        // What others have put into theirs says nothing.
        assert_eq!(issue(Subject::User, context), Ok(None));
    }

    #[test]
    fn refuses_every_changed_character() {
        let sessions = sessions();
        sessions.verify(TOKEN, 1_700_000_000).unwrap();
        for at in 0..TOKEN.len() {
            let mut forged = TOKEN.as_bytes().to_vec();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(sessions.verify(&forged, 1_700_000_000).unwrap_err(), BadToken, "{at}");
        }
    }

    #[test]
    fn refuses_other_headers_and_shapes() {
        let sessions = sessions();
        let (_, rest) = TOKEN.split_once('.').unwrap();
        let none = Base64UrlUnpadded::encode_string(br#"{"typ":"JWT","alg":"none"}"#);
        let hostile = [
            format!("{none}.{rest}"),
            format!("{TOKEN}."),
            format!("{TOKEN}="),
            format!("{TOKEN}\n"),
            rest.to_owned(),
            String::new(),
            "a".repeat(9000),
        ];
        for token in hostile {
            assert!(sessions.verify(&token, 1_700_000_000).is_err(), "{token}");
        }
    }
}
