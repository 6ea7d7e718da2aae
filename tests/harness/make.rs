//! Which make of token the tests run on: `CLAVIGER_TEST_PROFILE`, which `make test PROFILE=` sets.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A make of token that the suite runs on.
#[derive(Debug, Eq, PartialEq)]
pub struct Make {
    /// The name of its profile.
    pub profile: &'static str,
    /// The variable by which its module finds its configuration.
    pub variable: &'static str,
    /// The name of that file in the folder of a device.
    pub conf: &'static str,
    /// The types that it does not hold, so that keys of them are sealed.
    pub sealed: &'static [&'static str],
    /// One of them, which agrees.
    pub sealed_curve: &'static str,
    /// Where the module may be: the first that exists is taken.
    modules: &'static [&'static str],
    /// How to come by it.
    remedy: &'static str,
}

impl Make {
    /// The one that this run is on.
    ///
    /// # Panics
    /// Where the environment names another than these.
    pub fn current() -> &'static Self {
        let name = std::env::var("CLAVIGER_TEST_PROFILE");
        let name = name.as_deref().unwrap_or(SOFTHSM2.profile);
        let found = [&SOFTHSM2, &KRYOPTIC].into_iter().find(|make| make.profile == name);
        found.unwrap_or_else(|| panic!("the tests run on softhsm2 and kryoptic, not on {name}"))
    }

    /// The PKCS#11 module.
    ///
    /// # Panics
    /// Where there is none; says how to come by it.
    pub fn module(&self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut places = self.modules.iter().map(|path| root.join(path));
        places.find(|path| path.exists()).unwrap_or_else(|| panic!("{}", self.remedy))
    }

    /// Whether keys of this type are objects of the token.
    pub fn holds(&self, kind: &str) -> bool {
        !self.sealed.contains(&kind)
    }
}

/// Whether the run is on the one make that the test `name` is about. Elsewhere it says so where
/// nobody captures it, as a line that `.ci/run` counts.
pub fn only_on(make: &'static Make, name: &str, why: &str) -> bool {
    let current = Make::current();
    if current == make {
        return true;
    }
    let _ = writeln!(std::io::stderr(), "not applicable on {}: {name}: {why}", current.profile);
    false
}

/// SoftHSM 2, as Debian packages it.
pub static SOFTHSM2: Make = Make {
    profile: "softhsm2",
    variable: "SOFTHSM2_CONF",
    conf: "softhsm2.conf",
    sealed: &[
        "CURVE448",
        "ED25519",
        "ED448",
        "SHA3-256",
        "SHA3-384",
        "SHA3-512",
        "MLKEM512",
        "MLKEM768",
        "MLKEM1024",
        "MLDSA44",
        "MLDSA65",
        "MLDSA87",
    ],
    sealed_curve: "CURVE448",
    modules: &[
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ],
    remedy: "SoftHSM is not installed: install the package softhsm2",
};

/// The embedded token.
pub static KRYOPTIC: Make = Make {
    profile: "kryoptic",
    variable: "KRYOPTIC_CONF",
    conf: "kryoptic.conf",
    sealed: &["SECP256K1"],
    sealed_curve: "SECP256K1",
    modules: &["hsm-profiles/embedded-token/target/release/libclaviger_token.so"],
    remedy: "the embedded token is not built: `make token` builds it",
};
