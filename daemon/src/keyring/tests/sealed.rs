//! Sealed keys: their blobs live in the records, and nowhere else.

use hsm_profiles::KeyType;
use policies::{CreateKey, Kid, Use};
use sqlx::Executor;

use super::super::KeyFault;
use super::super::token::faulty::Mishap;
use super::{Bench, delete, leave, new};

#[tokio::test]
async fn a_sealed_key_lives_in_its_record_alone_and_survives_a_restart() {
    let bench = Bench::new().await;
    let kid = bench.create(KeyType::MlKem768).await;
    assert_eq!(bench.token.kids(), []);
    assert_eq!(bench.intents().await, 0);
    let bench = bench.restart().await;
    assert_eq!((bench.listed(), bench.recovery.missing.len()), (vec![kid], 0));
    assert_eq!(bench.read_type(kid), ("ATT,PKEY,PQC,MLKEM768".into(), "MLKEM768".into()));
    let (kind, secret) = bench.keyring.decapsulate(leave(Use(kid)), vec![7]).await.unwrap();
    assert_eq!((kind, secret.expose()), (KeyType::MlKem768, blob_of(kid).as_slice()));
}

#[tokio::test]
async fn a_deleted_sealed_key_is_gone_from_every_file() {
    let bench = Bench::new().await;
    let (kid, kept) =
        (bench.create(KeyType::MlKem768).await, bench.create(KeyType::MlKem512).await);
    assert!(is_in_a_file(&bench, &blob_of(kid)));
    bench.keyring.delete(delete(kid)).await.unwrap();
    assert_eq!(bench.listed(), [kept]);
    assert!(!is_in_a_file(&bench, &blob_of(kid)));
    assert!(is_in_a_file(&bench, &blob_of(kept)));
    assert!(matches!(bench.keyring.delete(delete(kid)).await, Err(KeyFault::Absent)));
}

#[tokio::test]
async fn an_edited_or_exchanged_blob_damages_the_key() {
    for edit in [
        "UPDATE keys SET sealed = x'00'",
        "UPDATE keys SET sealed = NULL",
        "UPDATE keys SET backing = 'resident'",
        "UPDATE keys SET backing = 'resident', sealed = NULL",
        "UPDATE keys SET backing = 'public', sealed = NULL",
        "UPDATE keys SET sealed = (SELECT sealed FROM keys AS other WHERE other.kid <> keys.kid)",
    ] {
        let bench = Bench::new().await;
        let kids = [bench.create(KeyType::MlKem768).await, bench.create(KeyType::MlKem768).await];
        bench.store.raw().execute(edit).await.unwrap();
        let bench = bench.restart().await;
        // The row that is exchanged second gets its own blob back.
        let intact = usize::from(edit.contains("SELECT"));
        assert_eq!(bench.recovery.damaged.len() + intact, kids.len(), "{edit}");
        for kid in bench.recovery.damaged.iter().copied() {
            let used = bench.keyring.encapsulate(leave(Use(kid))).await;
            assert!(matches!(used, Err(KeyFault::Damaged)), "{edit}");
        }
        assert_eq!(bench.token.employments(), 0, "{edit}");
    }
}

#[tokio::test]
async fn a_blob_where_none_belongs_damages_the_key() {
    let bench = Bench::new().await;
    let kid = bench.create(KeyType::Secp256r1).await;
    bench.store.raw().execute("UPDATE keys SET sealed = x'00'").await.unwrap();
    assert_eq!(bench.restart().await.recovery.damaged, [kid]);
}

#[tokio::test]
async fn a_creation_that_breaks_off_leaves_nothing() {
    for mishap in [Mishap::Busy, Mishap::UnknownBefore, Mishap::UnknownAfter] {
        let bench = Bench::new().await;
        bench.token.suffer(mishap);
        let made = bench.keyring.create(leave(CreateKey), new(KeyType::MlKem768)).await;
        assert!(matches!(made, Err(KeyFault::Token(_))), "{mishap:?}");
        bench.assert_whole(&format!("{mishap:?}")).await;
    }
}

#[tokio::test]
async fn a_type_that_nobody_serves_is_refused() {
    let bench = Bench::new().await;
    let made = bench.keyring.create(leave(CreateKey), new(KeyType::Ed448)).await;
    assert!(matches!(made, Err(KeyFault::Unsuitable(_))));
    bench.assert_whole("not served").await;
}

#[tokio::test]
async fn without_the_key_that_opens_them_they_are_missing_and_kept() {
    let bench = Bench::new().await;
    let sealed = bench.create(KeyType::MlKem768).await;
    let resident = bench.create(KeyType::Secp256r1).await;
    let Bench { directory, token, store, keyring, .. } = bench;
    drop(keyring);
    store.close().await;
    let token = token.restarted();
    token.lose_kek();
    let bench = Bench::open(directory, token).await;
    assert_eq!(bench.recovery.missing, [sealed]);
    assert_eq!(bench.listed(), [sealed, resident]);
}

#[tokio::test]
async fn other_keys_do_not_do_what_sealed_ones_do() {
    let bench = Bench::new().await;
    let (resident, public) = (bench.create(KeyType::Secp256r1).await, bench.import(1).await);
    for kid in [resident, public] {
        let used = bench.keyring.encapsulate(leave(Use(kid))).await;
        assert!(matches!(used, Err(KeyFault::Unsuitable(_))));
    }
    let absent = bench.keyring.encapsulate(leave(Use(Kid::from_bytes([0; 16])))).await;
    assert!(matches!(absent, Err(KeyFault::Absent)));
}

/// What the token of the tests seals a key in.
fn blob_of(kid: Kid) -> Vec<u8> {
    [b"a blob of ".as_slice(), kid.as_bytes()].concat()
}

fn is_in_a_file(bench: &Bench, bytes: &[u8]) -> bool {
    std::fs::read_dir(bench.directory.path()).unwrap().any(|entry| {
        let content = std::fs::read(entry.unwrap().path()).unwrap();
        content.windows(bytes.len()).any(|part| part == bytes)
    })
}
