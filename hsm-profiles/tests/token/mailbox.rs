//! Mailboxes: pairs that live outside of the token, wrapped by it.

use std::path::Path;

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey};
use aws_lc_rs::rsa::{PublicEncryptingKey, PublicKeyComponents};
use hsm_profiles::{Answer, Letter, Mailbox, MailboxKey, Operation, TokenFault};

use crate::client::{Worker, tell};

/// Letters of both kinds are opened, bad ones as if they were good, and nothing stays in the token.
pub(crate) fn all(pin_file: &Path) {
    let (mut worker, _) = Worker::ready(pin_file);
    let before = objects(&mut worker);
    let make = Operation::Mailbox(Mailbox::Make { bits: 2048 });
    assert!(matches!(worker.fault(&make), TokenFault::Unsealable), "no wrapping key yet");
    for made in [1, 0] {
        let ready = worker.ask(&Operation::Mailbox(Mailbox::Ready));
        assert!(matches!(ready, Answer::Count(count) if count == made));
    }
    let key = match worker.ask(&make) {
        Answer::Mailbox(key) => key,
        other => panic!("{}", tell(&other)),
    };
    assert_eq!(key.modulus.len(), 256);
    // Another worker of the same token opens it: nothing of it depends on a session.
    assert_eq!(worker.hang_up(), Some(0));
    let (mut worker, _) = Worker::ready(pin_file);
    opens(&mut worker, &key);
    let mut changed = key;
    changed.wrapped[20] ^= 1;
    let open = Operation::Mailbox(Mailbox::Open { key: changed, letters: vec![] });
    let fault = worker.fault(&open);
    assert!(matches!(fault, TokenFault::Unsealable), "{fault}");
    assert_eq!(objects(&mut worker), before);
    assert_eq!(worker.hang_up(), Some(0));
}

fn opens(worker: &mut Worker, key: &MailboxKey) {
    let secret = [7; 32];
    let text: Vec<u8> = (0..=255).cycle().take(700).collect();
    let public = public(key);
    let encrypt = |padding, part: &[u8]| {
        let mut block = vec![0; 256];
        public.encrypt(padding, part, &mut block, None).unwrap();
        block
    };
    let block = encrypt(&OAEP_SHA256_MGF1SHA256, &secret);
    let chunks: Vec<_> =
        text.chunks(256 - 42).map(|part| encrypt(&OAEP_SHA1_MGF1SHA1, part)).collect();
    let mut broken = block.clone();
    broken[9] ^= 1;
    let short = encrypt(&OAEP_SHA256_MGF1SHA256, &secret[1..]);
    let mut letters = vec![
        Letter::Key(block),
        Letter::Key(broken),
        Letter::Key(short),
        Letter::Key(vec![0xff; 256]),
        Letter::Key(vec![0; 256]),
        Letter::Key(vec![]),
        Letter::Chunk(vec![1; 256]),
    ];
    let good = letters.len();
    letters.extend(chunks.into_iter().map(Letter::Chunk));
    let open = Operation::Mailbox(Mailbox::Open { key: key.clone(), letters: letters.clone() });
    let found = match worker.ask(&open) {
        Answer::Letters(found) => found,
        other => panic!("{}", tell(&other)),
    };
    assert_eq!(found.len(), letters.len());
    let found: Vec<_> = found.iter().map(|letter| letter.expose()).collect();
    assert_eq!(found[0], secret);
    let bad = &found[1..6];
    assert!(bad.iter().all(|bad| bad.len() == 32 && *bad != secret));
    assert!(found[6].len() > 256 - 42, "longer than any part of a text");
    assert_eq!(found[good..].concat(), text);
}

fn public(key: &MailboxKey) -> OaepPublicEncryptingKey {
    let components = PublicKeyComponents { n: &key.modulus[..], e: &[1, 0, 1][..] };
    let public: PublicEncryptingKey = components.try_into().unwrap();
    OaepPublicEncryptingKey::new(public).unwrap()
}

fn objects(worker: &mut Worker) -> Vec<hsm_profiles::Object> {
    match worker.ask(&Operation::List) {
        Answer::Objects(objects) => objects,
        other => panic!("{}", tell(&other)),
    }
}
