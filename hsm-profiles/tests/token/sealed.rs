//! Sealed keys: what the token can't hold.

use std::path::Path;

use aws_lc_rs::kem::{self, EncapsulationKey};
use aws_lc_rs::signature;
use hsm_profiles::{
    Answer, Family, Held, Key, KeyType, NewSealed, Object, Operation, Outcome, Scheme, SealedKey,
    SealedTask, SecretBytes, SecretDigest, Statement, Task, TokenFault, der, public_key, verify,
    verify_eddsa, verify_ml_dsa,
};
use policies::Kid;

use crate::client::{Worker, tell};
use crate::software::Peer;

pub(crate) fn all(pin_file: &Path) {
    let (mut worker, status) = Worker::ready(pin_file);
    assert!(status.has_kek);
    let expected: Vec<_> =
        KeyType::ALL.into_iter().filter(|kind| !status.native.contains(kind)).collect();
    assert_eq!(status.sealed, expected, "every type is served in one way or the other");
    let keys: Vec<_> = status.sealed.iter().map(|kind| Sealed::new(&mut worker, *kind)).collect();
    assert_eq!(objects(&mut worker), [], "nothing of them stays in the token");
    for key in &keys {
        key.does_its_work(&mut worker);
    }
    assert_eq!(worker.hang_up(), Some(0));
    let (mut worker, _) = Worker::ready(pin_file);
    for key in &keys {
        key.does_its_work(&mut worker);
        key.does_nothing_else(&mut worker);
        key.is_bound(&mut worker);
    }
    let agrees =
        |key: &&Sealed| matches!(key.key.kind.family(), Family::Montgomery | Family::Weierstrass);
    both_sides_agree(&mut worker, keys.iter().find(agrees).unwrap());
    some_types_are_not_sealed(&mut worker);
}

struct Sealed {
    kid: Kid,
    key: SealedKey,
    public: Option<Vec<u8>>,
}

impl Sealed {
    fn new(worker: &mut Worker, kind: KeyType) -> Self {
        let random = Kid::from_bytes([0x5a; 16]);
        let ask = Operation::GenerateSealed { kind, kid: random };
        let (one, two) = (made(worker, &ask), made(worker, &ask));
        assert_ne!(one.blob, two.blob, "{kind}");
        assert_eq!(one.public.is_some(), kind.is_asymmetric(), "{kind}");
        let kid = one.public.as_deref().map_or(random, Kid::of_public_key);
        if let Some(public) = &one.public {
            public_key::validate(kind, public).unwrap();
            assert_ne!(one.public, two.public, "{kind}");
        }
        Self { kid, key: SealedKey { kind, blob: one.blob }, public: one.public }
    }

    fn ask(&self, task: SealedTask) -> Operation {
        Operation::Sealed { kid: self.kid, key: self.key.clone(), task }
    }

    fn employ(&self, task: Task) -> Operation {
        let Self { kid, key: SealedKey { kind, blob }, .. } = self;
        let key = Key { kid: *kid, kind: *kind, held: Held::Sealed(blob.clone()) };
        Operation::Employ { key, counterpart: None, task }
    }

    fn does_its_work(&self, worker: &mut Worker) {
        match self.key.kind.family() {
            Family::Edwards => self.signs(worker),
            Family::Hmac => self.makes_macs(worker),
            Family::MlDsa => self.signs_ml_dsa(worker),
            Family::MlKem => self.encapsulates(worker),
            Family::Weierstrass => self.signs_ecdsa(worker),
            Family::Montgomery | Family::Aes => {}
        }
    }

    fn signs(&self, worker: &mut Worker) {
        let public = self.public.as_deref().unwrap();
        for scheme in Scheme::ALL.into_iter().filter(|scheme| scheme.suits(self.key.kind)) {
            let statement = statement();
            let message = statement.message.clone();
            let context = statement.context.clone();
            let signed = worker.public(&self.employ(Task::Sign { scheme, message, context }));
            assert!(verify_eddsa(scheme, public, &statement, &signed), "{scheme:?}");
            if scheme == Scheme::Ed25519 {
                let key = signature::UnparsedPublicKey::new(&signature::ED25519, public);
                key.verify(b"message", &signed).unwrap();
            }
        }
    }

    fn signs_ecdsa(&self, worker: &mut Worker) {
        let (kind, public) = (self.key.kind, self.public.as_deref().unwrap());
        for scheme in Scheme::ALL.into_iter().filter(|scheme| scheme.suits(kind)) {
            let statement = Statement { context: Vec::new(), ..statement() };
            let (message, context) = (statement.message.clone(), Vec::new());
            let raw = worker.public(&self.employ(Task::Sign { scheme, message, context }));
            let signed = der(kind, &raw).unwrap();
            assert!(verify(kind, public, scheme, &statement, &signed), "{kind} {scheme:?}");
        }
    }

    fn makes_macs(&self, worker: &mut Worker) {
        let digest = SecretDigest::of(self.key.kind).unwrap();
        let mut mac = |text: &[u8]| {
            let message = SecretBytes::new(text.to_vec());
            worker.secret(&self.employ(Task::Hmac { digest, message }))
        };
        let one = mac(b"one");
        assert_eq!((one.len(), mac(b"one")), (self.key.kind.length(), one.clone()));
        assert_ne!(mac(b"two"), one);
    }

    fn signs_ml_dsa(&self, worker: &mut Worker) {
        let public = self.public.as_deref().unwrap();
        let mut sign = || outcome(worker, &self.ask(SealedTask::SignMlDsa(statement())));
        let (Outcome::Public(one), Outcome::Public(two)) = (sign(), sign()) else {
            panic!("no signatures");
        };
        assert_ne!(one, two, "hedged");
        assert!(verify_ml_dsa(self.key.kind, public, &statement(), &one));
        assert!(verify_ml_dsa(self.key.kind, public, &statement(), &two));
        let other = Statement { context: Vec::new(), ..statement() };
        assert!(!verify_ml_dsa(self.key.kind, public, &other, &one));
    }

    fn encapsulates(&self, worker: &mut Worker) {
        let Outcome::Encapsulated { ciphertext, secret } =
            outcome(worker, &self.ask(SealedTask::Encapsulate))
        else {
            panic!("no ciphertext");
        };
        let mut open = |ciphertext: Vec<u8>| match outcome(
            worker,
            &self.ask(SealedTask::Decapsulate { ciphertext }),
        ) {
            Outcome::Secret(secret) => secret.expose().to_vec(),
            other => panic!("{other:?}"),
        };
        assert_eq!(open(ciphertext), secret.expose());
        // Another implementation encapsulates to it.
        let algorithm = match self.key.kind {
            KeyType::MlKem512 => &kem::ML_KEM_512,
            KeyType::MlKem768 => &kem::ML_KEM_768,
            _ => &kem::ML_KEM_1024,
        };
        let public = self.public.as_deref().unwrap();
        let key = EncapsulationKey::new(algorithm, public).unwrap();
        let (ciphertext, secret) = key.encapsulate().unwrap();
        assert_eq!(open(ciphertext.as_ref().to_vec()), secret.as_ref());
    }

    fn does_nothing_else(&self, worker: &mut Worker) {
        let kind = self.key.kind;
        for (family, task) in [
            (Family::Montgomery, SealedTask::Agree { peer: vec![9; 56], digest: None }),
            (Family::MlKem, SealedTask::Decapsulate { ciphertext: vec![9; 7] }),
            (Family::MlKem, SealedTask::Encapsulate),
            (Family::Hmac, SealedTask::Mac { message: SecretBytes::new(vec![1]) }),
            (Family::MlDsa, SealedTask::SignMlDsa(statement())),
            (
                Family::Edwards,
                SealedTask::Sign { scheme: another_scheme(kind), statement: statement() },
            ),
        ] {
            if kind.family() != family {
                let fault = worker.fault(&self.ask(task));
                assert!(matches!(fault, TokenFault::Argument(_)), "{kind}: {fault}");
            }
        }
        let message = SecretBytes::new(vec![1]);
        let digest = SecretDigest::Sha2_256;
        let fault = worker.fault(&self.employ(Task::Hmac { digest, message }));
        assert!(matches!(fault, TokenFault::Argument(_)), "{kind}: {fault}");
    }

    /// A blob that was changed, or belongs to another key or type, is not opened.
    fn is_bound(&self, worker: &mut Worker) {
        let kind = self.key.kind;
        let task = || match kind.family() {
            Family::Edwards => SealedTask::Sign {
                scheme: if kind == KeyType::Ed448 { Scheme::Ed448 } else { Scheme::Ed25519 },
                statement: statement(),
            },
            Family::Hmac => SealedTask::Mac { message: SecretBytes::new(vec![1]) },
            Family::MlDsa => SealedTask::SignMlDsa(statement()),
            Family::MlKem => SealedTask::Encapsulate,
            _ => SealedTask::Agree { peer: Peer::new(kind).public(), digest: None },
        };
        outcome(worker, &self.ask(task()));
        let blob = &self.key.blob;
        let mut changed: Vec<_> = [0, 1, 13, blob.len() / 2, blob.len() - 1]
            .into_iter()
            .map(|at| {
                let mut blob = blob.clone();
                blob[at] ^= 1;
                (self.kid, blob)
            })
            .collect();
        changed.push((self.kid, blob[1..].to_vec()));
        changed.push((self.kid, Vec::new()));
        changed.push((self.kid, [blob.as_slice(), &[0; 4096]].concat()));
        changed.push((Kid::from_bytes([3; 16]), blob.clone()));
        for (kid, blob) in changed {
            let key = SealedKey { kind, blob };
            let fault = worker.fault(&Operation::Sealed { kid, key, task: task() });
            assert_eq!(fault, TokenFault::Unsealable, "{kind}");
        }
        outcome(worker, &self.ask(task()));
    }
}

fn both_sides_agree(worker: &mut Worker, ours: &Sealed) {
    let kind = ours.key.kind;
    let theirs = Sealed::new(worker, kind);
    let point = |of: &Sealed| {
        let public = of.public.clone().unwrap();
        public_key::uncompress(kind, &public).unwrap_or(public)
    };
    let agree = |own: &Sealed, peer: &Sealed| {
        own.ask(SealedTask::Agree { peer: point(peer), digest: None })
    };
    let (Outcome::Secret(one), Outcome::Secret(two)) =
        (outcome(worker, &agree(ours, &theirs)), outcome(worker, &agree(&theirs, ours)))
    else {
        panic!("no secrets");
    };
    let length = if kind == KeyType::Curve448 { 56 } else { 32 };
    assert_eq!((one.expose(), one.expose().len()), (two.expose(), length));
    let peer = Peer::new(kind);
    let Outcome::Secret(secret) =
        outcome(worker, &ours.ask(SealedTask::Agree { peer: peer.public(), digest: None }))
    else {
        panic!("no secret");
    };
    assert_eq!(secret.expose(), peer.secret(ours.public.as_deref().unwrap()), "{kind}");
    let swapped = SealedKey { kind, blob: theirs.key.blob };
    let task = SealedTask::Agree { peer: point(ours), digest: None };
    let fault = worker.fault(&Operation::Sealed { kid: ours.kid, key: swapped, task });
    assert_eq!(fault, TokenFault::Unsealable, "a blob in the place of another of its type");
}

fn some_types_are_not_sealed(worker: &mut Worker) {
    let kid = Kid::from_bytes([1; 16]);
    let fault = worker.fault(&Operation::GenerateSealed { kind: KeyType::Aes256, kid });
    assert!(matches!(fault, TokenFault::Unsupported(_)), "{fault}");
    for kind in [KeyType::Curve25519, KeyType::Secp256r1, KeyType::Sha2_256] {
        let fault = worker.fault(&Operation::GenerateSealed { kind, kid });
        assert!(matches!(fault, TokenFault::Argument(_)), "the token has it itself: {fault}");
    }
}

/// One that keys of this type don't sign by.
fn another_scheme(kind: KeyType) -> Scheme {
    if kind.family() == Family::Weierstrass { Scheme::Ed25519 } else { Scheme::EcdsaSha256 }
}

fn statement() -> Statement {
    Statement { message: SecretBytes::new(b"message".to_vec()), context: b"context".to_vec() }
}

fn made(worker: &mut Worker, ask: &Operation) -> NewSealed {
    match worker.ask(ask) {
        Answer::Sealed(made) => made,
        other => panic!("{ask:?}: {}", tell(&other)),
    }
}

fn outcome(worker: &mut Worker, ask: &Operation) -> Outcome {
    match worker.ask(ask) {
        Answer::Done(outcome) => outcome,
        other => panic!("{ask:?}: {}", tell(&other)),
    }
}

fn objects(worker: &mut Worker) -> Vec<Object> {
    match worker.ask(&Operation::List) {
        Answer::Objects(objects) => objects,
        other => panic!("{}", tell(&other)),
    }
}
