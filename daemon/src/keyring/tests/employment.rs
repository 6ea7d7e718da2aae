//! Which keys do what: everything else is refused before it reaches the token.

use hsm_profiles::{
    Cipher, Ciphered, KeyType, Mode, RFC3394_INITIAL, Scheme, SecretBytes, SecretDigest, Statement,
    Usage, Width,
};
use policies::{CreateKey, ImportKey, Kid, Use};

use super::super::token::faulty::public_key;
use super::super::{KeyFault, NewKey, NewPublic, Peer, Sharing};
use super::{Bench, leave, new, public};

#[tokio::test]
async fn keys_are_refused_what_they_are_not_made_for() {
    let bench = Bench::new().await;
    let agrees = NewKey { usage: Usage { agree: true, sign: false }, ..new(KeyType::Secp256r1) };
    let agrees = bench.keyring.create(leave(CreateKey), agrees).await.unwrap();
    let imported =
        NewPublic { usage: Usage { agree: false, sign: true }, ..public(KeyType::Secp256r1, 70) };
    let imported = bench.keyring.import(leave(ImportKey), imported).await.unwrap();
    let aes = bench.create(KeyType::Aes128).await;
    let mac = bench.create(KeyType::Sha2_256).await;
    for kid in [agrees, imported, aes, mac] {
        for scheme in Scheme::ALL {
            let signed = bench.keyring.sign(leave(Use(kid)), scheme, statement()).await;
            assert!(matches!(signed, Err(KeyFault::Unsuitable(_))), "{kid} {scheme:?}");
        }
    }
    for kid in [agrees, imported, aes] {
        let made = bench.keyring.hmac(leave(Use(kid)), None, None, text()).await;
        assert!(matches!(made, Err(KeyFault::Unsuitable(_))), "{kid}");
    }
    for (kid, width) in [
        (agrees, Width::Aes128),
        (mac, Width::Aes256),
        (aes, Width::Aes192),
        (imported, Width::Aes128),
    ] {
        enciphers_nothing(&bench, kid, width).await;
    }
    assert_eq!(bench.token.employments(), 0);
    // And what fits goes there.
    let made = bench.keyring.hmac(leave(Use(mac)), None, None, text()).await;
    assert!(matches!(made, Err(KeyFault::Token(_))));
    assert_eq!(bench.token.employments(), 1);
}

#[tokio::test]
async fn peers_are_judged_before_the_token_sees_them() {
    let bench = Bench::new().await;
    let own = bench.create(KeyType::Secp256r1).await;
    let other = bench.create(KeyType::Curve25519).await;
    let aes = bench.create(KeyType::Aes128).await;
    let hmac = async |kid, peer, digest| {
        let sharing = Some(Sharing { peer, context: Vec::new() });
        bench.keyring.hmac(leave(Use(kid)), sharing, digest, text()).await
    };
    let digest = Some(SecretDigest::Sha3_512);
    for bad in [Peer::Stored(other), Peer::Stored(Kid::from_bytes([9; 16])), Peer::Raw(vec![5; 33])]
    {
        let made = hmac(own, bad.clone(), digest).await;
        assert!(matches!(made, Err(KeyFault::BadPeer(_))), "{bad:?}");
    }
    let good = Peer::Raw(public_key(KeyType::Secp256r1, 71));
    for (kid, digest) in [(own, None), (aes, digest)] {
        let made = hmac(kid, good.clone(), digest).await;
        assert!(matches!(made, Err(KeyFault::Unsuitable(_))), "{kid}");
    }
    assert_eq!(bench.token.employments(), 0);
    assert!(matches!(hmac(own, good, digest).await, Err(KeyFault::Token(_))));
    assert_eq!(bench.token.employments(), 1);
}

async fn enciphers_nothing(bench: &Bench, kid: Kid, width: Width) {
    let cipher = Cipher { mode: Mode::Gcm, width };
    let how = || (cipher, Vec::new());
    let wrapping = (width, RFC3394_INITIAL);
    let keyring = &bench.keyring;
    let may = || leave(Use(kid));
    let outcomes = [
        keyring.encrypt(may(), None, how(), text()).await.err(),
        keyring.decrypt(may(), None, how(), Ciphered::default()).await.err(),
        keyring.wrap(may(), None, wrapping, text()).await.err(),
        keyring.unwrap(may(), None, wrapping, vec![0; 24]).await.err(),
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Some(KeyFault::Unsuitable(_))), "{kid} {width:?} {outcome:?}");
    }
}

fn statement() -> Statement {
    Statement { message: text(), context: Vec::new() }
}

fn text() -> SecretBytes {
    SecretBytes::new(vec![1; 16])
}
