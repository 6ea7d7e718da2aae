//! Keys of single owners: whose they are, and that nobody else comes by them.

use hsm_profiles::KeyType;
use policies::{DeleteKey, ExchangeKeys, ReadKey, Use};
use sqlx::Executor;

use super::super::{KeyFault, Purpose};
use super::{Bench, leave};

async fn made(bench: &Bench) -> (policies::Kid, Vec<u8>) {
    let leave = leave(ExchangeKeys);
    let key = bench.keyring.create_exchange(&leave, KeyType::MlKem768, 2).await.unwrap();
    (key.kid, key.public)
}

#[tokio::test]
async fn they_are_in_no_list_and_no_bare_name_finds_them() {
    let bench = Bench::new().await;
    let of_device = bench.create(KeyType::MlKem768).await;
    let (kid, public) = made(&bench).await;
    assert_eq!((bench.listed(), bench.keyring.count()), (vec![of_device], (2, 0)));
    assert!(matches!(bench.keyring.read(leave(ReadKey(kid))), Err(KeyFault::Absent)));
    let used = bench.keyring.decapsulate(leave(Use(kid)), vec![7]).await;
    assert!(matches!(used, Err(KeyFault::Absent)));
    let deleted = bench.keyring.delete(leave(DeleteKey(kid))).await;
    assert!(matches!(deleted, Err(KeyFault::Absent)));
    let bench = bench.restart().await;
    assert_eq!((bench.listed(), bench.recovery.missing.len()), (vec![of_device], 0));
    let own = bench.keyring.claim(&leave(ExchangeKeys), &public).unwrap();
    bench.keyring.decapsulate_own(own, vec![7]).await.unwrap();
    // A key of the device is nobody's own.
    let device = bench.keyring.read(leave(ReadKey(of_device))).unwrap().public.unwrap();
    assert!(bench.keyring.claim(&leave(ExchangeKeys), &device).is_err());
}

#[tokio::test]
async fn there_are_as_many_as_allowed_and_one_that_stands() {
    let bench = Bench::new().await;
    let leave = leave(ExchangeKeys);
    made(&bench).await;
    made(&bench).await;
    let third = bench.keyring.create_exchange(&leave, KeyType::MlKem512, 2).await;
    assert!(matches!(third, Err(KeyFault::Unsuitable(_))));
    let stands = async |bench: &Bench, purpose| {
        bench.keyring.standing(&leave, KeyType::MlDsa65, purpose).await.unwrap().kid
    };
    let first = stands(&bench, Purpose::Signature).await;
    assert_eq!(stands(&bench, Purpose::Signature).await, first);
    assert_ne!(stands(&bench, Purpose::Verification).await, first);
    let bench = bench.restart().await;
    assert_eq!(stands(&bench, Purpose::Signature).await, first);
}

#[tokio::test]
async fn keys_for_exchanges_end_and_no_others() {
    let bench = Bench::new().await;
    let of_device = bench.create(KeyType::MlKem768).await;
    let leave = leave(ExchangeKeys);
    let (kid, public) = made(&bench).await;
    let signs = bench.keyring.standing(&leave, KeyType::MlDsa65, Purpose::Signature).await.unwrap();
    assert_eq!(bench.keyring.outdated(0), []);
    assert_eq!(bench.keyring.outdated(u64::MAX), [kid]);
    bench.keyring.expire(kid).await.unwrap();
    assert!(bench.keyring.claim(&leave, &public).is_err());
    assert!(matches!(bench.keyring.expire(kid).await, Err(KeyFault::Absent)));
    assert!(matches!(bench.keyring.expire(of_device).await, Err(KeyFault::Absent)));
    let bench = bench.restart().await;
    assert_eq!((bench.keyring.outdated(u64::MAX), bench.listed()), (vec![], vec![of_device]));
    let again = bench.keyring.holding(&leave, KeyType::MlDsa65, Purpose::Signature).unwrap();
    assert_eq!(again.kid, signs.kid);
}

#[tokio::test]
async fn another_owner_in_the_file_damages_the_key() {
    for edit in [
        "UPDATE keys SET owner = 'M'",
        "UPDATE keys SET owner = NULL",
        "UPDATE keys SET owner = 'nobody'",
        "UPDATE keys SET label = 'signature'",
    ] {
        let bench = Bench::new().await;
        let (kid, public) = made(&bench).await;
        bench.store.raw().execute(edit).await.unwrap();
        let bench = bench.restart().await;
        assert_eq!(bench.recovery.damaged, [kid], "{edit}");
        assert!(bench.keyring.claim(&leave(ExchangeKeys), &public).is_err(), "{edit}");
        assert_eq!(bench.keyring.count(), (0, 1), "{edit}");
    }
    let bench = Bench::new().await;
    let kid = bench.create(KeyType::MlKem768).await;
    bench.store.raw().execute("UPDATE keys SET owner = 'U'").await.unwrap();
    assert_eq!(bench.restart().await.recovery.damaged, [kid]);
}
