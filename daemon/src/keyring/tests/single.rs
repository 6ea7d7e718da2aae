//! A key is there once, and what competes for it has one winner.

use hsm_profiles::{KeyType, Usage};
use policies::{ImportKey, Kid};
use tokio::task::JoinSet;

use super::super::token::faulty::public_key;
use super::super::{Adoptable, KeyFault};
use super::{Bench, delete, leave, public};

/// How many went through, and how many were told what `refusal` looks for.
async fn count(
    mut tries: JoinSet<Result<(), KeyFault>>,
    refusal: fn(&KeyFault) -> bool,
) -> (usize, usize) {
    let mut counts = (0, 0);
    while let Some(tried) = tries.join_next().await {
        match tried.unwrap() {
            Ok(()) => counts.0 += 1,
            Err(fault) if refusal(&fault) => counts.1 += 1,
            Err(fault) => panic!("{fault}"),
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_imports_one_succeeds() {
    let bench = Bench::new().await;
    let mut tries = JoinSet::new();
    for _ in 0..32 {
        let keyring = bench.keyring.clone();
        tries.spawn(async move {
            keyring.import(leave(ImportKey), public(KeyType::Ed25519, 1)).await.map(drop)
        });
    }
    assert_eq!(count(tries, |fault| matches!(fault, KeyFault::Duplicate)).await, (1, 31));
    assert_eq!(bench.listed().len(), 1);
    assert_eq!(bench.restart().await.listed().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_deletions_one_succeeds() {
    let bench = Bench::new().await;
    for kid in [bench.create(KeyType::Secp256r1).await, bench.import(1).await] {
        let mut tries = JoinSet::new();
        for _ in 0..32 {
            let keyring = bench.keyring.clone();
            tries.spawn(async move { keyring.delete(delete(kid)).await });
        }
        assert_eq!(count(tries, |fault| matches!(fault, KeyFault::Absent)).await, (1, 31));
    }
    bench.assert_whole("deletions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn imports_and_deletions_in_turn_end_alike_in_memory_and_on_disk() {
    let bench = Bench::new().await;
    let kid = Kid::of_public_key(&public_key(KeyType::Ed25519, 1));
    let mut tries = JoinSet::new();
    for round in 0..40 {
        let keyring = bench.keyring.clone();
        tries.spawn(async move {
            match round % 2 {
                0 => keyring.import(leave(ImportKey), public(KeyType::Ed25519, 1)).await.map(drop),
                _ => keyring.delete(delete(kid)).await,
            }
        });
    }
    let refused = |fault: &KeyFault| matches!(fault, KeyFault::Absent | KeyFault::Duplicate);
    let (done, refused) = count(tries, refused).await;
    assert_eq!(done + refused, 40);
    let listed = bench.listed();
    assert_eq!(listed.len(), done % 2);
    assert_eq!(bench.restart().await.listed(), listed);
}

#[tokio::test]
async fn a_key_that_was_made_here_is_not_imported_and_a_deleted_one_is() {
    let bench = Bench::new().await;
    let kid = bench.create(KeyType::Ed25519).await;
    // The token numbers its keys from 1.
    let ask = public(KeyType::Ed25519, 1);
    assert_eq!(kid, Kid::of_public_key(&ask.public));
    let again = bench.keyring.import(leave(ImportKey), ask.clone()).await;
    assert!(matches!(again, Err(KeyFault::Duplicate)));
    assert_eq!(bench.read_type(kid).0, "ATT,PKEY,ExDSA,ED25519");
    bench.keyring.delete(delete(kid)).await.unwrap();
    assert_eq!(bench.keyring.import(leave(ImportKey), ask).await.unwrap(), kid);
    assert_eq!(bench.read_type(kid).0, "ExDSA,ED25519");
}

#[tokio::test]
async fn a_creation_that_meets_its_kid_is_undone_and_the_old_key_stays() {
    let bench = Bench::new().await;
    let kid = bench.import(1).await;
    let made = bench.keyring.create(leave(policies::CreateKey), super::new(KeyType::Ed25519)).await;
    assert!(matches!(made, Err(KeyFault::Duplicate)));
    let bench = bench.restart().await;
    assert_eq!((bench.listed(), bench.token.kids()), (vec![kid], vec![]));
    assert_eq!(bench.intents().await, 0);
}

#[tokio::test]
async fn what_is_no_public_key_is_not_imported() {
    let bench = Bench::new().await;
    let good = public(KeyType::Secp256r1, 1);
    for raw in [vec![], vec![2; 32], [&[4], &good.public[1..]].concat(), vec![0xff; 33]] {
        let ask = super::super::NewPublic { public: raw, ..good.clone() };
        let tried = bench.keyring.import(leave(ImportKey), ask).await;
        assert!(matches!(tried, Err(KeyFault::BadPeer(_))));
    }
    let ask = super::super::NewPublic { kind: KeyType::Aes256, ..good };
    let tried = bench.keyring.import(leave(ImportKey), ask).await;
    assert!(matches!(tried, Err(KeyFault::BadPeer(_))));
    assert_eq!(bench.listed(), []);
}

#[tokio::test]
async fn only_what_the_token_has_is_adopted_and_once() {
    let bench = Bench::new().await;
    let candidate = Adoptable {
        kind: KeyType::Secp256r1,
        public: public_key(KeyType::Secp256r1, 77),
        usage: Usage { agree: true, sign: false },
        label: "from elsewhere".into(),
    };
    let kid = Kid::of_public_key(&candidate.public);
    let tried = bench.keyring.adopt(candidate.clone()).await;
    assert!(matches!(tried, Err(KeyFault::Unsuitable(_))));
    bench.token.put(kid);
    assert_eq!(bench.keyring.adopt(candidate.clone()).await.unwrap(), kid);
    assert!(matches!(bench.keyring.adopt(candidate).await, Err(KeyFault::Duplicate)));
    let bench = bench.restart().await;
    assert_eq!(bench.read_type(kid).0, "PKEY,ECDH,SECP256R1");
    assert!(bench.recovery.missing.is_empty());
    bench.keyring.delete(delete(kid)).await.unwrap();
    bench.assert_whole("adopted").await;
}
