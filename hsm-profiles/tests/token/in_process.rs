//! What happens inside of one process: lost logins, closed sessions, attributes, many threads.

use std::path::Path;
use std::thread;

use cryptoki::context::Pkcs11;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use hsm_profiles::{Answer, Creation, KeyType, Operation, Seat, Token, TokenOptions, Usage};
use policies::Kid;
use secrecy::SecretString;

use crate::client::{LABEL, agree, tell};
use crate::software::Peer;

/// Runs in a process of its own, after the token was provisioned.
pub(crate) fn heals_and_looks_right(pin_file: &Path) {
    let (profile, module) = (crate::profile(), crate::module());
    let pin = std::fs::read_to_string(pin_file).unwrap();
    let options = TokenOptions {
        profile,
        module: Some(module.clone()),
        label: LABEL.into(),
        sessions: Some(2),
    };
    let token = Token::open(options, SecretString::from(pin.trim_end())).unwrap();
    let mut seat = token.seat().unwrap();
    let meddler = Meddler::new(&module);

    let public = generate(&mut seat, 1, KeyType::Secp256r1);
    let kid = Kid::of_public_key(&public);
    let check = |seat: &mut Seat, when: &str| {
        let peer = Peer::new(KeyType::Secp256r1);
        match seat.perform(&agree(kid, KeyType::Secp256r1, &peer.public(), None)) {
            Answer::Secret(secret) => {
                assert_eq!(secret.expose(), peer.secret(&public), "{when}");
            }
            other => panic!("{when}: {}", tell(&other)),
        }
        let Answer::Status(status) = seat.perform(&Operation::Status) else { panic!("{when}") };
        let key = status.system.unwrap().logger;
        for operation in [
            Operation::Mac { message: b"record".to_vec() },
            Operation::SignLog { key, message: b"line".to_vec() },
        ] {
            let answer = seat.perform(&operation);
            assert!(matches!(answer, Answer::Public(_)), "{when}: {}", tell(&answer));
        }
    };
    check(&mut seat, "at first");
    meddler.log_out();
    check(&mut seat, "after a logout");
    meddler.close_all_sessions();
    check(&mut seat, "after all sessions were closed");
    meddler.log_out();
    assert!(matches!(
        seat.perform(&Operation::Provision),
        Answer::Status(status) if status.system.is_some()
    ));
    check(&mut seat, "after provisioning without a login");
    has_its_attributes(&meddler, kid);
    system_keys_have_theirs(&meddler);
    many_threads_at_once(&token);
}

/// Another user of the same module in the same process.
struct Meddler {
    context: Pkcs11,
    slot: Slot,
    #[expect(dead_code, reason = "keeps the module's code while raw calls are made")]
    module: cryptoki_sys::Pkcs11,
    close_all: unsafe extern "C" fn(cryptoki_sys::CK_SLOT_ID) -> cryptoki_sys::CK_RV,
}

impl Meddler {
    #[expect(unsafe_code, reason = "cryptoki has no C_CloseAllSessions")]
    fn new(path: &Path) -> Self {
        let context = Pkcs11::new(path).unwrap();
        let slot = *context.get_slots_with_initialized_token().unwrap().first().unwrap();
        // SAFETY: the module is loaded already, and its function list lives as long as it.
        let (module, close_all) = unsafe {
            let module = cryptoki_sys::Pkcs11::new(path).unwrap();
            let mut list = std::ptr::null_mut();
            assert_eq!(module.C_GetFunctionList(&raw mut list), 0);
            let close_all = (*list).C_CloseAllSessions.unwrap();
            (module, close_all)
        };
        Self { context, slot, module, close_all }
    }

    fn session(&self) -> Session {
        self.context.open_rw_session(self.slot).unwrap()
    }

    fn log_out(&self) {
        self.session().logout().unwrap();
    }

    #[expect(unsafe_code, reason = "cryptoki has no C_CloseAllSessions")]
    fn close_all_sessions(&self) {
        // SAFETY: takes a number.
        assert_eq!(unsafe { (self.close_all)(self.slot.id()) }, 0);
    }
}

fn has_its_attributes(meddler: &Meddler, kid: Kid) {
    let session = meddler.session();
    let objects = session.find_objects(&[Attribute::Id(kid.as_bytes().to_vec())]).unwrap();
    let [key] = objects.as_slice() else {
        panic!("one object, and no public one: {objects:?}");
    };
    let expected = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Label(Creation([1; 16]).label().into_bytes()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::AlwaysSensitive(true),
        Attribute::Extractable(false),
        Attribute::NeverExtractable(true),
        Attribute::Local(true),
        Attribute::Derive(true),
        Attribute::Sign(false),
        Attribute::SignRecover(false),
        Attribute::Decrypt(false),
        Attribute::Unwrap(false),
    ];
    let types: Vec<_> = expected.iter().map(Attribute::attribute_type).collect();
    assert_eq!(session.get_attributes(*key, &types).unwrap(), expected);
    let value = session.get_attributes(*key, &[AttributeType::Value]);
    assert!(value.is_ok_and(|found| found.is_empty()), "the private value can't be read");
}

fn system_keys_have_theirs(meddler: &Meddler) {
    let session = meddler.session();
    for (id, class, uses) in [
        (
            "claviger-system:identity",
            ObjectClass::PRIVATE_KEY,
            vec![Attribute::Derive(true), Attribute::Sign(false)],
        ),
        (
            "claviger-system:logger",
            ObjectClass::PRIVATE_KEY,
            vec![Attribute::Derive(false), Attribute::Sign(true)],
        ),
        (
            "claviger-system:attestation",
            ObjectClass::PRIVATE_KEY,
            vec![Attribute::Derive(false), Attribute::Sign(true)],
        ),
        (
            "claviger-system:record-mac",
            ObjectClass::SECRET_KEY,
            vec![Attribute::Sign(true), Attribute::Verify(false), Attribute::Decrypt(false)],
        ),
        (
            "claviger-system:kek",
            ObjectClass::SECRET_KEY,
            vec![
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::NeverExtractable(true),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
                Attribute::Wrap(false),
                Attribute::Unwrap(false),
                Attribute::Derive(false),
                Attribute::Sign(false),
            ],
        ),
    ] {
        let wanted = [Attribute::Id(id.into()), Attribute::Class(class)];
        let found = session.find_objects(&wanted).unwrap();
        assert_eq!(found.len(), 1, "{id}");
        let types: Vec<_> = uses.iter().map(Attribute::attribute_type).collect();
        assert_eq!(session.get_attributes(found[0], &types).unwrap(), uses, "{id}");
    }
}

/// Keys are made and lost while others are used.
fn many_threads_at_once(token: &Token) {
    thread::scope(|scope| {
        for number in 0..3_u8 {
            let mut seat = token.seat().unwrap();
            scope.spawn(move || {
                for round in 0..12 {
                    let public = generate(&mut seat, 100 + 20 * number + round, KeyType::Secp256r1);
                    let kid = Kid::of_public_key(&public);
                    for _ in 0..20 {
                        let peer = Peer::new(KeyType::Secp256r1);
                        let ask = agree(kid, KeyType::Secp256r1, &peer.public(), None);
                        match seat.perform(&ask) {
                            Answer::Secret(secret) => {
                                assert_eq!(secret.expose(), peer.secret(&public));
                            }
                            other => panic!("{}", tell(&other)),
                        }
                    }
                    let gone = seat.perform(&Operation::Destroy { kid });
                    assert!(matches!(gone, Answer::Count(1)), "{}", tell(&gone));
                }
            });
        }
    });
}

fn generate(seat: &mut Seat, number: u8, kind: KeyType) -> Vec<u8> {
    let usage = Usage { agree: true, sign: false };
    let creation = Creation([number; 16]);
    match seat.perform(&Operation::GeneratePair { creation, kind, usage }) {
        Answer::Public(public) => public,
        other => panic!("{}", tell(&other)),
    }
}
