//! Bearer tokens that are good for a number of calls. They say nothing: what one opens is kept beside
//! its SHA-256, and counted there.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::caller::{Caller, LoginId, TokenName};
use crate::scope::Scope;
use crate::session::BadToken;
use crate::subject::Subject;

/// What such a token opens. [`crate::Permit::heir`] makes it for a token that is to be issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limited {
    /// Whose it is.
    pub subject: Subject,
    /// Its scopes, with spaces between; empty for none.
    pub scope: String,
    /// Unix seconds; it is dead at this second.
    pub expires: u64,
    /// The token that it was issued with.
    pub parent: TokenName,
    /// The login that this one came from, with which both end.
    pub login: Option<LoginId>,
}

impl Limited {
    /// The caller who holds `token`, of which `name` is kept, at `now` in Unix seconds. Whether it has
    /// a use left is not looked at.
    ///
    /// # Errors
    /// [`BadToken`] for another token, one that has ended, and scopes that were never issued.
    pub fn caller(&self, token: &str, name: &TokenName, now: u64) -> Result<Caller, BadToken> {
        let scope = Scope::restore(&self.scope).map_err(|_| BadToken)?;
        if self::name(token) != Some(*name) || self.expires <= now {
            return Err(BadToken);
        }
        Ok(match self.login {
            Some(login) => Caller::of_login(self.subject, scope, self.expires, (*name, login)),
            None => Caller::verified(self.subject, scope, self.expires, *name),
        })
    }
}

/// The token made of these random bytes, and its name.
pub fn token(random: &Zeroizing<[u8; 32]>) -> (Zeroizing<String>, TokenName) {
    let text = Base64UrlUnpadded::encode_string(random.as_slice());
    let text = Zeroizing::new(format!("{PREFIX}{text}"));
    let name = Sha256::digest(text.as_str()).into();
    (text, name)
}

/// The name of `token`; `None` where it is of another kind.
pub fn name(token: &str) -> Option<TokenName> {
    let is_one = token.starts_with(PREFIX) && token.len() == LENGTH;
    is_one.then(|| Sha256::digest(token).into())
}

/// No other kind of token begins so: there is no `_` in the header of one.
const PREFIX: &str = "cvt_";
/// The prefix, and 32 bytes in base64url.
const LENGTH: usize = 47;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_until_it_ends() {
        let (token, known) = token(&Zeroizing::new([7; 32]));
        assert_eq!((token.len(), name(&token)), (LENGTH, Some(known)));
        let limited = Limited {
            subject: Subject::User,
            scope: "pqc:kem".to_owned(),
            expires: 10,
            parent: [0; 32],
            login: Some([3; 16]),
        };
        let caller = limited.caller(&token, &known, 9).unwrap();
        assert_eq!(caller.scope().unwrap().as_str(), "pqc:kem");
        assert_eq!(caller.login(), Some([3; 16]));
        assert!(limited.caller(&token, &known, 10).is_err());
        assert!(limited.caller(&token, &[0; 32], 9).is_err());
        for other in ["", "cvt_", "eyJ.a.b", &token[1..], &format!("{}x", *token)] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
