//! Callers, and what they were given leave to do.

mod own;

use std::sync::Arc;

use crate::action::{Action, DeriveKey, Door, PeerHalf, Use};
use crate::kid::Kid;
use crate::scope::Scope;
use crate::subject::Subject;

/// A person or program whose token was verified, or one who showed none. Cloning is shallow.
#[derive(Clone, Debug)]
pub struct Caller {
    bearer: Option<Arc<Bearer>>,
}

/// What a verified token says.
#[derive(Debug)]
struct Bearer {
    subject: Subject,
    scope: Scope,
    expires: u64,
    token: TokenName,
    login: Option<LoginId>,
}

/// Names a token: the SHA-256 of its text.
pub type TokenName = [u8; 32];

/// Names the login of an account that a token came from.
pub type LoginId = [u8; 16];

impl Caller {
    /// Someone who showed no token.
    pub fn anonymous() -> Self {
        Self { bearer: None }
    }

    pub(crate) fn verified(subject: Subject, scope: Scope, expires: u64, token: TokenName) -> Self {
        Self { bearer: Some(Arc::new(Bearer { subject, scope, expires, token, login: None })) }
    }

    /// The same as the bearer of a token that came from this login of an account.
    pub(crate) fn of_login(
        subject: Subject,
        scope: Scope,
        expires: u64,
        of: (TokenName, LoginId),
    ) -> Self {
        let (token, login) = of;
        Self {
            bearer: Some(Arc::new(Bearer { subject, scope, expires, token, login: Some(login) })),
        }
    }

    /// Asks leave to perform `action`: its role first, then its scope.
    ///
    /// # Errors
    /// [`Denied`] says what would have been needed.
    pub fn may<A: Action>(&self, action: A) -> Result<Permit<A>, Denied> {
        let granted = match (&self.bearer, A::DOOR) {
            (_, Door::Open) => true,
            (None, Door::Bearer) => false,
            (None, Door::Conditional) => action.open_to_anyone(),
            (Some(bearer), _) => A::ROLES.include(&bearer.subject) && action.within(&bearer.scope),
        };
        match granted {
            true => Ok(Permit(action, self.clone())),
            false => Err(Denied { needed: action.needed() }),
        }
    }

    /// Who it is.
    pub fn subject(&self) -> Subject {
        self.bearer.as_ref().map_or(Subject::Anonymous, |bearer| bearer.subject)
    }

    /// The login that the token came from, where an account has made one.
    pub fn login(&self) -> Option<LoginId> {
        self.bearer.as_ref().and_then(|bearer| bearer.login)
    }

    /// Whether no token was shown.
    pub fn is_anonymous(&self) -> bool {
        self.bearer.is_none()
    }

    /// The token's scope.
    pub fn scope(&self) -> Option<&Scope> {
        self.bearer.as_ref().map(|bearer| &bearer.scope)
    }

    /// When the token ends, in Unix seconds.
    pub(crate) fn expires(&self) -> u64 {
        self.bearer.as_ref().map_or(u64::MAX, |bearer| bearer.expires)
    }
}

/// Proof that a caller may perform `A`. It is spent by the operation that it allows.
#[must_use = "a permit is what an operation costs"]
#[derive(Debug)]
pub struct Permit<A>(A, Caller);

impl<A: Action> Permit<A> {
    /// What was allowed.
    pub fn action(&self) -> A {
        self.0
    }

    /// Who was allowed it.
    pub fn subject(&self) -> Subject {
        self.1.subject()
    }
}

impl Permit<Use> {
    /// The key that this permit opens.
    pub fn kid(&self) -> Kid {
        self.0.0
    }

    /// Leave to read the public half of a stored peer, for an agreement with the permitted key
    /// (hem.md A10: `ext_kid` needs no scope of its own).
    pub fn peer(&self, kid: Kid) -> Permit<PeerHalf> {
        Permit(PeerHalf(kid), self.1.clone())
    }
}

impl Permit<DeriveKey> {
    /// The key that agrees.
    pub fn kid(&self) -> Kid {
        self.0.0
    }

    /// Leave to read the public half of a stored peer, as for a use of the key.
    pub fn peer(&self, kid: Kid) -> Permit<PeerHalf> {
        Permit(PeerHalf(kid), self.1.clone())
    }
}

/// The token did not allow it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this needs a token with scope {needed}, held by a role that may use it")]
pub struct Denied {
    needed: String,
}

impl Denied {
    /// The scope that would have been needed.
    pub fn needed(&self) -> &str {
        &self.needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{
        CreateKey, Open, PairAuthenticator, ReadConfig, ReadKey, Reboot, SearchKeys, Shutdown,
        WriteConfig,
    };

    fn caller(subject: Subject, scope: &str) -> Caller {
        Caller::verified(subject, Scope::parse(scope).unwrap(), u64::MAX, [0; 32])
    }

    #[test]
    fn a_key_is_used_with_its_exact_scope_only() {
        let kid: Kid = "00112233445566778899aabbccddeeff".parse().unwrap();
        let exact = format!("keymgmt:use:{kid}");
        assert_eq!(caller(Subject::User, &exact).may(Use(kid)).unwrap().kid(), kid);
        assert!(caller(Subject::External(kid), &exact).may(Use(kid)).is_ok());
        let capital = format!("keymgmt:use:{}", kid.to_string().to_uppercase());
        assert!(caller(Subject::User, &format!("a {capital}")).may(Use(kid)).is_ok());
        assert!(caller(Subject::Master, &exact).may(Use(kid)).is_err());
        for scope in [format!("{exact}:x"), exact.to_uppercase(), "keymgmt:use".into()] {
            assert!(caller(Subject::User, &scope).may(Use(kid)).is_err(), "{scope}");
        }
        let denied = Caller::anonymous().may(Use(kid)).unwrap_err();
        assert_eq!(denied.needed(), exact);
    }

    #[test]
    fn reading_a_key_has_three_ways() {
        let kid: Kid = "00112233445566778899aabbccddeeff".parse().unwrap();
        let other = Kid::from_bytes([9; 16]);
        for scope in ["keymgmt:get", "keymgmt:gen", "keymgmt:get:x", &format!("keymgmt:use:{kid}")]
        {
            assert!(caller(Subject::User, scope).may(ReadKey(kid)).is_ok(), "{scope}");
        }
        assert!(caller(Subject::User, &format!("keymgmt:use:{other}")).may(ReadKey(kid)).is_err());
        assert!(caller(Subject::Master, "keymgmt:get").may(ReadKey(kid)).is_err());
    }

    #[test]
    fn deriving_a_key_has_three_scopes() {
        let action = DeriveKey(Kid::from_bytes([9; 16]));
        let external = Subject::External(Kid::from_bytes([9; 16]));
        for scope in ["keymgmt:derive", "keymgmt:gen", "keymgmt:ecdh"] {
            for (subject, may) in
                [(Subject::User, true), (external, true), (Subject::Master, false)]
            {
                assert_eq!(caller(subject, scope).may(action).is_ok(), may, "{scope}");
            }
        }
        assert!(caller(Subject::User, "keymgmt:imp").may(action).is_err());
        assert!(Caller::anonymous().may(action).is_err());
    }

    #[test]
    fn roles_come_before_scopes() {
        assert!(caller(Subject::Master, "keymgmt:gen").may(CreateKey).is_err());
        assert!(caller(Subject::Master, "logger:get").may(ReadConfig).is_ok());
        assert!(Caller::anonymous().may(Open).is_ok());
    }

    #[test]
    fn strangers_search_only_where_it_is_open() {
        assert!(Caller::anonymous().may(SearchKeys { open: true }).is_ok());
        assert!(Caller::anonymous().may(SearchKeys { open: false }).is_err());
        assert!(caller(Subject::Master, "keymgmt:list").may(SearchKeys { open: true }).is_err());
        assert!(caller(Subject::User, "keymgmt:list").may(SearchKeys { open: false }).is_ok());
    }

    #[test]
    fn only_the_user_pairs() {
        let external = Subject::External(Kid::from_bytes([9; 16]));
        for (subject, may) in [(Subject::User, true), (Subject::Master, false), (external, false)] {
            for scope in ["auth:ext:pair", "system:config"] {
                assert_eq!(caller(subject, scope).may(PairAuthenticator).is_ok(), may);
            }
        }
    }

    #[test]
    fn the_device_is_its_owners() {
        let external = Subject::External(Kid::from_bytes([9; 16]));
        for fresh in [false, true] {
            assert_eq!(Caller::anonymous().may(WriteConfig { fresh }).is_ok(), fresh);
            assert_eq!(Caller::anonymous().may(Reboot { fresh }).is_ok(), fresh);
        }
        for (subject, may) in [(Subject::User, true), (Subject::Master, true), (external, false)] {
            let write = caller(subject, "system:config").may(WriteConfig { fresh: false });
            assert_eq!(write.is_ok(), may, "{subject:?}");
            assert!(caller(subject, "system:shutdown").may(Shutdown).is_ok());
            assert!(caller(subject, "system:upgrade").may(Reboot { fresh: false }).is_ok());
            assert!(caller(subject, "system:upgrade").may(Shutdown).is_err());
        }
    }
}
