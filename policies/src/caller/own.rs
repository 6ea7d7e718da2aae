//! What leads from one permit to another: keys of one's own, stored keys that a request names beside
//! something else, tokens out of tokens.

use super::{Denied, Permit};
use crate::action::pqc::{CipherText, IssueToken};
use crate::action::{CreateKey, OwnKeys, Use, UseOwn};
use crate::kid::Kid;
use crate::limited::Limited;
use crate::subject::Subject;

impl<A: OwnKeys> Permit<A> {
    /// Leave to make a key of one's own.
    pub fn making(&self) -> Permit<CreateKey> {
        Permit(CreateKey, self.1.clone())
    }

    /// Leave to use the key `kid`, whose owner is as it says; `None` where there is no such key, which
    /// gets the same answer as a key of somebody else.
    ///
    /// # Errors
    /// [`Denied`] where it is not the caller's.
    pub fn own(&self, kid: Kid, owner: Option<Subject>) -> Result<Permit<UseOwn>, Denied> {
        match owner == Some(self.subject()) {
            true => Ok(Permit(UseOwn(kid), self.1.clone())),
            false => {
                let needed = format!("{}, as the owner of the key {kid}", self.0.needed());
                Err(Denied { needed })
            }
        }
    }
}

impl Permit<UseOwn> {
    /// The key that this permit opens.
    pub fn kid(&self) -> Kid {
        self.0.kid()
    }

    /// The same, as the token takes it.
    pub fn into_use(self) -> Permit<Use> {
        Permit(Use(self.0.kid()), self.1)
    }
}

impl Permit<CipherText> {
    /// Leave to use the stored key; `None` where the caller brings one.
    pub fn stored(self) -> Option<Permit<Use>> {
        self.0.0.map(|kid| Permit(Use(kid), self.1))
    }
}

impl Permit<IssueToken> {
    /// What a token may open that is issued by the bearer of this one: no more than this one, no more
    /// tokens, and nothing after `expires` or the end of this one, in Unix seconds.
    pub fn heir(&self, expires: u64) -> Limited {
        let bearer = self.1.bearer.as_ref();
        let scope = self.1.scope().map(|scope| scope.without("token:new"));
        Limited {
            subject: self.subject(),
            scope: scope.map_or_else(String::new, |scope| scope.as_str().to_owned()),
            expires: expires.min(self.1.expires()),
            parent: bearer.map_or([0; 32], |bearer| bearer.token),
            login: self.1.login(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::pqc::ExchangeKeys;
    use crate::caller::Caller;
    use crate::scope::Scope;

    fn caller(subject: Subject, scope: &str) -> Caller {
        Caller::verified(subject, Scope::parse(scope).unwrap(), 1000, [7; 32])
    }

    #[test]
    fn a_key_is_its_owners_alone() {
        let kid = Kid::from_bytes([1; 16]);
        let leave = caller(Subject::User, "pqc:kem").may(ExchangeKeys).unwrap();
        assert_eq!(leave.own(kid, Some(Subject::User)).unwrap().into_use().kid(), kid);
        let foreign = leave.own(kid, Some(Subject::External(kid))).unwrap_err();
        assert_eq!(leave.own(kid, None).unwrap_err(), foreign);
        assert!(caller(Subject::Master, "pqc:kem").may(ExchangeKeys).is_err());
    }

    #[test]
    fn a_stored_key_takes_its_own_scope_too() {
        let kid = Kid::from_bytes([1; 16]);
        let both = format!("pqc:aes keymgmt:use:{kid}");
        for (scope, bare, stored) in
            [(both.as_str(), true, true), ("pqc:aes", true, false), (&both[8..], false, false)]
        {
            let caller = caller(Subject::User, scope);
            assert_eq!(caller.may(CipherText(None)).is_ok(), bare, "{scope}");
            assert_eq!(caller.may(CipherText(Some(kid))).is_ok(), stored, "{scope}");
        }
        let permit = caller(Subject::User, &both).may(CipherText(Some(kid))).unwrap();
        assert_eq!(permit.stored().unwrap().kid(), kid);
    }

    #[test]
    fn an_heir_has_no_more_than_its_parent() {
        let leave = caller(Subject::User, "token:new pqc:kem").may(IssueToken).unwrap();
        let heir = leave.heir(5000);
        assert_eq!((heir.scope.as_str(), heir.expires, heir.parent), ("pqc:kem", 1000, [7; 32]));
        assert_eq!(leave.heir(10).expires, 10);
        let none = caller(Subject::User, "token:new").may(IssueToken).unwrap().heir(10);
        assert_eq!(none.scope, "");
    }
}
