//! Errors of each class while a key is used.

use cryptoki_sys::*;
use serde_json::{Value, json};
use tests::curves::Curve;
use tests::fault::{Act, Fault, Faults};
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::user::{User, b64};

/// A key that is asked for something, and what has to come out.
struct Ask<'a> {
    user: User<'a>,
    path: &'static str,
    kind: &'static str,
    body: Value,
}

impl<'a> Ask<'a> {
    fn agreement(scene: &'a Scene) -> Self {
        let user = User::new(scene, "SECP256R1", None);
        let (peer, _) = user.peer(Curve::Secp256r1);
        Self {
            user,
            path: "/api/crypto/ecdh",
            kind: "CRYPTO_ECDH",
            body: json!({ "pubkey": peer }),
        }
    }

    fn mac(scene: &'a Scene) -> Self {
        let user = User::new(scene, "SHA2-256", None);
        let body = json!({ "msg": b64(b"message") });
        Self { user, path: "/api/crypto/hmac/hash", kind: "CRYPTO_HMAC_HASH", body }
    }

    /// By a key that the token seals: SoftHSM has no X448.
    fn sealed(scene: &'a Scene) -> Self {
        let user = User::new(scene, "CURVE448", None);
        let body = json!({ "pubkey": b64(&scene.public(&user.kid)) });
        Self { user, path: "/api/crypto/ecdh", kind: "CRYPTO_ECDH", body }
    }

    /// One call of `function` fails: this is answered, it stands in the log or not as the API wants
    /// it, and what is asked next works.
    fn expect(&mut self, faults: &Faults, function: &str, act: Act, status: u16) {
        let good = self.again();
        if function == "C_Sign" {
            faults.wait_for_silence();
        }
        self.user.log.news();
        let fault = Fault { first: 1, times: 1, act };
        let ask = || self.user.ask(self.path, self.body.clone());
        let (reply, failed) = faults.during(function, fault, ask);
        let what = format!("{function} {act:x?} {}", self.path);
        assert_eq!(failed, 1, "{what}: {reply:?}");
        assert_eq!(reply.status, status, "{what}: {reply:?}");
        let entries: Vec<_> = self.user.log.news();
        let expected = match status {
            200 => vec![(format!("{} OK", self.kind), self.user.kid.clone())],
            406 => vec![(format!("{} FAILED", self.kind), self.user.kid.clone())],
            _ => vec![],
        };
        let seen: Vec<_> = entries.iter().map(|entry| (entry.head(), entry.ext.clone())).collect();
        assert_eq!(seen, expected, "{what}");
        if status == 200 {
            assert_eq!(reply.json(), good, "{what}");
        }
        assert_eq!(self.again(), good, "{what}: afterwards");
    }

    /// Asks until it works. Where a worker has to be replaced, that takes a moment.
    fn again(&self) -> Value {
        until("the token works again", LONG, || {
            let reply = self.user.ask(self.path, self.body.clone());
            assert!(matches!(reply.status, 200 | 409), "{reply:?}");
            (reply.status == 200).then(|| reply.json())
        })
    }
}

/// What a single failure comes to.
const ONCE: [(CK_RV, u16); 20] = [
    (CKR_SESSION_HANDLE_INVALID, 200),
    (CKR_SESSION_CLOSED, 200),
    (CKR_OPERATION_ACTIVE, 200),
    (CKR_OPERATION_NOT_INITIALIZED, 200),
    (CKR_USER_NOT_LOGGED_IN, 200),
    (CKR_KEY_HANDLE_INVALID, 200),
    (CKR_OBJECT_HANDLE_INVALID, 200),
    (CKR_GENERAL_ERROR, 200),
    (CKR_FUNCTION_FAILED, 200),
    (CKR_VENDOR_DEFINED | 7, 200),
    (CKR_DEVICE_ERROR, 409),
    (CKR_DEVICE_REMOVED, 409),
    (CKR_TOKEN_NOT_PRESENT, 409),
    (CKR_CRYPTOKI_NOT_INITIALIZED, 409),
    (CKR_HOST_MEMORY, 409),
    (CKR_DEVICE_MEMORY, 409),
    (CKR_ARGUMENTS_BAD, 406),
    (CKR_MECHANISM_PARAM_INVALID, 406),
    (CKR_MECHANISM_INVALID, 406),
    (CKR_KEY_FUNCTION_NOT_PERMITTED, 406),
];

#[test]
fn agreements_are_healed_or_refused_by_the_class_of_the_error() {
    if !Faults::applies("agreements_are_healed_or_refused_by_the_class_of_the_error") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut ask = Ask::agreement(&scene);
    for function in ["C_DeriveKey", "C_GetAttributeValue"] {
        for (value, status) in ONCE {
            ask.expect(&faults, function, Act::Refuse(value), status);
        }
    }
    // What was derived is left behind: nobody waits for it, and it goes with its session.
    for (value, _) in ONCE {
        ask.expect(&faults, "C_DestroyObject", Act::Refuse(value), 200);
    }
    assert_eq!(faults.calls("C_Finalize"), 0, "workers end, they don't finish");
}

#[test]
fn macs_are_healed_or_refused_by_the_class_of_the_error() {
    if !Faults::applies("macs_are_healed_or_refused_by_the_class_of_the_error") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut ask = Ask::mac(&scene);
    for (value, status) in [
        (CKR_SESSION_HANDLE_INVALID, 200),
        (CKR_USER_NOT_LOGGED_IN, 200),
        (CKR_KEY_HANDLE_INVALID, 200),
        (CKR_GENERAL_ERROR, 200),
        (CKR_DEVICE_ERROR, 409),
        (CKR_HOST_MEMORY, 409),
        (CKR_ARGUMENTS_BAD, 406),
    ] {
        ask.expect(&faults, "C_Sign", Act::Refuse(value), status);
    }
}

/// The token opens a sealed key by a decryption. A failure of that must not pass for a key that was
/// tampered with.
#[test]
fn sealed_keys_are_healed_or_refused_by_the_class_of_the_error() {
    if !Faults::applies("sealed_keys_are_healed_or_refused_by_the_class_of_the_error") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut ask = Ask::sealed(&scene);
    for (value, status) in ONCE {
        // What the token does not like then is the blob, which is the device's and not the caller's.
        let is_argument = matches!(value, CKR_ARGUMENTS_BAD | CKR_MECHANISM_PARAM_INVALID);
        let status = if is_argument { 409 } else { status };
        ask.expect(&faults, "C_Decrypt", Act::Refuse(value), status);
    }
}

/// What is needed to mend a failure fails, too.
#[test]
fn a_failure_while_healing_is_the_tokens_fault_and_no_restart_is_needed() {
    if !Faults::applies("a_failure_while_healing_is_the_tokens_fault_and_no_restart_is_needed") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut ask = Ask::agreement(&scene);
    for (first, function, second, status) in [
        (CKR_SESSION_HANDLE_INVALID, "C_OpenSession", CKR_SESSION_COUNT, 409),
        (CKR_SESSION_HANDLE_INVALID, "C_OpenSession", CKR_HOST_MEMORY, 409),
        (CKR_SESSION_HANDLE_INVALID, "C_OpenSession", CKR_TOKEN_NOT_PRESENT, 409),
        (CKR_SESSION_HANDLE_INVALID, "C_OpenSession", CKR_GENERAL_ERROR, 409),
        (CKR_SESSION_HANDLE_INVALID, "C_GetSessionInfo", CKR_SESSION_CLOSED, 200),
        (CKR_KEY_HANDLE_INVALID, "C_FindObjects", CKR_SESSION_CLOSED, 409),
        (CKR_KEY_HANDLE_INVALID, "C_FindObjects", CKR_DEVICE_ERROR, 409),
        (CKR_KEY_HANDLE_INVALID, "C_FindObjectsInit", CKR_HOST_MEMORY, 409),
    ] {
        let fault = Fault::once(second);
        let good = ask.again();
        faults.fail("C_DeriveKey", Fault::once(first));
        ask.user.log.news();
        let (reply, failed) =
            faults.during(function, fault, || ask.user.ask(ask.path, ask.body.clone()));
        assert_eq!(failed, fault.times, "{function} {second:#x}: {reply:?}");
        assert_eq!(reply.status, status, "{function} {second:#x}: {reply:?}");
        let entries = if status == 200 { &["CRYPTO_ECDH OK"][..] } else { &[] };
        assert_eq!(ask.user.log.heads(), entries, "{function} {second:#x}");
        assert_eq!(ask.again(), good, "{function} {second:#x}");
    }
}

/// The second attempt fails like the first one.
#[test]
fn what_does_not_heal_is_told_by_its_class() {
    if !Faults::applies("what_does_not_heal_is_told_by_its_class") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut ask = Ask::agreement(&scene);
    for (value, status) in [
        (CKR_SESSION_HANDLE_INVALID, 409),
        (CKR_USER_NOT_LOGGED_IN, 409),
        (CKR_KEY_HANDLE_INVALID, 409),
        (CKR_GENERAL_ERROR, 406),
    ] {
        let good = ask.again();
        ask.user.log.news();
        let fault = Fault { first: 1, times: 2, act: Act::Refuse(value) };
        let (reply, failed) =
            faults.during("C_DeriveKey", fault, || ask.user.ask(ask.path, ask.body.clone()));
        assert_eq!((reply.status, failed), (status, 2), "{value:#x}: {reply:?}");
        let entries = if status == 406 { &["CRYPTO_ECDH FAILED"][..] } else { &[] };
        assert_eq!(ask.user.log.heads(), entries, "{value:#x}");
        assert_eq!(ask.again(), good, "{value:#x}");
    }
}
