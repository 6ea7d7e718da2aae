//! What keys of the token are asked to do, compared with other code than the token's. Symmetric keys
//! never leave the token, so keys that the test knows are put into it.

use std::path::Path;

use aws_lc_rs::hmac;
use cryptoki::context::Pkcs11;
use cryptoki::object::{Attribute, KeyType as Ckk, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use hsm_profiles::{
    Answer, Cipher, Ciphered, Counterpart, Creation, Held, Key, KeyType, Mode, Operation,
    RFC3394_INITIAL, Scheme, Seat, SecretBytes, SecretDigest, Statement, Task, Token, TokenFault,
    TokenOptions, Usage, Width, der, verify,
};
use policies::Kid;
use secrecy::SecretString;

use crate::client::{LABEL, tell};
use crate::software::Peer;
use crate::software_aes::{self, hkdf, open};

/// Runs in a process of its own, after the token was provisioned.
pub(crate) fn comes_out_right(pin_file: &Path) {
    let bench = Bench::new(pin_file);
    let mut seat = bench.token.seat().unwrap();
    for (kind, length) in [(KeyType::Aes128, 16), (KeyType::Aes192, 24), (KeyType::Aes256, 32)] {
        let (key, value) = bench.put(kind, Ckk::AES, length);
        ciphers_are_right(&mut seat, &key, &value);
        wrapping_is_right(&mut seat, &key, &value);
    }
    macs_are_right(&mut seat, &bench);
    let native = native(&mut seat);
    signatures_are_right(&mut seat, &native);
    edwards_signatures_are_right(&mut seat, &native);
    crate::post_quantum::resident_keys_work(&mut seat, &native);
    agreed_secrets_work(&mut seat);
    what_does_not_fit_is_refused(&mut seat, &bench);
}

/// A worker's token in this process, and a session that puts keys into it.
pub(crate) struct Bench {
    pub(crate) token: Token,
    pub(crate) session: Session,
}

impl Bench {
    pub(crate) fn new(pin_file: &Path) -> Self {
        let (profile, module) = (crate::profile(), crate::module());
        let pin = SecretString::from(std::fs::read_to_string(pin_file).unwrap().trim_end());
        let options = TokenOptions {
            profile,
            module: Some(module.clone()),
            label: LABEL.into(),
            sessions: Some(1),
        };
        let token = Token::open(options, pin.clone()).unwrap();
        let context = Pkcs11::new(module).unwrap();
        let slot = *context.get_slots_with_initialized_token().unwrap().first().unwrap();
        let session = context.open_rw_session(slot).unwrap();
        // The worker's login is that of the process.
        assert!(session.login(UserType::User, Some(&pin)).is_err());
        Self { token, session }
    }

    /// A key whose value is known.
    fn put(&self, kind: KeyType, ckk: Ckk, length: usize) -> (Key, Vec<u8>) {
        let mut value = vec![0; length];
        getrandom::fill(&mut value).unwrap();
        (self.put_value(kind, ckk, &value).0, value)
    }

    /// A key of this value, and its object.
    pub(crate) fn put_value(&self, kind: KeyType, ckk: Ckk, value: &[u8]) -> (Key, ObjectHandle) {
        let kid = random_kid();
        let does = ckk == Ckk::AES;
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(ckk),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Id(kid.as_bytes().to_vec()),
            Attribute::Value(value.to_vec()),
            Attribute::Encrypt(does),
            Attribute::Decrypt(does),
            Attribute::Sign(!does),
            Attribute::Verify(!does),
        ];
        let object = self.session.create_object(&template).unwrap();
        (Key { kid, kind, held: Held::Resident }, object)
    }
}

fn ciphers_are_right(seat: &mut Seat, key: &Key, value: &[u8]) {
    let width = Width::of(key.kind).unwrap();
    for mode in [Mode::Cbc, Mode::Ecb, Mode::Gcm] {
        let cipher = Cipher { mode, width };
        let lengths: &[usize] =
            if mode == Mode::Ecb { &[16, 48, 2048] } else { &[1, 16, 31, 2048] };
        for (length, aad) in lengths.iter().flat_map(|length| [(length, 0), (length, 64)]) {
            let (plain, aad) = (vec![7; *length], vec![9; aad]);
            let sealed = encrypt(seat, key, None, (cipher, &aad), &plain);
            let again = encrypt(seat, key, None, (cipher, &aad), &plain);
            assert_eq!(sealed.iv == again.iv, mode == Mode::Ecb, "nonces repeat");
            assert_eq!(open(cipher, value, &sealed, &aad), plain, "{cipher:?} {length}");
            assert_eq!(decrypt(seat, key, None, (cipher, &aad), &sealed).unwrap(), plain);
            if mode == Mode::Gcm {
                for forged in forgeries(&sealed) {
                    let fault = decrypt(seat, key, None, (cipher, &aad), &forged).unwrap_err();
                    assert!(
                        matches!(&fault, TokenFault::Argument(why) if why.contains("tag")),
                        "{fault}"
                    );
                }
                let fault = decrypt(seat, key, None, (cipher, b"another"), &sealed).unwrap_err();
                assert!(matches!(fault, TokenFault::Argument(_)), "{fault}");
            }
        }
    }
    // A last block that is no padding.
    let ecb = Cipher { mode: Mode::Ecb, width };
    let text = encrypt(seat, key, None, (ecb, &[]), &[0; 16]).text;
    let sealed = Ciphered { text, iv: vec![0; 16], tag: Vec::new() };
    let cbc = Cipher { mode: Mode::Cbc, width };
    let fault = decrypt(seat, key, None, (cbc, &[]), &sealed).unwrap_err();
    assert!(matches!(fault, TokenFault::Argument(_)), "{fault}");
}

fn wrapping_is_right(seat: &mut Seat, key: &Key, value: &[u8]) {
    let width = Width::of(key.kind).unwrap();
    for length in [16, 24, 32, 2048] {
        let plain: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let wrapped = wrap(seat, key, None, (width, RFC3394_INITIAL), &plain);
        assert_eq!(wrapped, software_aes::wrap(value, &plain), "{width:?} {length}");
        let unwrapped = unwrap(seat, key, None, (width, RFC3394_INITIAL), &wrapped).unwrap();
        assert_eq!(unwrapped, plain);
        let own = wrap(seat, key, None, (width, [1; 8]), &plain);
        assert_eq!(unwrap(seat, key, None, (width, [1; 8]), &own).unwrap(), plain);
        for (initial, text) in [(RFC3394_INITIAL, &own), ([1; 8], &wrapped)] {
            let fault = unwrap(seat, key, None, (width, initial), text).unwrap_err();
            assert!(matches!(fault, TokenFault::Argument(_)), "{fault}");
        }
    }
}

fn macs_are_right(seat: &mut Seat, bench: &Bench) {
    for (kind, algorithm, length) in [
        (KeyType::Sha2_256, hmac::HMAC_SHA256, 32),
        (KeyType::Sha2_384, hmac::HMAC_SHA384, 48),
        (KeyType::Sha2_512, hmac::HMAC_SHA512, 64),
    ] {
        let (key, value) = bench.put(kind, Ckk::GENERIC_SECRET, length);
        for text in [&b"x"[..], &[5; 2048]] {
            let digest = SecretDigest::of(kind).unwrap();
            let mac = secret(ask(seat, &key, None, task_mac(digest, text))).unwrap();
            let expected = hmac::sign(&hmac::Key::new(algorithm, &value), text);
            assert_eq!(mac, expected.as_ref(), "{kind}");
        }
    }
}

fn native(seat: &mut Seat) -> Vec<KeyType> {
    match seat.perform(&Operation::Status) {
        Answer::Status(status) => status.native,
        other => panic!("{}", tell(&other)),
    }
}

/// Pure, with a context, of a hash: what came is what was asked for.
fn edwards_signatures_are_right(seat: &mut Seat, native: &[KeyType]) {
    for (number, kind) in (70..).zip([KeyType::Ed25519, KeyType::Ed448]) {
        if !native.contains(&kind) {
            continue;
        }
        let (key, public) = make(seat, number, kind, Usage { agree: false, sign: true });
        for scheme in Scheme::ALL.into_iter().filter(|scheme| scheme.suits(kind)) {
            for context in [&b"c"[..], &[7; 255]] {
                let message = SecretBytes::new(vec![5; 2048]);
                let statement = Statement { message: message.clone(), context: context.to_vec() };
                let task = Task::Sign { scheme, message, context: context.to_vec() };
                let signature = match ask(seat, &key, None, task) {
                    Answer::Public(signature) => signature,
                    other => panic!("{scheme:?}: {}", tell(&other)),
                };
                for other in Scheme::ALL.into_iter().filter(|other| other.suits(kind)) {
                    let holds = verify(kind, &public, other, &statement, &signature);
                    assert_eq!(holds, other == scheme, "{scheme:?} as {other:?}");
                }
            }
        }
        destroy(seat, &key);
    }
}

fn signatures_are_right(seat: &mut Seat, native: &[KeyType]) {
    for (number, kind) in
        (50..).zip([KeyType::Secp256r1, KeyType::Secp384r1, KeyType::Secp521r1, KeyType::Secp256k1])
    {
        if !native.contains(&kind) {
            continue;
        }
        let (key, public) = make(seat, number, kind, Usage { agree: false, sign: true });
        for scheme in [Scheme::EcdsaSha256, Scheme::EcdsaSha384, Scheme::EcdsaSha512] {
            for round in 0..8 {
                let text = vec![round; 100];
                let statement =
                    Statement { message: SecretBytes::new(text.clone()), context: Vec::new() };
                let message = SecretBytes::new(text);
                let task = Task::Sign { scheme, message, context: Vec::new() };
                let raw = match ask(seat, &key, None, task) {
                    Answer::Public(raw) => raw,
                    other => panic!("{kind}: {}", tell(&other)),
                };
                let signature = der(kind, &raw).unwrap();
                assert!(verify(kind, &public, scheme, &statement, &signature), "{kind} {scheme:?}");
                for other in Scheme::ALL.into_iter().filter(|other| *other != scheme) {
                    assert!(!verify(kind, &public, other, &statement, &signature));
                }
            }
        }
        destroy(seat, &key);
    }
}

fn agreed_secrets_work(seat: &mut Seat) {
    let kind = KeyType::Secp384r1;
    let (key, public) = make(seat, 60, kind, Usage { agree: true, sign: false });
    let peer = Peer::new(kind);
    let shared = peer.secret(&public);
    let context = b"a context";
    let with = || Some(Counterpart { peer: peer.public(), context: context.to_vec() });
    for (digest, algorithm) in [
        (SecretDigest::Sha2_256, hmac::HMAC_SHA256),
        (SecretDigest::Sha2_384, hmac::HMAC_SHA384),
        (SecretDigest::Sha2_512, hmac::HMAC_SHA512),
    ] {
        let mac = secret(ask(seat, &key, with(), task_mac(digest, b"text"))).unwrap();
        let expected = hmac::sign(&hmac::Key::new(algorithm, &shared), b"text");
        assert_eq!(mac, expected.as_ref());
    }
    for width in [Width::Aes128, Width::Aes192, Width::Aes256] {
        let derived = hkdf(&shared, &[b"encedo-aes", context], width.bytes());
        for mode in [Mode::Cbc, Mode::Ecb, Mode::Gcm] {
            let cipher = Cipher { mode, width };
            let plain = [3; 64];
            let sealed = encrypt(seat, &key, with(), (cipher, b"aad"), &plain);
            assert_eq!(open(cipher, &derived, &sealed, b"aad"), plain, "{cipher:?}");
            assert_eq!(decrypt(seat, &key, with(), (cipher, b"aad"), &sealed).unwrap(), plain);
        }
        let kek = hkdf(&shared, &[b"encedo-kek", context], width.bytes());
        let wrapped = wrap(seat, &key, with(), (width, RFC3394_INITIAL), &[3; 32]);
        assert_eq!(wrapped, software_aes::wrap(&kek, &[3; 32]));
        let unwrapped = unwrap(seat, &key, with(), (width, RFC3394_INITIAL), &wrapped).unwrap();
        assert_eq!(unwrapped, [3; 32]);
    }
    destroy(seat, &key);
}

fn what_does_not_fit_is_refused(seat: &mut Seat, bench: &Bench) {
    let (aes, _) = bench.put(KeyType::Aes256, Ckk::AES, 32);
    let (mac, _) = bench.put(KeyType::Sha2_256, Ckk::GENERIC_SECRET, 32);
    let plain = || SecretBytes::new(vec![0; 16]);
    let narrow = Cipher { mode: Mode::Ecb, width: Width::Aes128 };
    let full = Cipher { mode: Mode::Ecb, width: Width::Aes256 };
    let sign = |scheme| Task::Sign { scheme, message: plain(), context: Vec::new() };
    for (key, task) in [
        (&aes, Task::Encrypt { cipher: narrow, aad: Vec::new(), plain: plain() }),
        (&aes, Task::Wrap { width: Width::Aes192, initial: [0; 8], plain: plain() }),
        (&aes, task_mac(SecretDigest::Sha2_256, b"x")),
        (&aes, sign(Scheme::EcdsaSha256)),
        (&mac, Task::Encrypt { cipher: full, aad: Vec::new(), plain: plain() }),
        (&mac, task_mac(SecretDigest::Sha2_512, b"x")),
    ] {
        match ask(seat, key, None, task) {
            Answer::Failed(TokenFault::Argument(_)) => {}
            other => panic!("{}", tell(&other)),
        }
    }
    let nobody = Key { kid: random_kid(), ..aes.clone() };
    let task = Task::Encrypt { cipher: full, aad: Vec::new(), plain: plain() };
    let lost = ask(seat, &nobody, None, task);
    assert!(matches!(lost, Answer::Failed(TokenFault::KeyMissing)), "{}", tell(&lost));
}

pub(crate) fn make(seat: &mut Seat, number: u8, kind: KeyType, usage: Usage) -> (Key, Vec<u8>) {
    let creation = Creation([number; 16]);
    match seat.perform(&Operation::GeneratePair { creation, kind, usage }) {
        Answer::Public(public) => {
            (Key { kid: Kid::of_public_key(&public), kind, held: Held::Resident }, public)
        }
        other => panic!("{kind}: {}", tell(&other)),
    }
}

pub(crate) fn destroy(seat: &mut Seat, key: &Key) {
    let gone = seat.perform(&Operation::Destroy { kid: key.kid });
    assert!(matches!(gone, Answer::Count(1)), "{}", tell(&gone));
}

pub(crate) fn random_kid() -> Kid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    Kid::from_bytes(bytes)
}

pub(crate) fn ask(
    seat: &mut Seat,
    key: &Key,
    counterpart: Option<Counterpart>,
    task: Task,
) -> Answer {
    seat.perform(&Operation::Employ { key: key.clone(), counterpart, task })
}

pub(crate) fn task_mac(digest: SecretDigest, text: &[u8]) -> Task {
    Task::Hmac { digest, message: SecretBytes::new(text.to_vec()) }
}

fn encrypt(
    seat: &mut Seat,
    key: &Key,
    with: Option<Counterpart>,
    (cipher, aad): (Cipher, &[u8]),
    plain: &[u8],
) -> Ciphered {
    let plain = SecretBytes::new(plain.to_vec());
    match ask(seat, key, with, Task::Encrypt { cipher, aad: aad.to_vec(), plain }) {
        Answer::Ciphered(sealed) => sealed,
        other => panic!("{cipher:?}: {}", tell(&other)),
    }
}

pub(crate) fn decrypt(
    seat: &mut Seat,
    key: &Key,
    with: Option<Counterpart>,
    (cipher, aad): (Cipher, &[u8]),
    sealed: &Ciphered,
) -> Result<Vec<u8>, TokenFault> {
    let (aad, sealed) = (aad.to_vec(), sealed.clone());
    secret(ask(seat, key, with, Task::Decrypt { cipher, aad, sealed }))
}

pub(crate) fn wrap(
    seat: &mut Seat,
    key: &Key,
    with: Option<Counterpart>,
    (width, initial): (Width, [u8; 8]),
    plain: &[u8],
) -> Vec<u8> {
    let plain = SecretBytes::new(plain.to_vec());
    match ask(seat, key, with, Task::Wrap { width, initial, plain }) {
        Answer::Public(wrapped) => wrapped,
        other => panic!("{}", tell(&other)),
    }
}

pub(crate) fn unwrap(
    seat: &mut Seat,
    key: &Key,
    with: Option<Counterpart>,
    (width, initial): (Width, [u8; 8]),
    wrapped: &[u8],
) -> Result<Vec<u8>, TokenFault> {
    let wrapped = wrapped.to_vec();
    secret(ask(seat, key, with, Task::Unwrap { width, initial, wrapped }))
}

pub(crate) fn secret(answer: Answer) -> Result<Vec<u8>, TokenFault> {
    match answer {
        Answer::Secret(bytes) => Ok(bytes.expose().to_vec()),
        Answer::Failed(fault) => Err(fault),
        other => panic!("{}", tell(&other)),
    }
}

fn forgeries(sealed: &Ciphered) -> [Ciphered; 3] {
    let mut forged = [(); 3].map(|()| sealed.clone());
    forged[0].text[0] ^= 1;
    forged[1].tag[15] ^= 1;
    forged[2].iv[0] ^= 1;
    forged
}
