//! What is peculiar to a make of token: one TOML file each, in `profiles/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::key_type::{Family, KeyType};
use crate::oid::Oid;

/// A make of token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name in the configuration, such as `softhsm2`.
    pub name: String,
    /// The product, for people.
    pub title: String,
    /// Whether the test suite runs against it. The others follow their vendor's documentation.
    pub tested: bool,
    /// Where the PKCS#11 module may be; the first that exists is taken.
    pub modules: Vec<PathBuf>,
    /// What an operator should know.
    #[serde(default)]
    pub notes: String,
    /// Where it keeps its keys, as far as that is on this machine.
    #[serde(default)]
    pub store: StoreKind,
    /// How many sessions.
    pub sessions: Sessions,
    /// Where it departs from the standard.
    #[serde(default)]
    pub quirks: Quirks,
    /// What its module needs from the system.
    #[serde(default)]
    pub sandbox: Needs,
    /// Return values that mean something else here than usual, as `CKR_…` or as a hexadecimal
    /// number for a vendor's own.
    #[serde(default)]
    pub errors: BTreeMap<String, ErrorClass>,
    /// The types of which the token makes keys itself, and how. Each claim is tried at start and
    /// withdrawn where it does not hold. A type belongs here when the token does everything with its
    /// keys that the API asks for; the others are sealed.
    pub types: BTreeMap<KeyType, Making>,
}

/// Where a token keeps its keys.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// Not on this machine.
    #[default]
    Elsewhere,
    /// In SQLite files, named by the file that `KRYOPTIC_CONF` names.
    Kryoptic,
    /// In a directory, named by the file that `SOFTHSM2_CONF` names.
    Softhsm2,
}

impl StoreKind {
    /// The variable of the environment by which the module finds its configuration, and the name of
    /// the file that [`init_token`](crate::init_token) makes for it.
    pub const fn configuration(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Elsewhere => None,
            Self::Kryoptic => Some(("KRYOPTIC_CONF", "kryoptic.conf")),
            Self::Softhsm2 => Some(("SOFTHSM2_CONF", "softhsm2.conf")),
        }
    }
}

/// How many sessions, and with them threads, the worker keeps.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Where the configuration says nothing.
    pub default: usize,
    /// At most.
    pub max: usize,
}

/// Where a token departs from the standard, or leaves to choose what the standard leaves open.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// An agreed secret, which is read at once and destroyed, is derived with `CKA_PRIVATE` false:
    /// a token that encrypts private session objects in memory is spared that.
    pub derive_public_objects: bool,
    /// Private keys keep their handles over a logout.
    pub handles_survive_logout: bool,
    /// Under which name it wraps private keys as RFC 5649 says.
    pub key_wrap: KeyWrap,
    /// After the loss of its storage only `C_Finalize` and `C_Initialize` (a fresh worker) help.
    /// Workers are always replaced then; this says that waiting would be in vain.
    pub needs_reinit_after_storage_loss: bool,
    /// How a peer's public key goes into `C_DeriveKey`.
    pub peer_point: PointEncoding,
    /// The public object of a pair is a view of the private one, which can't be destroyed alone.
    pub public_is_a_view: bool,
    /// Two generations at once break each other.
    pub serialise_generation: bool,
    /// It does not sync its files to the disk, so that we have to.
    pub sync_store_after_generation: bool,
}

/// The names of RFC 5649 in PKCS#11.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum KeyWrap {
    /// `CKM_AES_KEY_WRAP_KWP` (PKCS#11 3.0)
    #[default]
    Kwp,
    /// `CKM_AES_KEY_WRAP_PAD` (PKCS#11 2.40)
    Pad,
}

/// How a point is written in a mechanism's parameters.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum PointEncoding {
    /// A DER `OCTET STRING` around the raw bytes.
    Der,
    /// SEC1 uncompressed, or RFC 7748.
    #[default]
    Raw,
}

/// What a module needs from the system, beyond libraries, `/etc` and its store.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Needs {
    /// Sockets: the token is on the network or behind a local service.
    pub network: bool,
    /// Paths to read.
    pub read: Vec<PathBuf>,
    /// Paths to write.
    pub write: Vec<PathBuf>,
}

/// How keys of a type are made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Making {
    /// The mechanism.
    pub mechanism: Maker,
    /// The curve, for `CKA_EC_PARAMS`.
    pub oid: Option<Oid>,
    /// The token makes such keys and does part of what the API asks of them: enough for the
    /// daemon's own key of this type, while those of callers are sealed.
    #[serde(default)]
    pub system_only: bool,
}

/// A generation mechanism.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Maker {
    /// `CKM_AES_KEY_GEN`
    Aes,
    /// `CKM_EC_KEY_PAIR_GEN`
    Ec,
    /// `CKM_EC_EDWARDS_KEY_PAIR_GEN`
    Edwards,
    /// `CKM_GENERIC_SECRET_KEY_GEN`
    GenericSecret,
    /// `CKM_ML_DSA_KEY_PAIR_GEN` (PKCS#11 3.2)
    MlDsa,
    /// `CKM_ML_KEM_KEY_PAIR_GEN` (PKCS#11 3.2)
    MlKem,
    /// `CKM_EC_MONTGOMERY_KEY_PAIR_GEN`
    Montgomery,
}

/// What a return value means, and so what is to be done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// The caller's arguments: answer so.
    Argument,
    /// The token or its module is gone: a fresh worker is needed.
    DeviceGone,
    /// Memory or sessions ran out: answer so and go on.
    Exhausted,
    /// An object handle is void: find the object again, retry.
    HandleInvalid,
    /// Log in once, retry.
    NotLoggedIn,
    /// The PIN is wrong or locked: stop, never try again by itself.
    PinRefused,
    /// The session is void: open another, retry.
    SessionGone,
    /// It may mean anything: the canary key decides.
    Unclear,
    /// The token has no such mechanism, curve or attribute.
    Unsupported,
}

impl Profile {
    /// The built-in profile of this name, or the profile in the file at this path (anything with a
    /// slash or ending in `.toml`).
    ///
    /// # Errors
    /// [`BadProfile`]
    pub fn load(name_or_path: &str) -> Result<Self, BadProfile> {
        if Self::is_path(name_or_path) {
            let text = fs::read_to_string(name_or_path)
                .map_err(|error| BadProfile::Unreadable(name_or_path.to_owned(), error))?;
            return Self::parse(name_or_path, &text);
        }
        let (_, text) = BUILT_IN
            .iter()
            .find(|(name, _)| *name == name_or_path)
            .ok_or_else(|| BadProfile::Unknown(name_or_path.to_owned()))?;
        Self::parse(name_or_path, text)
    }

    /// Whether this is the path of a file, not the name of a built-in profile.
    pub fn is_path(name_or_path: &str) -> bool {
        name_or_path.contains('/') || name_or_path.ends_with(".toml")
    }

    /// The names of the built-in profiles.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Whether the token claims to hold keys of callers of this type.
    pub(crate) fn claims(&self, kind: KeyType) -> bool {
        self.types.get(&kind).is_some_and(|making| !making.system_only)
    }

    /// The first module path that exists.
    pub fn module(&self) -> Option<&Path> {
        self.modules.iter().map(PathBuf::as_path).find(|path| path.exists())
    }

    fn parse(name: &str, text: &str) -> Result<Self, BadProfile> {
        let profile: Self = toml::from_str(text)
            .map_err(|error| BadProfile::Syntax(name.to_owned(), error.to_string()))?;
        match profile.objection() {
            None => Ok(profile),
            Some(objection) => Err(BadProfile::Senseless(name.to_owned(), objection)),
        }
    }

    /// What is wrong with it beyond its syntax.
    fn objection(&self) -> Option<String> {
        let Sessions { default, max } = self.sessions;
        if default == 0 || default > max {
            return Some(format!("sessions.default = {default} is not within 1 and {max}"));
        }
        if let Some(name) = self.errors.keys().find(|name| !crate::pkcs11::is_return_value(name)) {
            return Some(format!("errors.{name} is not the name of a return value"));
        }
        self.types.iter().find_map(|(kind, making)| making.objection(*kind))
    }
}

impl Making {
    fn objection(&self, kind: KeyType) -> Option<String> {
        let fits = match kind.family() {
            Family::Aes => self.mechanism == Maker::Aes,
            Family::Hmac => self.mechanism == Maker::GenericSecret,
            Family::Weierstrass => self.mechanism == Maker::Ec,
            Family::Edwards => self.mechanism == Maker::Edwards,
            Family::Montgomery => matches!(self.mechanism, Maker::Edwards | Maker::Montgomery),
            Family::MlDsa => self.mechanism == Maker::MlDsa,
            Family::MlKem => self.mechanism == Maker::MlKem,
        };
        if !fits {
            return Some(format!("types.{kind}: keys of it can't be made by this mechanism"));
        }
        let is_curve =
            matches!(kind.family(), Family::Edwards | Family::Montgomery | Family::Weierstrass);
        (is_curve != self.oid.is_some())
            .then(|| format!("types.{kind}: curves, and only curves, have an oid"))
    }
}

/// Not a profile.
#[derive(Debug, thiserror::Error)]
pub enum BadProfile {
    /// It says something that can't be.
    #[error("the profile {0} makes no sense: {1}")]
    Senseless(String, String),
    /// Not TOML, or with fields that don't exist.
    #[error("the profile {0} can't be understood: {1}")]
    Syntax(String, String),
    /// No built-in profile has this name.
    #[error(
        "no profile is called {0}: name a built-in one ({names}) or the path of a .toml file",
        names = Profile::built_in().collect::<Vec<_>>().join(", ")
    )]
    Unknown(String),
    /// The file can't be read.
    #[error("the profile {0} can't be read: {1}")]
    Unreadable(String, std::io::Error),
}

const BUILT_IN: [(&str, &str); 9] = [
    ("cloudhsm", include_str!("../profiles/cloudhsm.toml")),
    ("kryoptic", include_str!("../profiles/kryoptic.toml")),
    ("luna", include_str!("../profiles/luna.toml")),
    ("nitrokey-nethsm", include_str!("../profiles/nitrokey-nethsm.toml")),
    ("nshield", include_str!("../profiles/nshield.toml")),
    ("softhsm2", include_str!("../profiles/softhsm2.toml")),
    ("tpm2", include_str!("../profiles/tpm2.toml")),
    ("utimaco", include_str!("../profiles/utimaco.toml")),
    ("yubihsm2", include_str!("../profiles/yubihsm2.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_is_sound_and_carries_its_name() {
        for name in Profile::built_in() {
            let profile = Profile::load(name).unwrap();
            assert_eq!(profile.name, name);
            assert!(!profile.modules.is_empty() && !profile.notes.is_empty(), "{name}");
            assert_eq!(profile.tested, ["kryoptic", "softhsm2"].contains(&name), "{name}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        let text = BUILT_IN[5].1;
        for (from, to, reason) in [
            ("default = 2", "default = 17", "not within 1 and 16"),
            ("CKR_GENERAL_ERROR", "CKR_GENERAL_EROR", "not the name of a return value"),
            (
                "AES128 = { mechanism = \"aes\" }",
                "AES128 = { mechanism = \"ec\" }",
                "can't be made",
            ),
            ("store = ", "stor = ", "unknown field"),
            (", oid = \"1.3.132.0.34\"", "", "have an oid"),
            ("1.3.132.0.34", "1.3.x", "object identifier"),
        ] {
            let bad = text.replace(from, to);
            assert_ne!(bad, text);
            let error = Profile::parse("x", &bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let unknown = Profile::load("softhsm").unwrap_err().to_string();
        assert!(unknown.contains("softhsm:") && unknown.contains("kryoptic, luna"), "{unknown}");
        assert!(matches!(Profile::load("./none.toml"), Err(BadProfile::Unreadable(..))));
    }
}
