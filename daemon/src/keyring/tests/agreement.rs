//! Which keys may agree with which.

use hsm_profiles::{KeyType, SecretDigest, TokenFault, Usage};
use policies::{CreateKey, ImportKey, Kid, Use};

use super::super::token::faulty::public_key;
use super::super::{KeyFault, NewKey, Peer};
use super::{Bench, leave, new, public};

async fn agree(bench: &Bench, kid: Kid, peer: Peer) -> Result<Vec<u8>, KeyFault> {
    let secret = bench.keyring.agree(leave(Use(kid)), peer, Some(SecretDigest::Sha2_256)).await;
    secret.map(|secret| secret.expose().to_vec())
}

#[tokio::test]
async fn stored_raw_and_own_peers_lead_to_the_same_point() {
    let bench = Bench::new().await;
    let own = bench.create(KeyType::Secp256r1).await;
    let ask = public(KeyType::Secp256r1, 50);
    let raw = ask.public.clone();
    let stored = bench.keyring.import(leave(ImportKey), ask).await.unwrap();
    let by_raw = agree(&bench, own, Peer::Raw(raw.clone())).await.unwrap();
    let uncompressed = hsm_profiles::public_key::uncompress(KeyType::Secp256r1, &raw).unwrap();
    assert_eq!(agree(&bench, own, Peer::Raw(uncompressed)).await.unwrap(), by_raw);
    for _ in 0..2 {
        assert_eq!(agree(&bench, own, Peer::Stored(stored)).await.unwrap(), by_raw);
    }
    let with_self = agree(&bench, own, Peer::Stored(own)).await.unwrap();
    assert_ne!(with_self, by_raw);
    assert_eq!(bench.token.agreements(), 5);
}

#[tokio::test]
async fn whose_fault_it_is_is_said() {
    let bench = Bench::new().await;
    let own = bench.create(KeyType::Secp256r1).await;
    let montgomery = bench.create(KeyType::Curve25519).await;
    let symmetric = bench.create(KeyType::Aes256).await;
    let only_signs =
        NewKey { usage: Usage { agree: false, sign: true }, ..new(KeyType::Secp256r1) };
    let only_signs = bench.keyring.create(leave(CreateKey), only_signs).await.unwrap();
    let foreign = public(KeyType::Secp256r1, 60);
    let foreign = bench.keyring.import(leave(ImportKey), foreign).await.unwrap();
    let nobody = Kid::from_bytes([9; 16]);
    let good = Peer::Raw(public_key(KeyType::Secp256r1, 61));

    assert!(matches!(agree(&bench, nobody, good.clone()).await, Err(KeyFault::Absent)));
    for unsuitable in [symmetric, only_signs, foreign] {
        let tried = agree(&bench, unsuitable, good.clone()).await;
        assert!(matches!(tried, Err(KeyFault::Unsuitable(_))), "{unsuitable}");
    }
    let small_order = Peer::Raw(vec![0; 32]);
    let tried = agree(&bench, montgomery, small_order).await;
    assert!(matches!(tried, Err(KeyFault::BadPeer(_))));
    for bad in [
        Peer::Stored(nobody),
        Peer::Stored(montgomery),
        Peer::Stored(symmetric),
        Peer::Raw(vec![]),
        Peer::Raw([&[2], [0xff; 32].as_slice()].concat()),
        Peer::Raw(public_key(KeyType::Curve25519, 1)),
    ] {
        let tried = agree(&bench, own, bad.clone()).await;
        assert!(matches!(tried, Err(KeyFault::BadPeer(_))), "{bad:?}");
    }
    // Nothing of this has reached the token.
    assert_eq!(bench.token.agreements(), 0);
    bench.token.lose(own);
    let tried = agree(&bench, own, good).await;
    assert!(matches!(tried, Err(KeyFault::Token(TokenFault::KeyMissing))));
}
