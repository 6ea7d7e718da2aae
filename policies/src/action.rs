//! What a request can ask leave to do, and what each needs (hem.md A2).

pub mod accounts;
pub mod e2e;
pub mod key_service;
pub mod pqc;

use crate::kid::Kid;
use crate::scope::Scope;
use crate::subject::Subject;

/// Something a request can ask leave to do.
///
/// A row of the route table names an action; door, roles, scopes, documentation and negative
/// tests all come from here.
pub trait Action: Copy + Send + Sync + 'static {
    /// Who gets as far as being asked for a scope.
    const DOOR: Door = Door::Bearer;

    /// The roles that may do it.
    const ROLES: Roles = Roles::WORKERS;

    /// The scopes, any one of which is enough, as documented: `<KID>` stands for the key's name.
    const SCOPES: &'static [&'static str];

    /// Whether `scope` allows this very action.
    fn within(&self, scope: &Scope) -> bool {
        Self::SCOPES.iter().any(|required| scope.covers(required))
    }

    /// Whether this very action is open to callers without a token. Only asked where the door is
    /// [`Door::Conditional`].
    fn open_to_anyone(&self) -> bool {
        false
    }

    /// The first scope that would do, for refusals and the log.
    fn needed(&self) -> String {
        Self::SCOPES.first().copied().unwrap_or_default().to_owned()
    }
}

/// Actions of those who have keys of their own, beside the device's: such a key belongs to whoever
/// made it and to nobody else.
pub trait OwnKeys: Action {}

/// Who gets in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Door {
    /// Only callers with a valid token.
    Bearer,
    /// Callers without a token where the request itself allows it.
    Conditional,
    /// Anyone; a token that is shown must be valid all the same.
    Open,
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Roles {
    /// The local user.
    pub user: bool,
    /// The administrator.
    pub master: bool,
    /// Paired external authenticators.
    pub external: bool,
    /// Accounts of the store.
    pub account: bool,
}

impl Roles {
    /// Every role.
    pub const ALL: Self = Self { user: true, master: true, external: true, account: true };
    /// The user alone.
    pub const USER: Self = Self { user: true, master: false, external: false, account: false };
    /// The user and the administrator, in person.
    pub const USER_AND_MASTER: Self =
        Self { user: true, master: true, external: false, account: false };
    /// Those who work with keys.
    pub const WORKERS: Self = Self { user: true, master: false, external: true, account: true };

    /// Whether `subject` has one of these roles.
    pub fn include(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Account(_) => self.account,
            Subject::Anonymous => false,
            Subject::External(_) => self.external,
            Subject::Master => self.master,
            Subject::User => self.user,
        }
    }
}

/// Create a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateKey;

impl Action for CreateKey {
    const SCOPES: &'static [&'static str] = &["keymgmt:gen"];
}

/// Delete a key.
#[derive(Clone, Copy, Debug)]
pub struct DeleteKey(pub Kid);

impl Action for DeleteKey {
    const SCOPES: &'static [&'static str] = &["keymgmt:del"];
}

/// Derive a key from what one agrees on with a peer.
#[derive(Clone, Copy, Debug)]
pub struct DeriveKey(pub Kid);

impl Action for DeriveKey {
    const SCOPES: &'static [&'static str] = &["keymgmt:derive", "keymgmt:gen", "keymgmt:ecdh"];
}

/// Import a public key.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportKey;

impl Action for ImportKey {
    const SCOPES: &'static [&'static str] = &["keymgmt:imp"];
}

/// List keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListKeys;

impl Action for ListKeys {
    const SCOPES: &'static [&'static str] = &["keymgmt:list"];
}

/// Do something that touches no stored key and tells no secret.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Action for Open {
    const DOOR: Door = Door::Open;
    const ROLES: Roles = Roles::ALL;
    const SCOPES: &'static [&'static str] = &[];
}

/// Pair an external authenticator.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairAuthenticator;

impl Action for PairAuthenticator {
    const ROLES: Roles = Roles::USER;
    const SCOPES: &'static [&'static str] = &["auth:ext:pair", "system:config"];
}

/// Read the public half of a stored peer. Only [`crate::Permit::peer`] gives leave for it.
#[derive(Clone, Copy, Debug)]
pub struct PeerHalf(pub(crate) Kid);

impl PeerHalf {
    /// The peer.
    pub fn kid(&self) -> Kid {
        self.0
    }
}

impl Action for PeerHalf {
    // No scope allows it by itself.
    const SCOPES: &'static [&'static str] = &[];
}

/// Have the device prove what it is. Any token will do, whatever its scope.
#[derive(Clone, Copy, Debug)]
pub struct ReadAttestation {
    /// Whether the device was never initialised: it has nobody to ask for a token then.
    pub fresh: bool,
}

impl Action for ReadAttestation {
    const DOOR: Door = Door::Conditional;
    const ROLES: Roles = Roles::ALL;
    const SCOPES: &'static [&'static str] = &[];

    fn within(&self, _: &Scope) -> bool {
        true
    }

    fn open_to_anyone(&self) -> bool {
        self.fresh
    }
}

/// Read the configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadConfig;

impl Action for ReadConfig {
    const ROLES: Roles = Roles::ALL;
    const SCOPES: &'static [&'static str] = &["system:config", "logger:get", "auth:ext:pair"];
}

/// Read a key's public half and type.
#[derive(Clone, Copy, Debug)]
pub struct ReadKey(pub Kid);

impl Action for ReadKey {
    const SCOPES: &'static [&'static str] = &["keymgmt:get", "keymgmt:gen", USE];

    fn within(&self, scope: &Scope) -> bool {
        scope.covers("keymgmt:get") || scope.covers("keymgmt:gen") || Use(self.0).within(scope)
    }
}

/// Read the audit log.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadLog;

impl Action for ReadLog {
    const ROLES: Roles = Roles::ALL;
    const SCOPES: &'static [&'static str] = &["logger:get"];
}

/// Start the device anew.
#[derive(Clone, Copy, Debug)]
pub struct Reboot {
    /// Whether the device was never initialised: it has nobody to ask for a token then.
    pub fresh: bool,
}

impl Action for Reboot {
    const DOOR: Door = Door::Conditional;
    const ROLES: Roles = Roles::ALL;
    const SCOPES: &'static [&'static str] = &["system:config", "system:upgrade", "system:shutdown"];

    fn open_to_anyone(&self) -> bool {
        self.fresh
    }
}

/// Have the token test itself. Any token will do, whatever its scope.
#[derive(Clone, Copy, Debug)]
pub struct RunSelfTest {
    /// Whether the device was never initialised: it has nobody to ask for a token then.
    pub fresh: bool,
}

impl Action for RunSelfTest {
    const DOOR: Door = Door::Conditional;
    const ROLES: Roles = Roles::ALL;
    const SCOPES: &'static [&'static str] = &[];

    fn within(&self, _: &Scope) -> bool {
        true
    }

    fn open_to_anyone(&self) -> bool {
        self.fresh
    }
}

/// Search keys by description.
#[derive(Clone, Copy, Debug)]
pub struct SearchKeys {
    /// Whether this search is one that the configuration opens to everybody: an anchored prefix of
    /// at least six bytes where `allow_keysearch` is on.
    pub open: bool,
}

impl Action for SearchKeys {
    const DOOR: Door = Door::Conditional;
    const SCOPES: &'static [&'static str] = &["keymgmt:search", "keymgmt:list", "auth:ext:pair"];

    fn open_to_anyone(&self) -> bool {
        self.open
    }
}

/// Stop the device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shutdown;

impl Action for Shutdown {
    const ROLES: Roles = Roles::ALL;
    const SCOPES: &'static [&'static str] = &["system:shutdown", "system:config"];
}

/// Change what is written down about a key.
#[derive(Clone, Copy, Debug)]
pub struct UpdateKey(pub Kid);

impl Action for UpdateKey {
    const SCOPES: &'static [&'static str] = &["keymgmt:upd"];
}

/// Use one key.
#[derive(Clone, Copy, Debug)]
pub struct Use(pub Kid);

impl Action for Use {
    const SCOPES: &'static [&'static str] = &[USE];

    fn within(&self, scope: &Scope) -> bool {
        scope.uses(self.0)
    }

    fn needed(&self) -> String {
        format!("keymgmt:use:{}", self.0)
    }
}

/// Use a key of one's own. Only [`crate::Permit::own`] gives leave for it.
#[derive(Clone, Copy, Debug)]
pub struct UseOwn(pub(crate) Kid);

impl UseOwn {
    /// The key.
    pub fn kid(&self) -> Kid {
        self.0
    }
}

impl Action for UseOwn {
    // No scope allows it by itself.
    const SCOPES: &'static [&'static str] = &[];
}

/// Change the configuration.
#[derive(Clone, Copy, Debug)]
pub struct WriteConfig {
    /// Whether the device was never initialised: it has nobody to ask for a token then.
    pub fresh: bool,
}

impl Action for WriteConfig {
    const DOOR: Door = Door::Conditional;
    const ROLES: Roles = Roles::USER_AND_MASTER;
    const SCOPES: &'static [&'static str] = &["system:config"];

    fn open_to_anyone(&self) -> bool {
        self.fresh
    }
}

const USE: &str = "keymgmt:use:<KID>";

/// The actions on one key are made from its name.
macro_rules! on_a_key {
    ($($action:ident)*) => {$(
        impl From<Kid> for $action {
            fn from(kid: Kid) -> Self {
                Self(kid)
            }
        }
    )*};
}

on_a_key!(DeleteKey DeriveKey ReadKey UpdateKey Use);
