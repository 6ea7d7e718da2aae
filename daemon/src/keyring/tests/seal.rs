//! Rows that were changed outside the daemon.

use hsm_profiles::KeyType;
use policies::{DeleteKey, Kid, ReadKey, UpdateKey, Use};
use sqlx::Executor;

use super::super::token::faulty::Faulty;
use super::super::{KeyFault, Peer};
use super::{Bench, delete, leave};

/// An edit of every column of the only row.
const EDITS: [&str; 19] = [
    "UPDATE keys SET kid = x'000102030405060708090a0b0c0d0e0f'",
    "UPDATE keys SET version = version + 1",
    "UPDATE keys SET version = -1",
    "UPDATE keys SET sequence = sequence + 1",
    "UPDATE keys SET type = 'SECP256K1'",
    "UPDATE keys SET type = 'RSA2048'",
    "UPDATE keys SET attested = 0",
    "UPDATE keys SET private = 0",
    "UPDATE keys SET agree = 0",
    "UPDATE keys SET agree = 2",
    "UPDATE keys SET sign = 0",
    "UPDATE keys SET label = 'another'",
    "UPDATE keys SET descr = x''",
    "UPDATE keys SET created = created - 1",
    "UPDATE keys SET updated = updated + 1",
    "UPDATE keys SET public = NULL",
    "UPDATE keys SET backing = 'public'",
    "UPDATE keys SET creation = NULL",
    "UPDATE keys SET mac = zeroblob(32)",
];

#[tokio::test]
async fn an_edit_of_any_column_damages_the_key() {
    for edit in EDITS {
        let bench = Bench::new().await;
        bench.create(KeyType::Secp256r1).await;
        bench.store.raw().execute(edit).await.unwrap();
        let bench = bench.restart().await;
        let [kid] = bench.recovery.damaged[..] else { panic!("{edit}") };
        assert_eq!(bench.listed(), [], "{edit}");
        assert!(matches!(bench.keyring.read(leave(ReadKey(kid))), Err(KeyFault::Damaged)));
        let peer = Peer::Stored(kid);
        let used = bench.keyring.agree(leave(Use(kid)), peer, None).await;
        assert!(matches!(used, Err(KeyFault::Damaged)), "{edit}");
        let deleted = bench.keyring.delete(leave(DeleteKey(kid))).await;
        assert!(matches!(deleted, Err(KeyFault::Damaged)), "{edit}");
        let updated = bench.keyring.update(leave(UpdateKey(kid)), String::new(), vec![]).await;
        assert!(matches!(updated, Err(KeyFault::Damaged)), "{edit}");
        assert_eq!(bench.token.kids().len(), 1, "{edit}");
    }
}

#[tokio::test]
async fn rows_do_not_stand_in_for_each_other() {
    let bench = Bench::new().await;
    let (one, two) = (bench.import(1).await, bench.import(2).await);
    // All of the second row's content, seal included, under the first one's name.
    let swap = "UPDATE keys SET (version, label, created, updated, public, mac) = \
        (SELECT version, label, created, updated, public, mac FROM keys WHERE kid = $1) \
        WHERE kid = $2";
    sqlx::query(swap)
        .bind(two.as_bytes().as_slice())
        .bind(one.as_bytes().as_slice())
        .execute(bench.store.raw())
        .await
        .unwrap();
    let bench = bench.restart().await;
    assert_eq!(bench.recovery.damaged, [one]);
    assert_eq!(bench.listed(), [two]);
}

#[tokio::test]
async fn a_mix_of_two_versions_is_noticed() {
    let bench = Bench::new().await;
    let kid = bench.import(1).await;
    let old: Vec<u8> =
        sqlx::query_scalar("SELECT mac FROM keys").fetch_one(bench.store.raw()).await.unwrap();
    bench.keyring.update(leave(UpdateKey(kid)), "new".into(), vec![]).await.unwrap();
    // The old seal with the new version: the version is a part of what is sealed.
    sqlx::query("UPDATE keys SET label = 'number 1', mac = $1")
        .bind(old)
        .execute(bench.store.raw())
        .await
        .unwrap();
    assert_eq!(bench.restart().await.recovery.damaged, [kid]);
}

#[tokio::test]
async fn another_token_finds_every_record_damaged() {
    let bench = Bench::new().await;
    let kid = bench.import(1).await;
    bench.store.close().await;
    let bench = Bench::open(bench.directory, Faulty::with_mac_key([1; 32])).await;
    assert_eq!(bench.recovery.damaged, [kid]);
}

#[tokio::test]
async fn a_forged_intent_destroys_nothing() {
    let bench = Bench::new().await;
    let kid = bench.create(KeyType::Secp256r1).await;
    sqlx::query(
        "INSERT INTO intents (id, kind, kid, subject, started, mac) \
         VALUES (zeroblob(16), 'delete', $1, 'U', 1, zeroblob(32))",
    )
    .bind(kid.as_bytes().as_slice())
    .execute(bench.store.raw())
    .await
    .unwrap();
    let bench = bench.restart().await;
    assert_eq!(bench.recovery.forged_intents, 1);
    assert_eq!((bench.listed(), bench.token.kids()), (vec![kid], vec![kid]));
}

#[tokio::test]
async fn an_edit_under_the_running_daemon_is_noticed_with_the_next_change() {
    let bench = Bench::new().await;
    let kid = bench.import(1).await;
    bench.store.raw().execute("UPDATE keys SET version = 7").await.unwrap();
    let updated = bench.keyring.update(leave(UpdateKey(kid)), "new".into(), vec![]).await;
    assert!(matches!(updated, Err(KeyFault::Damaged)));
    assert!(matches!(bench.keyring.read(leave(ReadKey(kid))), Err(KeyFault::Damaged)));
}

#[tokio::test]
async fn a_lost_object_is_reported_and_its_record_kept() {
    let bench = Bench::new().await;
    let (kept, lost): (Kid, Kid) =
        (bench.create(KeyType::Secp256r1).await, bench.create(KeyType::Aes256).await);
    let public = bench.import(1).await;
    bench.token.lose(lost);
    let bench = bench.restart().await;
    assert_eq!(bench.recovery.missing, [lost]);
    assert_eq!(bench.listed(), [kept, lost, public]);
    bench.keyring.delete(delete(lost)).await.unwrap();
    assert_eq!(bench.listed(), [kept, public]);
}
