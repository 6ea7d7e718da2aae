//! ML-KEM and ML-DSA by objects of the token, where it has them, against other code.

use aws_lc_rs::kem::{self, EncapsulationKey};
use hsm_profiles::{
    Answer, Family, Key, KeyType, Outcome, Seat, SecretBytes, Statement, Task, TokenFault, Usage,
    verify_ml_dsa,
};

use crate::client::tell;
use crate::employ::{ask, destroy, make};

/// Says so where the token has none.
pub(crate) fn resident_keys_work(seat: &mut Seat, native: &[KeyType]) {
    let is_post_quantum = |kind: &&KeyType| matches!(kind.family(), Family::MlDsa | Family::MlKem);
    let kinds: Vec<_> = native.iter().filter(is_post_quantum).collect();
    for (number, kind) in (80..).zip(&kinds) {
        let usage = Usage { agree: false, sign: kind.family() == Family::MlDsa };
        let (key, public) = make(seat, number, **kind, usage);
        match kind.family() {
            Family::MlKem => encapsulates(seat, &key, &public),
            _ => signs(seat, &key, &public),
        }
        destroy(seat, &key);
    }
    eprintln!("post-quantum keys in the token: {kinds:?}");
}

fn encapsulates(seat: &mut Seat, key: &Key, public: &[u8]) {
    let algorithm = match key.kind {
        KeyType::MlKem512 => &kem::ML_KEM_512,
        KeyType::MlKem768 => &kem::ML_KEM_768,
        _ => &kem::ML_KEM_1024,
    };
    let (ciphertext, secret) =
        EncapsulationKey::new(algorithm, public).unwrap().encapsulate().unwrap();
    assert_eq!(open(seat, key, ciphertext.as_ref()), secret.as_ref(), "{}", key.kind);
    let mut ours = || match ask(seat, key, None, Task::Encapsulate { public: public.to_vec() }) {
        Answer::Done(Outcome::Encapsulated { ciphertext, secret }) => (ciphertext, secret),
        other => panic!("{}", tell(&other)),
    };
    let ((ciphertext, secret), (another, _)) = (ours(), ours());
    assert_ne!(ciphertext, another, "each has a secret of its own");
    assert_eq!(open(seat, key, &ciphertext), secret.expose(), "{}", key.kind);
    let mut changed = ciphertext.clone();
    changed[0] ^= 1;
    assert_ne!(open(seat, key, &changed), secret.expose(), "rejected without a word");
    for bad in [&ciphertext[1..], &[]] {
        let fault = refused(ask(seat, key, None, Task::Decapsulate { ciphertext: bad.to_vec() }));
        assert!(matches!(fault, TokenFault::Argument(_)), "{fault}");
    }
    let statement = statement(b"");
    let fault = refused(ask(seat, key, None, Task::SignMlDsa(statement)));
    assert!(matches!(fault, TokenFault::Argument(_)), "{fault}");
}

fn signs(seat: &mut Seat, key: &Key, public: &[u8]) {
    for context in [&b""[..], b"context", &[7; 255]] {
        let mut sign = || match ask(seat, key, None, Task::SignMlDsa(statement(context))) {
            Answer::Public(signature) => signature,
            other => panic!("{}", tell(&other)),
        };
        let (one, two) = (sign(), sign());
        assert_ne!(one, two, "hedged");
        assert!(verify_ml_dsa(key.kind, public, &statement(context), &one));
        assert!(verify_ml_dsa(key.kind, public, &statement(context), &two));
        assert!(!verify_ml_dsa(key.kind, public, &statement(b"another"), &one));
    }
    let fault = refused(ask(seat, key, None, Task::Encapsulate { public: public.to_vec() }));
    assert!(matches!(fault, TokenFault::Argument(_)), "{fault}");
}

fn open(seat: &mut Seat, key: &Key, ciphertext: &[u8]) -> Vec<u8> {
    match ask(seat, key, None, Task::Decapsulate { ciphertext: ciphertext.to_vec() }) {
        Answer::Secret(secret) => secret.expose().to_vec(),
        other => panic!("{}", tell(&other)),
    }
}

fn statement(context: &[u8]) -> Statement {
    Statement { message: SecretBytes::new(vec![9; 2048]), context: context.to_vec() }
}

fn refused(answer: Answer) -> TokenFault {
    match answer {
        Answer::Failed(fault) => fault,
        other => panic!("{}", tell(&other)),
    }
}
